"""The sandbox's clock. The one rule: what is due by it happens in `tick`, whoever moved it."""

from payouts.sandbox import balance, captures, checkout, debits, payouts, refunds, topups
from payouts.sandbox.store import Tx

STEPS = 24  # into which a time that is passed over is divided


def tick(tx: Tx) -> None:
    """Let happen what is due: sessions expire, funds settle, payouts arrive."""
    checkout.expire_due(tx)
    topups.move_on(tx)
    debits.move_on(tx)
    captures.move_on(tx)
    balance.settle(tx)
    refunds.move_on(tx)
    payouts.move_on(tx)


def advance(tx: Tx, seconds: int) -> None:
    """Move the clock forward, never back; what follows from another thing happens on the way.

    A payout that is due now leaves now, and has arrived when the time that it takes is over.
    """
    if seconds < 0:
        raise ValueError(seconds)
    tick(tx)
    step = -(-seconds // STEPS)
    while seconds > 0:
        passed = min(step, seconds)
        tx.remember("clock_ahead", tx.fact("clock_ahead", 0) + passed)
        tx.now += passed
        seconds -= passed
        tick(tx)
