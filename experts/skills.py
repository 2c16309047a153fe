"""Skills: what an interview has proven, at a level, for a year. A skill is never taken away.

An expert's best proof that is still valid counts. A later attempt that fails proves nothing, so
it changes nothing.
"""

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import audit
from core.clock import now
from experts import profile
from experts.fields import Field
from experts.models import Skill

VALID_FOR = timedelta(days=365)


def prove(
    session: Session,
    expert_id: int,
    field: Field,
    level: float,
    interview_id: int | None,
    at: datetime,
) -> Skill:
    """Record what an interview has proven, once; asked again it returns the first record."""
    profile.of(session, expert_id)
    values = {
        "expert_id": expert_id,
        "field": field,
        "level": level,
        "passed_at": at,
        "expires_at": at + VALID_FOR,
        "interview_id": interview_id,
    }
    made = session.execute(
        insert(Skill).values(values).on_conflict_do_nothing().returning(col(Skill.id))
    ).scalar()
    if made is None:
        same = select(Skill).where(Skill.interview_id == interview_id, Skill.field == field)
        return session.exec(same).one()
    audit.record(
        session,
        "skill.proven",
        by=None,
        subject=f"expert:{expert_id}",
        details={"field": field, "level": level, "interview_id": interview_id},
    )
    return session.get_one(Skill, made)


def held(session: Session, expert_id: int, at: datetime | None = None) -> list[Skill]:
    """Return the best valid proof in each field, the best first."""
    at = at or now()
    query = (
        select(Skill)
        .where(
            Skill.expert_id == expert_id,
            col(Skill.passed_at) <= at,
            col(Skill.expires_at) > at,
        )
        .order_by(col(Skill.level).desc(), col(Skill.passed_at).desc())
    )
    best: dict[Field, Skill] = {}
    for skill in session.exec(query):
        best.setdefault(skill.field, skill)
    return list(best.values())


def past(session: Session, expert_id: int, at: datetime) -> list[Skill]:
    """Return the proofs that are over, the last first."""
    query = select(Skill).where(Skill.expert_id == expert_id, col(Skill.expires_at) <= at)
    return list(session.exec(query.order_by(col(Skill.expires_at).desc())))


def level(session: Session, expert_id: int, field: Field, at: datetime | None = None) -> float:
    """Return the level that counts in a field; nothing proven is 0."""
    found = (skill.level for skill in held(session, expert_id, at) if skill.field == field)
    return next(found, 0.0)
