"""Registration, confirmation, signing in and a second factor, in a real browser."""

import re

import pytest
from passlib.totp import TOTP
from playwright.sync_api import Browser
from sqlmodel import select

from core.models import Letter
from tests.browser import Window, window
from tests.conftest import Live

pytestmark = pytest.mark.browser
PASSWORD = "quiet lamps travel north"


def _link(live: Live) -> str:
    with live.transaction() as session:
        letter = session.exec(select(Letter).order_by(Letter.id.desc())).first()
        assert letter is not None
        return re.findall(r"http://\S+", letter.body)[0]


def _registered(window: Window, live: Live) -> None:
    window.open("/register?role=owner")
    assert window.page.get_by_label("I want experts to label our data").is_checked()
    window.fill("Your name", "Olu Owner")
    window.fill("Your organisation", "Northlight Registry")
    window.page.get_by_label("E-mail address").fill("olu@northlight.example")
    window.page.get_by_label("Password", exact=True).fill(PASSWORD)
    confirm = window.page.get_by_label("The password again")
    if confirm.count():
        confirm.fill(PASSWORD)
    window.press("Register", role="button")


def _sign_in(window: Window) -> None:
    window.open("/sign-in")
    window.page.get_by_label("E-mail address").fill("olu@northlight.example")
    window.fill("Password", PASSWORD)
    window.press("Sign in", role="button")


def _sign_out(window: Window) -> None:
    window.page.locator(".dy-menu > summary").click()
    assert window.page.get_by_role("button", name="Sign out").is_visible()
    window.press("Sign out", role="button")


def test_a_stranger_registers_confirms_and_signs_in(browser_page: Window, live: Live):
    browser_page.open("/register")
    browser_page.look("register")
    browser_page.press("Register", role="button")
    assert browser_page.page.title().startswith("Error: Register")
    browser_page.look("register-errors")

    _registered(browser_page, live)
    browser_page.look("registered")
    browser_page.open(_link(live))
    assert "/sign-in" in browser_page.page.url
    browser_page.look("sign-in")
    _sign_in(browser_page)

    _sign_out(browser_page)
    browser_page.look("landing")
    assert browser_page.page.get_by_role("link", name="Sign in").first.is_visible()


@pytest.mark.parametrize("path", ["/sign-in", "/recover", "/confirm"])
def test_forms_about_accounts_keep_what_was_typed_and_say_what_is_wrong(
    browser_page: Window, path: str
):
    browser_page.open(path)
    browser_page.look(f"form{path.replace('/', '-')}")
    browser_page.page.get_by_label("E-mail address").fill("nobody@nowhere.example")
    if path == "/sign-in":
        browser_page.fill("Password", "wrong password here")
    browser_page.page.locator("main form button[type=submit]").first.click()
    browser_page.page.wait_for_load_state("load")
    browser_page.check()
    browser_page.look(f"form{path.replace('/', '-')}-after")


# Flask-Security's own form still writes its choices as tuples.
@pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")
def test_a_second_factor_is_set_up_and_guards_the_next_sign_in(browser_page: Window, live: Live):
    page = browser_page.page
    _registered(browser_page, live)
    browser_page.open(_link(live))
    _sign_in(browser_page)
    browser_page.open("/account/two-factor")
    browser_page.look("two-factor")
    browser_page.press("Set it up", role="button")
    browser_page.look("two-factor-scan")
    app = TOTP(key=page.locator(".dy-mono").inner_text())
    now = app.now()
    page.locator("input[name=code]").fill(app.generate(now - 30).token)
    browser_page.press("Turn it on", role="button")
    browser_page.open("/account/two-factor")
    assert page.get_by_text("It is on.").is_visible()
    browser_page.look("two-factor-on")
    browser_page.open("/account/recovery-codes")
    browser_page.press("Make new codes", role="button")
    browser_page.look("recovery-codes")
    kept = re.findall(r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}", page.inner_text("main"))[0]
    _sign_out(browser_page)

    _sign_in(browser_page)
    browser_page.look("two-factor-code")
    page.locator("input[name=code]").fill("000000")
    browser_page.press("Go on", role="button")
    assert page.get_by_text(
        "This code is wrong, used or too old. Write the newest one.", exact=True
    ).is_visible()
    page.locator("input[name=code]").fill(app.generate(now).token)
    browser_page.press("Go on", role="button")
    _sign_out(browser_page)
    _sign_in(browser_page)
    browser_page.press("Use a recovery code")
    browser_page.look("two-factor-recovery")
    page.locator("input[name=code]").fill(kept)
    browser_page.press("Go on", role="button")

    browser_page.open("/account/password")
    browser_page.look("change-password")
    assert page.get_by_role("heading", name="Change your password").is_visible()


@pytest.mark.parametrize("path", ["/", "/sign-in", "/register", "/recover", "/about", "/privacy"])
def test_french_words_fit_the_smallest_phone(chromium: Browser, live_url: str, path: str):
    with window(chromium, live_url, language="fr-FR") as seen:
        page = seen.open(path)

        assert page.locator("html").get_attribute("lang") == "fr"
