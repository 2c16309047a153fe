"""What checks of the whole ledger have found."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from core.models import jsonb, utc


class LedgerCheck(SQLModel, table=True):
    """One check of the whole ledger: how many moves it read, and what did not hold."""

    __tablename__ = "ledger_check"
    __table_args__ = (
        CheckConstraint("moves >= 0", name="moves_counted"),
        Index("ix_ledger_check_at", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = utc()
    moves: int = Field(sa_type=BigInteger)
    problems: list[str] = jsonb(default_factory=list)
