"""Interviews, the answers given in them, and the banks as they were when somebody was asked.

An interview that ends against its person holds all that they are owed: the reason, the evidence,
who decided, what would have changed it, and until when it can be contested. The database refuses
one without.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, one_of, text_enum, utc
from experts.fields import Field


class State(StrEnum):
    """Where an interview is."""

    ACTIVE = "active"
    REVIEW = "review"
    PASSED = "passed"
    FAILED = "failed"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


class Mode(StrEnum):
    """How an interview is led and decided; the person chooses, with no effect on the result."""

    STRUCTURED = "structured"
    PERSON = "person"
    LLM = "llm"


class ReasonCode(StrEnum):
    """Why an interview was not passed, or why a person reads it."""

    TOTAL = "total_below"
    COMPETENCY = "competency_below"


class BankEdition(SQLModel, table=True):
    """A bank, word for word, as it was when the first interview used it; never changed."""

    __tablename__ = "bank_edition"
    __table_args__ = (one_of("field", Field),)

    digest: str = Column(sa_type=Text, primary_key=True)
    field: Field = text_enum(Field)
    version: int
    # Text, since jsonb would lose the order of competencies and options.
    content: str = Column(sa_type=Text)
    first_used_at: datetime = utc()


class Interview(SQLModel, table=True):
    """One attempt of an expert in a field: its plan, its result, and what came of it."""

    __tablename__ = "interview"
    __table_args__ = (
        one_of("field", Field),
        one_of("state", State),
        one_of("reason_code", ReasonCode),
        one_of("mode", Mode),
        one_of("begun_as", Mode),
        # A trigger asks that this consent is the person's, in force when the interview begins.
        CheckConstraint(
            "(begun_as = 'llm') = (ai_consent_id IS NOT NULL)"
            " AND (begun_as = 'llm') = (llm_model IS NOT NULL)",
            name="llm_has_consent",
        ),
        CheckConstraint("mode <> 'llm' OR begun_as = 'llm'", name="llm_from_the_start"),
        CheckConstraint("attempt > 0", name="attempt_counts"),
        CheckConstraint("expires_at > started_at", name="expires_later"),
        CheckConstraint("level BETWEEN 0 AND 1", name="level_is_share"),
        CheckConstraint(
            "(template_id IS NULL) = (part IS NULL)"
            " AND (project_id IS NULL OR template_id IS NOT NULL)",
            name="part_of_template",
        ),
        CheckConstraint("(state = 'active') = (finished_at IS NULL)", name="finished_once"),
        CheckConstraint(
            "state NOT IN ('review', 'passed', 'failed')"
            " OR (scorecard IS NOT NULL AND level IS NOT NULL)",
            name="scored",
        ),
        CheckConstraint(
            "(state IN ('passed', 'failed')) = (decided_at IS NOT NULL)"
            " AND num_nonnulls(decided_by, decided_rule)"
            " = CASE WHEN decided_at IS NULL THEN 0 ELSE 1 END",
            name="decided_whole",
        ),
        # Due process (DESIGN.md): no adverse outcome without all that is owed to the person.
        CheckConstraint(
            "state <> 'failed' OR num_nulls(reason_code, reason_words, evidence, would_change,"
            " contest_until, retake_from) = 0",
            name="failed_has_reason",
        ),
        Index(
            "uq_interview_expert_id_field_active",
            "expert_id",
            "field",
            unique=True,
            postgresql_where="state = 'active'",
        ),
        Index("ix_interview_expert_id_field", "expert_id", "field"),
        Index("ix_interview_open", "expires_at", postgresql_where="state = 'active'"),
        Index("ix_interview_waiting", "id", postgresql_where="state = 'review'"),
        Index("ix_interview_texts_kept", "expert_id", postgresql_where="texts_deleted_at IS NULL"),
        Index("ix_interview_field_decided_at", "field", "decided_at"),
    )

    id: int | None = Column(default=None, primary_key=True)
    expert_id: int = Column(foreign_key="expert.user_id")
    field: Field = text_enum(Field)
    attempt: int
    state: State = text_enum(State, default=State.ACTIVE)
    edition: str = Column(sa_type=Text, foreign_key="bank_edition.digest")
    seed: str = Column(sa_type=Text)
    plan: list[dict[str, Any]] = jsonb()
    consent_version: str = Column(sa_type=Text)
    consented_at: datetime = utc()
    started_at: datetime = utc()
    expires_at: datetime = utc()
    finished_at: datetime | None = utc(nullable=True)

    mode: Mode = text_enum(
        Mode, default=Mode.STRUCTURED, sa_column_kwargs={"server_default": "structured"}
    )
    begun_as: Mode = text_enum(
        Mode, default=Mode.STRUCTURED, sa_column_kwargs={"server_default": "structured"}
    )
    llm_model: str | None = Column(default=None, sa_type=Text)
    ai_consent_id: int | None = Column(default=None, foreign_key="consent.id", sa_type=BigInteger)
    # What it asks where it is not just the bank, and for which project (`interviews.templates`).
    template_id: int | None = Column(default=None, foreign_key="interview_template.id")
    project_id: int | None = Column(default=None, foreign_key="project.id", index=True)
    part: dict[str, Any] | None = jsonb(nullable=True)

    # The answers are gone from then on; points, levels and the decision stay.
    texts_deleted_at: datetime | None = utc(nullable=True)

    scorecard: dict[str, Any] | None = jsonb(nullable=True)
    level: float | None = None

    reason_code: ReasonCode | None = text_enum(ReasonCode, nullable=True)
    reason_words: dict[str, str] | None = jsonb(nullable=True)
    evidence: dict[str, Any] | None = jsonb(nullable=True)
    would_change: dict[str, str] | None = jsonb(nullable=True)
    decided_by: int | None = Column(default=None, foreign_key="user_account.id")
    decided_rule: str | None = Column(default=None, sa_type=Text)
    decided_at: datetime | None = utc(nullable=True)
    contest_until: datetime | None = utc(nullable=True)
    retake_from: datetime | None = utc(nullable=True)

    # The decision of the rule or of a person; a failed one cannot be without.
    decision_id: int | None = Column(
        default=None, foreign_key="decision.id", unique=True, sa_type=BigInteger
    )

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the interview is not stored yet")
        return self.id

    def is_open(self, at: datetime) -> bool:
        """Return whether questions can be answered; its time may be over before it is closed."""
        return self.state is State.ACTIVE and at < self.expires_at

    @property
    def length(self) -> int:
        """How many questions it has, as far as they are known."""
        return len(self.plan)

    @property
    def is_adaptive(self) -> bool:
        """Whether each question follows from the answers before it."""
        return bool(self.plan) and self.plan[0].get("curve") is not None


class Response(SQLModel, table=True):
    """The answer to one question. The first that arrives is kept; no answer is "I do not know"."""

    __tablename__ = "interview_response"
    __table_args__ = (
        UniqueConstraint("interview_id", "position"),
        CheckConstraint("position > 0", name="position_counts"),
        CheckConstraint("points BETWEEN 0 AND 1", name="points_are_share"),
    )

    id: int | None = Column(default=None, primary_key=True)
    interview_id: int = Column(foreign_key="interview.id")
    position: int
    item_id: str = Column(sa_type=Text)
    language: str = Column(sa_type=Text)
    answer: dict[str, Any] | None = jsonb(nullable=True)
    points: float
    mark: dict[str, Any] = jsonb()
    remark: str = Column(default="", sa_type=Text)
    shown_at: datetime = utc()
    answered_at: datetime = utc()


class AnswerCorrection(SQLModel, table=True):
    """What somebody corrects in an answer of theirs, beside it; only ever added.

    The words go when the answer goes (`interviews.transcripts`).
    """

    __tablename__ = "answer_correction"
    __table_args__ = (
        CheckConstraint("length(btrim(words)) BETWEEN 1 AND 4000", name="words_said"),
    )

    id: int | None = Column(default=None, primary_key=True)
    response_id: int = Column(foreign_key="interview_response.id", index=True)
    words: str | None = Column(default=None, sa_type=Text)
    language: str = Column(sa_type=Text)
    written_at: datetime = utc()


class Sex(StrEnum):
    """What somebody says of their sex, for the fairness report only."""

    FEMALE = "female"
    MALE = "male"
    ANOTHER = "another"
    NOT_SAID = "not_said"


class Ethnicity(StrEnum):
    """What somebody says of their race or ethnicity, in the categories of EEO-1."""

    HISPANIC = "hispanic"
    WHITE = "white"
    BLACK = "black"
    PACIFIC = "pacific"
    ASIAN = "asian"
    NATIVE = "native"
    TWO_OR_MORE = "two_or_more"
    NOT_SAID = "not_said"


class SelfDeclaration(SQLModel, table=True):
    """What somebody has chosen to declare of themselves; only `interviews.fairness` reads it."""

    __tablename__ = "self_declaration"
    __table_args__ = (
        one_of("sex", Sex),
        one_of("ethnicity", Ethnicity),
        CheckConstraint("num_nonnulls(sex, ethnicity) > 0", name="says_something"),
    )

    user_id: int = Column(primary_key=True, foreign_key="user_account.id")
    sex: Sex | None = text_enum(Sex, nullable=True)
    ethnicity: Ethnicity | None = text_enum(Ethnicity, nullable=True)
    declared_at: datetime = utc()


# The tables of parts that have models of their own are known wherever these are.
from interviews import (  # noqa: E402, F401
    accommodation_models,
    gap_models,
    judge_models,
    look_models,
    signal_models,
)
