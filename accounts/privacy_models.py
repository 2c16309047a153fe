"""Copies of their data that people asked for, and erasures that wait or are done."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc


class ExportState(StrEnum):
    """Where a copy of somebody's data is."""

    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


class DataExport(SQLModel, table=True):
    """A copy of all that is held about a person; its file lies in DATA_DIR/exports by `key`."""

    __tablename__ = "data_export"
    __table_args__ = (
        UniqueConstraint("key"),
        one_of("state", ExportState),
        CheckConstraint(
            "(state = 'ready') <= (ready_at IS NOT NULL AND expires_at IS NOT NULL)",
            name="ready_whole",
        ),
        # One at a time for each person: a second click finds the first one's row.
        Index(
            "uq_data_export_user_id_making",
            "user_id",
            unique=True,
            postgresql_where="state = 'making'",
        ),
        Index("ix_data_export_user_id_id", "user_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id")
    key: str = Field(sa_type=Text)
    state: ExportState = text_enum(ExportState, default=ExportState.MAKING)
    language: str = Field(sa_type=Text)
    asked_at: datetime = utc()
    # The worker that has claimed it takes its lock before then.
    held_until: datetime | None = utc(nullable=True)
    attempts: int = 0
    ready_at: datetime | None = utc(nullable=True)
    expires_at: datetime | None = utc(nullable=True)
    size_bytes: int = Field(default=0, sa_type=BigInteger)
    row_count: int = Field(default=0, sa_type=BigInteger)
    trouble: str | None = Field(default=None, sa_type=Text)


class Erasure(SQLModel, table=True):
    """A person's wish to be erased: waiting until `due_at`, undone, or done."""

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint("due_at >= asked_at", name="due_later"),
        CheckConstraint("num_nonnulls(undone_at, done_at) < 2", name="ends_once"),
        Index(
            "uq_erasure_user_id_open",
            "user_id",
            unique=True,
            postgresql_where="undone_at IS NULL",
        ),
        Index("ix_erasure_due", "due_at", postgresql_where="num_nonnulls(undone_at, done_at) = 0"),
    )

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user_account.id")
    language: str = Field(sa_type=Text)
    asked_at: datetime = utc()
    due_at: datetime = utc()
    undone_at: datetime | None = utc(nullable=True)
    # It was due, and something had come up that must be solved first.
    blocked_at: datetime | None = utc(nullable=True)
    done_at: datetime | None = utc(nullable=True)
    # What stands in the place of the person from then on.
    key: str | None = Field(default=None, sa_type=Text)
    # The last letter, and files that are still to be deleted: paths under DATA_DIR.
    letter_id: int | None = None
    files: list[str] = jsonb(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it waits and can be undone."""
        return self.undone_at is None and self.done_at is None
