"""Each look into a message of the rail, and what of the stuck a person has seen."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from core.models import utc


class RailEventTry(SQLModel, table=True):
    """One look into a message: when, at whose wish, and what came of it."""

    __tablename__ = "rail_event_try"
    __table_args__ = (Index("ix_rail_event_try_event", "event_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    event_id: str = Field(foreign_key="rail_event.id", sa_type=Text)
    at: datetime = utc()
    outcome: str = Field(sa_type=Text)
    has_failed: bool = False


class SeenNeed(SQLModel, table=True):
    """A stuck thing that a person has looked at and closed; it is about that state of it only."""

    __tablename__ = "seen_need"

    subject: str = Field(primary_key=True, sa_type=Text)
    seen_by: int | None = Field(default=None, foreign_key="user_account.id")
    seen_at: datetime = utc()
