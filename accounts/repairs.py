"""What each package does when a decision of its kind is changed, and what a second look sees.

A package says so in its `trust.py`: `REPAIRS` by kind undo what the decision did, `LOOKS` by kind
return what else whoever looks again should see, and where there is more to say `MADE_GOOD` by kind
return what the person has now. The app brings them together.
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


def init_app(app: Flask, modules: Iterable[ModuleType]) -> None:
    """Tell an app what repairs and looks there are."""
    listed = list(modules)
    app.extensions["doyen.repairs"] = {k: v for one in listed for k, v in one.REPAIRS.items()}
    app.extensions["doyen.looks"] = {k: v for one in listed for k, v in one.LOOKS.items()}
    app.extensions["doyen.made_good"] = {
        k: v for one in listed for k, v in getattr(one, "MADE_GOOD", {}).items()
    }


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
