"""News of the rail: signed, stored once, in any order, and never believed."""

import json
from datetime import timedelta

import pytest
import stripe
from sqlmodel import select

from core.clock import now
from core.ports import NotFromTheRail, RailDown, RailNews
from payouts import attention, budgets, news, payees, references
from payouts import jobs as payout_jobs
from payouts.models import (
    Payee,
    PayeeState,
    Payout,
    PayoutState,
    RailEvent,
    RailEventState,
)
from payouts.news_models import RailEventTry
from tests.factories.accounts import make_user
from tests.factories.payouts import (
    eur,
    make_budget,
    make_deposit,
    make_earning,
    make_expert,
    make_payout,
    make_rail_event,
)


def event(kind="checkout.session.completed", about=None, **changes):
    found = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1_780_000_000,
        "data": {"object": about or {"id": "cs_1", "metadata": {"reference": "deposit-1-abc"}}},
    }
    return found | changes


def post(client, body, secret="whsec_platform", path="/webhooks/stripe", when=None):
    raw = json.dumps(body) if isinstance(body, dict) else body
    signed = stripe.WebhookSignature.generate_signature_header(raw, secret, when)
    return client.post(
        path,
        data=raw,
        headers={"Stripe-Signature": signed, "Content-Type": "application/json"},
        without_csrf=True,
    )


def test_signed_news_is_stored_once(client, session):
    first, second = post(client, event()), post(client, event())

    assert (first.status_code, first.json["new"]) == (200, True)
    assert (second.status_code, second.json["new"]) == (200, False)
    [row] = session.exec(select(RailEvent)).all()
    assert (row.kind, row.reference) == ("checkout.session.completed", "deposit-1-abc")


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "whsec_other"}, 400),
        ({"secret": "whsec_connect"}, 400),
        ({"when": 1_000_000_000}, 400),
        ({"path": "/webhooks/stripe-connect"}, 400),
        ({"path": "/webhooks/stripe-connect", "secret": "whsec_connect"}, 200),
    ],
    ids=["wrong secret", "the other endpoint's", "old", "wrong endpoint", "right"],
)
def test_only_the_rail_is_heard(client, session, how, status):
    assert post(client, event(), **how).status_code == status
    assert bool(session.exec(select(RailEvent)).all()) is (status == 200)


@pytest.mark.parametrize("body", ["", "{}", "[]", "null", "nonsense", '{"object": "event"}'])
def test_signed_nonsense_is_refused_and_harms_nothing(client, body):
    assert post(client, body).status_code == 400


def test_news_without_a_signature_is_refused(client):
    assert client.post("/webhooks/stripe", json=event(), without_csrf=True).status_code == 400


def test_a_huge_message_is_refused(client):
    assert post(client, "x" * 600_000).status_code == 413


def test_news_that_concerns_nothing_of_ours_is_kept_and_ignored(client, session, jobs):
    post(client, event("customer.created", {"id": "cus_1"}))

    [row] = session.exec(select(RailEvent)).all()
    assert row.state is RailEventState.IGNORED


def test_news_of_a_payment_is_a_hint_to_read_it_again(desk, client, session, jobs):
    budget = make_budget(session)
    deposit = make_deposit(session, budget, state="open", opened_by=None)
    forged = event(
        about={
            "id": deposit.stripe_checkout_id,
            "payment_status": "paid",
            "metadata": {"reference": deposit.reference},
        }
    )

    post(client, forged)
    with pytest.raises(Exception, match=r"No such|resource"):
        # The sandbox knows no such checkout, whatever the message said.
        desk.rail.checkout(deposit.stripe_checkout_id)
    jobs()

    assert budgets.available(session, budget.project_id) == eur(0)
    session.expire_all()
    [row] = session.exec(select(RailEvent)).all()
    assert "does not show it" in row.outcome


