"""Series of releases, the releases themselves, and who may read them.

A ready release never changes: a trigger refuses it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc


class State(StrEnum):
    """Where a release is."""

    BUILDING = "building"
    # Built, and shown to its owner only until they say yes or no.
    PROPOSED = "proposed"
    READY = "ready"
    FAILED = "failed"


class Visibility(StrEnum):
    """Who finds the releases of a project in the catalogue."""

    # Those who may read them.
    PRIVATE = "private"
    # Every organisation here; its people may ask to read.
    LISTED = "listed"
    # Every organisation here, which may read them too.
    OPEN = "open"


class ReleaseSeries(SQLModel, table=True):
    """What the releases of one project share, so that they can be compared and loaded by name."""

    __tablename__ = "release_series"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name"),
        CheckConstraint("name ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="name_is_slug"),
        one_of("visibility", Visibility),
    )

    project_id: int = Field(primary_key=True, foreign_key="project.id")
    organisation_id: int = Field(foreign_key="organisation.id")
    name: str = Field(sa_type=Text)
    # Chosen with the first release and kept: a row never changes its split between versions.
    split_salt: str | None = Field(default=None, sa_type=Text)
    split_rule: dict[str, Any] | None = jsonb(nullable=True)
    # Makes annotators' keys alike from release to release, and unlike those of other projects.
    annotator_key: str = Field(sa_type=Text)
    visibility: Visibility = text_enum(Visibility, default=Visibility.PRIVATE)
    # What the owner says of it in the catalogue.
    description: str = Field(default="", sa_type=Text)
    created_at: datetime = utc()


class Release(SQLModel, table=True):
    """One version of a project's dataset; fixed for good once it is ready."""

    __tablename__ = "release"
    __table_args__ = (
        one_of("state", State),
        UniqueConstraint("project_id", "version"),
        CheckConstraint("version ~ '^[0-9]+\\.[0-9]+\\.[0-9]+$'", name="version_has_three_parts"),
        CheckConstraint("commit ~ '^[0-9a-f]{40}$'", name="commit_is_hex"),
        CheckConstraint(
            "(state IN ('proposed', 'ready')) = (manifest IS NOT NULL)"
            " AND (state IN ('proposed', 'ready')) = (version IS NOT NULL)"
            " AND (state IN ('proposed', 'ready')) = (commit IS NOT NULL)"
            " AND (state = 'building') = (ended_at IS NULL)"
            " AND (state = 'failed') = (trouble IS NOT NULL)",
            name="whole",
        ),
        CheckConstraint(
            "num_nonnulls(confirmed_by, confirmed_at) IN (0, 2)", name="confirmed_whole"
        ),
        # One at a time for each project: a second click finds the first one's row.
        Index(
            "uq_release_project_id_open",
            "project_id",
            unique=True,
            postgresql_where="state IN ('building', 'proposed')",
        ),
        Index("ix_release_project_id_id", "project_id", "id"),
        Index("ix_release_organisation_id", "organisation_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    organisation_id: int = Field(foreign_key="organisation.id")
    state: State = text_enum(State, default=State.BUILDING)
    title: str = Field(sa_type=Text)
    changelog: str = Field(sa_type=Text)
    licence: str = Field(sa_type=Text)
    limits: str = Field(default="", sa_type=Text)
    with_gold: bool = False
    recipe: dict[str, Any] = jsonb(default_factory=dict)
    # Whether its owner wants to see it before anybody else does.
    look_first: bool = False
    asked_by: int = Field(foreign_key="user_account.id")
    # The release holds the work that was validated by then, whenever it is built.
    asked_at: datetime = utc()
    attempts: int = 0
    # The worker that builds it holds it until then, and moves the time on as it works.
    held_until: datetime | None = utc(nullable=True)
    # Why it waits although nobody works on it; it is tried again by itself.
    waits_for: str | None = Field(default=None, sa_type=Text)
    rows_read: int = Field(default=0, sa_type=BigInteger)
    ended_at: datetime | None = utc(nullable=True)
    trouble: str | None = Field(default=None, sa_type=Text)
    confirmed_by: int | None = Field(default=None, foreign_key="user_account.id")
    confirmed_at: datetime | None = utc(nullable=True)
    version: str | None = Field(default=None, sa_type=Text)
    commit: str | None = Field(default=None, sa_type=Text)
    manifest: dict[str, Any] | None = jsonb(nullable=True)
    row_count: int = Field(default=0, sa_type=BigInteger)
    size_bytes: int = Field(default=0, sa_type=BigInteger)

    @property
    def facts(self) -> dict[str, Any]:
        """The manifest of a release that is built."""
        if self.manifest is None:
            raise ValueError("only a release that is built has a manifest")
        return self.manifest

    @property
    def is_ready(self) -> bool:
        """Whether its files are there, for good."""
        return self.state is State.READY


class ReleaseSource(SQLModel, table=True):
    """A further project whose answers are in a release, beside the one whose series it is in."""

    __tablename__ = "release_source"

    release_id: int = Field(primary_key=True, foreign_key="release.id")
    project_id: int = Field(primary_key=True, foreign_key="project.id", index=True)


class ReleaseGrant(SQLModel, table=True):
    """An organisation that may read a project's releases: all, or some versions, until a time."""

    __tablename__ = "release_grant"
    __table_args__ = (CheckConstraint("cardinality(versions) > 0", name="versions_named"),)

    project_id: int = Field(primary_key=True, foreign_key="project.id")
    organisation_id: int = Field(primary_key=True, foreign_key="organisation.id", index=True)
    granted_by: int = Field(foreign_key="user_account.id")
    granted_at: datetime = utc()
    until: datetime | None = utc(nullable=True)
    # None means all, those to come too.
    versions: list[str] | None = Field(default=None, sa_type=ARRAY(Text), nullable=True)


# The tables of handing releases out are known wherever these are.
from releases import catalogue_models, delivery_models, noise_models  # noqa: E402, F401
