"""An owner's budget in a browser: it runs out, a card is saved and charged, and work goes on."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from accounts.models import User
from annotation import assignment
from annotation import jobs as annotation_jobs
from core import db
from core.clock import now
from payouts import budgets
from payouts.models import Deposit, DepositState
from projects.models import PausedFor, Project, State
from tests.browser import Window
from tests.factories.annotation import make_desk
from tests.factories.payouts import make_deposit
from tests.jobs_run import run_jobs
from tests.payouts.test_browser import Stack, seen, stack

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
__all__ = ["seen", "stack"]  # fixtures


@dataclasses.dataclass
class Words:
    """What is written on what this journey presses and fills in."""

    below: str
    amount: str
    most: str
    agree: str
    card: str
    save: str
    off: str


WORDS = {
    "en": Words(
        "Charge when less than this is available",
        "Amount of each charge",
        "At most in a calendar month",
        "Agree, and save a card",
        "Card number",
        "Save the card",
        "Turn it off",
    ),
    "fr": Words(
        "Débiter lorsqu’il reste moins que",
        "Montant de chaque débit",
        "Au plus par mois civil",
        "Accepter et enregistrer une carte",
        "Card number",
        "Save the card",
        "Désactiver",
    ),
}


@pytest.fixture
def made(stack: Stack) -> Any:
    """A project of some days ago that has just run out of money, two tasks being in hand."""
    with stack.app.app_context(), db.transaction() as session:
        made = make_desk(session, tasks=3, experts=2, funds=0, overlap=2, title="Licence clauses")
        budget = budgets.of(session, made.project_id)
        budget.opened_at = now() - timedelta(days=12)
        make_deposit(session, budget, amount=1000, opened_by=made.owner.id)
        for expert in made.experts:
            assignment.claim_next(session, made.project, expert.user_id, at=now())
    with stack.app.app_context():
        annotation_jobs.follow_budgets()
    return made


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_budget_runs_out_and_is_topped_up(
    stack: Stack, seen: Window, made: Any, language: str
) -> None:
    words, project = WORDS[language], made.project_id
    budget = f"/projects/{project}/budget"
    with stack.app.app_context(), db.transaction() as session:
        session.get_one(User, made.owner.id).locale = language
        assert session.get_one(Project, project).paused_for is PausedFor.BUDGET

    seen.page.context.add_cookies([stack.session_of(made.owner)])  # type: ignore[list-item]
    seen.open(f"/projects/{project}")
    seen.look(f"budgets-paused-{language}")
    seen.open(budget)
    seen.look(f"budgets-out-{language}")
    seen.open(f"{budget}/top-up")
    seen.press(words.agree)
    seen.look(f"budgets-topup-errors-{language}")
    seen.fill(words.below, "100")
    seen.fill(words.amount, "200")
    seen.fill(words.most, "400")
    seen.page.locator("[name=agreed]").check()
    seen.press(words.agree)
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
    seen.look(f"budgets-topup-on-{language}")
    seen.open(budget)
    seen.look(f"budgets-again-{language}")
    seen.open(f"{budget}?what=released")
    seen.open("/budget")
    seen.look(f"budgets-list-{language}")
    seen.open(f"{budget}/top-up")
    seen.press(words.off)
    seen.look(f"budgets-topup-off-{language}")

    with stack.app.app_context(), db.transaction() as session:
        paid = session.exec(select(Deposit).order_by(col(Deposit.id).desc())).first()
        assert paid is not None
        assert (paid.state, paid.amount_minor) == (DepositState.PAID, 20_000)
        assert session.get_one(Project, project).state is State.OPEN
