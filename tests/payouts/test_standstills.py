"""What stands still is said on the earnings page before anything is pressed."""

import pytest

from core.clock import now
from payouts.models import PayoutState
from tests.factories.books import make_payout_stop
from tests.factories.payouts import make_budget, make_earning, make_expert, make_payout


@pytest.fixture
def owed(session):
    """An expert to whom something is owed."""
    expert = make_expert(session)
    make_earning(session, make_budget(session, funded=50_000), expert.id, pay=5000)
    session.commit()
    return expert


def test_nothing_is_said_while_nothing_stands_still(sign_in, owed):
    page = sign_in(owed).get("/earnings").text

    assert "stand still" not in page
    assert "wait for owners" not in page


def test_a_stop_of_the_currency_is_said_and_no_date_is_promised(session, sign_in, owed):
    stop = make_payout_stop(session)
    session.commit()
    client = sign_in(owed)

    page = client.get("/earnings").text
    assert "Payouts in EUR stand still since" in page
    assert "stays owed; payouts stand still" in page

    stop.ended_at = now()
    session.commit()
    assert "stand still" not in client.get("/earnings").text


def test_a_stop_of_another_currency_is_nobodys_matter(session, sign_in, owed):
    make_payout_stop(session, currency="usd")
    session.commit()

    assert "stand still" not in sign_in(owed).get("/earnings").text


def test_that_others_wait_for_funds_is_said_before_one_asks(session, sign_in, owed):
    make_payout(session, make_expert(session).id, state=PayoutState.WAITING_FUNDS)
    session.commit()
    client = sign_in(owed)

    assert "Payouts in EUR wait for owners’ payments" in client.get("/earnings").text

    make_payout(session, owed.id, state=PayoutState.WAITING_FUNDS)
    session.commit()
    page = client.get("/earnings").text
    assert "wait for owners" not in page
    assert "have not cleared at Stripe yet" in page


def test_a_payout_that_waits_for_a_second_person_says_so(session, sign_in, owed):
    make_payout(session, owed.id, reason="needs_approval")
    session.commit()

    page = sign_in(owed).get("/earnings").text
    assert "A second person looks at large amounts" in page
    assert "Waits, see above" in page
    assert "Leaves within a few minutes" not in page
