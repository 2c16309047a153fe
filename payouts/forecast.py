"""How long a budget lasts at the pace of late, and telling its owner before it runs out.

The pace is what accepted work took of it, pay and fees: the mean of the last seven days or that of
the last day, whichever is faster, so that a project which speeds up is warned of in time. A project
younger than a week is measured over the days that it has had work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, select

from accounts import organisations
from core import audit, messages
from core.money import Money
from payouts import budgets
from payouts.models import ProjectBudget

WEEK, DAY = timedelta(days=7), timedelta(days=1)
LONGEST = timedelta(days=366)
# What left a project for good since a time, and when the first of it did; what came back after an
# appeal counts against it.
SPENT = text("""
    with mine as (
        select id from ledger_account where owner_id = :project_id and currency = :currency
            and kind in ('project_budget', 'project_reserve')
    )
    select m.happened_at, m.amount from ledger_move m
    join ledger_account other on other.id = m.credit_account_id
    where m.debit_account_id in (select id from mine) and m.happened_at >= :since
        and other.kind in ('expert_owed', 'platform_fees')
    order by m.happened_at
""")


@dataclass(frozen=True)
class Forecast:
    """How fast a budget is spent, and until when it lasts if nothing changes."""

    a_day: Money
    runs_out_at: datetime | None

    def days_left(self, at: datetime) -> float | None:
        """Return how many days it lasts, or None where nothing is spent or it lasts a year."""
        return None if self.runs_out_at is None else (self.runs_out_at - at) / DAY


def pace(spent: Sequence[tuple[datetime, int]], at: datetime) -> float:
    """Return the minor units a day that amounts of the last week come to. Pure."""
    within = [(when, minor) for when, minor in spent if at - WEEK <= when <= at]
    if not within:
        return 0.0
    has_worked = max(at - min(when for when, _ in within), DAY)
    mean = sum(minor for _, minor in within) / (min(has_worked, WEEK) / DAY)
    last_day = sum(minor for when, minor in within if when >= at - DAY)
    return max(mean, float(last_day))


def of(session: Session, budget: ProjectBudget, *, at: datetime) -> Forecast:
    """Return how long a budget lasts at its pace of late."""
    asked = {"project_id": budget.project_id, "currency": budget.currency, "since": at - WEEK}
    spent = [(row.happened_at, int(row.amount)) for row in session.execute(SPENT, asked)]
    a_day = pace(spent, at)
    left = budgets.available(session, budget.project_id).minor
    lasts = timedelta(days=left / a_day) if a_day and left / a_day < LONGEST / DAY else None
    return Forecast(Money(round(a_day), budget.currency), at + lasts if lasts is not None else None)


def warn(session: Session, project_id: int, days: Sequence[int], *, at: datetime) -> str:
    """Tell the owners once that a budget runs out within each of some numbers of days.

    The row is locked, so that of two sweeps one tells. Paying in begins anew.
    """
    budget = session.get(ProjectBudget, project_id, with_for_update=True, populate_existing=True)
    if budget is None or budget.closed_at is not None:
        return "nothing to say"
    forecast = of(session, budget, at=at)
    left = forecast.days_left(at)
    passed = [one for one in days if left is not None and left <= one]
    if not passed or (budget.warned_days is not None and budget.warned_days <= min(passed)):
        return "nothing to say"
    budget.warned_days = min(passed)
    session.add(budget)
    for _membership, person in organisations.members(session, budget.organisation_id):
        messages.write(
            session,
            to=person,
            template="payouts/budget_runs_out",
            budget=budget,
            left=budgets.available(session, project_id),
            forecast=forecast,
        )
    audit.record(session, "budget.warned", by=None, subject=f"project:{project_id}")
    return f"told: {left:.1f} days"


def open_budgets(session: Session) -> list[int]:
    """Return the projects whose budget may run out."""
    question = select(ProjectBudget.project_id).where(col(ProjectBudget.closed_at).is_(None))
    return list(session.exec(question.order_by(col(ProjectBudget.project_id))))
