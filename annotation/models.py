"""Tasks, the leases on them, what was handed in, and what Label Studio calls them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core.models import all_hold, is_one_of, jsonb, text_enum, utc
from core.money import Money


class State(StrEnum):
    """Where an assignment is."""

    WAITING = "waiting"  # taken ahead of the one in work, and not shown yet
    ACTIVE = "active"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PARTLY_ACCEPTED = "partly_accepted"
    RETURNED = "returned"
    EXPIRED = "expired"
    SKIPPED = "skipped"


IN_HAND = (State.ACTIVE, State.WAITING)  # the pay is reserved, and the slot is taken


class Verdict(StrEnum):
    """What a person or a rule says about an annotation."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PARTLY_ACCEPTED = "partly_accepted"


def _tallied() -> Any:
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


class Task(SQLModel, table=True):
    """One item to label; `slots_left` more experts may still take it."""

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("project_id", "external_id"),
        CheckConstraint("slots > 0", name="slots_positive"),
        CheckConstraint("slots_left BETWEEN 0 AND slots", name="slots_left_within"),
        # A claim reads this backwards, so that it costs the same however many tasks there are.
        Index(
            "ix_task_open",
            "project_id",
            "priority",
            "position",
            postgresql_where="slots_left > 0",
        ),
        Index("ix_task_project_id_id", "project_id", "id"),
        Index("ix_task_known", "project_id", postgresql_where="gold IS NOT NULL"),
        Index(
            "ix_task_unpushed", "project_id", "id", postgresql_where="label_studio_task_id IS NULL"
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    external_id: str = Field(sa_type=Text)
    data: dict[str, Any] = jsonb()
    gold: list[dict[str, Any]] | None = jsonb(nullable=True)
    group_key: str | None = Field(default=None, sa_type=Text)
    slots: int
    slots_left: int
    priority: int = 0
    position: int = Field(sa_type=BigInteger)
    label_studio_task_id: int | None = Field(default=None, sa_type=BigInteger)
    created_at: datetime = utc()


CHECKED = (
    *("state", "verdict", "pay_minor", "fee_minor", "extended", "taken_ahead", "opened_at"),
    *("submitted_at", "review_by", "left_at", "skip_reason", "decided_at", "decided_by"),
    *("decided_rule", "reason_code", "reason_clause", "reason_words"),
)
RULES = {
    "state_known": is_one_of("state", State),
    "verdict_known": is_one_of("verdict", Verdict),
    "pay_not_negative": "pay_minor >= 0 AND fee_minor >= 0",
    "extended_counts": "extended >= 0",
    # What was taken ahead can only be opened or go back; nothing else becomes of it unseen.
    "opened_whole": "CASE WHEN taken_ahead"
    " THEN state IN ('waiting', 'returned') OR opened_at IS NOT NULL"
    " ELSE opened_at IS NULL AND state <> 'waiting' END"
    " AND (state <> 'waiting' OR opened_at IS NULL)",
    "submitted_whole": "(state IN ('submitted', 'accepted', 'rejected', 'partly_accepted'))"
    " = (submitted_at IS NOT NULL)"
    " AND (submitted_at IS NULL) = (review_by IS NULL)",
    "left_whole": "(state IN ('returned', 'expired', 'skipped')) = (left_at IS NOT NULL)",
    "skipped_has_reason": "(state = 'skipped') = (skip_reason IS NOT NULL)",
    "decided_whole": "(state IN ('accepted', 'rejected', 'partly_accepted'))"
    " = (verdict IS NOT NULL)"
    " AND (verdict IS NULL OR verdict = state)"
    " AND (verdict IS NULL) = (decided_at IS NULL)"
    " AND num_nonnulls(decided_by, decided_rule)"
    " = CASE WHEN verdict IS NULL THEN 0 ELSE 1 END",
    # Due process (DESIGN.md): no adverse verdict without a reason, in words.
    "adverse_has_reason": "verdict IS NULL OR verdict = 'accepted'"
    " OR (reason_code IS NOT NULL AND length(btrim(coalesce(reason_clause, ''))) > 0"
    " AND length(btrim(coalesce(reason_words, ''))) >= 20)",
}


class Assignment(SQLModel, table=True):
    """One expert's lease on one task, with the terms as they were when it began."""

    __tablename__ = "assignment"
    __table_args__ = (
        all_hold("assignment", CHECKED, RULES),
        Index(
            "uq_assignment_task_id_expert_id_live",
            "task_id",
            "expert_id",
            unique=True,
            postgresql_where="state NOT IN ('returned', 'expired')",
        ),
        Index(
            "uq_assignment_project_id_expert_id_active",
            "project_id",
            "expert_id",
            unique=True,
            postgresql_where="state = 'active'",
        ),
        Index(
            "ix_assignment_project_id_expert_id_waiting",
            "project_id",
            "expert_id",
            postgresql_where="state = 'waiting'",
        ),
        Index("ix_assignment_expert_id_id", "expert_id", "id"),
        Index("ix_assignment_task_id_expert_id", "task_id", "expert_id"),
        Index("ix_assignment_project_id_state", "project_id", "state"),
        Index(
            "ix_assignment_project_id_expert_id_claimed_at",
            "project_id",
            "expert_id",
            "claimed_at",
        ),
        Index(
            "uq_assignment_decision_id",
            "decision_id",
            unique=True,
            postgresql_where="decision_id IS NOT NULL",
        ),
        Index("ix_assignment_due_at_active", "due_at", postgresql_where="state = 'active'"),
        Index(
            "ix_assignment_review_by_submitted", "review_by", postgresql_where="state = 'submitted'"
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    expert_id: int = Field(foreign_key="user_account.id")
    state: State = text_enum(State, default=State.ACTIVE)
    pay_minor: int = Field(sa_type=BigInteger)
    fee_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    terms: dict[str, Any] = jsonb()
    claimed_at: datetime = utc()
    taken_ahead: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    opened_at: datetime | None = utc(nullable=True)  # when one that was taken ahead was shown
    due_at: datetime = utc()  # of one that waits it begins anew when it is opened
    extended: int = 0  # how often it was given its time again
    seen_at: datetime | None = utc(nullable=True)  # when its page was last open
    submitted_at: datetime | None = utc(nullable=True)
    review_by: datetime | None = utc(nullable=True)
    lead_seconds: int | None = None
    left_at: datetime | None = utc(nullable=True)
    skip_reason: str | None = Field(default=None, sa_type=Text)
    verdict: Verdict | None = text_enum(Verdict, nullable=True)
    reason_code: str | None = Field(default=None, sa_type=Text)
    reason_clause: str | None = Field(default=None, sa_type=Text)
    reason_words: str | None = Field(default=None, sa_type=Text)
    decided_by: int | None = Field(default=None, foreign_key="user_account.id")
    decided_rule: str | None = Field(default=None, sa_type=Text)
    decided_at: datetime | None = utc(nullable=True)
    # The decision against the work, or of the rule that accepted it; it stays after an appeal.
    decision_id: int | None = Field(default=None, foreign_key="decision.id", sa_type=BigInteger)

    @property
    def pay(self) -> Money:
        """What the expert earns when this is accepted."""
        return Money(self.pay_minor, self.currency)

    @property
    def fee(self) -> Money:
        """What the platform earns beside it."""
        return Money(self.fee_minor, self.currency)

    @property
    def begun_at(self) -> datetime:
        """When its expert first had it before them; of one that waits, when it was taken."""
        return self.opened_at or self.claimed_at

    @property
    def is_unseen(self) -> bool:
        """Whether it was taken ahead and never shown."""
        return self.taken_ahead and self.opened_at is None


class ClaimPlace(SQLModel, table=True):
    """Where an expert stopped in the order of a project's tasks, while it had so many tasks."""

    __tablename__ = "claim_place"

    project_id: int = Field(primary_key=True, foreign_key="project.id")
    expert_id: int = Field(primary_key=True, foreign_key="user_account.id")
    priority: int
    position: int = Field(sa_type=BigInteger)
    task_count: int = Field(sa_type=BigInteger)


class Annotation(SQLModel, table=True):
    """What an expert handed in with an assignment; its result is never changed."""

    __tablename__ = "annotation"
    __table_args__ = (
        UniqueConstraint("assignment_id"),
        UniqueConstraint("unique_id"),
        Index("ix_annotation_task_id", "task_id"),
        Index("ix_annotation_project_id_submitted_at", "project_id", "submitted_at"),
        Index(
            "ix_annotation_unpushed",
            "project_id",
            "id",
            postgresql_where="pushed_at IS NULL AND push_trouble IS NULL",
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    assignment_id: int = Field(foreign_key="assignment.id", sa_type=BigInteger)
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    expert_id: int = Field(foreign_key="user_account.id")
    result: list[dict[str, Any]] = jsonb()
    # Label Studio takes an annotation with a known unique_id only once.
    unique_id: UUID = Field(default_factory=uuid4)
    submitted_at: datetime = utc()
    label_studio_annotation_id: int | None = Field(default=None, sa_type=BigInteger)
    pushed_at: datetime | None = utc(nullable=True)
    # Why Label Studio will never take it; it counts here all the same.
    push_trouble: str | None = Field(default=None, sa_type=Text)


class Draft(SQLModel, table=True):
    """What an expert has typed so far on an assignment."""

    __tablename__ = "draft"

    assignment_id: int = Field(primary_key=True, foreign_key="assignment.id", sa_type=BigInteger)
    result: list[dict[str, Any]] = jsonb()
    saved_at: datetime = utc()


class ValidationDue(SQLModel, table=True):
    """A task with an answer that agreement has not been asked about."""

    __tablename__ = "validation_due"

    task_id: int = Field(primary_key=True, foreign_key="task.id", sa_type=BigInteger)


class WorkTally(SQLModel, table=True):
    """One change of how much work of a project is left and decided; triggers write them.

    The sum of a project's rows is what counting its tasks and verdicts would say. It names no row
    of another table, so that no claim waits for whoever holds the project.
    """

    __tablename__ = "work_tally"
    __table_args__ = (Index("ix_work_tally_project_id", "project_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    project_id: int
    tasks: int = _tallied()
    slots_left: int = _tallied()
    untouched: int = _tallied()
    taken: int = _tallied()
    accepted: int = _tallied()
    partly_accepted: int = _tallied()


class LabelStudioProject(SQLModel, table=True):
    """Which project of Label Studio mirrors one of ours."""

    __tablename__ = "label_studio_project"
    __table_args__ = (UniqueConstraint("label_studio_project_id"),)

    project_id: int = Field(primary_key=True, foreign_key="project.id")
    label_studio_project_id: int
    created_at: datetime = utc()


class ShadowUser(SQLModel, table=True):
    """Which user of Label Studio stands for an expert; never deleted there."""

    __tablename__ = "shadow_user"
    __table_args__ = (UniqueConstraint("label_studio_user_id"),)

    expert_id: int = Field(primary_key=True, foreign_key="user_account.id")
    label_studio_user_id: int
    created_at: datetime = utc()


# The tables of parts that have models of their own are known wherever these are.
from annotation import (  # noqa: E402
    media_models,  # noqa: F401
    mirror_models,  # noqa: F401
    mirror_prediction_models,  # noqa: F401
    mirror_verdict_models,  # noqa: F401
)
