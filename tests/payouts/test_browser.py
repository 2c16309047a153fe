"""Money in a real browser: an owner pays in, an expert is paid, both on the pages people use."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from playwright.sync_api import Browser
from pydantic import SecretStr
from sqlmodel import select

from app import create_app
from core import db
from core.clock import now
from core.db import Database
from payouts import budgets, ledger, policy, reconciliation
from payouts.models import Payout, PayoutState, ReconciliationState
from payouts.sandbox import server
from payouts.sandbox.settings import Settings as SandboxSettings
from payouts.sandbox.settings import Webhook
from tests import clients, database
from tests.browser import LETTERS, Window, served, window
from tests.conftest import make_settings
from tests.factories.accounts import make_member, make_organisation, make_user
from tests.factories.payouts import (
    eur,
    make_budget,
    make_deposit,
    make_earning,
    make_expert,
    make_payout,
    make_rail_event,
    make_reservation,
    submitted,
)
from tests.jobs_run import run_jobs

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@dataclass
class Stack:
    """Our app and Stripe's stand-in, which tell and lead people to each other."""

    app: Flask
    home: str
    stripe: str

    def session_of(self, user: Any) -> dict[str, Any]:
        """Return the cookie of somebody who has signed in."""
        client: Any = self.app.test_client()
        cookie = client.sign_in(user).get_cookie("doyen")
        return {"name": "doyen", "value": cookie.value, "url": self.home}


@pytest.fixture
def stack(postgres: str, tmp_path: Path) -> Iterator[Stack]:
    """A whole stack on free ports, with webhooks that arrive."""
    with stacked(postgres, tmp_path, instant_settlement=True) as found:
        yield found


@contextmanager
def stacked(postgres: str, tmp_path: Path, **sandbox_settings: Any) -> Iterator[Stack]:
    """Serve our app and a sandbox that know each other."""
    port = _free_port()
    home = f"{LETTERS}:{port}"
    hooks = {"platform": "whsec_platform", "connect": "whsec_connect"}
    sandbox = SandboxSettings(
        data=tmp_path / "sandbox",
        platform_webhooks=(Webhook(f"{home}/webhooks/stripe", hooks["platform"]),),
        connect_webhooks=(Webhook(f"{home}/webhooks/stripe-connect", hooks["connect"]),),
        **sandbox_settings,
    )
    with (
        server.running(sandbox) as stripe,
        database.copy(postgres) as url,
        database.engine_for(url, pool_size=10) as engine,
    ):
        settings = make_settings(
            tmp_path,
            public_url=home,
            stripe_api_base=stripe.url,
            stripe_api_key=SecretStr("sk_test_0123456789"),
        )
        app = create_app(settings, Database(engine))
        clients.use_in(app)
        with served(app, port):
            yield Stack(app, home, stripe.url)


@pytest.fixture
def seen(chromium: Browser, stack: Stack) -> Iterator[Window]:
    """A window that may go to Stripe's pages too."""
    with window(chromium, stack.home) as opened:
        opened.allow(stack.stripe)
        yield opened


def test_an_owner_pays_in_and_an_expert_is_paid(stack: Stack, seen: Window):
    with stack.app.app_context(), db.transaction() as session:
        organisation = make_organisation(session, name="Northlight Registry")
        owner = make_member(session, organisation)
        budget = make_budget(session, organisation_id=organisation.id)
        expert = make_user(session, "expert")

    _as(seen, stack, owner)
    seen.open(f"/projects/{budget.project_id}/budget")
    seen.look("payouts-budget-empty")
    seen.press("Pay in")
    seen.press("Go to payment")
    assert seen.page.title().startswith("Error:")
    seen.look("payouts-fund-errors")
    seen.fill("Amount", "500")
    seen.press("Go to payment")
    assert seen.page.url.startswith(stack.stripe)
    seen.fill("Card number", "4242 4242 4242 4242")
    seen.press("Pay €500.00")
    seen.page.wait_for_url(f"{stack.home}/**")
    seen.check()
    assert "€500.00 is in the budget" in seen.page.content()
    seen.look("payouts-deposit-paid")

    _as(seen, stack, expert)
    seen.open("/earnings")
    seen.look("payouts-earnings-empty")
    seen.press("Set up your account")
    seen.look("payouts-account-new")
    seen.page.get_by_label("Country where you live and bank").select_option("FR")
    seen.press("Go to Stripe")
    seen.fill("Full legal name", "Ada Martin")
    seen.page.get_by_label("Bank account (IBAN)").fill("DE89 3704 0044 0532 0130 00")
    seen.press("Save and go back")
    seen.page.wait_for_url(f"{stack.home}/**")
    seen.check()
    assert "Your account can receive money." in seen.page.content()

    with stack.app.app_context(), db.transaction() as session:
        make_earning(session, budget, expert.id, pay=18_640)
    seen.open("/earnings")
    seen.press("Pay me €186.40 now")
    run_jobs(stack.app)
    seen.open("/earnings")
    seen.press("Payout")
    assert "€186.40" in seen.page.content()
    seen.look("payouts-statement")

    with stack.app.app_context():
        [row] = reconciliation.run(stack.app.extensions["doyen.ports"].payout_rail)
        assert row.state is ReconciliationState.EQUAL
        with db.transaction() as session:
            assert ledger.problems(session) == []
            assert budgets.available(session, budget.project_id) < eur(50_000)
            assert session.exec(select(Payout)).one().state is PayoutState.SENT
    answered = httpx.get(f"{stack.stripe}/_sandbox/health", timeout=10).json()
    assert answered["given_up_webhooks"] == 0


