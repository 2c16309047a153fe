"""Work samples: the rule of a project, each attempt of an expert, the answers, who was let in.

An attempt that ends against its person holds its decision, until when it can be contested and
from when it may be taken again; the database refuses one without.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc
from core.money import Money


class SampleState(StrEnum):
    """Where an attempt is; `tried` is the end of an owner's own, which counts nowhere."""

    ACTIVE = "active"
    REVIEW = "review"
    PASSED = "passed"
    FAILED = "failed"
    EXPIRED = "expired"
    TRIED = "tried"


class GrantKind(StrEnum):
    """What an owner grants an expert by hand."""

    LET_IN = "let_in"
    ANOTHER_TRY = "another_try"


class SampleRule(SQLModel, table=True):
    """What a project asks of experts before their first task; each change is a row, for ever."""

    __tablename__ = "work_sample_rule"
    __table_args__ = (
        UniqueConstraint("project_id", "version"),
        CheckConstraint("version > 0", name="version_counts"),
        CheckConstraint("tasks BETWEEN 3 AND 8", name="tasks_few"),
        CheckConstraint(
            "pass_share > 0 AND pass_share <= 1 AND floor_share >= 0 AND floor_share <= pass_share",
            name="shares_sound",
        ),
        CheckConstraint("attempts BETWEEN 1 AND 10", name="attempts_plausible"),
        CheckConstraint("delay_days BETWEEN 0 AND 365", name="delay_plausible"),
        CheckConstraint("minutes BETWEEN 5 AND 480", name="minutes_plausible"),
        CheckConstraint("valid_days BETWEEN 30 AND 1825", name="validity_plausible"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    version: int
    is_on: bool = True
    tasks: int = 5
    pass_share: float = 0.7
    # What each question of the form must reach before the rule alone lets pass; 0 asks nothing.
    floor_share: float = 0.0
    attempts: int = 2
    delay_days: int = 7
    minutes: int = 60
    valid_days: int = 365
    reveals: bool = False
    paid: bool = False
    # Since when the project asks without a break: who had worked before stays in.
    since: datetime = utc()
    made_by: int = Field(foreign_key="user_account.id")
    made_at: datetime = utc()

    @property
    def name(self) -> str:
        """What decisions call it."""
        return f"WS-{self.project_id}.{self.version}"


class WorkSample(SQLModel, table=True):
    """One attempt: of an expert, or of an owner who tries it out."""

    __tablename__ = "work_sample"
    __table_args__ = (
        one_of("state", SampleState),
        CheckConstraint("num_nonnulls(expert_id, tried_by) = 1", name="of_one_person"),
        CheckConstraint(
            "tried_by IS NULL OR state IN ('active', 'tried', 'expired')", name="trial_counts_not"
        ),
        CheckConstraint("state <> 'tried' OR tried_by IS NOT NULL", name="tried_by_owner"),
        CheckConstraint("attempt > 0", name="attempt_counts"),
        CheckConstraint("expires_at > started_at", name="expires_later"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_is_share"),
        CheckConstraint("pay_minor >= 0", name="pay_not_negative"),
        CheckConstraint("(state = 'active') = (finished_at IS NULL)", name="finished_once"),
        CheckConstraint(
            "state NOT IN ('passed', 'failed') OR scorecard IS NOT NULL", name="scored"
        ),
        CheckConstraint(
            "(state IN ('passed', 'failed')) = (decided_at IS NOT NULL)"
            " AND num_nonnulls(decided_by, decided_rule)"
            " = CASE WHEN decided_at IS NULL THEN 0 ELSE 1 END",
            name="decided_whole",
        ),
        CheckConstraint("(state = 'passed') = (valid_until IS NOT NULL)", name="passed_until"),
        # Due process (DESIGN.md): a trigger asks that the decision is of this attempt.
        CheckConstraint(
            "state <> 'failed' OR num_nulls(contest_until, decision_id) = 0",
            name="failed_has_reason",
        ),
        UniqueConstraint("project_id", "expert_id", "attempt"),
        Index(
            "uq_work_sample_project_id_expert_id_active",
            "project_id",
            "expert_id",
            unique=True,
            postgresql_where="state = 'active'",
        ),
        Index(
            "uq_work_sample_project_id_tried_by_active",
            "project_id",
            "tried_by",
            unique=True,
            postgresql_where="state = 'active'",
        ),
        # A claim passes by the tasks of an expert's own work samples.
        Index("ix_work_sample_expert_id", "expert_id"),
        Index("ix_work_sample_open", "expires_at", postgresql_where="state = 'active'"),
        Index("ix_work_sample_waiting", "project_id", postgresql_where="state = 'review'"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    rule_id: int = Field(foreign_key="work_sample_rule.id")
    expert_id: int | None = Field(default=None, foreign_key="expert.user_id")
    tried_by: int | None = Field(default=None, foreign_key="user_account.id")
    attempt: int
    state: SampleState = text_enum(SampleState, default=SampleState.ACTIVE)
    seed: str = Field(sa_type=Text)
    guidelines_version: int
    # What each task pays on handing in, by the project's paid qualification; 0 is nothing.
    pay_minor: int = Field(default=0, sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    started_at: datetime = utc()
    expires_at: datetime = utc()
    finished_at: datetime | None = utc(nullable=True)
    score: float | None = None
    scorecard: dict[str, Any] | None = jsonb(nullable=True)
    decided_by: int | None = Field(default=None, foreign_key="user_account.id")
    decided_rule: str | None = Field(default=None, sa_type=Text)
    decided_at: datetime | None = utc(nullable=True)
    contest_until: datetime | None = utc(nullable=True)
    retake_from: datetime | None = utc(nullable=True)
    valid_until: datetime | None = utc(nullable=True)
    decision_id: int | None = Field(
        default=None, foreign_key="decision.id", unique=True, sa_type=BigInteger
    )

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the work sample is not stored yet")
        return self.id

    @property
    def is_trial(self) -> bool:
        """Whether an owner tries it out."""
        return self.tried_by is not None

    @property
    def pay(self) -> Money:
        """What each task pays on handing in."""
        return Money(self.pay_minor, self.currency)

    def is_open(self, at: datetime) -> bool:
        """Return whether tasks can be handed in; its time may be over before it is closed."""
        return self.state is SampleState.ACTIVE and at < self.expires_at


class SampleAnswer(SQLModel, table=True):
    """One task of an attempt: what was typed so far, what was handed in first, how it scored."""

    __tablename__ = "work_sample_answer"
    __table_args__ = (
        UniqueConstraint("sample_id", "position"),
        UniqueConstraint("sample_id", "task_id"),
        Index("ix_work_sample_answer_task_id", "task_id"),
        CheckConstraint("position > 0", name="position_counts"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score_is_share"),
        CheckConstraint("num_nonnulls(result, skip_reason) <= 1", name="handed_in_or_left"),
        CheckConstraint(
            "(num_nonnulls(result, skip_reason) = 1) = (ended_at IS NOT NULL)"
            " AND (result IS NULL) = (score IS NULL) AND (result IS NULL) = (parts IS NULL)",
            name="ended_whole",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    sample_id: int = Field(foreign_key="work_sample.id")
    position: int
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    draft: list[dict[str, Any]] | None = jsonb(nullable=True)
    draft_saved_at: datetime | None = utc(nullable=True)
    result: list[dict[str, Any]] | None = jsonb(nullable=True)
    skip_reason: str | None = Field(default=None, sa_type=Text)
    ended_at: datetime | None = utc(nullable=True)
    score: float | None = None
    parts: list[dict[str, Any]] | None = jsonb(nullable=True)


class SampleGrant(SQLModel, table=True):
    """What an owner granted an expert by hand, with the reason; only ever added."""

    __tablename__ = "work_sample_grant"
    __table_args__ = (
        one_of("kind", GrantKind),
        # A second press of a button grants nothing twice.
        UniqueConstraint("project_id", "expert_id", "kind", "after"),
        CheckConstraint("length(btrim(words)) > 0", name="words_said"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    expert_id: int = Field(foreign_key="expert.user_id")
    kind: GrantKind = text_enum(GrantKind)
    # How many attempts there had been.
    after: int
    words: str = Field(sa_type=Text)
    made_by: int = Field(foreign_key="user_account.id")
    made_at: datetime = utc()
