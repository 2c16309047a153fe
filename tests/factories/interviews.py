"""Interviews, valid by default: planned from the real bank of law, answered as a test likes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from accounts.models import User
from core.clock import now
from experts.fields import Field
from interviews import conversation, editions
from interviews.forms import filled
from interviews.items import Case, Item, Numeric, Ordering, Short
from interviews.models import Interview
from tests.factories.accounts import make_user

Answering = Callable[[int, Item], dict[str, Any] | None]


def make_interview(
    session: Session,
    user: User | None = None,
    *,
    field: Field = Field.LAW,
    at: datetime | None = None,
) -> Interview:
    """Start an interview of a new expert, or of a given one."""
    user = user or make_user(session, "expert")
    assert user.id is not None
    return conversation.start(session, user.id, field, consent_version="test", at=at or now())


def right(_place: int, item: Item) -> dict[str, Any] | None:
    """Answer a question rightly."""
    return right_answer(item)


def unknown(_place: int, _item: Item) -> dict[str, Any] | None:
    """Answer nothing."""
    return None


def right_until(place: int) -> Answering:
    """Answer the first questions rightly and the others not at all."""
    return lambda at, item: right_answer(item) if at <= place else None


def answer_all(
    session: Session, interview: Interview, how: Answering = right, *, at: datetime | None = None
) -> Interview:
    """Answer what is left of an interview."""
    bank = editions.of(session, interview)
    place = conversation.position(session, interview)
    while place <= interview.length:  # which grows where questions follow from answers
        given = how(place, editions.asked(bank, interview, place)[1])
        answer_one(session, interview, place, given, at=at)
        place += 1
    return interview


def answer_one(
    session: Session,
    interview: Interview,
    place: int,
    given: dict[str, Any] | None,
    *,
    at: datetime | None = None,
) -> conversation.Kept:
    """Answer one question."""
    kept = conversation.answer(
        session, interview, place, given, language="en", remark="", at=at or now()
    )
    session.flush()
    return kept


def right_answer(item: Item, language: str = "en") -> dict[str, Any]:
    """Return a right answer as it is stored."""
    return _right(item.question, language)


def form_data(place: int, item: Item) -> dict[str, Any]:
    """Return a right answer as a browser sends it."""
    return {"position": str(place), **filled(item)}


def _right(question: Any, language: str) -> dict[str, Any]:
    if isinstance(question, Case):
        return {"parts": {key: _right(part, language) for key, part in question.parts.items()}}
    if isinstance(question, Ordering):
        return {"order": list(question.answer)}
    if isinstance(question, Numeric):
        return {"number": question.answer, "text": str(question.answer)}
    if isinstance(question, Short):
        return {"text": question.accepted.in_(language)}
    if isinstance(question.answer, list):
        return {"choices": list(question.answer)}
    return {"choice": question.answer}
