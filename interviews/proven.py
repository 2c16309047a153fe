"""What passed interviews have proven in single competencies: reused by projects while it lasts.

The best proof that is still valid counts, as for skills: a later interview that shows less takes
nothing away. A proof counts where the bank is asked that it was shown on: what was shown on the own
bank of an organisation counts for those projects of it that ask from this bank, and nowhere else,
and what was shown in a field does not stand in for an organisation's own questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts.models import Organisation
from core import formats
from experts import skills
from experts.fields import Field
from interviews import banks, kept, scoring, templates
from interviews.items import Bank
from interviews.models import Interview
from interviews.scoring import Scorecard
from interviews.template_models import CompetencyProof

VALID_FOR = skills.VALID_FOR
MONTH = timedelta(days=365) / 12


@dataclass(frozen=True)
class Shown:
    """A proof as a page shows it; `whose` names the organisation whose own bank it was shown on."""

    field: Field
    words: str
    proof: CompetencyProof
    whose: str = ""


def write(
    session: Session, interview: Interview, bank: Bank, card: Scorecard, at: datetime
) -> list[CompetencyProof]:
    """Keep what a passed interview has shown at its floors and above, once; return all of it."""
    own = templates.own_bank_id(session, interview)
    rows = [
        {
            "expert_id": interview.expert_id,
            "field": interview.field,
            "competency": key,
            "level": level.share,
            "low": min(level.low, level.share),
            "high": max(level.high, level.share),
            "interview_id": interview.key,
            "edition": interview.edition,
            "bank_id": own,
            "rule": interview.decided_rule or bank.rule.name,
            "proven_at": at,
            "expires_at": at + VALID_FOR,
        }
        for key, level in card.competencies.items()
        if not scoring.below(level, bank.rule.floor_of(key))
    ]
    if rows:
        session.execute(insert(CompetencyProof).values(rows).on_conflict_do_nothing())
    return list(session.exec(select(CompetencyProof).where(_of(interview.key))).all())


def held(
    session: Session, expert_id: int, field: Field, at: datetime
) -> dict[str, CompetencyProof]:
    """Return the best valid proof in each competency of a field's own bank."""
    return best(valid(session, expert_id, field, at, bank_id=None))


def best(found: Sequence[CompetencyProof]) -> dict[str, CompetencyProof]:
    """Return the first proof of each competency; the best come first."""
    first: dict[str, CompetencyProof] = {}
    for proof in found:
        first.setdefault(proof.competency, proof)
    return first


def valid(
    session: Session, expert_id: int, field: Field, at: datetime, *, bank_id: int | None
) -> Sequence[CompetencyProof]:
    """Return the proofs of a bank that count now, the best first, and of equal ones the last.

    `bank_id` names an organisation's own bank; None is the bank of the field.
    """
    return session.exec(
        _valid(expert_id, at).where(
            CompetencyProof.field == field, col(CompetencyProof.bank_id) == bank_id
        )
    ).all()


def last(
    session: Session, expert_id: int, field: Field, *, bank_id: int | None
) -> dict[str, CompetencyProof]:
    """Return the last proof of each competency that was not revoked, whether or not it counts."""
    query = select(CompetencyProof).where(
        CompetencyProof.expert_id == expert_id,
        CompetencyProof.field == field,
        col(CompetencyProof.bank_id) == bank_id,
        col(CompetencyProof.revoked_at).is_(None),
    )
    return best(session.exec(query.order_by(col(CompetencyProof.proven_at).desc())).all())


def shown(session: Session, expert_id: int, at: datetime) -> list[Shown]:
    """Return the best valid proof in each competency, in words, by field."""
    first: dict[tuple[Field, int | None, str], CompetencyProof] = {}
    for proof in session.exec(_valid(expert_id, at)):
        first.setdefault((proof.field, proof.bank_id, proof.competency), proof)
    found = [
        Shown(proof.field, name(session, proof), proof, _whose(session, proof))
        for proof in first.values()
    ]
    return sorted(found, key=lambda one: (one.field, one.whose, one.words))


def name(session: Session, proof: CompetencyProof) -> str:
    """Return what a competency is called: as the bank has it now, or as it was shown."""
    bank = banks.current(session, proof.field) if proof.bank_id is None else None
    if bank is None or proof.competency not in bank.competencies:
        bank = kept.by_digest(session, proof.edition)
    return bank.competencies[proof.competency].label.in_(formats.locale().language)


def fresh_since(at: datetime, months: int) -> datetime:
    """Return since when a proof has to be, to be so many months old at most."""
    return at - MONTH * months


def until(proof: CompetencyProof, months: int) -> datetime:
    """Return how long a proof counts where it may be so many months old at most."""
    return min(proof.expires_at, proof.proven_at + MONTH * months)


def any_of(session: Session, interview_id: int) -> bool:
    """Return whether an interview proved a competency that still counts."""
    query = select(CompetencyProof.id).where(
        _of(interview_id), col(CompetencyProof.revoked_at).is_(None)
    )
    return session.exec(query).first() is not None


def _of(interview_id: int) -> bool:
    return CompetencyProof.interview_id == interview_id


def _valid(expert_id: int, at: datetime) -> SelectOfScalar[CompetencyProof]:
    best_first = (col(CompetencyProof.level).desc(), col(CompetencyProof.proven_at).desc())
    return (
        select(CompetencyProof)
        .where(
            CompetencyProof.expert_id == expert_id,
            col(CompetencyProof.proven_at) <= at,
            col(CompetencyProof.expires_at) > at,
            col(CompetencyProof.revoked_at).is_(None),
        )
        .order_by(*best_first)
    )


def _whose(session: Session, proof: CompetencyProof) -> str:
    if proof.bank_id is None:
        return ""
    organisation_id = banks.own_by_id(session, proof.bank_id).draft.organisation_id
    return session.get_one(Organisation, organisation_id).name
