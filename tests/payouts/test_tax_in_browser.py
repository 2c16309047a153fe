"""Tax details in a real browser: asked, reminded, held, completed, paid; the papers downloaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from sqlmodel import select

from accounts.models import User
from payouts import holds, jobs
from payouts.models import Payout, PayoutState
from tests.browser import Window
from tests.factories.accounts import make_user
from tests.factories.experts import make_expert as make_profile
from tests.factories.payouts import make_budget, make_earning, make_expert, make_payee
from tests.factories.tax import FRENCH

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@contextmanager
def _on_day(app: Any, days: int) -> Iterator[Any]:
    """Live some days from now."""
    app.extensions["doyen.clock"] = lambda: datetime.now(UTC) + timedelta(days=days)
    try:
        with app.app_context():
            yield jobs.ask_tax_details()
    finally:
        del app.extensions["doyen.clock"]


def _as(seen: Window, live: Any, user: User) -> None:
    client: Any = live.app.test_client()
    cookie = client.sign_in(user).get_cookie("doyen")
    seen.page.context.clear_cookies()
    seen.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": seen.home}])


def _download(seen: Window, name: str) -> str:
    with seen.page.expect_download() as waiting:
        seen.page.get_by_role("link", name=name).first.click()
    paper = Path(waiting.value.path()).read_bytes()
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(paper)).pages)


def test_details_are_asked_for_held_back_for_and_completed(live: Any, browser_page: Window) -> None:
    seen, when = browser_page, datetime.now(UTC) - timedelta(days=75)
    with live.transaction() as session:
        expert = make_expert(session)
        make_profile(session, expert)
        budget = make_budget(session, funded=500_000, title="Licence clauses")
        make_earning(session, budget, expert.id, pay=70_000, at=when)
        make_earning(session, budget, expert.id, pay=4_200)
        operator = make_user(session, "operator")
        late = make_expert(session, payee=None)
        make_payee(
            session,
            late.id,
            missing=["individual.verification.document", "a.new.one"],
            overdue=["individual.verification.document"],
            due_later=["individual.id_number"],
            due_at=datetime.now(UTC) + timedelta(days=9),
        )
    with _on_day(live.app, -75) as said:
        assert said == "asked 1"
    _as(seen, live, expert)
    seen.open("/earnings")
    assert "Please complete your tax details by" in seen.page.content()
    seen.look("tax-earnings-asked")
    for day, words in ((-55, "reminded 1"), (-35, "reminded 2"), (-15, "withheld")):
        with _on_day(live.app, day) as said:
            assert words in said

    seen.open("/earnings")
    assert "were not complete after two reminders" in seen.page.content()
    seen.look("tax-earnings-held")
    seen.page.locator("main").get_by_role("link", name="Complete your tax details").click()
    seen.check()
    seen.look("tax-details-held")
    seen.fill("First names", "Ada")
    seen.fill("Last name", "Martin")
    seen.fill("Date of birth", "1980-05-04")
    seen.fill("Street and number", "3 rue des Lilas")
    seen.fill("Town", "Lyon")
    seen.page.get_by_label("Country of your address").select_option("FR")
    seen.page.locator("[name=residence_1-country]").select_option("FR")
    seen.page.locator("[name=residence_1-number]").fill("1234567890123")
    seen.page.locator("[name=us_person][value=no]").check()
    seen.press("Save")
    assert "does not look like one of France" in seen.page.content()
    seen.look("tax-details-odd")
    seen.page.locator("[name=residence_1-number]").fill(FRENCH)
    seen.press("Save")
    assert "Your tax details are complete" in seen.page.content()

    with live.transaction() as session:
        assert holds.of(session, expert.id) is None
        [payout] = session.exec(select(Payout).where(Payout.expert_id == expert.id)).all()
        assert (payout.amount_minor, payout.state) == (74_200, PayoutState.READY)
    seen.open("/earnings/tax")
    assert FRENCH not in seen.page.content()
    seen.look("tax-details-complete")
    seen.open("/earnings?period=year")
    seen.look("tax-earnings-year")
    seen.open("/earnings/statements")
    seen.look("tax-statements")
    assert "Licence clauses" in _download(seen, "PDF, ")
    seen.open("/earnings/years")
    seen.look("tax-years")
    assert "€742.00" in _download(seen, "PDF")

    _as(seen, live, late)
    seen.open("/earnings/account")
    seen.look("tax-account-missing")

    _as(seen, live, operator)
    seen.open("/operator/money/tax")
    seen.look("tax-operator")
    seen.open(f"/operator/money/experts/{expert.id}/tax")
    seen.press("Show the numbers in full")
    assert FRENCH in seen.page.content()
    seen.look("tax-operator-expert")
