"""Statements of a month: what was there, every amount that came or left, what is there now.

A move counts on the day that it happened, in UTC. The closing balance of a month is the opening
balance of the next, and that of the present month is what the ledger holds.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import get_locale
from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from accounts import decisions
from accounts.models import Decision, DecisionKind
from core.money import Money
from payouts import movements
from payouts.models import Account, Move
from payouts.movements import Movement

REASON_AT_MOST = 200
FIRST_YEAR, LAST_YEAR = 2000, 2999


@dataclass(frozen=True)
class Month:
    """One month of the calendar, in UTC."""

    year: int
    number: int

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def until(self) -> datetime:
        """The first moment that is not in it."""
        return self.next.since

    @property
    def last_day(self) -> date:
        """Its last day."""
        return date.fromordinal(self.until.date().toordinal() - 1)

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02}"


@dataclass(frozen=True)
class Sheet:
    """A month of an expert in one currency; without its lines, which may be many."""

    month: Month
    currency: str
    number: str
    opening: Money
    credited: Money
    paid: Money
    returned: Money
    closing: Money
    is_over: bool

    @property
    def sent(self) -> Money:
        """What left for the rail, whatever of it came back since."""
        return self.paid + self.returned


@dataclass(frozen=True)
class Ready:
    """A month for which there is a statement."""

    month: Month
    currency: str
    credited: Money
    paid: Money
    returned: Money


def month_of(words: str) -> Month:
    """Read a month such as 2026-11, or raise `ValueError`."""
    year, dash, number = words.partition("-")
    if not (dash and year.isdecimal() and number.isdecimal() and len(number) == 2):
        raise ValueError(words)
    found = Month(int(year), int(number))
    if not (FIRST_YEAR <= found.year <= LAST_YEAR and 1 <= found.number <= 12):
        raise ValueError(words)
    return found


def months(session: Session, expert_id: int) -> list[Ready]:
    """Return the months in which something moved, newest first."""
    mine = select(Account).where(
        Account.owner_id == expert_id, col(Account.kind).in_(movements.OF_EXPERTS)
    )
    found = []
    for code in sorted({account.currency for account in session.exec(mine)}):
        found += _months_in(session, movements.of_expert(session, expert_id, code))
    return sorted(found, key=lambda one: (str(one.month), one.currency), reverse=True)


def of(session: Session, expert_id: int, currency: str, month: Month, *, at: datetime) -> Sheet:
    """Return a month's statement; all sums are the ledger's."""
    around = movements.of_expert(session, expert_id, currency)
    before = col(Move.happened_at) < month.since
    during = _during(month)
    opening = movements.balance(session, around, before)
    paid = -movements.balance(session, around, during, _is_payout(around))
    returned = movements.balance(session, around, during, _is_payout(around), around.came)
    closing = movements.balance(session, around, col(Move.happened_at) < month.until)
    return Sheet(
        month=month,
        currency=currency,
        number=f"{month}-{currency.upper()}-{expert_id}",
        opening=opening,
        credited=closing - opening + paid,
        paid=paid,
        returned=returned,
        closing=closing,
        is_over=month.until <= at,
    )


def lines(session: Session, expert_id: int, currency: str, month: Month) -> Any:
    """Read every amount of a month, oldest first."""
    around = movements.of_expert(session, expert_id, currency)
    return movements.read(session, around, _during(month))


def count(session: Session, expert_id: int, currency: str, month: Month) -> int:
    """How many lines a month has."""
    around = movements.of_expert(session, expert_id, currency)
    inner = movements.crossing(around, _during(month)).order_by(None).subquery()
    question = select_columns(func.count()).select_from(inner)
    return int(session.execute(question).scalar_one())


def by_project(found: Any) -> list[tuple[Movement, int, Money]]:
    """Fold lines into one for each day, project and kind, for a month with too many to print."""
    folded: dict[Any, list[Movement]] = defaultdict(list)
    for line in found:
        folded[line.at.date(), line.title, line.act, line.in_part].append(line)
    return [
        (same[0], len(same), Money(sum(one.amount.minor for one in same), same[0].amount.currency))
        for same in folded.values()
    ]


def reasons(session: Session, expert_id: int, found: list[Movement]) -> dict[str, str]:
    """Return why each part payment is one, by the cause of the line."""
    causes = {line.cause for line in found if line.in_part}
    if not causes:
        return {}
    question = select(Decision).where(
        Decision.person_id == expert_id,
        Decision.kind == DecisionKind.WORK_PARTLY_ACCEPTED,
        col(Decision.subject).in_(causes),
    )
    language = str(get_locale() or "en")
    return {
        one.subject: decisions.in_language(one.reason_words, language)[0][:REASON_AT_MOST]
        for one in session.exec(question.order_by(col(Decision.id)))
    }


def _during(month: Month) -> Any:
    return (col(Move.happened_at) >= month.since) & (col(Move.happened_at) < month.until)


def _is_payout(around: movements.Border) -> Any:
    """The condition that the other side of a move is the rail."""
    rail = select(Account.id).where(
        Account.currency == around.currency, col(Account.kind).in_(("clearing", "pending"))
    )
    return col(Move.credit_account_id).in_(rail) | col(Move.debit_account_id).in_(rail)


def _months_in(session: Session, around: movements.Border) -> list[Ready]:
    first = func.date_trunc("month", col(Move.happened_at))
    is_payout = _is_payout(around)
    paid = func.coalesce(func.sum(-around.signed).filter(is_payout), 0)
    came = func.coalesce(func.sum(around.signed).filter(~is_payout), 0)
    back = func.coalesce(func.sum(around.signed).filter(is_payout, around.came), 0)
    question = (
        select_columns(first, came, paid, back)
        .where(around.came | around.left, ~(around.came & around.left))
        .group_by(first)
    )
    return [
        Ready(
            Month(at.year, at.month),
            around.currency,
            Money(int(came), around.currency),
            Money(int(paid), around.currency),
            Money(int(back), around.currency),
        )
        for at, came, paid, back in session.execute(question)
    ]
