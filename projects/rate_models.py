"""What is known of the time that a project's tasks take, as the sweep last saw it."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from core.models import utc


class ProjectRate(SQLModel, table=True):
    """Observed times of a project; `under_since` from when it was told to pay below a floor."""

    __tablename__ = "project_rate"
    __table_args__ = (
        CheckConstraint("answers > 0 AND experts > 0", name="counts_sound"),
        CheckConstraint(
            "0 < lower_seconds AND lower_seconds <= median_seconds"
            " AND median_seconds <= upper_seconds",
            name="times_in_order",
        ),
    )

    project_id: int = Field(primary_key=True, foreign_key="project.id")
    answers: int
    experts: int
    lower_seconds: int
    median_seconds: int
    upper_seconds: int
    observed_at: datetime = utc()
    under_since: datetime | None = utc(nullable=True)
