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
from payouts.dispute_models import Reversal, ReversalCause, ReversalState
from payouts.models import Account, AccountKind, Move, Payout, PayoutState

ARRIVED = (PayoutState.SENT, PayoutState.PAID, PayoutState.BANK_REFUSED)
TAKEN_BACK = "taken_back"  # why a payout has failed that had left before


@dataclass(frozen=True)
class TakenBack:
    """What of a payout came back later and was owed again."""

    at: datetime
    amount: Money


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
    taken_back: list[TakenBack]

    @property
    def net(self) -> Money:
        """What of the payout has stayed with the expert."""
        back = sum((one.amount for one in self.taken_back), self.nothing)
        return self.payout.amount - back

    @property
    def nothing(self) -> Money:
        """What was taken from the expert in fees."""
        return Money(0, self.payout.currency)

    @property
    def works(self) -> int:
        """How many amounts projects have credited in this time."""
        return sum(line.count for line in self.lines if line.title)


def payouts(expert_id: int) -> Any:
    """Select the payouts of an expert that have a statement, newest first."""
    question = select(Payout).where(Payout.expert_id == expert_id, had_left())
    return question.order_by(col(Payout.sent_at).desc())


def had_left() -> Any:
    """Return the condition that a payout has left, even if all of it came back since."""
    came_back = (col(Payout.state) == PayoutState.FAILED) & (col(Payout.reason) == TAKEN_BACK)
    return col(Payout.state).in_(ARRIVED) | came_back


def has_one(payout: Payout) -> bool:
    """Return whether a payout has a statement, as `had_left` asks it of rows."""
    came_back = payout.state is PayoutState.FAILED and payout.reason == TAKEN_BACK
    return payout.state in ARRIVED or came_back


def given_back(session: Session, payout: Payout) -> list[TakenBack]:
    """Return what of a payout came back and was owed again, the first first."""
    question = select(Reversal).where(Reversal.payout_id == payout.id, _owed_again())
    rows = session.exec(question.order_by(col(Reversal.ended_at), col(Reversal.id)))
    return [TakenBack(row.ended_at, row.amount) for row in rows if row.ended_at]


def sum_given_back() -> Any:
    """Select the sum of what came back of a payout, beside its row in a larger question."""
    total = select(func.coalesce(func.sum(Reversal.amount_minor), 0))
    return total.where(Reversal.payout_id == Payout.id, _owed_again()).scalar_subquery()


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
        taken_back=given_back(session, payout),
    )


def _owed_again() -> Any:
    done = col(Reversal.state) == ReversalState.DONE
    return done & (col(Reversal.cause) == ReversalCause.NOT_REACHED)


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
        had_left(),
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
