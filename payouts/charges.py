"""What owners were charged: pending at the rail until it has settled, then clearing.

    paid → pending ── settled → clearing
             └ drawn on by payouts, or refunded, before it settles

That a charge has settled is read from the rail, never guessed from a date. A charge is locked
before accounts of the ledger are, everywhere.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, or_, select

from core import jobs
from core.clock import now
from core.db import transaction
from core.errors import NotFound
from core.money import Money
from core.ports import ChargeRail, Checkout, RailCharge
from payouts import ledger
from payouts.charge_models import Charge
from payouts.dispute_models import Dispute, DisputeState
from payouts.models import Deposit

REREAD_AFTER = timedelta(hours=1)  # a charge whose day has come, until it has settled


def purse(currency: str, *, is_settled: bool) -> ledger.Purse:
    """Return where the rail keeps money that has settled, or has not."""
    return ledger.clearing(currency) if is_settled else ledger.pending(currency)


def keep(session: Session, deposit: Deposit, found: Checkout, fee: Money, *, at: datetime) -> None:
    """Keep the charge of a deposit that is being booked."""
    if found.charge_id is None:
        return
    net = deposit.amount - fee
    row = {
        "deposit_id": deposit.id,
        "project_id": deposit.project_id,
        "amount_minor": deposit.amount_minor,
        "pending_minor": 0 if found.is_settled else net.minor,
        "drawn_minor": 0,
        "refunded_minor": 0,
        "refunded_elsewhere_minor": 0,
        "currency": deposit.currency,
        "method": found.method,
        "is_disputed": False,
        "paid_at": at,
        "settles_at": found.settles_at,
        "settled_at": at if found.is_settled else None,
        "read_at": at,
        "receipt_url": found.receipt_url,
        "stripe_charge_id": found.charge_id,
    }
    session.execute(insert(Charge).values(row).on_conflict_do_nothing())


def reread(deposit_id: int, rail: ChargeRail) -> Charge:
    """Read a charge again, and record what the rail says of it."""
    with transaction() as session:
        charge_id = of(session, deposit_id).stripe_charge_id
    told = rail.charge(charge_id)
    with transaction() as session:
        return record(session, deposit_id, told, at=now())


def record(session: Session, deposit_id: int, told: RailCharge, *, at: datetime) -> Charge:
    """Record what the rail says of a charge; one that has settled is moved to clearing, once."""
    row = of(session, deposit_id, lock=True)
    row.read_at = at
    if told.amount != row.amount or told.refunded.currency != row.currency:
        return row  # not what we know under this id: reconciliation shows it
    row.is_disputed = told.is_disputed and not _is_won(session, row)
    row.receipt_url = told.receipt_url or row.receipt_url
    row.settles_at = told.settles_at or row.settles_at
    # What our own refunds do not account for was given back by hand, in the rail's dashboard.
    row.refunded_elsewhere_minor = max(0, told.refunded.minor - row.refunded_minor)
    if told.is_settled and row.settled_at is None:
        _settle(session, row, at)
    return row


def of(session: Session, deposit_id: int, *, lock: bool = False) -> Charge:
    """Return the charge of a deposit, or raise `NotFound`."""
    found = session.get(Charge, deposit_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound
    return found


def known(session: Session, deposit_id: int) -> Charge | None:
    """Return the charge of a deposit, if it has been paid."""
    return session.get(Charge, deposit_id)


def by_charge_id(session: Session, charge_id: str) -> Charge | None:
    """Return the charge that the rail calls so."""
    return session.exec(select(Charge).where(Charge.stripe_charge_id == charge_id)).first()


def of_projects(
    session: Session, project_ids: Sequence[int], currency: str, *, lock: bool = False
) -> list[Charge]:
    """Return the charges of projects, the oldest first; locked, they are locked in this order."""
    question = (
        select(Charge)
        .where(col(Charge.project_id).in_(project_ids), Charge.currency == currency)
        .order_by(col(Charge.deposit_id))
        .execution_options(populate_existing=True)
    )
    return list(session.exec(question.with_for_update() if lock else question))


def to_reread(session: Session, at: datetime, limit: int = 200) -> list[int]:
    """Return deposits whose charge should have settled by now, the longest due first."""
    read_at, settles_at = col(Charge.read_at), col(Charge.settles_at)
    question = (
        select(Charge.deposit_id)
        .where(
            col(Charge.settled_at).is_(None),
            or_(settles_at.is_(None), settles_at <= at),
            or_(read_at.is_(None), read_at < at - REREAD_AFTER, read_at < settles_at),
        )
        .order_by(settles_at.nulls_first(), col(Charge.deposit_id))
        .limit(limit)
    )
    return list(session.exec(question))


def unsettled(session: Session, limit: int = 200) -> list[int]:
    """Return deposits whose charge has not settled yet, the oldest first."""
    question = select(Charge.deposit_id).where(col(Charge.settled_at).is_(None))
    return list(session.exec(question.order_by(col(Charge.deposit_id)).limit(limit)))


def defer_reread(session: Session, deposit_id: int) -> None:
    """Let a job read a charge again."""
    lock = f"charge:{deposit_id}"
    jobs.defer(
        session, "payouts.reread_charge", queue="money", queueing_lock=lock, deposit_id=deposit_id
    )


def settles_next(session: Session, currency: str) -> datetime | None:
    """Return when money of a currency settles next, as far as the rail has said."""
    question = select(func.min(Charge.settles_at)).where(
        Charge.currency == currency, col(Charge.settled_at).is_(None)
    )
    return session.exec(question).one()


def _is_won(session: Session, row: Charge) -> bool:
    """Return whether every dispute of a charge ended well; the rail marks the charge for ever."""
    question = select(Dispute.state).where(Dispute.stripe_charge_id == row.stripe_charge_id)
    states = set(session.exec(question))
    return bool(states) and states <= {DisputeState.WON, DisputeState.INQUIRY_CLOSED}


def _settle(session: Session, row: Charge, at: datetime) -> None:
    """Move what is left of a charge; less than nothing where more left than came after the fee."""
    left = Money(abs(row.pending_minor), row.currency)
    pending, clearing = ledger.pending(row.currency), ledger.clearing(row.currency)
    # What the rail holds stands below nothing, so that what settles is taken from clearing.
    source, target = (clearing, pending) if row.pending_minor > 0 else (pending, clearing)
    if left:
        ledger.post(
            session,
            f"deposit:{row.deposit_id}:settled",
            [ledger.Entry("amount", source, target, left)],
            at=at,
            narration="payment settled",
            cause=f"deposit:{row.deposit_id}",
        )
    row.pending_minor, row.settled_at = 0, at
