"""Who has what a project asks: by proofs that are still valid, or by an interview for the rest.

One question, asked wherever it matters: `look` says what is there and what is missing; `standing`
adds whether somebody is in already. Whoever qualified stays so until the day it was good for,
whatever the project asks later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, cast, func, literal
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Session, col, select

from core import audit
from experts.models import Skill
from interviews import proven, templates, terms
from interviews.items import Bank
from interviews.models import Interview
from interviews.template_models import (
    Basis,
    CompetencyProof,
    InterviewTemplate,
    ProjectQualification,
)
from interviews.terms import Part, Terms
from projects import matching
from projects.models import Answer, Invitation, Project, id_of


@dataclass(frozen=True)
class Look:
    """What a project asks of an expert, what of it is proven, and what is missing."""

    template: InterviewTemplate
    terms: Terms
    bank: Bank
    held: dict[str, CompetencyProof]
    missing: list[str]

    @property
    def is_met(self) -> bool:
        """Whether everything is proven."""
        return not self.missing

    @property
    def reused(self) -> list[CompetencyProof]:
        """The proofs that count, so that nothing is asked in their competencies."""
        return [
            self.held[key]
            for key in self.bank.competencies
            if key in self.terms.weights and key not in self.missing
        ]

    @property
    def part(self) -> Part:
        """What an interview would ask; at least one competency is missing."""
        levels = {proof.competency: proof.level for proof in self.reused}
        ids = [proof.id or 0 for proof in self.reused]
        return terms.part_of(self.terms, levels, self.missing, ids)

    @property
    def asked(self) -> Bank:
        """The bank of the interview that asks what is missing."""
        return templates.applied(self.template, self.bank, self.part)


def look(session: Session, project: Project, expert_id: int, at: datetime) -> Look | None:
    """Return what a project asks of somebody; None where the proof in its field is enough.

    None also while it cannot be asked at all (`templates.is_held_up`).
    """
    asked = templates.asked_by(session, project)
    if asked is None:
        return None
    template, wanted, bank = asked
    since = proven.fresh_since(at, wanted.reuse_months)
    asked_of = proven.valid(session, expert_id, project.field, at, bank_id=template.bank_id)
    valid = [one for one in asked_of if one.proven_at > since]
    held = proven.best(valid)
    levels = {key: proof.level for key, proof in held.items() if key in wanted.weights}
    covered = _covered(session, valid) if wanted.must_cover else frozenset()
    return Look(template, wanted, bank, held, terms.missing(wanted, levels, covered, bank))


def in_force(
    session: Session, project_id: int, expert_id: int, at: datetime
) -> ProjectQualification | None:
    """Return the qualification that lasts longest, by whatever version of the template."""
    query = select(ProjectQualification).where(
        ProjectQualification.project_id == project_id,
        ProjectQualification.expert_id == expert_id,
        col(ProjectQualification.expires_at) > at,
    )
    last = col(ProjectQualification.expires_at).desc()
    return session.exec(query.order_by(last).limit(1)).first()


def by_proofs(
    session: Session, project: Project, expert_id: int, found: Look, at: datetime
) -> None:
    """Note that somebody qualifies by what they had proven before; once for the same proofs."""
    ids = sorted(proof.id or 0 for proof in found.reused)
    values = {
        "project_id": id_of(project),
        "expert_id": expert_id,
        "template_id": found.template.id,
        "basis": Basis.PROOFS,
        "reference": f"template:{found.template.id}:proofs:{','.join(map(str, ids))}",
    }
    _write(session, values, found.reused, found.terms.reuse_months, at)


def by_interview(
    session: Session, interview: Interview, written: Sequence[CompetencyProof], at: datetime
) -> ProjectQualification | None:
    """Note that a passed interview qualifies for its project; nothing for one in a field."""
    if interview.project_id is None:
        return None
    template = session.get_one(InterviewTemplate, interview.template_id)
    part, wanted = Part.model_validate(interview.part), templates.read(template)
    before = [session.get_one(CompetencyProof, one) for one in part.proofs]
    values = {
        "project_id": interview.project_id,
        "expert_id": interview.expert_id,
        "template_id": template.id,
        "basis": Basis.INTERVIEW,
        "interview_id": interview.id,
        "reference": f"interview:{interview.id}",
    }
    return _write(session, values, [*before, *written], wanted.reuse_months, at)


def keep_members(
    session: Session, project: Project, template: InterviewTemplate, at: datetime
) -> int:
    """Let those who take part stay, as long as their proof in the field lasts; return how many.

    They joined on other terms: what a project asks later is asked of those who come later.
    """
    until = func.max(col(Skill.expires_at))
    members = (
        select_columns(
            literal(id_of(project)),
            col(Invitation.expert_id),
            literal(template.id),
            literal(str(Basis.JOINED)),
            cast("[]", JSONB),
            cast("{}", JSONB),
            literal(f"template:{template.id}:joined"),
            literal(at),
            until,
        )
        .join(Skill, col(Skill.expert_id) == col(Invitation.expert_id))
        .where(
            col(Invitation.project_id) == project.id,
            col(Invitation.state) == Answer.ACCEPTED,
            col(Skill.field) == project.field,
            col(Skill.expires_at) > at,
        )
        .group_by(col(Invitation.expert_id))
    )
    columns = [
        "project_id",
        "expert_id",
        "template_id",
        "basis",
        "proofs",
        "levels",
        "reference",
        "qualified_at",
        "expires_at",
    ]
    made = session.execute(
        insert(ProjectQualification)
        .from_select(columns, members)
        .on_conflict_do_nothing()
        .returning(col(ProjectQualification.id))
    )
    return len(made.all())


def count(session: Session, project_id: int, at: datetime) -> int:
    """Return how many experts are qualified now."""
    query = select(func.count(func.distinct(col(ProjectQualification.expert_id)))).where(
        ProjectQualification.project_id == project_id,
        col(ProjectQualification.expires_at) > at,
    )
    return session.exec(query).one()


def would_qualify(
    session: Session,
    project: Project,
    wanted: Terms,
    at: datetime,
    *,
    bank_id: int | None = None,
) -> int:
    """Return how many of the experts who match and were not invited yet have all of this."""
    since = proven.fresh_since(at, wanted.reuse_months)
    proof = CompetencyProof
    counts = (
        proof.field == project.field,
        col(proof.bank_id) == bank_id,
        col(proof.proven_at) > since,
        col(proof.expires_at) > at,
        col(proof.revoked_at).is_(None),
    )
    floor = case(wanted.floors, value=col(proof.competency))
    weight = case({key: float(one) for key, one in wanted.weights.items()}, value=proof.competency)
    best = (
        select(
            col(proof.expert_id).label("expert_id"),
            col(proof.competency).label("competency"),
            (func.max(col(proof.level)) * func.max(weight)).label("counts"),
        )
        .where(
            *counts,
            col(proof.expert_id).in_(matching.ids(project, at)),
            col(proof.competency).in_(wanted.weights),
            col(proof.level) >= floor,
        )
        .group_by(col(proof.expert_id), col(proof.competency))
        .subquery()
    )
    whole = (
        select(best.c.expert_id)
        .group_by(best.c.expert_id)
        .having(
            func.count() == len(wanted.weights),
            func.sum(best.c.counts) >= (wanted.pass_mark - terms.TINY) * wanted.whole,
        )
    )
    for item in wanted.must_cover:
        had = (
            select(literal(1))
            .select_from(proof)
            .join(Interview, col(Interview.id) == col(proof.interview_id))
            .where(
                *counts,
                col(proof.expert_id) == best.c.expert_id,
                col(Interview.plan).contains([{"item": item}]),
            )
        )
        whole = whole.where(had.exists())
    return int(session.execute(select(func.count()).select_from(whole.subquery())).scalar_one())


def _covered(session: Session, held: Any) -> frozenset[str]:
    """Return the items that were asked in the interviews behind proofs, the best or not."""
    ids = {proof.interview_id for proof in held}
    plans = session.exec(select(Interview.plan).where(col(Interview.id).in_(ids)))
    return frozenset(step["item"] for plan in plans for step in plan)


def _write(
    session: Session,
    values: dict[str, Any],
    used: Sequence[CompetencyProof],
    months: int,
    at: datetime,
) -> ProjectQualification | None:
    ends = [proven.until(one, months) for one in used]
    # A person may let somebody pass with less than the floors, so that there is no proof of it.
    until = min(ends, default=at + proven.VALID_FOR)
    made = session.execute(
        insert(ProjectQualification)
        .values(
            **values,
            proofs=sorted(one.id or 0 for one in used),
            levels={one.competency: round(one.level, 4) for one in used},
            qualified_at=at,
            # What was reused may have run out while the interview went on: it was promised.
            expires_at=until if until > at else at + proven.MONTH,
        )
        .on_conflict_do_nothing()
        .returning(col(ProjectQualification.id))
    ).scalar()
    if made is None:
        return None
    audit.record(
        session,
        "project.qualified",
        by=None,
        subject=f"project:{values['project_id']}",
        details={key: values[key] for key in ("expert_id", "basis", "template_id")},
    )
    return session.get_one(ProjectQualification, made)
