"""What the pages say of a project's interview: what is asked, what of it is there, what is not."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask import url_for
from sqlmodel import Session, col, select

from accounts.models import Organisation
from core import formats
from core.errors import NotFound
from interviews import banks, proven, template_words
from interviews.items import Bank
from interviews.models import Interview
from interviews.qualification import Look
from interviews.template_models import (
    CompetencyProof,
    InterviewTemplate,
    ProjectQualification,
)
from interviews.terms import Applied
from projects.models import Answer, Invitation, Project, id_of


class Have(StrEnum):
    """How a competency stands that a project asks for."""

    HELD = "held"
    OLD = "old"
    BELOW = "below"
    UNCOVERED = "uncovered"
    NEVER = "never"


@dataclass(frozen=True)
class Line:
    """A competency that a project asks for, and what its expert has of it."""

    words: str
    about: str
    weight: int
    floor: float
    proof: CompetencyProof | None
    until: datetime | None
    have: Have


@dataclass(frozen=True)
class Reused:
    """A competency that was proven before an interview, so that it was not asked."""

    words: str
    level: float
    until: datetime


@dataclass(frozen=True)
class ForProject:
    """What a result page says of the project that an interview was for.

    `whose` names the organisation whose own questions were asked, if they were. Nothing is proven
    where a person let somebody pass below the floors: that counts for this project alone.
    """

    title: str
    url: str
    qualification: ProjectQualification | None
    is_proven: bool
    beside: list[str]
    reused: list[Reused]
    whose: str = ""


def project_of(session: Session, project_id: int | None, expert_id: int) -> Project:
    """Return a project that an expert was invited to; there is no other for them."""
    invited = session.exec(
        select(Invitation.id).where(
            Invitation.project_id == project_id,
            Invitation.expert_id == expert_id,
            Invitation.state != Answer.WITHDRAWN,
        )
    ).first()
    project = session.get(Project, project_id) if invited is not None else None
    if project is None:
        raise NotFound
    return project


def invitation_of(session: Session, project: Project, expert_id: int) -> Invitation:
    """Return the invitation of an expert to a project."""
    query = select(Invitation).where(
        Invitation.project_id == project.id, Invitation.expert_id == expert_id
    )
    return session.exec(query).one()


def lines(session: Session, found: Look, expert_id: int) -> list[Line]:
    """Return the competencies that are asked of an expert, in the order of the bank."""
    of_field, own = found.bank.field, found.template.bank_id
    last = proven.last(session, expert_id, of_field, bank_id=own)
    asked = [key for key in found.bank.competencies if key in found.terms.weights]
    return [_line(found, key, last.get(key)) for key in asked]


def of_interview(session: Session, interview: Interview, bank: Bank) -> ForProject | None:
    """Say for which project an interview was; nothing for one in a field."""
    if interview.project_id is None:
        return None
    project = session.get_one(Project, interview.project_id)
    query = select(ProjectQualification).where(ProjectQualification.interview_id == interview.id)
    return ForProject(
        title=project.title,
        url=url_for("project_interview.of_expert", project_id=id_of(project)),
        qualification=session.exec(query.order_by(col(ProjectQualification.id))).first(),
        is_proven=proven.any_of(session, interview.key),
        beside=template_words.beside(bank),
        reused=_reused(session, bank),
        whose=whose(session, session.get_one(InterviewTemplate, interview.template_id)),
    )


def whose(session: Session, template: InterviewTemplate) -> str:
    """Return the name of the organisation whose own questions a template asks, if it does."""
    if template.bank_id is None:
        return ""
    draft = banks.own_by_id(session, template.bank_id).draft
    return session.get_one(Organisation, draft.organisation_id).name


def _reused(session: Session, bank: Bank) -> list[Reused]:
    if not isinstance(bank, Applied):
        return []
    language, months = formats.locale().language, bank.terms.reuse_months
    proofs = [session.get_one(CompetencyProof, one) for one in bank.part.proofs]
    return [
        Reused(bank.called[one.competency].in_(language), one.level, proven.until(one, months))
        for one in proofs
    ]


def _line(found: Look, key: str, last: CompetencyProof | None) -> Line:
    language = formats.locale().language
    proof, floor = found.held.get(key), found.terms.floors[key]
    competency = found.bank.competencies[key]
    if key not in found.missing:
        have = Have.HELD
    elif proof is None:
        # Whatever was shown before counts no longer, or not for a project that asks for fresher.
        proof, have = last, Have.OLD if last else Have.NEVER
    elif proof.level < max(floor, found.terms.pass_mark):
        have = Have.BELOW
    else:
        have = Have.UNCOVERED
    return Line(
        words=competency.label.in_(language),
        about=competency.about.in_(language),
        weight=found.terms.weights[key],
        floor=floor,
        proof=proof,
        until=proven.until(proof, found.terms.reuse_months) if proof else None,
        have=have,
    )
