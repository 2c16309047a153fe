"""What one payout was made of, from the moves of the expert's account.

All of it is read from the ledger and its rows; nothing here moves or rounds anything.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.money import Money
from payouts import ledger, movement_words, movements
from payouts.models import Account, AccountKind, Move, Payout, PayoutState

ARRIVED = (PayoutState.SENT, PayoutState.PAID, PayoutState.BANK_REFUSED)


@dataclass(frozen=True)
class Line:
    """Equal amounts of one project on a statement."""

    title: str
    what: str
    count: int
    each: Money
    amount: Money
    in_part: bool


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
        """How many amounts were credited in this time."""
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
    """All that came to what is owed or left it, but for what the rail was asked to send."""
    around = movements.Border((account_id,), code)
    between = (col(Move.id) > after) & (col(Move.id) < before)
    at_rail = col(movements.FACING.kind) == AccountKind.EXPERT_IN_FLIGHT
    folded: dict[tuple[str, str, str, bool, int], int] = defaultdict(int)
    for one in movements.read(session, around, between, ~at_rail):
        folded[one.title, one.act, one.narration, one.in_part, one.amount.minor] += 1
    return [
        Line(
            title=title,
            what=movement_words.act(act, narration, in_part=in_part),
            count=count,
            each=Money(minor, code),
            amount=Money(minor, code) * count,
            in_part=in_part,
        )
        for (title, act, narration, in_part, minor), count in sorted(
            folded.items(), key=lambda found: (found[0][0], found[0][3], -found[0][4])
        )
    ]