def test_real_news_book_a_payment_once_however_often_they_come(desk, client, session, jobs):
    budget = make_budget(session)
    deposit_id = desk.deposit(session, budget, 50_000)
    heard = [found.to_dict() for found in desk.bench.v1.events.list({"limit": 100}).data]
    assert {"checkout.session.completed", "payment_intent.succeeded"} <= {
        found["type"] for found in heard
    }

    for found in [*heard, *reversed(heard)]:
        assert post(client, found).status_code == 200
    jobs()

    assert budgets.available(session, budget.project_id) == eur(50_000)
    states = {row.state for row in session.exec(select(RailEvent)).all()}
    assert RailEventState.WAITING not in states
    assert deposit_id


def test_news_of_a_payee_wakes_what_was_blocked(desk, session, jobs):
    expert = desk.expert(session, onboarded=False)
    account_id = payees.known(session, expert.id).stripe_account_id
    budget = desk.budget(session)
    make_earning(session, budget, expert.id, pay=1000)
    make_payout(session, expert.id, state=PayoutState.BLOCKED)
    desk.bench.control(f"/accounts/{account_id}/onboard")
    row = make_rail_event(
        session, kind="account.updated", object_id=account_id, stripe_account_id=account_id
    )
    session.commit()

    assert "active, 1 payouts resumed" in payout_jobs.look_into(row.id)
    jobs()

    session.expire_all()
    assert session.exec(select(Payout)).one().state is PayoutState.SENT


def test_a_thin_event_names_the_account(desk, client, session):
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v2.core.account[requirements].updated",
        "created": "2026-11-22T10:00:00.000Z",
        "related_object": {"id": "acct_7", "type": "v2.core.account"},
    }

    assert post(client, thin).status_code == 200

    assert session.get(RailEvent, "evt_thin").stripe_account_id == "acct_7"


def test_an_account_that_shuts_us_out_is_closed_at_once(client, session):
    expert = make_expert(session)
    account_id = session.get(Payee, expert.id).stripe_account_id
    told = event("account.application.deauthorized", {"id": "ca_1"}, account=account_id)

    post(client, told, secret="whsec_connect", path="/webhooks/stripe-connect")

    session.expire_all()
    assert session.get(Payee, expert.id).state is PayeeState.CLOSED


def test_the_way_to_the_bank_is_mirrored_and_may_turn_back(desk, session, jobs):
    payout = desk.payout(session)
    jobs()
    account_id = payees.known(session, payout.expert_id).stripe_account_id
    desk.pass_time(timedelta(days=5))
    [bank] = desk.bench.v1.payouts.list({}, {"stripe_account": account_id}).data

    def tell(kind):
        row = make_rail_event(session, kind=kind, object_id=bank.id, stripe_account_id=account_id)
        session.commit()
        payout_jobs.look_into(row.id)
        session.expire_all()
        return session.get(Payout, payout.id).state

    assert tell("payout.paid") is PayoutState.PAID
    desk.bench.control(f"/payouts/{bank.id}/fail")
    assert tell("payout.paid") is PayoutState.BANK_REFUSED  # the message is old, the truth is not
    assert tell("payout.failed") is PayoutState.BANK_REFUSED


def test_news_that_could_not_be_read_is_taken_up_again(desk, session, jobs):
    row = make_rail_event(session, kind="balance.available", object_id="")
    session.commit()
    assert payout_jobs.take_up_news() == 0
    desk.ahead = timedelta(minutes=5)

    assert payout_jobs.take_up_news() == 1
    jobs()

    session.expire_all()
    assert session.get(RailEvent, row.id).state is RailEventState.HANDLED


def test_news_that_never_reached_us_is_fetched(desk, session, monkeypatch):
    told = RailNews("evt_9", "balance.available", "", None, None, now())
    monkeypatch.setattr(type(desk.rail), "undelivered_news", lambda _self, _since: [told])

    assert news.collect(desk.rail) == 1
    assert news.collect(desk.rail) == 0


def test_the_rail_is_asked_for_what_it_could_not_bring(desk, session):
    assert payout_jobs.collect_news() == "0 new"


def test_when_the_rail_is_away_fetching_waits_for_the_next_tick(desk, session):
    desk.fault("500", path="/v1/events", method="GET")

    assert "cannot be asked" in payout_jobs.collect_news()


