"""How a budget went over the last days: what was available and reserved when each day ended."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import text
from sqlmodel import Session

from core import charts, formats
from core.money import EXPONENTS, Money
from payouts.models import ProjectBudget

DAYS, LABELS = 30, 8
# By day (UTC) and account, what came less what went; days count by when a move was recorded, so
# that a day that is over never changes.
CHANGES = text("""
    with mine as (
        select id, kind from ledger_account where owner_id = :project_id and currency = :currency
            and kind in ('project_budget', 'project_reserve')
    )
    select kind, day, sum(amount) as amount from (
        select mine.kind, (m.recorded_at at time zone 'UTC')::date as day, m.amount
        from mine join ledger_move m on m.credit_account_id = mine.id
        where m.recorded_at >= :since
        union all
        select mine.kind, (m.recorded_at at time zone 'UTC')::date, -m.amount
        from mine join ledger_move m on m.debit_account_id = mine.id
        where m.recorded_at >= :since
    ) legs group by kind, day
""")


@dataclass(frozen=True)
class Day:
    """What a budget held at the end of a day."""

    day: date
    available: Money
    reserved: Money


def backwards(now_in: int, changes: Mapping[date, int], days: list[date]) -> list[int]:
    """Return what an account held at the end of each day, from what it holds now. Pure."""
    held, found = now_in, []
    for day in reversed(days):
        found.append(held)
        held -= changes.get(day, 0)
    return found[::-1]


def of(
    session: Session, budget: ProjectBudget, available: Money, reserved: Money, *, at: datetime
) -> list[Day]:
    """Return the last days of a budget, the newest last; none before it was opened."""
    today = at.astimezone(UTC).date()
    first = max(today - timedelta(days=DAYS - 1), budget.opened_at.astimezone(UTC).date())
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    asked = {"project_id": budget.project_id, "currency": budget.currency, "since": since}
    changes: dict[str, dict[date, int]] = defaultdict(dict)
    for row in session.execute(CHANGES, asked):
        changes[row.kind][row.day] = int(row.amount)
    ends = zip(
        days,
        backwards(available.minor, changes["project_budget"], days),
        backwards(reserved.minor, changes["project_reserve"], days),
        strict=True,
    )
    code = budget.currency
    return [Day(day, Money(free, code), Money(kept, code)) for day, free, kept in ends]


def figure(days: list[Day]) -> charts.Figure | None:
    """Draw the days; a single one is no line."""
    if len(days) < 2:
        return None
    code = days[0].available.currency

    def money_of(value: float) -> Money:
        return Money(round(value * 10 ** EXPONENTS[code]), code)

    first, last = formats.day(days[0].day), formats.day(days[-1].day)
    return charts.lines(
        charts.Plan(
            caption=_("The budget day by day"),
            alt=_(
                "What was available and reserved at the end of each day, from %(first)s to"
                " %(last)s.",
                first=first,
                last=last,
            ),
            axis=_("Day"),
            labels=[formats.day(day.day).partition(" ")[2] for day in days],
            series=[
                charts.Series(_("Available"), [float(day.available.decimal) for day in days]),
                charts.Series(_("Reserved"), [float(day.reserved.decimal) for day in days]),
            ],
            note=_("at the end of each day, UTC"),
            every=-(-len(days) // LABELS),
            show=lambda value: formats.money_short(money_of(value)),
            exact=lambda value: formats.money(money_of(value)),
        )
    )
