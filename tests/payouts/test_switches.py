"""The sandbox's switches, from our side: whatever becomes of its messages, money is booked once."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from payouts import budgets, deposits, payees
from payouts import jobs as payout_jobs
from payouts.models import Deposit, DepositState, PayeeState, PayoutState, RailEvent
from payouts.sandbox.settings import Webhook
from tests.factories.payouts import eur, make_budget, make_deposit
from tests.payouts.conftest import a_desk
from tests.payouts.sandbox.bench import receiving

SECRET = "whsec_platform"


@pytest.fixture
def post_box():
    """Takes what the sandbox sends, so that a test decides when our app hears of it."""
    with receiving() as found:
        found.secret = SECRET
        yield found


@pytest.fixture
def desk(app, tmp_path, post_box):
    hooks = (Webhook(f"{post_box.url}/platform", SECRET),)
    with a_desk(app, tmp_path, instant_settlement=True, platform_webhooks=hooks) as found:
        yield found


@pytest.fixture
def paid(desk, session):
    """A budget that was paid into at Stripe, while our app has heard nothing."""

    def pay(**switches):
        budget = make_budget(session)
        deposit = make_deposit(session, budget, state="open")
        deposit.stripe_checkout_id = deposit.stripe_checkout_url = None
        session.commit()
        deposits.begin(deposit.id, desk.rail, title="B", back_to="http://localhost/b")
        session.refresh(deposit)
        desk.bench.control("/webhooks/switch", **switches)
        desk.bench.control(f"/checkout/{deposit.stripe_checkout_id}/pay")
        return lambda: budgets.available(session, budget.project_id)

    return pay


def hear(client, post_box):
    """Bring our app what came, as it came."""
    for heard in post_box.heard:
        answer = client.post(
            "/webhooks/stripe",
            data=heard.raw,
            headers={"Stripe-Signature": heard.signature, "Content-Type": "application/json"},
            without_csrf=True,
        )
        assert answer.status_code == 200


def none_waits(desk):
    """Wait until the sandbox owes nobody anything."""
    for _ in range(200):
        if not desk.bench.look("/health")["pending_webhooks"]:
            return
        time.sleep(0.05)
    raise AssertionError("the sandbox still owes messages")


@pytest.mark.parametrize(
    "switches", [{"duplicate": True}, {"reorder": True}, {"duplicate": True, "reorder": True}]
)
def test_messages_that_come_twice_or_turned_round_book_once(
    desk, session, client, jobs, paid, post_box, switches
):
    available = paid(paused=True, **switches)
    desk.bench.control("/webhooks/deliver")

    hear(client, post_box)
    jobs()

    names = post_box.names()
    assert (names[0] == "checkout.session.completed") is ("reorder" in switches)
    ids = [heard.event["id"] for heard in post_box.heard]
    assert len(ids) == len(set(ids)) * (2 if "duplicate" in switches else 1)
    assert len(session.exec(select(RailEvent)).all()) == len(set(ids))
    assert available() == eur(50_000)


def test_messages_that_are_late_book_when_they_come(desk, session, client, jobs, paid, post_box):
    available = paid(delay=3600)
    desk.bench.control("/clock/advance", seconds=3500)
    time.sleep(0.2)
    assert post_box.names() == []

    desk.bench.control("/clock/advance", seconds=200)
    post_box.wait(lambda names: "checkout.session.completed" in names)
    hear(client, post_box)
    jobs()

    assert available() == eur(50_000)


def test_messages_that_were_dropped_are_fetched(desk, session, jobs, paid, post_box):
    available = paid(drop=True)
    none_waits(desk)

    said = payout_jobs.collect_news()
    jobs()

    assert post_box.names() == []
    assert desk.bench.look("/health")["given_up_webhooks"] > 0
    assert said.endswith(" new")
    assert said != "0 new"
    assert available() == eur(50_000)


def test_messages_that_somebody_else_swallowed_are_made_up_for_by_the_sweep(
    desk, session, jobs, paid, post_box
):
    available = paid(swallow=True)
    none_waits(desk)
    assert payout_jobs.collect_news() == "0 new"  # Stripe believes that all arrived

    desk.ahead = timedelta(minutes=5)
    assert payout_jobs.reread_deposits() == 1
    jobs()

    assert post_box.names() == []
    assert available() == eur(50_000)


def test_where_the_platform_has_no_accounts_v2_experts_are_paid_by_v1(app, session, jobs, tmp_path):
    with a_desk(app, tmp_path, instant_settlement=True, accounts_v2=False) as old:
        payout = old.payout(session)
        jobs()

        session.refresh(payout)
        assert payout.state is PayoutState.SENT
        payee = payees.known(session, payout.expert_id)
        assert payee.state is PayeeState.ACTIVE
        account = old.bench.v1.accounts.retrieve(payee.stripe_account_id)
        assert account.controller.requirement_collection == "stripe"
        assert old.bench.available(account.id) == payout.amount.minor


def test_a_payment_whose_line_comes_a_moment_later_is_booked_then_and_once(
    app, session, client, jobs, tmp_path, post_box
):
    hooks = (Webhook(f"{post_box.url}/platform", SECRET),)
    with a_desk(app, tmp_path, capture_seconds=60, platform_webhooks=hooks) as real:
        budget = make_budget(session)
        deposit_id = real.deposit(session, budget, 50_000)
        deposit = session.get(Deposit, deposit_id)
        post_box.wait(lambda names: "checkout.session.completed" in names)
        hear(client, post_box)
        jobs()
        session.refresh(deposit)
        assert deposit.state is DepositState.PROCESSING
        assert budgets.available(session, budget.project_id) == eur(0)

        real.pass_time(timedelta(minutes=2))
        post_box.wait(lambda names: "charge.updated" in names)
        hear(client, post_box)
        jobs()

        session.refresh(deposit)
        assert deposit.state is DepositState.PAID
        assert budgets.available(session, budget.project_id) == eur(50_000)


def test_a_saved_card_whose_line_comes_a_moment_later_is_processing_until_then(app, tmp_path):
    with a_desk(app, tmp_path, capture_seconds=60) as real:
        v1 = real.bench.v1
        owner = v1.customers.create({"name": "Ada"}).id
        card = v1.payment_methods.attach("pm_card_visa", {"customer": owner})
        named = {"customer_id": owner, "reference": "topup-1"}

        first = real.rail.charge_saved(eur(5_000), card_id=card.id, title="Budget", **named)
        real.pass_time(timedelta(minutes=2))
        again = real.rail.find_saved_charge(since=datetime.now(UTC), **named)

    assert (first.state, again.state) == ("processing", "paid")
    assert again.charge_id == first.charge_id
