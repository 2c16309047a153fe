"""What Label Studio was told of the verdicts on answers: one row for each, from its beginning."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlmodel import Field, SQLModel

from core.models import utc


class MirrorVerdict(SQLModel, table=True):
    """A verdict that Label Studio has, or is to get; an overturned one is to be brought again."""

    __tablename__ = "mirror_verdict"
    __table_args__ = (
        CheckConstraint("push_trouble IS NULL OR pushed_at IS NULL", name="refused_is_not_there"),
        Index("ix_mirror_verdict_task_id", "task_id"),
        Index(
            "ix_mirror_verdict_to_bring",
            "project_id",
            "task_id",
            postgresql_where="pushed_at IS NULL AND push_trouble IS NULL",
        ),
    )

    assignment_id: int = Field(
        primary_key=True,
        foreign_key="assignment.id",
        sa_type=BigInteger,
        sa_column_kwargs={"autoincrement": False},
    )
    project_id: int = Field(foreign_key="project.id")
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    # Which verdict: whoever brings an older one notes nothing.
    decided_at: datetime = utc()
    pushed_at: datetime | None = utc(nullable=True)
    push_trouble: str | None = Field(default=None, sa_type=Text)
    # The Enterprise edition keeps reviews of its own beside what the task says.
    label_studio_review_id: int | None = Field(default=None, sa_type=BigInteger)
    review_trouble: str | None = Field(default=None, sa_type=Text)
