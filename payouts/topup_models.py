"""Automatic top-ups: what an owner has agreed to, and the card that it is charged to."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import one_of, text_enum, utc
from core.money import Money
from payouts.models import key_part


class TopUpState(StrEnum):
    """Whether a budget is topped up by itself."""

    SETTING_UP = "setting_up"
    ON = "on"
    OFF = "off"


class TopUpEnd(StrEnum):
    """Why it is no longer."""

    OWNER = "owner"
    REPLACED = "replaced"
    NOT_FINISHED = "not_finished"
    DECLINED = "declined"
    AUTHENTICATION = "authentication"
    UNCLEAR = "unclear"
    CLOSED = "closed"
    NOT_TOLD = "not_told"


class AutoTopUp(SQLModel, table=True):
    """One agreement of an owner that a saved card is charged; its terms never change.

    Below `below_minor`, or when what is left lasts less than `days_least` days at the pace of late,
    the card is charged `amount_minor`, in a calendar month at most `month_minor` in all. Other
    terms are another agreement.
    """

    __tablename__ = "auto_topup"
    __table_args__ = (
        one_of("state", TopUpState),
        one_of("ended_for", TopUpEnd),
        UniqueConstraint("request_key"),
        UniqueConstraint("stripe_setup_id"),
        CheckConstraint(
            "below_minor > 0 AND amount_minor > 0 AND month_minor >= amount_minor",
            name="terms_sound",
        ),
        CheckConstraint("days_least BETWEEN 1 AND 60", name="days_sound"),
        CheckConstraint("(state = 'off') = (ended_for IS NOT NULL)", name="ended_whole"),
        CheckConstraint("state <> 'on' OR stripe_card_id IS NOT NULL", name="on_with_card"),
        Index("uq_auto_topup_one_on", "project_id", unique=True, postgresql_where="state = 'on'"),
        Index("ix_auto_topup_project_id", "project_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project_budget.project_id")
    state: TopUpState = text_enum(TopUpState, default=TopUpState.SETTING_UP)
    ended_for: TopUpEnd | None = text_enum(TopUpEnd, nullable=True)
    below_minor: int = Field(sa_type=BigInteger)
    amount_minor: int = Field(sa_type=BigInteger)
    month_minor: int = Field(sa_type=BigInteger)
    days_least: int | None = None
    paced_at: datetime | None = utc(nullable=True)  # when its pace was last looked at
    currency: str = Field(sa_type=Text)
    words: str = Field(sa_type=Text)  # what was agreed to, as it was read
    request_key: str = Field(sa_type=Text)
    agreed_by: int | None = Field(default=None, foreign_key="user_account.id")
    agreed_at: datetime = utc()
    read_at: datetime | None = utc(nullable=True)
    on_at: datetime | None = utc(nullable=True)
    ended_at: datetime | None = utc(nullable=True)
    ended_by: int | None = Field(default=None, foreign_key="user_account.id")
    told_month: date | None = None  # in which month its owner was last told that the most is spent
    stripe_setup_id: str | None = Field(default=None, sa_type=Text)
    stripe_setup_url: str | None = Field(default=None, sa_type=Text)
    stripe_customer_id: str | None = Field(default=None, sa_type=Text)
    stripe_card_id: str | None = Field(default=None, sa_type=Text)
    card_brand: str | None = Field(default=None, sa_type=Text)
    card_last4: str | None = Field(default=None, sa_type=Text)
    card_expires: str | None = Field(default=None, sa_type=Text)
    card_forgotten_at: datetime | None = utc(nullable=True)

    @property
    def below(self) -> Money:
        """Below what the card is charged."""
        return Money(self.below_minor, self.currency)

    @property
    def amount(self) -> Money:
        """What the card is charged each time."""
        return Money(self.amount_minor, self.currency)

    @property
    def month_most(self) -> Money:
        """What the card is charged in a calendar month at most."""
        return Money(self.month_minor, self.currency)

    @property
    def reference(self) -> str:
        """Its name at the rail; see `Payout.reference`."""
        return f"autotopup-{self.id}-{key_part(self.request_key)}"
