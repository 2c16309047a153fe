"""What the rail has answered, as states, moves and letters of a payout.

Each answer belongs to one attempt and is recorded once: a late or second one changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from accounts.models import User
from core import audit, jobs, messages
from core.errors import NotFound
from core.money import Money
from core.ports import BankTransfer, PayeeNotReady, PayoutRefused
from payouts import bank_words, leaving, ledger, payees, policy, sources
from payouts.models import Payout, PayoutState

ASKED = (PayoutState.SENDING, PayoutState.UNKNOWN)


def record_sent(
    session: Session, payout_id: int, attempt: int, transfer_id: str, *, at: datetime
) -> PayoutState:
    """Record that the rail has it: the money has left what the rail holds for us."""
    payout = of(session, payout_id, lock=True)
    if not _awaits(payout, attempt):
        return payout.state
    held, rest = sources.spent(session, payout, at=at)
    ledger.post(
        session,
        event(payout, "sent"),
        [
            ledger.Entry(
                "amount",
                ledger.in_flight(payout.expert_id, payout.currency),
                held,
                payout.amount,
            )
        ],
        at=at,
        narration="payout sent",
        cause=f"payout:{payout.id}",
    )
    payout.state, payout.stripe_transfer_id = PayoutState.SENT, transfer_id
    payout.sent_at, payout.try_at, payout.reason = at, None, None
    audit.record(session, "payout.sent", by=None, subject=f"payout:{payout.id}")
    _write(session, payout, "payouts/payout_sent")
    sources.send_rest(session, payout, rest, at=at)
    return payout.state


def record_refused(
    session: Session, payout_id: int, attempt: int, refusal: PayoutRefused, *, at: datetime
) -> PayoutState:
    """Record that the rail has moved nothing: the money is owed again."""
    payout = of(session, payout_id, lock=True)
    if not _awaits(payout, attempt):
        return payout.state
    _give_back(session, payout, at)
    if sources.refused(session, payout, refusal, at=at):
        _find_funds(session, payout, at)
    elif isinstance(refusal, PayeeNotReady):
        payout.reason = refusal.code
        block(session, payout)
    else:
        fail(session, payout, refusal.code, at)
    return payout.state


def record_unknown(session: Session, payout_id: int, attempt: int, *, at: datetime) -> PayoutState:
    """Record that no clear answer came: it is looked up before anything else."""
    payout = of(session, payout_id, lock=True)
    if _awaits(payout, attempt):
        payout.state = PayoutState.UNKNOWN
        payout.try_at = at + policy.wait_after(payout.looks)
    return payout.state


def record_never_arrived(
    session: Session, payout_id: int, attempt: int, *, at: datetime
) -> PayoutState:
    """Record that nothing was moved under an attempt whose key has died: begin another."""
    payout = of(session, payout_id, lock=True)
    if _awaits(payout, attempt):
        _give_back(session, payout, at)
        sources.unplan(session, payout, at=at)
        payout.state, payout.reason, payout.try_at = PayoutState.READY, "never_arrived", None
        defer_send(session, payout)
    return payout.state


def record_bank(session: Session, expert_id: int, told: BankTransfer, *, at: datetime) -> int:
    """Record what the rail says of the way to the bank; return how many payouts it carries.

    The rail may say paid first and refused days later, so neither is the end.
    """
    state = {"paid": PayoutState.PAID, "refused": PayoutState.BANK_REFUSED}.get(told.state)
    rows = _carried(session, expert_id, told)
    for payout in rows:
        payout.stripe_bank_transfer_id = told.id
        if state is not None and payout.state is not state:
            payout.state, payout.ended_at, payout.reason = state, at, told.trouble
            audit.record(session, f"payout.{state}", by=None, subject=f"payout:{payout.id}")
            if state is PayoutState.BANK_REFUSED:
                _write(session, payout, "payouts/bank_refused")
    return len(rows)


def keep_back(
    session: Session, payout: Payout, against: Sequence[leaving.Reason], at: datetime
) -> None:
    """Set aside a payout that may not leave: blocked, or ready and looked at again later."""
    first = against[0]
    payout.reason = first.code
    if first.again is not None:
        payout.try_at = at + first.again
    elif first.code == "withheld":  # the decision's own letter has said so
        if payout.state is not PayoutState.BLOCKED:
            audit.record(session, "payout.blocked", by=None, subject=f"payout:{payout.id}")
        payout.state, payout.try_at = PayoutState.BLOCKED, None
    else:
        block(session, payout)


def block(session: Session, payout: Payout) -> None:
    """Set a payout aside until its payee can receive money, and tell them."""
    if payout.state is not PayoutState.BLOCKED:
        payout.state, payout.try_at = PayoutState.BLOCKED, None
        audit.record(session, "payout.blocked", by=None, subject=f"payout:{payout.id}")
        _write(session, payout, "payouts/details_needed")


def block_owing(
    session: Session, payout_id: int, reason: str, *, at: datetime, again: datetime
) -> None:
    """Set a payout aside whose payee's account is below nothing, and tell them once."""
    payout = of(session, payout_id, lock=True)
    if payout.state not in (PayoutState.READY, PayoutState.WAITING_FUNDS):
        return
    was_told = payout.reason == reason
    payout.state, payout.reason, payout.try_at = PayoutState.BLOCKED, reason, again
    if not was_told:
        audit.record(session, "payout.blocked", by=None, subject=f"payout:{payout.id}")
        _write(session, payout, "payouts/account_below_nothing")


