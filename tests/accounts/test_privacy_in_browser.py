"""A person takes a copy of their data and leaves, in a real Chromium, in both languages."""

import zipfile
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from accounts.models import User
from accounts.privacy_models import Erasure
from core import jobs
from core.models import Letter
from tests.browser import Window
from tests.conftest import Live
from tests.factories.accounts import make_user
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.everywhere import make_everywhere
from tests.factories.payouts import make_budget, make_earning
from tests.factories.privacy import make_erasure, make_retention_run

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_copy_then_an_erasure_undone_and_asked_again(
    live: Live, browser_page: Window, tmp_path: Any
) -> None:
    with live.transaction() as session:
        made = make_everywhere(live.app, session, tmp_path)
        session.flush()
        session.refresh(made.user)
        session.expunge_all()
    window = _signed_in(browser_page, live, made.user)

    window.open("/account")
    window.press("Take a copy of it, or have it erased")
    window.look("priv-data-none-en")
    window.press("Make a copy of my data")
    live.run_jobs()
    window.open("/account/data")
    window.look("priv-data-en")
    with window.page.expect_download() as download:
        window.page.get_by_role("link", name="Download").click()
    file = tmp_path / "copy.zip"
    download.value.save_as(file)
    assert "data.json" in zipfile.ZipFile(file).namelist()
    page = tmp_path / "index.html"
    page.write_bytes(zipfile.ZipFile(file).read("index.html"))

    window.press("Erase my account")
    window.look("priv-erase-en")
    window.press("Erase my account", role="button")
    window.look("priv-erase-waiting-en")
    window.press("Keep my account")
    assert "Nothing is erased" in window.page.content()
    window.press("Erase my account")
    window.press("Erase my account", role="button")
    with live.transaction() as session:
        session.execute(
            text(
                "update erasure set asked_at = asked_at - interval '8 days',"
                " due_at = due_at - interval '8 days' where undone_at is null"
            )
        )
    jobs.run(live.app, "accounts.erase_due")
    live.run_jobs()
    jobs.run(live.app, "accounts.erase_due")

    window.open("/account")
    assert "/sign-in" in window.page.url
    with live.transaction() as session:
        assert session.get_one(User, made.id).password is None
        assert len(session.exec(select(Erasure)).all()) == 2
        assert session.exec(select(Letter).where(Letter.address == made.user.email)).all() == []
    # The page of the copy itself, as a person opens it from their disk.
    window.allow("file:")
    window.page.goto(page.as_uri())
    assert window._accessible() == []
    window.look("priv-copy-en")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_stands_against_an_erasure_and_the_pages_around_it(
    live: Live, browser_page: Window, language: str
) -> None:
    with live.transaction() as session:
        operator = make_user(session, "operator", locale=language)
        desk = make_desk(session)
        expert = session.get_one(User, desk.experts[0].user_id)
        expert.locale = language
        make_earning(session, make_budget(session, funded=50_000), expert.id or 0, pay=2000)
        make_assignment(session, desk.project, expert=desk.experts[0], state="submitted")
        make_erasure(session, make_user(session))
        make_retention_run(session)
        session.flush()
        for user in (operator, expert):
            session.refresh(user)
        session.expunge_all()
    window = _signed_in(browser_page, live, expert)

    for name, path in {
        "blocked": "/account/erase",
        "data": "/account/data",
        "processors": "/privacy/processors",
        "privacy": "/privacy",
        "account": "/account",
    }.items():
        window.open(path)
        window.look(f"priv-{name}-{language}")
        if name == "blocked":
            assert window.page.locator("section[aria-labelledby=h-first] li").count()
            assert not window.page.locator("main form[action$='/account/erase']").count()
    window = _signed_in(browser_page, live, operator)
    for name, path in {"operator": "/operator/privacy", "people": "/operator/people"}.items():
        window.open(path)
        window.look(f"priv-{name}-{language}")
    assert window.page.get_by_text(expert.email).first.is_visible()


def _signed_in(window: Window, live: Live, user: Any) -> Window:
    cookie = live.client(user).get_cookie("doyen")
    assert cookie is not None
    window.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": window.home}])
    return window
