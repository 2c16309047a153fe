"""What is kept for people who look for datasets: summaries, statistics, and requests to read."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from core.models import jsonb, one_of, text_enum, utc


class ReleaseSummary(SQLModel, table=True):
    """What the catalogue says of a ready release and finds it by; follows from its manifest."""

    __tablename__ = "release_summary"
    __table_args__ = (Index("ix_release_summary_runs", "runs", postgresql_using="gin"),)

    release_id: int = Field(primary_key=True, foreign_key="release.id")
    project_id: int = Field(foreign_key="project.id", index=True)
    field: str = Field(sa_type=Text)
    language: str = Field(sa_type=Text)
    tasks: list[str] = Field(sa_type=ARRAY(Text))
    classes: list[str] = Field(sa_type=ARRAY(Text))
    labels: list[str] = Field(sa_type=ARRAY(Text))
    agreement: float | None = None
    # How many Parquet files its rows are in: whoever has loaded them all has loaded it.
    data_files: int = 0
    # Title, names, field, labels and description without capitals and accents, to be searched.
    words: str = Field(sa_type=Text)
    # Every three letters in a row of these, by which the index finds any part of a word.
    runs: list[str] = Field(
        default_factory=list, sa_type=ARRAY(Text), sa_column_kwargs={"server_default": "{}"}
    )


class ReleaseStatistics(SQLModel, table=True):
    """What the columns of a ready release hold, counted once from its files."""

    __tablename__ = "release_statistics"

    release_id: int = Field(primary_key=True, foreign_key="release.id")
    maker: int  # the version of the code that counted
    found: dict[str, Any] = jsonb()
    made_at: datetime = utc()


class Use(StrEnum):
    """What a team wants to use a dataset for."""

    TRAINING = "training"
    EVALUATION = "evaluation"
    RESEARCH = "research"
    OTHER = "other"


class RequestState(StrEnum):
    """Where a request to read stands."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    # It was granted, and taken back since.
    ENDED = "ended"
    EXPIRED = "expired"


class ReleaseRequest(SQLModel, table=True):
    """An organisation asks to read a project's releases; what came of it stays."""

    __tablename__ = "release_request"
    __table_args__ = (
        one_of("use", Use),
        one_of("state", RequestState),
        CheckConstraint("length(btrim(purpose)) > 0", name="purpose_said"),
        CheckConstraint("(state = 'open') = (answered_at IS NULL)", name="answered_whole"),
        CheckConstraint(
            "state NOT IN ('refused', 'ended') OR length(btrim(reason)) > 0", name="reason_given"
        ),
        CheckConstraint(
            "state IN ('open', 'withdrawn') OR answered_by IS NOT NULL", name="answered_by_somebody"
        ),
        CheckConstraint("(state IN ('ended', 'expired')) = (ended_at IS NOT NULL)", name="ended"),
        # A second click, or a colleague at the same time, finds the first one's row.
        Index(
            "uq_release_request_open",
            "project_id",
            "organisation_id",
            unique=True,
            postgresql_where="state = 'open'",
        ),
        Index("ix_release_request_organisation_id", "organisation_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="project.id")
    organisation_id: int = Field(foreign_key="organisation.id")
    asked_by: int = Field(foreign_key="user_account.id")
    asked_at: datetime = utc()
    use: Use = text_enum(Use)
    purpose: str = Field(sa_type=Text)
    # The licence whose terms were accepted with it.
    licence: str = Field(sa_type=Text)
    state: RequestState = text_enum(RequestState, default=RequestState.OPEN)
    answered_by: int | None = Field(default=None, foreign_key="user_account.id")
    answered_at: datetime | None = utc(nullable=True)
    # Why it was refused or taken back.
    reason: str = Field(default="", sa_type=Text)
    ended_at: datetime | None = utc(nullable=True)
