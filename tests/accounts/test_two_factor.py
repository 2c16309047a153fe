"""The second factor, with right codes: turned on, asked for, recovered from, turned off."""

import html
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from passlib.totp import TOTP
from sqlmodel import Session, select

from accounts.models import User
from core.models import AuditEvent
from tests.accounts.newcomer import EMAIL, PASSWORD, last_letter, settled, sign_in
from tests.clients import CheckedClient
from tests.conftest import Live

# Flask-Security's own form still writes its choices as tuples.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")


def _code(key: str, *, steps: int = 0) -> str:
    """Return the code that an app shows now, or some half minutes away."""
    totp = TOTP(key=key)
    return str(totp.generate(totp.now() + 30 * steps).token)


def _key(page: str) -> str:
    shown = re.search(r"Or type this key: <span[^>]*>([A-Z2-7-]+)<", page)
    assert shown
    return shown[1].replace("-", "")


def _scanned(client: CheckedClient) -> tuple[str, str]:
    """Ask for the picture; return the key in it and where the first code is sent to."""
    page = client.post("/account/two-factor", data={"setup": "authenticator"}).text
    form = re.search(r'action="(/account/two-factor/[^"]+)"', page)
    assert form
    return _key(page), html.unescape(form[1])


def _turned_on(session: Session, client: CheckedClient) -> str:
    """Register, sign in and set the second factor up; return its key, signed out."""
    settled(session, client)
    sign_in(client)
    key, send_to = _scanned(client)
    client.post(send_to, data={"code": _code(key, steps=-1)})
    client.post("/sign-out")
    return key


def _codes(client: CheckedClient) -> list[str]:
    page = client.post("/account/recovery-codes").text
    return re.findall(r"\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b", page)


def _may_in(client: CheckedClient) -> bool:
    return bool(client.get("/account").status_code == 200)


def _kept(session: Session) -> User:
    session.expire_all()
    return session.exec(select(User).where(User.email == EMAIL)).one()


def test_it_is_on_after_a_right_code_and_asked_for_at_the_next_sign_in(
    session: Session, client: CheckedClient
) -> None:
    key = _turned_on(session, client)

    asked = sign_in(client)
    before = _may_in(client)
    answered = client.post("/two-factor", data={"code": _code(key)})

    assert _kept(session).tf_primary_method == "authenticator"
    assert asked.status_code == 302
    assert asked.location.startswith("/two-factor")
    assert not before
    assert answered.status_code == 302
    assert _may_in(client)


def test_a_wrong_first_code_turns_nothing_on(session: Session, client: CheckedClient) -> None:
    settled(session, client)
    sign_in(client)
    key, send_to = _scanned(client)

    answer = client.post(send_to, data={"code": _code(key, steps=20)})

    assert answer.status_code == 422
    assert "This code is wrong" in answer.text
    assert _kept(session).tf_primary_method is None


def test_after_a_mistyped_first_code_the_same_picture_still_counts(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)
    sign_in(client)
    key, send_to = _scanned(client)

    wrong = client.post(send_to, data={"code": _code(key, steps=20)})
    client.post(send_to, data={"code": _code(key, steps=-1)})

    assert _key(wrong.text) == key
    assert _kept(session).tf_primary_method == "authenticator"


def test_turning_it_on_signs_other_devices_out(
    session: Session, client: CheckedClient, app: Any
) -> None:
    settled(session, client)
    other: Any = app.test_client()
    sign_in(other)
    sign_in(client)
    key, send_to = _scanned(client)

    client.post(send_to, data={"code": _code(key, steps=-1)})

    assert (_may_in(client), _may_in(other)) == (True, False)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/verify", {"password": PASSWORD}),
        ("/tokens", {"confirm_with_password": PASSWORD}),
        ("/account/recovery-codes", {}),
        ("/sign-in/passkey", {}),
        ("/verify/passkey", {}),
    ],
)
def test_half_signed_in_opens_nothing_else(
    session: Session, client: CheckedClient, path: str, data: dict[str, str]
) -> None:
    _turned_on(session, client)
    sign_in(client)

    client.post(path, data=data)

    assert not _may_in(client)


def test_opening_the_page_for_a_code_signs_nobody_out(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)
    sign_in(client)

    client.get("/two-factor")

    assert _may_in(client)


