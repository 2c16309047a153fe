"""Rows of Stripe's books, disputes and transfers taken back, valid by default."""

import itertools
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from core.clock import now
from payouts.books_models import KeptEntry, PayoutStop
from payouts.dispute_models import Dispute, DisputeState, Reversal
from payouts.models import Payout, ProjectBudget
from tests.factories.accounts import make_user

_numbers = itertools.count(1)
WHY = "The bank has closed the account, so the money came back."


def make_rail_line(session: Session, **changes: Any) -> KeptEntry:
    """Make a line of Stripe's books; nothing is booked."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "id": f"txn_{number}",
        "kind": "charge",
        "currency": "eur",
        "amount_minor": 10_000,
        "fee_minor": 175,
        "source_id": f"ch_line_{number}",
        "happened_at": now(),
        "kept_at": now(),
    }
    line = KeptEntry(**(values | changes))
    session.add(line)
    session.flush()
    return line


def make_payout_stop(
    session: Session, *, explanation: str = "", by: int | None = None, **changes: Any
) -> PayoutStop:
    """Make a stop of payouts that stands, explained when words are given."""
    finding = {"what": "foreign", "minor": 9825, "kind": "charge", "source": "ch_odd"}
    finding |= {"entry": None, "subject": None, "row_id": None, "explained": False}
    values: dict[str, Any] = {
        "currency": "eur",
        "unexplained_minor": 9825,
        "findings": [finding],
        "opened_at": now(),
    }
    if explanation:
        who = by or make_user(session, "operator").id
        values |= {"explanation": explanation, "explained_by": who, "explained_at": now()}
    stop = PayoutStop(**(values | changes))
    session.add(stop)
    session.flush()
    return stop


def make_dispute(session: Session, budget: ProjectBudget | None = None, **changes: Any) -> Dispute:
    """Make a dispute as it is; nothing is moved and nothing frozen."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "stripe_dispute_id": f"du_{number}",
        "stripe_charge_id": f"ch_disputed_{number}",
        "project_id": budget.project_id if budget else None,
        "amount_minor": 5000,
        "currency": "eur",
        "reason": "fraudulent",
        "state": DisputeState.TO_ANSWER,
        "opened_at": now(),
        "read_at": now(),
    }
    row = Dispute(**(values | changes))
    session.add(row)
    session.flush()
    return row


def make_reversal(session: Session, payout: Payout, **changes: Any) -> Reversal:
    """Make a proposal to take a payout back."""
    values: dict[str, Any] = {
        "stripe_transfer_id": payout.stripe_transfer_id or "tr_none",
        "amount_minor": payout.amount_minor,
        "currency": payout.currency,
        "cause": "not_reached",
        "words": WHY,
        "evidence": "Stripe's page of the payout says account_closed.",
        "request_key": uuid4().hex,
        "proposed_by": make_user(session, "operator").id,
        "proposed_at": now(),
    }
    row = Reversal(payout_id=payout.id, **(values | changes))
    session.add(row)
    session.flush()
    return row
