"""What packages know of their decisions: how one is changed, what a second look sees, its force.

A package says so in its `trust.py`: `REPAIRS` by kind undo what the decision did, and `LOOKS` by
kind return what else whoever looks again should see, and `IN_FORCE` by kind, where a decision
can end by itself, tell whether it still holds. The app brings them together.
"""

from collections.abc import Callable, Iterable
from types import ModuleType

from flask import Flask, current_app
from markupsafe import Markup
from sqlmodel import Session

from accounts.appeals import Repair
from accounts.models import Decision, DecisionKind

Look = Callable[[Session, Decision], Markup]
Force = Callable[[Session, Decision], bool]


def init_app(app: Flask, modules: Iterable[ModuleType]) -> None:
    """Tell an app what repairs and looks there are."""
    listed = list(modules)
    app.extensions["doyen.repairs"] = {k: v for one in listed for k, v in one.REPAIRS.items()}
    app.extensions["doyen.looks"] = {k: v for one in listed for k, v in one.LOOKS.items()}
    app.extensions["doyen.in_force"] = {k: v for one in listed for k, v in one.IN_FORCE.items()}


def of_app() -> dict[DecisionKind, Repair]:
    """Return the repairs of the running app."""
    found: dict[DecisionKind, Repair] = current_app.extensions["doyen.repairs"]
    return found


def look(session: Session, decision: Decision) -> Markup:
    """Return what a second look at a decision shows beside its reasons."""
    found: dict[DecisionKind, Look] = current_app.extensions["doyen.looks"]
    show = found.get(decision.kind)
    return show(session, decision) if show else Markup("")


def is_in_force(session: Session, decision: Decision) -> bool:
    """Return whether what a decision did still holds."""
    found: dict[DecisionKind, Force] = current_app.extensions["doyen.in_force"]
    holds = found.get(decision.kind)
    return holds(session, decision) if holds else True
