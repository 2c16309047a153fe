"""The work behind a payout that waits for a second person: what it pays, and what is unusual.

All of it is read from the ledger. What was credited first is paid first, so that a payout pays a
stretch of an expert's earnings in their order; the first and the last may be in it in part.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import case, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from core.money import Money, zero
from payouts import ledger, movements, statements, unusual
from payouts.models import Account, AccountKind, Move, Payout

EARLIER = 12  # as many payouts say what is usual
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
    """What a payout pays.

    Of the first earning `before` was paid earlier, of the last `later` stays owed; `missing` is
    what no earning explains.
    """

    groups: list[Group]
    before: Money
    later: Money
    missing: Money
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
    code = payout.currency
    around, paid = _paid_before(session, payout)
    groups = _groups(session, around, _stretch(around, payout, paid))
    total = sum((group.amount for group in groups), zero(code))
    start, end = _edges(session, _stretch(around, payout, paid))
    before, later = max(paid - start, 0), max(end - paid - payout.amount_minor, 0)
    missing = payout.amount - total + Money(before + later, code)
    facts = unusual.Facts(
        amount=payout.amount,
        earlier=_earlier(session, payout),
        missing=missing,
        bonus=sum((one.amount for one in groups if one.kind == "bonus"), zero(code)),
        projects=frozenset(one.project_id for one in groups),
        days=frozenset(day for one in groups for day in one.days),
    )
    return Work(groups, Money(before, code), Money(later, code), missing, unusual.found(facts))


def earnings(session: Session, payout: Payout) -> Any:
    """Select each earning behind a payout, newest first."""
    around, paid = _paid_before(session, payout)
    inner = _stretch(around, payout, paid).subquery()
    return select_columns(inner).order_by(inner.c.id.desc())


def _paid_before(session: Session, payout: Payout) -> tuple[movements.Border, int]:
    """The expert's account, and how much of all that was credited had left it before."""
    around = movements.border(session, [ledger.owed(payout.expert_id, payout.currency)])
    own = col(Move.event).startswith(f"payout:{payout.id}:", autoescape=True)
    taken = select(func.min(Move.id)).where(around.left, own)
    first_taken = session.exec(taken).one()
    until = col(Move.id) < first_taken if first_taken is not None else col(Move.id) > 0
    credited = movements.balance(session, around, until, around.came, ~_at_rail(around))
    left = movements.balance(session, around, until, ~own)
    return around, (credited - left).minor


def _at_rail(around: movements.Border) -> Any:
    """The condition that a move is one of asking the rail, or of its answer that nothing moved."""
    flying = select(Account.id).where(
        Account.kind == AccountKind.EXPERT_IN_FLIGHT, Account.currency == around.currency
    )
    return col(Move.debit_account_id).in_(flying) | col(Move.credit_account_id).in_(flying)


def _stretch(around: movements.Border, payout: Payout, paid: int) -> Any:
    """Select the earnings that a payout pays, in their order, each with its kind."""
    came = movements.crossing(around, around.came, ~_at_rail(around)).order_by(None).subquery()
    prefix = func.split_part(came.c.cause, ":", 1)
    kind = case(
        ((prefix == "assignment") & came.c.in_part, "part"),
        (prefix == "assignment", "task"),
        (prefix.in_(PLAIN), prefix),
        else_="other",
    )
    running = func.sum(came.c.signed).over(order_by=came.c.id)
    counted = select_columns(came, kind.label("what"), running.label("running")).subquery()
    return select_columns(counted).where(
        counted.c.running > paid, counted.c.running - counted.c.signed < paid + payout.amount_minor
    )


def _edges(session: Session, stretch: Any) -> tuple[int, int]:
    """Return where the first earning begins and the last one ends, in all that was credited."""
    inner = stretch.subquery()
    question = select_columns(func.min(inner.c.running - inner.c.signed), func.max(inner.c.running))
    first, last = session.execute(question).one()
    return int(first or 0), int(last or 0)


def _groups(session: Session, around: movements.Border, stretch: Any) -> list[Group]:
    inner = stretch.subquery()
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
