"""What interviews add to the home of a project: that its bank lacks what it asks."""

from collections.abc import Callable

from flask import url_for
from flask_babel import gettext as _
from sqlmodel import Session

from accounts.models import User
from interviews import gaps
from projects.home import Figure, Need
from projects.models import Project, State, id_of


def _gap(session: Session, project: Project, _user: User) -> list[Need]:
    found = gaps.of_project(session, project) if project.state is not State.COMPLETED else None
    if found is None:
        return []
    words = _("The interview of this project lacks something")
    if found.is_held_up:
        words = _("The interview of this project cannot be asked, so nobody new is let in")
    note = " ".join([*found.lines, found.outcome])
    return [Need(words, note, url_for("project_interview.of_owner", project_id=id_of(project)))]


NEEDS: list[Callable[[Session, Project, User], list[Need]]] = [_gap]
FIGURES: list[Callable[[Session, Project], list[Figure]]] = []
