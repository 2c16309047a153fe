"""Calibrations, readings of interviews and kept cards, valid by default."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from accounts.models import User
from core.clock import now
from experts.fields import Field
from interviews import calibration, curves, editions, items
from interviews.calibration_models import (
    CalibrationChoice,
    CalibrationRun,
    ChoiceKind,
    ItemCalibration,
    ItemVerdict,
)
from interviews.look_models import InterviewLook
from interviews.system_card_models import SystemCard
from interviews.waiting_models import InterviewReading, LateWarning


def make_calibration(
    session: Session, *, field: Field = Field.LAW, **changes: Any
) -> CalibrationRun:
    """Make a run that found every item of a bank a little harder than its authors said."""
    bank, at = items.banks()[field], now()
    values: dict[str, Any] = {
        "field": field,
        "edition": editions.freeze(session, bank, at),
        "answers_digest": uuid4().hex,
        "interviews": 240,
        "responses": 2600,
        "people_mean": 0.1,
        "people_deviation": 0.9,
        "made_at": at,
    }
    run = CalibrationRun(**(values | changes))
    session.add(run)
    session.flush()
    for item in bank.items:
        session.add(ItemCalibration(run_id=run.key, **_of_item(item, bank)))
    session.flush()
    return run


def make_choice(
    session: Session, run: CalibrationRun, item: str, by: User, **changes: Any
) -> CalibrationChoice:
    """Let a curve count."""
    values: dict[str, Any] = {
        "run_id": run.key,
        "item": item,
        "kind": ChoiceKind.ACCEPTED,
        "by_user_id": by.id,
        "at": now(),
    }
    row = CalibrationChoice(**(values | changes))
    session.add(row)
    session.flush()
    return row


def make_reading(session: Session, interview_id: int, by: User) -> InterviewReading:
    """Hold an interview for somebody."""
    at = now()
    row = InterviewReading(
        interview_id=interview_id,
        by_user_id=by.id or 0,
        begun_at=at,
        until=at + timedelta(minutes=20),
    )
    session.add(row)
    session.flush()
    return row


def make_look(session: Session, interview_id: int, by: User) -> InterviewLook:
    """Let somebody have looked at the marks of an interview."""
    row = InterviewLook(
        interview_id=interview_id,
        by_user_id=by.id or 0,
        reason="The expert asks on the telephone.",
        at=now(),
    )
    session.add(row)
    session.flush()
    return row


def make_late_warning(session: Session, interview_id: int) -> LateWarning:
    """Note that a warning went out."""
    row = LateWarning(interview_id=interview_id, warned_at=now())
    session.add(row)
    session.flush()
    return row


def make_system_card(session: Session, **changes: Any) -> SystemCard:
    """Keep a content of the card."""
    values: dict[str, Any] = {
        "digest": uuid4().hex,
        "content": '{"en": [{"key": "purpose", "title": "Purpose"}]}',
        "first_seen_at": now(),
    }
    row = SystemCard(**(values | changes))
    session.add(row)
    session.flush()
    return row


def _of_item(item: items.Item, bank: items.Bank) -> dict[str, Any]:
    prior = curves.prior(item)
    return {
        "item": item.id,
        "content": calibration.contents(bank)[item.id],
        "answers": 120,
        "exposure": 0.5,
        "difficulty": item.difficulty + 0.3,
        "difficulty_error": 0.12,
        "discrimination": prior.slope,
        "discrimination_error": 0.1,
        "prior_difficulty": item.difficulty,
        "prior_discrimination": prior.slope,
        "thresholds": [round(place + 0.3, 4) for place in prior.thresholds],
        "drift": 0.1,
        "drift_error": 0.2,
        "infit": 1.01,
        "outfit": 0.98,
        "misfit": 0.4,
        "bins": [
            {"ability": 0.5 * place, "people": 24, "earned": 0.4 + 0.1 * place, "foreseen": 0.5}
            for place in range(-2, 3)
        ],
        "verdict": ItemVerdict.FINE,
    }
