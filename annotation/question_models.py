"""Questions of experts to owners, on a task or the guidelines, each with its one answer."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models import one_of, text_enum, utc

WORDS_MOST = 2000


class About(StrEnum):
    """What a question is about."""

    TASK = "task"
    GUIDELINES = "guidelines"


class AnswerFor(StrEnum):
    """Who may read a question with its answer, beside the owner."""

    ASKER = "asker"
    ALL = "all"


class Question(SQLModel, table=True):
    """What an expert asked from the page of a task, and what the owner answered, once.

    Hidden means: from the other experts. Whoever asked reads it still, with the reason.
    """

    __tablename__ = "task_question"
    __table_args__ = (
        # A second click is the same question.
        UniqueConstraint("expert_id", "reference"),
        one_of("about", About),
        one_of("answer_for", AnswerFor),
        CheckConstraint("length(btrim(words)) BETWEEN 1 AND 2000", name="words_present"),
        CheckConstraint(
            "num_nonnulls(answer, answer_for, answered_by, answered_at) IN (0, 4)",
            name="answered_whole",
        ),
        CheckConstraint(
            "answer IS NULL OR length(btrim(answer)) BETWEEN 1 AND 2000", name="answer_present"
        ),
        CheckConstraint(
            "num_nonnulls(hidden_at, hidden_by, hidden_reason) IN (0, 3)"
            " AND (hidden_reason IS NULL OR length(btrim(hidden_reason)) BETWEEN 20 AND 1000)",
            name="hidden_has_reason",
        ),
        Index("ix_task_question_project_id_answered_at", "project_id", "answered_at"),
        Index("ix_task_question_expert_id_project_id", "expert_id", "project_id"),
        Index("ix_task_question_task_id", "task_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    project_id: int = Field(foreign_key="project.id")
    task_id: int = Field(foreign_key="task.id", sa_type=BigInteger)
    assignment_id: int = Field(foreign_key="assignment.id", sa_type=BigInteger)
    expert_id: int = Field(foreign_key="user_account.id")
    reference: UUID
    about: About = text_enum(About, default=About.TASK)
    guidelines_version: int
    words: str = Field(sa_type=Text)
    asked_at: datetime = utc()
    changed_at: datetime | None = utc(nullable=True)
    answer: str | None = Field(default=None, sa_type=Text)
    answer_for: AnswerFor | None = text_enum(AnswerFor, nullable=True)
    answered_by: int | None = Field(default=None, foreign_key="user_account.id")
    answered_at: datetime | None = utc(nullable=True)
    seen_at: datetime | None = utc(nullable=True)  # when the asker had the answer before them
    hidden_at: datetime | None = utc(nullable=True)
    hidden_by: int | None = Field(default=None, foreign_key="user_account.id")
    hidden_reason: str | None = Field(default=None, sa_type=Text)
    # The last decision that hid it.
    decision_id: int | None = Field(
        default=None, foreign_key="decision.id", unique=True, sa_type=BigInteger
    )
    owner_told_at: datetime | None = utc(nullable=True)
    asker_told_at: datetime | None = utc(nullable=True)

    @property
    def is_for_all(self) -> bool:
        """Whether other experts of the project may read it."""
        return self.answer_for is AnswerFor.ALL and self.hidden_at is None
