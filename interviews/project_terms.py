"""What an owner lets a project ask of experts, and what that comes to."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from accounts.models import User
from interviews import banks, qualification, templates, terms
from interviews.items import Bank
from interviews.template_models import InterviewTemplate
from interviews.terms import Part, Terms
from projects import matching
from projects.models import Project, State, id_of


@dataclass(frozen=True)
class Effects:
    """What some terms mean: how long it takes, and who of those who match has it all."""

    least: int
    most: int
    minutes_least: int
    minutes_most: int
    matching: int
    qualify: int


@dataclass(frozen=True)
class Said:
    """A version that counts from now on, and how many keep what they had."""

    template: InterviewTemplate | None
    is_new: bool
    kept: int


def ask(
    session: Session,
    project: Project,
    wanted: Terms | None,
    *,
    seen: int,
    by: User,
    at: datetime,
    own: bool = False,
) -> Said:
    """Let a project ask this from now on; nobody who is in has to leave for it.

    `own` asks from the bank of its organisation.
    """
    before = templates.of_project(session, id_of(project))
    made = templates.set_of_project(session, project, wanted, seen=seen, by=by, at=at, own=own)
    is_new = made is not None and (before is None or made.id != before.id)
    if is_new and made is not None and wanted is not None and not _asked_more(before):
        qualification.keep_members(session, project, made, at)
    kept = qualification.count(session, id_of(project), at) if is_new else 0
    return Said(made, is_new, kept)


def effects(session: Session, project: Project, wanted: Terms, bank: Bank, at: datetime) -> Effects:
    """Say what terms would mean if they were asked from now on, from this bank."""
    own = banks.owning(session, bank.digest)
    whole = terms.bounds(wanted, Part(asked=list(wanted.weights)), bank)
    asked = terms.applied(bank, wanted, code="PI-0", version=1)
    takes_people = project.state is not State.COMPLETED
    return Effects(
        least=whole.least,
        most=whole.most,
        minutes_least=asked.minutes(whole.least),
        minutes_most=asked.minutes(whole.most),
        matching=matching.count(session, project, at=at) if takes_people else 0,
        qualify=qualification.would_qualify(session, project, wanted, at, bank_id=own)
        if takes_people
        else 0,
    )


def _asked_more(template: InterviewTemplate | None) -> bool:
    return template is not None and template.content is not None
