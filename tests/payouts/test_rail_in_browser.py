"""An owner pays by debit, waits, is claimed from, and gets the rest back: on the real pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser
from sqlmodel import select

from core import db
from payouts import ledger, reconciliation
from payouts.charge_models import Charge
from payouts.models import ReconciliationState
from payouts.refund_models import RefundPart, RefundState
from tests.browser import Window, window
from tests.factories.accounts import make_member, make_organisation
from tests.factories.payouts import make_budget, make_earning, make_expert
from tests.factories.refunds import make_refund_part
from tests.jobs_run import run_jobs
from tests.payouts.test_browser import Stack, _as, _in_french, stacked

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def slow_stack(postgres: str, tmp_path: Path) -> Iterator[Stack]:
    """A stack where money takes the time that it takes."""
    with stacked(postgres, tmp_path) as found:
        yield found


@pytest.fixture
def seen(chromium: Browser, slow_stack: Stack) -> Iterator[Window]:
    """A window that may go to Stripe's pages too."""
    with window(chromium, slow_stack.home) as opened:
        opened.allow(slow_stack.stripe)
        yield opened


def days_pass(stack: Stack, days: int) -> None:
    """Let days pass at Stripe, and let its news arrive and be looked into."""
    _ask(stack, "/clock/advance", days=days, seconds=60)
    _ask(stack, "/webhooks/deliver")
    run_jobs(stack.app)


def _ask(stack: Stack, path: str, **body: Any) -> None:
    httpx.post(f"{stack.stripe}/_sandbox{path}", json=body, timeout=30).raise_for_status()


def test_paid_by_debit_settled_claimed_and_the_rest_given_back(slow_stack: Stack, seen: Window):
    stack = slow_stack
    with stack.app.app_context(), db.transaction() as session:
        organisation = make_organisation(session, name="Northlight Registry")
        owner = make_member(session, organisation)
        budget = make_budget(session, organisation_id=organisation.id)
        expert = make_expert(session)
    home = f"/projects/{budget.project_id}/budget"

    _as(seen, stack, owner)
    seen.open(f"{home}/fund")
    seen.fill("Amount", "500")
    seen.press("Go to payment")
    seen.page.get_by_text("Pay by SEPA debit").click()
    seen.look("sandbox-debit")
    seen.page.get_by_label("Bank account (IBAN)").fill("DE89 3704 0044 0532 0130 00")
    seen.press("Pay €500.00 by debit")
    seen.page.wait_for_url(f"{stack.home}/**")
    seen.check()
    assert "A SEPA debit takes about five working days" in seen.page.content()
    seen.look("rail-processing")

    days_pass(stack, 5)
    seen.page.reload()
    seen.check()
    assert "€500.00 is in the budget" in seen.page.content()
    assert seen.page.get_by_role("link", name="Stripe’s receipt").count() == 1
    seen.look("rail-paid")
    with stack.app.app_context(), db.transaction() as session:
        assert session.exec(select(Charge)).one().settled_at is None
        make_earning(session, budget, expert.id, pay=12_000, fee=1_800)
    days_pass(stack, 2)

    seen.open(home)
    seen.press("Refund")
    seen.look("rail-refund-ask")
    seen.fill("Amount", "400")
    seen.press("Refund")
    assert "At most €362.00 can be refunded now" in seen.page.content()
    seen.open(f"{home}/refund")
    seen.fill("Amount", "300")
    seen.press("Refund")
    assert "On its way to you" in seen.page.content()
    seen.look("rail-refund-pending")
    run_jobs(stack.app)
    seen.page.reload()
    seen.check()
    assert "€300.00 is refunded" in seen.page.content()
    seen.look("rail-refund-done")
    _in_french(seen, seen.page.url.removeprefix(stack.home), "rail-refund-fr")
    seen.open(home)
    seen.look("rail-budget")
    _in_french(seen, f"{home}/refund", "rail-refund-ask-fr")

    with stack.app.app_context():
        [row] = reconciliation.run(stack.app.extensions["doyen.ports"].payout_rail)
        assert row.state is ReconciliationState.EQUAL
        with db.transaction() as session:
            assert session.exec(select(Charge)).one().settled_at is not None
            assert ledger.problems(session) == []
            make_refund_part(
                session, budget, state=RefundState.FAILED, trouble="lost_or_stolen_card"
            )
            failed = session.exec(
                select(RefundPart).where(RefundPart.state == RefundState.FAILED)
            ).one()
    seen.open(f"{home}/refunds/{failed.refund_id}")
    assert "The card is lost or stolen" in seen.page.content()
    seen.look("rail-refund-failed")
