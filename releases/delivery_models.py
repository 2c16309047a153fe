"""What is kept of handing releases out: who loaded what, keys and signatures, made formats."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc


class Way(StrEnum):
    """How a file was loaded."""

    HUB = "hub"
    API = "api"
    PAGE = "page"
    LINK = "link"


class ReleaseDownload(SQLModel, table=True):
    """That somebody loaded a file of a release on a day, and how often."""

    __tablename__ = "release_download"
    __table_args__ = (
        UniqueConstraint(
            "release_id",
            "organisation_id",
            "user_id",
            "token_id",
            "way",
            "path",
            "day",
            name="uq_release_download_once_a_day",
            postgresql_nulls_not_distinct=True,
        ),
        one_of("way", Way),
        CheckConstraint("times >= 0 AND bytes >= 0", name="counts"),
        Index("ix_release_download_last_at", "last_at"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, primary_key=True)
    release_id: int = Field(foreign_key="release.id")
    # For whom it was read: their own organisation, or one that was let in.
    organisation_id: int = Field(foreign_key="organisation.id")
    user_id: int | None = Field(default=None, foreign_key="user_account.id", index=True)
    token_id: int | None = Field(default=None, foreign_key="api_token.id")
    way: Way = text_enum(Way)
    path: str = Field(sa_type=Text)
    day: date = Field(sa_type=Date)
    # Whole files and first parts count as a time; all that was sent counts as bytes.
    times: int = 0
    bytes: int = Field(default=0, sa_type=BigInteger)
    # How long the file is; rows of before it was noted have none.
    size: int | None = Field(default=None, sa_type=BigInteger)
    first_at: datetime = utc()
    last_at: datetime = utc()


class ReleaseKey(SQLModel, table=True):
    """The public half of a key that signs manifests; old ones go on proving what they signed."""

    __tablename__ = "release_key"
    __table_args__ = (
        CheckConstraint("id ~ '^[0-9a-f]{16}$'", name="id_is_hex"),
        CheckConstraint("public_key ~ '^[A-Za-z0-9+/]{43}=$'", name="public_key_is_base64"),
    )

    id: str = Field(sa_type=Text, primary_key=True)
    public_key: str = Field(sa_type=Text)
    first_used_at: datetime = utc()
    retired_at: datetime | None = utc(nullable=True)
    # Its private half may be in other hands: what it signed proves nothing any more.
    revoked_at: datetime | None = utc(nullable=True)


class ReleaseSignature(SQLModel, table=True):
    """What a key says of the manifest of a release; never changed."""

    __tablename__ = "release_signature"
    __table_args__ = (
        CheckConstraint("signature ~ '^[A-Za-z0-9+/]{86}==$'", name="signature_is_base64"),
    )

    release_id: int = Field(primary_key=True, foreign_key="release.id")
    key_id: str = Field(primary_key=True, foreign_key="release_key.id", sa_type=Text)
    signature: str = Field(sa_type=Text)
    signed_at: datetime = utc()


class ReleaseFormat(SQLModel, table=True):
    """A format that was made from the files of a release, or why it does not fit."""

    __tablename__ = "release_format"
    __table_args__ = (
        CheckConstraint("(reason IS NULL) = (files IS NOT NULL)", name="made_or_refused"),
    )

    release_id: int = Field(primary_key=True, foreign_key="release.id")
    name: str = Field(primary_key=True, sa_type=Text)
    maker: int  # the version of the code that made it
    files: list[dict[str, Any]] | None = jsonb(nullable=True)
    rows: int = Field(default=0, sa_type=BigInteger)
    left_out: int = Field(default=0, sa_type=BigInteger)
    reason: str | None = Field(default=None, sa_type=Text)
    made_at: datetime = utc()
