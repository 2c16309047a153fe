"""Budgets and earnings: each act counts once, and money ends in exactly one place."""

import threading
from collections import Counter
from fractions import Fraction

import pytest
from sqlalchemy.exc import IntegrityError

from core.clock import now
from core.errors import NotFound
from core.money import Money
from payouts import budgets, earnings, ledger
from payouts.models import Reservation, ReservationState
from tests.factories.payouts import (
    earn_part,
    eur,
    make_budget,
    make_expert,
    make_reservation,
    submitted,
)


@pytest.fixture
def budget(session):
    return make_budget(session, funded=1000)


def reserve(session, budget, number=1, pay=420, fee=63):
    budgets.reserve(session, budget.project_id, number, eur(pay), eur(fee), now())


def test_opening_again_renews_the_title_and_nothing_else(session, budget):
    again = budgets.open(
        session,
        project_id=budget.project_id,
        organisation_id=budget.organisation_id,
        title="Another title",
        currency="eur",
    )

    assert again.title == "Another title"
    assert budgets.available(session, budget.project_id) == eur(1000)


def test_a_budget_that_was_never_opened_is_not_found(session):
    with pytest.raises(NotFound):
        budgets.available(session, 987_654)


def test_reserving_sets_pay_and_fee_aside_once(session, budget):
    reserve(session, budget)
    reserve(session, budget)

    summary = budgets.summary(session, budget.project_id)
    assert (summary.available, summary.reserved) == (eur(517), eur(483))


def test_reserving_under_other_terms_is_refused(session, budget):
    reserve(session, budget)

    with pytest.raises(budgets.OtherTerms):
        reserve(session, budget, pay=500)


def test_without_enough_money_nothing_is_reserved_and_the_session_lives_on(session, budget):
    reserve(session, budget, number=1)
    reserve(session, budget, number=2)

    with pytest.raises(budgets.OutOfBudget):
        reserve(session, budget, number=3)

    session.commit()
    assert budgets.summary(session, budget.project_id).reserved == eur(966)
    assert session.get(Reservation, 3) is None
    assert ledger.problems(session) == []


def test_releasing_gives_everything_back_once(session, budget):
    reserve(session, budget)

    budgets.release(session, budget.project_id, 1, now())
    budgets.release(session, budget.project_id, 1, now())

    assert budgets.available(session, budget.project_id) == eur(1000)


def test_releasing_what_was_never_reserved_does_nothing(session, budget):
    budgets.release(session, budget.project_id, 99, now())

    assert budgets.available(session, budget.project_id) == eur(1000)


def test_a_released_assignment_is_not_reserved_again(session, budget):
    reserve(session, budget)
    budgets.release(session, budget.project_id, 1, now())

    with pytest.raises(budgets.NotReserved):
        reserve(session, budget)


def test_earning_credits_the_expert_and_the_platform_once(session, budget):
    expert = make_expert(session)
    reserve(session, budget)

    for _ in range(2):
        earned = earnings.earn(session, budget.project_id, 1, expert.id, now())
        assert earned == eur(420)

    summary = budgets.summary(session, budget.project_id)
    assert (summary.reserved, summary.spent, summary.fees) == (eur(0), eur(420), eur(63))
    assert earnings.owed(session, expert.id) == earnings.total(session, expert.id) == [eur(420)]


def test_earning_in_part_gives_the_rest_back(session, budget):
    expert = make_expert(session)
    reserve(session, budget)

    earned = earn_part(session, budget.project_id, 1, expert.id, Fraction(2, 3))

    summary = budgets.summary(session, budget.project_id)
    assert earned == eur(280)
    assert (summary.spent, summary.fees, summary.available) == (eur(280), eur(42), eur(678))


