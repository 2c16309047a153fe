"""The owner's page of bonuses: given once, for work, by those who may fund."""

import re

import pytest
from sqlmodel import select

from accounts.models import User
from annotation.models import State
from core.once import new_key
from payouts import earnings
from payouts.extra_pay_models import ExtraPay
from tests.factories.accounts import make_owner, make_user
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.payouts import eur, submitted

WORDS = "The notes on clause 3 saved us a week of work."


@pytest.fixture
def made(session):
    desk = make_desk(session, tasks=0, experts=2, funds=5000)
    lease = make_assignment(session, desk.project, expert=desk.experts[0], state=State.SUBMITTED)
    submitted(session, lease.id, review_by=lease.review_by, at=lease.submitted_at)
    session.commit()
    return desk


@pytest.fixture
def page(made):
    return f"/projects/{made.project_id}/bonuses"


def filled(made, **changes):
    return {
        "expert": made.experts[0].pseudonym,
        "amount": "12.50",
        "words": WORDS,
        "key": new_key(),
    } | changes


def test_a_bonus_is_given_and_shown_to_both(session, made, page, sign_in):
    owner, data = sign_in(made.owner), filled(made)
    assert made.experts[0].pseudonym in owner.get(page).text
    assert made.experts[1].pseudonym not in owner.get(page).text  # has handed in nothing

    for _click in range(2):
        done = owner.post(page, data=data, follow_redirects=True)

    assert f"{made.experts[0].pseudonym} gets €12.50" in done.text
    assert WORDS in done.text
    assert len(session.exec(select(ExtraPay)).all()) == 1
    assert earnings.owed(session, made.experts[0].user_id) == [eur(1250)]
    budget = owner.get(f"/projects/{made.project_id}/budget").text
    assert "Bonus: fee" in budget
    assert "€1.88" in budget
    earned = sign_in(session.get(User, made.experts[0].user_id)).get("/earnings").text
    assert re.search(r"Bonus.*€12\.50", earned, re.S)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"amount": ""}, 422),
        ({"amount": "0"}, 422),
        ({"amount": "-5"}, 422),
        ({"amount": "1,000"}, 422),
        ({"amount": "9" * 30}, 422),
        ({"amount": "12.505"}, 422),
        ({"words": "thanks"}, 422),
        ({"words": "x" * 1001}, 422),
        ({"key": ""}, 422),
        ({"expert": "K-0000"}, 422),
        ({"expert": ""}, 422),
        ({"amount": "999999999"}, 409),
        ({"amount": "4500"}, 409),
    ],
)
def test_what_cannot_be_is_said_and_gives_nothing(session, made, page, sign_in, change, status):
    answer = sign_in(made.owner).post(page, data=filled(made, **change))

    assert answer.status_code == status
    assert "to put right" in answer.text
    assert session.exec(select(ExtraPay)).all() == []


def test_the_same_form_for_another_amount_is_refused(session, made, page, sign_in):
    owner, data = sign_in(made.owner), filled(made)
    owner.post(page, data=data)

    assert owner.post(page, data=data | {"amount": "20"}).status_code == 409

    assert earnings.owed(session, made.experts[0].user_id) == [eur(1250)]


def test_only_those_who_fund_give(session, made, page, sign_in, client):
    others = [make_owner(session)[0], make_user(session, "operator")]
    others.append(session.get(User, made.experts[0].user_id))
    session.commit()

    for user in others:
        assert sign_in(user).post(page, data=filled(made)).status_code in (403, 404)
    assert client.post(page, data=filled(made)).status_code in (302, 401)

    assert session.exec(select(ExtraPay)).all() == []


def test_nobody_to_reward_is_said(session, sign_in):
    desk = make_desk(session, tasks=1, experts=1)
    session.commit()

    page = sign_in(desk.owner).get(f"/projects/{desk.project_id}/bonuses").text

    assert "Nobody has handed in work yet" in page
