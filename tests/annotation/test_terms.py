"""Terms are fixed when a task is taken: what a project pays later is for later claims alone."""

import pytest
from sqlalchemy.exc import IntegrityError

from accounts.models import User
from annotation import assignment, review
from annotation.review import ACCEPT
from core.clock import now
from payouts import budgets, earnings
from payouts.models import Reservation
from tests.factories.annotation import choice, claimed, make_desk
from tests.factories.payouts import eur


@pytest.fixture
def made(session):
    return make_desk(session, tasks=2, experts=1, funds=5000)


def claim(session, made):
    return claimed(session, made.project, made.experts[0].user_id, at=now())


def change(session, project, values):
    for name, value in values.items():
        setattr(project, name, value)
    session.flush()


def test_everything_that_was_promised_is_kept_with_the_assignment(session, made):
    lease = claim(session, made)

    assert (lease.pay, lease.fee) == (eur(420), eur(63))
    assert lease.terms == {
        "guidelines_version": 1,
        "fee_bps": 1500,
        "part_rule": "PT-1",
        "lease_minutes": 120,
        "review_days": 7,
        "contest_days": 14,
        "validation": "agreement",
        "overlap": 2,
        "extensions": 2,
    }


def test_another_price_is_for_later_claims_alone(session, made):
    lease = claim(session, made)
    change(session, made.project, {"price_minor": 900, "fee_bps": 3000, "review_days": 1})

    assignment.submit(session, lease, made.project, choice(), at=now())
    review.decide(session, lease, ACCEPT, by=made.owner, at=now())
    later = claim(session, made)

    assert earnings.owed(session, lease.expert_id) == [eur(420)]
    assert budgets.summary(session, made.project_id).fees == eur(63)
    assert (lease.review_by - lease.submitted_at).days == 7
    assert (later.pay, later.fee, later.terms["review_days"]) == (eur(900), eur(270), 1)
    reserved = session.get(Reservation, later.id)
    assert (reserved.pay, reserved.fee) == (eur(900), eur(270))


@pytest.mark.parametrize(
    "values",
    [{"pay_minor": 1}, {"fee_minor": 1}, {"currency": "usd"}, {"terms": {"review_days": 1}}],
)
def test_the_database_keeps_what_was_promised(session, made, values):
    lease = claim(session, made)
    session.flush()

    with pytest.raises(IntegrityError, match="stay as they were"), session.begin_nested():
        change(session, lease, values)


def test_the_expert_reads_the_terms_before_and_keeps_them(session, made, sign_in):
    expert = sign_in(session.get(User, made.experts[0].user_id))
    session.commit()
    invitation = expert.get("/invitations").text
    lease = claim(session, made)
    session.commit()
    change(session, made.project, {"price_minor": 900})
    session.commit()

    bench = expert.get(f"/work/{lease.id}").text
    assert made.project.title in invitation
    assert "€4.20" in bench
    assert "Paid in part only" in bench
    assignment.submit(session, lease, made.project, choice(), at=now())
    session.commit()
    after = expert.get(f"/work/{lease.id}").text
    assert "€4.20" in after
    assert "These terms were fixed when you took the task" in after
