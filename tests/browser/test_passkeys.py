"""Passkeys in a real browser: made, shown, deleted; and answers that are used again or forged."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlmodel import select

from accounts.models import Passkey
from tests.accounts.newcomer import EMAIL, PASSWORD, settled
from tests.browser import Window
from tests.conftest import Live

pytestmark = pytest.mark.browser


class Key:
    """A security key of Chromium's own making."""

    def __init__(self, window: Window, *, resident: bool = True) -> None:
        self.cdp = window.page.context.new_cdp_session(window.page)
        self.cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": resident,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.id = added["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cdp.send(
            "WebAuthn.getCredentials", {"authenticatorId": self.id}
        )["credentials"]
        return found

    def clone(self, *, sign_count: int) -> None:
        """Put the same key in again, as a copy that has been used less."""
        (own,) = self.credentials()
        self.cdp.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})
        copy = own | {"signCount": sign_count}
        self.cdp.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": copy})


@pytest.fixture
def signed_in(browser_page: Window, live: Live) -> Window:
    """A window of Ada, who has just signed in with her password."""
    with live.transaction() as session:
        settled(session, live.client())
    _with_password(browser_page)
    return browser_page


def _with_password(window: Window) -> None:
    window.open("/sign-in")
    window.fill("E-mail address", EMAIL)
    window.fill("Password", PASSWORD)
    window.press("Sign in", role="button")


def _sign_out(window: Window) -> None:
    window.page.locator(".dy-menu > summary").click()
    window.press("Sign out", role="button")


def _add(window: Window, name: str, use: str) -> None:
    window.open("/account/passkeys")
    window.fill("Name", name)
    window.page.get_by_label(use).check()
    window.page.get_by_role("button", name="Add a passkey").click()
    window.page.get_by_text("The passkey is added.").wait_for()
    window.check()


def _with_passkey(window: Window) -> None:
    window.open("/sign-in")
    window.page.get_by_role("button", name="Sign in with a passkey").click()


FIRST, SECOND = "To sign in without the password", "As a second factor"


def test_a_passkey_is_made_signs_in_and_is_deleted(signed_in: Window, live: Live) -> None:
    Key(signed_in)
    signed_in.open("/account/passkeys")
    signed_in.look("passkeys-empty")
    _add(signed_in, "work laptop", FIRST)
    signed_in.look("passkeys")
    _sign_out(signed_in)

    _with_passkey(signed_in)
    signed_in.page.wait_for_url(lambda url: "/sign-in" not in url)
    signed_in.check()
    with live.transaction() as session:
        key = session.exec(select(Passkey)).one()
        assert key.sign_count > 0
        assert key.name == "work laptop"

    signed_in.open("/account/passkeys")
    signed_in.press("Delete", role="button")
    assert signed_in.page.get_by_text("No passkey yet").is_visible()
    _sign_out(signed_in)
    _with_passkey(signed_in)
    signed_in.page.get_by_text("This passkey does not open an account here.").first.wait_for()


def test_a_passkey_is_a_second_factor_and_a_recovery_code_stands_in(
    signed_in: Window, live: Live
) -> None:
    Key(signed_in, resident=False)
    _add(signed_in, "key ring", SECOND)
    signed_in.open("/account/recovery-codes")
    signed_in.press("Make new codes", role="button")
    code = signed_in.page.locator("pre").first.inner_text().split()[0]
    _sign_out(signed_in)

    _with_password(signed_in)
    assert "/sign-in/passkey" in signed_in.page.url
    signed_in.look("passkey-second")
    signed_in.page.get_by_role("button", name="Use the passkey").click()
    signed_in.page.wait_for_url(lambda url: "/sign-in" not in url)
    _sign_out(signed_in)

    _with_password(signed_in)
    signed_in.open("/account")
    assert "/sign-in" in signed_in.page.url
    _with_password(signed_in)
    signed_in.press("Use a recovery code")
    signed_in.fill("Code", code)
    signed_in.press("Go on", role="button")
    signed_in.open("/account")
    assert signed_in.page.url.endswith("/account")


def test_a_passkey_confirms_who_somebody_is(signed_in: Window) -> None:
    Key(signed_in)
    _add(signed_in, "work laptop", FIRST)

    signed_in.open("/verify?next=/account/recovery-codes")
    signed_in.press("Use a passkey instead")
    signed_in.page.get_by_role("button", name="Use the passkey").click()
    make = signed_in.page.get_by_role("button", name="Make new codes")
    make.wait_for()
    assert "/verify" not in signed_in.page.url


def test_a_copy_that_was_used_less_is_refused(signed_in: Window) -> None:
    key = Key(signed_in)
    _add(signed_in, "work laptop", FIRST)
    _sign_out(signed_in)
    _with_passkey(signed_in)
    signed_in.page.wait_for_url(lambda url: "/sign-in" not in url)
    _sign_out(signed_in)

    key.clone(sign_count=0)
    _with_passkey(signed_in)

    signed_in.page.get_by_text("The passkey could not be checked.").first.wait_for()


def test_an_answer_is_taken_once_and_for_its_own_place_and_question(
    signed_in: Window, live: Live
) -> None:
    Key(signed_in)
    _add(signed_in, "work laptop", FIRST)
    _sign_out(signed_in)
    caught: dict[str, str] = {}

    def keep(route: Any) -> None:
        caught.update(url=route.request.url, data=route.request.post_data)
        route.abort()

    signed_in.page.route("**/sign-in/passkey/*", keep)
    _with_passkey(signed_in)
    signed_in.page.wait_for_timeout(1500)
    signed_in.faults.clear()
    path = "/" + caught["url"].split("/", 3)[3]
    answer = _form(caught["data"])["credential"]
    home = signed_in.home

    def send(credential: str, to: str = path, base: str = home) -> bool:
        client = live.client()
        client.post(to, data={"credential": credential}, base_url=base)
        return bool(client.get("/account", base_url=base).status_code == 200)

    forged = json.loads(answer)
    forged["response"]["signature"] = forged["response"]["signature"][:-6] + "AAAAAA"

    assert not send(json.dumps(forged))
    assert not send(answer, base="http://127.0.0.1")
    other = live.client()
    page = other.post("/sign-in/passkey", base_url=home).text
    other_path = page.split('action="')[1:]
    of_other = next(part.split('"')[0] for part in other_path if "/sign-in/passkey/" in part)
    assert not send(answer, to=of_other)
    assert send(answer)
    assert not send(answer)


def _form(body: str) -> dict[str, str]:
    return dict(parse_qsl(body))
