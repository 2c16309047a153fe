"""A person reads interviews near the line.

Whoever reads sees the answers, the checks and the points, may find met what no check found, and
decides with words. Who contests a result does so like any other decision: `accounts.appeals`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid, NotAllowed
from interviews import being_read, editions, integrity, outcome, scoring
from interviews.evidence import Reading
from interviews.items import Bank, Short
from interviews.models import Interview, Response, State
from interviews.scoring import Mark

WORDS_AT_LEAST = 20

Found = tuple[int, str]  # a question's position and one of its checks


class NotToRead(Conflict):
    """The interview no longer waits for a person: somebody has decided."""


class OwnInterview(NotAllowed):
    """It is your own interview, so another person reads it."""


class WordsNeeded(Invalid):
    """Give your reasons in at least %(letters)s characters: the expert reads them."""


def let_pass(
    session: Session, interview: Interview, found: Collection[Found], *, by: User, at: datetime
) -> None:
    """Decide that an interview near the line is passed; `interview` is locked by the caller."""
    bank, responses = _open(session, interview, State.PASSED, by)
    if bank is None:
        return
    card = _read(session, interview, bank, responses, found, by)
    interview.decided_by, interview.decided_at = by.id, at
    outcome.passed(session, interview, bank, card, at=at)
    _record(session, interview, "passed", by)


def turn_down(
    session: Session,
    interview: Interview,
    found: Collection[Found],
    *,
    why: str,
    change: str,
    by: User,
    at: datetime,
) -> None:
    """Decide that an interview near the line is not passed, with reasons."""
    bank, responses = _open(session, interview, State.FAILED, by)
    if bank is None:
        return
    _check_words(why, change)
    integrity.check_against(session, interview)
    _read(session, interview, bank, responses, found, by)
    interview.decided_by, interview.decided_at = by.id, at
    outcome.failed(
        session,
        interview,
        bank,
        responses,
        words={_language(by): why.strip()},
        change={_language(by): change.strip()},
        at=at,
    )
    _record(session, interview, "failed", by)


def waits() -> ColumnElement[bool]:
    """Return the condition of an interview that waits for a person, not for judges."""
    return (col(Interview.state) == State.REVIEW) & ~being_read.by_judges()


def waiting(session: Session, user_id: int) -> int:
    """Return how many interviews wait for a person whom this one could be."""
    query = select(func.count()).where(waits(), Interview.expert_id != user_id)
    return session.exec(query).one()


def due(interview: Interview) -> datetime | None:
    """Return until when a person is to have read, where one is waited for."""
    if interview.state is State.REVIEW and interview.finished_at:
        return interview.finished_at + outcome.READ_WITHIN
    return None


def _open(
    session: Session, interview: Interview, wanted: State, by: User
) -> tuple[Bank | None, Sequence[Response]]:
    """Return what is read; no bank means that this very decision was taken before."""
    if interview.state is wanted and interview.decided_by == by.id:
        return None, ()
    if interview.state is not State.REVIEW:
        raise NotToRead
    if by.id == interview.expert_id:
        raise OwnInterview
    return editions.of(session, interview), editions.responses(session, interview)


def _read(
    session: Session,
    interview: Interview,
    bank: Bank,
    responses: Sequence[Response],
    found: Collection[Found],
    by: User,
) -> scoring.Scorecard:
    for response in responses:
        question = bank.item(response.item_id).question
        met = {check for position, check in found if position == response.position}
        if isinstance(question, Short) and met:
            mark = _with(question, Mark.model_validate(response.mark), met)
            response.points, response.mark = mark.points, _kept(mark, by)
            session.add(response)
    return outcome.score(interview, bank, responses)


def _with(question: Short, mark: Mark, met: set[str]) -> Mark:
    readings = tuple(
        Reading(reading.check, met=reading.met or reading.check in met, quote=reading.quote)
        for reading in mark.readings
    )
    return scoring.from_readings(question, readings)


def _kept(mark: Mark, by: User) -> dict[str, object]:
    return {**mark.model_dump(mode="json"), "read_by": by.id}


def _check_words(*every: str) -> None:
    if any(len(words.strip()) < WORDS_AT_LEAST for words in every):
        raise WordsNeeded(letters=WORDS_AT_LEAST)


def _language(user: User) -> str:
    return user.locale or "en"


def _record(session: Session, interview: Interview, what: str, by: User) -> None:
    audit.record(
        session,
        f"interview.{what}",
        by=by.id,
        subject=f"interview:{interview.id}",
        details={"level": interview.level},
    )
