"""What is known of the mirror of our projects in Label Studio: looks, runs, edits made there."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc


class EditKind(StrEnum):
    """What somebody did there."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


class EditState(StrEnum):
    """What became of an edit: to look at, refused as no answer, kept on record, or undone there."""

    OPEN = "open"
    REFUSED = "refused"
    NOTED = "noted"
    PUT_BACK = "put_back"


class Extra(StrEnum):
    """What is mirrored beside answers."""

    SKIP = "skip"
    KNOWN = "known"


class OutsideEdit(SQLModel, table=True):
    """An answer as somebody left it in Label Studio, beside ours, which it never changes."""

    __tablename__ = "outside_edit"
    __table_args__ = (
        one_of("kind", EditKind),
        one_of("state", EditState),
        UniqueConstraint("project_id", "label_studio_annotation_id", "kind", "edited_at"),
        CheckConstraint("(kind = 'added') = (annotation_id IS NULL)", name="added_has_none"),
        CheckConstraint("kind <> 'removed' OR result IS NULL", name="removed_says_nothing"),
        CheckConstraint(
            "(jsonb_array_length(troubles) > 0) OR state <> 'refused'", name="refused_for_reason"
        ),
        CheckConstraint(
            "(decided_at IS NOT NULL) = (decided_by IS NOT NULL)"
            " AND (decided_at IS NOT NULL OR state NOT IN ('noted', 'put_back'))",
            name="decided_whole",
        ),
        CheckConstraint("done_at IS NULL OR state = 'put_back'", name="done_when_put_back"),
        Index("ix_outside_edit_annotation_id", "annotation_id"),
        Index("ix_outside_edit_open", "project_id", postgresql_where="state = 'open'"),
        Index(
            "ix_outside_edit_to_do",
            "id",
            postgresql_where="state = 'put_back' AND done_at IS NULL",
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    annotation_id: int | None = Field(default=None, foreign_key="annotation.id", sa_type=BigInteger)
    kind: EditKind = text_enum(EditKind)
    label_studio_annotation_id: int = Field(sa_type=BigInteger)
    # None where nothing is left there, or what is there cannot be kept.
    result: list[dict[str, Any]] | None = jsonb(nullable=True)
    # Why it is no answer to the task, in English words.
    troubles: list[str] = jsonb()
    author_name: str = Field(sa_type=Text)
    author_id: int | None = Field(default=None, foreign_key="user_account.id")
    edited_at: datetime = utc()
    seen_at: datetime = utc()
    state: EditState = text_enum(EditState)
    decided_by: int | None = Field(default=None, foreign_key="user_account.id")
    decided_at: datetime | None = utc(nullable=True)
    done_at: datetime | None = utc(nullable=True)


class MirrorLook(SQLModel, table=True):
    """How far we have read what changes in the mirror of a project."""

    __tablename__ = "mirror_look"
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures_count"),
        Index("ix_mirror_look_try_at", "try_at"),
    )

    project_id: int = Field(primary_key=True, foreign_key="project.id")
    seen_until: datetime | None = utc(nullable=True)  # by Label Studio's clock
    looked_at: datetime | None = utc(nullable=True)
    try_at: datetime = utc()
    failures: int = 0
    trouble: str | None = Field(default=None, sa_type=Text)


class MirrorRun(SQLModel, table=True):
    """One comparison of a project with its mirror; with `mends`, what differs is put right."""

    __tablename__ = "mirror_run"
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures_count"),
        Index(
            "uq_mirror_run_project_id_open",
            "project_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
        Index("ix_mirror_run_project_id_id", "project_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    mends: bool
    begun_by: int | None = Field(default=None, foreign_key="user_account.id")
    begun_at: datetime = utc()
    # The last task there that was read: whoever goes on, goes on after it.
    after_id: int = Field(default=0, sa_type=BigInteger)
    found: dict[str, int] = jsonb()
    ended_at: datetime | None = utc(nullable=True)
    try_at: datetime = utc()
    failures: int = 0
    trouble: str | None = Field(default=None, sa_type=Text)


class MirrorExtra(SQLModel, table=True):
    """A skip or a known answer that Label Studio has, or will never take."""

    __tablename__ = "mirror_extra"
    __table_args__ = (one_of("kind", Extra), Index("ix_mirror_extra_task_id", "task_id"))

    kind: Extra = text_enum(Extra, primary_key=True)
    # The assignment that was skipped, or the task whose answer is known.
    row_id: int = Field(primary_key=True, sa_type=BigInteger)
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    label_studio_annotation_id: int | None = Field(default=None, sa_type=BigInteger)
    pushed_at: datetime = utc()
    push_trouble: str | None = Field(default=None, sa_type=Text)


class MirrorGate(SQLModel, table=True):
    """Whether the owners of an organisation are shown the way into Label Studio."""

    __tablename__ = "mirror_gate"

    organisation_id: int = Field(primary_key=True, foreign_key="organisation.id")
    is_open: bool
    changed_by: int = Field(foreign_key="user_account.id")
    changed_at: datetime = utc()


class BackendCheck(SQLModel, table=True):
    """What Label Studio last said of itself; one row."""

    __tablename__ = "backend_check"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True)
    checked_at: datetime = utc()
    facts: dict[str, Any] | None = jsonb(nullable=True)
    trouble: str | None = Field(default=None, sa_type=Text)
