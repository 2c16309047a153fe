"""Our books against the rail's: equal to the smallest unit, or each difference has a name.

Every line of the rail's books is kept with what knows it here (`rail_sources`), not only when the
sums differ. What only the rail can know, the platform's own acts, is booked from there. What is on
its way between the two is explained and heals itself; for anything else payouts of that currency
stand still (`payout_stops`) until a person has explained it and another agrees.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, exists, select

from core.clock import now
from core.db import transaction
from core.money import Money
from core.ports import PayoutRefused, RailBalance, RailEntry, ReconcilingRail
from payouts import (
    disputes,
    ledger,
    own_money,
    payout_stops,
    rail_lines,
    rail_sources,
    reversals,
)
from payouts.books_models import EntryState, KeptEntry
from payouts.models import (
    AccountKind,
    Deposit,
    DepositState,
    Move,
    Payout,
    Reconciliation,
    ReconciliationState,
)
from payouts.rail_sources import Known
from payouts.refund_models import RefundPart, RefundState

OVERLAP = timedelta(days=1)
ALL = datetime.fromisoformat("2011-01-01T00:00:00+00:00")  # older than Stripe
BATCH = 200
OURS = ("deposit", "payout", "reversal", "refund")
DISPUTES = ("du_", "dp_")  # how the ids of disputes begin


@dataclass(frozen=True)
class Held:
    """What the rail holds for us in one currency, as our books have it, by whose it is."""

    currency: str
    parts: dict[AccountKind, Money]
    total: Money

    @property
    def platforms(self) -> Money:
        """What of it is the platform's: its fees and own money, less what it has borne."""
        return self.total - self.others

    @property
    def others(self) -> Money:
        """What of it belongs to owners and experts."""
        theirs = (
            AccountKind.PROJECT_BUDGET,
            AccountKind.PROJECT_RESERVE,
            AccountKind.EXPERT_OWED,
            AccountKind.EXPERT_IN_FLIGHT,
        )
        return sum((self.parts[kind] for kind in theirs), Money(0, self.currency))


def held(session: Session) -> list[Held]:
    """What our books say that the rail holds, by currency."""
    found = []
    for code, by_kind in sorted(ledger.totals(session).items()):
        parts = {kind: by_kind.get(kind, Money(0, code)) for kind in AccountKind}
        total = -(parts.pop(AccountKind.CLEARING) + parts.pop(AccountKind.PENDING))
        found.append(Held(code, parts, total))
    return found


def run(rail: ReconcilingRail) -> list[Reconciliation]:
    """Read the rail's lines, compare every currency, keep the result, stop or go on paying.

    An alarm is only believed when it is still there at a second look: money moves meanwhile.
    """
    rows = _look(rail)
    if any(row.state is ReconciliationState.ALARM for row in rows):
        rows = _look(rail)
    with transaction() as session:
        for row in rows:
            session.add(row)
            payout_stops.follow(session, row, at=row.at)
    return rows


def latest(session: Session) -> list[Reconciliation]:
    """The newest comparison of each currency."""
    newest = select(func.max(Reconciliation.id)).group_by(col(Reconciliation.currency))
    question = select(Reconciliation).where(col(Reconciliation.id).in_(newest))
    question = question.order_by(col(Reconciliation.currency))
    return list(session.exec(question))


def keep_lines(rail: ReconcilingRail, since: datetime) -> int:
    """Keep every line of the rail's books since then, streamed; return how many were new."""
    new = 0
    lines = iter(rail.entries(since))
    while batch := list(islice(lines, BATCH)):
        with transaction() as session:
            new += _keep(session, batch)
    return new


def _look(rail: ReconcilingRail) -> list[Reconciliation]:
    with transaction() as session:
        since = _read_until(session)
    read_at = now()
    keep_lines(rail, since)
    _reread_disputes(rail)
    balances = {balance.available.currency: balance for balance in rail.balances()}
    with transaction() as session:
        _settle(session, _open_lines(session))
        ours = {one.currency: one.total for one in held(session)}
        return [
            _judge(session, code, ours.get(code, Money(0, code)), balances.get(code), read_at)
            for code in sorted(ours.keys() | balances.keys())
        ]


