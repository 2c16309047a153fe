"""Statements: what came, what left, what stays; the sums are the ledger's."""

from datetime import timedelta
from fractions import Fraction

import pytest

from core.clock import now
from core.money import Money
from payouts import earnings, ledger, overview, policy, requests, sending, statements
from payouts.models import Payout, PayoutState
from tests.factories.payouts import (
    earn_part,
    eur,
    make_budget,
    make_earning,
    make_expert,
    make_payout,
    make_reservation,
    submitted,
)
from tests.payouts.conftest import new_key


class SureRail:
    """A rail that sends at once."""

    sent = 0

    def send(self, amount, *, to, reference):
        self.sent += 1
        return f"tr_{reference}"

    def payee_balance(self, account_id, currency):
        return eur(0)


@pytest.fixture
def expert(session):
    return make_expert(session)


def pay(session, expert, minor):
    payout = requests.on_demand(session, expert.id, eur(minor), key=new_key(), at=now())
    session.commit()
    assert sending.send(payout.id, SureRail()) is PayoutState.SENT
    session.expire_all()
    return session.get(Payout, payout.id)


def test_a_statement_says_what_was_there_what_came_and_what_stays(session, expert):
    first, second = (
        make_budget(session, funded=90_000, title="Clauses"),
        make_budget(session, funded=90_000, title="Contracts"),
    )
    for _ in range(3):
        make_earning(session, first, expert.id, pay=420)
    earlier = pay(session, expert, 1000)
    make_earning(session, first, expert.id, pay=420)
    make_earning(session, second, expert.id, pay=700)
    row = make_reservation(session, second, pay=900, expert_id=expert.id)
    earn_part(session, second.project_id, row.assignment_id, expert.id, Fraction(2, 3))
    later = pay(session, expert, 1500)

    one, two = statements.of(session, earlier), statements.of(session, later)

    assert [(line.title, line.count, line.amount) for line in one.lines] == [
        ("Clauses", 3, eur(1260))
    ]
    assert (one.brought, one.kept, one.since) == (eur(0), eur(260), None)
    assert [(line.title, line.in_part, line.amount) for line in two.lines] == [
        ("Clauses", False, eur(420)),
        ("Contracts", False, eur(700)),
        ("Contracts", True, eur(600)),
    ]
    assert (two.brought, two.kept) == (eur(260), eur(480))
    assert two.kept == ledger.balance(session, ledger.owed(expert.id, "eur"))
    assert two.works == 3


def test_a_payout_that_was_tried_twice_has_one_statement(session, expert):
    from core.ports import PayoutRefused

    class Refusing(SureRail):
        def send(self, amount, *, to, reference):
            raise PayoutRefused("odd")

    budget = make_budget(session, funded=90_000)
    make_earning(session, budget, expert.id, pay=1000)
    failed = requests.on_demand(session, expert.id, eur(1000), key=new_key(), at=now())
    session.commit()
    assert sending.send(failed.id, Refusing()) is PayoutState.FAILED
    sent = pay(session, expert, 1000)

    found = statements.of(session, sent)

    assert (found.brought, found.kept) == (eur(0), eur(0))
    assert [line.amount for line in found.lines] == [eur(1000)]


def test_standing_says_where_the_money_is(session, expert):

    budget = make_budget(session, funded=90_000)
    make_reservation(session, budget, expert_id=expert.id)
    row = make_reservation(session, budget, expert_id=expert.id)
    due = now() + timedelta(days=7)
    submitted(session, row.assignment_id, review_by=due, at=now())
    make_earning(session, budget, expert.id, pay=2000)
    pay(session, expert, 1500)

    found = overview.standing(session, expert.id, "eur", at=now())

    assert (found.reserved, found.in_hand) == (eur(420), 1)
    assert (found.in_review, found.submitted, found.review_by) == (eur(420), 1, due)
    assert (found.owed, found.on_its_way) == (eur(500), eur(1500))
    assert (found.sent_this_year, found.payouts_this_year) == (eur(1500), 1)


def test_amounts_are_filtered(session, expert):
    budget, other = make_budget(session, funded=90_000), make_budget(session, funded=90_000)
    make_earning(session, budget, expert.id)
    make_reservation(session, other, expert_id=expert.id)
    make_payout(session, expert.id, state=PayoutState.READY)
    make_earning(session, budget, make_expert(session).id)

    def states(**chosen):
        return sorted(row.state for row in session.execute(overview.amounts(expert.id, **chosen)))

    assert states() == ["accepted", "active", "ready"]
    assert states(state="active") == ["active"]
    assert states(project_id=budget.project_id) == ["accepted"]
    assert states(since=(now() + timedelta(days=1)).date()) == []


def test_weeks_count_the_oldest_earnings_as_sent(session, expert):
    budget = make_budget(session, funded=90_000)
    for weeks_ago, minor in ((2, 1000), (1, 2000), (0, 400)):
        make_earning(session, budget, expert.id, pay=minor, at=now() - timedelta(weeks=weeks_ago))
    pay(session, expert, 2500)

    found = overview.weeks(session, expert.id, "eur", at=now())

    assert len(found) == overview.WEEKS
    assert [(week.sent, week.owed) for week in found[-3:]] == [
        (eur(1000), eur(0)),
        (eur(1500), eur(500)),
        (eur(0), eur(400)),
    ]
    assert found[-1].monday == policy.week_of(now())


def test_the_usual_currency_comes_first(session, expert):
    assert overview.currencies(session, expert.id) == ["eur"]

    dollars = make_budget(session, funded=90_000, currency="usd")
    make_earning(session, dollars, expert.id)

    assert overview.currencies(session, expert.id) == ["usd"]
    assert earnings.total(session, expert.id) == [Money(420, "usd")]
