"""Judges, what they and people read in answers, the frozen set and the gate.

A judge is a model with a prompt. What a judge or a person reads is kept once; what was measured and
which gates were opened or closed is only ever added.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, one_of, text_enum, utc
from experts.fields import Field


class Judged(StrEnum):
    """How the question to one judge went."""

    READ = "read"
    DOUBTED = "doubted"  # the answer, or what was quoted of it, speaks to its reader
    NONSENSE = "nonsense"
    REFUSED = "refused"


class Phase(StrEnum):
    """Who reads the answers in words of an interview now."""

    JUDGES = "judges"
    PEOPLE = "people"
    READ = "read"


class Why(StrEnum):
    """Why an answer goes to a person."""

    POINTS = "points"  # some were not found, and no model read
    NOT_FOUND = "not_found"  # the judges did not find them either
    DISAGREE = "disagree"
    DOUBT = "doubt"
    NONSENSE = "nonsense"
    REFUSED = "refused"
    DOWN = "down"
    BUDGET = "budget"
    GATE = "gate"
    NO_MODEL = "no_model"
    CONSENT = "consent"
    KEY_WORDS = "key_words"  # listed without a sentence
    FROZEN = "frozen"  # a second reading for the frozen set


class ReadFor(StrEnum):
    """What a person's reading of an answer is for."""

    OUTCOME = "outcome"
    FROZEN = "frozen"


class JudgeVersion(SQLModel, table=True):
    """Two judges as they were used: prompts, models and the form of their answers."""

    __tablename__ = "judge_version"

    digest: str = Column(primary_key=True, sa_type=Text)
    prompts: str = Column(sa_type=Text)
    models: list[str] = jsonb()
    form: str = Column(sa_type=Text)
    first_used_at: datetime = utc()


class AnswerJudging(SQLModel, table=True):
    """What one judge read in one answer, once for each version; quotes go with the answer."""

    __tablename__ = "answer_judging"
    __table_args__ = (
        one_of("outcome", Judged),
        UniqueConstraint("response_id", "version", "judge"),
        CheckConstraint("judge IN (1, 2)", name="two_judges"),
        CheckConstraint("(outcome = 'read') = (readings IS NOT NULL)", name="read_whole"),
    )

    id: int | None = Column(default=None, primary_key=True, sa_type=BigInteger)
    response_id: int = Column(foreign_key="interview_response.id")
    version: str = Column(sa_type=Text, foreign_key="judge_version.digest")
    judge: int
    outcome: Judged = text_enum(Judged)
    readings: list[dict[str, Any]] | None = jsonb(nullable=True)
    at: datetime = utc()


class BeingRead(SQLModel, table=True):
    """An interview near the line whose answers in words are read: by judges, then by people."""

    __tablename__ = "interview_reading"
    __table_args__ = (
        one_of("phase", Phase),
        one_of("why", Why),
        Index("ix_interview_reading_open", "phase", postgresql_where="phase <> 'read'"),
    )

    interview_id: int = Column(primary_key=True, foreign_key="interview.id")
    phase: Phase = text_enum(Phase)
    begun_at: datetime = utc()
    due_at: datetime = utc()
    held_until: datetime | None = utc(nullable=True)
    version: str | None = Column(
        default=None, sa_type=Text, foreign_key="judge_version.digest", nullable=True
    )
    # Why the judges did not read, where they did not.
    why: Why | None = text_enum(Why, nullable=True)
    last_read_at: datetime | None = utc(nullable=True)
    settled_at: datetime | None = utc(nullable=True)


class ToRead(SQLModel, table=True):
    """An answer that waits for a person; whoever holds it is the only one who reads it."""

    __tablename__ = "answer_to_read"
    __table_args__ = (
        one_of("purpose", ReadFor),
        one_of("why", Why),
        UniqueConstraint("response_id", "purpose"),
        CheckConstraint("(held_by IS NULL) = (held_until IS NULL)", name="held_whole"),
        Index("ix_answer_to_read_waiting", "due_at", postgresql_where="read_at IS NULL"),
    )

    id: int | None = Column(default=None, primary_key=True, sa_type=BigInteger)
    response_id: int = Column(foreign_key="interview_response.id")
    purpose: ReadFor = text_enum(ReadFor)
    why: Why = text_enum(Why)
    added_at: datetime = utc()
    due_at: datetime = utc()
    held_by: int | None = Column(default=None, foreign_key="user_account.id")
    held_until: datetime | None = utc(nullable=True)
    read_at: datetime | None = utc(nullable=True)

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the answer is not stored yet")
        return self.id


class PersonReading(SQLModel, table=True):
    """What a person read in an answer before they saw any other reading; undone, it stays."""

    __tablename__ = "answer_reading"
    __table_args__ = (
        one_of("purpose", ReadFor),
        CheckConstraint("points BETWEEN 0 AND 1", name="points_are_share"),
        Index(
            "uq_answer_reading_response_id_reader_id",
            "response_id",
            "reader_id",
            unique=True,
            postgresql_where="undone_at IS NULL",
        ),
        Index("ix_answer_reading_read_at", "read_at"),
    )

    id: int | None = Column(default=None, primary_key=True, sa_type=BigInteger)
    response_id: int = Column(foreign_key="interview_response.id")
    reader_id: int = Column(foreign_key="user_account.id")
    purpose: ReadFor = text_enum(ReadFor)
    readings: list[dict[str, Any]] = jsonb()
    points: float
    # What the forms and the judges had read then, check by check; no words of anybody.
    forms: dict[str, bool] = jsonb()
    judges: dict[str, bool] | None = jsonb(nullable=True)
    version: str | None = Column(
        default=None, sa_type=Text, foreign_key="judge_version.digest", nullable=True
    )
    read_at: datetime = utc()
    undone_at: datetime | None = utc(nullable=True)


