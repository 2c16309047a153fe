"""Bonuses, paid reviews, paid qualification: reserved or given once, earned for good."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from accounts.models import User
from core.clock import now
from core.models import AuditEvent, Letter
from payouts import bonuses, budgets, earnings, extra_pay, ledger, overview, statements
from payouts.bonuses import Bonus
from payouts.extra_pay import Extra
from payouts.extra_pay_models import ExtraKind, ExtraPay, ExtraState
from payouts.models import PayoutState
from tests.factories.accounts import make_user
from tests.factories.payouts import (
    eur,
    make_bonus,
    make_budget,
    make_earning,
    make_expert,
    make_payout,
    make_reservation,
)

WORDS = "The notes on clause 3 saved us a week of work."


@pytest.fixture
def budget(session):
    return make_budget(session, funded=5000)


@pytest.fixture
def expert(session):
    return make_expert(session)


@pytest.fixture
def owner(session):
    return make_user(session, "owner")


def worked(session, budget, expert):
    return make_reservation(session, budget, expert_id=expert.id, submitted_at=now())


def give(session, budget, expert, owner, minor=1000, key="k" * 16, words=WORDS):
    bonus = Bonus(budget.project_id, expert.id, eur(minor), words)
    return bonuses.give(session, bonus, fee_bps=1500, key=key, by=owner, at=now())


def test_a_bonus_is_the_experts_whole_and_the_fee_comes_on_top(session, budget, expert, owner):
    worked(session, budget, expert)

    made = give(session, budget, expert, owner)
    again = give(session, budget, expert, owner)

    assert made is not None
    assert again is None
    assert earnings.owed(session, expert.id) == earnings.total(session, expert.id) == [eur(1000)]
    summary = budgets.summary(session, budget.project_id)
    assert (summary.spent, summary.fees) == (eur(1000), eur(150))
    assert summary.available == eur(5000 - 483 - 1150)
    letter = session.exec(select(Letter).where(Letter.template == "payouts/bonus")).one()
    assert "€10.00" in letter.subject
    assert WORDS in letter.body
    told = session.exec(select(AuditEvent).where(AuditEvent.action == "bonus.given")).one()
    assert (told.by_user_id, WORDS in str(told.details)) == (owner.id, False)
    assert ledger.problems(session) == []


def test_one_form_is_one_bonus(session, budget, expert, owner):
    worked(session, budget, expert)
    give(session, budget, expert, owner)

    with pytest.raises(extra_pay.OtherUse):
        give(session, budget, expert, owner, minor=2000)
    assert give(session, budget, expert, owner, key="other-key-1234567") is not None

    assert earnings.owed(session, expert.id) == [eur(2000)]


@pytest.mark.parametrize("minor", [5001, 3960, 10**9])
def test_no_bonus_beyond_the_budget_and_nothing_is_left_of_it(
    session, budget, expert, owner, minor
):
    worked(session, budget, expert)

    with pytest.raises(budgets.OutOfBudget):
        give(session, budget, expert, owner, minor=minor)

    assert session.exec(select(ExtraPay)).all() == []
    assert session.exec(select(Letter).where(Letter.template == "payouts/bonus")).all() == []
    assert give(session, budget, expert, owner, minor=100) is not None


def test_a_bonus_is_for_work_and_for_somebody_else(session, budget, expert, owner):
    with pytest.raises(bonuses.NoWorkThere):
        give(session, budget, expert, owner)
    make_reservation(session, budget, expert_id=expert.id)  # in hand, not handed in
    with pytest.raises(bonuses.NoWorkThere):
        give(session, budget, expert, owner)
    worked(session, budget, expert)
    with pytest.raises(bonuses.OwnBonus):
        give(session, budget, expert, expert)
    with pytest.raises(bonuses.WordsNeeded):
        give(session, budget, expert, owner, words="  thanks  ")


@pytest.mark.parametrize(
    "change",
    [
        "pay_minor = 1",
        "state = 'released'",
        "words = 'something else altogether'",
        "expert_id = given_by",
        "ended_at = now()",
    ],
)
def test_what_is_given_stays(session, budget, expert, change):
    made = make_bonus(session, budget, expert.id)

    with pytest.raises(IntegrityError, match="stays"), session.begin_nested():
        session.execute(text(f"update extra_pay set {change} where id = {made.id}"))
    with pytest.raises(IntegrityError, match="stays"), session.begin_nested():
        session.execute(text(f"delete from extra_pay where id = {made.id}"))


def test_a_bonus_is_among_the_earnings_and_on_the_statement(session, budget, expert):
    make_earning(session, budget, expert.id, pay=420)
    make_bonus(session, budget, expert.id, pay=500)
    payout = make_payout(session, expert.id, amount=920, state=PayoutState.SENT, attempt=1)
    ledger.post(
        session,
        f"payout:{payout.id}:1:taken",
        [
            ledger.Entry(
                "amount",
                ledger.owed(expert.id, "eur"),
                ledger.in_flight(expert.id, "eur"),
                eur(920),
            )
        ],
        at=now(),
        narration="taken",
        cause=f"payout:{payout.id}",
    )

    rows = session.execute(overview.amounts(expert.id)).all()
    week = overview.weeks(session, expert.id, "eur", at=now())[-1]
    it = statements.of(session, payout)

    assert {(row.what, row.minor) for row in rows} == {
        ("work", 420),
        ("bonus", 500),
        ("payout", -920),
    }
    assert week.sent == eur(920)
    assert {(line.what, line.amount) for line in it.lines} == {
        ("Work accepted", eur(420)),
        ("Bonus", eur(500)),
    }
    assert not it.kept


# Reviews and qualification tasks


def review(budget, reviewer, assignment_id, minor=150):
    return Extra(
        ExtraKind.REVIEW,
        budget.project_id,
        reviewer.id,
        eur(minor),
        eur(22),
        assignment_id=assignment_id,
    )


def test_a_review_is_reserved_before_it_starts_and_earned_once(session, budget, expert):
    work = worked(session, budget, make_expert(session))
    name = extra_pay.review_reference(work.assignment_id, expert.id)
    asked = review(budget, expert, work.assignment_id)

    rows = [extra_pay.reserve(session, asked, name, at=now()) for _click in range(2)]
    standing = overview.standing(session, expert.id, "eur", at=now())
    paid = [extra_pay.earn(session, name, at=now()) for _click in range(2)]

    assert rows[0].id == rows[1].id
    assert standing.reserved == eur(150)
    assert paid == [eur(150), eur(150)]
    assert earnings.owed(session, expert.id) == [eur(150)]
    with pytest.raises(budgets.AlreadyEarned):
        extra_pay.release(session, name, at=now())
    assert ledger.problems(session) == []


def test_a_review_that_nobody_does_gives_its_pay_back(session, budget, expert):
    work = worked(session, budget, make_expert(session))
    name = extra_pay.review_reference(work.assignment_id, expert.id)
    before = budgets.available(session, budget.project_id)
    extra_pay.reserve(session, review(budget, expert, work.assignment_id), name, at=now())

    for _click in range(2):
        extra_pay.release(session, name, at=now())

    assert budgets.available(session, budget.project_id) == before
    with pytest.raises(budgets.NotReserved):
        extra_pay.earn(session, name, at=now())
    with pytest.raises(budgets.NotReserved):
        extra_pay.reserve(session, review(budget, expert, work.assignment_id), name, at=now())


def test_nobody_is_paid_for_reviewing_their_own_work(session, budget, expert):
    work = worked(session, budget, expert)
    asked = review(budget, expert, work.assignment_id)

    with pytest.raises(extra_pay.OwnReview):
        extra_pay.reserve(session, asked, "review:1", at=now())
    with pytest.raises(IntegrityError, match="own work"), session.begin_nested():
        extra_pay._insert(session, asked, "review:1", ExtraState.HELD, now())


def test_without_budget_no_review_begins(session, expert):
    poor = make_budget(session, funded=500)
    work = worked(session, poor, make_expert(session))

    with pytest.raises(budgets.OutOfBudget):
        extra_pay.reserve(session, review(poor, expert, work.assignment_id), "review:1", at=now())

    with pytest.raises(budgets.NotReserved):
        extra_pay.earn(session, "review:1", at=now())


# At once


def test_two_clicks_at_once_give_one_bonus_and_two_owners_never_overdraw(live):
    with live.transaction() as session:
        budget = make_budget(session, funded=2000)
        expert = make_expert(session)
        make_reservation(session, budget, pay=10, fee=0, expert_id=expert.id, submitted_at=now())
        owners = [make_user(session, "owner").id for _ in range(2)]
        project_id, expert_id = budget.project_id, expert.id
    start = Barrier(8)

    def one(number):
        start.wait()
        try:
            with live.transaction() as session:
                by = session.get_one(User, owners[number % 2])
                bonus = Bonus(project_id, expert_id, eur(1000), WORDS)
                key = f"key-of-the-form-{number % 2}"
                return bonuses.give(session, bonus, fee_bps=1500, key=key, by=by, at=now())
        except budgets.OutOfBudget:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [each for each in pool.map(one, range(8)) if each is not None]

    with live.transaction() as session:
        assert len(made) == 1
        assert earnings.owed(session, expert_id) == [eur(1000)]
        assert budgets.available(session, project_id) == eur(2000 - 10 - 1150)
        assert ledger.problems(session) == []
