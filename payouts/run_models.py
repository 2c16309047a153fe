"""The tables of payout runs: who began one, what it made, and who agreed to a large amount."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc
from core.money import Money


class RunState(StrEnum):
    """Whether a run still makes payouts."""

    MAKING = "making"
    MADE = "made"


class PayoutRun(SQLModel, table=True):
    """One making of payouts, by a person or by the clock; one at a time."""

    __tablename__ = "payout_run"
    __table_args__ = (
        one_of("state", RunState),
        UniqueConstraint("request_key"),
        CheckConstraint("(state = 'made') = (made_at IS NOT NULL)", name="made_dated"),
        Index(
            "uq_payout_run_one_making", "state", unique=True, postgresql_where="state = 'making'"
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    request_key: str = Field(sa_type=Text)
    state: RunState = text_enum(RunState, default=RunState.MAKING)
    begun_by: int | None = Field(default=None, foreign_key="user_account.id")
    begun_at: datetime = utc()
    made_at: datetime | None = utc(nullable=True)
    # By currency: how many payouts, their sum in minor units, and what was planned.
    totals: dict[str, Any] = jsonb(default_factory=dict)


class PayoutInRun(SQLModel, table=True):
    """A payout that a run has made."""

    __tablename__ = "payout_in_run"

    payout_id: int = Field(
        primary_key=True, foreign_key="payout.id", sa_column_kwargs={"autoincrement": False}
    )
    run_id: int = Field(foreign_key="payout_run.id", index=True)


class PayoutLimit(SQLModel, table=True):
    """Up to which amount a payout leaves without a second person; the settings, as last read."""

    __tablename__ = "payout_limit"
    __table_args__ = (CheckConstraint("most_minor >= 0", name="most_sound"),)

    currency: str = Field(primary_key=True, sa_type=Text)
    most_minor: int = Field(sa_type=BigInteger)


class ApprovalCause(StrEnum):
    """Which limit a payout is over."""

    PAYOUT = "payout"
    RUN = "run"


class PayoutApproval(SQLModel, table=True):
    """A payout that a second person has to agree to; answered once.

    The database lets no payout be sent that is over the limit, or that has such a row, before
    somebody other than who asked and whom it pays has said yes.
    """

    __tablename__ = "payout_approval"
    __table_args__ = (
        one_of("cause", ApprovalCause),
        CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        CheckConstraint(
            "num_nulls(answered_at, answered_by, approved, words) IN (0, 4)", name="answered_whole"
        ),
        CheckConstraint("answered_by <> asked_by", name="by_another"),
        CheckConstraint(
            "(approved IS FALSE) = (decision_id IS NOT NULL)", name="refusal_has_decision"
        ),
        Index(
            "uq_payout_approval_live",
            "payout_id",
            unique=True,
            postgresql_where="approved IS NOT FALSE",
        ),
        Index("ix_payout_approval_waiting", "asked_at", postgresql_where="answered_at IS NULL"),
    )

    id: int | None = Field(default=None, primary_key=True)
    payout_id: int = Field(foreign_key="payout.id", index=True)
    run_id: int | None = Field(default=None, foreign_key="payout_run.id", index=True)
    cause: ApprovalCause = text_enum(ApprovalCause)
    amount_minor: int = Field(sa_type=BigInteger)
    limit_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    asked_by: int | None = Field(default=None, foreign_key="user_account.id")
    asked_at: datetime = utc()
    told_at: datetime | None = utc(nullable=True)
    answered_by: int | None = Field(default=None, foreign_key="user_account.id")
    answered_at: datetime | None = utc(nullable=True)
    approved: bool | None = None
    words: str | None = Field(default=None, sa_type=Text)
    decision_id: int | None = Field(default=None, foreign_key="decision.id", sa_type=BigInteger)

    @property
    def amount(self) -> Money:
        """What is to be sent."""
        return Money(self.amount_minor, self.currency)

    @property
    def limit(self) -> Money:
        """The limit that it is over."""
        return Money(self.limit_minor, self.currency)
