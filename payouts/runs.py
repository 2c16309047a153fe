"""Payout runs: who would be paid how much, who not and why; then the same, made.

A run is a row first. Each of its payouts is made in a transaction of its own with the run's row
locked, so a run that is killed is taken up where it stood, and nobody is in it twice.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

import sqlalchemy
from sqlalchemy import case, func, literal
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import attributes
from sqlmodel import Session, col, or_, select

from core import audit, jobs
from core.clock import now
from core.db import transaction
from core.errors import NotFound
from core.money import Money
from core.settings import current_settings
from payouts import approvals, payout_stops, policy, requests
from payouts.models import (
    OPEN_STATES,
    Account,
    AccountKind,
    Payee,
    PayeeState,
    Payout,
    PayoutHold,
    Rhythm,
)
from payouts.run_models import ApprovalCause, PayoutApproval, PayoutInRun, PayoutRun, RunState

# Which currencies are not paid in at the moment.
STOPPED: list[Callable[[Session], Collection[str]]] = [payout_stops.currencies]


class Verdict(StrEnum):
    """What becomes of what is owed to an expert in one currency."""

    PAID = "paid"
    APPROVAL = "approval"
    ACCOUNT = "account"
    WITHHELD = "withheld"
    IN_HAND = "in_hand"
    ON_DEMAND = "on_demand"
    TOO_LITTLE = "too_little"
    THIS_WEEK = "this_week"
    DRIFT = "drift"
    OTHER_DAY = "other_day"


MADE = (Verdict.PAID, Verdict.APPROVAL, Verdict.ACCOUNT)


@dataclass(frozen=True)
class Sum:
    """How many payouts, and what they come to."""

    count: int
    amount: Money


@dataclass
class Plan:
    """What a run would do in one currency, against what Stripe has available."""

    currency: str
    sums: dict[Verdict, Sum] = field(default_factory=dict)
    available: Money | None = None

    @property
    def made(self) -> Sum:
        """All payouts that would be made."""
        return self._of(MADE)

    @property
    def sent(self) -> Sum:
        """Those that would leave at once."""
        return self._of((Verdict.PAID,))

    @property
    def short(self) -> Money | None:
        """What Stripe lacks for those that would leave at once; None when it is enough."""
        if self.available is None or self.sent.amount <= self.available:
            return None
        return self.sent.amount - self.available

    @property
    def run_limit(self) -> Money | None:
        """The limit for a run that this plan is over, if it is."""
        most = approvals.most_of_run(self.currency)
        return most if most is not None and self.made.amount > most else None

    def _of(self, verdicts: Collection[Verdict]) -> Sum:
        found = [one for verdict, one in self.sums.items() if verdict in verdicts]
        minor = sum(one.amount.minor for one in found)
        return Sum(sum(one.count for one in found), Money(minor, self.currency))


def lines(session: Session, at: datetime, verdict: str | None = None) -> Any:
    """Return the question who is owed what and what becomes of it, for a page of it."""
    found = _verdicts(session, at).subquery()
    question = select(found).order_by(found.c.account_id)
    return question.where(found.c.verdict == verdict) if verdict else question


def plans(session: Session, at: datetime, *, by_clock: bool = False) -> list[Plan]:
    """Return what a run would do, by currency; the clock pays only those whose payday it is."""
    found = _verdicts(session, at, by_clock=by_clock).subquery()
    question = select(
        found.c.currency, found.c.verdict, func.count(), func.sum(found.c.amount)
    ).group_by(found.c.currency, found.c.verdict)
    by_code: dict[str, Plan] = {}
    for code, verdict, count, minor in session.exec(question.order_by(found.c.currency)):
        plan = by_code.setdefault(code, Plan(code))
        plan.sums[Verdict(verdict)] = Sum(count, Money(int(minor), code))
    return list(by_code.values())


def begin(session: Session, *, key: str, by: int | None, at: datetime) -> PayoutRun:
    """Begin a run, or return the one that the same form began, or the one that is at work."""
    planned = {
        plan.currency: {"planned": plan.made.amount.minor, "count": 0, "minor": 0}
        for plan in plans(session, at, by_clock=by is None)
        if plan.made.count
    }
    made = session.execute(
        insert(PayoutRun)
        .values(request_key=key, begun_by=by, begun_at=at, totals=planned, state=RunState.MAKING)
        .on_conflict_do_nothing()
        .returning(col(PayoutRun.id))
    ).first()
    if made is None:
        same = or_(PayoutRun.request_key == key, PayoutRun.state == RunState.MAKING)
        by_key = (col(PayoutRun.request_key) == key).desc()
        found = session.exec(select(PayoutRun).where(same).order_by(by_key)).first()
        if found is None:
            raise NotFound
        return found
    run = session.get_one(PayoutRun, made[0])
    audit.record(session, "payout_run.begun", by=by, subject=f"payout_run:{run.id}")
    defer(session, run.id or 0)
    return run


def begin_by_clock(at: datetime) -> int | None:
    """Begin the run of those whose payday it is, if anybody is due; return its number."""
    with transaction() as session:
        if not any(plan.made.count for plan in plans(session, at, by_clock=True)):
            return None
        return begin(session, key=uuid4().hex, by=None, at=at).id


def defer(session: Session, run_id: int) -> None:
    """Let a job make the payouts of a run."""
    lock = f"payout_run:{run_id}"
    jobs.defer(session, "payouts.make_run", queue="money", queueing_lock=lock, run_id=run_id)


def unfinished(session: Session) -> list[int]:
    """Return the run that still makes payouts, if there is one."""
    found = session.exec(select(PayoutRun.id).where(PayoutRun.state == RunState.MAKING))
    return [run_id for run_id in found if run_id is not None]


def make(run_id: int) -> int:
    """Make the payouts of a run, each in its own transaction; return how many were made."""
    count = 0
    with transaction() as session:
        run = session.get(PayoutRun, run_id)
        if run is None or run.state is not RunState.MAKING:
            return 0
        found = _verdicts(session, now(), by_clock=run.begun_by is None).subquery()
        question = select(found.c.expert_id, found.c.currency).where(found.c.verdict.in_(MADE))
        due = list(session.exec(question.order_by(found.c.account_id)))
    for expert_id, currency in due:
        with transaction() as session:
            count += _make_one(session, run_id, expert_id, currency) is not None
    with transaction() as session:
        _finish(session, run_id)
    return count


def _make_one(session: Session, run_id: int, expert_id: int, currency: str) -> Payout | None:
    at = now()
    run = session.get_one(PayoutRun, run_id, with_for_update=True, populate_existing=True)
    if run.state is not RunState.MAKING:
        return None
    payout = requests.weekly(session, expert_id, currency, at=at, is_early=run.begun_by is not None)
    if payout is None:
        return None
    session.add(PayoutInRun(payout_id=payout.id or 0, run_id=run_id))
    nothing = {"planned": 0, "count": 0, "minor": 0}
    total = run.totals.setdefault(currency, nothing)
    total["count"] += 1
    total["minor"] += payout.amount_minor
    attributes.flag_modified(run, "totals")
    asked = approvals.ask_if_over(session, payout, by=run.begun_by, run_id=run_id, at=at)
    most = approvals.most_of_run(currency)
    if asked is None and most is not None and max(total["planned"], total["minor"]) > most.minor:
        cause = ApprovalCause.RUN
        approvals.ask(session, payout, cause, most, by=run.begun_by, run_id=run_id, at=at)
    return payout


def _finish(session: Session, run_id: int) -> None:
    run = session.get_one(PayoutRun, run_id, with_for_update=True, populate_existing=True)
    if run.state is not RunState.MAKING:
        return
    run.state, run.made_at = RunState.MADE, now()
    audit.record(session, "payout_run.made", by=None, subject=f"payout_run:{run_id}")
    total: Any = func.sum(col(PayoutApproval.amount_minor))
    question = (
        select(col(PayoutApproval.currency), func.count(), total)
        .where(PayoutApproval.run_id == run_id, PayoutApproval.cause == ApprovalCause.RUN)
        .group_by(col(PayoutApproval.currency))
    )
    for code, count, minor in session.exec(question):
        amount = Money(int(minor), code)
        approvals.tell_operators(session, amount, count, barred={run.begun_by})


def _verdicts(session: Session, at: datetime, *, by_clock: bool = False) -> Any:
    """Ask the database what becomes of each amount that is owed."""
    theirs = (Payout.expert_id == Account.owner_id) & (Payout.currency == Account.currency)
    is_open = select(Payout.id).where(theirs, col(Payout.state).in_(OPEN_STATES)).exists()
    is_held = select(PayoutHold.id).where(
        PayoutHold.expert_id == Account.owner_id, col(PayoutHold.lifted_at).is_(None)
    )
    this_week = select(Payout.id).where(theirs, Payout.rhythm == Rhythm.WEEKLY)
    weeks = {day: policy.pay_week(at, day) for day in policy.PAYDAYS if policy.is_payday(at, day)}
    payday = func.coalesce(col(Payee.payday), policy.PAYDAY)
    was_paid = or_(
        *(
            (payday == day) & this_week.where(Payout.week == week).exists()
            for day, week in weeks.items()
        ),
        literal(False),
    )
    code, balance = col(Account.currency), col(Account.balance)
    least = case(*((code == key, one.least_payout) for key, one in policy.CURRENCIES.items()))
    step = case(*((code == key, one.step) for key, one in policy.CURRENCIES.items()))
    amount = balance - func.mod(balance, step)
    most = current_settings().payout_limits
    is_over = or_(
        *((code == key) & (amount > minor) for key, minor in most.items()), literal(False)
    )
    stopped = {key for ask in STOPPED for key in ask(session)}
    rows: list[tuple[Any, Verdict]] = [
        (is_held.exists(), Verdict.WITHHELD),
        (is_open, Verdict.IN_HAND),
        (Payee.rhythm == Rhythm.ON_DEMAND, Verdict.ON_DEMAND),
        (amount < least, Verdict.TOO_LITTLE),
        (code.in_(stopped), Verdict.DRIFT),
        (col(Payee.state).is_distinct_from(PayeeState.ACTIVE), Verdict.ACCOUNT),
        (is_over, Verdict.APPROVAL),
    ]
    rows.insert(4, (was_paid, Verdict.THIS_WEEK))
    if by_clock:
        rows.insert(4, (payday.not_in(list(weeks)), Verdict.OTHER_DAY))
    verdict = case(*rows, else_=Verdict.PAID)
    return (
        sqlalchemy.select(
            col(Account.id).label("account_id"),
            col(Account.owner_id).label("expert_id"),
            code.label("currency"),
            balance.label("owed"),
            amount.label("amount"),
            verdict.label("verdict"),
        )
        .outerjoin(Payee, col(Payee.expert_id) == col(Account.owner_id))
        .where(
            col(Account.kind) == AccountKind.EXPERT_OWED, balance > 0, code.in_(policy.CURRENCIES)
        )
    )