@pytest.mark.parametrize("part", [Fraction(0), Fraction(1, 7), Fraction(2, 3), Fraction(1)])
def test_what_a_part_payment_left_out_is_paid_once_from_the_budget(session, budget, part):
    expert = make_expert(session)
    reserve(session, budget, pay=419, fee=62)
    earned = earn_part(session, budget.project_id, 1, expert.id, part)

    added = [earnings.complete(session, budget.project_id, 1, now()) for _click in range(2)]

    assert added == [eur(419) - earned, eur(0)]
    summary = budgets.summary(session, budget.project_id)
    assert (summary.spent, summary.fees, summary.available) == (eur(419), eur(62), eur(519))
    assert earnings.owed(session, expert.id) == [eur(419)]


def test_only_what_was_paid_in_part_is_completed_and_only_from_what_is_there(session, budget):
    expert = make_expert(session)
    with pytest.raises(NotFound):
        earnings.complete(session, budget.project_id, 1, now())
    reserve(session, budget)
    with pytest.raises(budgets.NotReserved):
        earnings.complete(session, budget.project_id, 1, now())
    earn_part(session, budget.project_id, 1, expert.id, Fraction(1, 2))
    reserve(session, budget, number=2, pay=700, fee=0)

    with pytest.raises(budgets.OutOfBudget):
        earnings.complete(session, budget.project_id, 1, now())
    assert earnings.owed(session, expert.id) == [eur(210)]


def test_nobody_is_paid_in_part_without_a_decision(session, budget):
    expert = make_expert(session)
    reserve(session, budget)

    with pytest.raises(IntegrityError, match="no decision"), session.begin_nested():
        earnings.earn(session, budget.project_id, 1, expert.id, now(), part=Fraction(1, 2))


def test_what_is_earned_is_never_released(session, budget):
    expert = make_expert(session)
    reserve(session, budget)
    earnings.earn(session, budget.project_id, 1, expert.id, now())

    with pytest.raises(budgets.AlreadyEarned):
        budgets.release(session, budget.project_id, 1, now())


def test_what_is_released_is_never_earned(session, budget):
    expert = make_expert(session)
    reserve(session, budget)
    budgets.release(session, budget.project_id, 1, now())

    with pytest.raises(budgets.NotReserved):
        earnings.earn(session, budget.project_id, 1, expert.id, now())


def test_an_assignment_of_another_project_earns_nothing_here(session, budget):
    expert = make_expert(session)
    other = make_budget(session, funded=1000)
    reserve(session, budget)

    with pytest.raises(budgets.NotReserved):
        earnings.earn(session, other.project_id, 1, expert.id, now())


def test_what_was_given_back_can_be_set_aside_again_and_given_back_again(session, budget):
    reserve(session, budget)
    for _ in range(3):
        budgets.release(session, budget.project_id, 1, now())
        assert budgets.summary(session, budget.project_id).reserved == eur(0)
        budgets.reserve_again(session, budget.project_id, 1, now())
        budgets.reserve_again(session, budget.project_id, 1, now())
        assert budgets.summary(session, budget.project_id).reserved == eur(483)

    expert = make_expert(session)
    assert earnings.earn(session, budget.project_id, 1, expert.id, now()) == eur(420)
    budgets.reserve_again(session, budget.project_id, 1, now())
    assert budgets.summary(session, budget.project_id).reserved == eur(0)
    assert ledger.problems(session) == []


def test_what_was_given_back_and_spent_since_cannot_be_set_aside_again(session, budget):
    reserve(session, budget)
    budgets.release(session, budget.project_id, 1, now())
    reserve(session, budget, number=2)
    reserve(session, budget, number=3)

    with pytest.raises(budgets.OutOfBudget):
        budgets.reserve_again(session, budget.project_id, 1, now())

    budgets.release(session, budget.project_id, 2, now())
    budgets.reserve_again(session, budget.project_id, 1, now())
    assert budgets.summary(session, budget.project_id).reserved == eur(966)


def test_work_without_a_fee_is_fine(session, budget):
    expert = make_expert(session)
    reserve(session, budget, fee=0)
    earnings.earn(session, budget.project_id, 1, expert.id, now())

    assert budgets.summary(session, budget.project_id).fees == eur(0)


