"""What a project asks of experts beyond the proof in its field, before they take part.

Interviews stand to the right of this package: they say it in their `project_gate.py`, and the app
brings it here. One gate, asked wherever somebody says yes to a project or takes a task of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from flask import current_app
from sqlmodel import Session

from core.errors import Conflict
from projects.models import Project


class MoreToShow(Conflict):
    """This project asks for more than the proof in its field, and something is yet to be shown."""


@dataclass(frozen=True)
class Asked:
    """What a project asks of somebody, in words, and the page where it is shown or done."""

    is_met: bool
    words: str
    link: str
    url: str


class Gate(Protocol):
    """A module that may keep somebody from a project until something is shown."""

    def refusal(
        self, session: Session, project: Project, expert_id: int, at: datetime
    ) -> MoreToShow | None:
        """Return what stands against somebody, in words; changes nothing."""

    def admit(self, session: Session, project: Project, expert_id: int, at: datetime) -> None:
        """Note on what somebody is let in, or raise what stands against it."""

    def asked(
        self, session: Session, project: Project, expert_id: int, at: datetime
    ) -> Asked | None:
        """Return what is asked beyond the proof in the field, if anything."""


def init_app(app: Any, gates: Iterable[Any]) -> None:
    """Tell an app which modules are gates; each is a `Gate`."""
    app.extensions["doyen.entry"] = list(gates)


def refusal(session: Session, project: Project, expert_id: int, at: datetime) -> MoreToShow | None:
    """Return what keeps somebody from the tasks of a project, if anything does."""
    found = (gate.refusal(session, project, expert_id, at) for gate in _gates())
    return next((one for one in found if one is not None), None)


def admit(session: Session, project: Project, expert_id: int, at: datetime) -> None:
    """Let somebody in, or raise what keeps them out."""
    for gate in _gates():
        gate.admit(session, project, expert_id, at)


def asked(session: Session, project: Project, expert_id: int, at: datetime) -> list[Asked]:
    """Return all that is asked of somebody beyond the proof in the field."""
    found = (gate.asked(session, project, expert_id, at) for gate in _gates())
    return [one for one in found if one is not None]


def _gates() -> list[Gate]:
    found: list[Gate] = current_app.extensions.get("doyen.entry", [])
    return found
