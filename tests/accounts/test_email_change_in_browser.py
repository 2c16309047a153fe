"""A person changes the address of their account, in a real Chromium, in both languages."""

import pytest
from playwright.sync_api import Browser
from sqlmodel import select

from accounts.models import User
from tests.accounts.newcomer import last_letter, link_in
from tests.browser import Window, window
from tests.conftest import Live
from tests.factories.accounts import make_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NEW = "a.rather.long.address.of.a.countess@analytical-engines.example.org"


def _signed_in(seen: Window, live: Live, locale: str) -> Window:
    with live.transaction() as session:
        user = make_user(session, "expert", locale=locale, email="ada@example.org")
        session.flush()
        session.refresh(user)
        session.expunge_all()
    cookie = live.client(user).get_cookie("doyen")
    assert cookie is not None
    seen.page.context.add_cookies(
        [{"name": "doyen", "value": cookie.value, "url": seen.home, "httpOnly": True}]
    )
    return seen


def test_an_address_is_changed_from_asking_to_the_link(live: Live, browser_page: Window) -> None:
    seen = _signed_in(browser_page, live, "en")

    seen.open("/account")
    seen.press("Change your e-mail address")
    seen.look("email-form-en")
    seen.press("Send the link")
    assert seen.page.title().startswith("Error: Change your e-mail address")
    seen.look("email-error-en")
    seen.fill("New e-mail address", NEW)
    seen.press("Send the link")
    seen.look("email-waiting-en")
    live.run_jobs()
    with live.transaction() as session:
        link = link_in(last_letter(session, NEW))
    seen.open(link)
    seen.look("email-confirm-en")
    seen.press("Change the address")
    assert f"Your address is {NEW} now" in seen.page.content()
    seen.look("email-done-en")
    seen.open(link)
    seen.look("email-done-again-en")
    seen.open(link + "x")
    seen.look("email-over-en")


def test_the_same_in_french(live: Live, chromium: Browser, live_url: str) -> None:
    with window(chromium, live_url, language="fr-FR") as opened:
        seen = _signed_in(opened, live, "fr")
        seen.open("/account/email")
        seen.fill("Nouvelle adresse électronique", NEW)
        seen.press("Envoyer le lien")
        seen.look("email-waiting-fr")
        live.run_jobs()
        with live.transaction() as session:
            link = link_in(last_letter(session, NEW))
        seen.open(link)
        seen.look("email-confirm-fr")
        seen.press("Changer l’adresse")
        seen.look("email-done-fr")
        with live.transaction() as session:
            assert session.exec(select(User.email)).all() == [NEW]
