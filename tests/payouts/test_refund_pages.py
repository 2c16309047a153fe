"""Owners ask for refunds on a page that says how much, why not more, and what became of it."""

import threading

import pytest
from sqlmodel import select

from payouts.charge_models import Charge
from payouts.refund_models import Refund, RefundState
from tests.factories.accounts import make_member, make_organisation, make_user
from tests.factories.payouts import make_budget
from tests.factories.refunds import make_charge, make_refund, make_refund_part
from tests.payouts.conftest import new_key


@pytest.fixture
def organisation(session):
    return make_organisation(session)


@pytest.fixture
def owner(session, organisation):
    return make_member(session, organisation)


@pytest.fixture
def budget(session, organisation):
    return make_budget(session, organisation_id=organisation.id, funded=10_000)


def address(budget, rest=""):
    return f"/projects/{budget.project_id}/budget{rest}"


def test_an_owner_asks_once_and_sees_where_it_is(desk, session, owner, budget, sign_in, jobs):
    desk.deposit(session, budget, 5_000)
    client, key = sign_in(owner), new_key()
    form = client.get(address(budget, "/refund"))
    assert "At most €150.00" in form.text
    assert "the platform bears it" in form.text

    answers = [
        client.post(address(budget, "/refund"), data={"amount": "30,00", "key": key})
        for _ in range(2)
    ]

    [made] = session.exec(select(Refund)).all()
    page = address(budget, f"/refunds/{made.id}")
    assert [answer.location for answer in answers] == [page, page]
    assert "On its way to you" in client.get(page).text
    jobs()
    assert "€30.00 is refunded" in client.get(page).text
    listed = client.get(address(budget)).text
    assert f"Refund {made.id}" in listed
    assert "Refunded" in listed


@pytest.mark.parametrize("typed", ["", "abc", "0", "-5", "1,500"])
def test_what_is_no_amount_is_said_beside_the_field(session, owner, budget, sign_in, typed):
    answer = sign_in(owner).post(
        address(budget, "/refund"), data={"amount": typed, "key": new_key()}
    )

    assert answer.status_code == 422
    assert session.exec(select(Refund)).all() == []


def test_more_than_is_unspent_is_refused_in_words(desk, session, owner, budget, sign_in):
    answer = sign_in(owner).post(
        address(budget, "/refund"), data={"amount": "100.01", "key": new_key()}
    )

    assert answer.status_code == 422
    assert 'value="100.01"' in answer.text
    assert "At most €100.00 can be refunded now" in answer.text


def test_with_nothing_to_refund_the_page_says_why(session, owner, budget, sign_in):
    make_charge(session, budget, amount=3_000, is_disputed=True)
    for row in session.exec(select(Charge).where(Charge.amount_minor == 10_000)):
        row.is_disputed = True
    session.commit()

    page = sign_in(owner).get(address(budget, "/refund")).text

    assert "Nothing can be refunded now" in page
    assert "the bank decides about these first" in page


def test_stripe_away_takes_the_request_and_does_it_later(desk, session, owner, budget, sign_in):
    desk.deposit(session, budget, 5_000)
    desk.fault("lose_request", "/v1/charges", method="GET", times=20)

    answer = sign_in(owner).post(
        address(budget, "/refund"), data={"amount": "20", "key": new_key()}
    )

    assert answer.status_code == 302
    assert session.exec(select(Refund)).one().amount_minor == 2_000


def test_a_dispute_that_nobody_told_us_of_is_read_before_anything_goes_back(
    desk, session, owner, organisation, sign_in
):
    budget = make_budget(session, organisation_id=organisation.id)
    deposit_id = desk.deposit(session, budget, 5_000)
    charge_id = session.get(Charge, deposit_id).stripe_charge_id
    desk.bench.control(f"/charges/{charge_id}/dispute")

    answer = sign_in(owner).post(
        address(budget, "/refund"), data={"amount": "20", "key": new_key()}
    )

    assert answer.status_code == 422
    assert "Nothing can be refunded now" in answer.text
    assert "In disputed payments" in answer.text


def test_a_completed_project_is_offered_what_is_left(session, owner, budget, sign_in):
    from core.clock import now

    budget.closed_at = now()
    session.commit()

    page = sign_in(owner).get(address(budget)).text

    assert "€100.00 is left. It goes back" in page
    assert address(budget, "/refund") in page


@pytest.mark.parametrize(
    ("state", "trouble", "words"),
    [
        (RefundState.NEEDS_PERSON, None, "Somebody must act"),
        (RefundState.PENDING, "insufficient_funds", "Waits until Stripe holds enough"),
        (RefundState.FAILED, "lost_or_stolen_card", "The card is lost or stolen"),
        (RefundState.FAILED, "something_new", "The bank did not take it back"),
        (RefundState.UNKNOWN, None, "Being looked up"),
    ],
)
def test_each_state_is_said_in_words(session, owner, budget, sign_in, state, trouble, words):
    part = make_refund_part(session, budget, state=state, trouble=trouble)

    page = sign_in(owner).get(address(budget, f"/refunds/{part.refund_id}")).text

    assert words in page


def test_a_stranger_finds_nothing_and_another_projects_refund_is_not_shown(
    session, owner, budget, sign_in
):
    made = make_refund(session, budget)
    other = make_budget(session, organisation_id=budget.organisation_id)
    stranger = make_user(session, "owner")

    assert sign_in(stranger).get(address(budget, "/refund")).status_code == 404
    assert sign_in(owner).get(address(other, f"/refunds/{made.id}")).status_code == 404


def test_two_owners_at_once_get_the_last_money_once(live):
    with live.transaction() as session:
        organisation = make_organisation(session)
        owners = [make_member(session, organisation) for _ in range(2)]
        budget = make_budget(session, organisation_id=organisation.id, funded=10_000)
        url = address(budget, "/refund")
    statuses = []

    def press(person):
        answer = live.client(person).post(url, data={"amount": "80", "key": new_key()})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=press, args=[person]) for person in owners * 2]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(statuses) == [302, 422, 422, 422]


def test_operators_see_what_stripe_cannot_go_on_with(session, sign_in, budget):
    from datetime import timedelta

    from core.clock import now

    make_refund_part(session, budget, state=RefundState.NEEDS_PERSON, stripe_refund_id="re_77")
    make_charge(session, budget, settled_at=None, settles_at=now() - timedelta(days=4))
    session.commit()

    page = sign_in(make_user(session, "operator")).get("/operator/money").text

    assert "re_77" in page
    assert "it would settle on" in page
