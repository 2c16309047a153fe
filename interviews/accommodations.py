"""What people need to take an interview as well as anybody: granted by rule, or answered by one.

Nobody is asked why, and nobody who decides learns what was asked for: a reading shows a longer
time and nothing else. What holds in an interview is written beside it, and only ever grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, func, select

from accounts.models import User
from core import audit, messages
from core.errors import Conflict, Invalid, NotAllowed
from core.settings import current_settings
from experts import profile
from interviews import letters
from interviews.accommodation_models import (
    EXTRA,
    WORDS_AT_MOST,
    Accommodation,
    InterviewAccommodation,
    Need,
    Stage,
)
from interviews.models import Interview, State

ANSWER_WITHIN = timedelta(days=3)
REASONS_AT_LEAST = 20
CURRENT = (Stage.ASKED, Stage.GRANTED)
NAMES = {
    Need.MORE_TIME: _l("More time"),
    Need.PERSON: _l("A person who decides, instead of a rule"),
    Need.TEXT_ONLY: _l("Text only, nothing to hear or to say"),
    Need.SCREEN_READER: _l("A screen reader, dictation or other assistive software"),
    Need.OTHER: _l("Something else"),
}


class Unclear(Invalid):
    """Say how much more time you need, or what else you need in at most %(most)s characters."""


class Asked(Conflict):
    """You have asked for this already, and it waits for an answer."""


class Answered(Conflict):
    """This request has been answered, or taken back."""


class ReasonsNeeded(Invalid):
    """Write what is done, or why it cannot be, in at least %(letters)s characters."""


class OwnRequest(NotAllowed):
    """It is your own request, so another operator answers it."""


class SameAgain(NotAllowed):
    """You answered this request the first time, so another operator looks at it."""


@dataclass(frozen=True)
class Effects:
    """What holds for somebody's interviews."""

    extra_time: int = 0
    person: bool = False
    text_only: bool = False
    screen_reader: bool = False
    unmeasured: bool = False

    @property
    def stretch(self) -> float:
        """Return by what a time is multiplied."""
        return 1 + self.extra_time / 100


def ask(
    session: Session,
    expert_id: int,
    need: Need,
    *,
    at: datetime,
    extra_time: int | None = None,
    words: str = "",
) -> Accommodation:
    """Grant what the rule grants at once, or put it before an operator; twice is once."""
    profile.of(session, expert_id)
    extra_time = extra_time if need is Need.MORE_TIME else None
    said = words.strip() if need is Need.OTHER else None
    if (need is Need.MORE_TIME and extra_time not in EXTRA) or (
        said is not None and not 1 <= len(said) <= WORDS_AT_MOST
    ):
        raise Unclear(most=WORDS_AT_MOST)
    before = _current(session, expert_id, need)
    if before is not None and (before.extra_time, before.words) == (extra_time, said):
        return before
    if before is not None:
        if before.state is Stage.ASKED:
            raise Asked
        end(session, before, at)
        session.flush()  # the old one has to be over before the new one is there
    row = {
        "expert_id": expert_id,
        "need": need,
        "extra_time": extra_time,
        "words": said,
        "state": Stage.ASKED if need is Need.OTHER else Stage.GRANTED,
        "asked_at": at,
        "answer_by": at + ANSWER_WITHIN if need is Need.OTHER else None,
        "answered_at": None if need is Need.OTHER else at,
        "again_of": _declined(session, expert_id) if need is Need.OTHER else None,
    }
    made = session.execute(
        insert(Accommodation)
        .values(row)
        # Two clicks at once: the second waits, inserts nothing, and finds the first's.
        .on_conflict_do_nothing()
        .returning(col(Accommodation.id))
    ).scalar()
    found = _current(session, expert_id, need)
    if found is None:
        raise Asked
    if made is not None:
        _made(session, found, at)
    return found


def end(session: Session, row: Accommodation, at: datetime) -> bool:
    """Take a request back, or let what was granted end; interviews under way keep theirs."""
    if row.state not in CURRENT:
        return False
    row.state, row.ended_at = Stage.ENDED, at
    session.add(row)
    _record(session, row, "ended", by=row.expert_id)
    return True


def answer(
    session: Session,
    row: Accommodation,
    *,
    is_granted: bool,
    reply: str,
    extra_time: int | None,
    by: User,
    at: datetime,
) -> None:
    """Answer a request as an operator; `row` is locked by the caller."""
    wanted = Stage.GRANTED if is_granted else Stage.DECLINED
    if row.state is wanted and row.answered_by == by.id:
        return
    if row.state is not Stage.ASKED:
        raise Answered
    reason = barred(session, row, by)
    if reason is not None:
        raise reason
    if len(reply.strip()) < REASONS_AT_LEAST:
        raise ReasonsNeeded(letters=REASONS_AT_LEAST)
    row.state, row.reply = wanted, reply.strip()
    row.answered_by, row.answered_at = by.id, at
    row.extra_time = extra_time if is_granted and extra_time in EXTRA else None
    session.add(row)
    session.flush()  # what holds is read from the rows
    if is_granted:
        _apply_to_all(session, row.expert_id)
    _record(session, row, str(wanted), by=by.id)
    messages.write(
        session,
        to=session.get_one(User, row.expert_id),
        template="interviews/accommodation_answered",
        is_granted=is_granted,
        reply=row.reply,
        url=f"{current_settings().public_url}/interviews/accommodations",
    )


