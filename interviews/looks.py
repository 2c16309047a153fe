"""What readers may see of an interview whose answers are still to be read: nothing of others.

Whoever may still read an answer sees neither its points nor its checks, nor what rests on them,
until it is read. Who has to look anyway gives a reason, and reads no answer of that interview.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select, update

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid
from interviews import being_read
from interviews.judge_models import PersonReading, Phase, ReadFor, ToRead
from interviews.look_models import REASON_AT_LEAST, InterviewLook
from interviews.models import Interview, Response, State


class ReadFirst(Conflict):
    """Answers of this interview are still to be read, so nobody decides on it yet.

    Read them in the queue; or look at what was found, which takes you out as a reader of them.
    """


class ReasonNeeded(Invalid):
    """Say in at least %(letters)s characters why you have to look: it stays on record."""


def has_looked(interview_id: Mapped[int | None], user_id: int) -> ColumnElement[bool]:
    """Return the condition that somebody has looked at the marks of an interview."""
    query = select(InterviewLook.id).where(
        col(InterviewLook.interview_id) == interview_id, InterviewLook.by_user_id == user_id
    )
    return query.exists()


def of(session: Session, interview: Interview, user_id: int) -> InterviewLook | None:
    """Return when and why somebody looked."""
    query = select(InterviewLook).where(
        InterviewLook.interview_id == interview.id, InterviewLook.by_user_id == user_id
    )
    return session.exec(query).first()


def look(session: Session, interview: Interview, reason: str, *, by: User, at: datetime) -> None:
    """Let somebody see what was found, from now on; twice changes nothing. All is on record."""
    if len(reason.strip()) < REASON_AT_LEAST:
        raise ReasonNeeded(letters=REASON_AT_LEAST)
    if not hidden(session, interview, by):
        return
    row = {"interview_id": interview.key, "by_user_id": by.id, "reason": reason.strip(), "at": at}
    session.execute(insert(InterviewLook).values(row).on_conflict_do_nothing())
    mine = select(Response.id).where(Response.interview_id == interview.id)
    session.execute(
        update(ToRead)
        .where(col(ToRead.response_id).in_(mine), col(ToRead.held_by) == by.id)
        .values(held_by=None, held_until=None)
    )
    audit.record(
        session, "interview.looked", by=by.id, subject=f"interview:{interview.id}", details={}
    )


def hidden(session: Session, interview: Interview, by: User) -> frozenset[int]:
    """Return the positions of the answers whose marks somebody must not see yet."""
    if by.id is None or by.id == interview.expert_id or of(session, interview, by.id):
        return frozenset()
    read = select(PersonReading.id).where(
        col(PersonReading.response_id) == col(ToRead.response_id),
        PersonReading.reader_id == by.id,
        col(PersonReading.undone_at).is_(None),
    )
    query = (
        select(Response.position)
        .join(ToRead, col(ToRead.response_id) == col(Response.id))
        .where(
            Response.interview_id == interview.id,
            col(Response.answer).is_not(None),
            col(ToRead.read_at).is_(None),
            (col(ToRead.purpose) == ReadFor.FROZEN) | (interview.state is State.REVIEW),
            ~read.exists(),
        )
    )
    return frozenset(session.exec(query)) | _with_judges(session, interview)


def is_decided_blind(session: Session, interview: Interview, by: User) -> bool:
    """Return whether somebody would decide on an interview that they may still read."""
    return interview.state is State.REVIEW and bool(hidden(session, interview, by))


def check(session: Session, interview: Interview, by: User) -> None:
    """Refuse a decision before the answers are read."""
    if is_decided_blind(session, interview, by):
        raise ReadFirst


def blind(words: dict[str, Any], places: frozenset[int], *, is_open: bool) -> dict[str, Any]:
    """Return the words of a page without the marks of some answers; levels go with an open case."""
    if not places:
        return words
    answers: Sequence[Any] = words["answers"]
    shown = [
        replace(one, points="", checks=[], is_key_words=False, is_hidden=True)
        if one.position in places
        else one
        for one in answers
    ]
    return words | {"answers": shown} | ({"levels": []} if is_open else {})


def _with_judges(session: Session, interview: Interview) -> frozenset[int]:
    """Return what judges read now: whatever they leave comes to people."""
    row = being_read.of(session, interview)
    if interview.state is not State.REVIEW or row is None or row.phase is not Phase.JUDGES:
        return frozenset()
    query = select(Response).where(Response.interview_id == interview.id)
    return frozenset(
        one.position
        for one in session.exec(query)
        if "text" in (one.answer or {}) and one.points < 1
    )
