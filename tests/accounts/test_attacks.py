"""What a review of this code tried and found open, each closed."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from accounts import erasure
from accounts.models import MemberInvitation, User
from core.clock import now
from core.models import Letter
from tests.accounts.newcomer import EMAIL, PASSWORD, register, settled
from tests.accounts.newcomer import sign_in as sign_in_as_ada
from tests.clients import CheckedClient
from tests.conftest import Live
from tests.factories.accounts import make_member, make_owner, make_user
from tests.factories.tokens import make_token

FORM = {
    "email": "new@example.org",
    "password": PASSWORD,
    "password_confirm": PASSWORD,
    "name": "New Person",
    "role": "expert",
    "organisation": "",
}


@pytest.mark.parametrize(
    "path", ["/sign-in", "/register", "/recover", "/confirm", "/account", "/tokens", "/verify"]
)
def test_a_page_takes_no_json_of_whatever_shape(sign_in: Any, session: Session, path: str) -> None:
    client = sign_in(make_user(session, "expert")) if path in ("/account", "/tokens") else None
    client = client or sign_in(make_user(session, "expert")).application.test_client()
    for body in ({"email": [EMAIL, "x"]}, {"name": "a\0b"}, {"email": "\ud800"}, [[[]]], 7):
        answer = client.post(path, json=body)
        assert answer.status_code == 415
        assert answer.json["title"]
    deep = "[" * 2000 + "]" * 2000
    assert client.post(path, data=deep, content_type="application/json").status_code == 415


def test_to_a_program_registering_says_the_same_of_known_and_unknown_addresses(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)
    asks = {"headers": {"Accept": "application/json"}}

    known = client.post("/register", data=FORM | {"email": EMAIL}, **asks)
    unknown = client.post("/register", data=FORM, **asks)

    assert (known.status_code, known.headers["Location"]) == (302, unknown.headers["Location"])
    assert len(known.data) == len(unknown.data)


@pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")
def test_a_double_click_on_registering_registers_once(live: Live) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _n: live.client().post("/register", data=FORM).status_code, range(4))
        )

    assert answers == [302] * 4
    with live.transaction() as session:
        assert len(session.exec(select(User)).all()) == 1


def test_a_double_click_on_inviting_invites_once(live: Live) -> None:
    with live.transaction() as session:
        owner, organisation = make_owner(session)
        session.flush()
        path = f"/organisations/{organisation.id}/members"
        session.expunge_all()
    given = {"email": "guest@example.org", "role": "member"}
    client = live.client(owner)
    cookie = client.get_cookie("doyen")
    assert cookie is not None

    def invite(_number: int) -> int:
        other = live.client()
        other.set_cookie("doyen", cookie.value)
        return int(other.post(path, data=given).status_code)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(invite, range(3)))

    assert set(answers) <= {302, 409}
    with live.transaction() as session:
        assert len(session.exec(select(MemberInvitation)).all()) == 1


def test_a_failure_of_the_database_leaves_no_value_in_the_log(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    live.app.config["TESTING"] = False
    live.app.config["PROPAGATE_EXCEPTIONS"] = False

    def fails() -> str:
        with live.engine.begin() as connection:
            for _twice in range(2):
                connection.execute(
                    text(
                        "insert into user_account (email, name, active, fs_uniquifier, created_at)"
                        " values (:email, 'Zzname', true, :email, now())"
                    ),
                    {"email": "zzsecret@example.org"},
                )
        return "never"

    fails.__access__ = "public"  # type: ignore[attr-defined]
    live.app.view_functions["pages.about"] = fails
    with caplog.at_level(logging.ERROR):
        assert live.app.test_client().get("/about").status_code == 500

    assert "UniqueViolation uq_user_account_email" in caplog.text
    assert "test_attacks.py" in caplog.text
    assert "zzsecret" not in caplog.text
    assert "Zzname" not in caplog.text


@pytest.mark.parametrize("act", ["members", "members/{0}/role", "members/{0}/remove"])
def test_a_stale_session_changes_no_membership(sign_in: Any, session: Session, act: str) -> None:
    owner, organisation = make_owner(session)
    member = make_member(session, organisation, "member")
    session.commit()
    client = sign_in(owner)
    with client.session_transaction() as cookie:
        cookie["fs_paa"] = time.time() - 16 * 60

    path = f"/organisations/{organisation.id}/{act.format(member.id)}"
    answer = client.post(path, data={"email": "thief@example.org", "role": "admin"})

    assert answer.status_code == 422
    assert "Confirm" in answer.text
    assert session.exec(select(MemberInvitation)).first() is None


def test_a_copied_cookie_is_out_when_the_other_devices_are(
    session: Session, client: CheckedClient, app: Any
) -> None:
    settled(session, client)
    sign_in_as_ada(client)
    thief: Any = app.test_client()
    stolen = client.get_cookie("doyen")
    assert stolen is not None
    thief.set_cookie("doyen", stolen.value)
    assert thief.get("/account").status_code == 200

    client.post("/account/sessions/end-others")

    assert thief.get("/account").status_code == 302
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Ada\r\n\r\nBuy now", "Ada Buy now"),
        ("Ada\u202eevil", "Ada evil"),
        ("Pay at https://evil.example", None),
        ("www.evil.example", None),
    ],
)
def test_names_carry_no_text_of_strangers_into_letters(
    session: Session, client: CheckedClient, name: str, kept: str | None
) -> None:
    register(client, name=name)

    users = session.exec(select(User)).all()
    assert [one.name for one in users] == ([kept] if kept else [])
    letters = session.exec(select(Letter)).all()
    assert not [one for one in letters if "\n\nBuy" in one.body or "evil.example" in one.body]


def test_copies_of_ones_data_are_three_a_day(sign_in: Any, session: Session) -> None:
    client = sign_in(make_user(session, "expert"))

    answers = [client.post("/account/data").status_code for _ in range(4)]

    assert answers == [302, 302, 302, 429]


def test_while_an_erasure_waits_a_token_can_be_ended(
    sign_in: Any, session: Session, app: Any
) -> None:
    user = make_user(session, "expert")
    token, _secret = make_token(session, user)
    register_of_data = app.extensions["doyen.personal_data"]
    erasure.ask(session, register_of_data, user, language="en", wait=timedelta(days=2), at=now())
    session.commit()
    client = sign_in(user)

    assert client.post("/account", data={"name": "x", "locale": "en"}).status_code == 409
    assert client.post(f"/tokens/{token.id}/revoke").status_code == 302
