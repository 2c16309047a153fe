"""Times in which an interview waited for a model that did not answer: its person does not pay.

The time is given back when it is over; an interview that ends before counts as no attempt.
"""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import audit
from experts.fields import Field
from interviews.models import Interview, State
from interviews.talk_models import ModelOutage

UNFINISHED = (State.ACTIVE, State.EXPIRED, State.ABANDONED)


def begin(session: Session, interview: Interview, since: datetime) -> None:
    """Note that the model does not answer, from the first time on."""
    made = session.execute(
        insert(ModelOutage)
        .values(interview_id=interview.key, began_at=since)
        .on_conflict_do_nothing()
        .returning(col(ModelOutage.id))
    ).scalar()
    if made is not None:
        _record(session, interview, "outage_began")


def open_of(session: Session, interview: Interview) -> ModelOutage | None:
    """Return the outage that an interview is in."""
    query = select(ModelOutage).where(
        ModelOutage.interview_id == interview.id, col(ModelOutage.ended_at).is_(None)
    )
    return session.exec(query).first()


def end(session: Session, interview: Interview, at: datetime) -> None:
    """Give back the time that an outage took, if there is one; `interview` is locked and open."""
    found = open_of(session, interview)
    if found is None:
        return
    found.ended_at = max(at, found.began_at)
    lost = found.ended_at - found.began_at
    interview.expires_at += lost
    session.add(found)
    session.add(interview)
    _record(session, interview, "outage_ended", seconds=round(lost.total_seconds()))


def spoiled(session: Session, expert_id: int, field: Field, at: datetime) -> frozenset[int]:
    """Return the interviews that ended in an outage: they count as no attempt."""
    query = (
        select(Interview)
        .join(ModelOutage, col(ModelOutage.interview_id) == col(Interview.id))
        .where(
            Interview.expert_id == expert_id,
            Interview.field == field,
            col(Interview.state).in_(UNFINISHED),
            col(ModelOutage.ended_at).is_(None),
        )
    )
    return frozenset(one.key for one in session.exec(query) if not one.is_open(at))


def is_spoiled(session: Session, interview: Interview, at: datetime) -> bool:
    """Return whether an interview ended in an outage."""
    return interview.id in spoiled(session, interview.expert_id, interview.field, at)


def _record(session: Session, interview: Interview, what: str, **details: object) -> None:
    subject = f"interview:{interview.id}"
    audit.record(session, f"interview.{what}", by=None, subject=subject, details=details)