def _read_until(session: Session) -> datetime:
    """Since when lines have to be read: a little before the last reading that was finished."""
    at = session.exec(select(func.max(Reconciliation.entries_read_at))).one()
    return at - OVERLAP if at else ALL


def _keep(session: Session, batch: Sequence[RailEntry]) -> int:
    rows = [_row(entry) for entry in batch]
    made = session.execute(
        insert(KeptEntry).values(rows).on_conflict_do_nothing().returning(col(KeptEntry.id))
    ).all()
    ids = [line_id for (line_id,) in made]
    new = session.exec(select(KeptEntry).where(col(KeptEntry.id).in_(ids))).all() if ids else []
    _settle(session, new)
    return len(new)


def _row(entry: RailEntry) -> dict[str, Any]:
    fee = entry.fee or Money(0, entry.net.currency)
    return {
        "id": entry.id,
        "kind": entry.kind,
        "currency": entry.net.currency,
        "amount_minor": (entry.net + fee).minor,
        "fee_minor": fee.minor,
        "source_id": entry.source_id,
        "parent_id": entry.parent_id,
        "reference": entry.reference,
        "happened_at": entry.at,
        "kept_at": now(),
        "state": EntryState.FOREIGN,
    }


def _open_lines(session: Session) -> Sequence[KeptEntry]:
    question = select(KeptEntry).where(KeptEntry.state != EntryState.BOOKED)
    return session.exec(question.order_by(col(KeptEntry.happened_at))).all()


def _settle(session: Session, entries: Sequence[KeptEntry]) -> None:
    """Book what is the platform's own, and write to each line what knows it here."""
    for entry in entries:
        own_money.book(session, entry)
        reversals.notice(session, entry)
    for begin in range(0, len(entries), BATCH):
        batch = entries[begin : begin + BATCH]
        known = rail_sources.known(session, batch)
        for entry in batch:
            _note(entry, known.get(entry.id))
    session.flush()


def _note(entry: KeptEntry, known: Known | None) -> None:
    entry.subject = known.subject if known else None
    if known is not None and known.booked is not None and known.booked.currency != entry.currency:
        known = Known(known.subject)  # what we have booked is another thing
    entry.booked_minor = known.booked.minor if known and known.booked is not None else None
    if known is not None and known.booked is not None:
        is_equal = known.booked == entry.net
        entry.state = EntryState.BOOKED if is_equal else EntryState.DIFFERS
    elif known is not None and known.is_coming:
        entry.state = EntryState.WAITING
    elif entry.kind in own_money.RESERVED:
        entry.state = EntryState.RESERVED
    elif not entry.net:
        entry.state = EntryState.BOOKED  # nothing moved, so nothing is lacking
    else:
        entry.state = EntryState.FOREIGN


def _reread_disputes(rail: ReconcilingRail) -> None:
    """Read disputes whose news never came: their lines name them."""
    with transaction() as session:
        sources = [entry.source_id or "" for entry in _open_lines(session)]
    for source in sorted({one for one in sources if one.startswith(DISPUTES)}):
        try:
            disputes.reread(source, rail)
        except PayoutRefused:
            continue  # it stays foreign, and a person looks


def _judge(
    session: Session, code: str, ours: Money, theirs: RailBalance | None, read_at: datetime
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
        entries_read_at=read_at,
    )
    row.findings = _findings(session, row.difference, read_at)
    if row.findings:
        explained = all(finding["explained"] for finding in row.findings)
        row.state = ReconciliationState.EXPLAINED if explained else ReconciliationState.ALARM
    return row


def _findings(session: Session, difference: Money, read_at: datetime) -> list[dict[str, Any]]:
    """Name what the rail has and we have not, the reverse, and what is left over."""
    code = difference.currency
    lines = [entry for entry in _open_lines(session) if entry.currency == code]
    found = [_of_line(entry) for entry in lines if entry.unbooked or not entry.booked_minor]
    found += _missing_there(session, code, read_at)
    rest = difference.minor - sum(finding["minor"] for finding in found)
    if rest:
        found.append(_finding("rest", rest, explained=False))
    payout_stops.mark_released(session, code, found)
    return found


