"""Signals, notes, prints and accommodations, valid by default."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from accounts.models import User
from core.clock import now
from interviews import accommodations, editions, signals
from interviews.accommodation_models import Accommodation, Need
from interviews.models import Interview, Response
from interviews.signal_models import AnswerPrint, AnswerSignal, IntegrityNote
from tests.factories.accounts import make_user


def make_accommodation(
    session: Session,
    user: User | None = None,
    *,
    need: Need = Need.OTHER,
    extra_time: int | None = None,
    words: str = "Larger figures in the questions would help.",
    at: datetime | None = None,
) -> Accommodation:
    """Ask for something as an expert, a new one or a given one."""
    user = user or make_user(session, "expert")
    assert user.id is not None
    made = accommodations.ask(
        session, user.id, need, extra_time=extra_time, words=words, at=at or now()
    )
    session.flush()
    return made


def make_signal(session: Session, response: Response, **changes: Any) -> AnswerSignal:
    """Note how an answer reached the page; nothing stands out by default."""
    given: dict[str, Any] = {
        "response_id": response.id,
        "item_id": response.item_id,
        "rules": signals.RULES_NAME,
        "measured": True,
        "letters": 300,
        "found": [],
        "at": response.answered_at,
    }
    made = AnswerSignal(**(given | changes))
    session.add(made)
    session.flush()
    return made


def make_integrity_note(
    session: Session, interview: Interview, *, words: str | None = None, **changes: Any
) -> IntegrityNote:
    """Note that signals opened a review of an interview, with the signal that they rest on."""
    first = editions.responses(session, interview)[0]
    make_signal(session, first, found=["alike"], alike=1, alike_share=0.9)
    at = interview.finished_at or now()
    given: dict[str, Any] = {
        "interview_id": interview.key,
        "rules": signals.RULES_NAME,
        "found": {"alike": 1},
        "weight": 4,
        "by_rule": "failed",
        "opened_at": at,
        "words": words,
        "words_at": at if words else None,
    }
    note = IntegrityNote(**(given | changes))
    session.add(note)
    session.flush()
    return note


def make_print(session: Session, interview: Interview) -> AnswerPrint:
    """Keep hashes of the first answer of an interview."""
    first = editions.responses(session, interview)[0]
    assert first.id is not None
    made = AnswerPrint(
        response_id=first.id, marks=[1] * 64, bands=list(range(16)), at=first.answered_at
    )
    session.add(made)
    session.flush()
    return made
