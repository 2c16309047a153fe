"""What Label Studio has of the predictions that experts see, and how far we have looked."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlmodel import Field, SQLModel

from core.models import utc


class MirrorPrediction(SQLModel, table=True):
    """A prediction that Label Studio has, is to get, or will never take."""

    __tablename__ = "mirror_prediction"
    __table_args__ = (
        CheckConstraint(
            "(pushed_at IS NOT NULL) = (label_studio_prediction_id IS NOT NULL)",
            name="pushed_whole",
        ),
        CheckConstraint("push_trouble IS NULL OR pushed_at IS NULL", name="refused_is_not_there"),
        CheckConstraint("rule_version >= 0", name="rule_counts"),
        Index("ix_mirror_prediction_task_id", "task_id"),
        Index(
            "ix_mirror_prediction_to_bring",
            "project_id",
            postgresql_where="pushed_at IS NULL AND push_trouble IS NULL",
        ),
        Index(
            "ix_mirror_prediction_to_withdraw",
            "project_id",
            "rule_version",
            postgresql_where="NOT stays",
        ),
    )

    prediction_id: int = Field(
        primary_key=True,
        foreign_key="prediction.id",
        sa_type=BigInteger,
        sa_column_kwargs={"autoincrement": False},
    )
    project_id: int = Field(foreign_key="project.id")
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    # The newest rule that shows it; under a later one it is withdrawn, unless it stays.
    rule_version: int = 0
    # An answer began with it: Label Studio keeps it, whatever the rule.
    stays: bool = False
    label_studio_prediction_id: int | None = Field(default=None, sa_type=BigInteger)
    pushed_at: datetime | None = utc(nullable=True)
    push_trouble: str | None = Field(default=None, sa_type=Text)


class MirrorShown(SQLModel, table=True):
    """How far the predictions that a rule shows were looked through, by their ids."""

    __tablename__ = "mirror_shown"
    __table_args__ = (CheckConstraint("least(rule_version, last_id) >= 0", name="counts"),)

    project_id: int = Field(primary_key=True, foreign_key="project.id")
    rule_version: int
    last_id: int = Field(default=0, sa_type=BigInteger)