def _of_line(entry: KeptEntry) -> dict[str, Any]:
    kind, _colon, number = (entry.subject or "").partition(":")
    what = {
        EntryState.DIFFERS: "differs",
        EntryState.RESERVED: "reserved",
    }.get(entry.state, kind if kind in OURS else "foreign")
    return {
        **_finding(
            what,
            entry.unbooked.minor,
            explained=entry.state in (EntryState.WAITING, EntryState.RESERVED),
            row_id=int(number) if number.isdecimal() else None,
        ),
        "kind": entry.kind,
        "source": entry.source_id,
        "entry": entry.id,
        "subject": entry.subject,
    }


def _missing_there(session: Session, code: str, read_at: datetime) -> Iterator[dict[str, Any]]:
    """What our books have and the rail has not: invented, or booked while its lines were read."""
    paid = select(Deposit).where(
        Deposit.state == DepositState.PAID,
        Deposit.currency == code,
        ~exists().where(col(KeptEntry.source_id) == col(Deposit.stripe_charge_id)),
    )
    for deposit in session.exec(paid):
        is_fresh = deposit.paid_at is not None and deposit.paid_at >= read_at
        net = (deposit.fee_minor or 0) - deposit.amount_minor
        found = _finding("deposit_missing", net, explained=is_fresh, row_id=deposit.id)
        yield {**found, "subject": f"deposit:{deposit.id}"}
    sent = select(Payout).where(
        col(Payout.stripe_transfer_id).is_not(None),
        Payout.currency == code,
        ~exists().where(col(KeptEntry.source_id) == col(Payout.stripe_transfer_id)),
    )
    for payout in session.exec(sent):
        is_fresh = payout.sent_at is not None and payout.sent_at >= read_at
        minor = payout.amount_minor
        found = _finding("payout_missing", minor, explained=is_fresh, row_id=payout.id)
        yield {**found, "subject": f"payout:{payout.id}"}
    yield from _refunds_missing_there(session, code, read_at)
    yield from _lines_missing_there(session, code, read_at)


def _refunds_missing_there(
    session: Session, code: str, read_at: datetime
) -> Iterator[dict[str, Any]]:
    gone = select(RefundPart).where(
        col(RefundPart.booked_at).is_not(None),
        RefundPart.state != RefundState.FAILED,
        RefundPart.currency == code,
        ~exists().where(col(KeptEntry.source_id) == col(RefundPart.stripe_refund_id)),
    )
    for part in session.exec(gone):
        is_fresh = part.booked_at is not None and part.booked_at >= read_at
        found = _finding(
            "refund_missing", part.amount_minor, explained=is_fresh, row_id=part.refund_id
        )
        yield {**found, "subject": f"refund:{part.refund_id}"}


def _lines_missing_there(
    session: Session, code: str, read_at: datetime
) -> Iterable[dict[str, Any]]:
    booked = (
        select(Move.event, func.max(Move.recorded_at))
        .where(
            Move.currency == code,
            col(Move.event).like("rail:%"),
            ~exists().where(_event_of_kept() == col(Move.event)),
        )
        .group_by(col(Move.event))
    )
    times = {name.removeprefix("rail:"): at for name, at in session.exec(booked)}
    for line_id, one in rail_lines.known(session, times).items():
        explained = times[line_id] >= read_at
        finding = _finding("line_missing", -one.net.minor, explained=explained)
        yield {**finding, "entry": line_id, "subject": one.cause}


def _event_of_kept() -> Any:
    """Return the name under which a kept line is booked, as SQL."""
    return "rail:" + col(KeptEntry.id)


def _finding(
    what: str, minor: int, *, explained: bool, row_id: int | None = None
) -> dict[str, Any]:
    return {
        "what": what,
        "minor": minor,
        "kind": None,
        "source": None,
        "entry": None,
        "subject": None,
        "row_id": row_id,
        "explained": explained,
    }
