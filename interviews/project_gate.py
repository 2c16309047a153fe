"""The gate of a project: nobody is let in who lacks what its template asks (`projects.entry`)."""

from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from core import formats
from interviews import qualification, templates
from interviews.project_standing import CannotBeAsked, CompetencyMissing
from interviews.qualification import Look
from projects.entry import Asked, MoreToShow
from projects.models import Project, id_of


def refusal(session: Session, project: Project, expert_id: int, at: datetime) -> MoreToShow | None:
    """Return which competency is missing, if any; who is in stays in while it lasts."""
    found = qualification.look(session, project, expert_id, at)
    held_up = found is None and templates.is_held_up(session, project)
    if (found is None or found.is_met) and not held_up:
        return None
    if qualification.in_force(session, id_of(project), expert_id, at) is not None:
        return None
    return CompetencyMissing(lacking=named(found)) if found else CannotBeAsked()


def admit(session: Session, project: Project, expert_id: int, at: datetime) -> None:
    """Note the proofs by which somebody is let in, or raise what is missing."""
    refused = refusal(session, project, expert_id, at)
    if refused is not None:
        raise refused
    found = qualification.look(session, project, expert_id, at)
    held = qualification.in_force(session, id_of(project), expert_id, at)
    if found is not None and held is None:
        qualification.by_proofs(session, project, expert_id, found, at)


def asked(session: Session, project: Project, expert_id: int, at: datetime) -> Asked | None:
    """Say what is asked beyond the proof in the field, and lead to its page."""
    found = qualification.look(session, project, expert_id, at)
    url = url_for("project_interview.of_expert", project_id=project.id)
    if found is None:
        return _held_up(session, project, expert_id, url, at)
    if found.is_met or qualification.in_force(session, id_of(project), expert_id, at):
        words = _("This project asks for more than the proof in its field, and you have it all.")
        return Asked(True, words, _("See what is asked, and what you have"), url)
    bank = found.asked
    words = ngettext(
        "This project asks for more than the proof in its field. An interview of %(least)s to"
        " %(most)s minutes asks for the competency that you have yet to show: %(names)s.",
        "This project asks for more than the proof in its field. An interview of %(least)s to"
        " %(most)s minutes asks for the %(num)s competencies that you have yet to show: %(names)s.",
        len(found.missing),
        least=bank.minutes(bank.questions_least),
        most=bank.minutes(bank.questions),
        names=named(found),
    )
    return Asked(False, words, _("See what is asked, and start"), url)


def _held_up(
    session: Session, project: Project, expert_id: int, url: str, at: datetime
) -> Asked | None:
    if not templates.is_held_up(session, project):
        return None
    if qualification.in_force(session, id_of(project), expert_id, at):
        return None
    return Asked(False, CannotBeAsked().words, _("See what is asked"), url)


def named(found: Look) -> str:
    """Name what is missing."""
    language = formats.locale().language
    return ", ".join(found.bank.competencies[key].label.in_(language) for key in found.missing)
