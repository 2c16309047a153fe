"""Monthly invoices to organisations, as they were issued, and to whom they are made out."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, utc
from core.money import Money


class BillingDetails(SQLModel, table=True):
    """To whom the invoices of an organisation are made out."""

    __tablename__ = "billing_details"

    organisation_id: int = Field(
        primary_key=True, foreign_key="organisation.id", sa_column_kwargs={"autoincrement": False}
    )
    legal_name: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    country: str = Field(sa_type=Text)
    vat_number: str = Field(default="", sa_type=Text)
    changed_by: int | None = Field(default=None, foreign_key="user_account.id")
    changed_at: datetime = utc()


class Invoice(SQLModel, table=True):
    """What an organisation spent in a month and a currency; never changed once it is issued.

    Numbers run from 1 in each year of issue without a gap. `parties` and `figures` are kept as they
    were issued, whatever is changed later.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("year", "number"),
        UniqueConstraint("organisation_id", "currency", "month"),
        CheckConstraint("number > 0", name="number_above_zero"),
        CheckConstraint("date_trunc('month', month) = month", name="month_begins"),
        Index("ix_invoice_organisation_id_month", "organisation_id", "month"),
    )

    id: int | None = Field(default=None, primary_key=True)
    year: int
    number: int
    organisation_id: int = Field(foreign_key="organisation.id")
    month: date
    currency: str = Field(sa_type=Text)
    spent_minor: int = Field(sa_type=BigInteger)
    parties: dict[str, Any] = jsonb()
    figures: dict[str, Any] = jsonb()
    issued_at: datetime = utc()

    @property
    def name(self) -> str:
        """The number as it stands on the paper."""
        return f"{self.year}-{self.number:05}"

    @property
    def spent(self) -> Money:
        """Pay and fees together."""
        return Money(self.spent_minor, self.currency)
