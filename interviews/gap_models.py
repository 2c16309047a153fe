"""Own banks that were withdrawn, and of which gaps in what projects ask their owners were told."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, utc


class BankWithdrawal(SQLModel, table=True):
    """That an organisation's own bank is used for no new interview, and why, until it is ended.

    A version that is published later ends it, or whoever takes the bank up again.
    """

    __tablename__ = "bank_withdrawal"
    __table_args__ = (
        CheckConstraint("length(btrim(words)) BETWEEN 10 AND 1000", name="words_said"),
        CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL) AND ended_at >= withdrawn_at",
            name="ended_by_somebody",
        ),
        Index(
            "uq_bank_withdrawal_bank_id_current",
            "bank_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
    )

    id: int | None = Column(default=None, primary_key=True)
    bank_id: int = Column(foreign_key="bank_draft.id")
    words: str = Column(sa_type=Text)
    withdrawn_by: int = Column(foreign_key="user_account.id")
    withdrawn_at: datetime = utc()
    ended_by: int | None = Column(default=None, foreign_key="user_account.id")
    ended_at: datetime | None = utc(nullable=True)


class TemplateGap(SQLModel, table=True):
    """That the owners of a project were told what of its interview can no longer be asked; once.

    `digest` tells what is lacking from anything else that may be lacking; only ever added.
    """

    __tablename__ = "template_gap"
    __table_args__ = (UniqueConstraint("template_id", "digest"),)

    id: int | None = Column(default=None, primary_key=True)
    template_id: int = Column(foreign_key="interview_template.id")
    digest: str = Column(sa_type=Text)
    lacking: dict[str, Any] = jsonb()
    told_at: datetime = utc()