def postpone(
    session: Session, payout_id: int, reason: str, *, since: datetime, at: datetime
) -> None:
    """Try a payout later that nothing was asked for yet: the rail is away since then."""
    payout = of(session, payout_id, lock=True)
    if payout.state in (PayoutState.READY, PayoutState.WAITING_FUNDS):
        payout.try_at = at + policy.wait_while_away(since, at)
        payout.reason = payout.reason or reason


def not_looked(
    session: Session, payout_id: int, attempt: int, *, since: datetime, at: datetime
) -> None:
    """Take back that a payout was looked for: the rail is away since then. Look again later."""
    payout = of(session, payout_id, lock=True)
    if _awaits(payout, attempt) and payout.looks > 0:
        payout.looks -= 1
        payout.try_at = at + policy.wait_while_away(since, at)


def fail(session: Session, payout: Payout, reason: str, at: datetime) -> None:
    """End a payout whose money is owed again, and tell the expert."""
    payout.state, payout.reason, payout.ended_at = PayoutState.FAILED, reason, at
    payout.try_at = None
    audit.record(
        session,
        "payout.failed",
        by=None,
        subject=f"payout:{payout.id}",
        details={"reason": reason},
    )
    _write(session, payout, "payouts/payout_failed")


def defer_send(session: Session, payout: Payout) -> None:
    """Let a job send a payout, in the transaction that made it ready."""
    lock = f"payout:{payout.id}"
    jobs.defer(session, "payouts.send", queue="money", queueing_lock=lock, payout_id=payout.id)


def of(session: Session, payout_id: int, *, lock: bool = False) -> Payout:
    """Return a payout, or raise `NotFound`."""
    found = session.get(Payout, payout_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound
    return found


def event(payout: Payout, step: str) -> str:
    """Name a step of the present attempt in the ledger."""
    return f"payout:{payout.id}:{payout.attempt}:{step}"


def _awaits(payout: Payout, attempt: int) -> bool:
    # Another hand may have recorded the answer meanwhile, or begun a new attempt.
    return payout.state in ASKED and payout.attempt == attempt


def _find_funds(session: Session, payout: Payout, at: datetime) -> None:
    """Draw on a charge that has not settled, or wait until one has."""
    payout.reason = sources.TOO_LITTLE
    if sources.has_more(session, payout):
        payout.state, payout.try_at = PayoutState.READY, None
        defer_send(session, payout)
    else:
        payout.state = PayoutState.WAITING_FUNDS
        payout.try_at = at + policy.wait_after(payout.attempt)


def _give_back(session: Session, payout: Payout, at: datetime) -> None:
    source = ledger.in_flight(payout.expert_id, payout.currency)
    target = ledger.owed(payout.expert_id, payout.currency)
    ledger.post(
        session,
        event(payout, "returned"),
        [ledger.Entry("amount", source, target, payout.amount)],
        at=at,
        narration="payout refused, owed again",
        cause=f"payout:{payout.id}",
    )


def _carried(session: Session, expert_id: int, told: BankTransfer) -> list[Payout]:
    """Return the payouts that went to the bank together, locked.

    Those that the rail names may have been changed into the bank's own currency on their way.
    """
    theirs = (
        select(Payout)
        .where(Payout.expert_id == expert_id)
        .order_by(col(Payout.sent_at))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    known = col(Payout.stripe_bank_transfer_id) == told.id
    named = col(Payout.stripe_transfer_id).in_(told.transfer_ids)
    rows = list(session.exec(theirs.where(known | named)))
    if rows or told.transfer_ids:
        return rows
    # The rail cannot tell which: the oldest that were there by then and fit into the amount.
    waiting = theirs.where(
        Payout.currency == told.amount.currency,
        Payout.state == PayoutState.SENT,
        col(Payout.stripe_bank_transfer_id).is_(None),
        col(Payout.sending_at) <= told.made_at,
    )
    return _fitting(session.exec(waiting), told.amount)


def _fitting(waiting: Iterable[Payout], amount: Money) -> list[Payout]:
    found: list[Payout] = []
    left = amount
    for payout in waiting:
        if payout.amount <= left:
            found.append(payout)
            left -= payout.amount
    return found


def _write(session: Session, payout: Payout, template: str) -> None:
    expert = session.get(User, payout.expert_id)
    if expert is not None:
        payee = payees.known(session, payout.expert_id)
        said = {"payout": payout, "payee": payee, "why": bank_words.Why(payout.reason)}
        messages.write(session, to=expert, template=template, **said)
