"""When the payout rail did not answer."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field, SQLModel

from core.models import utc


class RailOutage(SQLModel, table=True):
    """A time in which the rail did not answer; of those that last there is one."""

    __tablename__ = "rail_outage"
    __table_args__ = (
        CheckConstraint("ended_at IS NULL OR ended_at >= began_at", name="ends_after_it_began"),
        Index(
            "uq_rail_outage_one_lasts", "ended_at", unique=True, postgresql_nulls_not_distinct=True
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    began_at: datetime = utc()
    trouble: str = Field(sa_type=Text)
    told_at: datetime | None = utc(nullable=True)
    ended_at: datetime | None = utc(nullable=True)
