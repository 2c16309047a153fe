"""Reports on labels that are probably wrong, and what became of each of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc


class ReportState(StrEnum):
    """Where a report is."""

    LOOKING = "looking"
    DONE = "done"
    FAILED = "failed"


class FindingState(StrEnum):
    """What the owner did with a doubtful label."""

    OPEN = "open"
    SENT = "sent"
    RIGHT = "right"


class NoiseReport(SQLModel, table=True):
    """One look at all labels of a project, by votes and texts."""

    __tablename__ = "noise_report"
    __table_args__ = (
        one_of("state", ReportState),
        CheckConstraint(
            "(state = 'looking') = (ended_at IS NULL)"
            " AND (state = 'failed') = (trouble IS NOT NULL)",
            name="whole",
        ),
        CheckConstraint("least(attempts, tasks, left_out, found, dealt_with) >= 0", name="counts"),
        # One at a time for each project: a second click finds the first one's row.
        Index(
            "uq_noise_report_project_id_looking",
            "project_id",
            unique=True,
            postgresql_where="state = 'looking'",
        ),
        Index("ix_noise_report_project_id_id", "project_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    state: ReportState = text_enum(ReportState, default=ReportState.LOOKING)
    asked_by: int = Field(foreign_key="user_account.id")
    asked_at: datetime = utc()
    attempts: int = 0
    # The worker that looks holds it until then.
    held_until: datetime | None = utc(nullable=True)
    ended_at: datetime | None = utc(nullable=True)
    trouble: str | None = Field(default=None, sa_type=Text)
    tasks: int = 0
    left_out: int = 0  # of a label too rare to judge
    found: int = 0
    dealt_with: int = 0  # sent back or said to be right before, and no new answer since
    used_votes: bool = False
    used_text: bool = False


class NoiseFinding(SQLModel, table=True):
    """A label that is probably wrong, why, and what the owner did with it."""

    __tablename__ = "noise_finding"
    __table_args__ = (
        one_of("state", FindingState),
        UniqueConstraint("report_id", "task_id", "control"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_is_share"),
        CheckConstraint("given <> likely", name="likely_is_another"),
        CheckConstraint(
            "num_nulls(decided_by, decided_at) = CASE WHEN state = 'open' THEN 2 ELSE 0 END",
            name="decided_whole",
        ),
        Index("ix_noise_finding_report_id_score", "report_id", "score", "id"),
        Index("ix_noise_finding_dealt_with", "project_id", postgresql_where="state <> 'open'"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    report_id: int = Field(foreign_key="noise_report.id")
    project_id: int = Field(foreign_key="project.id")
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    control: str = Field(sa_type=Text)
    given: str = Field(sa_type=Text)
    likely: str = Field(sa_type=Text)
    score: float
    votes: dict[str, Any] = jsonb()
    reasons: list[Any] = jsonb()
    state: FindingState = text_enum(FindingState, default=FindingState.OPEN)
    decided_by: int | None = Field(default=None, foreign_key="user_account.id")
    decided_at: datetime | None = utc(nullable=True)
