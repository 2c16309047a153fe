"""Tax details of experts, in versions that are only ever added, and what was asked of whom."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc
from core.money import Money


class TaxProfile(SQLModel, table=True):
    """One version of what an expert has stated for tax; the newest counts, none is changed.

    `sealed` holds names, address and numbers, encrypted; beside it stands only what is asked of
    many rows at once.
    """

    __tablename__ = "tax_profile"
    __table_args__ = (
        UniqueConstraint("expert_id", "version"),
        CheckConstraint("version > 0", name="version_counts"),
        CheckConstraint("jsonb_typeof(residences) = 'array'", name="residences_listed"),
    )

    id: int | None = Field(default=None, primary_key=True)
    expert_id: int = Field(foreign_key="user_account.id")
    version: int
    saved_at: datetime = utc()
    residences: list[str] = jsonb(default_factory=list)
    is_us_person: bool = False
    is_complete: bool = False
    sealed: str = Field(sa_type=Text)


class Outcome(StrEnum):
    """How a request for tax details ended."""

    COMPLETE = "complete"
    EXCUSED = "excused"


class TaxRequest(SQLModel, table=True):
    """Tax details that were asked for: two reminders, then payouts wait until they are there."""

    __tablename__ = "tax_request"
    __table_args__ = (
        one_of("outcome", Outcome),
        UniqueConstraint("decision_id"),
        CheckConstraint("credited_minor > 0", name="credited_something"),
        CheckConstraint(
            "asked_at < remind_at AND remind_at < remind_again_at AND remind_again_at < hold_from",
            name="dates_in_order",
        ),
        CheckConstraint(
            "reminded_again_at IS NULL OR reminded_at IS NOT NULL", name="reminded_in_order"
        ),
        CheckConstraint(
            "decision_id IS NULL OR reminded_again_at IS NOT NULL", name="held_after_two_reminders"
        ),
        CheckConstraint("num_nulls(closed_at, outcome) IN (0, 2)", name="closed_whole"),
        Index(
            "uq_tax_request_expert_id_open",
            "expert_id",
            unique=True,
            postgresql_where="closed_at IS NULL",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    expert_id: int = Field(foreign_key="user_account.id", index=True)
    currency: str = Field(sa_type=Text)
    credited_minor: int = Field(sa_type=BigInteger)
    asked_at: datetime = utc()
    remind_at: datetime = utc()
    remind_again_at: datetime = utc()
    hold_from: datetime = utc()
    reminded_at: datetime | None = utc(nullable=True)
    reminded_again_at: datetime | None = utc(nullable=True)
    decision_id: int | None = Field(default=None, foreign_key="decision.id", sa_type=BigInteger)
    closed_at: datetime | None = utc(nullable=True)
    outcome: Outcome | None = text_enum(Outcome, nullable=True, default=None)

    @property
    def credited(self) -> Money:
        """What was credited in the year when it was asked."""
        return Money(self.credited_minor, self.currency)
