"""Project budgets: money of an owner, set aside before work starts and given back if it does not.

Annotation and projects call this. Each act counts once for its assignment, however often it is
asked for, and a reservation ends in exactly one way: earned (`earnings.earn`) or released.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core.clock import now
from core.errors import Conflict, NotFound
from core.money import Money
from payouts import ledger, policy
from payouts.dispute_models import Dispute
from payouts.models import (
    Deposit,
    DepositState,
    ProjectBudget,
    Reservation,
    ReservationState,
)
from payouts.refund_models import RefundPart, RefundState

# A function of the database (migration 0093), since a claim calls it there as well.
SET_ASIDE = text("""
    select set_aside(:assignment, :project, :expert, :pay, :fee, :code, :round, :at, :noted_at)
""")


class OutOfBudget(Conflict):
    """The project's budget does not cover another task at the moment. Nothing was reserved."""


class Frozen(Conflict):
    """A payment of the owner is disputed, so no new task starts. Work in hand goes on, with pay."""


class OtherTerms(Conflict):
    """The pay of this task was already reserved under other terms."""


class NotReserved(Conflict):
    """The pay of this task is no longer reserved."""


class AlreadyEarned(Conflict):
    """The pay of this task was already credited to the expert, and is not taken back."""


@dataclass(frozen=True)
class Summary:
    """Where the money of a project is; the parts sum to what was funded."""

    funded: Money
    available: Money
    reserved: Money
    spent: Money
    fees: Money

    @property
    def spent_with_fees(self) -> Money:
        """What has left the project for good."""
        return self.spent + self.fees


class BudgetClosed(Conflict):
    """This project is completed, so its budget takes no more money."""


def open(
    session: Session,
    *,
    project_id: int,
    organisation_id: int,
    title: str,
    currency: str,
) -> ProjectBudget:
    """Open the budget of a project; opening it again only renews the title."""
    policy.currency(currency)
    row = {"organisation_id": organisation_id, "currency": currency, "opened_at": now()}
    session.execute(
        insert(ProjectBudget)
        .values(project_id=project_id, title=title, **row)
        .on_conflict_do_update(index_elements=["project_id"], set_={"title": title})
    )
    ledger.open_accounts(
        session,
        [
            ledger.budget(project_id, currency),
            ledger.reserve(project_id, currency),
            ledger.fees(project_id, currency),
        ],
    )
    return of(session, project_id)


def close(session: Session, project_id: int, *, at: datetime) -> None:
    """Take no more money; what is under way is paid, and what is left stays the owner's."""
    session.execute(
        update(ProjectBudget)
        .where(col(ProjectBudget.project_id) == project_id, col(ProjectBudget.closed_at).is_(None))
        .values(closed_at=at)
    )


