"""What a failed request leaves behind: nothing, not even words about what it did."""

import logging
import re

import pytest
from flask import Flask, flash
from limits.errors import StorageError
from sqlalchemy import text

from accounts.models import User
from app import create_app, log_commands
from core.access import public
from core.db import Database, db_session
from tests import database
from tests.conftest import make_settings
from tests.factories.accounts import make_user
from tests.factories.annotation import make_assignment, make_desk


@pytest.fixture
def failing(postgres: str, tmp_path) -> Flask:
    """An app with a view that says "Saved." and then fails, as at its commit."""
    with database.copy(postgres) as url, database.engine_for(url) as engine:
        app = create_app(make_settings(tmp_path), Database(engine))

        @app.get("/fails")
        @public
        def fails() -> str:
            flash("Saved.")
            db_session().execute(text("SELECT 1 / 0"))
            return "never"

        yield app


def test_a_store_of_counts_that_is_away_is_said_to_be_away(failing: Flask):
    def away() -> str:
        raise StorageError(ConnectionError("redis"))

    failing.view_functions["fails"] = public(away)

    answer = failing.test_client().get("/fails")

    assert answer.status_code == 503
    assert "redis" not in answer.text


def test_words_about_what_was_undone_are_not_shown(failing: Flask):
    client = failing.test_client()

    page = client.get("/fails")
    after = client.get("/sign-in")

    assert page.status_code == 500
    assert "Saved." not in page.text
    assert "Saved." not in after.text


def test_a_host_that_is_not_ours_gets_a_page_that_needs_nothing(client, caplog):
    answer = client.get("/", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert "failed too" not in caplog.text


def test_what_was_typed_is_shown_again_when_a_form_is_not_taken(session, sign_in):
    client = sign_in(make_user(session, "expert"))
    words = "Half an hour of writing about the second clause."

    answer = client.post(
        "/account",
        data={"name": words, "locale": "en", "password": "a secret that nobody is shown"},
        without_csrf=True,
    )

    assert answer.status_code == 400
    assert words in answer.text
    assert "a secret that nobody" not in answer.text


def test_the_language_of_a_page_that_only_takes_forms_leads_to_one_that_opens(client):
    answer = client.post(
        "/interviews/start", data={}, headers={"Referer": "http://localhost/interviews?field=law"}
    )

    links = re.findall(r"/language/fr\?next=([^\"]+)", answer.text)
    assert links == ["/interviews"] or answer.status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "/operator/audit?q=%00",
        "/operator/people?q=%00",
        "/letters?to=%00",
        "/earnings?project=" + 20 * "9",
    ],
)
def test_odd_parameters_fail_nowhere(session, sign_in, path):
    client = sign_in(make_user(session, "expert", "operator"))

    assert client.get(path).status_code == 200


def test_json_that_is_nested_beyond_reason_is_not_read(session, sign_in):
    desk = make_desk(session)
    lease = make_assignment(session, desk.project)
    client = sign_in(session.get_one(User, lease.expert_id))

    answer = client.post(
        f"/work/{lease.id}/draft",
        data='{"result": ' + "[" * 100_000 + "]" * 100_000 + "}",
        content_type="application/json",
    )

    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/work/1/draft", "/api/v1/me"])
def test_the_body_of_a_stranger_is_not_read_before_they_are_known(client, path):
    deep = "[" * 100_000 + "]" * 100_000

    answer = client.post(path, data=deep, content_type="application/json")

    assert 300 <= answer.status_code < 500  # led to sign in, or refused


@pytest.mark.parametrize("number", [2**31, 99_999_999_999_999_999_999])
def test_a_number_that_no_column_holds_names_nothing(session, sign_in, number):
    client = sign_in(make_user(session, "expert"))

    answer = client.get(f"/projects/{number}/your-interview")

    assert answer.status_code == 404


def test_commands_write_no_addresses_that_they_ask(monkeypatch):
    asks = logging.getLogger("httpx")
    monkeypatch.setattr(asks, "level", logging.NOTSET)

    log_commands()

    assert asks.level == logging.WARNING