def test_a_wrong_code_opens_nothing(session: Session, client: CheckedClient) -> None:
    key = _turned_on(session, client)
    sign_in(client)

    answer = client.post("/two-factor", data={"code": _code(key, steps=20)})

    assert answer.status_code in {200, 422}
    assert not _may_in(client)


def test_a_code_works_once(session: Session, client: CheckedClient) -> None:
    key = _turned_on(session, client)
    code = _code(key)
    sign_in(client)
    client.post("/two-factor", data={"code": code})
    client.post("/sign-out")

    sign_in(client)
    client.post("/two-factor", data={"code": code})

    assert not _may_in(client)


def test_the_password_alone_does_not_turn_it_off(session: Session, client: CheckedClient) -> None:
    _turned_on(session, client)
    sign_in(client)

    client.post("/account/two-factor", data={"setup": "disable"})

    assert _kept(session).tf_primary_method == "authenticator"


def test_it_is_turned_off_again(session: Session, client: CheckedClient) -> None:
    key = _turned_on(session, client)
    sign_in(client)
    client.post("/two-factor", data={"code": _code(key)})

    client.post("/account/two-factor", data={"setup": "disable"}, follow_redirects=True)
    client.post("/sign-out")
    sign_in(client)

    assert _kept(session).tf_primary_method is None
    assert _may_in(client)


def test_a_letter_tells_when_a_way_in_is_changed(session: Session, client: CheckedClient) -> None:
    key = _turned_on(session, client)
    on = last_letter(session)
    sign_in(client)
    client.post("/two-factor", data={"code": _code(key)})
    codes = _codes(client)
    made = last_letter(session)
    client.post("/account/two-factor", data={"setup": "disable"})
    off = last_letter(session)

    told = [letter.template for letter in (on, made, off)]
    assert told == [
        "accounts/second_factor_on",
        "accounts/recovery_codes_made",
        "accounts/second_factor_off",
    ]
    assert codes
    assert not any(code in made.body for code in codes)
    noted = select(AuditEvent).where(AuditEvent.action == "account.recovery_codes_made")
    [event] = session.exec(noted)
    assert event.subject == f"user:{event.by_user_id}"
    assert all("http://localhost/recover" in letter.body for letter in (on, made, off))


def test_a_recovery_code_stands_in_for_the_device_once(
    session: Session, client: CheckedClient
) -> None:
    key = _turned_on(session, client)
    sign_in(client)
    client.post("/two-factor", data={"code": _code(key)})
    codes = _codes(client)
    client.post("/sign-out")

    sign_in(client)
    client.post("/two-factor/recovery", data={"code": codes[0]})
    first = _may_in(client)
    client.post("/sign-out")
    sign_in(client)
    client.post("/two-factor/recovery", data={"code": codes[0]})

    assert len(codes) >= 5
    assert first
    assert not _may_in(client)


def test_a_new_password_does_not_go_round_the_second_factor(
    session: Session, client: CheckedClient
) -> None:
    key = _turned_on(session, client)
    sign_in(client)
    client.post("/two-factor", data={"code": _code(key)})
    changed = client.post(
        "/account/password",
        data={"password": PASSWORD, "new_password": "another fine phrase"}
        | {"new_password_confirm": "another fine phrase"},
    )
    client.post("/sign-out")

    old: Any = sign_in(client)
    new: Any = sign_in(client, "another fine phrase")

    assert changed.status_code == 302
    assert old.status_code == 200
    assert new.location.startswith("/two-factor")
    assert not _may_in(client)


@pytest.mark.parametrize("kind", ["code", "recovery"])
def test_two_sign_ins_at_once_do_not_share_a_code(live: Live, kind: str) -> None:
    clients = [live.client(), live.client()]
    with live.transaction() as session:
        key = _turned_on(session, clients[0])
    sign_in(clients[0])
    clients[0].post("/two-factor", data={"code": _code(key)})
    (recovery, *_more) = _codes(clients[0])
    clients[0].post("/sign-out")
    path, code = {
        "code": ("/two-factor", _code(key, steps=1)),
        "recovery": ("/two-factor/recovery", recovery),
    }[kind]
    for client in clients:
        sign_in(client)

    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda client: client.post(path, data={"code": code}), clients))

    assert sorted(map(_may_in, clients)) == [False, True]
