"""Operators' pages of the books: by two people, one click or two, with words for what lacks."""

import pytest
from sqlmodel import select

from accounts.models import Decision, User
from core.clock import now
from payouts import payout_stops, reversals
from payouts.books_models import PayoutStop
from payouts.dispute_models import Reversal, ReversalState
from payouts.models import Payout, PayoutState
from tests.factories.accounts import make_user
from tests.factories.books import make_payout_stop, make_rail_line, make_reversal
from tests.factories.payouts import make_expert, make_payout
from tests.payouts.conftest import new_key
from tests.payouts.test_budgets import at_once

SAID = "A colleague paid a test card on Stripe's page; it is refunded on Friday."


@pytest.fixture
def two(session):
    return make_user(session, "operator"), make_user(session, "operator")


def sent_payout(session, expert_id, **changes):
    values = {"state": PayoutState.SENT, "attempt": 1, "stripe_transfer_id": "tr_9"}
    return make_payout(session, expert_id, amount=3000, sent_at=now(), **(values | changes))


def test_one_explains_and_another_releases_and_second_clicks_do_no_harm(session, sign_in, two):
    one, other = two
    stop = make_payout_stop(session)
    session.commit()
    address = f"/operator/money/stops/{stop.id}"

    first = sign_in(one)
    assert first.post(f"{address}/explain", data={"words": "short"}).status_code == 422
    for _ in range(2):
        assert first.post(f"{address}/explain", data={"words": SAID}).status_code == 302
    session.refresh(stop)
    read_at = {"read_at": stop.explained_at.isoformat()}
    assert first.post(f"{address}/release", data=read_at).status_code == 403
    second = sign_in(other)
    assert second.post(f"{address}/release", data={"read_at": "yesterday"}).status_code == 409
    for _ in range(2):
        assert second.post(f"{address}/release", data=read_at).status_code == 302
    assert "All is well" in second.get("/operator/money").text

    session.refresh(stop)
    assert stop.released_by == other.id
    assert sign_in(one).post(f"{address}/explain", data={"words": SAID}).status_code == 409


def test_lines_are_listed_filtered_and_shown_whatever_the_address_says(session, sign_in, two):
    line = make_rail_line(session, kind="stripe_fee", source_id=None)
    make_rail_line(session, kind="charge", state="booked")
    client = sign_in(two[0])

    page = client.get("/operator/money/books/lines?state=foreign&currency=eur")
    assert "Fee billed apart" in page.text
    assert "Payment of an owner" not in page.text
    assert client.get("/operator/money/books/lines?state=';drop&currency=zzz").status_code == 200
    assert "Lacking in our books" in client.get(f"/operator/money/books/lines/{line.id}").text
    assert client.get("/operator/money/books/lines/txn_none").status_code == 404


def test_a_payout_is_proposed_agreed_to_and_withdrawn_on_the_pages(session, sign_in, two):
    one, other = two
    payout = sent_payout(session, make_expert(session).id)
    session.commit()
    address = f"/operator/money/payouts/{payout.id}/take-back"
    first = sign_in(one)
    assert "30.00" in first.get(address).text
    form = {"code": "not_reached", "words": SAID, "evidence": SAID, "key": new_key()}

    for typed in ("nonsense", "-5", "0", ""):
        assert first.post(address, data={**form, "amount": typed}).status_code == 422
    assert first.post(address, data={**form, "amount": "31.00"}).status_code == 422
    for _ in range(2):
        assert first.post(address, data={**form, "amount": "30.00"}).status_code == 302
    row = session.exec(select(Reversal)).one()
    agree = f"/operator/money/reversals/{row.id}/agree"
    assert first.post(agree).status_code == 403
    second = sign_in(other)
    for _ in range(2):
        assert second.post(agree).status_code == 302

    session.refresh(row)
    assert row.state is ReversalState.ASKING
    assert len(session.exec(select(Decision)).all()) == 1
    withdraw = f"/operator/money/reversals/{row.id}/withdraw"
    assert second.post(withdraw).status_code == 409
    expert = session.get(User, payout.expert_id)
    decision = session.exec(select(Decision)).one()
    page = sign_in(expert).get(f"/decisions/{decision.id}")
    assert "The money cannot reach the expert" in page.text


def test_what_was_made_by_hand_is_said_on_the_page(session, sign_in, two):
    payout = sent_payout(session, make_expert(session).id)
    row = make_reversal(
        session, payout, state=ReversalState.FOUND, cause=None, words=None, evidence=None
    )
    row.proposed_by = None
    session.commit()
    client = sign_in(two[0])

    assert "Say what it was" in client.get("/operator/money/reversals").text
    address = f"/operator/money/reversals/{row.id}/say"
    short = {"code": "not_reached", "words": "x", "evidence": "y"}
    assert client.post(address, data=short).status_code == 422
    told = {"code": "not_reached", "words": SAID, "evidence": SAID}
    assert client.post(address, data=told).status_code == 302
    session.refresh(row)
    assert (row.state, row.proposed_by) == (ReversalState.FOUND, two[0].id)


def test_two_operators_at_once_agree_and_release_once(live):
    with live.transaction() as session:
        people = [make_user(session, "operator").id for _ in range(4)]
        payout = sent_payout(session, make_expert(session).id)
        reversal_id = make_reversal(session, payout).id
        stop = make_payout_stop(session, explanation=SAID)
        stop_id, read_at, payout_id = stop.id, stop.explained_at, payout.id

    def agree(number):
        with live.transaction() as session:
            by = session.get_one(User, people[number])
            reversals.agree(session, reversal_id, by=by, at=now())

    def release(number):
        with live.transaction() as session:
            by = people[number]
            payout_stops.release(session, stop_id, read_at=read_at, by=by, at=now())

    assert at_once(4, agree) == {"done": 1, "Settled": 3}
    assert at_once(4, release) == {"done": 1, "Ended": 3}
    with live.transaction() as session:
        assert len(session.exec(select(Decision)).all()) == 1
        assert session.get_one(PayoutStop, stop_id).released_by in people
        assert session.get_one(Payout, payout_id).state is PayoutState.SENT