def test_every_page_of_money_is_for_everybody(stack: Stack, seen: Window):
    with stack.app.app_context(), db.transaction() as session:
        people = _a_full_book(session)

    _as(seen, stack, people["expert"])
    for name, path in {
        "earnings": "/earnings",
        "earnings-filtered": "/earnings?state=returned",
        "rhythm": "/earnings/rhythm",
        "account": "/earnings/account",
        "statements": "/earnings/statements",
    }.items():
        seen.open(path)
        assert seen.answered == 200
        seen.look(f"payouts-{name}")
    _in_french(seen, "/earnings", "earnings-fr")

    _as(seen, stack, people["waiting"])
    seen.open("/earnings")
    seen.look("payouts-earnings-waiting")

    _as(seen, stack, people["owner"])
    seen.open("/budget")
    seen.look("payouts-budgets")
    seen.open(f"/projects/{people['project_id']}/budget")
    seen.look("payouts-budget")
    _in_french(seen, f"/projects/{people['project_id']}/budget", "budget-fr")
    seen.open(f"/projects/{people['project_id']}/budget/fund")
    seen.look("payouts-fund")

    _as(seen, stack, people["operator"])
    seen.open("/operator/money")
    seen.look("payouts-money")
    seen.press("Compare now")
    assert seen.page.url.endswith("/operator/money")
    seen.look("payouts-money-compared")
    _in_french(seen, "/operator/money", "money-fr")


def _a_full_book(session: Any) -> dict[str, Any]:
    organisation = make_organisation(session, name="Northlight Registry")
    owner = make_member(session, organisation, locale=None)
    operator = make_user(session, "operator", locale=None)
    budget = make_budget(session, organisation_id=organisation.id)
    make_budget(session, organisation_id=organisation.id, title="Contracts of carriage")
    make_deposit(session, budget, amount=200_000, fee=3025, opened_by=owner.id)
    make_deposit(session, budget, amount=50_000, state="open")
    expert = make_expert(session, locale=None)
    waiting = make_expert(session, payee="restricted")
    amounts = (11_800, 16_400, 9_200, 20_100, 24_700, 17_600, 15_280, 3_360)
    for weeks_ago, minor in enumerate(reversed(amounts)):
        at = now() - timedelta(weeks=weeks_ago)
        make_earning(session, budget, expert.id, pay=minor, fee=minor * 15 // 100, at=at)
    for minor in (420, 420, 1260):
        row = make_reservation(session, budget, pay=minor, expert_id=expert.id)
        due = now() + timedelta(days=7)
        submitted(session, row.assignment_id, review_by=due, at=now())
    make_reservation(session, budget, expert_id=expert.id)
    returned = make_reservation(session, budget, expert_id=expert.id)
    budgets.release(session, budget.project_id, returned.assignment_id, now())
    for state in (PayoutState.PAID, PayoutState.SENT, PayoutState.BANK_REFUSED):
        make_payout(
            session,
            expert.id,
            amount=17_600,
            state=state,
            attempt=1,
            sent_at=now() - timedelta(days=3),
            ended_at=now(),
        )
    make_earning(session, budget, waiting.id, pay=4200)
    make_payout(session, waiting.id, amount=4200, state=PayoutState.BLOCKED)
    make_payout(
        session,
        make_expert(session).id,
        amount=12_000,
        state=PayoutState.UNKNOWN,
        attempt=1,
        looks=4,
        try_at=now() + policy.wait_after(4),
    )
    return {
        "owner": owner,
        "operator": operator,
        "expert": expert,
        "waiting": waiting,
        "project_id": budget.project_id,
    }


def test_an_operator_makes_a_run_and_another_agrees_to_what_is_over_the_limit(
    stack: Stack, seen: Window
):
    limits = {"payout_limits": {"eur": 10_000}}
    known = stack.app.extensions["doyen.settings"]
    stack.app.extensions["doyen.settings"] = known.model_copy(update=limits)
    with stack.app.app_context(), db.transaction() as session:
        asking, other = make_user(session, "operator"), make_user(session, "operator")
        budget = make_budget(session, funded=90_000)
        for pay in (18_640, 320):
            make_earning(session, budget, make_expert(session).id, pay=pay)
        make_rail_event(session, kind="balance.available", state="failed", outcome="ValueError: x")

    _as(seen, stack, asking)
    seen.open("/operator/money/runs")
    seen.look("payouts-runs-empty")
    seen.open("/operator/money/runs/plan")
    seen.look("payouts-run-plan")
    seen.press("Make the payouts now: €186.40")
    run_jobs(stack.app)
    seen.page.reload()
    assert "Needs approval" in seen.page.content()
    seen.look("payouts-run")

    _as(seen, stack, other)
    seen.open("/operator/money/approvals")
    seen.look("payouts-approvals")
    seen.press("Payout 1")
    seen.look("payouts-approval")
    seen.fill("What you looked at", "All 12 tasks of this project")
    seen.press("Agree: send €186.40")
    assert "Agreed." in seen.page.content()
    seen.open("/operator/money/stuck")
    seen.look("payouts-stuck")
    seen.press("Open it")
    seen.look("payouts-message")
    seen.press("Look into it again")
    run_jobs(stack.app)
    seen.open("/operator/money/events")
    seen.look("payouts-messages")
    assert "0 payouts resumed" in seen.page.content()


def _as(seen: Window, stack: Stack, user: Any) -> None:
    seen.page.context.clear_cookies()
    seen.page.context.add_cookies([stack.session_of(user)])


def _in_french(seen: Window, path: str, name: str) -> None:
    seen.page.context.add_cookies([{"name": "language", "value": "fr", "url": seen.home}])
    seen.open(path)
    seen.look(f"payouts-{name}")
    seen.page.context.add_cookies([{"name": "language", "value": "en", "url": seen.home}])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
