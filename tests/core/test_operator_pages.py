"""Pages of the operator: health, letters, the audit trail, settings, people."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from core import audit, health, messages
from core.clock import now
from tests.factories.accounts import make_user

PAGES = ["/operator", "/operator/audit", "/operator/settings", "/operator/people", "/letters"]


@pytest.mark.parametrize("path", PAGES)
def test_operators_open_their_pages_and_nobody_else_does(
    session: Session, sign_in: Any, client: Any, path: str
) -> None:
    operator = make_user(session, "operator")
    expert = make_user(session, "expert")

    assert sign_in(operator).get(path).status_code == 200
    assert sign_in(operator).get(path, headers={"Accept-Language": "fr"}).status_code == 200
    assert sign_in(expert).get(path).status_code == 403
    assert client.get(path).status_code in (302, 403)


def test_no_secret_is_shown_among_the_settings(session: Session, sign_in: Any, app: Flask) -> None:
    page = sign_in(make_user(session, "operator")).get("/operator/settings")

    settings = app.extensions["doyen.settings"]
    assert settings.secret_key.get_secret_value() not in page.text
    assert settings.security_password_salt.get_secret_value() not in page.text
    assert "SECRET_KEY" in page.text


def test_the_health_page_says_what_is_silent(session: Session, sign_in: Any) -> None:
    operator = make_user(session, "operator")

    silent = sign_in(operator).get("/operator").text
    health.beat(session, "clock", at=now())
    health.beat(session, "worker", at=now() - timedelta(minutes=7))
    session.flush()
    page = sign_in(operator).get("/operator").text

    assert "Has never been seen" in silent
    assert "Not seen for 7 minutes" in page


def test_letters_are_shown_to_all_only_where_the_setting_says_so(
    session: Session, client: Any, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user(session)
    with app.test_request_context():
        messages.post(
            session,
            address=user.email,
            user_id=user.id,
            language="en",
            template="x",
            subject="Hello <b>there</b>",
            body="See http://localhost/somewhere\n<script>alert(1)</script>\n",
        )
    open_to_all = app.extensions["doyen.settings"].model_copy(update={"letters_page_open": True})
    monkeypatch.setitem(app.extensions, "doyen.settings", open_to_all)

    listed = client.get(f"/letters?to={user.email}")
    letter = client.get(
        listed.text.split('href="/letters/')[1].join(["/letters/", ""]).split('"')[0]
    )

    assert listed.status_code == 200
    assert 'href="http://localhost/somewhere"' in letter.text
    assert "<script>alert" not in letter.text
    assert "<b>there" not in letter.text


@pytest.mark.parametrize("open_to_all", [False, True])
def test_a_link_that_opens_an_account_is_shown_in_a_demo_only(
    session: Session,
    sign_in: Any,
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    open_to_all: bool,
) -> None:
    settings = app.extensions["doyen.settings"]
    changed = settings.model_copy(update={"letters_page_open": open_to_all})
    monkeypatch.setitem(app.extensions, "doyen.settings", changed)
    user, pages = make_user(session), {}
    for template in ("security/reset_instructions", "accounts/member_invitation", "x"):
        link = "http://localhost/recover/secret"
        row = {"address": user.email, "user_id": user.id, "language": "en", "subject": "S"}
        with app.test_request_context():
            letter = messages.post(session, **row, template=template, body=f"Here:\n{link}\n")
        page = sign_in(make_user(session, "operator")).get(f"/letters/{letter.id}").text
        pages[template] = (link in page, "link hidden" in page)

    alone = (True, False) if open_to_all else (False, True)
    assert list(pages.values()) == [alone, alone, (True, False)]


def test_the_audit_trail_is_only_ever_added_to(session: Session, sign_in: Any) -> None:
    operator = make_user(session, "operator")
    audit.record(session, "test.done", by=operator.id, subject="test:1", details={"a": 1})
    session.flush()

    page = sign_in(operator).get("/operator/audit?row=test:1")

    assert "test.done" in page.text
    for statement in ("update audit_event set action = 'x'", "delete from audit_event"):
        with pytest.raises(DBAPIError, match="only ever added"), session.begin_nested():
            session.execute(text(statement))


def test_health_answers_programs(client: Any) -> None:
    assert client.get("/health").json == {"status": "ok"}


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(client: Any) -> None:
    page = client.get("/nothing/here")
    problem = client.get("/nothing/here", headers={"Accept": "application/json"})

    assert page.status_code == problem.status_code == 404
    assert "There is no such page" in page.text
    assert problem.content_type == "application/problem+json"
    assert problem.json["status"] == 404


def test_every_page_carries_strict_headers(client: Any) -> None:
    headers = client.get("/nothing").headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_a_request_for_another_host_is_refused(client: Any) -> None:
    for host in ("evil.example", "x;y"):
        response = client.get("/health", headers={"Host": host})
        assert response.status_code == 400
        assert "cannot be read" in response.text


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
def test_a_number_that_names_no_row_is_answered_as_such(
    session: Session, sign_in: Any, number: int
) -> None:
    client = sign_in(make_user(session, "operator"))

    assert client.get(f"/letters/{number}").status_code == 404
