"""What passed interviews have proven in single competencies: reused by projects while it lasts.

The best proof that is still valid counts, as for skills: a later interview that shows less takes
nothing away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import formats
from experts import skills
from experts.fields import Field
from interviews import banks, scoring
from interviews.items import Bank
from interviews.models import Interview
from interviews.scoring import Scorecard
from interviews.template_models import CompetencyProof

VALID_FOR = skills.VALID_FOR
MONTH = timedelta(days=365) / 12


@dataclass(frozen=True)
class Shown:
    """A proof as a page shows it."""

    field: Field
    words: str
    proof: CompetencyProof


def write(
    session: Session, interview: Interview, bank: Bank, card: Scorecard, at: datetime
) -> list[CompetencyProof]:
    """Keep what a passed interview has shown at its floors and above, once; return all of it."""
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
    """Return the best valid proof in each competency of a field."""
    return best(valid(session, expert_id, field, at))


def best(found: Sequence[CompetencyProof]) -> dict[str, CompetencyProof]:
    """Return the first proof of each competency; the best come first."""
    first: dict[str, CompetencyProof] = {}
    for proof in found:
        first.setdefault(proof.competency, proof)
    return first


def valid(
    session: Session, expert_id: int, field: Field | None, at: datetime
) -> Sequence[CompetencyProof]:
    """Return the proofs that count now, the best first, and of equal ones the last."""
    query = select(CompetencyProof).where(
        CompetencyProof.expert_id == expert_id,
        col(CompetencyProof.proven_at) <= at,
        col(CompetencyProof.expires_at) > at,
        col(CompetencyProof.revoked_at).is_(None),
    )
    if field is not None:
        query = query.where(CompetencyProof.field == field)
    best_first = (col(CompetencyProof.level).desc(), col(CompetencyProof.proven_at).desc())
    return session.exec(query.order_by(*best_first)).all()


def shown(session: Session, expert_id: int, at: datetime) -> list[Shown]:
    """Return the best valid proof in each competency, in words, by field."""
    first: dict[tuple[Field, str], CompetencyProof] = {}
    for proof in valid(session, expert_id, None, at):
        first.setdefault((proof.field, proof.competency), proof)
    found = [
        Shown(field, name(session, field, key), proof) for (field, key), proof in first.items()
    ]
    return sorted(found, key=lambda one: (one.field, one.words))


def name(session: Session, field: Field, competency: str) -> str:
    """Return what a competency is called; its key where the bank has it no more."""
    bank = banks.current(session, field)
    known = bank.competencies.get(competency) if bank else None
    return known.label.in_(formats.locale().language) if known else competency


def fresh_since(at: datetime, months: int) -> datetime:
    """Return since when a proof has to be, to be so many months old at most."""
    return at - MONTH * months


def _of(interview_id: int) -> bool:
    return CompetencyProof.interview_id == interview_id
