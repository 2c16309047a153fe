"""What the rail charged owners, and what was drawn from that before it settled."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import one_of, text_enum, utc
from core.money import Money


class Charge(SQLModel, table=True):
    """The charge of a paid deposit: when it settles, and what of it was drawn and refunded.

    `pending_minor` is what of it stands in the account of what is pending; `drawn_minor` and
    `refunded_minor` are claimed before the rail is asked, so that their sum never exceeds it.
    """

    __tablename__ = "charge"
    __table_args__ = (
        UniqueConstraint("stripe_charge_id"),
        CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        CheckConstraint(
            "drawn_minor >= 0 AND refunded_minor >= 0 AND refunded_elsewhere_minor >= 0"
            " AND drawn_minor + refunded_minor <= amount_minor",
            name="never_more_than_it_is",
        ),
        CheckConstraint("settled_at IS NULL OR pending_minor = 0", name="settled_whole"),
        Index("ix_charge_unsettled", "settles_at", postgresql_where="settled_at IS NULL"),
    )

    deposit_id: int = Field(
        primary_key=True, foreign_key="deposit.id", sa_column_kwargs={"autoincrement": False}
    )
    project_id: int = Field(foreign_key="project_budget.project_id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    pending_minor: int = Field(default=0, sa_type=BigInteger)
    drawn_minor: int = Field(default=0, sa_type=BigInteger)
    refunded_minor: int = Field(default=0, sa_type=BigInteger)
    refunded_elsewhere_minor: int = Field(default=0, sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    method: str | None = Field(default=None, sa_type=Text)
    is_disputed: bool = False
    paid_at: datetime = utc()
    settles_at: datetime | None = utc(nullable=True)
    settled_at: datetime | None = utc(nullable=True)
    refused_at: datetime | None = utc(nullable=True)  # the rail lets nothing more be drawn from it
    read_at: datetime | None = utc(nullable=True)
    receipt_url: str | None = Field(default=None, sa_type=Text)
    stripe_charge_id: str = Field(sa_type=Text)

    @property
    def amount(self) -> Money:
        """What the owner was charged."""
        return Money(self.amount_minor, self.currency)

    @property
    def refunded(self) -> Money:
        """What of it went back, or is about to."""
        return Money(self.refunded_minor + self.refunded_elsewhere_minor, self.currency)

    @property
    def room(self) -> Money:
        """What of it may still be drawn or given back."""
        taken = self.drawn_minor + self.refunded_minor + self.refunded_elsewhere_minor
        left = 0 if self.is_disputed else self.amount_minor - taken
        return Money(max(0, left), self.currency)


class PartState(StrEnum):
    """Where an amount is that was drawn from a charge."""

    CLAIMED = "claimed"
    SENT = "sent"
    RETURNED = "returned"


class PayoutPart(SQLModel, table=True):
    """One attempt of a payout that draws on a charge, for as much as the charge has.

    `wanted_minor` is what the payout asked for; what the charge did not have leaves as the payout
    `rest_payout_id`. The attempt's reference and its transfer stand with the payout.
    """

    __tablename__ = "payout_part"
    __table_args__ = (
        one_of("state", PartState),
        UniqueConstraint("payout_id", "attempt"),
        UniqueConstraint("rest_payout_id"),
        CheckConstraint("amount_minor > 0 AND amount_minor <= wanted_minor", name="part_of_it"),
        Index(
            "uq_payout_part_one_claimed",
            "payout_id",
            unique=True,
            postgresql_where="state = 'claimed'",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    payout_id: int = Field(foreign_key="payout.id")
    attempt: int
    deposit_id: int = Field(foreign_key="charge.deposit_id", index=True)
    amount_minor: int = Field(sa_type=BigInteger)
    wanted_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    state: PartState = text_enum(PartState, default=PartState.CLAIMED)
    rest_payout_id: int | None = Field(default=None, foreign_key="payout.id")
    claimed_at: datetime = utc()
    ended_at: datetime | None = utc(nullable=True)

    @property
    def amount(self) -> Money:
        """What of the payout this attempt sends."""
        return Money(self.amount_minor, self.currency)

    @property
    def rest(self) -> Money:
        """What of it leaves by another payout."""
        return Money(self.wanted_minor - self.amount_minor, self.currency)
