"""Automatic top-ups: a saved card is charged when a budget runs low, as its owner has agreed.

Each charge is a `Deposit` under a name of its own, made while the agreement is held, so that no
second sweep, crash or lost answer charges twice; it is looked up before it is asked for again.
A card that says no ends the agreement: nobody is charged by trying.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, and_, col, or_, select

from accounts import organisations
from accounts.models import User
from core import audit, formats, jobs, messages, once
from core.clock import now
from core.db import transaction
from core.errors import Invalid, NotFound
from core.money import Money
from core.ports import CardSetup, Checkout, PayoutRefused, RailDown, SavedCardRail
from payouts import budgets, deposits, forecast, policy
from payouts.models import (
    Account,
    AccountKind,
    Deposit,
    DepositOrigin,
    DepositState,
    ProjectBudget,
    Reservation,
)
from payouts.topup_models import AutoTopUp, TopUpEnd, TopUpState

REREAD_AFTER = timedelta(minutes=2)
TAKE_UP_AFTER = timedelta(minutes=1)
LOOK_AT_PACE_AFTER = timedelta(minutes=15)
LOOK_UP_REFUSED_AFTER = timedelta(days=1)
LOOK_UP_REFUSED_FOR = timedelta(days=30)
NOT_TOLD = "look-up refused: "  # how the trouble of a charge begins that the rail does not show
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(7220171, :project_id)")
COUNTED = (
    DepositState.OPEN,
    DepositState.PROCESSING,
    DepositState.PAID,
    DepositState.UNCLEAR,
)


class MonthTooSmall(Invalid):
    """The most in a month cannot be less than one charge."""


@dataclass(frozen=True)
class Terms:
    """When a card is charged, how much each time, and how much in a month at most."""

    below: Money
    amount: Money
    month_most: Money
    days: int | None = None


def agree(
    session: Session, budget: ProjectBudget, asked: Terms, *, key: str, by: User, at: datetime
) -> AutoTopUp:
    """Store what an owner agrees to; it counts once a card is saved. The same form counts once."""
    if budget.closed_at is not None:
        raise budgets.BudgetClosed
    if asked.month_most < asked.amount:
        raise MonthTooSmall
    terms = {
        "project_id": budget.project_id,
        "below_minor": asked.below.minor,
        "amount_minor": asked.amount.minor,
        "month_minor": asked.month_most.minor,
        "days_least": asked.days,
        "currency": budget.currency,
    }
    made = session.execute(
        insert(AutoTopUp)
        .values(
            state=TopUpState.SETTING_UP,
            words=agreement(asked),
            request_key=key,
            agreed_by=by.id,
            agreed_at=at,
            **terms,
        )
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(col(AutoTopUp.id))
    ).first()
    found = session.exec(select(AutoTopUp).where(AutoTopUp.request_key == key)).one()
    if any(getattr(found, name) != value for name, value in terms.items()):
        raise deposits.UsedForm
    if made:
        _record(session, found, "agreed", by.id, **terms)
    return found


def agreement(asked: Terms) -> str:
    """Return in words what an owner agrees to."""
    amounts = {
        "below": formats.money(asked.below),
        "amount": formats.money(asked.amount),
        "most": formats.money(asked.month_most),
    }
    if asked.days is None:
        return str(
            _(
                "When less than %(below)s of the budget is available, my card is charged %(amount)s"
                " without asking me again, in a calendar month at most %(most)s in all. I get a"
                " letter for each charge, and I can turn this off at any time.",
                **amounts,
            )
        )
    words = ngettext(
        "When less than %(below)s of the budget is available, or what is left lasts less than one"
        " day at the pace of late, my card is charged %(amount)s without asking me again, in a"
        " calendar month at most %(most)s in all. I get a letter for each charge, and I can turn"
        " this off at any time.",
        "When less than %(below)s of the budget is available, or what is left lasts less than"
        " %(num)s days at the pace of late, my card is charged %(amount)s without asking me again,"
        " in a calendar month at most %(most)s in all. I get a letter for each charge, and I can"
        " turn this off at any time.",
        asked.days,
        **amounts,
    )
    return str(words)


def begin(topup_id: int, rail: SavedCardRail, *, name: str, email: str, back_to: str) -> str:
    """Open the page where the card is saved, and return its address; again, the same address."""
    with transaction() as session:
        row = of(session, topup_id)
    if row.stripe_setup_url:
        return row.stripe_setup_url
    opened = rail.open_card_setup(reference=row.reference, name=name, email=email, back_to=back_to)
    with transaction() as session:
        found = of(session, topup_id, lock=True)
        found.stripe_setup_id = found.stripe_setup_id or opened.id
        found.stripe_setup_url = found.stripe_setup_url or opened.url
        found.stripe_customer_id = found.stripe_customer_id or opened.customer_id
    return opened.url


def reread(topup_id: int, rail: SavedCardRail) -> AutoTopUp:
    """Read again whether the card was saved, and record it; a rail that refuses to say ends it."""
    with transaction() as session:
        row = of(session, topup_id)
    if row.state is not TopUpState.SETTING_UP or row.stripe_setup_id is None:
        return row
    try:
        found = rail.card_setup(row.stripe_setup_id)
    except PayoutRefused:
        with transaction() as session:
            row = of(session, topup_id, lock=True)
            if row.state is TopUpState.SETTING_UP:
                _end_untold(session, row, None, at=now())
            return row
    with transaction() as session:
        return record_setup(session, topup_id, found, at=now())


def record_setup(session: Session, topup_id: int, found: CardSetup, *, at: datetime) -> AutoTopUp:
    """Record what the page says; with a card saved, the agreement replaces an earlier one."""
    project_id = of(session, topup_id).project_id
    session.execute(ONE_AT_A_TIME, {"project_id": project_id})
    row = of(session, topup_id, lock=True)
    if row.state is not TopUpState.SETTING_UP:
        return row
    row.read_at = at
    if found.state == "expired":
        _end(session, row, TopUpEnd.NOT_FINISHED, by=None, at=at)
    elif found.state == "complete" and found.card is not None:
        earlier = current(session, row.project_id)
        if earlier is not None:
            _end(session, earlier, TopUpEnd.REPLACED, by=row.agreed_by, at=at)
            session.flush()  # of one project one is on
        row.stripe_customer_id = row.stripe_customer_id or found.customer_id
        row.stripe_card_id, row.card_brand = found.card.id, found.card.brand
        row.card_last4, row.card_expires = found.card.last4, found.card.expires
        row.state, row.on_at = TopUpState.ON, at
        _record(session, row, "on", row.agreed_by, card=found.card.last4)
        _write(session, row, "payouts/topup_on")
        session.flush()
        look(session, row)
    return row


def turn_off(session: Session, project_id: int, *, by: User, at: datetime) -> AutoTopUp | None:
    """Charge the card no more; what was charged before may still arrive. Again changes nothing."""
    row = latest(session, project_id, lock=True)
    if row is not None and row.state is not TopUpState.OFF:
        _end(session, row, TopUpEnd.OWNER, by=by.id, at=at)
    other = current(session, project_id)  # a new agreement may be half-way beside it
    if other is not None:
        _end(session, other, TopUpEnd.OWNER, by=by.id, at=at)
    return row


def due(session: Session, at: datetime, limit: int = 500) -> list[int]:
    """Return agreements that may have something to do: little money, or a pace to look at."""
    account = and_(
        col(Account.kind) == AccountKind.PROJECT_BUDGET,
        col(Account.owner_id) == col(AutoTopUp.project_id),
        col(Account.currency) == col(AutoTopUp.currency),
    )
    question = (
        select(AutoTopUp)
        .join(Account, account, isouter=True)
        .join(ProjectBudget, col(ProjectBudget.project_id) == col(AutoTopUp.project_id))
        .where(
            AutoTopUp.state == TopUpState.ON,
            or_(
                func.coalesce(col(Account.balance), 0)
                < func.greatest(col(AutoTopUp.below_minor), _last_cost()),
                col(ProjectBudget.closed_at).is_not(None),
                and_(
                    col(AutoTopUp.days_least).is_not(None),
                    or_(
                        col(AutoTopUp.paced_at).is_(None),
                        col(AutoTopUp.paced_at) <= at - LOOK_AT_PACE_AFTER,
                    ),
                ),
            ),
        )
        .order_by(col(AutoTopUp.paced_at).nulls_first(), col(AutoTopUp.id))
        .limit(limit)
    )
    return [row.id or 0 for row in session.exec(question)]


def consider(session: Session, topup_id: int, *, at: datetime) -> str:
    """Begin a charge when a budget needs one and the agreement allows it; say what was done."""
    row = of(session, topup_id, lock=True)
    if row.state is not TopUpState.ON:
        return "off"
    budget = budgets.of(session, row.project_id)
    if budget.closed_at is not None:
        _end(session, row, TopUpEnd.CLOSED, by=None, at=at)
        return "closed"
    stopped = _settle(session, row, at)
    if stopped:
        return stopped
    if budget.frozen_at is not None:
        return "frozen"  # a payment of it is disputed
    is_enough = budgets.available(session, row.project_id).minor >= _needed(session, row)
    if is_enough and not _runs_out(session, row, budget, at):
        return "enough"
    if charged_in_month(session, row.project_id, at) + row.amount > row.month_most:
        return _tell_most(session, row, at)
    deposit = deposits.open(
        session,
        row.project_id,
        row.amount,
        key=once.new_key(),
        by=row.agreed_by,
        at=at,
        auto_topup_id=row.id,
    )
    _defer_charge(session, deposit)
    return f"deposit {deposit.id} begun"


def look(session: Session, row: AutoTopUp) -> None:
    """Let a job consider an agreement soon."""
    jobs.defer(
        session,
        "payouts.consider_top_up",
        queue="money",
        queueing_lock=f"top-up:{row.id}",
        topup_id=row.id,
    )


def charge(deposit_id: int, rail: SavedCardRail) -> str:
    """Charge the card for one deposit, or find out what became of it; any number of times."""
    with transaction() as session:
        deposit = deposits.of(session, deposit_id)
        row = of(session, deposit.auto_topup_id or 0)
        title = budgets.of(session, deposit.project_id).title
    if deposit.state is DepositState.PAID:
        return "paid"
    try:
        found = _look_up(deposit, row, rail)
    except RailDown as trouble:
        return f"the rail cannot be asked: {trouble}"  # the sweep takes it up again
    except PayoutRefused as refusal:
        with transaction() as session:
            return _record_untold(session, deposit_id, refusal, at=now())
    try:
        found = found or _ask(deposit, row, rail, title)
    except RailDown as trouble:
        return f"the rail cannot be asked: {trouble}"
    except PayoutRefused as refusal:  # of the charge itself: nothing was charged
        found = Checkout("", "", "failed", deposit.amount, trouble=refusal.code)
    with transaction() as session:
        return _record_charge(session, deposit_id, found, at=now())


def to_take_up(session: Session, at: datetime, limit: int = 200) -> list[int]:
    """Return charges that nobody has heard the end of for a while.

    Those that the rail refused to show are asked about once a day for a month.
    """
    old = at - TAKE_UP_AFTER
    read_at = col(Deposit.read_at)
    undecided = and_(
        col(Deposit.state).in_(deposits.UNDECIDED), or_(read_at.is_(None), read_at < old)
    )
    untold = and_(
        col(Deposit.state) == DepositState.UNCLEAR,
        col(Deposit.trouble).startswith(NOT_TOLD),
        read_at < at - LOOK_UP_REFUSED_AFTER,
        Deposit.opened_at > at - LOOK_UP_REFUSED_FOR,
    )
    question = select(Deposit.id).where(
        Deposit.origin == DepositOrigin.TOP_UP, Deposit.opened_at < old, or_(undecided, untold)
    )
    found = session.exec(question.order_by(col(Deposit.id)).limit(limit))
    return [deposit_id for deposit_id in found if deposit_id is not None]


def to_reread(session: Session, at: datetime, limit: int = 200) -> list[int]:
    """Return agreements whose card may have been saved; those that nobody was led to are ended."""
    for row in _unopened(session, at):
        _end(session, row, TopUpEnd.NOT_FINISHED, by=None, at=at)
    read_at = col(AutoTopUp.read_at)
    question = select(AutoTopUp.id).where(
        AutoTopUp.state == TopUpState.SETTING_UP,
        col(AutoTopUp.stripe_setup_id).is_not(None),
        AutoTopUp.agreed_at < at - REREAD_AFTER,
        or_(read_at.is_(None), read_at < at - REREAD_AFTER),
    )
    found = session.exec(question.order_by(read_at.nulls_first()).limit(limit))
    return [topup_id for topup_id in found if topup_id is not None]


def to_forget(session: Session, limit: int = 100) -> list[int]:
    """Return ended agreements whose card is still kept at the rail, with no charge under way."""
    under_way = select(Deposit.auto_topup_id).where(
        Deposit.origin == DepositOrigin.TOP_UP, col(Deposit.state).in_(deposits.UNDECIDED)
    )
    question = select(AutoTopUp.id).where(
        AutoTopUp.state == TopUpState.OFF,
        col(AutoTopUp.stripe_card_id).is_not(None),
        col(AutoTopUp.card_forgotten_at).is_(None),
        col(AutoTopUp.id).not_in(under_way),
    )
    found = session.exec(question.order_by(col(AutoTopUp.id)).limit(limit))
    return [topup_id for topup_id in found if topup_id is not None]


def forget_card(topup_id: int, rail: SavedCardRail) -> str:
    """Take the card of an ended agreement away from the rail."""
    with transaction() as session:
        row = of(session, topup_id)
    if row.state is not TopUpState.OFF or not row.stripe_card_id or row.card_forgotten_at:
        return "nothing to forget"
    try:
        rail.forget_card(row.stripe_card_id)
        done = "forgotten"
    except PayoutRefused as refusal:
        done = f"not there: {refusal.code}"
    with transaction() as session:
        of(session, topup_id, lock=True).card_forgotten_at = now()
    return done


def of(session: Session, topup_id: int, *, lock: bool = False) -> AutoTopUp:
    """Return an agreement, or raise `NotFound`."""
    found = session.get(AutoTopUp, topup_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound
    return found


def current(session: Session, project_id: int) -> AutoTopUp | None:
    """Return the agreement that is on, locked, if there is one."""
    question = select(AutoTopUp).where(
        AutoTopUp.project_id == project_id, AutoTopUp.state == TopUpState.ON
    )
    return session.exec(
        question.with_for_update().execution_options(populate_existing=True)
    ).first()


def latest(session: Session, project_id: int, *, lock: bool = False) -> AutoTopUp | None:
    """Return the agreement that an owner sees: the last one that was begun."""
    question = select(AutoTopUp).where(AutoTopUp.project_id == project_id)
    question = question.order_by(col(AutoTopUp.id).desc()).limit(1)
    if lock:
        question = question.with_for_update().execution_options(populate_existing=True)
    return session.exec(question).first()


def is_on(session: Session, project_id: int) -> AutoTopUp | None:
    """Return the agreement that is on, to be shown."""
    question = select(AutoTopUp).where(
        AutoTopUp.project_id == project_id, AutoTopUp.state == TopUpState.ON
    )
    return session.exec(question).first()


def charged_in_month(session: Session, project_id: int, at: datetime) -> Money:
    """What cards were charged for a project in a calendar month (UTC), with what is under way."""
    begins = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    question = select(func.coalesce(func.sum(Deposit.amount_minor), 0)).where(
        Deposit.project_id == project_id,
        Deposit.origin == DepositOrigin.TOP_UP,
        col(Deposit.state).in_(COUNTED),
        Deposit.opened_at >= begins,
    )
    return Money(int(session.exec(question).one()), budgets.of(session, project_id).currency)


def _look_up(deposit: Deposit, row: AutoTopUp, rail: SavedCardRail) -> Checkout | None:
    assert row.stripe_customer_id is not None
    return rail.find_saved_charge(
        customer_id=row.stripe_customer_id,
        reference=deposit.reference,
        since=deposit.opened_at,
    )


def _ask(deposit: Deposit, row: AutoTopUp, rail: SavedCardRail, title: str) -> Checkout | None:
    """Ask for a charge that the rail does not know, while it is still wanted and in time."""
    wanted = deposit.state is DepositState.OPEN and row.state is TopUpState.ON
    if not wanted or not policy.key_lives(deposit.opened_at, now()):
        return None
    assert row.stripe_customer_id is not None
    assert row.stripe_card_id is not None
    return rail.charge_saved(
        deposit.amount,
        customer_id=row.stripe_customer_id,
        card_id=row.stripe_card_id,
        reference=deposit.reference,
        title=title,
    )


def _record_untold(
    session: Session, deposit_id: int, refusal: PayoutRefused, *, at: datetime
) -> str:
    """Record that the rail does not say what became of a charge: a person has to look."""
    row = of(session, deposits.of(session, deposit_id).auto_topup_id or 0, lock=True)
    deposit = deposits.of(session, deposit_id, lock=True)
    if deposit.state is DepositState.PAID:
        return "paid"
    deposit.read_at = at
    if deposit.state in deposits.UNDECIDED:
        deposit.state, deposit.trouble = DepositState.UNCLEAR, NOT_TOLD + refusal.code
        audit.record(session, "deposit.untold", by=None, subject=f"deposit:{deposit.id}")
        _end_untold(session, row, deposit, at=at)
    return str(deposit.state)


def _end_untold(session: Session, row: AutoTopUp, deposit: Deposit | None, *, at: datetime) -> None:
    if row.state is not TopUpState.OFF:
        _end(session, row, TopUpEnd.NOT_TOLD, by=None, at=at)
    _write(session, row, "payouts/topup_untold", deposit=deposit)


def _record_charge(
    session: Session, deposit_id: int, found: Checkout | None, *, at: datetime
) -> str:
    row = of(session, deposits.of(session, deposit_id).auto_topup_id or 0, lock=True)
    deposit = deposits.of(session, deposit_id, lock=True)
    if found is None:  # it never reached the rail, and is not asked for any more
        deposit.read_at = at
        is_untold = (deposit.trouble or "").startswith(NOT_TOLD)
        is_asked = deposit.state is DepositState.OPEN or is_untold
        if is_asked and _is_over(deposit, row, at):
            deposit.state = DepositState.EXPIRED
        return str(deposit.state)
    before = deposit.state
    deposits.record(session, deposit_id, found, at=at)
    if deposit.state is DepositState.FAILED:
        deposit.trouble = found.trouble
    if deposit.state is DepositState.PAID and before is not DepositState.PAID:
        _write(session, row, "payouts/topped_up", deposit=deposit)
    session.flush()
    if row.state is TopUpState.ON:
        _settle(session, row, at)
    return str(deposit.state)


def _is_over(deposit: Deposit, row: AutoTopUp, at: datetime) -> bool:
    """Return whether no answer to an earlier question can still be on its way."""
    asked_until = deposit.opened_at + policy.KEY_LIFE
    if row.ended_at is not None:
        asked_until = min(asked_until, max(row.ended_at, deposit.opened_at))
    return at > asked_until + policy.ANSWER_TIME


def _settle(session: Session, row: AutoTopUp, at: datetime) -> str:
    """End an agreement whose last charge was refused; say why nothing more is charged now."""
    question = select(Deposit).where(Deposit.auto_topup_id == row.id)
    last = session.exec(question.order_by(col(Deposit.id).desc()).limit(1)).first()
    if last is None or last.state in (DepositState.PAID, DepositState.EXPIRED):
        return ""
    if last.state in deposits.UNDECIDED:
        return "under way"
    if last.state is DepositState.UNCLEAR:
        why = TopUpEnd.UNCLEAR
    elif last.trouble == "authentication_required":
        why = TopUpEnd.AUTHENTICATION
    else:
        why = TopUpEnd.DECLINED
    _end(session, row, why, by=None, at=at)
    _write(session, row, "payouts/topup_stopped", deposit=last)
    return "ended"


def _tell_most(session: Session, row: AutoTopUp, at: datetime) -> str:
    """Tell once in a month that the most has been charged."""
    month = date(at.year, at.month, 1)
    if row.told_month != month:
        row.told_month = month
        _write(session, row, "payouts/topup_most")
    return "the most of this month is charged"


def _runs_out(session: Session, row: AutoTopUp, budget: ProjectBudget, at: datetime) -> bool:
    """Return whether what is left lasts less than was agreed, at the pace of late."""
    if row.days_least is None:
        return False
    row.paced_at = at
    left = forecast.of(session, budget, at=at).days_left(at)
    return left is not None and left < row.days_least


def _needed(session: Session, row: AutoTopUp) -> int:
    """Below what the card is charged: never below what one more task costs, or work would stop."""
    question = select(_last_cost()).select_from(AutoTopUp).where(AutoTopUp.id == row.id)
    return max(row.below_minor, int(session.exec(question).one()))


def _last_cost() -> Any:
    """Select what the last reserved task of an agreement's project took from the budget."""
    last = (
        select(col(Reservation.pay_minor) + col(Reservation.fee_minor))
        .where(Reservation.project_id == AutoTopUp.project_id)
        .order_by(col(Reservation.held_at).desc())
        .limit(1)
        .correlate(AutoTopUp)
        .scalar_subquery()
    )
    return func.coalesce(last, 0)


