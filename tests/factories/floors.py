"""Floors of pay, valid by default."""

from typing import Any
from uuid import uuid4

from sqlmodel import Session

from core.clock import now
from payouts import floors
from payouts.floor_models import PayFloor


def make_floor(session: Session, **changes: Any) -> PayFloor:
    """Make a floor that counts from today on."""
    values: dict[str, Any] = {
        "country": "FR",
        "hourly_minor": 1202,
        "currency": "eur",
        "since": floors.today(now()),
        "words": "Follows the minimum wage.",
        "request_key": uuid4().hex,
        "written_at": now(),
    }
    row = PayFloor(**(values | changes))
    session.add(row)
    session.flush()
    return row
