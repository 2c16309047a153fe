"""The project that an interview is begun for, where the page before it names one."""

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from sqlmodel import Session

from core.errors import Conflict, NotFound
from experts.fields import Field
from interviews import project_standing, project_view, qualification
from interviews.forms import StartForm
from interviews.project_view import Line
from interviews.standing import Standing
from projects.models import Project, id_of


@dataclass(frozen=True)
class Chosen:
    """What the page before an interview says of the project that it is for."""

    project: Project
    here: Standing | None
    lines: list[Line]
    whole: int
    url: str
    whose: str = ""


def of(session: Session, form: StartForm, expert_id: int) -> Project | None:
    """Return the project that a form names; one that its person was not invited to is none."""
    named = (form.project.data or "").strip()
    if not named:
        return None
    if not (named.isascii() and named.isdecimal() and len(named) < 10):
        raise NotFound
    project = project_view.project_of(session, int(named), expert_id)
    if form.field.data and project.field != form.field.data:
        raise NotFound
    return project


def look(session: Session, form: StartForm, expert_id: int, at: datetime) -> Chosen | None:
    """Return what the project asks of its person, and where they stand with it."""
    project = of(session, form, expert_id)
    if project is None:
        return None
    found = qualification.look(session, project, expert_id, at)
    try:
        here = project_standing.of(session, expert_id, project, at)
    except Conflict:
        here = None  # nothing is asked, or nothing is missing: its own page says which
    return Chosen(
        project=project,
        here=here,
        lines=project_view.lines(session, found, expert_id) if found else [],
        whole=found.terms.whole if found else 0,
        url=url_for("project_interview.of_expert", project_id=id_of(project)),
        whose=project_view.whose(session, found.template) if found else "",
    )


def all_of(field: Field) -> str:
    """Return the address of the interviews in a field."""
    return url_for("interviews.my_interviews", field=field.value)
