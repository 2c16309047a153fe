"""Who looked at an interview's marks before having read its answers, and why."""

from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.types import Text
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import utc

REASON_AT_LEAST = 10


class InterviewLook(SQLModel, table=True):
    """Somebody saw what programs and judges found: from then on they read no answer of it."""

    __tablename__ = "interview_look"
    __table_args__ = (
        UniqueConstraint("interview_id", "by_user_id"),
        CheckConstraint(f"length(trim(reason)) >= {REASON_AT_LEAST}", name="says_why"),
    )

    id: int | None = Column(default=None, primary_key=True)
    interview_id: int = Column(foreign_key="interview.id")
    by_user_id: int = Column(foreign_key="user_account.id", index=True)
    reason: str = Column(sa_type=Text)
    at: datetime = utc()
