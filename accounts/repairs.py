"""What packages know of their decisions: how one is changed, what a second look sees, its force.

A package says so in its `trust.py`: `REPAIRS` by kind undo what the decision did, `LOOKS` by kind
return what else whoever looks again should see, `MADE_GOOD` by kind, where there is more to say,
what the person has now, and `IN_FORCE` by kind, where a decision can end by itself, whether it
still holds. The app brings them together.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from types import ModuleType

from flask import Flask, current_app
from markupsafe import Markup
from sqlmodel import Session

from accounts.models import Decision, DecisionKind, User

Repair = Callable[[Session, Decision, User, datetime], None]
Look = Callable[[Session, Decision], Markup]
MadeGood = Callable[[Session, Decision], str]
Force = Callable[[Session, Decision], bool]


def init_app(app: Flask, modules: Iterable[ModuleType]) -> None:
    """Tell an app what repairs and looks there are."""
    listed = list(modules)
    app.extensions["doyen.repairs"] = {k: v for one in listed for k, v in one.REPAIRS.items()}
    app.extensions["doyen.looks"] = {k: v for one in listed for k, v in one.LOOKS.items()}
    app.extensions["doyen.made_good"] = {
        k: v for one in listed for k, v in getattr(one, "MADE_GOOD", {}).items()
    }
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


def made_good(session: Session, decision: Decision) -> str:
    """Return what a changed decision has brought the person, where a package says so."""
    found: dict[DecisionKind, MadeGood] = current_app.extensions["doyen.made_good"]
    says = found.get(decision.kind)
    return says(session, decision) if says else ""


def is_in_force(session: Session, decision: Decision) -> bool:
    """Return whether what a decision did still holds."""
    found: dict[DecisionKind, Force] = current_app.extensions["doyen.in_force"]
    holds = found.get(decision.kind)
    return holds(session, decision) if holds else True
