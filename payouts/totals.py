"""What experts were credited and paid in a year, by quarter and currency, from the ledger alone.

Two dates, each its own rule. *Credited*: the day on which work (or a bonus) was credited, which is
what EU directive 2021/514 counts ("paid or credited", whichever comes first). *Paid*: the day on
which money left for the expert's account at Stripe, less what came back, which is what forms 1099
count. What came back counts when it came back, also when its payout left in an earlier quarter or
year, and stands on a line of its own. Quarters are those of the calendar, in UTC. Fees are the
platform's on the same work; owners pay them on top, so that nothing is withheld from an expert.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from sqlalchemy import func, text
from sqlmodel import Session, select

from core.money import Money, zero
from payouts import policy
from payouts.models import Move

FIRST_YEAR, LAST_YEAR = 2000, 2999
RAIL = "('clearing', 'pending')"
THEIRS = "('expert_owed', 'expert_in_flight')"
QUARTERS = text(f"""
    WITH mine AS (
        SELECT id, owner_id FROM ledger_account
        WHERE kind IN {THEIRS} AND (cast(:expert AS int) IS NULL OR owner_id = :expert)
    ), legs AS (
        SELECT m.event, m.cause, m.happened_at, m.currency, a.owner_id, m.amount,
               m.debit_account_id AS facing_id
        FROM ledger_move m JOIN mine a ON a.id = m.credit_account_id
        WHERE m.happened_at >= :since AND m.happened_at < :until
        UNION ALL
        SELECT m.event, m.cause, m.happened_at, m.currency, a.owner_id, -m.amount,
               m.credit_account_id
        FROM ledger_move m JOIN mine a ON a.id = m.debit_account_id
        WHERE m.happened_at >= :since AND m.happened_at < :until
    ), crossing AS (
        SELECT legs.*, extract(quarter FROM happened_at AT TIME ZONE 'UTC')::int AS quarter,
               f.kind IN {RAIL} AS is_payout
        FROM legs JOIN ledger_account f ON f.id = facing_id
        WHERE NOT (f.kind IN {THEIRS} AND f.owner_id = legs.owner_id)
    ), earned AS (  -- an event credits one expert
        SELECT event, min(owner_id) AS owner_id, min(quarter) AS quarter FROM crossing
        WHERE NOT is_payout AND amount > 0 GROUP BY event
    ), fee AS (
        SELECT earned.owner_id, m.currency, earned.quarter, sum(m.amount) AS minor
        FROM earned JOIN ledger_move m ON m.event = earned.event
        JOIN ledger_account f ON f.id = m.credit_account_id AND f.kind = 'platform_fees'
        GROUP BY 1, 2, 3
    ), earlier AS (  -- payouts that left before this year
        SELECT 'reversal:' || r.id AS cause FROM reversal r JOIN payout p ON p.id = r.payout_id
        WHERE p.sent_at < :since
    ), total AS (
        SELECT owner_id, currency, quarter,
               coalesce(sum(amount) FILTER (WHERE NOT is_payout), 0) AS credited,
               coalesce(sum(-amount) FILTER (WHERE is_payout AND amount < 0), 0) AS sent,
           coalesce(sum(amount) FILTER (WHERE is_payout AND amount > 0), 0) AS returned,
           coalesce(sum(amount) FILTER (
               WHERE is_payout AND amount > 0 AND cause IN (SELECT cause FROM earlier)
           ), 0) AS returned_earlier,
               count(DISTINCT cause) FILTER (WHERE NOT is_payout AND amount > 0) AS activities
        FROM crossing GROUP BY 1, 2, 3
    )
    SELECT owner_id, currency, quarter, credited, sent, returned, returned_earlier,
           coalesce(fee.minor, 0), activities
    FROM total LEFT JOIN fee USING (owner_id, currency, quarter)
    ORDER BY owner_id, currency, quarter
""")  # noqa: S608 - only constants of this module are written into it


@dataclass(frozen=True)
class Quarter:
    """Three months of an expert in one currency."""

    credited: Money
    sent: Money
    returned: Money
    returned_earlier: Money  # of it, what had left before the year began
    fees: Money
    activities: int

    @property
    def paid(self) -> Money:
        """What left for the account, less what came back; below nothing when more came back."""
        return self.sent - self.returned


@dataclass(frozen=True)
class Year:
    """A year of an expert in one currency, by its four quarters."""

    expert_id: int
    year: int
    currency: str
    quarters: tuple[Quarter, Quarter, Quarter, Quarter]

    @property
    def whole(self) -> Quarter:
        """The sum of the quarters."""
        nothing = zero(self.currency)
        return Quarter(
            credited=sum((one.credited for one in self.quarters), nothing),
            sent=sum((one.sent for one in self.quarters), nothing),
            returned=sum((one.returned for one in self.quarters), nothing),
            returned_earlier=sum((one.returned_earlier for one in self.quarters), nothing),
            fees=sum((one.fees for one in self.quarters), nothing),
            activities=sum(one.activities for one in self.quarters),
        )


def of_year(session: Session, year: int, expert_id: int | None = None) -> Iterator[Year]:
    """Return the totals of one expert, or of all by number, one for each currency."""
    values = {
        "expert": expert_id,
        "since": datetime(year, 1, 1, tzinfo=UTC),
        "until": datetime(year + 1, 1, 1, tzinfo=UTC),
    }
    rows = session.execute(QUARTERS, values, execution_options={"yield_per": 500})
    known = (row for row in rows if row[1] in policy.CURRENCIES)
    for (of_expert, code), found in groupby(known, key=lambda row: (row[0], row[1])):
        quarters = [_quarter(code, [0] * 5, 0) for _number in range(4)]
        for _expert, _code, number, *amounts, activities in found:
            quarters[number - 1] = _quarter(code, amounts, activities)
        first, second, third, fourth = quarters
        yield Year(of_expert, year, code, (first, second, third, fourth))


def _quarter(code: str, amounts: Sequence[int], activities: int) -> Quarter:
    credited, sent, returned, earlier, fees = (Money(int(minor), code) for minor in amounts)
    return Quarter(credited, sent, returned, earlier, fees, activities)


def years(session: Session, expert_id: int) -> list[int]:
    """Return the years in which something was credited or paid to an expert, the last first."""
    question = text(f"""
        SELECT DISTINCT extract(year FROM happened_at AT TIME ZONE 'UTC')::int AS year
        FROM ledger_move JOIN ledger_account a ON a.id IN (credit_account_id, debit_account_id)
        WHERE a.kind IN {THEIRS} AND a.owner_id = :expert ORDER BY year DESC
    """)  # noqa: S608 - only constants of this module are written into it
    return list(session.execute(question, {"expert": expert_id}).scalars())


def years_of_all(session: Session) -> list[int]:
    """Return the years of the ledger, the last first."""
    question = select(func.min(Move.happened_at), func.max(Move.happened_at))
    first, last = session.exec(question).one()
    if first is None:
        return []
    return list(range(last.astimezone(UTC).year, first.astimezone(UTC).year - 1, -1))


def year_of(words: str) -> int:
    """Read a year, or raise `ValueError`."""
    if not (words.isascii() and words.isdecimal() and FIRST_YEAR <= int(words) <= LAST_YEAR):
        raise ValueError(words)
    return int(words)
