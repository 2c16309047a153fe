"""Lines of the rail's own books that ours follow: each is booked once, under its own id.

Whoever reads a line first books it (a dispute, a reversal, the daily comparison); whoever comes
later finds it there.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from core.money import Money
from core.ports import RailEntry
from payouts import ledger
from payouts.books_models import KeptEntry
from payouts.models import Account, AccountKind, Move

HELD_THERE = (AccountKind.CLEARING, AccountKind.PENDING)


class Line(NamedTuple):
    """What is booked of a line: what came (or went, below nothing) and the rail's fee."""

    id: str
    amount: Money
    fee: Money
    at: datetime


class Booked(NamedTuple):
    """What our books have of a line, and why."""

    cause: str
    net: Money


def line_of(entry: RailEntry) -> Line:
    """Return what is booked of a line as the rail tells it."""
    fee = entry.fee or Money(0, entry.net.currency)
    return Line(entry.id, entry.net + fee, fee, entry.at)


def kept_line(entry: KeptEntry) -> Line:
    """Return what is booked of a line that we have kept."""
    return Line(entry.id, entry.amount, entry.fee, entry.happened_at)


def event(entry_id: str) -> str:
    """Name the booking of a line in the ledger."""
    return f"rail:{entry_id}"


def book(session: Session, line: Line, other: ledger.Purse, *, narration: str, cause: str) -> bool:
    """Book a line against an account of ours; False when it was booked before, or is nothing."""
    clearing, fees = ledger.clearing(other.currency), ledger.rail_fees(other.currency)
    entries = [
        *_one_way("amount", clearing, other, line.amount),
        *_one_way("fee", fees, clearing, line.fee),
    ]
    if not entries or known(session, [line.id]):
        return False
    return ledger.post(
        session, event(line.id), entries, at=line.at, narration=narration, cause=cause
    )


def known(session: Session, entry_ids: Iterable[str]) -> dict[str, Booked]:
    """Return what our books have of lines, by their ids."""
    events = [event(one) for one in entry_ids]
    there = select(Account.id).where(col(Account.kind).in_(HELD_THERE)).scalar_subquery()
    came = func.sum(
        case(
            (col(Move.debit_account_id).in_(there), Move.amount),
            (col(Move.credit_account_id).in_(there), -col(Move.amount)),
            else_=0,
        )
    )
    question = (
        select(Move.event, Move.cause, Move.currency, came)
        .where(col(Move.event).in_(events))
        .group_by(col(Move.event), col(Move.cause), col(Move.currency))
    )
    return {
        name.removeprefix("rail:"): Booked(cause, Money(int(net), code))
        for name, cause, code, net in session.exec(question)
    }


def _one_way(
    name: str, source: ledger.Purse, target: ledger.Purse, amount: Money
) -> list[ledger.Entry]:
    """Return the move of an amount, turned round when it is below nothing."""
    if not amount:
        return []
    if amount.minor < 0:
        source, target, amount = target, source, -amount
    return [ledger.Entry(name, source, target, amount)]
