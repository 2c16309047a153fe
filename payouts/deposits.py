"""Deposits: an owner's money on its way into a budget by hosted checkout.

What the browser or a webhook says is a hint; a deposit counts when its checkout, read again,
is paid. It then stays paid, and is booked once.
"""

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, or_, select

from accounts import webhooks
from accounts.models import User
from core import audit, formats, messages
from core.clock import now
from core.db import transaction
from core.errors import Conflict, Invalid, NotFound
from core.money import Money
from core.ports import Checkout, CheckoutRail, ForeignMoney
from payouts import budgets, charges, ledger, policy
from payouts.models import Deposit, DepositOrigin, DepositState

REREAD_AFTER = timedelta(minutes=2)
FORGET_AFTER = timedelta(hours=25)  # a checkout lives for a day
UNDECIDED = (DepositState.OPEN, DepositState.PROCESSING)


class TooSmall(Invalid):
    """The smallest amount is %(least)s."""


class TooLarge(Invalid):
    """The largest amount at once is %(most)s."""


class NotInSteps(Invalid):
    """In this currency an amount is a whole multiple of %(step)s."""


class UsedForm(Conflict):
    """The form was already used for another payment. Load the page again and fill it in anew."""


def open(
    session: Session,
    project_id: int,
    amount: Money,
    *,
    key: str,
    by: int | None,
    at: datetime,
    auto_topup_id: int | None = None,
) -> Deposit:
    """Begin a payment; the same form sent again returns the first one.

    With `auto_topup_id` it is charged to a saved card (`auto_topups.py`), and not on a page.
    """
    _check_amount(amount)
    if budgets.of(session, project_id).closed_at is not None:
        raise budgets.BudgetClosed
    row = {"project_id": project_id, "amount_minor": amount.minor, "currency": amount.currency}
    origin = DepositOrigin.TOP_UP if auto_topup_id else DepositOrigin.CHECKOUT
    row |= {"origin": origin, "auto_topup_id": auto_topup_id}
    made = session.execute(
        insert(Deposit)
        .values(request_key=key, opened_by=by, opened_at=at, state=DepositState.OPEN, **row)
        .on_conflict_do_nothing()
        .returning(col(Deposit.id))
    ).first()
    deposit = session.exec(select(Deposit).where(Deposit.request_key == key)).one()
    if (deposit.project_id, deposit.amount) != (project_id, amount):
        raise UsedForm
    if made:
        audit.record(session, "deposit.opened", by=by, subject=f"deposit:{deposit.id}", details=row)
    return deposit


def begin(deposit_id: int, rail: CheckoutRail, *, title: str, back_to: str) -> str:
    """Open the checkout of a deposit and return its address; again, the same address.

    Raises `RailDown` when the rail cannot be asked: nothing was charged.
    """
    with transaction() as session:
        deposit = of(session, deposit_id)
    if deposit.origin is not DepositOrigin.CHECKOUT:
        raise ValueError("what a saved card is charged for is never paid on a page as well")
    if deposit.stripe_checkout_url:
        return deposit.stripe_checkout_url
    opened = rail.open_checkout(
        deposit.amount, reference=deposit.reference, title=title, back_to=back_to
    )
    with transaction() as session:
        found = of(session, deposit_id, lock=True)
        found.stripe_checkout_id = found.stripe_checkout_id or opened.id
        found.stripe_checkout_url = found.stripe_checkout_url or opened.url
    return opened.url


def reread(deposit_id: int, rail: CheckoutRail) -> Deposit:
    """Read the checkout of an undecided deposit again and record what it says."""
    with transaction() as session:
        deposit = of(session, deposit_id)
    if deposit.state is DepositState.PAID or deposit.stripe_checkout_id is None:
        return deposit
    try:
        found = rail.checkout(deposit.stripe_checkout_id)
    except ForeignMoney as foreign:
        with transaction() as session:
            return _note_unclear(session, deposit_id, str(foreign), at=now())
    with transaction() as session:
        return record(session, deposit_id, found, at=now())


def record(session: Session, deposit_id: int, found: Checkout, *, at: datetime) -> Deposit:
    """Record what a checkout says; a paid one is booked once."""
    deposit = of(session, deposit_id, lock=True)
    if deposit.state is DepositState.PAID:
        return deposit
    deposit.read_at = at
    deposit.method = found.method or deposit.method
    if found.state != "paid":
        _go_on(session, deposit, DepositState(found.state))
    elif found.amount != deposit.amount or found.fee is None:
        # Paid, but not as asked (another amount, or converted): a person looks before it counts.
        deposit.state = DepositState.UNCLEAR
        deposit.trouble = f"paid {found.amount.minor} {found.amount.currency}, fee {found.fee}"
    else:
        _book(session, deposit, found, found.fee, at)
        deposit.stripe_charge_id = found.charge_id
    return deposit