def _unopened(session: Session, at: datetime) -> Iterable[AutoTopUp]:
    question = select(AutoTopUp).where(
        AutoTopUp.state == TopUpState.SETTING_UP,
        col(AutoTopUp.stripe_setup_id).is_(None),
        AutoTopUp.agreed_at < at - deposits.FORGET_AFTER,
    )
    return session.exec(
        question.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).all()


def _end(session: Session, row: AutoTopUp, why: TopUpEnd, *, by: int | None, at: datetime) -> None:
    row.state, row.ended_for, row.ended_at, row.ended_by = TopUpState.OFF, why, at, by
    session.add(row)
    _record(session, row, "off", by, why=str(why))


def _defer_charge(session: Session, deposit: Deposit) -> None:
    jobs.defer(
        session,
        "payouts.charge_top_up",
        queue="money",
        lock=f"top-up:{deposit.auto_topup_id}",
        queueing_lock=f"charge:{deposit.id}",
        deposit_id=deposit.id,
    )


def _write(session: Session, row: AutoTopUp, template: str, **more: object) -> None:
    """Write to whoever agreed and to the admins of the organisation, each once."""
    budget = budgets.of(session, row.project_id)
    people = {one.id: one for one in organisations.admins(session, budget.organisation_id)}
    agreed = session.get(User, row.agreed_by) if row.agreed_by else None
    members = organisations.members(session, budget.organisation_id)
    if agreed is not None and any(person.id == agreed.id for _membership, person in members):
        people[agreed.id] = agreed
    for person in people.values():
        messages.write(session, to=person, template=template, topup=row, budget=budget, **more)


def _record(session: Session, row: AutoTopUp, act: str, by: int | None, **details: object) -> None:
    audit.record(session, f"topup.{act}", by=by, subject=f"topup:{row.id}", details=details)
