"""The project that an interview is begun for, where the page before it names one."""

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_login import current_user

from core.db import db_session
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


def of(form: StartForm) -> Project | None:
    """Return the project that a form names; one that its person was not invited to is none."""
    named = (form.project.data or "").strip()
    if not named:
        return None
    if not (named.isascii() and named.isdecimal() and len(named) < 10):
        raise NotFound
    project = project_view.project_of(db_session(), int(named), current_user.id)
    if form.field.data and project.field != form.field.data:
        raise NotFound
    return project


def look(form: StartForm, at: datetime) -> Chosen | None:
    """Return what the project asks of its person, and where they stand with it."""
    project = of(form)
    if project is None:
        return None
    session, me = db_session(), current_user.id
    found = qualification.look(session, project, me, at)
    try:
        here = project_standing.of(session, me, project, at)
    except Conflict:
        here = None  # nothing is asked, or nothing is missing: its own page says which
    return Chosen(
        project=project,
        here=here,
        lines=project_view.lines(found) if found else [],
        whole=found.terms.whole if found else 0,
        url=url_for("project_interview.of_expert", project_id=id_of(project)),
    )


def all_of(field: Field) -> str:
    """Return the address of the interviews in a field."""
    return url_for("interviews.my_interviews", field=field.value)
