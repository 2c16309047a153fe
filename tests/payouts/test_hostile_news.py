"""Messages that are not what they say, come fifty times, backwards, or find nobody alive."""

import json
import threading
from collections import Counter
from datetime import timedelta
from io import BytesIO

import httpx
import pytest
import stripe
from pydantic import SecretStr
from sqlmodel import func, select

from core.clock import now
from core.models import Letter
from payouts import attention, ledger_audit, news, payees, reconciliation
from payouts import jobs as payout_jobs
from payouts.models import (
    Deposit,
    DepositState,
    Move,
    Payee,
    PayeeState,
    Payout,
    PayoutState,
    RailEvent,
    RailEventState,
    ReconciliationState,
)
from payouts.webhook_routes import LARGEST
from tests.browser import served
from tests.factories.payouts import make_budget, make_expert
from tests.payouts.conftest import a_desk
from tests.payouts.test_news import event, post

PATH = "/webhooks/stripe"
BIG = {"data": {"object": {"id": "cs_1", "metadata": {"reference": "x" * LARGEST}}}}


def signed(body, secret="whsec_platform", when=None):
    return {
        "Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body, secret, when),
        "Content-Type": "application/json",
    }


NOT_EVENTS = {
    "not JSON": "<xml/>",
    "nothing": "",
    "a list": "[]",
    "a number": "1e999",
    "null": "null",
    "deeper than anybody reads": "[" * 100_000,
    "no type": json.dumps({"object": "event", "id": "evt_1"}),
    "no object": json.dumps(event() | {"data": {}}),
    "an object that is text": json.dumps(event() | {"data": {"object": "cs_1"}}),
    "marks that are text": json.dumps(event(about={"id": "cs_1", "metadata": "deposit-1"})),
    "an id that is a number": json.dumps(event() | {"id": 7}),
    "an id that no column holds": json.dumps(event() | {"id": "evt_\0"}),
    "an id without end": json.dumps(event() | {"id": "e" * 5000}),
    "a reference that is a row": json.dumps(event(about={"metadata": {"reference": {"a": 1}}})),
    "an account that is a list": json.dumps(event() | {"account": ["acct_1"]}),
    "a time at the end of days": json.dumps(event() | {"created": 10**30}),
    "a time that is none": json.dumps(event() | {"created": "soon"}),
    "too large": json.dumps(event() | BIG),
}


@pytest.mark.parametrize("name", NOT_EVENTS)
def test_what_is_no_event_is_refused_though_it_is_signed(name, client, session):
    body = NOT_EVENTS[name]
    answer = client.post(PATH, data=body, headers=signed(body), without_csrf=True)

    assert answer.status_code == (413 if name == "too large" else 400)
    assert answer.mimetype == "application/problem+json"
    assert session.exec(select(RailEvent)).all() == []


BODY = json.dumps(event())
# Made when they are sent: each has its time from then.
FORGED = {
    "no signature": lambda: {"Content-Type": "application/json"},
    "a signature that is none": lambda: signed(BODY) | {"Stripe-Signature": "t=x,v1=y"},
    "an old scheme only": lambda: marked(lambda mark: mark.replace("v1=", "v0=")),
    "of another body": lambda: signed(json.dumps(event() | {"id": "evt_2"})),
    "a byte more": lambda: signed(BODY + " "),
    "of another secret": lambda: signed(BODY, "whsec_other"),
    "of the other endpoint": lambda: signed(BODY, "whsec_connect"),
    "of an empty secret": lambda: signed(BODY, ""),
    "too old": lambda: signed(BODY, when=int(now().timestamp()) - 301),
    "from the future": lambda: signed(BODY, when=int(now().timestamp()) + 700),
    "without a time": lambda: marked(lambda mark: mark.partition(",")[2]),
}


def marked(change):
    headers = signed(BODY)
    return headers | {"Stripe-Signature": change(headers["Stripe-Signature"])}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_signed_for_this_address_is_refused(name, client, session):
    answer = client.post(PATH, data=BODY, headers=FORGED[name](), without_csrf=True)

    assert answer.status_code == 400
    assert session.exec(select(RailEvent)).all() == []


@pytest.mark.parametrize("path", [PATH, "/webhooks/stripe-connect"])
def test_without_a_secret_nobody_can_sign(path, app, client, session):
    before = app.extensions["doyen.settings"]
    none = {"stripe_webhook_secret": SecretStr(""), "stripe_connect_webhook_secret": SecretStr("")}
    app.extensions["doyen.settings"] = before.model_copy(update=none)
    try:
        answer = client.post(path, data=BODY, headers=signed(BODY, ""), without_csrf=True)
    finally:
        app.extensions["doyen.settings"] = before

    assert answer.status_code == 400
    assert session.exec(select(RailEvent)).all() == []


def test_a_body_that_does_not_say_how_long_it_is_is_not_read_to_its_end(client, session):
    body = BytesIO(b" " * LARGEST * 3)
    answer = client.post(
        PATH,
        input_stream=body,
        headers=signed(BODY) | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},  # as gunicorn says of chunks
        without_csrf=True,
    )

    assert answer.status_code in (400, 413)
    assert body.tell() <= LARGEST


