"""Rows of decisions and appeals."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts import appeals
from accounts.appeals import Answer, Asked
from accounts.models import Appeal, AppealGround, AppealOutcome, Decision, User
from core.clock import now
from tests.factories.annotation import Assignment, Desk, State, make_assignment

WORDS = "The guidelines call this a grant, see their second sentence."
REPLY = "You are right, and the guidelines say so."


def make_refused(session: Session, desk: Desk, **changes: Any) -> Assignment:
    """Make work of the first expert that was refused, with its decision."""
    values = {"expert": desk.experts[0], "state": State.REJECTED}
    return make_assignment(session, desk.project, **(values | changes))


def decision_of(session: Session, lease: Any) -> Decision:
    """Return the decision that a state names."""
    return session.get_one(Decision, lease.decision_id)


def contest(session: Session, decision: Decision, words: str = WORDS, **changes: Any) -> Appeal:
    """Contest a decision."""
    asked = Asked(AppealGround.RULE, words, changes.pop("upload_ids", ()))
    values: dict[str, Any] = {"answer_within": timedelta(days=14), "at": now()}
    return appeals.file(session, decision, asked, **(values | changes))


def changed(words: str = REPLY) -> Answer:
    """Return the answer that changes a decision."""
    return Answer(AppealOutcome.CHANGED, words)


def stands(words: str = REPLY) -> Answer:
    """Return the answer that lets a decision stand."""
    return Answer(AppealOutcome.STANDS, words)


def answer(session: Session, app: Any, appeal: Appeal, given: Answer, by: User) -> None:
    """Answer an appeal with the repairs of the app."""
    repairs = app.extensions["doyen.repairs"]
    appeals.answer(session, appeal, given, repairs=repairs, by=by, at=now())
