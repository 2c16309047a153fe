"""Agreements on automatic top-ups, valid by default; amounts are in minor units."""

import itertools
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from core.clock import now
from payouts.models import ProjectBudget
from payouts.topup_models import AutoTopUp, TopUpState

_numbers = itertools.count(1)


def make_topup(session: Session, budget: ProjectBudget, **changes: Any) -> AutoTopUp:
    """Make an agreement that is on, with a card that no rail knows."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "state": TopUpState.ON,
        "below_minor": 10_000,
        "amount_minor": 20_000,
        "month_minor": 60_000,
        "currency": budget.currency,
        "words": "When less than €100.00 is available, my card is charged €200.00.",
        "request_key": uuid4().hex,
        "agreed_at": now(),
        "on_at": now(),
        "stripe_customer_id": f"cus_{number}",
        "stripe_card_id": f"pm_{number}",
        "card_brand": "visa",
        "card_last4": "4242",
        "card_expires": "12/2029",
    }
    row = AutoTopUp(project_id=budget.project_id, **(values | changes))
    session.add(row)
    session.flush()
    return row
