"""Money of a budget that goes back to the owner who paid it in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import one_of, text_enum, utc
from core.money import Money
from payouts.models import key_part


class Refund(SQLModel, table=True):
    """What an owner asked back of a budget, once for each form; its parts go to the charges."""

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("request_key"),
        CheckConstraint("amount_minor > 0", name="amount_above_zero"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project_budget.project_id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    request_key: str = Field(sa_type=Text)
    asked_by: int | None = Field(default=None, foreign_key="user_account.id")
    asked_at: datetime = utc()
    ended_at: datetime | None = utc(nullable=True)

    @property
    def amount(self) -> Money:
        """What was asked back."""
        return Money(self.amount_minor, self.currency)


class RefundState(StrEnum):
    """Where a part of a refund is; see `refunds.py` for who may move it where."""

    READY = "ready"
    SENDING = "sending"
    UNKNOWN = "unknown"
    PENDING = "pending"
    NEEDS_PERSON = "needs_person"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundPart(SQLModel, table=True):
    """What of a refund goes back to one charge: one question to the rail under one reference.

    Until `booked_at` its money is in the project's reserve; then the rail has taken it.
    """

    __tablename__ = "refund_part"
    __table_args__ = (
        one_of("state", RefundState),
        UniqueConstraint("refund_id", "number"),
        UniqueConstraint("request_key"),
        UniqueConstraint("stripe_refund_id"),
        CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        Index("ix_refund_part_state", "state", "try_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    refund_id: int = Field(foreign_key="refund.id")
    number: int
    project_id: int = Field(foreign_key="project_budget.project_id", index=True)
    deposit_id: int = Field(foreign_key="charge.deposit_id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    state: RefundState = text_enum(RefundState, default=RefundState.READY)
    request_key: str = Field(sa_type=Text)
    attempt: int = 0
    looks: int = 0
    trouble: str | None = Field(default=None, sa_type=Text)
    try_at: datetime | None = utc(nullable=True)
    sending_at: datetime | None = utc(nullable=True)
    booked_at: datetime | None = utc(nullable=True)
    read_at: datetime | None = utc(nullable=True)
    ended_at: datetime | None = utc(nullable=True)
    stripe_refund_id: str | None = Field(default=None, sa_type=Text)

    @property
    def amount(self) -> Money:
        """What goes back to this charge."""
        return Money(self.amount_minor, self.currency)

    @property
    def reference(self) -> str:
        """The name of the present attempt at the rail; see `Payout.reference`."""
        return f"refund-{self.id}-{self.attempt}-{key_part(self.request_key)}"