UNHEARD = {
    "a kind that nobody knows": (event("moon.landed"), RailEventState.IGNORED),
    "an API of tomorrow": (event() | {"api_version": "2099-01-01.moon"}, RailEventState.HANDLED),
    "an object that is not there": (
        event("charge.dispute.created", {"id": "du_none"}),
        RailEventState.HANDLED,
    ),
    "a transfer of nobody": (event("transfer.created", {"id": "tr_1"}), RailEventState.HANDLED),
    "an account of somebody else": (
        event("account.updated", {"id": "acct_other"}, account="acct_other"),
        RailEventState.HANDLED,
    ),
    "a payout of somebody else": (
        event("payout.paid", {"id": "po_1"}, account="acct_other"),
        RailEventState.HANDLED,
    ),
    "real money in test mode": (event() | {"livemode": True}, RailEventState.IGNORED),
}


def test_what_is_not_about_us_is_kept_and_moves_nothing(desk, client, session, jobs):
    for number, (told, _state) in enumerate(UNHEARD.values()):
        assert post(client, told | {"id": f"evt_{number}"}).json == {"received": True, "new": True}
    jobs()

    session.expire_all()
    for number, (name, (_told, state)) in enumerate(UNHEARD.items()):
        assert session.get(RailEvent, f"evt_{number}").state is state, name
    assert session.exec(select(Move)).all() == []


def test_news_of_the_other_mode_shuts_nobody_out_and_is_not_replayed(client, session):
    expert = make_expert(session)
    account_id = session.get(Payee, expert.id).stripe_account_id
    told = event("account.application.deauthorized", {"id": "ca_1"}, account=account_id)
    told |= {"livemode": True}

    post(client, told, secret="whsec_connect", path="/webhooks/stripe-connect")

    session.expire_all()
    assert session.get(Payee, expert.id).state is PayeeState.ACTIVE
    assert "never mix" in session.get(RailEvent, "evt_1").outcome
    with pytest.raises(news.NotForUs):
        news.replay(session, "evt_1")


def test_fifty_at_once_are_stored_once_and_book_once(live, tmp_path):
    with a_desk(live.app, tmp_path, instant_settlement=True) as desk, served(live.app) as url:
        with live.transaction() as session:
            budget = make_budget(session)
            desk.deposit(session, budget, 50_000)
            project_id = budget.project_id
        [told] = [
            found.to_dict()
            for found in desk.bench.v1.events.list({"limit": 100}).data
            if found.type == "checkout.session.completed"
        ]
        body, said = json.dumps(told), Counter()
        start = threading.Barrier(10)

        def tell():
            with httpx.Client() as web:
                start.wait()
                for _time in range(5):
                    answer = web.post(url + PATH, content=body, headers=signed(body))
                    said[answer.status_code, answer.json().get("new")] += 1

        threads = [threading.Thread(target=tell) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ran = live.run_jobs()

    assert said == {(200, True): 1, (200, False): 49}
    assert ran.count("payouts.look_into") == 1
    with live.transaction() as session:
        deposit = session.exec(select(Deposit)).one()
        assert (deposit.project_id, deposit.state) == (project_id, DepositState.PAID)
        assert session.exec(select(func.count()).select_from(Move)).one() == 2
        assert session.exec(select(func.count()).select_from(Letter)).one() == 1


def test_everything_told_backwards_comes_to_the_same(desk, client, session, jobs):
    payout = desk.payout(session, amount=3000)
    jobs()
    desk.pass_time(timedelta(days=5))
    account_id = payees.known(session, payout.expert_id).stripe_account_id
    [bank] = desk.bench.v1.payouts.list({}, {"stripe_account": account_id}).data
    desk.bench.control(f"/payouts/{bank.id}/fail")
    ours = desk.bench.v1.events.list({"limit": 100}).data
    theirs = desk.bench.v1.events.list({"limit": 100}, {"stripe_account": account_id}).data
    told = [one.to_dict() for one in [*ours, *theirs]]
    told.sort(key=lambda one: one["created"], reverse=True)

    for one in told:
        of_payee = "account" in one
        secret = "whsec_connect" if of_payee else "whsec_platform"
        raw = json.dumps(one)
        path = "/webhooks/stripe-connect" if of_payee else PATH
        when = int(now().timestamp()) - int(desk.ahead.total_seconds())
        headers = signed(raw, secret, when)
        assert client.post(path, data=raw, headers=headers, without_csrf=True).status_code == 200
        jobs()

    session.expire_all()
    assert session.get(Payout, payout.id).state is PayoutState.BANK_REFUSED
    assert {row.state for row in session.exec(select(RailEvent))} <= {
        RailEventState.HANDLED,
        RailEventState.IGNORED,
    }
    assert ledger_audit.problems(session) == []
    assert [row.state for row in reconciliation.run(desk.rail)] == [ReconciliationState.EQUAL]


def test_a_reader_that_fails_between_storing_and_looking_is_followed_by_the_sweep(
    desk, client, session, jobs, monkeypatch
):
    budget = make_budget(session)
    desk.deposit(session, budget, 5000)
    deposit = session.exec(select(Deposit)).one()
    post(client, event(about={"id": "cs", "metadata": {"reference": deposit.reference}}))

    def dies(*_given):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(news, "_note", dies)
        with pytest.raises(SystemExit):
            jobs()
    session.expire_all()
    assert session.get(RailEvent, "evt_1").state is RailEventState.WAITING
    desk.ahead = timedelta(minutes=5)
    assert payout_jobs.take_up_news() == 1
    jobs()

    session.expire_all()
    assert session.get(RailEvent, "evt_1").state is RailEventState.HANDLED
    assert attention.needed(session, at=now()) == []
