"""Where the money of a payout comes from: what has settled first, else charges that have not.

A payout asks for settled money. Only when the rail has said that there is too little does its next
attempt draw on a charge of a project where the money was earned, the oldest first, for as much as
that charge has; what is lacking leaves as a payout of its own, the rest. So a payout stays one
transfer under one reference, and nothing is drawn that was not claimed here before.
"""

from collections import defaultdict
from datetime import datetime
from uuid import uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import jobs
from core.money import Money
from core.ports import NotEnoughFunds, PayeeNotReady, PayoutRefused
from payouts import charges, ledger, policy
from payouts.charge_models import Charge, PartState, PayoutPart
from payouts.models import Account, AccountKind, Move, Payout, PayoutState, Rhythm

TOO_LITTLE = "balance_insufficient"
EARNED_FROM = (AccountKind.PROJECT_RESERVE, AccountKind.PROJECT_BUDGET)
READ_AT_ONCE = 500


def plan(session: Session, payout: Payout, *, at: datetime) -> None:
    """Let the attempt that begins draw on a charge, if settled money was too little before."""
    if payout.reason != TOO_LITTLE:
        return
    found = _source(session, payout, lock=True)
    if found is None:
        return
    charge, amount = found
    charge.drawn_minor += amount.minor
    part = PayoutPart(
        payout_id=payout.id or 0,
        attempt=payout.attempt,
        deposit_id=charge.deposit_id,
        amount_minor=amount.minor,
        wanted_minor=payout.amount_minor,
        currency=payout.currency,
        claimed_at=at,
    )
    session.add(part)
    payout.amount_minor = amount.minor


def unplan(session: Session, payout: Payout, *, at: datetime) -> None:
    """Give back what an attempt has claimed, when nothing was drawn."""
    part = claimed(session, payout)
    if part is not None:
        _give_back(session, payout, part, at)


def charge_id(session: Session, payout: Payout) -> str | None:
    """Return the rail's name of the charge that the present attempt draws on, if it does."""
    part = claimed(session, payout)
    return charges.of(session, part.deposit_id).stripe_charge_id if part else None


def claimed(session: Session, payout: Payout) -> PayoutPart | None:
    """Return what the present attempt has claimed of a charge."""
    question = select(PayoutPart).where(
        PayoutPart.payout_id == payout.id,
        PayoutPart.attempt == payout.attempt,
        PayoutPart.state == PartState.CLAIMED,
    )
    return session.exec(question.execution_options(populate_existing=True)).first()


def spent(session: Session, payout: Payout, *, at: datetime) -> tuple[ledger.Purse, Money]:
    """Record that an attempt was sent; return where its money was, and what is still to be sent.

    Call it before the move is posted: charges are locked before accounts.
    """
    part = claimed(session, payout)
    if part is None:
        return ledger.clearing(payout.currency), Money(0, payout.currency)
    row = charges.of(session, part.deposit_id, lock=True)
    part.state, part.ended_at = PartState.SENT, at
    is_settled = row.settled_at is not None
    if not is_settled:
        row.pending_minor -= part.amount_minor
    return charges.purse(row.currency, is_settled=is_settled), part.rest


def refused(session: Session, payout: Payout, refusal: PayoutRefused, *, at: datetime) -> bool:
    """Record that nothing was drawn; return whether another source is to be tried, or waited for.

    A refusal that is not about the payee is then about the charge, of which nothing more is drawn.
    """
    part = claimed(session, payout)
    if part is None:
        return isinstance(refusal, NotEnoughFunds)
    row = _give_back(session, payout, part, at)
    if isinstance(refusal, PayeeNotReady):
        return False
    row.refused_at = at
    return True


def has_more(session: Session, payout: Payout) -> bool:
    """Return whether a charge that has not settled could be drawn on for a payout."""
    return _source(session, payout, lock=False) is not None


