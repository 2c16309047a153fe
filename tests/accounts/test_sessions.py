"""Where people are signed in: listed, ended from afar, ended with what they rest on."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import Session, col, select

from accounts import sign_ins, user_agents
from accounts.models import SignIn, SignInEnd, User
from core.clock import now
from core.models import AuditEvent, Letter
from tests.accounts.newcomer import EMAIL, PASSWORD, settled, sign_in
from tests.clients import CheckedClient
from tests.factories.accounts import make_sign_in, make_user

LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 Safari/604"
)
NEW = "another fine phrase"


def _may_in(client: CheckedClient) -> bool:
    return bool(client.get("/account").status_code == 200)


def _two(session: Session, client: CheckedClient, app: Any) -> tuple[Any, Any]:
    settled(session, client)
    other: Any = app.test_client()
    for one, device in ((client, LAPTOP), (other, PHONE)):
        one.environ_base = {"HTTP_USER_AGENT": device, "REMOTE_ADDR": "203.0.113.9"}
        sign_in(one)
    return client, other


def _rows(session: Session) -> list[SignIn]:
    session.expire_all()
    return list(session.exec(select(SignIn).order_by(col(SignIn.id))))


def test_the_page_names_devices_and_this_one(
    session: Session, client: CheckedClient, app: Any
) -> None:
    here, _ = _two(session, client, app)

    page = here.get("/account/sessions").text

    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert "203.0.113.9" in page
    assert page.count("This device") == 1
    assert '<a href="/account/password">change your password</a>' in page


def test_a_session_ended_from_afar_is_out_at_its_next_request(
    session: Session, client: CheckedClient, app: Any
) -> None:
    here, other = _two(session, client, app)
    theirs = _rows(session)[1]

    answer = here.post(f"/account/sessions/{theirs.id}/end")

    assert answer.status_code == 302
    assert not _may_in(other)
    assert _may_in(here)
    assert session.exec(select(AuditEvent).where(AuditEvent.action == "sign_in.ended")).one()


def test_ending_it_twice_is_told_once(session: Session, client: CheckedClient, app: Any) -> None:
    here, _ = _two(session, client, app)
    theirs = _rows(session)[1]

    here.post(f"/account/sessions/{theirs.id}/end")
    here.post(f"/account/sessions/{theirs.id}/end")

    assert session.exec(select(AuditEvent).where(AuditEvent.action == "sign_in.ended")).one()


def test_all_others_end_and_this_one_stays(
    session: Session, client: CheckedClient, app: Any
) -> None:
    here, other = _two(session, client, app)

    here.post("/account/sessions/end-others")

    assert (_may_in(here), _may_in(other)) == (True, False)


def test_nobody_ends_a_strangers_session(session: Session, sign_in: Any) -> None:
    theirs = make_sign_in(session, make_user(session, "expert"))

    answer = sign_in(make_user(session, "expert")).post(f"/account/sessions/{theirs.id}/end")

    assert answer.status_code == 404
    session.expire_all()
    assert theirs.ended_at is None


def test_a_new_password_ends_the_others(session: Session, client: CheckedClient, app: Any) -> None:
    here, other = _two(session, client, app)

    here.post(
        "/account/password",
        data={"password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW},
    )

    assert (_may_in(here), _may_in(other)) == (True, False)
    assert [row.how_ended for row in _rows(session) if row.ended_at is None] == [None]


def test_signing_out_ends_the_row_and_an_old_cookie_opens_nothing(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)
    sign_in(client)
    kept = client.get_cookie("doyen")
    assert kept is not None
    client.post("/sign-out")

    client.set_cookie("doyen", kept.value)

    assert not _may_in(client)
    assert _rows(session)[0].how_ended is SignInEnd.SIGNED_OUT


def test_staying_signed_in_makes_the_cookie_last_and_no_second_one(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)

    answer = sign_in(client, remember="y")

    names = [line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie")]
    assert sorted(names) == ["doyen", "doyen_known"]
    assert "Expires" in next(
        line for line in answer.headers.getlist("Set-Cookie") if line.startswith("doyen=")
    )


def test_without_the_wish_the_cookie_ends_with_the_browser(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)

    answer = sign_in(client)

    cookie = next(
        line for line in answer.headers.getlist("Set-Cookie") if line.startswith("doyen=")
    )
    assert "Expires" not in cookie


def test_an_old_remember_cookie_signs_nobody_in(
    session: Session, client: CheckedClient, app: Any
) -> None:
    user = make_user(session, "expert")
    with app.test_request_context():
        from flask_login.utils import encode_cookie

        client.set_cookie("remember_token", encode_cookie(user.fs_uniquifier))

    assert not _may_in(client)


def test_a_session_without_a_visit_ends(session: Session, client: CheckedClient) -> None:
    settled(session, client)
    sign_in(client)
    session.execute(
        text(
            "update sign_in set seen_at = seen_at - interval '15 days',"
            " begun_at = begun_at - interval '15 days'"
        )
    )
    session.commit()

    assert not _may_in(client)


def test_a_planted_cookie_is_another_after_signing_in(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)
    client.get("/sign-in")
    with client.session_transaction() as cookie:
        planted = cookie["csrf_token"] = "planted"
        cookie["sid"] = "planted"

    sign_in(client)

    with client.session_transaction() as cookie:
        assert cookie["sid"] != "planted"
        assert cookie.get("csrf_token") != planted


def test_seen_is_written_once_a_minute(session: Session, client: CheckedClient) -> None:
    settled(session, client)
    sign_in(client)
    session.execute(
        text(
            "update sign_in set seen_at = seen_at - interval '5 minutes',"
            " begun_at = begun_at - interval '1 day'"
        )
    )
    session.commit()
    written: list[str] = []
    engine: Any = session.get_bind()

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "update sign_in" in statement.lower():
            written.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        for _ in range(3):
            client.get("/account")
    finally:
        event.remove(engine, "before_cursor_execute", note)

    assert len(written) == 1
    assert now() - _rows(session)[0].seen_at < timedelta(minutes=1)


def test_a_new_device_is_told_by_letter_and_a_known_one_is_not(
    session: Session, client: CheckedClient, app: Any
) -> None:
    here, _ = _two(session, client, app)
    here.post("/sign-out")
    sign_in(here)

    letters = session.exec(select(Letter).where(Letter.template == "accounts/new_device")).all()

    (letter,) = letters
    assert letter.address == EMAIL
    assert "Safari on iPhone" in letter.body
    assert "203.0.113.9" in letter.body


def test_a_letter_names_the_device_in_its_own_language(
    session: Session, client: CheckedClient, app: Any
) -> None:
    settled(session, client)
    sign_in(client)
    other: Any = app.test_client()
    other.environ_base = {"HTTP_USER_AGENT": LAPTOP, "HTTP_ACCEPT_LANGUAGE": "fr"}
    session.exec(select(User)).one().locale = None
    session.flush()
    sign_in(other)

    letter = session.exec(select(Letter).where(Letter.template == "accounts/new_device")).one()

    assert "Firefox on Linux" in letter.body
    assert "(UTC)" in letter.body


def test_passkeys_are_said_not_to_work_where_an_address_is_a_number(client: CheckedClient) -> None:
    by_number = client.get("/sign-in/passkey", base_url="http://127.0.0.1:8000").text
    by_name = client.get("/sign-in/passkey").text

    assert "Passkeys do not work here" in by_number
    assert "127.0.0.1:8000" in by_number
    assert "Passkeys do not work here" not in by_name


def test_the_sweep_keeps_what_is_open_or_young(session: Session) -> None:
    user = make_user(session)
    old, life = now() - timedelta(days=200), timedelta(days=14)
    make_sign_in(session, user, begun_at=old, seen_at=old)
    make_sign_in(session, user, begun_at=old, ended_at=old, how_ended=SignInEnd.REMOTE)
    young = make_sign_in(session, user)

    assert sign_ins.sweep(session, at=now(), lifetime=life) == 2
    assert [row.id for row in session.exec(select(SignIn))] == [young.id]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (LAPTOP, ("Firefox", "Linux")),
        (PHONE, ("Safari", "iPhone")),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140", ("Edge", "Windows")),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile Safari/537", ("Chrome", "Android")),
        ("", ("", "")),
        ("<script>", ("", "")),
    ],
)
def test_a_user_agent_in_words(user_agent: str, words: tuple[str, str]) -> None:
    assert user_agents.named(user_agent) == words


def test_a_closed_account_is_out_at_once(session: Session, client: CheckedClient) -> None:
    settled(session, client)
    sign_in(client)
    session.exec(select(User).where(User.email == EMAIL)).one().active = False
    session.commit()

    assert not _may_in(client)
