"""What the rail tells by webhook: stored once, then looked at. A message is never a fact.

Messages come twice, late and in any order. What one says is only where to look: the thing
itself is read again, and its own states go forward.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import jobs
from core.clock import now
from core.db import transaction
from core.errors import Conflict, NotFound
from core.ports import ForeignMoney, PayoutRail, PayoutRefused, RailDown, RailNews
from payouts import (
    answers,
    auto_topups,
    charges,
    deposits,
    disputes,
    outages,
    payees,
    policy,
    references,
    refunds,
    reversals,
    sending,
)
from payouts.models import Deposit, DepositOrigin, Payout, RailEvent, RailEventState
from payouts.news_models import RailEventTry
from payouts.refund_models import RefundPart
from payouts.topup_models import AutoTopUp

TAKE_UP_AFTER = timedelta(minutes=1)
TRIES_UNTIL_A_PERSON = 10  # each waits longer than the one before: about half a day
LONGEST_OUTCOME = 500
OTHER_MODE = "of the other mode of the rail: test and real money never mix"
LOOK_BACK = timedelta(days=4)  # the rail itself tries for three days

Reading = Callable[[RailEvent, PayoutRail], str]


class NotForUs(Conflict):
    """Messages of this kind are kept and not looked into. There is nothing to replay."""


def store(session: Session, news: RailNews, *, at: datetime) -> bool:
    """Keep a message, and let a job look into it; False when it was kept before."""
    is_heard = _reading(news.kind) is not None and not news.is_other_mode
    state = RailEventState.WAITING if is_heard else RailEventState.IGNORED
    row = RailEvent(
        id=news.id,
        kind=news.kind,
        object_id=news.object_id,
        stripe_account_id=news.account_id,
        reference=news.reference,
        state=state,
        outcome=OTHER_MODE if news.is_other_mode else None,
        created_at=news.at,
        received_at=at,
    )
    made = session.execute(
        insert(RailEvent)
        .values(row.model_dump())
        .on_conflict_do_nothing()
        .returning(col(RailEvent.id))
    ).first()
    shut_out = news.kind == "account.application.deauthorized" and not news.is_other_mode
    if made and shut_out and news.account_id:
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
        event.try_at = now() + TAKE_UP_AFTER + policy.wait_after(event.tries)
    reading = _reading(event.kind)
    try:
        outcome = _read(reading, event, rail) if reading else "not for us"
    except ForeignMoney as foreign:  # trying again would not help: a person looks
        _note(event_id, RailEventState.FAILED, str(foreign))
        return str(foreign)
    except RailDown as trouble:  # nothing is wrong with the message: asked again until it answers
        _note(event_id, RailEventState.WAITING, f"the rail cannot be asked: {trouble}", away=True)
        raise
    except Exception as trouble:  # kept beside the message; the job's log has the rest
        gave_up = event.tries >= TRIES_UNTIL_A_PERSON
        state = RailEventState.FAILED if gave_up else RailEventState.WAITING
        _note(event_id, state, f"{type(trouble).__name__}: {trouble}"[:LONGEST_OUTCOME])
        raise
    _note(event_id, RailEventState.HANDLED, outcome)
    return outcome


def replay(session: Session, event_id: str) -> bool:
    """Let a message be looked into once more; False when it waits to be looked into already."""
    event = session.get(RailEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None:
        raise NotFound
    if _reading(event.kind) is None or event.outcome == OTHER_MODE:
        raise NotForUs
    is_new = event.state is not RailEventState.WAITING or event.tries > 0
    event.state, event.tries, event.try_at = RailEventState.WAITING, 0, None
    lock = f"news:{event_id}"
    jobs.defer(session, "payouts.look_into", queue="money", queueing_lock=lock, event_id=event_id)
    return is_new


def replay_failed(session: Session, since: datetime) -> int:
    """Let every message that failed since a time be looked into once more; return how many."""
    question = select(RailEvent.id).where(
        RailEvent.state == RailEventState.FAILED, RailEvent.received_at >= since
    )
    failed = list(session.exec(question.order_by(col(RailEvent.id))))
    return sum(replay(session, event_id) for event_id in failed)


def waiting(session: Session, at: datetime, limit: int = 200) -> list[str]:
    """Return messages that nobody has looked into for a while; each failure lengthens the wait."""
    due = func.coalesce(col(RailEvent.try_at), col(RailEvent.received_at) + TAKE_UP_AFTER)
    question = select(RailEvent.id).where(RailEvent.state == RailEventState.WAITING, due <= at)
    return list(session.exec(question.order_by(due, col(RailEvent.id)).limit(limit)))


def collect(rail: PayoutRail) -> int:
    """Fetch the messages that the rail could not bring to us; return how many were new."""
    new = 0
    for news in rail.undelivered_news(now() - LOOK_BACK):
        with transaction() as session:
            new += store(session, news, at=now())
    return new


def _note(event_id: str, state: RailEventState, outcome: str, *, away: bool = False) -> None:
    """Record one try, and what the message has come to by it; without the rail it was none."""
    failed = state is not RailEventState.HANDLED
    with transaction() as session:
        event = session.get_one(RailEvent, event_id, with_for_update=True)
        session.add(RailEventTry(event_id=event_id, at=now(), outcome=outcome, has_failed=failed))
        if event.state is not RailEventState.WAITING:
            return  # another hand was quicker
        if away:
            event.tries -= 1
            event.try_at = now() + policy.wait_while_away(outages.since(session, now()), now())
        event.state, event.outcome = state, outcome
        event.handled_at = None if state is RailEventState.WAITING else now()


def _read(reading: Reading, event: RailEvent, rail: PayoutRail) -> str:
    try:
        return reading(event, rail)
    except ForeignMoney:
        raise
    except PayoutRefused as refusal:
        return f"the rail does not show it: {refusal.code}"


def _reading(kind: str) -> Reading | None:
    return next((reading for start, reading in READINGS.items() if kind.startswith(start)), None)


def _deposit(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        row = references.row_of(session, event.reference)
    if isinstance(row, AutoTopUp) and row.id is not None:
        return f"top-up {row.id} {auto_topups.reread(row.id, rail).state}"
    if not isinstance(row, Deposit) or row.id is None:
        return "not ours"
    if row.origin is DepositOrigin.TOP_UP:
        return f"deposit {row.id} {auto_topups.charge(row.id, rail)}"
    return f"deposit {row.id} {deposits.reread(row.id, rail).state}"


def _charge(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        row = charges.by_charge_id(session, event.object_id)
    if row is None:  # not booked yet: the rail writes its line a moment after a payment
        return _deposit(event, rail)
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
    if event.kind == "transfer.reversed":
        return f"payout {row.id}, {reversals.look_for(event.object_id, rail)} taken back by hand"
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


def _dispute(event: RailEvent, rail: PayoutRail) -> str:
    found = disputes.reread(event.object_id, rail)
    return f"dispute {found.id} {found.state}"


def _funds(event: RailEvent, rail: PayoutRail) -> str:
    with transaction() as session:
        if event.stripe_account_id:
            count = sending.balance_changed(session, event.stripe_account_id)
            return f"{count} payouts resumed"
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
    "charge.dispute.": _dispute,
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
