"""Pay of experts that is not the price of a task: bonuses, reviews, qualification tasks."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import one_of, text_enum, utc
from core.money import Money


class ExtraKind(StrEnum):
    """What is paid for."""

    BONUS = "bonus"
    REVIEW = "review"
    QUALIFICATION = "qualification"


class ExtraState(StrEnum):
    """Where such a pay stands."""

    HELD = "held"
    EARNED = "earned"
    RELEASED = "released"


class ExtraPay(SQLModel, table=True):
    """One such pay from a project's budget; what is earned is never taken back."""

    __tablename__ = "extra_pay"
    __table_args__ = (
        one_of("kind", ExtraKind),
        one_of("state", ExtraState),
        UniqueConstraint("reference"),
        CheckConstraint("pay_minor > 0 AND fee_minor >= 0", name="amounts_sound"),
        CheckConstraint("(state = 'held') = (ended_at IS NULL)", name="ended_whole"),
        # A bonus is given by a person, with words, at once; a review is of one assignment, and a
        # qualification task is one, or a task of a work sample.
        CheckConstraint(
            "(kind = 'bonus') = (given_by IS NOT NULL)"
            " AND (kind <> 'bonus' OR assignment_id IS NULL)"
            " AND (kind <> 'review' OR assignment_id IS NOT NULL)"
            " AND (kind <> 'bonus' OR (state = 'earned' AND length(btrim(words)) >= 20))",
            name="bonus_whole",
        ),
        Index("ix_extra_pay_expert_id_held_at", "expert_id", "held_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    kind: ExtraKind = text_enum(ExtraKind)
    project_id: int = Field(foreign_key="project_budget.project_id", index=True)
    expert_id: int = Field(foreign_key="user_account.id")
    # The assignment that is reviewed, or the qualification task itself.
    assignment_id: int | None = Field(default=None, sa_type=BigInteger)
    pay_minor: int = Field(sa_type=BigInteger)
    fee_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    state: ExtraState = text_enum(ExtraState, default=ExtraState.HELD)
    reference: str = Field(sa_type=Text)
    words: str = Field(default="", sa_type=Text)
    given_by: int | None = Field(default=None, foreign_key="user_account.id")
    held_at: datetime = utc()
    ended_at: datetime | None = utc(nullable=True)

    def event(self, act: str) -> str:
        """Name an act in the ledger."""
        return f"{self.cause}:{act}"

    @property
    def cause(self) -> str:
        """Name it as the cause of moves."""
        return f"{self.kind}:{self.id}"

    @property
    def pay(self) -> Money:
        """What the expert gets, whole."""
        return Money(self.pay_minor, self.currency)

    @property
    def fee(self) -> Money:
        """What the platform takes on top, from the owner."""
        return Money(self.fee_minor, self.currency)
