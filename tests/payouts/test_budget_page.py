"""What an owner reads about a budget: what the rest pays for, day by day, and each move."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.clock import now
from core.money import Money
from payouts import budget_history, budgets, move_filters, outlook
from payouts.outlook import Work
from tests.factories.accounts import make_owner
from tests.factories.annotation import claimed, make_desk
from tests.factories.payouts import (
    eur,
    make_budget,
    make_deposit,
    make_earning,
    make_expert,
    make_reservation,
)

COST = eur(483)


@pytest.mark.parametrize(
    ("available", "left", "overlap", "answers", "tasks", "lacking"),
    [
        (0, 10, 2, 0, 0, 4830),
        (482, 10, 2, 0, 0, 4348),
        (483, 10, 2, 1, 0, 4347),
        (966, 10, 2, 2, 1, 3864),
        (4830, 10, 2, 10, 5, 0),
        (9000, 10, 2, 10, 5, 0),
        (9000, 0, 2, 0, 0, 0),
        (0, 0, 1, 0, 0, 0),
        (2000, 7, 3, 4, 1, 1381),
    ],
)
def test_what_a_rest_pays_for(available, left, overlap, answers, tasks, lacking):
    found = outlook.count(eur(available), Work(COST, overlap, left))

    assert (found.answers, found.tasks, found.lacking) == (answers, tasks, eur(lacking))
    assert found.is_enough is (lacking == 0)


@pytest.mark.parametrize(
    ("held", "changes", "ends"),
    [
        (0, {}, [0, 0, 0]),
        (50, {}, [50, 50, 50]),
        (50, {3: 20}, [30, 30, 50]),
        (50, {1: 100, 2: -60, 3: 10}, [100, 40, 50]),
        (0, {2: -70}, [70, 0, 0]),
    ],
)
def test_days_are_counted_back_from_now(held, changes, ends):
    days = [date(2026, 11, day) for day in (1, 2, 3)]
    by_day = {date(2026, 11, day): amount for day, amount in changes.items()}

    assert budget_history.backwards(held, by_day, days) == ends


def test_the_last_day_is_what_the_ledger_holds_now(session):
    budget = make_budget(session, funded=50_000)
    make_reservation(session, budget, pay=4000, fee=600)
    budget.opened_at = now() - timedelta(days=60)
    summary = budgets.summary(session, budget.project_id)

    days = budget_history.of(session, budget, summary.available, summary.reserved, at=now())

    assert len(days) == budget_history.DAYS
    assert (days[-1].available, days[-1].reserved) == (eur(45_400), eur(4600))
    assert (days[0].available, days[0].reserved) == (eur(0), eur(0))


def test_a_budget_of_today_is_no_line(session):
    budget = make_budget(session, funded=50_000)

    days = budget_history.of(session, budget, eur(50_000), eur(0), at=now())

    assert len(days) == 1
    assert budget_history.figure(days) is None


def test_the_page_says_what_the_rest_pays_for_and_what_is_lacking(session, sign_in):
    made = make_desk(session, tasks=3, experts=1, funds=0, overlap=2)
    budget = budgets.of(session, made.project_id)
    budget.opened_at = now() - timedelta(days=3)
    make_deposit(session, budget, amount=4 * 483)
    claimed(session, made.project, made.experts[0].user_id, at=now())
    session.commit()

    page = sign_in(made.owner).get(f"/projects/{made.project_id}/budget").text

    # Six answers in all; one is taken, and what is left pays for three of the five others.
    assert "3 more answers" in page
    assert "that is 1 whole task" in page
    assert "€9.66" in page
    assert "Not enough for all tasks" in page
    assert "The budget day by day" in page


def test_moves_are_filtered_and_the_csv_as_well(session, sign_in):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id, funded=50_000)
    make_earning(session, budget, make_expert(session).id, pay=700)
    make_reservation(session, budget, pay=900, fee=100)
    session.commit()
    client, where = sign_in(owner), f"/projects/{budget.project_id}/budget"
    today = datetime.now(UTC).date()

    def count(**asked):
        lines = client.get(f"{where}.csv", query_string=asked).text.strip().splitlines()
        return len(lines) - 1

    every = count()
    assert count(what="in") == 1
    assert count(what="reserved") == 4
    assert count(what="earned") == 2
    assert count(what="released") == 0
    assert count(what="other") == 0
    assert count(what="no such thing") == every
    assert count(since=str(today + timedelta(days=1))) == 0
    assert count(until=str(today)) == every
    assert count(since="yesterday", until="' or 1=1") == every
    assert count(until="9999-12-31") == every
    page = client.get(where, query_string={"what": "in"}).text
    assert f"{where}.csv?what=in" in page
    assert "1 move" in page
    empty = client.get(where, query_string={"what": "released"}).text
    assert "No move fits" in empty


def test_the_list_adds_up_by_currency(session, sign_in):
    owner, organisation = make_owner(session)
    for currency, amount in (("eur", 1000), ("eur", 2000), ("usd", 5000)):
        budget = make_budget(session, organisation_id=organisation.id, currency=currency)
        make_deposit(session, budget, amount=amount)
    make_budget(session, funded=77_700)
    session.commit()

    page = sign_in(owner).get("/budget").text

    assert "€30.00" in page
    assert "$50.00" in page
    assert "777" not in page


def test_sums_are_of_one_currency_each():
    def summary(minor, code):
        part = Money(minor, code)
        return budgets.Summary(part, part, part, part, part)

    found = budgets.together([summary(1, "usd"), summary(2, "eur"), summary(3, "eur")])

    assert [one.funded for one in found] == [Money(5, "eur"), Money(1, "usd")]
    assert move_filters.Wanted().is_all
