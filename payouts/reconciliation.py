"""Our books against the rail's: equal to the smallest unit, or each difference has a name.

Nothing is repaired here. What is on its way between the two is explained and heals itself;
anything else is an alarm for a person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.clock import now
from core.db import transaction
from core.money import Money
from core.ports import BooksRail, RailBalance, RailEntry
from payouts import answers, deposits, ledger, references, refund_lines
from payouts.models import (
    AccountKind,
    Deposit,
    DepositState,
    Payout,
    Reconciliation,
    ReconciliationState,
)

OVERLAP = timedelta(days=1)
ALL = datetime.fromisoformat("2011-01-01T00:00:00+00:00")  # older than Stripe


@dataclass(frozen=True)
class Held:
    """What the rail holds for us in one currency, as our books have it, by whose it is."""

    currency: str
    parts: dict[AccountKind, Money]
    total: Money


def held(session: Session) -> list[Held]:
    """What our books say that the rail holds, by currency."""
    found = []
    for code, by_kind in sorted(ledger.totals(session).items()):
        parts = {kind: by_kind.get(kind, Money(0, code)) for kind in AccountKind}
        total = -(parts.pop(AccountKind.CLEARING) + parts.pop(AccountKind.PENDING))
        found.append(Held(code, parts, total))
    return found


def run(rail: BooksRail) -> list[Reconciliation]:
    """Compare every currency, and keep the result."""
    balances = {balance.available.currency: balance for balance in rail.balances()}
    with transaction() as session:
        ours = {one.currency: one.total for one in held(session)}
        since = {code: _last_equal(session, code) for code in ours.keys() | balances.keys()}
    return [
        _compare(rail, code, ours.get(code, Money(0, code)), balances.get(code), since[code])
        for code in sorted(since)
    ]


def latest(session: Session) -> list[Reconciliation]:
    """The newest comparison of each currency."""
    newest = select(func.max(Reconciliation.id)).group_by(col(Reconciliation.currency))
    question = select(Reconciliation).where(col(Reconciliation.id).in_(newest))
    question = question.order_by(col(Reconciliation.currency))
    return list(session.exec(question))


def _compare(
    rail: BooksRail, code: str, ours: Money, theirs: RailBalance | None, since: datetime
) -> Reconciliation:
    nothing = Money(0, code)
    available, pending = (theirs.available, theirs.pending) if theirs else (nothing, nothing)
    row = Reconciliation(
        at=now(),
        currency=code,
        ledger_minor=ours.minor,
        available_minor=available.minor,
        pending_minor=pending.minor,
        state=ReconciliationState.EQUAL,
    )
    entries = [] if not row.difference else [e for e in rail.entries(since) if _in(e, code)]
    with transaction() as session:
        if row.difference:
            row.findings = _findings(session, row.difference, entries, since)
            explained = all(finding["explained"] for finding in row.findings)
            row.state = ReconciliationState.EXPLAINED if explained else ReconciliationState.ALARM
        session.add(row)
    return row


def _in(entry: RailEntry, code: str) -> bool:
    return entry.net.currency == code


def _findings(
    session: Session, difference: Money, entries: Sequence[RailEntry], since: datetime
) -> list[dict[str, Any]]:
    """Name what the rail has and we have not, the reverse, and what is left over."""
    known = _booked_sources(session, entries)
    refunds = refund_lines.known(session, entries)
    known |= {one.source_id for one in entries if one.id in refunds and refunds[one.id].booked}
    found = [_unbooked(session, entry) for entry in entries if entry.source_id not in known]
    found += _missing_there(session, difference.currency, entries, since)
    rest = difference.minor - sum(finding["minor"] for finding in found)
    if rest:
        found.append(_finding("rest", rest, None, explained=False))
    return found


def _booked_sources(session: Session, entries: Iterable[RailEntry]) -> set[str | None]:
    sources = [entry.source_id for entry in entries if entry.source_id]
    charges = select(Deposit.stripe_charge_id).where(
        col(Deposit.stripe_charge_id).in_(sources), Deposit.state == DepositState.PAID
    )
    transfers = select(Payout.stripe_transfer_id).where(col(Payout.stripe_transfer_id).in_(sources))
    return {*session.exec(charges), *session.exec(transfers)}


def _unbooked(session: Session, entry: RailEntry) -> dict[str, Any]:
    """Something at the rail that our books do not have: on its way to them, or strange."""
    row = references.row_of(session, entry.reference)
    if isinstance(row, Deposit):
        explained = row.state in deposits.UNDECIDED
        return _finding("deposit", entry.net.minor, entry, explained=explained, row_id=row.id)
    if isinstance(row, Payout):
        explained = row.state in answers.ASKED
        return _finding("payout", entry.net.minor, entry, explained=explained, row_id=row.id)
    if entry.id in (ours := refund_lines.known(session, [entry])):
        return _finding("refund", entry.net.minor, entry, explained=ours[entry.id].is_coming)
    return _finding("foreign", entry.net.minor, entry, explained=False)


def _missing_there(
    session: Session, code: str, entries: Iterable[RailEntry], since: datetime
) -> list[dict[str, Any]]:
    """What our books have from this time and the rail does not."""
    there = {entry.source_id for entry in entries}
    paid = select(Deposit).where(
        Deposit.state == DepositState.PAID,
        Deposit.currency == code,
        col(Deposit.paid_at) >= since + OVERLAP,
    )
    sent = select(Payout).where(
        col(Payout.stripe_transfer_id).is_not(None),
        Payout.currency == code,
        col(Payout.sent_at) >= since + OVERLAP,
    )
    gone = [
        _finding(
            "deposit_missing",
            (row.fee_minor or 0) - row.amount_minor,
            None,
            explained=False,
            row_id=row.id,
        )
        for row in session.exec(paid)
        if row.stripe_charge_id not in there
    ]
    return gone + [
        _finding("payout_missing", row.amount_minor, None, explained=False, row_id=row.id)
        for row in session.exec(sent)
        if row.stripe_transfer_id not in there
    ]


def _finding(
    what: str,
    minor: int,
    entry: RailEntry | None,
    *,
    explained: bool,
    row_id: int | None = None,
) -> dict[str, Any]:
    return {
        "what": what,
        "minor": minor,
        "kind": entry.kind if entry else None,
        "source": entry.source_id if entry else None,
        "row_id": row_id,
        "explained": explained,
    }


def _last_equal(session: Session, code: str) -> datetime:
    question = (
        select(Reconciliation.at)
        .where(Reconciliation.currency == code, Reconciliation.state == ReconciliationState.EQUAL)
        .order_by(col(Reconciliation.at).desc())
    )
    at = session.exec(question).first()
    return at - OVERLAP if at else ALL
