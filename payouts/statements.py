"""What one payout was made of, from the moves of the expert's account.

All of it is read from the ledger and its rows; nothing here moves or rounds anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from core.money import Money
from payouts import ledger
from payouts.extra_pay_models import ExtraPay
from payouts.models import Account, Move, Payout, PayoutState, ProjectBudget, Reservation

ARRIVED = (PayoutState.SENT, PayoutState.PAID, PayoutState.BANK_REFUSED)


@dataclass(frozen=True)
class Line:
    """Equal works of one project on a statement."""

    title: str
    count: int
    each: Money | None
    amount: Money
    in_part: bool
    kind: str = "work"


@dataclass(frozen=True)
class Statement:
    """What one payout was made of: what was there, what came, what left, what stays."""

    number: str
    payout: Payout
    since: datetime | None
    until: datetime
    brought: Money
    lines: list[Line]
    kept: Money

    @property
    def nothing(self) -> Money:
        """What was taken from the expert in fees."""
        return Money(0, self.payout.currency)

    @property
    def works(self) -> int:
        """How many works were credited in this time."""
        return sum(line.count for line in self.lines)


def payouts(expert_id: int) -> Any:
    """Select the payouts of an expert that have a statement, newest first."""
    question = select(Payout).where(Payout.expert_id == expert_id, col(Payout.state).in_(ARRIVED))
    return question.order_by(col(Payout.sent_at).desc())


def number(payout: Payout) -> str:
    """Return the number under which a statement is kept."""
    return f"{payout.requested_at.year}-{payout.id:05d}"


def of(session: Session, payout: Payout) -> Statement:
    """Return what a payout was made of, from the moves of the expert's account."""
    account_id = _account_id(session, ledger.owed(payout.expert_id, payout.currency))
    taken = _taken(session, payout)
    before = _taken_before(session, account_id, payout)
    brought = _balance_at(session, account_id, before.id if before else 0, payout.currency)
    lines = _lines(session, account_id, before.id if before else 0, taken.id or 0, payout.currency)
    total = brought + sum((line.amount for line in lines), Money(0, payout.currency))
    return Statement(
        number=number(payout),
        payout=payout,
        since=before.happened_at if before else None,
        until=taken.happened_at,
        brought=brought,
        lines=lines,
        kept=total - payout.amount,
    )


def _account_id(session: Session, purse: ledger.Purse) -> int:
    question = select(Account.id).where(
        Account.kind == purse.kind,
        Account.owner_id == purse.owner_id,
        Account.currency == purse.currency,
    )
    return session.exec(question).one() or 0


def _taken(session: Session, payout: Payout) -> Move:
    event = f"payout:{payout.id}:{payout.attempt}:taken"
    return session.exec(select(Move).where(Move.event == event)).one()


def _taken_before(session: Session, account_id: int, payout: Payout) -> Move | None:
    """The move by which the payout before this one left, if there was one."""
    own = _taken(session, payout)
    earlier = select(
        func.concat("payout:", col(Payout.id), ":", col(Payout.attempt), ":taken")
    ).where(
        Payout.expert_id == payout.expert_id,
        Payout.currency == payout.currency,
        col(Payout.state).in_(ARRIVED),
    )
    question = (
        select(Move)
        .where(
            Move.debit_account_id == account_id,
            col(Move.id) < own.id,
            col(Move.event).in_(earlier),
        )
        .order_by(col(Move.id).desc())
    )
    return session.exec(question).first()


def _balance_at(session: Session, account_id: int, move_id: int | None, code: str) -> Money:
    """What an account held just after a move."""
    amount = func.coalesce(func.sum(Move.amount), 0)
    until = col(Move.id) <= move_id
    came = session.exec(select(amount).where(Move.credit_account_id == account_id, until)).one()
    went = session.exec(select(amount).where(Move.debit_account_id == account_id, until)).one()
    return Money(int(came - went), code)


def _lines(
    session: Session, account_id: int, after: int | None, before: int, code: str
) -> list[Line]:
    in_part = col(Reservation.earned_minor) < col(Reservation.pay_minor)
    cause = func.concat("assignment:", Reservation.assignment_id)
    question = (
        select_columns(
            col(ProjectBudget.title),
            in_part,
            col(Move.amount),
            func.count(),
            func.sum(Move.amount),
        )
        .select_from(Move)
        .join(Reservation, cause == col(Move.cause))
        .join(ProjectBudget, col(ProjectBudget.project_id) == col(Reservation.project_id))
        .where(
            col(Move.credit_account_id) == account_id,
            col(Move.id) > after,
            col(Move.id) < before,
        )
        .group_by(col(ProjectBudget.title), in_part, col(Move.amount))
        .order_by(col(ProjectBudget.title), in_part, col(Move.amount).desc())
    )
    rows: Sequence[Any] = session.execute(question).all()
    works = [
        Line(title, count, Money(each, code), Money(int(total), code), partly)
        for title, partly, each, count, total in rows
    ]
    return works + _extra_lines(session, account_id, after, before, code)


def _extra_lines(
    session: Session, account_id: int, after: int | None, before: int, code: str
) -> list[Line]:
    """Bonuses and the like; equal ones of a project are one line."""
    question = (
        select_columns(
            col(ProjectBudget.title),
            col(ExtraPay.kind),
            col(Move.amount),
            func.count(),
            func.sum(Move.amount),
        )
        .select_from(Move)
        .join(ExtraPay, func.concat(ExtraPay.kind, ":", ExtraPay.id) == col(Move.cause))
        .join(ProjectBudget, col(ProjectBudget.project_id) == col(ExtraPay.project_id))
        .where(
            col(Move.credit_account_id) == account_id,
            col(Move.id) > after,
            col(Move.id) < before,
        )
        .group_by(col(ProjectBudget.title), col(ExtraPay.kind), col(Move.amount))
        .order_by(col(ProjectBudget.title), col(ExtraPay.kind), col(Move.amount).desc())
    )
    return [
        Line(title, count, Money(each, code), Money(int(total), code), False, str(kind))
        for title, kind, each, count, total in session.execute(question)
    ]
