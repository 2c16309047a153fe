"""Payments that a bank asks back, and transfers that are taken back from experts' accounts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import one_of, text_enum, utc
from core.money import Money
from payouts.models import key_part


class DisputeState(StrEnum):
    """Where a dispute is; the rail's own words for it."""

    INQUIRY = "warning_needs_response"
    INQUIRY_REVIEWED = "warning_under_review"
    INQUIRY_CLOSED = "warning_closed"
    TO_ANSWER = "needs_response"
    REVIEWED = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


# While one of these stands, money of the project is contested.
CONTESTED = (DisputeState.TO_ANSWER, DisputeState.REVIEWED)
ANSWERABLE = (DisputeState.TO_ANSWER, DisputeState.INQUIRY)
OPEN = (*CONTESTED, DisputeState.INQUIRY, DisputeState.INQUIRY_REVIEWED)


class Dispute(SQLModel, table=True):
    """A payment that the payer's bank asks back, as the rail tells it.

    `borne_minor` is what the project's budget has borne of a lost one, `lost_minor` what the
    platform has.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        one_of("state", DisputeState),
        UniqueConstraint("stripe_dispute_id"),
        CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        CheckConstraint("borne_minor >= 0 AND lost_minor >= 0", name="shares_sound"),
        Index("ix_dispute_due", "due_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    stripe_dispute_id: str = Field(sa_type=Text)
    stripe_charge_id: str = Field(sa_type=Text, index=True)
    deposit_id: int | None = Field(default=None, foreign_key="deposit.id")
    project_id: int | None = Field(
        default=None, foreign_key="project_budget.project_id", index=True
    )
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    state: DisputeState = text_enum(DisputeState)
    has_evidence: bool = False
    due_at: datetime | None = utc(nullable=True)
    opened_at: datetime = utc()
    read_at: datetime = utc()
    closed_at: datetime | None = utc(nullable=True)
    borne_minor: int = Field(default=0, sa_type=BigInteger)
    lost_minor: int = Field(default=0, sa_type=BigInteger)

    @property
    def amount(self) -> Money:
        """What the bank asks back."""
        return Money(self.amount_minor, self.currency)

    @property
    def borne(self) -> Money:
        """What the project's budget has borne."""
        return Money(self.borne_minor, self.currency)

    @property
    def lost(self) -> Money:
        """What the platform has borne."""
        return Money(self.lost_minor, self.currency)

    @property
    def is_open(self) -> bool:
        """Whether the bank has not decided."""
        return self.state in OPEN

    @property
    def is_answerable(self) -> bool:
        """Whether evidence is still asked for."""
        return self.state in ANSWERABLE


class ReversalState(StrEnum):
    """Where the taking back of a transfer is."""

    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"
    ASKING = "asking"
    DONE = "done"
    REFUSED = "refused"
    FOUND = "found"  # made at the rail by hand: a person has to say what it was


class ReversalCause(StrEnum):
    """Why a transfer is taken back, which says whose the money is then."""

    NOT_REACHED = "not_reached"
    SENT_TWICE = "sent_twice"


class Reversal(SQLModel, table=True):
    """A sent transfer that is taken back, in whole or in part: by two people and a decision."""

    __tablename__ = "reversal"
    __table_args__ = (
        one_of("state", ReversalState),
        CheckConstraint(
            "cause IS NULL OR cause IN ('not_reached', 'sent_twice')", name="cause_known"
        ),
        CheckConstraint("amount_minor > 0", name="amount_above_zero"),
        CheckConstraint(
            "state NOT IN ('asking', 'done', 'refused') OR (cause IS NOT NULL"
            " AND decision_id IS NOT NULL AND proposed_by IS NOT NULL AND agreed_by IS NOT NULL"
            " AND agreed_by <> proposed_by)",
            name="by_two_with_a_decision",
        ),
        UniqueConstraint("request_key"),
        UniqueConstraint("stripe_reversal_id"),
        Index(
            "uq_reversal_payout_id_open",
            "payout_id",
            unique=True,
            postgresql_where="state IN ('proposed', 'asking')",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    payout_id: int = Field(foreign_key="payout.id", index=True)
    stripe_transfer_id: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    state: ReversalState = text_enum(ReversalState, default=ReversalState.PROPOSED)
    cause: str | None = Field(default=None, sa_type=Text)
    words: str | None = Field(default=None, sa_type=Text)
    evidence: str | None = Field(default=None, sa_type=Text)
    request_key: str = Field(sa_type=Text)
    proposed_by: int | None = Field(default=None, foreign_key="user_account.id")
    proposed_at: datetime = utc()
    agreed_by: int | None = Field(default=None, foreign_key="user_account.id")
    asked_at: datetime | None = utc(nullable=True)
    ended_at: datetime | None = utc(nullable=True)
    decision_id: int | None = Field(default=None, foreign_key="decision.id", sa_type=BigInteger)
    stripe_reversal_id: str | None = Field(default=None, sa_type=Text)
    stripe_entry_id: str | None = Field(default=None, sa_type=Text)
    trouble: str | None = Field(default=None, sa_type=Text)

    @property
    def amount(self) -> Money:
        """What is taken back."""
        return Money(self.amount_minor, self.currency)

    @property
    def reference(self) -> str:
        """The name of it at the rail; see `Payout.reference`."""
        return f"reversal-{self.id}-{key_part(self.request_key)}"
