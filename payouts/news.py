"""What the rail tells by webhook: stored once, then looked at. A message is never a fact.

Messages come twice, late and in any order. What one says is only where to look: the thing
itself is read again, and its own states go forward.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from core import audit, jobs
from core.clock import now
from core.db import transaction
from core.ports import PayoutRail, PayoutRefused, RailDown, RailNews
from payouts import answers, deposits, disputes, payees, policy, references, reversals, sending
from payouts.models import Deposit, Payout, RailEvent, RailEventState

TAKE_UP_AFTER = timedelta(minutes=1)
MOST_TRIES = 20  # about three days, with the waits between them: longer than Stripe was ever away
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
    """Read again what a message is about; the message is then done with.

    What cannot be read is tried again by the sweep, and given up after `MOST_TRIES`, in the open.
    """
    with transaction() as session:
        event = session.get(RailEvent, event_id, with_for_update=True)
        if event is None or event.state is not RailEventState.WAITING:
            return "done before"
        event.tries += 1
        event.tried_at = now()
    reading = _reading(event.kind)
    try:
        outcome = _read(reading, event, rail) if reading else "not for us"
    except Exception as trouble:
        with transaction() as session:
            _note_trouble(session, event_id, trouble)
        raise
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
    return [event.id for event in session.exec(question) if next_look(event) <= at]


def log(
    *,
    kind: str | None = None,
    state: RailEventState | None = None,
    account_id: str | None = None,
    since: datetime | None = None,
) -> SelectOfScalar[RailEvent]:
    """Select the messages that came, newest first, filtered."""
    query = select(RailEvent).order_by(col(RailEvent.received_at).desc(), col(RailEvent.id))
    if kind:
        query = query.where(col(RailEvent.kind).startswith(kind, autoescape=True))
    if state is not None:
        query = query.where(RailEvent.state == state)
    if account_id:
        query = query.where(RailEvent.stripe_account_id == account_id)
    if since is not None:
        query = query.where(RailEvent.received_at >= since)
    return query


def replay(session: Session, event: RailEvent, *, by: int) -> bool:
    """Look once more into what a message is about; False for one that is not for us.

    Safe however often: the message is only where to look, and what is read moves states forward.
    """
    if _reading(event.kind) is None:
        return False
    _begin_again(session, event)
    audit.record(session, "rail_event.replayed", by=by, subject=f"rail_event:{event.id}")
    return True


def replay_failed(session: Session, since: datetime, *, by: int) -> int:
    """Look once more into every message since a time that was given up; return how many."""
    given_up = log(state=RailEventState.FAILED, since=since)
    found = session.exec(given_up.with_for_update(skip_locked=True)).all()
    for event in found:
        _begin_again(session, event)
    if found:
        audit.record(
            session,
            "rail_event.replayed_failed",
            by=by,
            subject="rail_event:all",
            details={"since": since.isoformat(), "count": len(found)},
        )
    return len(found)


def next_look(event: RailEvent) -> datetime:
    """When the sweep looks into a message that still waits: later after each try."""
    since = event.tried_at or event.received_at
    return since + TAKE_UP_AFTER + policy.wait_after(event.tries)


def collect(rail: PayoutRail) -> int:
    """Fetch the messages that the rail could not bring to us; return how many were new."""
    new = 0
    for news in rail.undelivered_news(now() - LOOK_BACK):
        with transaction() as session:
            new += store(session, news, at=now())
    return new


def _begin_again(session: Session, event: RailEvent) -> None:
    event.state, event.tries, event.handled_at = RailEventState.WAITING, 0, None
    jobs.defer(session, "payouts.look_into", queue="money", event_id=event.id)


def _note_trouble(session: Session, event_id: str, trouble: Exception) -> None:
    event = session.get_one(RailEvent, event_id, with_for_update=True)
    # The rail's codes and the kind of a mistake of ours, never values: those may be somebody's.
    known = isinstance(trouble, RailDown | PayoutRefused)
    event.outcome = str(trouble) if known else type(trouble).__name__
    if event.tries >= MOST_TRIES:
        event.state = RailEventState.FAILED


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
        return f"{sending.funds_arrived(session)} payouts resumed"


# By how a kind of message begins; what is not here is kept and ignored.
READINGS: dict[str, Reading] = {
    "checkout.session.": _deposit,
    "payment_intent.": _deposit,
    "charge.succeeded": _deposit,
    "charge.dispute.": _dispute,
    "transfer.": _transfer,
    "account.updated": _payee,
    "account.external_account.": _payee,
    "capability.": _payee,
    "v2.core.account": _payee,
    "payout.": _bank,
    "balance.available": _funds,
}