def test_submitted_work_is_shown_as_in_review(session, budget):
    row = make_reservation(session, budget)

    submitted(session, row.assignment_id, review_by=now(), at=now())

    assert row.submitted_at is not None
    assert row.review_by is not None


def test_summaries_of_several_projects_come_at_once(session, budget):
    dollars = make_budget(session, currency="usd")

    found = budgets.summaries(session, [budget, dollars])

    assert found[budget.project_id].funded == eur(1000)
    assert found[dollars.project_id].funded == Money(0, "usd")


def at_once(count, act):
    """Run `act(number)` in many threads that start together; return what each ended with."""
    ends = []
    start = threading.Barrier(count)

    def run(number):
        start.wait()
        try:
            ends.append(act(number) or "done")
        except Exception as problem:  # noqa: BLE001 - the test looks at every end
            ends.append(type(problem).__name__)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(ends)


def test_twenty_people_and_the_last_euro(live):
    with live.transaction() as session:
        project_id = make_budget(session, funded=3 * 483 + 100).project_id

    def claim(number):
        with live.transaction() as session:
            budgets.reserve(session, project_id, 1000 + number, eur(420), eur(63), now())

    assert at_once(20, claim) == {"done": 3, "OutOfBudget": 17}
    with live.transaction() as session:
        summary = budgets.summary(session, project_id)
        assert (summary.available, summary.reserved) == (eur(100), eur(3 * 483))
        assert ledger.problems(session) == []


def test_twenty_times_the_same_claim_reserves_once(live):
    with live.transaction() as session:
        project_id = make_budget(session, funded=20 * 483).project_id

    def claim(_):
        with live.transaction() as session:
            budgets.reserve(session, project_id, 1, eur(420), eur(63), now())

    assert at_once(20, claim) == {"done": 20}
    with live.transaction() as session:
        assert budgets.summary(session, project_id).reserved == eur(483)


def test_accepting_and_expiring_at_once_ends_in_one_place(live):
    numbers = range(1, 11)
    with live.transaction() as session:
        budget = make_budget(session, funded=20 * 483)
        project_id, expert_id = budget.project_id, make_expert(session).id
        for number in numbers:
            make_reservation(session, budget, assignment_id=number)

    def end(thread):
        number = numbers[thread // 2]
        with live.transaction() as session:
            if thread % 2:
                earnings.earn(session, project_id, number, expert_id, now())
            else:
                budgets.release(session, project_id, number, now())

    ends = at_once(20, end)

    assert ends["done"] == 10
    assert ends["AlreadyEarned"] + ends["NotReserved"] == 10
    with live.transaction() as session:
        summary = budgets.summary(session, project_id)
        assert summary.reserved == eur(0)
        earned = [
            row
            for row in (session.get(Reservation, number) for number in numbers)
            if row.state is ReservationState.EARNED
        ]
        assert summary.spent == eur(420 * len(earned))
        assert earnings.owed(session, expert_id) == ([summary.spent] if earned else [])
        assert ledger.problems(session) == []


def test_many_acceptances_in_any_order_do_not_wait_for_each_other_in_a_circle(live):
    with live.transaction() as session:
        budget = make_budget(session, funded=1_000_000)
        project_id = budget.project_id
        experts = [make_expert(session).id for _ in range(8)]
        for number in range(64):
            make_reservation(session, budget, assignment_id=number + 1)

    def accept(thread):
        # Each thread accepts its own eight, of all experts, in an order of its own, in one go.
        order = experts[thread:] + experts[:thread]
        with live.transaction() as session:
            for place, expert_id in enumerate(order):
                earnings.earn(session, project_id, thread * 8 + place + 1, expert_id, now())

    assert at_once(8, accept) == {"done": 8}
    with live.transaction() as session:
        assert budgets.summary(session, project_id).spent == eur(64 * 420)
        assert ledger.problems(session) == []
