"""What the pages say of a project's interview: what is asked, what of it is there, what is not."""

from dataclasses import dataclass
from enum import StrEnum

from flask import url_for
from sqlmodel import Session, col, select

from accounts.models import Organisation
from core import formats
from core.errors import NotFound
from interviews import banks, template_words
from interviews.items import Bank
from interviews.models import Interview
from interviews.qualification import Look
from interviews.template_models import (
    CompetencyProof,
    InterviewTemplate,
    ProjectQualification,
)
from projects.models import Answer, Invitation, Project, id_of


class Have(StrEnum):
    """How a competency stands that a project asks for."""

    HELD = "held"
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
    have: Have


@dataclass(frozen=True)
class ForProject:
    """What a result page says of the project that an interview was for.

    `whose` names the organisation whose own questions were asked, if they were.
    """

    title: str
    url: str
    qualification: ProjectQualification | None
    beside: list[str]
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


def lines(found: Look) -> list[Line]:
    """Return the competencies that are asked, in the order of the bank."""
    return [_line(found, key) for key in found.bank.competencies if key in found.terms.weights]


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
        beside=template_words.beside(bank),
        whose=whose(session, session.get_one(InterviewTemplate, interview.template_id)),
    )


def whose(session: Session, template: InterviewTemplate) -> str:
    """Return the name of the organisation whose own questions a template asks, if it does."""
    if template.bank_id is None:
        return ""
    draft = banks.own_by_id(session, template.bank_id).draft
    return session.get_one(Organisation, draft.organisation_id).name


def _line(found: Look, key: str) -> Line:
    language = formats.locale().language
    proof, floor = found.held.get(key), found.terms.floors[key]
    competency = found.bank.competencies[key]
    if key not in found.missing:
        have = Have.HELD
    elif proof is None:
        have = Have.NEVER
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
        have=have,
    )
