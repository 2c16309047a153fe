"""What the rail tells by webhook: stored once, then looked at. A message is never a fact.

Messages come twice, late and in any order. What one says is only where to look: the thing
itself is read again, and its own states go forward.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import jobs
from core.clock import now
from core.db import transaction
from core.ports import PayoutRail, PayoutRefused, RailNews
from payouts import answers, charges, deposits, payees, policy, references, refunds, sending
from payouts.models import Deposit, Payout, RailEvent, RailEventState
from payouts.refund_models import RefundPart

TAKE_UP_AFTER = timedelta(minutes=1)
LOOK_BACK = timedelta(days=4)  # the rail itself tries for three days

Reading = Callable[[RailEvent, PayoutRail], str]


def store(session: Session, news: RailNews, *, at: datetime) -> bool:
    """Keep a message, and let a job look into it; False when it was kept before."""
    state = RailEventState.WAITING if _reading(news.kind) else RailEventState.IGNORED
    row = RailEvent(
        id=news.id,
        kind=news.kind,
        object_id=news.object_id,
        stripe_account_id=news.account_id,
        reference=news.reference,
        state=state,
        created_at=news.at,
        received_at=at,
    )
    made = session.execute(
        insert(RailEvent)
        .values(row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(RailEvent.id))
    ).first()
    if made and news.kind == "account.application.deauthorized" and news.account_id:
        payees.close(session, news.account_id, at=at)  # nothing more to read: we are shut out
    if made and state is RailEventState.WAITING:
        jobs.defer(session, "payouts.look_into", queue="money", event_id=news.id)
    return made is not None


def look_into(event_id: str, rail: PayoutRail) -> str:
    """Read again what a message is about; the message is then done with."""
    with transaction() as session:
        event = session.get(RailEvent, event_id, with_for_update=True)
        if event is None or event.state is not RailEventState.WAITING:
            return "done before"
        event.tries += 1
    reading = _reading(event.kind)
    outcome = _read(reading, event, rail) if reading else "not for us"
    with transaction() as session:
        event = session.get_one(RailEvent, event_id, with_for_update=True)
        event.state, event.outcome = RailEventState.HANDLED, outcome
        event.handled_at = now()
    return outcome


def waiting(session: Session, at: datetime, limit: int = 200) -> list[str]:
    """Return messages that nobody has looked into for a while; each failure lengthens the wait."""
    question = (
        select(RailEvent)
        .where(RailEvent.state == RailEventState.WAITING)
        .order_by(col(RailEvent.received_at))
        .limit(limit)
    )
    return [
        event.id
        for event in session.exec(question)
        if event.received_at + TAKE_UP_AFTER + policy.wait_after(event.tries) <= at
    ]


def collect(rail: PayoutRail) -> int:
    """Fetch the messages that the rail could not bring to us; return how many were new."""
    new = 0
    for news in rail.undelivered_news(now() - LOOK_BACK):
        with transaction() as session:
            new += store(session, news, at=now())
    return new


def _read(reading: Reading, event: RailEvent, rail: PayoutRail) -> str:
    try:
        return reading(event, rail)
    except PayoutRefused as refusal:
        return f"the rail does not show it: {refusal.code}"


def _reading(kind: str) -> Reading | None:
    return next((reading for start, reading in READINGS.items() if kind.startswith(start)), None)


def _deposit(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        row = references.row_of(session, event.reference)
    if not isinstance(row, Deposit) or row.id is None:
        return "not ours"
    return f"deposit {row.id} {deposits.reread(row.id, rail).state}"


def _charge(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        row = charges.by_charge_id(session, event.object_id)
    if row is None:
        return "not ours"
    charges.reread(row.deposit_id, rail)
    return f"charge of deposit {row.deposit_id} read"


def _refund(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        row = references.row_of(session, event.reference)
    if not isinstance(row, RefundPart) or row.id is None:
        return "not ours"
    return f"refund part {row.id} {refunds.reread(row.id, rail)}"


def _transfer(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        row = references.row_of(session, event.reference)
    if not isinstance(row, Payout) or row.id is None:
        return "not ours"
    return f"payout {row.id} {sending.look_up(row.id, rail)}"


def _payee(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        row = payees.by_account(session, event.stripe_account_id or event.object_id)
    if row is None:
        return "not ours"
    found = payees.reread(row.expert_id, rail)
    with transaction() as session:
        resumed = sending.resume(session, found)
    return f"payee {row.expert_id} {found.state}, {resumed} payouts resumed"


def _bank(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        row = payees.by_account(session, event.stripe_account_id or "")
    if row is None or row.stripe_account_id is None:
        return "not ours"
    told = rail.bank_transfer(row.stripe_account_id, event.object_id)
    with transaction() as session:
        count = answers.record_bank(session, row.expert_id, told, at=now())
    return f"{count} payouts {told.state}"


def _funds(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        resumed = sending.funds_arrived(session)
        waiting = charges.unsettled(session)
        for deposit_id in waiting:
            charges.defer_reread(session, deposit_id)
    return f"{resumed} payouts resumed, {len(waiting)} charges to be read"


# By how a kind of message begins; what is not here is kept and ignored.
READINGS: dict[str, Reading] = {
    "checkout.session.": _deposit,
    "payment_intent.": _deposit,
    "charge.succeeded": _deposit,
    "charge.pending": _deposit,
    "charge.failed": _deposit,
    "charge.updated": _charge,
    "charge.refunded": _charge,
    "charge.refund.": _refund,
    "refund.": _refund,
    "transfer.": _transfer,
    "account.updated": _payee,
    "account.external_account.": _payee,
    "capability.": _payee,
    "v2.core.account": _payee,
    "payout.": _bank,
    "balance.available": _funds,
}