@pytest.mark.parametrize(
    "reference", [None, "", "deposit", "deposit-x-y", "payout-1", "deposit-999999-abc", "a-1-b"]
)
def test_a_reference_of_somebody_else_names_nothing(session, reference):
    assert references.row_of(session, reference) is None


def test_a_reference_of_another_database_names_nothing(session):
    deposit = make_deposit(session, make_budget(session), state="open")

    assert references.row_of(session, deposit.reference) is deposit
    assert references.row_of(session, f"deposit-{deposit.id}-000000000000") is None


def test_a_bad_message_says_so(desk):
    with pytest.raises(NotFromTheRail):
        desk.rail.read_news(b"{}", "t=1,v1=nonsense", secret="whsec_platform")


def test_a_message_that_fails_for_ever_ends_with_its_error_and_is_replayed(
    desk, session, jobs, monkeypatch
):
    budget = make_budget(session)
    deposit = make_deposit(session, budget, state="open", opened_by=None)
    row = make_rail_event(session, object_id="cs_test_0", reference=deposit.reference)
    session.commit()

    def breaks(*_given):
        raise ValueError("a mistake of ours")

    real = news.READINGS["checkout.session."]
    monkeypatch.setitem(news.READINGS, "checkout.session.", breaks)
    for _try in range(news.TRIES_UNTIL_A_PERSON):
        with pytest.raises(ValueError, match="mistake"):
            news.look_into(row.id, desk.rail)

    session.expire_all()
    assert session.get(RailEvent, row.id).state is RailEventState.FAILED
    assert "a mistake of ours" in session.get(RailEvent, row.id).outcome
    tries = session.exec(select(RailEventTry)).all()
    assert len(tries) == news.TRIES_UNTIL_A_PERSON
    assert [need.kind for need in attention.needed(session, at=now())] == ["news"]
    assert news.look_into(row.id, desk.rail) == "done before"

    monkeypatch.setitem(news.READINGS, "checkout.session.", real)
    assert news.replay_failed(session, now() - timedelta(days=1)) == 1
    news.replay(session, row.id)
    session.commit()
    jobs()
    session.expire_all()
    assert session.get(RailEvent, row.id).state is RailEventState.HANDLED


def test_while_the_rail_is_away_a_message_waits_however_often_it_is_tried(
    desk, session, monkeypatch
):
    row = make_rail_event(session, kind="balance.available", object_id="bal_1")
    session.commit()

    def away(*_given):
        raise RailDown("no route")

    monkeypatch.setitem(news.READINGS, "balance.available", away)
    for _try in range(news.TRIES_UNTIL_A_PERSON + 2):
        with pytest.raises(RailDown):
            news.look_into(row.id, desk.rail)

    session.expire_all()
    assert session.get(RailEvent, row.id).state is RailEventState.WAITING


def test_an_operator_replays_a_message_twice_and_one_thing_happens(desk, session, sign_in, jobs):
    operator = make_user(session, "operator")
    row = make_rail_event(
        session, kind="balance.available", object_id="bal_1", state=RailEventState.HANDLED
    )
    ignored = make_rail_event(session, kind="customer.created", state=RailEventState.IGNORED)
    session.commit()
    client = sign_in(operator)

    for _click in range(2):
        assert client.post(f"/operator/money/events/{row.id}/replay").status_code == 302
    assert jobs().count("payouts.look_into") == 1
    assert "0 payouts resumed" in client.get(f"/operator/money/events/{row.id}").text
    assert client.post(f"/operator/money/events/{ignored.id}/replay").status_code == 409
    found = client.get("/operator/money/events?state=ignored&kind=customer")
    assert "customer.created" in found.text
    assert "balance.available" not in found.text
    assert client.post("/operator/money/events/fetch").status_code == 302
    assert (
        client.post("/operator/money/events/replay-failed", data={"since": "x"}).status_code == 422
    )


def test_a_message_from_the_future_is_refused(client, session):
    assert post(client, event(), when=4_000_000_000).status_code == 400
    assert session.exec(select(RailEvent)).all() == []
