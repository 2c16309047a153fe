"""Stripe away for a day: nobody waits, one letter, nothing lost or paid twice, all goes on."""

import json
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
import stripe
from sqlmodel import func, select

from app import SCHEDULE
from core import jobs as core_jobs
from core.clock import now
from core.models import Letter
from core.money import Money
from core.ports import RailDown
from payouts import (
    attention,
    auto_topups,
    deposits,
    ledger_audit,
    outages,
    payees,
    policy,
    reconciliation,
    refunds,
    requests,
    sending,
    stripe_http,
    stuck,
)
from payouts.models import (
    Deposit,
    DepositState,
    PayeeState,
    Payout,
    PayoutState,
    RailEvent,
    RailEventState,
    ReconciliationState,
)
from payouts.news_models import RailEventTry
from payouts.stripe_connect import API_VERSION
from payouts.stripe_http import PatientHttp
from tests.factories.accounts import make_member, make_owner, make_user
from tests.factories.experts import make_expert as make_profile
from tests.factories.payouts import make_earning, make_rail_outage
from tests.payouts.conftest import new_key
from tests.payouts.test_hostile_news import PATH, signed
from tests.payouts.test_news import event

NOBODY = "http://127.0.0.1:9"  # the port of the discard service, where nothing listens
SWEEPS = [
    name
    for name in SCHEDULE
    if name.startswith("payouts.") and name not in ("payouts.reconcile", "payouts.issue_invoices")
]


class Line:
    """Our way to Stripe, with the SDK as in a real instance, and a clock that tests move."""

    def __init__(self, desk):
        self.desk = desk
        self.http = PatientHttp(clock=lambda: desk.ahead.total_seconds())
        self.http._sleep_time_seconds = lambda *_given, **_more: 0
        self.to(desk.bench.url)

    def to(self, url):
        self.desk.rail.client = stripe.StripeClient(
            "sk_test_0123456789",
            base_addresses=dict.fromkeys(["api", "connect", "files"], url),
            stripe_version=API_VERSION,
            max_network_retries=2,
            http_client=self.http,
        )


@pytest.fixture
def line(desk):
    return Line(desk)


@contextmanager
def silence():
    """Listen, take what is sent, and never answer; yield the address and what was opened."""
    opened = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take():
            while True:
                try:
                    opened.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", opened
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for one in opened:
                one.close()


class World:
    """All that can be under way when Stripe goes away."""

    def __init__(self, desk, session):
        self.desk, self.session = desk, session
        self.owner, organisation = make_owner(session)
        self.operator = make_user(session, "operator")
        make_user(session, "operator")
        self.budget = desk.budget(session, 90_000, organisation_id=organisation.id)
        self.open = desk.budget(session, 90_000, organisation_id=organisation.id)
        self.experts = [desk.expert(session) for _number in range(3)]
        self.joining = desk.expert(session, onboarded=False)
        make_profile(session, self.joining)
        for expert in self.experts:
            make_profile(session, expert)
            make_earning(session, self.budget, expert.id, pay=2000)
        self.topup = self._topup(organisation)
        self.unpaid = self._begun()
        self.member = make_member(session, organisation)
        session.commit()

    def _topup(self, organisation):
        budget = self.desk.budget(self.session, 1000, organisation_id=organisation.id)
        terms = {"below": 500, "amount": 20_000, "month_most": 40_000}
        row = auto_topups.agree(
            self.session,
            budget,
            auto_topups.Terms(**{name: Money(minor, "eur") for name, minor in terms.items()}),
            key=new_key(),
            by=self.owner,
            at=now(),
        )
        self.session.commit()
        how = {"name": "Owner", "email": self.owner.email, "back_to": "http://localhost/back"}
        auto_topups.begin(row.id, self.desk.rail, **how)
        self.session.refresh(row)
        self.desk.bench.control(f"/checkout/{row.stripe_setup_id}/pay")
        auto_topups.reread(row.id, self.desk.rail)
        make_earning(self.session, budget, self.experts[0].id, pay=700)  # it runs low by this
        return budget.project_id

    def _begun(self):
        made = deposits.open(
            self.session,
            self.open.project_id,
            Money(5000, "eur"),
            key=new_key(),
            by=self.owner.id,
            at=now(),
        )
        self.session.commit()
        deposits.begin(made.id, self.desk.rail, title="Budget", back_to="http://localhost/back")
        self.session.refresh(made)
        return made

    def ask_back(self, minor):
        money, how = Money(minor, "eur"), {"key": new_key(), "by": self.owner.id, "at": now()}
        made = refunds.ask(self.session, self.open.project_id, money, **how)
        self.session.commit()
        return made

    def ask(self, expert):
        money = Money(2000, "eur")
        made = requests.on_demand(self.session, expert.id, money, key=new_key(), at=now())
        self.session.commit()
        return made


