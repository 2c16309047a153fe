"""Payouts: what is owed leaves for the expert, once.

    ready → sending → sent → paid / bank_refused
              ↓ ↑
            unknown (looked up, or asked again under the same reference)
    waiting_funds, blocked: the rail has moved nothing; tried again later
    failed: the rail will never move it; the money is owed again

Three steps, each its own transaction: claim (money leaves `owed`, the attempt has a name), ask
the rail with no transaction open, record. A crash between any two leaves a row that
`look_up` finishes. A second attempt is made only after the first has definitely moved nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, or_, select

from core.clock import now
from core.db import transaction
from core.errors import NotFound
from core.money import Money
from core.ports import PayoutRefused, RailDown, SendingRail, TransferRail
from payouts import answers, leaving, ledger, outages, payees, payout_stops, policy, sources
from payouts.models import OPEN_STATES, Payee, PayeeState, Payout, PayoutState


@dataclass(frozen=True)
class Ask:
    """One attempt as it is put to the rail."""

    payout_id: int
    attempt: int
    amount: Money
    to: str
    reference: str
    since: datetime
    charge_id: str | None = None


CLAIMABLE = (PayoutState.READY, PayoutState.WAITING_FUNDS)


OWES = "negative_balance"
OWES_AGAIN_AFTER = timedelta(hours=6)


def send(payout_id: int, rail: SendingRail) -> PayoutState:
    """Claim a payout, ask the rail, record what it said."""
    if not _would_arrive(payout_id, rail):
        return _state(payout_id)
    with transaction() as session:
        ask = claim(session, payout_id, at=now())
    return _put(ask, rail) if ask else _state(payout_id)


def look_up(payout_id: int, rail: TransferRail) -> PayoutState:
    """Find out what became of a payout whose answer was lost, and finish it."""
    with transaction() as session:
        ask = claim_look(session, payout_id, at=now())
    if ask is None:
        return _state(payout_id)
    try:
        found = rail.find_sent(to=ask.to, reference=ask.reference, since=ask.since)
    except RailDown:
        with transaction() as session:
            since = outages.since(session, now())
            answers.not_looked(session, payout_id, ask.attempt, since=since, at=now())
        return PayoutState.UNKNOWN
    except PayoutRefused:
        return PayoutState.UNKNOWN  # the next look is already set
    if found is not None:
        with transaction() as session:
            return answers.record_sent(session, payout_id, ask.attempt, found, at=now())
    if policy.key_lives(ask.since, now()):
        return _put(ask, rail)
    with transaction() as session:
        return answers.record_never_arrived(session, payout_id, ask.attempt, at=now())


def claim(session: Session, payout_id: int, *, at: datetime) -> Ask | None:
    """Take a payout in hand: its money leaves `owed` and a new attempt begins.

    None when there is nothing to ask the rail: it is in other hands, or not due, or blocked.
    """
    payout = answers.of(session, payout_id, lock=True)
    due = payout.try_at is None or payout.try_at <= at
    if payout.state not in CLAIMABLE or not due:
        return None
    if payout_stops.postpone(session, payout, at=at):
        return None
    payee = payees.locked(session, payout.expert_id, at=at)
    against = leaving.reasons(session, payout, payee, at=at)
    if against:
        answers.keep_back(session, payout, against, at)
        return None
    payout.attempt += 1
    sources.plan(session, payout, at=at)
    try:
        _take(session, payout, at)
    except ledger.Overdrawn:
        sources.unplan(session, payout, at=at)
        payout.attempt -= 1
        answers.fail(session, payout, "owed_less", at)
        return None
    payout.state, payout.sending_at, payout.looks = PayoutState.SENDING, at, 0
    payout.stripe_account_id, payout.try_at = payee.stripe_account_id, at + policy.ANSWER_TIME
    return _asking(session, payout)


def claim_look(session: Session, payout_id: int, *, at: datetime) -> Ask | None:
    """Take a lost payout in hand, and set when the next one looks, should this one crash."""
    payout = answers.of(session, payout_id, lock=True)
    if payout.state not in answers.ASKED or (payout.try_at and payout.try_at > at):
        return None
    payout.state = PayoutState.UNKNOWN
    payout.looks += 1
    payout.try_at = at + policy.wait_after(payout.looks)
    return _asking(session, payout)


def resume(session: Session, payee: Payee) -> int:
    """Take up what was blocked, once the payee can receive money; return how many."""
    if payee.state is not PayeeState.ACTIVE or leaving.is_withheld(session, payee.expert_id):
        return 0
    theirs = Payout.expert_id == payee.expert_id
    return _wake(session, [theirs, Payout.state == PayoutState.BLOCKED, _not_owing(now())])


def balance_changed(session: Session, account_id: str) -> int:
    """Take up what an account below nothing has held up; return how many."""
    theirs = Payout.expert_id.in_(  # type: ignore[attr-defined]
        select(Payee.expert_id).where(Payee.stripe_account_id == account_id)
    )
    return _wake(session, [theirs, Payout.state == PayoutState.BLOCKED, Payout.reason == OWES])


def funds_arrived(session: Session) -> int:
    """Take up what waits for funds; return how many."""
    return _wake(session, [Payout.state == PayoutState.WAITING_FUNDS])


def due(session: Session, at: datetime, limit: int = 200) -> list[int]:
    """Return payouts that may be sent now, the longest waiting first."""
    return _ids(session, CLAIMABLE, at, limit)


def lost(session: Session, at: datetime, limit: int = 200) -> list[int]:
    """Return payouts whose answer is overdue."""
    return _ids(session, answers.ASKED, at, limit)


def blocked_payees(session: Session, limit: int = 200) -> list[int]:
    """Return experts whose payout is blocked although they can receive money by now."""
    question = (
        select(Payout.expert_id)
        .join(Payee, col(Payee.expert_id) == col(Payout.expert_id))
        .where(
            Payout.state == PayoutState.BLOCKED,
            Payee.state == PayeeState.ACTIVE,
            _not_owing(now()),
        )
    )
    return list(session.exec(question.distinct().limit(limit)))


def open_payout(
    session: Session, expert_id: int, currency: str, **row: object
) -> tuple[Payout, bool]:
    """Make a payout, or return the one that is open or has the same key; and whether it is new."""
    made = session.execute(
        insert(Payout)
        .values(expert_id=expert_id, currency=currency, **row)
        .on_conflict_do_nothing()
        .returning(col(Payout.id))
    ).first()
    if made:
        return answers.of(session, made[0]), True
    same = or_(
        Payout.request_key == row["request_key"],
        (col(Payout.currency) == currency) & col(Payout.state).in_(OPEN_STATES),
    )
    question = select(Payout).where(Payout.expert_id == expert_id, same)
    # The form's own payout goes before another that happens to be open.
    by_key = (col(Payout.request_key) == row["request_key"]).desc()
    found = session.exec(question.order_by(by_key)).first()
    if found is None:
        raise NotFound
    return found, False


def _would_arrive(payout_id: int, rail: SendingRail) -> bool:
    """Return whether the payee's account would keep the money, and set the payout aside if not.

    An account below nothing would swallow it, and the bank would never see it.
    """
    with transaction() as session:
        payout = answers.of(session, payout_id)
        payee = payees.known(session, payout.expert_id)
        is_due = payout.try_at is None or payout.try_at <= now()
        account = payee.stripe_account_id if payee.state is PayeeState.ACTIVE else None
    if payout.state not in CLAIMABLE or not is_due or account is None:
        return True  # nothing is sent; whoever claims says why
    try:
        is_below = rail.payee_balance(account, payout.currency).minor < 0
    except RailDown:
        with transaction() as session:
            since = outages.since(session, now())
            answers.postpone(session, payout_id, outages.AWAY, since=since, at=now())
        return False
    except PayoutRefused:
        return True  # the account does not let us look; the transfer itself will tell
    if is_below:
        with transaction() as session:
            answers.block_owing(session, payout_id, OWES, at=now(), again=now() + OWES_AGAIN_AFTER)
    return not is_below


def _not_owing(at: datetime) -> Any:
    """Leave out what waits for an account that is below nothing, until its next look."""
    reason, try_at = col(Payout.reason), col(Payout.try_at)
    return or_(reason.is_(None), reason != OWES, try_at.is_(None), try_at <= at)


def _put(ask: Ask, rail: TransferRail) -> PayoutState:
    try:
        transfer_id = _send(ask, rail)
    except PayoutRefused as refusal:
        with transaction() as session:
            return answers.record_refused(session, ask.payout_id, ask.attempt, refusal, at=now())
    except RailDown:
        with transaction() as session:
            return answers.record_unknown(session, ask.payout_id, ask.attempt, at=now())
    with transaction() as session:
        return answers.record_sent(session, ask.payout_id, ask.attempt, transfer_id, at=now())


def _send(ask: Ask, rail: TransferRail) -> str:
    if ask.charge_id is None:
        return rail.send(ask.amount, to=ask.to, reference=ask.reference)
    return rail.send_from(ask.charge_id, ask.amount, to=ask.to, reference=ask.reference)


def _asking(session: Session, payout: Payout) -> Ask:
    # The database has them all: they are set when an attempt begins.
    return Ask(
        payout_id=payout.id or 0,
        attempt=payout.attempt,
        amount=payout.amount,
        to=payout.stripe_account_id or "",
        reference=payout.reference,
        since=payout.sending_at or payout.requested_at,
        charge_id=sources.charge_id(session, payout),
    )


def _state(payout_id: int) -> PayoutState:
    with transaction() as session:
        return answers.of(session, payout_id).state


def _take(session: Session, payout: Payout, at: datetime) -> None:
    source = ledger.owed(payout.expert_id, payout.currency)
    target = ledger.in_flight(payout.expert_id, payout.currency)
    ledger.post(
        session,
        answers.event(payout, "taken"),
        [ledger.Entry("amount", source, target, payout.amount)],
        at=at,
        narration="payout begun",
        cause=f"payout:{payout.id}",
    )


def _wake(session: Session, where: list[Any]) -> int:
    rows = session.exec(
        select(Payout)
        .where(*where)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for payout in rows:
        payout.state, payout.try_at = PayoutState.READY, None
        if payout.reason != OWES:  # who was told that once is not told again
            payout.reason = None
        answers.defer_send(session, payout)
    return len(rows)


def _ids(session: Session, states: tuple[PayoutState, ...], at: datetime, limit: int) -> list[int]:
    try_at = col(Payout.try_at)
    question = (
        select(Payout.id)
        .where(col(Payout.state).in_(states), or_(try_at.is_(None), try_at <= at))
        .order_by(try_at.nulls_first(), col(Payout.id))
        .limit(limit)
    )
    return [payout_id for payout_id in session.exec(question) if payout_id is not None]
