"""Who knows a line of the rail's books: the functions that are asked, each about its own rows.

A new kind of row at the rail is one more function in `KNOWERS`. What is booked under a line's own
id (`rail_lines.book`) is known already.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlmodel import Session, col, select

from core.money import Money
from payouts import answers, deposits, rail_lines, references
from payouts.books_models import KeptEntry
from payouts.dispute_models import Reversal
from payouts.models import Deposit, DepositState, Payout
from payouts.refund_models import RefundPart, RefundState

PAID_IN = ("charge", "payment")
GIVEN_BACK = ("refund", "payment_refund")
CAME_BACK = ("refund_failure", "payment_failure_refund")


class Known(NamedTuple):
    """A row of ours that a line is about: what our books have of it, or whether it is to come."""

    subject: str
    booked: Money | None = None
    is_coming: bool = False


Knower = Callable[[Session, Sequence[KeptEntry]], dict[str, Known]]


def known(session: Session, entries: Sequence[KeptEntry]) -> dict[str, Known]:
    """Return what our rows know of lines, by the ids of the lines."""
    found: dict[str, Known] = {}
    for knower in KNOWERS:
        rest = [entry for entry in entries if entry.id not in found]
        if rest:
            found |= knower(session, rest)
    return found


def booked_lines(session: Session, entries: Sequence[KeptEntry]) -> dict[str, Known]:
    """Know what was booked under a line's own id: disputes, reversals, the platform's acts."""
    booked = rail_lines.known(session, [entry.id for entry in entries])
    return {line_id: Known(one.cause, one.net) for line_id, one in booked.items()}


def paid_in(session: Session, entries: Sequence[KeptEntry]) -> dict[str, Known]:
    """Know the payments of owners: by their charge once they are booked, else by our reference."""
    ours = [entry for entry in entries if entry.kind in PAID_IN]
    charges = [entry.source_id for entry in ours]
    rows = select(Deposit).where(
        col(Deposit.stripe_charge_id).in_(charges), Deposit.state == DepositState.PAID
    )
    by_charge = {row.stripe_charge_id: row for row in session.exec(rows)}
    found = {}
    for entry in ours:
        row = by_charge.get(entry.source_id)
        if row is not None:
            fee = Money(row.fee_minor or 0, row.currency)
            found[entry.id] = Known(f"deposit:{row.id}", row.amount - fee)
        elif isinstance(named := references.row_of(session, entry.reference), Deposit):
            is_coming = named.state in deposits.UNDECIDED
            found[entry.id] = Known(f"deposit:{named.id}", is_coming=is_coming)
    return found


def sent(session: Session, entries: Sequence[KeptEntry]) -> dict[str, Known]:
    """Know the transfers to experts: by their id once we have it, else by our reference."""
    ours = [entry for entry in entries if entry.kind == "transfer"]
    transfers = [entry.source_id for entry in ours]
    rows = select(Payout).where(col(Payout.stripe_transfer_id).in_(transfers))
    by_transfer = {row.stripe_transfer_id: row for row in session.exec(rows)}
    found = {}
    for entry in ours:
        row = by_transfer.get(entry.source_id)
        if row is not None:
            found[entry.id] = Known(f"payout:{row.id}", -row.amount)
        elif isinstance(named := references.row_of(session, entry.reference), Payout):
            is_coming = named.state in answers.ASKED
            found[entry.id] = Known(f"payout:{named.id}", is_coming=is_coming)
    return found


def taken_back(session: Session, entries: Sequence[KeptEntry]) -> dict[str, Known]:
    """Know reversals of transfers that are not booked: asked for, or made by hand."""
    ours = [entry for entry in entries if entry.kind == "transfer_refund"]
    ids = [entry.source_id for entry in ours]
    rows = session.exec(select(Reversal).where(col(Reversal.stripe_reversal_id).in_(ids)))
    by_id = {row.stripe_reversal_id: row for row in rows}
    return {
        entry.id: Known(f"reversal:{by_id[entry.source_id].id}")
        for entry in ours
        if entry.source_id in by_id
    }


def given_back(session: Session, entries: Sequence[KeptEntry]) -> dict[str, Known]:
    """Know the refunds of budgets: gone to a payment, or come back from its bank.

    Both lines of a refund that failed bear its own id.
    """
    ours = [entry for entry in entries if entry.kind in (*GIVEN_BACK, *CAME_BACK)]
    ids = [entry.source_id for entry in ours]
    rows = session.exec(select(RefundPart).where(col(RefundPart.stripe_refund_id).in_(ids)))
    by_id = {row.stripe_refund_id: row for row in rows}
    found = {}
    for entry in ours:
        row = by_id.get(entry.source_id) or references.row_of(session, entry.reference)
        if isinstance(row, RefundPart):
            found[entry.id] = _of_refund(row, entry.kind)
    return found


def _of_refund(row: RefundPart, kind: str) -> Known:
    subject = f"refund:{row.refund_id}"
    if row.booked_at is None:
        return Known(subject, is_coming=row.state is not RefundState.FAILED)
    if kind in GIVEN_BACK:
        return Known(subject, -row.amount)
    if row.state is RefundState.FAILED:
        return Known(subject, row.amount)
    return Known(subject, is_coming=True)


KNOWERS: tuple[Knower, ...] = (booked_lines, paid_in, sent, taken_back, given_back)
