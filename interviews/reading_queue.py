"""People read answers in words, one at a time, before they see what anything else read in them.

Whoever takes an answer holds it for a while: two people never get the same one, and nobody gets
their own. What a person finds counts beside what the forms found. Once all answers of an interview
are read, and the last could no longer be undone, its outcome follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select
from sqlmodel.sql.expression import Select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid, NotAllowed
from interviews import (
    being_read,
    editions,
    evidence,
    frozen,
    judging,
    looks,
    outcome,
    quotes,
    rubrics,
    scoring,
)
from interviews.evidence import Reading
from interviews.items import Item
from interviews.judge_models import BeingRead, PersonReading, Phase, ReadFor, ToRead
from interviews.models import Interview, Response, State

HOLD = timedelta(minutes=20)
UNDO_FOR = timedelta(minutes=10)


class OthersRead(Conflict):
    """Somebody else reads this answer now, or has read it. Take the next one."""


class OwnAnswer(NotAllowed):
    """It is an answer of your own, so another person reads it."""


class HasLooked(NotAllowed):
    """You looked at what was found in this interview, so another person reads its answers."""


class NotInAnswer(Invalid):
    """A quote has to stand in the answer, word by word. Select it there, or leave it out."""


class TooLate(Conflict):
    """This reading can no longer be undone: the outcome has followed, or you have read another."""


@dataclass(frozen=True)
class Found:
    """An answer with all that a page shows of it."""

    row: ToRead
    response: Response
    interview: Interview
    item: Item

    @property
    def text(self) -> str:
        """The words of the answer; none once they are deleted."""
        return str((self.response.answer or {}).get("text", ""))


def query(user_id: int) -> Select[ToRead, Response, Interview]:
    """Return the query of what waits for this person, the oldest due first."""
    return (
        select(ToRead, Response, Interview)
        .join(Response, col(Response.id) == col(ToRead.response_id))
        .join(Interview, col(Interview.id) == col(Response.interview_id))
        .where(*_waits(user_id))
        .order_by(col(ToRead.due_at), col(ToRead.id))
    )


def waiting(session: Session, user_id: int) -> int:
    """Return how many answers wait for this person."""
    rows = query(user_id).order_by(None).subquery()
    return int(session.exec(select(func.count()).select_from(rows)).one())


def take_next(session: Session, user_id: int, at: datetime) -> ToRead | None:
    """Hold the answer that is due first and that nobody holds; or return the one held already."""
    free = or_(
        col(ToRead.held_by).is_(None),
        col(ToRead.held_until) <= at,
        col(ToRead.held_by) == user_id,
    )
    found = session.exec(
        select(ToRead)
        .join(Response, col(Response.id) == col(ToRead.response_id))
        .join(Interview, col(Interview.id) == col(Response.interview_id))
        .where(*_waits(user_id), free)
        .order_by(
            func.coalesce(col(ToRead.held_by) == user_id, False).desc(),
            col(ToRead.due_at),
            col(ToRead.id),
        )
        .limit(1)
        .with_for_update(skip_locked=True, of=ToRead)
    ).first()
    if found is not None:
        found.held_by, found.held_until = user_id, at + HOLD
        session.add(found)
    return found


def put_back(row: ToRead, user_id: int) -> None:
    """Let an answer go that this person holds; `row` is locked."""
    if row.held_by == user_id and row.read_at is None:
        row.held_by = row.held_until = None


def found(session: Session, row: ToRead) -> Found:
    """Return an answer with its question."""
    response = session.get_one(Response, row.response_id)
    interview = session.get_one(Interview, response.interview_id)
    item = editions.of(session, interview).item(response.item_id)
    return Found(row, response, interview, item)


def check_reader(session: Session, one: Found, user_id: int, at: datetime) -> None:
    """Refuse everybody but the person who holds an answer."""
    if one.interview.expert_id == user_id:
        raise OwnAnswer
    if looks.of(session, one.interview, user_id) is not None:
        raise HasLooked
    held = one.row.held_by == user_id and one.row.held_until is not None
    if not held or one.row.read_at is not None or not _is_open(session, one):
        raise OthersRead


def read(
    session: Session, one: Found, said: Mapping[str, str], *, by: User, at: datetime
) -> PersonReading:
    """Keep what a person found: the checks that are met, with a quote or none; all is locked."""
    before = reading_of(session, one.response, by)
    if before is not None and one.row.read_at is not None:
        return before  # sent twice
    check_reader(session, one, _id(by), at)
    readings = _readings(one, said)
    mark = scoring.from_readings(rubrics.short(one.item), readings)
    version = _version(session, one)
    row = PersonReading(
        response_id=one.row.response_id,
        reader_id=_id(by),
        purpose=one.row.purpose,
        readings=[{"check": r.check, "met": r.met, "quote": r.quote} for r in readings],
        points=mark.points,
        forms=by_forms(one),
        judges=by_judges(session, one, version),
        version=version,
        read_at=at,
    )
    session.add(row)
    one.row.read_at, one.row.held_by, one.row.held_until = at, None, None
    session.add(one.row)
    if one.row.purpose is ReadFor.OUTCOME:
        _count(session, one, readings, by, at)
    session.flush()  # a second reading may complete the frozen set's two
    frozen.freeze_if_read(session, one.response, at)
    _record(session, one, "read", by)
    return row


def may_undo(session: Session, one: Found, reading: PersonReading, at: datetime) -> bool:
    """Say whether a reading can still be undone: only the last of its reader, and not for long."""
    latest = session.exec(
        select(func.max(PersonReading.id)).where(
            PersonReading.reader_id == reading.reader_id, col(PersonReading.undone_at).is_(None)
        )
    ).one()
    place = frozen.of_response(session, one.response)
    is_frozen = place is not None and place.frozen_at is not None
    open_still = one.row.purpose is ReadFor.FROZEN or _is_open(session, one)
    fresh = at < reading.read_at + UNDO_FOR
    return latest == reading.id and fresh and open_still and not is_frozen


def undo(session: Session, one: Found, *, by: User, at: datetime) -> None:
    """Take a reading back and hold the answer again; all is locked. Twice changes nothing."""
    reading = reading_of(session, one.response, by)
    if reading is None and one.row.held_by == by.id:
        return
    if reading is None or not may_undo(session, one, reading, at):
        raise TooLate
    reading.undone_at = at
    session.add(reading)
    one.row.read_at, one.row.held_by, one.row.held_until = None, by.id, at + HOLD
    session.add(one.row)
    if one.row.purpose is ReadFor.OUTCOME:
        mark = judging.base_mark(session, one.response, one.item)
        one.response.mark, one.response.points = mark, float(str(mark["points"]))
        session.add(one.response)
    _record(session, one, "read_undone", by)


def reading_of(session: Session, response: Response, by: User) -> PersonReading | None:
    """Return what a person read in an answer."""
    query = select(PersonReading).where(
        PersonReading.response_id == response.id,
        PersonReading.reader_id == by.id,
        col(PersonReading.undone_at).is_(None),
    )
    return session.exec(query).first()


def by_forms(one: Found) -> dict[str, bool]:
    """Return what the forms find, check by check."""
    readings = evidence.read(one.text, rubrics.short(one.item).checks)
    return {reading.check: reading.met for reading in readings}


def by_judges(session: Session, one: Found, version: str | None) -> dict[str, bool] | None:
    """Return what two judges agreed on, check by check."""
    if version is None:
        return None
    met = being_read.agreed(being_read.judgings(session, one.response.id, version))
    if met is None:
        return None
    return {key: key in met for key in rubrics.short(one.item).checks}


def settle_next(session: Session, at: datetime) -> bool:
    """Let the outcome of one interview follow whose answers are all read; False without one."""
    unread = (
        select(ToRead.id)
        .join(Response, col(Response.id) == col(ToRead.response_id))
        .where(
            col(Response.interview_id) == col(BeingRead.interview_id),
            ToRead.purpose == ReadFor.OUTCOME,
            col(ToRead.read_at).is_(None),
        )
    )
    found = session.exec(
        select(BeingRead.interview_id)
        .join(Interview, col(Interview.id) == col(BeingRead.interview_id))
        .where(
            BeingRead.phase == Phase.PEOPLE,
            col(BeingRead.last_read_at) <= at - UNDO_FOR,
            ~unread.exists(),
        )
        .order_by(col(BeingRead.interview_id))
        .limit(1)
        .with_for_update(skip_locked=True, of=Interview)
    ).first()
    if found is None:
        return False
    # What was asked before the lock may have changed until it was there.
    interview = session.get_one(Interview, found, with_for_update=True, populate_existing=True)
    row = session.get_one(BeingRead, found, with_for_update=True, populate_existing=True)
    still = select(BeingRead.interview_id).where(BeingRead.interview_id == found, ~unread.exists())
    if row.phase is not Phase.PEOPLE or session.exec(still).first() is None:
        return True  # somebody took a reading back, or another sweep was first
    row.phase, row.settled_at = Phase.READ, at
    session.add(row)
    if interview.state is State.REVIEW:
        bank, responses = editions.of(session, interview), editions.responses(session, interview)
        outcome.settle(session, interview, bank, responses, at=at)
    return True


def _waits(user_id: int) -> tuple[ColumnElement[bool], ...]:
    mine = select(PersonReading.id).where(
        col(PersonReading.response_id) == col(ToRead.response_id),
        PersonReading.reader_id == user_id,
        col(PersonReading.undone_at).is_(None),
    )
    return (
        col(ToRead.read_at).is_(None),
        col(Response.answer).is_not(None),
        col(Interview.expert_id) != user_id,
        or_(
            (col(ToRead.purpose) == ReadFor.OUTCOME) & (col(Interview.state) == State.REVIEW),
            (col(ToRead.purpose) == ReadFor.FROZEN) & frozen.agreed(col(Interview.expert_id)),
        ),
        ~mine.exists(),
        ~looks.has_looked(col(Interview.id), user_id),
    )


def _is_open(session: Session, one: Found) -> bool:
    if one.response.answer is None:
        return False
    if one.row.purpose is ReadFor.FROZEN:
        return frozen.may_be_read(session, one.interview.expert_id)
    return one.interview.state is State.REVIEW


def _readings(one: Found, said: Mapping[str, str]) -> tuple[Reading, ...]:
    found = []
    for key in rubrics.short(one.item).checks:
        quote = said.get(key, "").strip()
        words = quotes.verified(quote, one.text) if quote else None
        if quote and words is None:
            raise NotInAnswer
        found.append(Reading(key, met=key in said, quote=words))
    return tuple(found)


def _count(
    session: Session, one: Found, readings: tuple[Reading, ...], by: User, at: datetime
) -> None:
    """Let what a person found count, beside what the forms found; it stands above the judges."""
    question = rubrics.short(one.item)
    forms = {reading.check: reading for reading in evidence.read(one.text, question.checks)}
    every = tuple(
        reading if reading.met or not forms[reading.check].met else forms[reading.check]
        for reading in readings
    )
    mark = scoring.from_readings(question, every)
    kept = mark.model_dump(mode="json") | {"read_by": by.id}
    if one.response.mark.get("judged_by"):
        kept["judged_by"] = one.response.mark["judged_by"]
    one.response.points, one.response.mark = mark.points, kept
    session.add(one.response)
    row = being_read.of(session, one.interview)
    if row is not None:
        row.last_read_at = at
        session.add(row)


def _version(session: Session, one: Found) -> str | None:
    row = being_read.of(session, one.interview)
    return row.version if row is not None else None


def _id(by: User) -> int:
    assert by.id is not None
    return by.id


def _record(session: Session, one: Found, what: str, by: User) -> None:
    audit.record(
        session,
        f"answer.{what}",
        by=by.id,
        subject=f"interview:{one.interview.id}",
        details={"position": one.response.position},
    )
