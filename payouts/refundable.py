"""What of a budget can go back to the owner, and why not more.

Refunds go to the newest payment first: payouts draw on the oldest ones, and a bank takes money
back to a payment of last week more surely than to one of last year.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from core.money import Money
from payouts import budgets, charges
from payouts.charge_models import Charge

# How long after a payment a bank takes it back, where Stripe names a limit.
LIMITS = {
    "sepa_debit": timedelta(days=180),
    "bacs_debit": timedelta(days=180),
    "ideal": timedelta(days=180),
    "bancontact": timedelta(days=180),
}


@dataclass(frozen=True)
class Refundable:
    """What can go back now, and what keeps the rest: the parts of what was paid in."""

    most: Money
    unspent: Money
    reserved: Money
    spent: Money
    disputed: Money
    too_old: Money
    is_frozen: bool = False

    @property
    def is_short(self) -> bool:
        """Whether payments take back less than is unspent."""
        return self.most < self.unspent


def of(session: Session, project_id: int, *, at: datetime) -> Refundable:
    """Return what of a budget can go back."""
    where = budgets.summary(session, project_id)
    code = where.available.currency
    rows = charges.of_projects(session, [project_id], code)
    nothing, is_frozen = Money(0, code), budgets.is_frozen(session, project_id)
    room = sum((row.room for row in rows if not is_too_old(row, at)), nothing)
    disputed = sum((row.amount - row.refunded for row in rows if row.is_disputed), nothing)
    too_old = sum((row.room for row in rows if is_too_old(row, at)), nothing)
    return Refundable(
        most=nothing if is_frozen else min(where.available, room),
        unspent=where.available,
        reserved=where.reserved,
        spent=where.spent_with_fees,
        disputed=max(disputed, nothing),
        too_old=too_old,
        is_frozen=is_frozen,
    )


def shares(rows: list[Charge], amount: Money, at: datetime) -> list[tuple[Charge, Money]]:
    """Split an amount over charges, the newest first; less than it when they have no room."""
    left, found = amount, []
    for row in sorted(rows, key=lambda row: row.deposit_id, reverse=True):
        share = min(left, Money(0, left.currency) if is_too_old(row, at) else row.room)
        if share:
            found.append((row, share))
            left -= share
    return found


def is_too_old(row: Charge, at: datetime) -> bool:
    """Return whether a bank no longer takes a payment back."""
    limit = LIMITS.get(row.method or "")
    return limit is not None and row.paid_at < at - limit
