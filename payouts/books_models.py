"""What the rail has entered in its own books, kept; and stops of payouts until ours agree."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc
from core.money import Money


class EntryState(StrEnum):
    """What is known of one entry of the rail."""

    WAITING = "waiting"  # something of ours that our books do not have yet
    BOOKED = "booked"
    RESERVED = "reserved"  # the rail holds it back for a while; it stays ours
    DIFFERS = "differs"  # in both books, by another amount
    FOREIGN = "foreign"


class KeptEntry(SQLModel, table=True):
    """One change of what the rail holds for us, as the rail told it, and what knows it here.

    What the rail told never changes; `state`, `subject` and `booked_minor` are ours.
    """

    __tablename__ = "rail_entry"
    __table_args__ = (
        one_of("state", EntryState),
        Index("ix_rail_entry_list", "happened_at", "id"),
        Index("ix_rail_entry_open", "currency", postgresql_where="state <> 'booked'"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)
    fee_minor: int = Field(sa_type=BigInteger)
    source_id: str | None = Field(default=None, sa_type=Text, index=True)
    parent_id: str | None = Field(default=None, sa_type=Text)
    reference: str | None = Field(default=None, sa_type=Text)
    happened_at: datetime = utc()
    kept_at: datetime = utc()
    state: EntryState = text_enum(EntryState, default=EntryState.FOREIGN)
    subject: str | None = Field(default=None, sa_type=Text)
    booked_minor: int | None = Field(default=None, sa_type=BigInteger)

    @property
    def net(self) -> Money:
        """What it changed, after the rail's fee."""
        return Money(self.amount_minor - self.fee_minor, self.currency)

    @property
    def amount(self) -> Money:
        """What it changed before the rail's fee."""
        return Money(self.amount_minor, self.currency)

    @property
    def fee(self) -> Money:
        """What the rail took for it."""
        return Money(self.fee_minor, self.currency)

    @property
    def unbooked(self) -> Money:
        """What our books lack of it."""
        return self.net - Money(self.booked_minor or 0, self.currency)


class PayoutStop(SQLModel, table=True):
    """Payouts of a currency stand still: our books and the rail's differ and nobody knows why.

    It ends by itself when they agree again, or when one operator has explained the difference
    and another has released it.
    """

    __tablename__ = "payout_stop"
    __table_args__ = (
        Index(
            "uq_payout_stop_currency_open",
            "currency",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
        CheckConstraint(
            "num_nulls(explained_by, explained_at, explanation) IN (0, 3)", name="explained_whole"
        ),
        CheckConstraint(
            "released_by IS NULL OR (explained_by IS NOT NULL AND released_by <> explained_by"
            " AND ended_at IS NOT NULL)",
            name="released_by_a_second",
        ),
        CheckConstraint("length(btrim(explanation)) >= 20", name="explanation_said"),
    )

    id: int | None = Field(default=None, primary_key=True)
    currency: str = Field(sa_type=Text)
    unexplained_minor: int = Field(sa_type=BigInteger)
    findings: list[dict[str, Any]] = jsonb(default_factory=list)
    opened_at: datetime = utc()
    explanation: str | None = Field(default=None, sa_type=Text)
    explained_by: int | None = Field(default=None, foreign_key="user_account.id")
    explained_at: datetime | None = utc(nullable=True)
    released_by: int | None = Field(default=None, foreign_key="user_account.id")
    ended_at: datetime | None = utc(nullable=True)

    @property
    def unexplained(self) -> Money:
        """What nothing accounts for."""
        return Money(self.unexplained_minor, self.currency)
