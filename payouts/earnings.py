"""Earnings: what accepted work credits to an expert, for good.

Posted in the transaction that accepts the work; each assignment earns once.
"""

from collections import Counter
from datetime import datetime
from fractions import Fraction

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.money import Money, zero
from payouts import budgets, ledger, policy
from payouts.extra_pay_models import ExtraPay, ExtraState
from payouts.models import Account, AccountKind, Reservation, ReservationState

ALL = Fraction(1)


def earn(
    session: Session,
    project_id: int,
    assignment_id: int,
    expert_id: int,
    at: datetime,
    *,
    part: Fraction = ALL,
) -> Money:
    """Credit the reserved pay to the expert and the fee to the platform; return the pay.

    With `part`, only that share of both; the rest goes back to the budget. Earning again
    changes nothing and returns what was earned.
    """
    row = budgets.held(session, assignment_id)
    if row.state is ReservationState.EARNED:
        return row.earned
    if row.state is ReservationState.RELEASED or row.project_id != project_id:
        raise budgets.NotReserved
    earned, entries = _split(row, expert_id, part)
    ledger.post(
        session,
        row.event("earned"),
        entries,
        at=at,
        narration="work accepted",
        cause=f"assignment:{assignment_id}",
    )
    row.state = ReservationState.EARNED
    row.expert_id = expert_id
    row.earned_minor = earned.minor
    row.ended_at = at
    return earned


def complete(session: Session, project_id: int, assignment_id: int, at: datetime) -> Money:
    """Credit what a part payment left out, from the budget; return what was added.

    Raises `budgets.OutOfBudget` when the budget no longer holds it. Completing again changes
    nothing and returns nothing.
    """
    row = budgets.held(session, assignment_id)
    if (
        row.state is not ReservationState.EARNED
        or row.project_id != project_id
        or not row.expert_id
    ):
        raise budgets.NotReserved
    lacking = row.pay - row.earned
    if not lacking:
        return lacking
    # The fee was rounded once, when part of it was taken: what was taken stands in the ledger.
    fee_taken = ledger.posted(session, row.event("earned")).get("fee", zero(row.currency))
    fee_lacking = row.fee - fee_taken
    source = ledger.budget(project_id, row.currency)
    moves = [
        ledger.Entry("pay", source, ledger.owed(row.expert_id, row.currency), lacking),
        ledger.Entry("fee", source, ledger.fees(project_id, row.currency), fee_lacking),
    ]
    try:
        ledger.post(
            session,
            row.event("completed"),
            [move for move in moves if move.amount],
            at=at,
            narration="work accepted in full",
            cause=f"assignment:{assignment_id}",
        )
    except ledger.Overdrawn as short:
        raise budgets.OutOfBudget from short
    row.earned_minor = row.pay_minor
    return lacking


def of_assignment(session: Session, assignment_id: int) -> Money | None:
    """What an assignment has earned so far; None while it has earned nothing."""
    row = session.get(Reservation, assignment_id)
    return row.earned if row is not None and row.state is ReservationState.EARNED else None


def total(session: Session, expert_id: int) -> list[Money]:
    """What an expert has earned in all, one amount for each currency."""
    works = (
        select(col(Reservation.currency), func.sum(Reservation.earned_minor))
        .where(Reservation.expert_id == expert_id, Reservation.state == ReservationState.EARNED)
        .group_by(col(Reservation.currency))
    )
    beside = (
        select(col(ExtraPay.currency), func.sum(ExtraPay.pay_minor))
        .where(ExtraPay.expert_id == expert_id, ExtraPay.state == ExtraState.EARNED)
        .group_by(col(ExtraPay.currency))
    )
    found: Counter[str] = Counter()
    for question in (works, beside):
        found.update({code: int(minor) for code, minor in session.exec(question)})
    return [Money(minor, code) for code, minor in sorted(found.items())]


def owed(session: Session, expert_id: int) -> list[Money]:
    """What is earned and not yet sent, one amount for each currency that holds some."""
    question = (
        select(col(Account.currency), col(Account.balance))
        .where(
            Account.kind == AccountKind.EXPERT_OWED,
            Account.owner_id == expert_id,
            col(Account.balance) > 0,
        )
        .order_by(Account.currency)
    )
    return [Money(minor, code) for code, minor in session.exec(question)]


def _split(row: Reservation, expert_id: int, part: Fraction) -> tuple[Money, list[ledger.Entry]]:
    pay, pay_left = policy.part(row.pay, part)
    fee, fee_left = policy.part(row.fee, part)
    source = ledger.reserve(row.project_id, row.currency)
    back = ledger.budget(row.project_id, row.currency)
    moves = [
        ledger.Entry("pay", source, ledger.owed(expert_id, row.currency), pay),
        ledger.Entry("fee", source, ledger.fees(row.project_id, row.currency), fee),
        ledger.Entry("pay-back", source, back, pay_left),
        ledger.Entry("fee-back", source, back, fee_left),
    ]
    return pay, [move for move in moves if move.amount]
