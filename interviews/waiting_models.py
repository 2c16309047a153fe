"""Who reads an interview just now, and of which it was said that one is about to be late."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import utc


class InterviewReading(SQLModel, table=True):
    """A short hold of an interview near the line, so that two people do not read the same."""

    __tablename__ = "interview_hold"
    __table_args__ = (CheckConstraint("until > begun_at", name="until_later"),)

    interview_id: int = Column(primary_key=True, foreign_key="interview.id")
    by_user_id: int = Column(foreign_key="user_account.id", index=True)
    begun_at: datetime = utc()
    until: datetime = utc()


class LateWarning(SQLModel, table=True):
    """Operators were written to that an interview is about to be late; once for each."""

    __tablename__ = "late_warning"

    interview_id: int = Column(primary_key=True, foreign_key="interview.id")
    warned_at: datetime = utc()