def of(session: Session, project_id: int) -> ProjectBudget:
    """Return the budget of a project, or raise `NotFound`."""
    found = session.get(ProjectBudget, project_id, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def reserve(
    session: Session,
    project_id: int,
    assignment_id: int,
    pay: Money,
    fee: Money,
    at: datetime,
    *,
    expert_id: int | None = None,
) -> None:
    """Set aside the pay and the fee of an assignment, or raise `OutOfBudget` or `Frozen`.

    With `expert_id` the expert sees the amount among their earnings from now on.
    """
    check_not_frozen(session, project_id)
    row = Reservation(
        assignment_id=assignment_id,
        project_id=project_id,
        expert_id=expert_id,
        pay_minor=pay.minor,
        fee_minor=(pay + fee).minor - pay.minor,
        currency=pay.currency,
        held_at=at,
    )
    is_new = _set_aside(session, row, at)
    if not is_new and held(session, assignment_id).state is ReservationState.RELEASED:
        raise NotReserved


def is_frozen(session: Session, project_id: int) -> bool:
    """Return whether a payment of a project is disputed: no new claims then, and no refunds."""
    question = select(col(ProjectBudget.frozen_at)).where(ProjectBudget.project_id == project_id)
    return session.exec(question).first() is not None


def release(session: Session, project_id: int, assignment_id: int, at: datetime) -> None:
    """Give the pay and the fee of an assignment back to the budget.

    Nothing happens when they were given back before, or never set aside. Raises
    `AlreadyEarned` when the expert has been credited: what is earned is never taken back.
    """
    found = session.get(Reservation, assignment_id, with_for_update=True, populate_existing=True)
    if found is None or found.project_id != project_id:
        return
    if found.state is ReservationState.EARNED:
        raise AlreadyEarned
    _post_release(session, found, at)
    found.state = ReservationState.RELEASED
    found.ended_at = found.ended_at or at


def release_unseen(session: Session, project_id: int, assignment_id: int, at: datetime) -> None:
    """Give back what was set aside for a task that its expert never saw: it is none of theirs."""
    release(session, project_id, assignment_id, at)
    found = session.get(Reservation, assignment_id)
    if found is not None and found.project_id == project_id:
        found.expert_id = None


def reserve_again(session: Session, project_id: int, assignment_id: int, at: datetime) -> None:
    """Set aside once more what was given back, for work that is accepted after all.

    Raises `OutOfBudget` when the budget no longer holds it. What is set aside or earned at
    present is left alone.
    """
    found = held(session, assignment_id)
    if found.state is not ReservationState.RELEASED or found.project_id != project_id:
        return
    found.round += 1
    try:
        _set_aside(session, found, at)
    except OutOfBudget:
        found.round -= 1
        raise
    found.state = ReservationState.HELD
    found.ended_at = None


def held(session: Session, assignment_id: int) -> Reservation:
    """Return the reservation of an assignment, locked, or raise `NotFound`."""
    found = session.get(Reservation, assignment_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def available(session: Session, project_id: int) -> Money:
    """What a project can still reserve."""
    found = of(session, project_id)
    return ledger.balance(session, ledger.budget(project_id, found.currency))


def summary(session: Session, project_id: int) -> Summary:
    """Where the money of a project is."""
    code = of(session, project_id).currency
    return _summaries(session, {project_id: code})[project_id]


def summaries(session: Session, rows: list[ProjectBudget]) -> dict[int, Summary]:
    """Where the money of several projects is, in two questions."""
    return _summaries(session, {row.project_id: row.currency for row in rows})


def together(found: Iterable[Summary]) -> list[Summary]:
    """Add up where the money of several projects is, one sum for each currency."""
    sums: dict[str, Summary] = {}
    for one in found:
        code = one.funded.currency
        so_far = sums.get(code)
        sums[code] = one if so_far is None else _added(so_far, one)
    return [sums[code] for code in sorted(sums)]


def _added(one: Summary, other: Summary) -> Summary:
    return Summary(
        one.funded + other.funded,
        one.available + other.available,
        one.reserved + other.reserved,
        one.spent + other.spent,
        one.fees + other.fees,
    )


def _summaries(session: Session, codes: dict[int, str]) -> dict[int, Summary]:
    purses = [
        make(project_id, code)
        for project_id, code in codes.items()
        for make in (ledger.budget, ledger.reserve, ledger.fees)
    ]
    now_in = ledger.balances(session, purses)
    funded = _funded(session, list(codes))
    found = {}
    for project_id, code in codes.items():
        total = Money(funded.get(project_id, 0), code)
        left = now_in[ledger.budget(project_id, code)]
        reserved = now_in[ledger.reserve(project_id, code)]
        fees = now_in[ledger.fees(project_id, code)]
        found[project_id] = Summary(total, left, reserved, total - left - reserved - fees, fees)
    return found


def _funded(session: Session, project_ids: list[int]) -> dict[int, int]:
    question = (
        select(col(Deposit.project_id), func.sum(Deposit.amount_minor))
        .where(col(Deposit.project_id).in_(project_ids), Deposit.state == DepositState.PAID)
        .group_by(col(Deposit.project_id))
    )
    paid = {project_id: int(total) for project_id, total in session.exec(question)}
    # What a bank took back for good was never the owner's to spend.
    lost = (
        select(col(Dispute.project_id), func.sum(Dispute.borne_minor))
        .where(col(Dispute.project_id).in_(project_ids))
        .group_by(col(Dispute.project_id))
    )
    for project_id, total in [*session.exec(lost), *session.exec(_gone_back(project_ids))]:
        if project_id is not None:
            paid[project_id] = paid.get(project_id, 0) - int(total)
    return paid


def _gone_back(project_ids: list[int]) -> Any:
    """Ask what the rail has taken for refunds, which is no longer the project's."""
    return (
        select(col(RefundPart.project_id), func.sum(RefundPart.amount_minor))
        .where(
            col(RefundPart.project_id).in_(project_ids),
            col(RefundPart.booked_at).is_not(None),
            RefundPart.state != RefundState.FAILED,
        )
        .group_by(col(RefundPart.project_id))
    )


def check_not_frozen(session: Session, project_id: int) -> None:
    """Refuse to spend from a budget while a payment into it is disputed."""
    if is_frozen(session, project_id):
        raise Frozen


def _set_aside(session: Session, row: Reservation, at: datetime) -> bool:
    """Move the pay and the fee into the reserve; the first time, note them as a row."""
    session.flush()  # rows that the caller has added must not wait behind the accounts' locks
    asked = {
        "assignment": row.assignment_id,
        "project": row.project_id,
        "expert": row.expert_id,
        "pay": row.pay_minor,
        "fee": row.fee_minor,
        "code": row.currency,
        "round": row.round,
        "at": at,
        "noted_at": now(),
    }
    said = session.execute(SET_ASIDE, asked).scalar_one()
    if said == "overdrawn":
        raise OutOfBudget
    if said == "reused":
        raise OtherTerms
    return bool(said == "posted")


def _post_release(session: Session, row: Reservation, at: datetime) -> None:
    source = ledger.reserve(row.project_id, row.currency)
    target = ledger.budget(row.project_id, row.currency)
    ledger.post(
        session,
        row.event("released"),
        _pay_and_fee(row, source, target),
        at=at,
        narration="pay and fee given back",
        cause=f"assignment:{row.assignment_id}",
    )


def _pay_and_fee(
    row: Reservation, source: ledger.Purse, target: ledger.Purse
) -> list[ledger.Entry]:
    amounts = (("pay", row.pay), ("fee", row.fee))
    return [ledger.Entry(name, source, target, amount) for name, amount in amounts if amount]
