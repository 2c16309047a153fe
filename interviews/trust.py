"""What interviews do when a result is changed, and what a second look sees."""

from datetime import datetime

from flask import render_template
from markupsafe import Markup
from sqlmodel import Session

from accounts.models import Decision, DecisionKind, User
from accounts.repairs import Force
from core import formats
from interviews import editions, outcome, results
from interviews.models import Interview, State


def pass_after_all(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Let a failed interview pass; its first decision stays on record."""
    interview = session.get_one(
        Interview, _interview_id(decision), with_for_update=True, populate_existing=True
    )
    if interview.state is not State.FAILED:
        return
    bank, card = editions.of(session, interview), outcome.card_of(interview)
    outcome.passed(session, interview, bank, card, at=at)


def look(session: Session, decision: Decision) -> Markup:
    """Return levels and answers of an interview, with the keys, for whoever looks again."""
    interview = session.get_one(Interview, _interview_id(decision))
    words = results.words_of(session, interview, str(formats.locale().language))
    return Markup(  # noqa: S704  # what a template of ours rendered, with its escapes
        render_template("interviews/_look.html", interview=interview, **words)
    )


def _interview_id(decision: Decision) -> int:
    return int(decision.subject.removeprefix("interview:"))


REPAIRS = {DecisionKind.INTERVIEW_FAILED: pass_after_all}
LOOKS = {DecisionKind.INTERVIEW_FAILED: look}
IN_FORCE: dict[DecisionKind, Force] = {}
