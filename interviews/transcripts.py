"""How long the answers of an interview are kept: for its result, and longer only with consent.

A result needs its answers until it can no longer be contested and no appeal is open. Then they
are deleted, with what quotes them; points, levels and the decision stay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from accounts import consents, decisions
from accounts.models import Appeal, Purpose
from core import audit, formats
from interviews import corrections, editions, integrity, quoted, suggestions, turns
from interviews.models import Interview, Response, State

# A pass cannot be contested; so long its person may read and correct what they said.
AFTER_A_PASS = timedelta(days=14)
OVER = (State.PASSED, State.FAILED, State.ABANDONED, State.EXPIRED)


@dataclass(frozen=True)
class Stays:
    """Answers that a result still needs, and until when."""

    interview: Interview
    until: datetime | None
    contested: bool


def delete_next(session: Session, at: datetime) -> bool:
    """Delete the answers of one interview that needs none and whose person keeps none."""
    kept = col(Interview.expert_id).in_(consents.givers(Purpose.TRANSCRIPTS))
    query = select(Interview).where(_held(), _is_final(at), ~kept)
    found = session.exec(
        query.order_by(col(Interview.id)).limit(1).with_for_update(skip_locked=True)
    ).first()
    if found is None:
        return False
    delete(session, found, at)
    return True


def final(session: Session, expert_id: int, at: datetime) -> list[Interview]:
    """Return the interviews of a person whose answers nothing needs any more, locked."""
    query = select(Interview).where(*_said_by(expert_id), _is_final(at))
    return list(session.exec(query.order_by(col(Interview.id)).with_for_update()))


def staying(session: Session, expert_id: int, at: datetime) -> list[Stays]:
    """Return the interviews of a person whose answers have to stay for now."""
    query = select(Interview).where(*_said_by(expert_id), ~_is_final(at))
    return [_stays(session, one) for one in session.exec(query.order_by(col(Interview.id)))]


def delete(session: Session, interview: Interview, at: datetime) -> None:
    """Delete the answers of an interview and what quotes them; a second time changes nothing."""
    if interview.texts_deleted_at is not None:
        return
    for response in editions.responses(session, interview):
        response.answer, response.remark = None, ""
        response.mark = _without_quotes(response)
        session.add(response)
    corrections.blank(session, interview)
    integrity.forget_words(session, interview)
    turns.blank(session, interview)
    suggestions.forget(session, interview)
    quoted.blank(session, interview)
    if interview.decision_id is not None:
        decisions.unquote(session, interview.decision_id)
    interview.texts_deleted_at = at
    session.add(interview)
    audit.record(session, "interview.texts_deleted", by=None, subject=f"interview:{interview.id}")


def kept_until(session: Session, interview: Interview, at: datetime) -> datetime | None:
    """Return when the answers are deleted; None where they are kept, gone, or wait for a result."""
    if interview.texts_deleted_at or interview.state not in OVER:
        return None
    if consents.given(session, interview.expert_id, Purpose.TRANSCRIPTS):
        return None
    found = _stays(session, interview)
    return None if found.contested else found.until


def in_words(stays: Stays) -> str:
    """Say why answers stay, and until when."""
    field, begun = stays.interview.field.label, formats.day_long(stays.interview.started_at)
    if stays.contested:
        words: str = _(
            "The answers of your interview of %(begun)s (%(field)s) stay until your appeal is"
            " answered, at the latest on %(day)s.",
            begun=begun,
            field=field,
            day=formats.day_long(stays.until) if stays.until else "–",
        )
    elif stays.until is not None:
        words = _(
            "The answers of your interview of %(begun)s (%(field)s) stay until the result can no"
            " longer be contested or corrected, %(day)s, and are deleted then.",
            begun=begun,
            field=field,
            day=formats.date_time_long(stays.until),
        )
    else:
        words = _(
            "The answers of your interview of %(begun)s (%(field)s) stay until it has a result"
            " and the time to contest it is over.",
            begun=begun,
            field=field,
        )
    return words


def _said_by(expert_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for interviews in which a person has said something that is still kept."""
    said = select(Response.id).where(col(Response.interview_id) == col(Interview.id)).exists()
    return col(Interview.expert_id) == expert_id, _held(), said


def _held() -> ColumnElement[bool]:
    return col(Interview.texts_deleted_at).is_(None)


def _is_final(at: datetime) -> ColumnElement[bool]:
    contested = (
        select(Appeal.id)
        .where(col(Appeal.decision_id) == col(Interview.decision_id), col(Appeal.outcome).is_(None))
        .exists()
    )
    until = func.coalesce(
        Interview.contest_until, col(Interview.decided_at) + AFTER_A_PASS, Interview.finished_at
    )
    return col(Interview.state).in_(OVER) & (until < at) & ~contested


def _stays(session: Session, interview: Interview) -> Stays:
    appeal = session.exec(
        select(Appeal).where(
            Appeal.decision_id == interview.decision_id, col(Appeal.outcome).is_(None)
        )
    ).first()
    if appeal is not None and interview.decision_id is not None:
        return Stays(interview, appeal.answer_by, contested=True)
    if interview.state not in OVER:
        return Stays(interview, None, contested=False)
    until = interview.contest_until
    if until is None and interview.decided_at is not None:
        until = interview.decided_at + AFTER_A_PASS
    return Stays(interview, until or interview.finished_at, contested=False)


def _without_quotes(response: Response) -> dict[str, object]:
    readings = [one | {"quote": None} for one in response.mark.get("readings", ())]
    return {**response.mark, "readings": readings}
