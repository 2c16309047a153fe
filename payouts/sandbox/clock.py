"""The sandbox's clock. The one rule: what is due by it happens in `tick`, whoever moved it."""

from payouts.sandbox import balance, captures, checkout, debits, payouts, refunds, topups
from payouts.sandbox.store import Tx


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
    """Move the clock forward, never back."""
    if seconds < 0:
        raise ValueError(seconds)
    tx.remember("clock_ahead", tx.fact("clock_ahead", 0) + seconds)
    tx.now += seconds
    tick(tx)
