"""Item banks that people edit: the text under work, and every version that was published.

A published version is never changed; its words are a `bank_edition`, which interviews keep.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Text, UniqueConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, one_of, text_enum, utc
from experts.fields import Field


class BankDraft(SQLModel, table=True):
    """A bank under work: of the instance, or of an organisation for the projects of its own.

    `content` is JSON in the form of `interviews.items.Bank`, not yet checked: what somebody has
    begun is kept. `revision` counts its changes.
    """

    __tablename__ = "bank_draft"
    __table_args__ = (
        one_of("field", Field),
        UniqueConstraint("field", "organisation_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("revision > 0", name="revision_counts"),
    )

    id: int | None = Column(default=None, primary_key=True)
    field: Field = text_enum(Field)
    organisation_id: int | None = Column(default=None, foreign_key="organisation.id", index=True)
    # Text, since jsonb would lose the order of competencies and options.
    content: str = Column(sa_type=Text)
    revision: int = 1
    # The starter bank that was last looked at; another one is told of.
    starter: str | None = Column(default=None, sa_type=Text)
    made_by: int | None = Column(default=None, foreign_key="user_account.id")
    made_at: datetime = utc()
    edited_by: int | None = Column(default=None, foreign_key="user_account.id")
    edited_at: datetime = utc()

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the bank is not stored yet")
        return self.id


class BankPublication(SQLModel, table=True):
    """A version of a bank that interviews used from then on; only ever added."""

    __tablename__ = "bank_publication"
    __table_args__ = (
        UniqueConstraint("bank_id", "version"),
        UniqueConstraint("digest"),
        CheckConstraint("version > 0", name="version_counts"),
        CheckConstraint("length(btrim(note)) BETWEEN 1 AND 2000", name="note_said"),
    )

    id: int | None = Column(default=None, primary_key=True)
    bank_id: int = Column(foreign_key="bank_draft.id")
    version: int
    digest: str = Column(sa_type=Text, foreign_key="bank_edition.digest")
    note: str = Column(sa_type=Text)
    summary: dict[str, Any] = jsonb()
    published_by: int | None = Column(default=None, foreign_key="user_account.id")
    published_at: datetime = utc()
