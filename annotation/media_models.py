"""Media files of projects, which tasks show them, and what is on its way in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import one_of, text_enum, utc

NAME_MOST = 200


class MediaTrouble(StrEnum):
    """How a content on the disk is not what came in."""

    MISSING = "missing"
    LENGTH = "length"
    CONTENT = "content"
    UNREADABLE = "unreadable"


class TaskMedia(SQLModel, table=True):
    """A file of a project, by the name that its tasks call it by.

    A trigger keeps the content as it is once somebody has worked on a task that shows it.
    """

    __tablename__ = "task_media"
    __table_args__ = (
        UniqueConstraint("project_id", "name"),
        CheckConstraint("length(btrim(name)) BETWEEN 1 AND 200", name="name_present"),
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_whole"),
        UniqueConstraint("upload_key"),
        one_of("trouble", MediaTrouble),
        Index("ix_task_media_trouble", "project_id", postgresql_where="trouble IS NOT NULL"),
        Index("ix_task_media_organisation_id_sha256", "organisation_id", "sha256"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    organisation_id: int = Field(foreign_key="organisation.id")
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=Text)
    added_by: int = Field(foreign_key="user_account.id")
    added_at: datetime = utc()
    replaced_at: datetime | None = utc(nullable=True)
    # Under which key it came in last, for whoever missed the answer.
    upload_key: str | None = Field(default=None, sa_type=Text)
    trouble: MediaTrouble | None = text_enum(MediaTrouble, nullable=True)
    # When its content went, some time after the project's end; the fingerprint stays.
    removed_at: datetime | None = utc(nullable=True)


class TaskMediaUse(SQLModel, table=True):
    """Which task shows which file."""

    __tablename__ = "task_media_use"
    __table_args__ = (Index("ix_task_media_use_task_id", "task_id"),)

    media_id: int = Field(primary_key=True, foreign_key="task_media.id", sa_type=BigInteger)
    task_id: int = Field(primary_key=True, foreign_key="task.id", sa_type=BigInteger)


class MediaUpload(SQLModel, table=True):
    """A file on its way in: begun once, whatever happens to the network, and gone when it is in."""

    __tablename__ = "media_upload"
    __table_args__ = (
        UniqueConstraint("key"),
        # Beginning again, after the network or the browser went away, goes on with the same.
        UniqueConstraint("project_id", "by_user_id", "name", "size", "stamp"),
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint("received BETWEEN 0 AND size", name="received_within"),
        Index("ix_media_upload_organisation_id", "organisation_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    key: str = Field(sa_type=Text)
    project_id: int = Field(foreign_key="project.id")
    organisation_id: int = Field(foreign_key="organisation.id")
    by_user_id: int = Field(foreign_key="user_account.id")
    name: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    stamp: str = Field(sa_type=Text)  # when the file was last changed, as its browser says
    received: int = Field(default=0, sa_type=BigInteger)
    begun_at: datetime = utc()
    touched_at: datetime = utc()


class MediaWatch(SQLModel, table=True):
    """How far the files on the disk were looked at; one row."""

    __tablename__ = "media_watch"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(default=1, primary_key=True)
    last_id: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    read_id: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    round_at: datetime | None = utc(nullable=True)  # when all had been asked for


class MediaEnd(SQLModel, table=True):
    """When the contents of a completed project's files go, as its owner was told."""

    __tablename__ = "media_end"
    __table_args__ = (CheckConstraint("due_at > told_at", name="told_before"),)

    project_id: int = Field(
        primary_key=True,
        foreign_key="project.id",
        sa_column_kwargs={"autoincrement": False},
    )
    told_at: datetime = utc()
    due_at: datetime = utc()
    removed_at: datetime | None = utc(nullable=True)
