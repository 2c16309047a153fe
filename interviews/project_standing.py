"""Where an expert stands with the interview of a project: what is asked, and from when."""

from datetime import datetime

from sqlmodel import Session

from core.errors import Conflict
from interviews import qualification, standing, templates
from interviews.items import Bank
from interviews.models import Interview
from interviews.qualification import Look
from interviews.standing import Standing
from projects.entry import MoreToShow
from projects.models import Project, State, id_of


class NothingAsked(Conflict):
    """This project asks for no interview beyond the proof in its field."""


class NothingMissing(Conflict):
    """You have proven all that this project asks for, so there is nothing to be asked."""


class CompetencyMissing(MoreToShow):
    """This project asks for more than the proof in its field. You have yet to show: %(lacking)s.

    Its interview asks only for that. You find it on the page of your invitation.
    """


class CannotBeAsked(MoreToShow):
    """This project asks for more than the proof in its field, and cannot ask it at the moment.

    Its questions are out of use. Nothing is held against you, and there is nothing you have to do:
    the owner knows, and decides how it goes on.
    """


class NotNow(Conflict):
    """The project takes nobody in at the moment: it is paused or completed."""


def of(session: Session, expert_id: int, project: Project, at: datetime) -> Standing:
    """Return where an expert stands; raises what stands against an interview from the project.

    An interview that is under way goes on, whatever the project asks since.
    """
    under_way = _under_way(session, expert_id, project, at)
    if under_way is not None:
        return under_way
    found = qualification.look(session, project, expert_id, at)
    if found is None:
        raise CannotBeAsked if templates.is_held_up(session, project) else NothingAsked
    if found.is_met:
        raise NothingMissing
    if project.state is not State.OPEN:
        raise NotNow
    return for_look(session, expert_id, project, found, at)


def for_look(
    session: Session, expert_id: int, project: Project, found: Look, at: datetime
) -> Standing:
    """Return where an expert stands with what is missing."""
    return standing.asked(
        session,
        expert_id,
        project.field,
        at,
        bank=found.bank if found.is_met else found.asked,
        template=found.template,
        project_id=id_of(project),
    )


def _under_way(session: Session, expert_id: int, project: Project, at: datetime) -> Standing | None:
    shown = standing.asked(
        session,
        expert_id,
        project.field,
        at,
        bank=None,
        template=templates.of_project(session, id_of(project)),
        project_id=id_of(project),
    )
    return shown if shown.active is not None else None


def shown(
    session: Session, expert_id: int, project: Project, found: Look | None, at: datetime
) -> Standing | None:
    """Return where an expert stands, for a page; nothing where nothing is asked or begun."""
    under_way = _under_way(session, expert_id, project, at)
    if under_way is not None or found is None:
        return under_way
    return for_look(session, expert_id, project, found, at)


def after(session: Session, interview: Interview, bank: Bank, at: datetime) -> Standing:
    """Return where somebody stands after an interview, by the policy that it began with."""
    if interview.project_id is None:
        return standing.of(session, interview.expert_id, interview.field, at)
    return standing.asked(
        session,
        interview.expert_id,
        interview.field,
        at,
        bank=bank,
        template=None,
        project_id=interview.project_id,
    )
