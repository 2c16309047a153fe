"""The first tasks of an expert paid on handing in, and verdicts of reviewers who are experts."""

from datetime import timedelta

import pytest
from sqlmodel import select

from accounts.models import MemberRole, Membership, User
from annotation import assignment, beside_pay, desk, review
from annotation.models import Assignment, State, Verdict
from annotation.review import ACCEPT, Ruling
from core.clock import now
from payouts import budgets, earnings, ledger
from payouts.extra_pay_models import ExtraPay, ExtraState
from projects import rates, terms
from tests.factories.annotation import choice, claimed, make_assignment, make_desk, make_task
from tests.factories.payouts import eur

REFUSE = Ruling(
    Verdict.REJECTED, "wrong_answer", "The clause limits liability; it grants nothing.", "2.1"
)


@pytest.fixture
def made(session):
    return make_desk(
        session,
        tasks=4,
        experts=1,
        funds=5000,
        qualification_tasks=2,
        qualification_minor=100,
    )


def claim(session, made):
    return claimed(session, made.project, made.experts[0].user_id, at=now())


def hand_in(session, made, lease):
    for _click in range(2):
        assignment.submit(session, lease, made.project, choice(), at=now())


def owed(session, made):
    return sum(one.minor for one in earnings.owed(session, made.experts[0].user_id))


def test_the_first_tasks_are_paid_on_handing_in_whatever_becomes_of_them(session, made):
    seen = []
    for _task in range(3):
        lease = claim(session, made)
        hand_in(session, made, lease)
        seen.append(owed(session, made))
        review.decide(session, lease, REFUSE, by=made.owner, at=now())

    assert seen == [100, 200, 200]
    assert owed(session, made) == 200
    summary = budgets.summary(session, made.project_id)
    assert (summary.fees, summary.reserved) == (eur(30), eur(0))
    assert ledger.problems(session) == []


def test_the_price_comes_on_top(session, made):
    lease = claim(session, made)
    hand_in(session, made, lease)

    review.decide(session, lease, ACCEPT, by=made.owner, at=now())

    assert owed(session, made) == 100 + 420


def test_it_is_reserved_with_the_lease_and_given_back_with_it(session, made):
    lease = claim(session, made)
    assert budgets.summary(session, made.project_id).reserved == eur(483 + 115)

    for _click in range(2):
        assignment.give_back(session, lease, at=now())

    assert budgets.summary(session, made.project_id).reserved == eur(0)
    again = claim(session, made)
    session.flush()
    assignment.expire_next(session, at=now() + timedelta(days=1))
    assert again.state is State.EXPIRED
    states = [one.state for one in session.exec(select(ExtraPay))]
    assert states == [ExtraState.RELEASED, ExtraState.RELEASED]
    assert owed(session, made) == 0


def test_it_is_frozen_with_the_terms_and_shown_before(session, made):
    lease = claim(session, made)
    made.project.qualification_minor = 900
    session.flush()
    hand_in(session, made, lease)

    assert owed(session, made) == 100
    rows = terms.rows(made.project, eur(5000), rates.of(session, made.project))
    assert any("each of your first 2 tasks" in row[1] for row in rows)


def test_a_budget_that_lacks_it_gives_no_task(session):
    poor = make_desk(
        session, tasks=1, experts=1, funds=500, qualification_tasks=1, qualification_minor=100
    )
    session.commit()

    with pytest.raises(budgets.OutOfBudget):
        claim(session, poor)

    session.rollback()
    assert (
        desk.why_nothing(session, poor.project, poor.experts[0].user_id, at=now())
        is desk.Why.BUDGET
    )
    assert session.exec(select(Assignment)).all() == []


# Reviews


@pytest.fixture
def reviewed(session):
    made = make_desk(session, tasks=0, experts=2, funds=5000, review_minor=150)
    reviewer = session.get(User, made.experts[1].user_id)
    session.add(
        Membership(
            organisation_id=made.organisation.id,
            user_id=reviewer.id,
            role=MemberRole.MEMBER,
            joined_at=now(),
        )
    )
    session.flush()
    return made, reviewer


def submitted(session, made, expert=0):
    return make_assignment(
        session,
        made.project,
        expert=made.experts[expert],
        task=make_task(session, made.project),
        state=State.SUBMITTED,
    )


@pytest.mark.parametrize("ruling", [ACCEPT, REFUSE])
def test_a_reviewer_who_is_an_expert_is_paid_once_for_a_verdict(session, reviewed, ruling):
    made, reviewer = reviewed
    lease = submitted(session, made)

    for _click in range(2):
        review.decide(session, lease, ruling, by=reviewer, at=now())

    assert earnings.owed(session, reviewer.id) == [eur(150)]
    assert ledger.problems(session) == []


def test_members_who_are_no_experts_are_not_paid_and_nobody_for_their_own(session, reviewed):
    made, reviewer = reviewed
    review.decide(session, submitted(session, made), ACCEPT, by=made.owner, at=now())

    with pytest.raises(review.OwnWork):
        review.decide(session, submitted(session, made, expert=1), ACCEPT, by=reviewer, at=now())

    assert session.exec(select(ExtraPay)).all() == []


def test_a_verdict_that_the_budget_cannot_pay_is_not_given(session, reviewed):
    made, reviewer = reviewed
    lease = submitted(session, made)
    session.commit()
    made.project.review_minor = 4900
    session.commit()

    with pytest.raises(beside_pay.ReviewNotCovered):
        review.decide(session, lease, ACCEPT, by=reviewer, at=now())

    session.rollback()
    assert session.get(Assignment, lease.id).state is State.SUBMITTED
    assert earnings.owed(session, lease.expert_id) == []
