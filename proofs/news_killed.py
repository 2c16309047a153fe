"""A message of Stripe whose reader is killed at each boundary, after it was stored.

The sweep finds the message and has it read: the payment is booked once, whatever was done before.
"""

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import stripe
from sqlmodel import col, func, select

from core.clock import now
from payouts import deposits, ledger_audit
from payouts import jobs as payout_jobs
from payouts.models import Deposit, DepositState, Move, RailEvent, RailEventState
from proofs.payout_crashes import victims
from tests.conftest import Live
from tests.factories.accounts import make_user
from tests.factories.payouts import eur, make_budget, make_rail_event
from tests.payouts.conftest import Desk, a_desk, new_key

LATER = timedelta(minutes=10)
MOVES = 2  # the amount, and the rail's fee


@dataclass
class Counts:
    """How often a reader died, and what was wrong after it."""

    kills: int = 0
    gaps: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kills} kills while a message was read: each payment booked once"


def prove_in(live: Live, folder: Path, *, every: int = 1) -> Counts:
    """Let the reader of a message die at every boundary, or at every so many."""
    counts = Counts()
    with a_desk(live.app, folder, instant_settlement=True) as desk:
        desk.rail.client = desk.bench.client(stripe.RequestsClient(timeout=10))
        with live.transaction() as session:
            project_id, payer_id = make_budget(session).project_id, make_user(session, "owner").id
        with victims(live.url, desk.bench.url) as kill:
            for killed in itertools.count():
                number, deposit_id = _told(live, desk, project_id, payer_id or 0)
                said = kill("hear", number, 1 + killed * every)
                _sweep(live, desk, number, deposit_id, counts)
                if said != "killed":
                    counts.kills = killed
                    break
        with live.transaction() as session:
            counts.gaps += ledger_audit.problems(session)
    return counts


def _told(live: Live, desk: Desk, project_id: int, payer_id: int) -> tuple[int, int]:
    """Let a payment be made that we know only by a message, which is stored."""
    with live.transaction() as session:
        made = deposits.open(session, project_id, eur(5000), key=new_key(), by=payer_id, at=now())
        deposit_id = made.id or 0
    with live.app.app_context():
        deposits.begin(deposit_id, desk.rail, title="Budget", back_to="http://localhost/back")
    with live.transaction() as session:
        deposit = session.get_one(Deposit, deposit_id)
        desk.bench.control(f"/checkout/{deposit.stripe_checkout_id}/pay")
        about = deposit.stripe_checkout_id or ""
        event = make_rail_event(session, object_id=about, reference=deposit.reference)
        return int(event.id.removeprefix("evt_")), deposit_id


def _sweep(live: Live, desk: Desk, number: int, deposit_id: int, counts: Counts) -> None:
    desk.ahead += LATER
    with live.app.app_context():
        payout_jobs.take_up_news()
    live.run_jobs()
    with live.transaction() as session:
        event = session.get_one(RailEvent, f"evt_{number}")
        state = session.get_one(Deposit, deposit_id).state
        booked = select(func.count()).where(col(Move.cause) == f"deposit:{deposit_id}")
        moves = session.exec(booked).one()
    if (event.state, state, moves) != (RailEventState.HANDLED, DepositState.PAID, MOVES):
        counts.gaps.append(f"message {number}: {event.state}, deposit {state}, {moves} moves")
