"""The work behind a payout that a second person looks at, and what is unusual about it."""

from datetime import date
from fractions import Fraction

import pytest

from core.clock import now
from payouts import behind, requests, sending, unusual
from payouts.models import Payout
from payouts.run_models import ApprovalCause, PayoutInRun
from tests.factories.accounts import make_user
from tests.factories.payouts import (
    earn_part,
    eur,
    make_approval,
    make_bonus,
    make_budget,
    make_earning,
    make_expert,
    make_reservation,
    make_run,
)
from tests.payouts.conftest import new_key


def ask(session, expert, amount):
    payout = requests.on_demand(session, expert.id, eur(amount), key=new_key(), at=now())
    session.commit()
    return payout


def kinds(work):
    return {(one.title, one.kind): (one.count, one.amount.minor) for one in work.groups}


def test_earnings_are_told_by_project_and_kind(session):
    expert = make_expert(session)
    first = make_budget(session, funded=90_000, title="Clauses")
    second = make_budget(session, funded=90_000, title="Contracts")
    for _task in range(3):
        make_earning(session, first, expert.id, pay=400)
    make_bonus(session, first, expert.id, pay=500)
    part = make_reservation(session, second, pay=800, expert_id=expert.id)
    earn_part(session, second.project_id, part.assignment_id, expert.id, Fraction(1, 2))

    work = behind.of(session, ask(session, expert, 2100))

    assert kinds(work) == {
        ("Clauses", "task"): (3, 1200),
        ("Clauses", "bonus"): (1, 500),
        ("Contracts", "part"): (1, 400),
    }
    assert (work.count, work.projects) == (5, 2)
    assert (work.before, work.later, work.missing) == (eur(0), eur(0), eur(0))
    assert work.unusual == ["first"]


def test_what_was_credited_first_is_paid_first_and_the_edges_are_told(desk, session):
    expert = desk.expert(session)
    budget = desk.budget(session)
    for pay in (5000, 1000, 1000):
        make_earning(session, budget, expert.id, pay=pay)
    before = ask(session, expert, 3000)
    sending.send(before.id, desk.rail)
    session.expire_all()
    payout = ask(session, expert, 2500)

    work = behind.of(session, payout)

    assert kinds(work) == {("Licence clauses", "task"): (2, 6000)}
    assert (work.before, work.later, work.missing) == (eur(3000), eur(500), eur(0))
    assert len(session.execute(behind.earnings(session, payout)).all()) == 2
    sending.send(payout.id, desk.rail)
    make_earning(session, budget, expert.id, pay=700)
    session.expire_all()
    after = behind.of(session, session.get_one(Payout, payout.id))
    assert after.groups == work.groups
    assert behind.of(session, session.get_one(Payout, before.id)).later == eur(2000)
    last = behind.of(session, ask(session, expert, 2200))
    assert kinds(last) == {("Licence clauses", "task"): (3, 2700)}
    assert last.before == eur(500)


def test_an_amount_beyond_what_was_earned_is_told(session):
    expert = make_expert(session)
    make_earning(session, make_budget(session, funded=90_000), expert.id, pay=1000)
    payout = ask(session, expert, 1000)
    payout.amount_minor = 1700
    session.flush()

    work = behind.of(session, payout)

    assert (work.missing, work.unusual[0]) == (eur(700), "unexplained")


FACTS = {
    "amount": eur(1000),
    "earlier": (eur(900), eur(1000), eur(1100)),
    "missing": eur(0),
    "bonus": eur(0),
    "projects": frozenset({1, 2}),
    "days": frozenset({date(2026, 11, 2)}),
}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"earlier": ()}, ["first"]),
        ({"amount": eur(3000)}, ["much_more"]),
        ({"amount": eur(2999)}, []),
        ({"amount": eur(9000), "earlier": (eur(100), eur(100))}, []),
        ({"amount": eur(2999), "earlier": (eur(1000), eur(9000), eur(1000))}, []),
        ({"projects": frozenset({1})}, ["one_day"]),
        ({"projects": frozenset({1}), "days": frozenset({date(2026, 1, 1), date(2026, 1, 2)})}, []),
        ({"bonus": eur(501)}, ["mostly_bonus"]),
        ({"missing": eur(1)}, ["unexplained"]),
    ],
)
def test_what_is_unusual(changes, names):
    assert unusual.found(unusual.Facts(**(FACTS | changes))) == names


def test_a_thousand_earnings_stay_readable(session, sign_in):
    expert, operator = make_expert(session), make_user(session, "operator")
    budget = make_budget(session, funded=900_000)
    for _task in range(120):
        make_earning(session, budget, expert.id, pay=100)
    approval = make_approval(session, ask(session, expert, 12_000))
    session.commit()
    client = sign_in(operator)

    page = client.get(f"/operator/money/approvals/{approval.id}").text

    assert "120 earnings, in 1 project" in page.replace("\n", "")
    assert "All from one project in one day" in page
    assert "Page 1 of 3" in page
    assert page.count('data-label="Earning"') <= 50
    assert "open" not in page.split('id="each"')[0].rsplit("<details", 1)[1]
    again = client.get(f"/operator/money/approvals/{approval.id}?page=3").text
    assert "Page 3 of 3" in again


def test_a_run_says_what_is_behind_each_payout_that_waits(session, sign_in):
    expert, operator = make_expert(session), make_user(session, "operator")
    make_earning(session, make_budget(session, funded=90_000), expert.id, pay=900)
    payout = ask(session, expert, 900)
    run = make_run(session)
    session.add(PayoutInRun(payout_id=payout.id, run_id=run.id))
    make_approval(session, payout, cause=ApprovalCause.RUN, run_id=run.id)
    session.commit()

    page = sign_in(operator).get(f"/operator/money/runs/{run.id}").text

    assert "1 earning, in 1 project" in page
    assert "The first payout" in page