class FrozenAnswer(SQLModel, table=True):
    """An answer by which judges are measured; one of an interview keeps its text there, not here.

    From `frozen_at` on nothing of it changes: triggers refuse it.
    """

    __tablename__ = "frozen_answer"
    __table_args__ = (
        one_of("field", Field),
        CheckConstraint("language IN ('en', 'fr')", name="language_read"),
        CheckConstraint("num_nonnulls(words, response_id) = 1", name="one_source"),
        Index("ix_frozen_answer_field", "field"),
    )

    id: int | None = Column(default=None, primary_key=True, sa_type=BigInteger)
    key: str = Column(sa_type=Text, unique=True)
    field: Field = text_enum(Field)
    item_id: str = Column(sa_type=Text)
    rubric: str = Column(sa_type=Text)
    language: str = Column(sa_type=Text)
    words: str | None = Column(default=None, sa_type=Text)
    response_id: int | None = Column(default=None, foreign_key="interview_response.id", unique=True)
    added_by: int | None = Column(default=None, foreign_key="user_account.id")
    added_at: datetime = utc()
    frozen_at: datetime | None = utc(nullable=True)


class FrozenReading(SQLModel, table=True):
    """What one reader found met in an answer of the frozen set; the authors count as one.

    A person may add theirs after the answer is frozen, with `read_at`, and take it back once.
    """

    __tablename__ = "frozen_reading"
    __table_args__ = (
        CheckConstraint(
            "undone_at IS NULL OR (reader_id IS NOT NULL AND undone_at >= read_at)",
            name="undone_by_its_reader",
        ),
        Index(
            "uq_frozen_reading_frozen_id_reader_id",
            "frozen_id",
            "reader_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where="undone_at IS NULL",
        ),
    )

    id: int | None = Column(default=None, primary_key=True, sa_type=BigInteger)
    frozen_id: int = Column(foreign_key="frozen_answer.id", ondelete="CASCADE", sa_type=BigInteger)
    reader_id: int | None = Column(default=None, foreign_key="user_account.id")
    met: list[str] = jsonb()
    read_at: datetime | None = utc(nullable=True)
    undone_at: datetime | None = utc(nullable=True)


class JudgeRun(SQLModel, table=True):
    """One measuring of a version on the frozen set; its results hold figures only."""

    __tablename__ = "judge_run"
    __table_args__ = (
        CheckConstraint("(finished_at IS NULL) = (results IS NULL)", name="finished_whole"),
        Index(
            "uq_judge_run_version_open",
            "version",
            unique=True,
            postgresql_where="finished_at IS NULL",
        ),
    )

    id: int | None = Column(default=None, primary_key=True, sa_type=BigInteger)
    version: str = Column(sa_type=Text, foreign_key="judge_version.digest")
    asked_by: int | None = Column(default=None, foreign_key="user_account.id")
    # The run whose readings by judges it counts again, beside what people have read since.
    counted_from: int | None = Column(
        default=None, foreign_key="judge_run.id", sa_type=BigInteger, nullable=True
    )
    begun_at: datetime = utc()
    held_until: datetime | None = utc(nullable=True)
    finished_at: datetime | None = utc(nullable=True)
    results: dict[str, Any] | None = jsonb(nullable=True)

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the run is not stored yet")
        return self.id


class JudgeRunReading(SQLModel, table=True):
    """What one judge found met in one answer of the frozen set, in one run."""

    __tablename__ = "judge_run_reading"
    __table_args__ = (
        one_of("outcome", Judged),
        UniqueConstraint("run_id", "frozen_id", "judge"),
        CheckConstraint("judge IN (1, 2)", name="two_judges"),
        CheckConstraint("(outcome = 'read') = (met IS NOT NULL)", name="read_whole"),
    )

    id: int | None = Column(default=None, primary_key=True, sa_type=BigInteger)
    run_id: int = Column(foreign_key="judge_run.id", sa_type=BigInteger)
    frozen_id: int = Column(foreign_key="frozen_answer.id", ondelete="CASCADE", sa_type=BigInteger)
    judge: int
    outcome: Judged = text_enum(Judged)
    met: list[str] | None = jsonb(nullable=True)
    at: datetime = utc()


class Gate(SQLModel, table=True):
    """A gate of a version in a field was opened by a run, or closed; the last row counts."""

    __tablename__ = "judge_gate"
    __table_args__ = (
        one_of("field", Field),
        CheckConstraint(
            "CASE WHEN is_open THEN run_id IS NOT NULL ELSE length(btrim(words)) > 0 END",
            name="has_its_ground",
        ),
        Index("ix_judge_gate_version_field", "version", "field"),
    )

    id: int | None = Column(default=None, primary_key=True, sa_type=BigInteger)
    version: str = Column(sa_type=Text, foreign_key="judge_version.digest")
    field: Field = text_enum(Field)
    is_open: bool = Column(sa_type=Boolean)
    run_id: int | None = Column(default=None, foreign_key="judge_run.id", sa_type=BigInteger)
    by: int | None = Column(default=None, foreign_key="user_account.id")
    words: str = Column(default="", sa_type=Text)
    at: datetime = utc()
