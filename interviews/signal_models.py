"""What is known of how an answer reached the page, and what came of a review for it.

Counts and hashes only: no key, no text. Nothing here decides about anybody.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, Integer, Text
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, one_of, text_enum, utc

WORDS_AT_MOST = 2000


class Finding(StrEnum):
    """What a person found who looked at signals."""

    NOTHING = "nothing"
    SOMETHING = "something"


class AnswerSignal(SQLModel, table=True):
    """How one answer in words reached the page, in counts; `found` names the rules that hold.

    What a page did not measure, or measured impossibly, is not known, which is never a signal.
    """

    __tablename__ = "answer_signal"
    __table_args__ = (
        CheckConstraint(
            "least(letters, pasted, pastes, bursts, away, away_ms, alike) >= 0"
            " AND (first_key_ms IS NULL OR first_key_ms >= 0)",
            name="counts",
        ),
        CheckConstraint("measured OR num_nonnulls(first_key_ms) = 0", name="only_measured"),
        CheckConstraint("alike_share BETWEEN 0 AND 1", name="alike_is_share"),
        CheckConstraint("jsonb_typeof(found) = 'array'", name="found_is_list"),
        Index("ix_answer_signal_item_id_at", "item_id", "at"),
    )

    response_id: int = Column(primary_key=True, foreign_key="interview_response.id")
    item_id: str = Column(sa_type=Text)
    rules: str = Column(sa_type=Text)
    measured: bool
    letters: int = 0
    pasted: int = 0
    pastes: int = 0
    bursts: int = 0
    away: int = 0
    away_ms: int = 0
    first_key_ms: int | None = None
    # Answers of other people to the same question that say it in the same words.
    alike: int = 0
    alike_share: float = 0.0
    found: list[str] = jsonb()
    at: datetime = utc()


class AnswerPrint(SQLModel, table=True):
    """Hashes of an answer in words, by which the same words are found again without any text."""

    __tablename__ = "answer_print"
    __table_args__ = (
        Index("ix_answer_print_bands", "bands", postgresql_using="gin"),
        Index("ix_answer_print_at", "at"),
    )

    response_id: int = Column(primary_key=True, foreign_key="interview_response.id")
    marks: list[int] = Column(sa_type=ARRAY(BigInteger))
    bands: list[int] = Column(sa_type=ARRAY(Integer))
    at: datetime = utc()


class IntegrityNote(SQLModel, table=True):
    """The signals of an interview together: whether they opened a review, and what came of it."""

    __tablename__ = "integrity_note"
    __table_args__ = (
        one_of("finding", Finding),
        CheckConstraint("(words IS NULL) = (words_at IS NULL)", name="words_with_time"),
        CheckConstraint(f"length(words) <= {WORDS_AT_MOST}", name="words_bounded"),
        CheckConstraint("(opened_at IS NULL) = (by_rule IS NULL)", name="opened_whole"),
        CheckConstraint("by_rule IN ('passed', 'failed', 'near')", name="by_rule_known"),
        CheckConstraint(
            "num_nonnulls(finding, noted_by, noted_at) IN (0, 3)"
            " AND (finding IS NULL OR opened_at IS NOT NULL)",
            name="noted_whole",
        ),
        Index("ix_integrity_note_opened_at", "opened_at"),
    )

    interview_id: int = Column(primary_key=True, foreign_key="interview.id")
    rules: str = Column(sa_type=Text)
    found: dict[str, Any] = jsonb()
    weight: int = 0
    # What the rule of the bank would have said; set where the signals opened a review.
    by_rule: str | None = Column(default=None, sa_type=Text)
    opened_at: datetime | None = utc(nullable=True)
    words: str | None = Column(default=None, sa_type=Text)
    words_at: datetime | None = utc(nullable=True)
    finding: Finding | None = text_enum(Finding, nullable=True)
    noted_by: int | None = Column(default=None, foreign_key="user_account.id")
    noted_at: datetime | None = utc(nullable=True)
