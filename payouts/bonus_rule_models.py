"""The table of bonuses by rule: each giving of one, to everybody who met it then."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import utc
from core.money import Money


class BonusGiving(SQLModel, table=True):
    """One giving of bonuses by a rule; in one round nobody gets the same rule's bonus twice."""

    __tablename__ = "bonus_giving"
    __table_args__ = (
        UniqueConstraint("request_key"),
        CheckConstraint("num_nonnulls(each_minor, share_bps) = 1", name="one_amount"),
        CheckConstraint(
            "each_minor > 0 AND share_bps IS NULL OR share_bps BETWEEN 1 AND 10000", name="sound"
        ),
        CheckConstraint("least_tasks > 0 AND round > 0 AND people > 0", name="counts_sound"),
        CheckConstraint("least_agreement BETWEEN 1 AND 100", name="agreement_sound"),
        CheckConstraint("pay_minor > 0 AND fee_minor >= 0", name="amounts_sound"),
        Index("ix_bonus_giving_project_id", "project_id", "rule", "round"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project_budget.project_id")
    rule: str = Field(sa_type=Text)  # the terms as one name
    round: int
    least_tasks: int
    least_agreement: int | None = None  # in percent
    each_minor: int | None = Field(default=None, sa_type=BigInteger)
    share_bps: int | None = None
    currency: str = Field(sa_type=Text)
    people: int
    pay_minor: int = Field(sa_type=BigInteger)
    fee_minor: int = Field(sa_type=BigInteger)
    words: str = Field(sa_type=Text)
    request_key: str = Field(sa_type=Text)
    given_by: int | None = Field(default=None, foreign_key="user_account.id")
    given_at: datetime = utc()

    @property
    def pay(self) -> Money:
        """What all of them got together."""
        return Money(self.pay_minor, self.currency)
