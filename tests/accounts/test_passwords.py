"""Weak and stolen passwords are refused on every way in; only five digits leave."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlmodel import Session, select

from accounts import health, passwords
from accounts.models import User
from app import create_app
from core.db import Database
from core.models import Heartbeat
from tests import clients
from tests.accounts.newcomer import (
    EMAIL,
    PASSWORD,
    last_letter,
    link_in,
    register,
    settled,
    sign_in,
)
from tests.clients import CheckedClient
from tests.conftest import Live, make_settings

STOLEN = "seven purple otters sing"
GUESSED = "easily guessed"


class _Service(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []
    ill = False

    def do_GET(self) -> None:
        self.asked.append(self.path)
        digest = hashlib.sha1(STOLEN.encode()).hexdigest().upper()
        lines = [f"{'0' * 35}:0", "not a line", f"{digest[5:]}:12"]
        self.send_response(500 if self.ill else 200)
        self.end_headers()
        self.wfile.write("\r\n".join(lines if digest[:5] in self.path else lines[:2]).encode())

    def log_message(self, *_given: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    """A service of the range protocol on this machine."""
    _Service.asked, _Service.ill = [], False
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/range/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def asking(live: Live, service: str, tmp_path: Path) -> Any:
    """An app that asks the service."""
    settings = make_settings(tmp_path, breached_passwords_url=service)
    app = create_app(settings, Database(live.engine))
    app.config["TESTING"] = True
    clients.use_in(app)
    return app


@pytest.mark.parametrize(
    "password",
    ["1234567890", "password12", "qwertyuiop", "lovelace1815", "ada@example.org", "aaaaaaaaaaaa"],
)
def test_a_password_that_falls_to_few_guesses_is_refused(
    session: Session, client: CheckedClient, password: str
) -> None:
    page = register(client, password=password, password_confirm=password)

    assert GUESSED in page.text
    assert session.exec(select(User)).first() is None


@pytest.mark.parametrize("password", [PASSWORD, "quiet lamps travel north", "Wq8!mZ4rT0"])
def test_a_password_of_unrelated_words_is_taken(password: str) -> None:
    assert not passwords.is_guessable(password, email=EMAIL, name="Ada Lovelace")


def test_a_very_long_password_is_looked_at_quickly() -> None:
    assert not passwords.is_guessable("quiet lamps travel north " * 400)


def test_a_changed_password_is_looked_at(session: Session, client: CheckedClient) -> None:
    settled(session, client)
    sign_in(client)

    page = client.post(
        "/account/password",
        data={
            "password": PASSWORD,
            "new_password": "lovelace1815",
            "new_password_confirm": "lovelace1815",
        },
    )

    assert GUESSED in page.text


def test_the_same_password_again_is_said_at_the_new_one(
    session: Session, client: CheckedClient
) -> None:
    settled(session, client)
    sign_in(client)
    given = dict.fromkeys(("password", "new_password", "new_password_confirm"), PASSWORD)

    page = client.post("/account/password", data=given).text

    assert 'href="#new_password"' in page
    assert 'href="#password"' not in page
    assert "Choose another password than the one you have." in page


def test_a_password_chosen_by_letter_is_looked_at(
    session: Session, client: CheckedClient, jobs: Any
) -> None:
    settled(session, client)
    client.post("/recover", data={"email": EMAIL})
    jobs()
    link = link_in(last_letter(session))

    page = client.post(link, data={"password": "password12", "password_confirm": "password12"})

    assert GUESSED in page.text


def test_a_stolen_password_is_refused_and_five_digits_leave(asking: Any, live: Live) -> None:
    client: Any = asking.test_client()

    page = register(client, password=STOLEN, password_confirm=STOLEN)

    assert "lists of stolen passwords" in page.text
    digest = hashlib.sha1(STOLEN.encode()).hexdigest().upper()
    assert _Service.asked == [f"/range/{digest[:5]}"]


def test_padding_with_a_count_of_nothing_refuses_nobody(asking: Any, live: Live) -> None:
    register(asking.test_client())

    with live.transaction() as session:
        assert session.exec(select(User).where(User.email == EMAIL)).one()


def test_a_service_that_is_away_keeps_nobody_out_and_is_seen(asking: Any, live: Live) -> None:
    _Service.ill = True

    register(asking.test_client(), password=STOLEN, password_confirm=STOLEN)

    with asking.test_request_context(), live.transaction() as session:
        assert session.exec(select(User).where(User.email == EMAIL)).one()
    with asking.test_request_context():
        rows = asking.extensions["doyen.db"].make_session()
        (found,) = health.stolen_passwords(rows)
        rows.close()
    assert found.tone == "wait"


def test_a_service_that_is_no_address_keeps_nobody_out(live: Live) -> None:
    with live.app.app_context():
        assert not passwords.is_breached(STOLEN, "https://range.example.org:port/")
        with live.transaction() as session:
            assert session.get(Heartbeat, passwords.AWAY)


def test_without_a_service_nothing_is_asked(worker_app: Any) -> None:
    assert not passwords.is_breached(STOLEN, "")
