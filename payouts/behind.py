"""The work behind a payout that waits for a second person: what it pays, and what is unusual.

All of it is read from the ledger: what was left from before the last payout, what was credited
since then until this one was asked for, and what of that stays owed.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from core.money import Money
from payouts import ledger, movements, statements, unusual
from payouts.models import AccountKind, Move, Payout

EARLIER = 12  # as many payouts say what is usual
GRACE = timedelta(minutes=1)  # the amount is read a moment after the time that the payout bears
PLAIN = ("task", "part", "review", "qualification", "bonus")  # what else came is "other"


@dataclass(frozen=True)
class Group:
    """Earnings of one kind in one project."""

    project_id: int | None
    title: str
    kind: str
    count: int
    amount: Money
    first_at: datetime
    last_at: datetime

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day, in universal time."""
        return self.first_at.astimezone(UTC).date(), self.last_at.astimezone(UTC).date()


@dataclass(frozen=True)
class Work:
    """What a payout pays; `brought` was left from before, `kept` stays owed after it."""

    brought: Money
    groups: list[Group]
    kept: Money
    unusual: list[str]

    @property
    def count(self) -> int:
        """How many earnings."""
        return sum(group.count for group in self.groups)

    @property
    def projects(self) -> int:
        """In how many projects."""
        return len({group.project_id for group in self.groups if group.project_id is not None})


def of(session: Session, payout: Payout) -> Work:
    """Return the work behind a payout, grouped by project and kind, the most money first."""
    around, since = _since(session, payout)
    brought = movements.balance(session, around, col(Move.id) <= since)
    groups = _groups(session, around, _between(payout, since))
    total = brought + sum((group.amount for group in groups), Money(0, payout.currency))
    kept = total - payout.amount
    facts = unusual.Facts(
        amount=payout.amount,
        earlier=_earlier(session, payout),
        kept=kept,
        bonus=sum((one.amount for one in groups if one.kind == "bonus"), Money(0, payout.currency)),
        projects=frozenset(one.project_id for one in groups),
        days=frozenset(day for one in groups for day in one.days),
        brought=brought,
    )
    return Work(brought, groups, kept, unusual.found(facts))


def earnings(session: Session, payout: Payout) -> Any:
    """Select each earning behind a payout, newest first."""
    around, since = _since(session, payout)
    inner = _rows(around, _between(payout, since)).subquery()
    return select_columns(inner).order_by(inner.c.happened_at.desc(), inner.c.id.desc())


def _since(session: Session, payout: Payout) -> tuple[movements.Border, int]:
    """The expert's account, and the move by which the payout before this one left it."""
    around = movements.border(session, [ledger.owed(payout.expert_id, payout.currency)])
    taken = select(
        func.concat("payout:", col(Payout.id), ":", col(Payout.attempt), ":taken")
    ).where(
        Payout.expert_id == payout.expert_id,
        Payout.currency == payout.currency,
        statements.had_left(),
        col(Payout.id) < payout.id,
    )
    question = select(func.coalesce(func.max(Move.id), 0)).where(
        around.left, col(Move.event).in_(taken)
    )
    return around, session.exec(question).one() or 0


def _between(payout: Payout, since: int) -> Any:
    until = payout.requested_at + GRACE
    return (col(Move.id) > since) & (col(Move.recorded_at) <= until)


def _rows(around: movements.Border, between: Any) -> Any:
    """Select what came, with its kind; what only went to the rail and came back is left out."""
    at_rail = col(movements.FACING.kind) == AccountKind.EXPERT_IN_FLIGHT
    found = movements.crossing(around, between, ~at_rail).order_by(None).subquery()
    prefix = func.split_part(found.c.cause, ":", 1)
    kind = case(
        ((prefix == "assignment") & found.c.in_part, "part"),
        (prefix == "assignment", "task"),
        (prefix.in_(PLAIN), prefix),
        else_="other",
    )
    return select_columns(found, kind.label("what"))


def _groups(session: Session, around: movements.Border, between: Any) -> list[Group]:
    inner = _rows(around, between).subquery()
    total = func.sum(inner.c.signed)
    question = (
        select_columns(
            inner.c.project_id,
            inner.c.title,
            inner.c.what,
            func.count(),
            total,
            func.min(inner.c.happened_at),
            func.max(inner.c.happened_at),
        )
        .group_by(inner.c.project_id, inner.c.title, inner.c.what)
        .order_by(total.desc(), inner.c.title, inner.c.what)
    )
    return [
        Group(project_id, title or "", what, count, Money(int(minor), around.currency), *when)
        for project_id, title, what, count, minor, *when in session.execute(question)
    ]


def _earlier(session: Session, payout: Payout) -> tuple[Money, ...]:
    question = (
        select(Payout.amount_minor)
        .where(
            Payout.expert_id == payout.expert_id,
            Payout.currency == payout.currency,
            col(Payout.state).in_(statements.ARRIVED),
            col(Payout.id) < payout.id,
        )
        .order_by(col(Payout.id).desc())
        .limit(EARLIER)
    )
    return tuple(Money(minor, payout.currency) for minor in session.exec(question))
