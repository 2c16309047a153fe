"""The table of floors of pay: what an operator wrote, for which country and from when on."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import utc
from core.money import Money


class PayFloor(SQLModel, table=True):
    """One change of the least pay by the hour in a country; never updated, nothing means none.

    On a day the row with the latest `since` by then counts, and of several the last written.
    """

    __tablename__ = "pay_floor"
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_is_code"),
        CheckConstraint("hourly_minor >= 0", name="hourly_sound"),
        CheckConstraint("(before_minor IS NULL) = (before_currency IS NULL)", name="before_whole"),
        UniqueConstraint("request_key"),
        Index("ix_pay_floor_country", "country", "since", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    country: str = Field(sa_type=Text)
    hourly_minor: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    since: date
    # What would have counted on that day without this row.
    before_minor: int | None = Field(default=None, sa_type=BigInteger)
    before_currency: str | None = Field(default=None, sa_type=Text)
    words: str = Field(sa_type=Text)
    request_key: str = Field(sa_type=Text)
    written_by: int | None = Field(default=None, foreign_key="user_account.id")
    written_at: datetime = utc()

    @property
    def hourly(self) -> Money | None:
        """The least pay by the hour from then on; None where there is no floor any more."""
        return Money(self.hourly_minor, self.currency) if self.hourly_minor else None

    @property
    def before(self) -> Money | None:
        """What counted before, if anything did."""
        if not self.before_minor or self.before_currency is None:
            return None
        return Money(self.before_minor, self.before_currency)
