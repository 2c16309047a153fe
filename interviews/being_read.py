"""Interviews near the line whose answers in words are read: by judges first, then by people.

The interview itself is in review all the while. Judges have a deadline of their own; whatever they
leave open is put into the queue of `interviews.reading_queue`, each answer once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import jobs
from interviews import integrity, letters
from interviews.items import Bank, Short
from interviews.judge_models import (
    AnswerJudging,
    BeingRead,
    Judged,
    Phase,
    ReadFor,
    ToRead,
    Why,
)
from interviews.models import Interview, Mode, Response

JUDGED_WITHIN = timedelta(hours=2)


def near(
    session: Session,
    interview: Interview,
    bank: Bank,
    responses: Sequence[Response],
    *,
    read_by: datetime,
    at: datetime,
) -> None:
    """See to it that somebody reads an interview near the line; again, it changes nothing."""
    session.flush()  # the last answer needs its id, and `interview` is whole
    row, left = of(session, interview), open_answers(bank, responses)
    if row is not None and row.settled_at is not None:
        return
    if row is None and left and interview.mode is Mode.LLM:
        _to_judges(session, interview, at)
        return
    if left:
        row = row or BeingRead(
            interview_id=interview.key, phase=Phase.PEOPLE, begun_at=at, due_at=read_by
        )
        row.phase, row.due_at = Phase.PEOPLE, read_by
        session.add(row)
        for response in left:
            put(session, response, why(session, response, row), due_at=read_by, at=at)
    note = integrity.note_of(session, interview)
    letters.tell(session, interview, "with_a_person", read_by=read_by, note=note)
    letters.tell_readers(session, interview, note=note)


def of(session: Session, interview: Interview) -> BeingRead | None:
    """Return how far the reading of an interview is."""
    return session.get(BeingRead, interview.key)


def by_judges() -> ColumnElement[bool]:
    """Return the condition of an interview that judges still read."""
    query = select(BeingRead.interview_id).where(
        col(BeingRead.interview_id) == col(Interview.id), BeingRead.phase == Phase.JUDGES
    )
    return query.exists()


def open_answers(bank: Bank, responses: Sequence[Response]) -> list[Response]:
    """Return the answers in words in which points were not found and no person looked."""
    return [
        one
        for one in responses
        if one.answer is not None
        and one.points < 1
        and isinstance(bank.item(one.item_id).question, Short)
        and not one.mark.get("read_by")
    ]


def put(
    session: Session,
    response: Response,
    reason: Why,
    *,
    due_at: datetime,
    at: datetime,
    purpose: ReadFor = ReadFor.OUTCOME,
) -> None:
    """Put an answer into the queue of people, once."""
    row = {
        "response_id": response.id,
        "purpose": purpose,
        "why": reason,
        "added_at": at,
        "due_at": due_at,
    }
    session.execute(insert(ToRead).values(row).on_conflict_do_nothing())


def why(session: Session, response: Response, row: BeingRead) -> Why:
    """Say why a person reads an answer."""
    if response.mark.get("key_words"):
        return Why.KEY_WORDS
    if row.version is None or row.why in (Why.GATE, Why.CONSENT):
        return row.why or Why.POINTS  # what judges had read before does not count
    found = judgings(session, response.id, row.version)
    outcomes = {one.outcome for one in found}
    if Judged.DOUBTED in outcomes:
        return Why.DOUBT
    if Judged.NONSENSE in outcomes:
        return Why.NONSENSE
    if Judged.REFUSED in outcomes:
        return Why.REFUSED
    if len(found) < 2:
        return row.why or Why.DOWN
    return Why.NOT_FOUND if agreed(found) is not None else Why.DISAGREE


def judgings(session: Session, response_id: int | None, version: str) -> list[AnswerJudging]:
    """Return what the judges of a version made of an answer, the first one first."""
    query = select(AnswerJudging).where(
        AnswerJudging.response_id == response_id, AnswerJudging.version == version
    )
    return list(session.exec(query.order_by(col(AnswerJudging.judge))))


def agreed(found: Sequence[AnswerJudging]) -> dict[str, str] | None:
    """Return what two judges found met, by their first quote; None where they did not agree."""
    if len(found) != 2 or any(one.readings is None for one in found):
        return None
    first, second = (_met(one) for one in found)
    return first if first.keys() == second.keys() else None


def _met(judging: AnswerJudging) -> dict[str, str]:
    return {one["check"]: one["quote"] or "" for one in judging.readings or () if one["met"]}


def _to_judges(session: Session, interview: Interview, at: datetime) -> None:
    due_at = at + JUDGED_WITHIN
    row = BeingRead(interview_id=interview.key, phase=Phase.JUDGES, begun_at=at, due_at=due_at)
    session.add(row)
    lock = f"judge-interview-{interview.id}"
    jobs.defer(
        session,
        "interviews.judge_interview",
        lock=lock,
        queueing_lock=lock,
        interview_id=interview.key,
    )