def send_rest(session: Session, payout: Payout, rest: Money, *, at: datetime) -> None:
    """Make a payout of what the charge of another did not have, in the same transaction."""
    if not rest:
        return
    session.flush()  # the one that was sent is no longer open
    made = session.execute(
        insert(Payout)
        .values(
            expert_id=payout.expert_id,
            amount_minor=rest.minor,
            currency=rest.currency,
            state=PayoutState.READY,
            rhythm=Rhythm.ON_DEMAND,
            request_key=uuid4().hex,
            reason=TOO_LITTLE,
            requested_at=payout.requested_at,
            attempt=0,
            looks=0,
        )
        .on_conflict_do_nothing()
        .returning(col(Payout.id))
    ).first()
    if made is None:
        return  # another of theirs was opened meanwhile; the rest stays owed
    part = session.exec(
        select(PayoutPart).where(
            PayoutPart.payout_id == payout.id, PayoutPart.attempt == payout.attempt
        )
    ).one()
    part.rest_payout_id = made[0]
    lock = f"payout:{made[0]}"
    jobs.defer(session, "payouts.send", queue="money", queueing_lock=lock, payout_id=made[0])


def before(session: Session, payout: Payout) -> PayoutPart | None:
    """Return the part of an earlier payout that a payout is the rest of."""
    question = select(PayoutPart).where(PayoutPart.rest_payout_id == payout.id)
    return session.exec(question).first()


def after(session: Session, payout: Payout) -> PayoutPart | None:
    """Return the part that a payout sends, or has sent, of what was asked for."""
    question = select(PayoutPart).where(
        PayoutPart.payout_id == payout.id, PayoutPart.state != PartState.RETURNED
    )
    return session.exec(question).first()


def unpaid_by_project(session: Session, expert_id: int, currency: str) -> dict[int, Money]:
    """Return in which projects the money was earned that is owed now, what came last first.

    What is owed is what was earned last: earlier earnings were paid first.
    """
    purse = ledger.owed(expert_id, currency)
    left = ledger.balance(session, purse).minor
    found: dict[int, int] = defaultdict(int)
    for project_id, amount in _earned(session, purse):
        if left <= 0:
            break
        taken = min(left, amount)
        found[project_id] += taken
        left -= taken
    return {project_id: Money(minor, currency) for project_id, minor in found.items()}


def _earned(session: Session, purse: ledger.Purse) -> list[tuple[int, int]]:
    mine = select(Account.id).where(
        Account.kind == purse.kind,
        Account.owner_id == purse.owner_id,
        Account.currency == purse.currency,
    )
    question = (
        select(Account.owner_id, Move.amount)
        .join(Account, col(Account.id) == col(Move.debit_account_id))
        .where(
            col(Move.credit_account_id) == mine.scalar_subquery(),
            col(Account.kind).in_(EARNED_FROM),
        )
        .order_by(col(Move.id).desc())
        .limit(READ_AT_ONCE)
    )
    return [(project_id, int(amount)) for project_id, amount in session.exec(question)]


def _source(session: Session, payout: Payout, *, lock: bool) -> tuple[Charge, Money] | None:
    """Return the oldest charge that has not settled and can be drawn on, and for how much."""
    unpaid = unpaid_by_project(session, payout.expert_id, payout.currency)
    if not unpaid:
        return None
    for row in charges.of_projects(session, sorted(unpaid), payout.currency, lock=lock):
        if row.settled_at is not None or row.refused_at is not None:
            continue
        amount = min(row.room, unpaid[row.project_id], payout.amount)
        if amount and (amount == payout.amount or amount >= _least(payout)):
            return row, amount
    return None


def _least(payout: Payout) -> Money:
    # Less is not worth a transfer and a letter of its own.
    return policy.least_payout(payout.currency)


def _give_back(session: Session, payout: Payout, part: PayoutPart, at: datetime) -> Charge:
    row = charges.of(session, part.deposit_id, lock=True)
    row.drawn_minor -= part.amount_minor
    part.state, part.ended_at = PartState.RETURNED, at
    payout.amount_minor = part.wanted_minor
    return row
