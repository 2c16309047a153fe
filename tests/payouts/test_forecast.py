"""How long a budget lasts: a table of cases, and who is told when, once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from accounts.models import Organisation
from core import jobs as core_jobs
from core.clock import now
from core.models import Letter
from payouts import forecast
from tests.factories.accounts import make_member, make_owner
from tests.factories.payouts import make_budget, make_deposit, make_earning, make_expert

AT = datetime(2027, 3, 15, 12, tzinfo=UTC)


def days_ago(days):
    return AT - timedelta(days=days)


@pytest.mark.parametrize(
    ("spent", "a_day"),
    [
        ([], 0),
        ([(days_ago(30), 9_000)], 0),
        ([(days_ago(-1), 9_000)], 0),
        ([(days_ago(6.999), 700)], 100),
        ([(days_ago(day), 100) for day in range(1, 7)], 100),
        ([(days_ago(0.1), 50)], 50),
        ([(days_ago(2), 200)], 100),
        ([(days_ago(6), 60), (days_ago(0.5), 600)], 600),
        ([(days_ago(0.4), 300), (days_ago(0.2), 300)], 600),
    ],
    ids=[
        "nothing",
        "long ago",
        "not yet",
        "once, a week ago",
        "evenly",
        "the first hour counts as a day",
        "two days of work",
        "faster today",
        "a young project",
    ],
)
def test_the_pace_is_that_of_a_week_or_of_the_last_day(spent, a_day):
    assert round(forecast.pace(spent, AT)) == a_day


@pytest.fixture
def spending(session):
    """A budget of 100.00 that spends 20.00 a day."""
    _owner, organisation = make_owner(session)
    make_member(session, organisation, "member")
    budget = make_budget(session, organisation_id=organisation.id)
    make_deposit(session, budget, amount=10_000)
    expert = make_expert(session)

    def spend(pay):
        make_earning(session, budget, expert.id, pay=pay)
        session.commit()

    return budget, spend


def letters(session):
    session.expire_all()
    return session.exec(select(Letter).where(Letter.template == "payouts/budget_runs_out")).all()


def test_owners_are_told_once_at_each_threshold_and_again_after_paying_in(
    session, app, spending, jobs
):
    budget, spend = spending

    def run():
        core_jobs.run(app, "payouts.warn_of_budgets")

    spend(500)
    run()
    assert letters(session) == []

    spend(2_000)  # 25.00 of 100.00 in a day: three days are left
    for _twice in range(2):
        run()
    assert len(letters(session)) == 2  # both members
    assert "used up on" in letters(session)[0].body

    spend(3_000)
    run()
    run()
    assert len(letters(session)) == 4  # less than a day

    make_deposit(session, budget, amount=5_000)
    session.commit()
    run()
    assert len(letters(session)) == 6


def test_the_page_says_until_when_it_lasts(session, sign_in, spending):
    budget, spend = spending
    owner = make_member(session, session.get(Organisation, budget.organisation_id))
    session.commit()
    path = f"/projects/{budget.project_id}/budget"
    assert "How long it lasts" not in sign_in(owner).get(path).text

    spend(2_000)

    assert "How long it lasts" in sign_in(owner).get(path).text
    found = forecast.of(session, budget, at=now())
    assert found.a_day.minor == 2_063  # the pay and the fee of one task
