"""A dispute and a drift, as operators and an owner live through them in a real browser."""

from typing import Any

import httpx
import pytest
from sqlmodel import select

from core import db
from core.ports import ports
from payouts import budgets, deposits, ledger, payout_stops, reconciliation
from payouts.dispute_models import Dispute, DisputeState
from payouts.models import Deposit, Payout, PayoutState, ReconciliationState
from tests.browser import Window
from tests.factories.accounts import make_member, make_organisation, make_user
from tests.factories.books import make_dispute, make_reversal
from tests.factories.payouts import (
    make_budget,
    make_deposit,
    make_earning,
    make_expert,
    make_payout,
)
from tests.jobs_run import run_jobs
from tests.payouts.conftest import new_key
from tests.payouts.test_browser import Stack, _as, _in_french, seen, stack

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
__all__ = ["seen", "stack"]

WHY = "A colleague paid with a test card on Stripe's page; it is refunded on Friday."


def control(stack: Stack, path: str, **body: Any) -> Any:
    answer = httpx.post(f"{stack.stripe}/_sandbox{path}", json=body, timeout=10)
    answer.raise_for_status()
    return answer.json()


def paid_in(stack: Stack, budget: Any, owner: Any, minor: int) -> str:
    """Pay into a budget without the pages; return the charge."""
    from core.clock import now
    from core.money import Money

    rail = ports().payout_rail
    with db.transaction() as session:
        made = deposits.open(
            session, budget.project_id, Money(minor, "eur"), key=new_key(), by=owner.id, at=now()
        )
        number = made.id
    deposits.begin(number, rail, title="Budget", back_to=f"{stack.home}/back")
    with db.transaction() as session:
        checkout = session.get_one(Deposit, number).stripe_checkout_id
    control(stack, f"/checkout/{checkout}/pay")
    return str(deposits.reread(number, rail).stripe_charge_id)


def test_a_dispute_is_lost_and_a_drift_is_released_by_two(stack: Stack, seen: Window):
    with stack.app.app_context():
        with db.transaction() as session:
            organisation = make_organisation(session, name="Northlight Registry")
            owner = make_member(session, organisation)
            budget = make_budget(session, organisation_id=organisation.id)
            one, two = (make_user(session, "operator") for _ in range(2))
        charge = paid_in(stack, budget, owner, 50_000)
        found = control(stack, f"/charges/{charge}/dispute", reason="fraudulent")
        control(stack, "/webhooks/deliver")
        run_jobs(stack.app)

    _as(seen, stack, one)
    seen.open("/operator/money/disputes")
    assert "The payer says they did not pay this" in seen.page.content()
    seen.look("payouts-disputes")
    seen.press("Dispute 1")
    assert "is frozen since" in seen.page.content()
    seen.look("payouts-dispute")
    _as(seen, stack, owner)
    seen.open(f"/projects/{budget.project_id}/budget")
    assert "The project is frozen" in seen.page.content()
    seen.look("payouts-budget-frozen")

    with stack.app.app_context():
        control(stack, f"/disputes/{found['id']}/close", outcome="lost")
        control(stack, "/webhooks/deliver")
        run_jobs(stack.app)
        reconciliation.run(ports().payout_rail)
    _as(seen, stack, one)
    seen.open("/operator/money/books")
    assert "Nothing is unexplained" in seen.page.content()
    with stack.app.app_context(), db.transaction() as session:
        assert session.exec(select(Dispute)).one().state is DisputeState.LOST
        assert budgets.available(session, budget.project_id).minor == 0
        assert not budgets.is_frozen(session, budget.project_id)
        assert ledger.problems(session) == []

    control(stack, "/lines", type="adjustment", amount=4200)
    with stack.app.app_context():
        reconciliation.run(ports().payout_rail)
    seen.open("/operator/money/books")
    assert "Payouts in EUR stand still" in seen.page.content()
    seen.look("payouts-books-stop")
    seen.press("Explain it")
    assert seen.page.title().startswith("Error:")
    seen.fill("What it is, and how you know", WHY)
    seen.press("Explain it")
    assert "Another operator has to read it" in seen.page.content()
    _as(seen, stack, two)
    seen.open("/operator/money/books")
    seen.look("payouts-books-explained")
    seen.press("Release payouts in EUR")
    seen.look("payouts-books-released")
    with stack.app.app_context():
        [row] = reconciliation.run(ports().payout_rail)
        assert row.state is ReconciliationState.EXPLAINED
        with db.transaction() as session:
            assert payout_stops.standing(session) == []


def test_the_pages_of_the_books_are_for_everybody(stack: Stack, seen: Window):
    with stack.app.app_context():
        with db.transaction() as session:
            organisation = make_organisation(session)
            owner = make_member(session, organisation, locale=None)
            operator = make_user(session, "operator", locale=None)
            budget = make_budget(session, organisation_id=organisation.id)
            make_deposit(session, budget)
            expert = make_expert(session)
            make_earning(session, budget, expert.id, pay=3000)
            payout = make_payout(
                session,
                expert.id,
                amount=3000,
                state=PayoutState.BANK_REFUSED,
                reason="account_closed",
                stripe_transfer_id="tr_1",
            )
            make_dispute(session, budget)
            make_reversal(session, make_payout(session, expert.id, state=PayoutState.SENT))
            number = payout.id
        paid_in(stack, budget, owner, 30_000)
        for _ in range(3):
            reconciliation.run(ports().payout_rail)

    _as(seen, stack, operator)
    for name, path in {
        "books": "/operator/money/books",
        "lines": "/operator/money/books/lines",
        "reversals": "/operator/money/reversals",
        "take-back": f"/operator/money/payouts/{number}/take-back",
        "money-books": "/operator/money",
    }.items():
        seen.open(path)
        seen.look(f"payouts-{name}")
    for name in ("books", "books/lines", "disputes", "reversals"):
        _in_french(seen, f"/operator/money/{name}", f"{name.replace('/', '-')}-fr")
    seen.open("/operator/money/books/lines")
    seen.press("Payment of an owner")
    seen.look("payouts-line")
    seen.open(f"/operator/money/payouts/{number}/take-back")
    seen.press("Propose to take it back")
    assert seen.page.title().startswith("Error:")
    with stack.app.app_context(), db.transaction() as session:
        assert session.get_one(Payout, number).state is PayoutState.BANK_REFUSED