def pages(world, sign_in):
    """Open every page that asks Stripe; return the slowest, and what each said."""
    budget = f"/projects/{world.open.project_id}/budget"
    deposit = f"{budget}/deposits/{world.unpaid.id}"
    fund = {"amount": "77.00", "key": new_key()}
    topup = {"below": "5", "amount": "10", "month_most": "20", "agreed": "y", "key": new_key()}
    asked = [
        (world.owner, "get", deposit, {}, "Stripe cannot be reached"),
        (world.owner, "post", f"{deposit}/checkout", {}, ""),
        (
            world.owner,
            "post",
            f"/projects/{world.open.project_id}/budget/fund",
            fund,
            "Nothing was",
        ),
        (world.owner, "post", f"/projects/{world.open.project_id}/budget/top-up", topup, "Nothing"),
        (world.owner, "get", f"/projects/{world.open.project_id}/budget", {}, "Nothing is lost"),
        (world.joining, "post", "/earnings/account", {"country": "FR"}, "Stripe cannot be reached"),
        (world.joining, "get", "/earnings/account/return", {}, "We look again by ourselves"),
        (world.experts[0], "get", "/earnings", {}, "Nothing is lost"),
        (world.operator, "get", "/operator/money/runs/plan", {}, ""),
        (world.operator, "post", "/operator/money/compare", {}, "Nothing was compared"),
        (world.operator, "post", "/operator/money/events/fetch", {}, "Nothing was fetched"),
        (world.operator, "get", "/operator/money?format=json", {}, ""),
    ]
    slowest, wrong = 0.0, []
    for user, method, path, data, words in asked:
        client, begun = sign_in(user), time.monotonic()
        how = {"data": data} if method == "post" else {}
        answer = getattr(client, method)(path, **how)
        slowest = max(slowest, time.monotonic() - begun)
        if words and answer.status_code == 302:
            answer = client.get(answer.location)
        if answer.status_code not in (200, 302) or words not in answer.text:
            wrong.append((path, answer.status_code, words))
    return slowest, wrong


def sweep(app, jobs, desk, *names):
    with app.app_context():
        for name in names or SWEEPS:
            core_jobs.run(app, name)
    return jobs(ahead=desk.ahead)


def test_stripe_away_for_a_day(app, desk, line, session, sign_in, jobs, client):
    world = World(desk, session)
    first = world.ask(world.experts[0])
    desk.fault("lose_answer", times=3)  # the answer to this one is lost as Stripe goes away
    sending.send(first.id, desk.rail)
    jobs()
    session.expire_all()
    letters_before = session.exec(select(func.count()).select_from(Letter)).one()
    line.to(NOBODY)
    others = [world.ask(expert) for expert in world.experts[1:]]
    back = world.ask_back(1500)

    # Meanwhile at Stripe: the owner pays, the expert gives their details, a webhook gets through.
    desk.bench.control(f"/checkout/{world.unpaid.stripe_checkout_id}/pay")
    account_id = payees.known(session, world.joining.id).stripe_account_id
    desk.bench.control(f"/accounts/{account_id}/onboard")
    told = json.dumps(event(about={"id": "cs", "metadata": {"reference": world.unpaid.reference}}))
    assert client.post(PATH, data=told, headers=signed(told), without_csrf=True).status_code == 200
    sweep(app, jobs, desk, "payouts.reconcile", *SWEEPS)
    desk.pass_time(timedelta(minutes=20))
    sweep(app, jobs, desk)

    slowest, wrong = pages(world, sign_in)
    assert wrong == []
    assert slowest < 5
    for _some in range(12):
        desk.pass_time(timedelta(hours=2))
        sweep(app, jobs, desk)
    session.expire_all()
    away = session.exec(select(Letter.template)).all()
    assert Counter(away)["payouts/rail_away"] == 2  # one for each operator
    # A budget that runs out is said whether or not Stripe answers, and a refund that is asked for.
    said = Counter(away)["payouts/budget_runs_out"] + Counter(away)["payouts/refund_asked"]
    assert len(away) - said == letters_before + 2
    needs = attention.needed(session, at=now())
    assert Counter(need.kind for need in needs) == {"rail": 1, "payout": 1, "news": 1}
    assert stuck.counts(session, now())[0] <= 3
    assert session.exec(select(func.count()).select_from(RailEventTry)).one() < 40
    assert len(desk.transfers()) == 1
    assert ledger_audit.problems(session) == []

    line.to(desk.bench.url)
    for _minutes in range(6):
        desk.pass_time(timedelta(minutes=3))
        sweep(app, jobs, desk)

    session.expire_all()
    made = session.exec(select(Payout)).all()  # on a payday the clock has made one more
    assert {payout.state for payout in made} <= {PayoutState.SENT, PayoutState.PAID}
    assert {first.id, *(one.id for one in others)} <= {payout.id for payout in made}
    references = Counter(one.metadata["reference"].rsplit("-", 2)[0] for one in desk.transfers())
    assert references == {f"payout-{payout.id}": 1 for payout in made}
    paid = session.exec(select(Deposit).where(Deposit.id == world.unpaid.id)).one()
    assert paid.state is DepositState.PAID
    charged = session.exec(
        select(Deposit.state).where(Deposit.project_id == world.topup, Deposit.origin == "top_up")
    ).all()
    # The first was asked for too long ago to be asked for again, and was never made.
    assert sorted(charged) in (["paid"], ["expired", "paid"])
    made_there = desk.bench.v1.payment_intents.list({"limit": 100}).auto_paging_iter()
    assert [one.amount for one in made_there].count(20_000) == 1
    assert refunds.state_of(refunds.parts(session, back.id)) == "succeeded"
    assert [one.amount for one in desk.bench.v1.refunds.list().auto_paging_iter()] == [1500]
    assert payees.known(session, world.joining.id).state is PayeeState.ACTIVE
    assert session.get(RailEvent, "evt_1").state is RailEventState.HANDLED
    assert Counter(session.exec(select(Letter.template)))["payouts/rail_back"] == 2
    assert {row.state for row in reconciliation.latest(session)} == {ReconciliationState.EQUAL}
    assert attention.needed(session, at=now()) == []
    assert ledger_audit.problems(session) == []


