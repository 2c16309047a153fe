"""The queue of interviews that wait for a person: how long, why, and who reads them now.

Reading holds an interview for a short time, so that two people do not read the same. A hold is a
courtesy and never a lock: whoever decides first has decided, and a hold runs out by itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete, select

from accounts.models import User
from core import audit, formats
from interviews import editions, integrity, letters, outcome, review, scoring
from interviews.models import Interview, Mode, State
from interviews.waiting_models import InterviewReading, LateWarning

HOLD = timedelta(minutes=20)
SOON = timedelta(days=2)
LOOK_BACK = timedelta(weeks=8)
TIMES = text("""
    select count(*) as read,
        percentile_cont(0.5) within group (
            order by extract(epoch from decided_at - finished_at)) as middle,
        percentile_cont(0.9) within group (
            order by extract(epoch from decided_at - finished_at)) as most,
        count(*) filter (where decided_at - finished_at > :promised) as late
    from interview
    where decided_at is not null and decided_rule is null and decided_at >= :since
""")


class Why(StrEnum):
    """Why an interview waits for a person."""

    PERSON = "person"
    FLOOR = "floor"
    LINE = "line"
    SIGNALS = "signals"
    OTHER = "other"


@dataclass(frozen=True)
class Reader:
    """Who reads an interview now, and until when it is held for them."""

    user_id: int
    until: datetime


@dataclass(frozen=True)
class Times:
    """How long people waited who were decided on by a person lately, and who wait now."""

    waiting: int
    late: int
    soon: int
    read: int
    read_late: int
    middle: timedelta | None
    most: timedelta | None


def why(session: Session, interview: Interview) -> Why:
    """Return why an interview waits."""
    if interview.mode is Mode.PERSON:
        return Why.PERSON
    if interview.scorecard is None:
        return Why.OTHER
    rule = editions.of(session, interview).rule
    causes = scoring.causes(outcome.card_of(interview), rule)
    if causes == [scoring.Cause.COMPETENCY]:
        return Why.FLOOR
    if causes:
        return Why.LINE
    note = integrity.note_of(session, interview)
    return Why.SIGNALS if note is not None and note.opened_at is not None else Why.OTHER


def times(session: Session, at: datetime) -> Times:
    """Return the figures of the queue."""
    ends = session.exec(select(Interview.finished_at).where(review.waits())).all()
    due = [end + outcome.READ_WITHIN for end in ends if end is not None]
    row = session.execute(TIMES, {"since": at - LOOK_BACK, "promised": outcome.READ_WITHIN}).one()
    return Times(
        waiting=len(due),
        late=sum(one < at for one in due),
        soon=sum(at <= one < at + SOON for one in due),
        read=row.read,
        read_late=row.late,
        middle=timedelta(seconds=float(row.middle)) if row.middle is not None else None,
        most=timedelta(seconds=float(row.most)) if row.most is not None else None,
    )


def readers(session: Session, interview_ids: list[int], at: datetime) -> dict[int, Reader]:
    """Return who reads which of these interviews now."""
    query = select(InterviewReading).where(
        col(InterviewReading.interview_id).in_(interview_ids), col(InterviewReading.until) > at
    )
    return {one.interview_id: Reader(one.by_user_id, one.until) for one in session.exec(query)}


def hold(session: Session, interview: Interview, by: User, at: datetime) -> Reader | None:
    """Hold an interview for whoever begins to read it; return another who does so already."""
    if interview.state is not State.REVIEW or interview.expert_id == by.id:
        return None
    row = insert(InterviewReading).values(
        interview_id=interview.key, by_user_id=by.id, begun_at=at, until=at + HOLD
    )
    mine = (col(InterviewReading.until) <= at) | (col(InterviewReading.by_user_id) == by.id)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["interview_id"],
            set_={"by_user_id": by.id, "begun_at": at, "until": at + HOLD},
            where=mine,
        )
    )
    found = readers(session, [interview.key], at).get(interview.key)
    return found if found is not None and found.user_id != by.id else None


def release(session: Session, interview: Interview, by: User) -> bool:
    """Let an interview go that one holds; say whether one did."""
    gone = session.execute(
        delete(InterviewReading).where(
            col(InterviewReading.interview_id) == interview.key,
            col(InterviewReading.by_user_id) == by.id,
        )
    )
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def warn_next(session: Session, at: datetime) -> bool:
    """Write to operators about one interview that is about to be late, if there is one."""
    warned = select(LateWarning.interview_id)
    query = select(Interview).where(
        col(Interview.state) == State.REVIEW,  # also while judges read: the promise is the same
        col(Interview.finished_at) <= at + SOON - outcome.READ_WITHIN,
        col(Interview.id).not_in(warned),
    )
    found = session.exec(
        query.order_by(col(Interview.finished_at)).limit(1).with_for_update(skip_locked=True)
    ).first()
    if found is None or found.finished_at is None:
        return False
    session.add(LateWarning(interview_id=found.key, warned_at=at))
    due = found.finished_at + outcome.READ_WITHIN
    letters.tell_late(session, found, due=due, is_late=due <= at)
    audit.record(session, "interview.late_warned", by=None, subject=f"interview:{found.key}")
    return True


def age(interview: Interview, at: datetime) -> str:
    """Return how long an interview has waited, in words."""
    return formats.duration(at - interview.finished_at) if interview.finished_at else "–"
