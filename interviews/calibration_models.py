"""Calibrations: what answers said of items, and which of it operators let count; only ever added.

A run proposes. A curve counts for interviews that begin after an operator has accepted it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import jsonb, one_of, text_enum, utc
from experts.fields import Field


class ItemVerdict(StrEnum):
    """What a run says of an item, the gravest first."""

    MISFIT = "misfit"
    DRIFT = "drift"
    LANGUAGE = "language"
    FEW = "few"
    FINE = "fine"


class ChoiceKind(StrEnum):
    """What an operator did with a proposed curve."""

    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


class CalibrationRun(SQLModel, table=True):
    """One estimation of the items of a field from the answers that there were."""

    __tablename__ = "calibration_run"
    __table_args__ = (
        one_of("field", Field),
        UniqueConstraint("field", "answers_digest"),  # the same answers are worked out once
        CheckConstraint("interviews > 0 AND responses > 0", name="rests_on_answers"),
        CheckConstraint("people_deviation > 0", name="people_differ"),
        CheckConstraint("girth_agrees BETWEEN -1 AND 1", name="agreement_is_correlation"),
        Index("ix_calibration_run_field", "field", "id"),
    )

    id: int | None = Column(default=None, primary_key=True)
    field: Field = text_enum(Field)
    edition: str = Column(sa_type=Text, foreign_key="bank_edition.digest")
    answers_digest: str = Column(sa_type=Text)
    interviews: int
    responses: int
    people_mean: float
    people_deviation: float
    # How the places go with those that girth finds without the authors, over how many items.
    girth_agrees: float | None = None
    girth_items: int | None = None
    made_at: datetime = utc()

    @property
    def key(self) -> int:
        """The id of a row that the database has."""
        if self.id is None:
            raise ValueError("the run is not stored yet")
        return self.id


class ItemCalibration(SQLModel, table=True):
    """What a run found of an item: its curve with errors, and whether it behaves."""

    __tablename__ = "item_calibration"
    __table_args__ = (
        one_of("verdict", ItemVerdict),
        UniqueConstraint("run_id", "item"),
        CheckConstraint("answers >= 0", name="answers_count"),
        CheckConstraint("discrimination > 0 AND prior_discrimination > 0", name="slopes_rise"),
        CheckConstraint("difficulty_error > 0 AND discrimination_error > 0", name="errors_are"),
        CheckConstraint("(drift IS NULL) = (drift_error IS NULL)", name="drift_whole"),
        CheckConstraint("(language IS NULL) = (language_error IS NULL)", name="language_whole"),
        CheckConstraint("num_nonnulls(infit, outfit, misfit) IN (0, 3)", name="fit_whole"),
    )

    id: int | None = Column(default=None, primary_key=True)
    run_id: int = Column(foreign_key="calibration_run.id")
    item: str = Column(sa_type=Text)
    content: str = Column(sa_type=Text)  # the digest of what people read of it
    answers: int
    exposure: float
    difficulty: float
    difficulty_error: float
    discrimination: float
    discrimination_error: float
    prior_difficulty: float
    prior_discrimination: float
    thresholds: list[float] = jsonb()
    # The difficulty of the run before, where that had the same words.
    before: float | None = None
    drift: float | None = None
    drift_error: float | None = None
    language: float | None = None
    language_error: float | None = None
    infit: float | None = None
    outfit: float | None = None
    misfit: float | None = None
    bins: list[dict[str, Any]] = jsonb()
    verdict: ItemVerdict = text_enum(ItemVerdict)


class CalibrationChoice(SQLModel, table=True):
    """An operator lets a curve count from then on, or no longer; the latest one holds."""

    __tablename__ = "calibration_choice"
    __table_args__ = (
        one_of("kind", ChoiceKind),
        ForeignKeyConstraint(
            ["run_id", "item"], ["item_calibration.run_id", "item_calibration.item"]
        ),
        Index("ix_calibration_choice_run_id_item", "run_id", "item"),
    )

    id: int | None = Column(default=None, primary_key=True)
    run_id: int
    item: str = Column(sa_type=Text)
    kind: ChoiceKind = text_enum(ChoiceKind)
    by_user_id: int = Column(foreign_key="user_account.id")
    at: datetime = utc()
