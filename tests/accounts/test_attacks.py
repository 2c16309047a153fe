"""What somebody would try who holds a stolen session, a link or a form of their own."""

import html
import re
import time
from typing import Any

import pytest
from flask_security import hash_password
from passlib.totp import TOTP
from sqlmodel import Session, select

from accounts.models import Passkey, User
from tests.accounts.newcomer import EMAIL, PASSWORD, settled, sign_in
from tests.clients import CheckedClient
from tests.factories.accounts import make_user

# Flask-Security's own form still writes its choices as tuples.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")


def _stale(client: CheckedClient) -> CheckedClient:
    with client.session_transaction() as cookie:
        cookie["fs_paa"] = time.time() - 16 * 60
    return client


def test_a_set_up_from_ones_own_account_does_not_reach_a_stolen_session(
    session: Session, client: CheckedClient, app: Any
) -> None:
    settled(session, client)
    sign_in(client)
    stolen = _stale(client)
    attacker: Any = app.test_client()
    attacker.sign_in(make_user(session, "expert"))
    page = attacker.post("/account/two-factor", data={"setup": "authenticator"}).text
    key = re.search(r"Or type this key: <span[^>]*>([A-Z2-7-]+)<", page)
    link = re.search(r'action="(/account/two-factor/[^"]+)"', page)
    assert key
    assert link
    code = TOTP(key=key[1].replace("-", "")).generate().token

    answer = stolen.post(html.unescape(link[1]), data={"code": code})

    assert "Confirm that it is you" in answer.text
    session.expire_all()
    assert session.exec(select(User).where(User.email == EMAIL)).one().tf_primary_method is None


def test_a_passkey_of_ones_own_does_not_reach_a_stolen_session(
    session: Session, client: CheckedClient, app: Any
) -> None:
    settled(session, client)
    sign_in(client)
    stolen = _stale(client)
    attacker: Any = app.test_client()
    attacker.sign_in(make_user(session, "expert"))
    page = attacker.post("/account/passkeys", data={"name": "mine", "usage": "first"}).text
    link = re.search(r'action="(/account/passkeys/[^"]+)" class', page)
    assert link

    answer = stolen.post(html.unescape(link[1]), data={"credential": "{}"})

    assert "Confirm that it is you" in answer.text
    assert session.exec(select(Passkey)).first() is None


def test_a_stolen_session_that_is_old_changes_no_protection(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)
    sign_in(client)
    _stale(client)

    answers = [
        client.post("/account/two-factor", data={"setup": "disable"}),
        client.post("/account/recovery-codes"),
        client.post("/account/passkeys", data={"name": "mine", "usage": "first"}),
        client.post("/account/passkeys/delete", data={"name": "mine"}),
    ]

    assert ["/verify" in one.headers.get("Location", "") for one in answers] == [True] * 4


def test_each_form_of_security_asks_for_its_token(session: Session, app: Any) -> None:
    user = make_user(session, "expert", password=hash_password(PASSWORD))
    asked = []
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith(("security.", "sessions.")):
            continue
        if "POST" not in (rule.methods or ()):
            continue
        for signed in (True, False):
            client: Any = app.test_client()
            if signed:
                client.sign_in(user)
            values = {name: 1 if name.endswith("_id") else "x" for name in rule.arguments}
            path = app.url_map.bind("").build(rule.endpoint, values, method="POST")
            answer = client.post(path, data={"email": EMAIL}, without_csrf=True)
            asked.append((path, signed, answer.status_code))
    assert len(asked) > 20
    assert [one for one in asked if one[2] != 400] == []


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/passkey", "/verify", "/verify/passkey"])
@pytest.mark.parametrize(
    "away", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"]
)
def test_no_page_leads_away(session: Session, client: CheckedClient, path: str, away: str) -> None:
    settled(session, client)
    if "verify" in path:
        sign_in(client)
    data = {"email": EMAIL, "password": PASSWORD, "next": away}

    answer = client.post(path, query_string={"next": away}, data=data)

    assert "evil" not in answer.headers.get("Location", "")
    assert "alert" not in answer.headers.get("Location", "")


def test_a_half_sign_in_ends_with_a_new_password(
    session: Session, client: CheckedClient, app: Any, jobs: Any
) -> None:
    settled(session, client)
    with client.session_transaction() as cookie:
        user = session.exec(select(User).where(User.email == EMAIL)).one()
        cookie.update(tf_user_id=user.fs_uniquifier, tf_state="ready")
    user.tf_primary_method, user.tf_totp_secret = "authenticator", "unreadable"
    user.fs_uniquifier = "another"
    session.commit()

    answer = client.post("/two-factor", data={"code": "000000"})

    assert answer.status_code == 302
    assert client.get("/account").status_code == 302
