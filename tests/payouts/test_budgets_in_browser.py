"""An owner's budget in a browser: it runs out, a card is saved and charged, and work goes on."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from annotation import jobs as annotation_jobs
from core import db
from core.clock import now
from payouts import budgets
from payouts.models import Deposit, DepositState
from projects.models import PausedFor, Project, State
from tests.browser import Window
from tests.factories.annotation import claimed, make_desk
from tests.factories.payouts import make_deposit
from tests.jobs_run import run_jobs
from tests.payouts.test_browser import Stack, seen, stack

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
__all__ = ["seen", "stack"]  # fixtures


@pytest.fixture
def made(stack: Stack) -> Any:
    """A project of some days ago that has just run out of money, two tasks being in hand."""
    with stack.app.app_context(), db.transaction() as session:
        made = make_desk(session, tasks=3, experts=2, funds=0, overlap=2, title="Licence clauses")
        budget = budgets.of(session, made.project_id)
        budget.opened_at = now() - timedelta(days=12)
        make_deposit(session, budget, amount=1000, opened_by=made.owner.id)
        for expert in made.experts:
            claimed(session, made.project, expert.user_id, at=now())
    with stack.app.app_context():
        annotation_jobs.follow_budgets()
    return made


def test_a_budget_runs_out_and_is_topped_up(stack: Stack, seen: Window, made: Any) -> None:
    project = made.project_id
    budget = f"/projects/{project}/budget"
    with stack.app.app_context(), db.transaction() as session:
        assert session.get_one(Project, project).paused_for is PausedFor.BUDGET

    seen.page.context.add_cookies([stack.session_of(made.owner)])  # type: ignore[list-item]
    seen.open(f"/projects/{project}")
    seen.look("budgets-paused")
    seen.open(budget)
    seen.look("budgets-out")
    seen.open(f"{budget}/top-up")
    seen.press("Agree, and save a card")
    seen.look("budgets-topup-errors")
    seen.fill("Charge when less than this is available", "100")
    seen.fill("Amount of each charge", "200")
    seen.fill("At most in a calendar month", "400")
    seen.page.locator("[name=agreed]").check()
    seen.press("Agree, and save a card")
    assert seen.page.url.startswith(stack.stripe)
    seen.page.locator("[name=card_number]").fill("4242 4242 4242 4242")
    seen.page.locator("form button[type=submit]").click()
    seen.page.wait_for_url(f"{stack.home}/**")
    seen.check()
    assert "4242" in seen.page.content()
    run_jobs(stack.app)
    with stack.app.app_context():
        annotation_jobs.follow_budgets()

    seen.open(f"{budget}/top-up")
    seen.look("budgets-topup-on")
    seen.open(budget)
    seen.look("budgets-again")
    seen.open(f"{budget}?what=released")
    seen.open("/budget")
    seen.look("budgets-list")
    seen.open(f"{budget}/top-up")
    seen.press("Turn it off")
    seen.look("budgets-topup-off")

    with stack.app.app_context(), db.transaction() as session:
        paid = session.exec(select(Deposit).order_by(col(Deposit.id).desc())).first()
        assert paid is not None
        assert (paid.state, paid.amount_minor) == (DepositState.PAID, 20_000)
        assert session.get_one(Project, project).state is State.OPEN