def _note_unclear(session: Session, deposit_id: int, trouble: str, *, at: datetime) -> Deposit:
    """Leave a payment to a person; nothing is booked by it."""
    deposit = of(session, deposit_id, lock=True)
    if deposit.state is not DepositState.PAID:
        deposit.state, deposit.trouble, deposit.read_at = DepositState.UNCLEAR, trouble, at
    return deposit


def of(session: Session, deposit_id: int, *, lock: bool = False) -> Deposit:
    """Return a deposit, or raise `NotFound`."""
    found = session.get(Deposit, deposit_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound
    return found


def to_reread(session: Session, at: datetime, limit: int = 100) -> list[int]:
    """Return deposits that are undecided and were not read for a while, oldest first."""
    read_at = col(Deposit.read_at)
    question = (
        select(Deposit.id)
        .where(
            col(Deposit.state).in_(UNDECIDED),
            col(Deposit.stripe_checkout_id).is_not(None),
            Deposit.opened_at < at - REREAD_AFTER,
            or_(read_at.is_(None), read_at < at - REREAD_AFTER),
        )
        .order_by(read_at.nulls_first())
        .limit(limit)
    )
    return [deposit_id for deposit_id in session.exec(question) if deposit_id is not None]


def forget_unopened(session: Session, at: datetime) -> int:
    """Close deposits whose checkout nobody was ever led to; return how many."""
    question = select(Deposit).where(
        Deposit.state == DepositState.OPEN,
        Deposit.origin == DepositOrigin.CHECKOUT,
        col(Deposit.stripe_checkout_id).is_(None),
        Deposit.opened_at < at - FORGET_AFTER,
    )
    rows = session.exec(
        question.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).all()
    for row in rows:
        row.state = DepositState.EXPIRED
    return len(rows)


def _check_amount(amount: Money) -> None:
    least, most = policy.least_deposit(amount.currency), policy.most_deposit(amount.currency)
    if amount < least:
        raise TooSmall(least=formats.money(least))
    if amount > most:
        raise TooLarge(most=formats.money(most))
    step = policy.deposit_step(amount.currency)
    if amount.minor % step.minor:
        raise NotInSteps(step=formats.money(step))


def _go_on(session: Session, deposit: Deposit, state: DepositState) -> None:
    """Follow a checkout that is not paid; a payment that fails days later is told by letter."""
    was_told_to_wait = deposit.state is DepositState.PROCESSING
    deposit.state = state
    if state is not DepositState.FAILED or not was_told_to_wait:
        return
    audit.record(session, "deposit.failed", by=None, subject=f"deposit:{deposit.id}")
    payer = session.get(User, deposit.opened_by) if deposit.opened_by else None
    if payer is not None:
        budget = budgets.of(session, deposit.project_id)
        messages.write(
            session, to=payer, template="payouts/deposit_failed", deposit=deposit, budget=budget
        )


def _book(session: Session, deposit: Deposit, found: Checkout, fee: Money, at: datetime) -> None:
    """Credit the budget with all of it; the rail's fee is the platform's, and stands apart."""
    # Without its charge nobody could read later that it has settled.
    is_settled = found.is_settled or found.charge_id is None
    held = charges.purse(deposit.currency, is_settled=is_settled)
    entries = [
        ledger.Entry(
            "amount", held, ledger.budget(deposit.project_id, deposit.currency), deposit.amount
        )
    ]
    if fee:
        entries.append(ledger.Entry("rail-fee", ledger.rail_fees(deposit.currency), held, fee))
    charges.keep(session, deposit, found, fee, at=at)
    ledger.post(
        session,
        f"deposit:{deposit.id}:paid",
        entries,
        at=at,
        narration="budget funded",
        cause=f"deposit:{deposit.id}",
    )
    deposit.state, deposit.fee_minor, deposit.paid_at = DepositState.PAID, fee.minor, at
    budgets.of(session, deposit.project_id).warned_days = None
    audit.record(session, "deposit.paid", by=None, subject=f"deposit:{deposit.id}")
    webhooks.emit(
        session,
        budgets.of(session, deposit.project_id).organisation_id,
        "budget.funded",
        {
            "project_id": deposit.project_id,
            "deposit_id": deposit.id,
            "amount_minor": deposit.amount_minor,
            "currency": deposit.currency,
        },
    )
    payer = session.get(User, deposit.opened_by) if deposit.opened_by else None
    if payer is not None and deposit.origin is DepositOrigin.CHECKOUT:
        budget = budgets.of(session, deposit.project_id)
        messages.write(
            session, to=payer, template="payouts/deposit_paid", deposit=deposit, budget=budget
        )