def mine(session: Session, expert_id: int) -> Sequence[Accommodation]:
    """Return all that somebody has asked for, the last first."""
    query = select(Accommodation).where(Accommodation.expert_id == expert_id)
    return session.exec(query.order_by(col(Accommodation.id).desc())).all()


def waiting() -> Any:
    """Return the query of the requests that wait for an operator, the first due first."""
    query = select(Accommodation).where(Accommodation.state == Stage.ASKED)
    return query.order_by(col(Accommodation.answer_by))


def late(session: Session, at: datetime) -> tuple[int, int]:
    """Return how many requests wait, and how many of them for longer than promised."""
    row = session.exec(
        select(func.count(), func.count().filter(col(Accommodation.answer_by) < at)).where(
            Accommodation.state == Stage.ASKED
        )
    ).one()
    return row[0], row[1]


def effects(session: Session, expert_id: int) -> Effects:
    """Return what holds for the interviews that somebody begins now."""
    query = select(Accommodation).where(
        Accommodation.expert_id == expert_id, Accommodation.state == Stage.GRANTED
    )
    rows = session.exec(query).all()
    needs = {row.need for row in rows}
    return Effects(
        extra_time=max((row.extra_time or 0 for row in rows), default=0),
        person=Need.PERSON in needs,
        text_only=Need.TEXT_ONLY in needs,
        screen_reader=Need.SCREEN_READER in needs,
        unmeasured=bool(needs),
    )


def apply(session: Session, interview: Interview) -> None:
    """Let what holds for a person hold in an interview that is open, from now on."""
    wanted = effects(session, interview.expert_id)
    if wanted == Effects():
        return
    row = of(session, interview) or InterviewAccommodation(
        interview_id=interview.key, unmeasured=False
    )
    if wanted.extra_time > row.extra_time:
        time = (interview.expires_at - interview.started_at) / (1 + row.extra_time / 100)
        interview.expires_at = interview.started_at + time * wanted.stretch
        row.extra_time = wanted.extra_time
        session.add(interview)
    row.text_only = row.text_only or wanted.text_only
    row.screen_reader = row.screen_reader or wanted.screen_reader
    row.unmeasured = row.unmeasured or wanted.unmeasured
    session.add(row)


def of(session: Session, interview: Interview) -> InterviewAccommodation | None:
    """Return what holds in an interview, if anything was asked for."""
    return session.get(InterviewAccommodation, interview.key)


def extra_time(session: Session, interview: Interview) -> int:
    """Return by how many per cent the time of an interview is longer."""
    found = of(session, interview)
    return found.extra_time if found else 0


def is_unmeasured(session: Session, interview: Interview) -> bool:
    """Say whether nothing is measured of how somebody answers."""
    found = of(session, interview)
    return found is not None and found.unmeasured


def _made(session: Session, row: Accommodation, at: datetime) -> None:
    if row.state is Stage.GRANTED:
        _apply_to_all(session, row.expert_id)
        _record(session, row, "granted", by=row.expert_id)
        return
    _record(session, row, "asked", by=row.expert_id)
    for operator in letters.operators(session):
        messages.write(
            session,
            to=operator,
            template="interviews/accommodation_asked",
            answer_by=at + ANSWER_WITHIN,
            url=f"{current_settings().public_url}/operator/accommodations",
        )


def _apply_to_all(session: Session, expert_id: int) -> None:
    query = select(Interview).where(
        Interview.expert_id == expert_id, Interview.state == State.ACTIVE
    )
    for interview in session.exec(query.with_for_update()):
        apply(session, interview)


def _current(session: Session, expert_id: int, need: Need) -> Accommodation | None:
    query = select(Accommodation).where(
        Accommodation.expert_id == expert_id,
        Accommodation.need == need,
        col(Accommodation.state).in_(CURRENT),
    )
    return session.exec(query.with_for_update()).first()


def _declined(session: Session, expert_id: int) -> int | None:
    """Return the last request of somebody's own words, where it was declined."""
    query = (
        select(Accommodation)
        .where(Accommodation.expert_id == expert_id, Accommodation.need == Need.OTHER)
        .order_by(col(Accommodation.id).desc())
        .limit(1)
    )
    last = session.exec(query).first()
    return last.id if last is not None and last.state is Stage.DECLINED else None


def barred(session: Session, row: Accommodation, by: User) -> NotAllowed | None:
    """Return why an operator leaves a request to others, if they have to."""
    if by.id == row.expert_id:
        return OwnRequest()
    first = session.get(Accommodation, row.again_of) if row.again_of else None
    others = [one for one in letters.operators(session) if one.id not in (by.id, row.expert_id)]
    if first is not None and first.answered_by == by.id and others:
        return SameAgain()
    return None


def _record(session: Session, row: Accommodation, what: str, *, by: int | None) -> None:
    audit.record(
        session,
        f"accommodation.{what}",
        by=by,
        subject=f"accommodation:{row.id}",
        # Not what it is: the trail is read by those who decide.
        details={},
    )