def test_while_stripe_says_nothing_no_page_hangs(
    app, desk, line, session, sign_in, jobs, monkeypatch
):
    world = World(desk, session)
    make_rail_outage(session, began_at=now() - timedelta(minutes=1))
    session.commit()
    monkeypatch.setattr(line.http, "_timeout", (0.2, 5))
    monkeypatch.setattr(line.http._brief, "_timeout", (0.2, 0.3))
    with silence() as (url, opened):
        line.to(url)
        slowest, wrong = pages(world, sign_in)
        begun = time.monotonic()
        for expert in world.experts:  # and no worker is busy with waiting
            sending.send(world.ask(expert).id, desk.rail)

    assert wrong == []
    assert slowest < 2
    assert len(opened) == stripe_http.UNTIL_AWAY  # all others were told at once
    assert time.monotonic() - begun < 2
    states = session.exec(select(Payout.state)).all()
    assert states == [PayoutState.READY] * 3


def test_while_stripe_fails_every_page_says_so(app, desk, line, session, sign_in, jobs):
    world = World(desk, session)
    make_rail_outage(session, began_at=now() - timedelta(minutes=1))
    session.commit()
    for path in ("/v1", "/v2"):
        desk.bench.control("/faults", kind="500", path=path, method="", times=500)

    slowest, wrong = pages(world, sign_in)
    sweep(app, jobs, desk)

    assert wrong == []
    assert slowest < 5
    assert outages.current(session) is not None


def test_one_question_finds_out_whether_stripe_answers_again(app, desk, line):
    line.to(NOBODY)
    for _try in range(2):
        with pytest.raises(RailDown):
            desk.rail.balances()
    line.to(desk.bench.url)

    with pytest.raises(RailDown):
        desk.rail.balances()  # not asked: nothing has answered a moment ago
    desk.ahead += timedelta(seconds=stripe_http.PAUSE)

    assert desk.rail.balances() is not None
    assert desk.rail.balances() is not None


def test_two_watches_at_once_note_one_outage_and_tell_once(session):
    make_user(session, "operator")
    at = now()
    for minutes in (0, 1, 16, 16, 40):
        outages.note_away(session, "no route", at=at + timedelta(minutes=minutes))
    session.flush()
    told = session.exec(select(Letter.template)).all()
    assert told == ["payouts/rail_away"]

    assert outages.note_there(session, at=at + timedelta(hours=1)).startswith("there again")
    assert outages.note_there(session, at=at + timedelta(hours=1)) == "there"
    assert outages.current(session) is None
    assert len(session.exec(select(Letter.template)).all()) == 2


def test_a_short_silence_writes_to_nobody(session):
    make_user(session, "operator")
    at = now()
    outages.note_away(session, "no route", at=at)
    outages.note_there(session, at=at + timedelta(minutes=5))

    assert session.exec(select(Letter)).all() == []


@pytest.mark.parametrize(
    ("waited", "minutes"), [(0, 1), (1, 1), (4, 2), (30, 15), (60, 30), (1440, 30)]
)
def test_the_longer_stripe_is_away_the_rarer_it_is_asked(waited, minutes):
    since = now()
    at = since + timedelta(minutes=waited)

    assert policy.wait_while_away(since, at) == timedelta(minutes=minutes)
