"""What all of the API shares: problems, who asks, pages of lists, writes that count once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import text
from sqlmodel import Session, select

from accounts.models import ApiToken, TokenKind, WebhookEndpoint
from core import api as base
from core import idempotency
from core.access import by_token, public
from core.clock import now
from core.errors import NotAllowed
from core.models import KeptAnswer
from core.ports import Ports
from tests.api.conftest import Program, every_scope
from tests.conftest import Live
from tests.factories.accounts import make_owner
from tests.factories.tokens import make_token
from tests.factories.webhooks import make_endpoint

PROBLEM = "application/problem+json"
HOOK = {"url": "https://hooks.example.org/in", "events": ["release.published"]}


@pytest.fixture(autouse=True)
def _public_names(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name leads to a public address, so that nothing asks the network."""
    ports: Ports = app.extensions["doyen.ports"]
    monkeypatch.setattr(ports.webhooks, "resolve", lambda _host, _port: ["93.184.215.14"])


def is_problem(response: Any, status: int, slug: str) -> bool:
    said = response.json
    assert response.status_code == said["status"] == status
    assert response.content_type == PROBLEM
    assert said["type"].endswith(f"/api/docs#{slug}")
    assert said["title"]
    assert said["detail"]
    assert said["request_id"] == response.headers["X-Request-Id"]
    assert response.headers["Cache-Control"] == "no-store"
    return True


def test_each_refusal_is_a_problem_of_its_type(of_organisation: Program) -> None:
    ask = of_organisation

    assert is_problem(ask("GET", "/nothing"), 404, "not-found")
    assert is_problem(ask("GET", "/webhooks/1"), 404, "not-found")
    assert is_problem(ask("GET", "/webhooks/99999999999999999999"), 404, "not-found")
    assert is_problem(ask("PUT", "/webhooks"), 405, "method-not-allowed")
    assert ask("PUT", "/webhooks").headers["Allow"]
    assert is_problem(ask("POST", "/webhooks", data="a=b"), 415, "not-json")
    assert is_problem(ask("POST", "/webhooks", data={"a": "b"}), 415, "not-json")
    assert is_problem(ask("GET", "/webhooks?limit=0"), 422, "invalid")
    assert is_problem(ask("GET", "/decisions"), 403, "scope-missing")
    huge = "x" * (base.LARGEST_BODY + 1)
    assert is_problem(ask("POST", "/webhooks", json={"url": huge}), 413, "too-large")


@pytest.mark.parametrize("sent", ["{", "", "[1", '{"a": NaN}', "\xff", "[" * 100_000])
def test_a_body_that_is_no_json_is_unreadable(of_organisation: Program, sent: str) -> None:
    response = of_organisation(
        "POST", "/webhooks", data=sent.encode("latin-1"), content_type="application/json"
    )

    assert is_problem(response, 400, "unreadable")


@pytest.mark.parametrize(
    "sent",
    [
        [],
        "text",
        '{"url": "https://a.example/", "events": ["release.published"]}',
        {**HOOK, "more": 1},
        {**HOOK, "name": "a\0b"},
        {**HOOK, "name": "\ud800"},
        {**HOOK, "events": ["never"]},
        {**HOOK, "url": 5},
    ],
)
def test_a_body_that_cannot_be_used_is_invalid(of_organisation: Program, sent: Any) -> None:
    assert is_problem(of_organisation("POST", "/webhooks", json=sent), 422, "invalid")


def test_each_wrong_field_is_named(of_organisation: Program) -> None:
    said = of_organisation("POST", "/webhooks", json={"events": []}).json

    assert {one["field"] for one in said["errors"]} == {"url", "events"}


def test_who_asks_comes_before_what_is_asked(client: Any) -> None:
    response = client.post("/api/v1/webhooks", data="{", content_type="application/json")

    assert is_problem(response, 401, "token-needed")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="Doyen"'


def test_a_wrong_token_and_a_missing_scope_say_so_in_the_challenge(
    client: Any, of_person: Any
) -> None:
    wrong = client.get("/api/v1/me", headers={"Authorization": "Bearer dy_wrong"})
    lacking = of_person()("GET", "/webhooks")

    assert is_problem(wrong, 401, "token-refused")
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
    assert is_problem(lacking, 403, "scope-missing")
    assert 'scope="webhooks:read"' in lacking.headers["WWW-Authenticate"]


def test_a_cookie_opens_nothing(session: Session, sign_in: Any, owner: Any) -> None:
    assert sign_in(owner[0]).get("/api/v1/me").status_code == 401


def test_a_fault_of_ours_tells_nothing_but_the_name_of_the_request(
    app: Flask, of_organisation: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret words")

    monkeypatch.setitem(app.view_functions, "accounts_api.me", public(fail))
    monkeypatch.setattr(app, "testing", False)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)

    response = of_organisation("GET", "/me")

    assert is_problem(response, 500, "our-fault")
    assert "secret words" not in response.text


def test_too_many_requests_are_a_problem_too(
    app: Flask, of_organisation: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Often(NotAllowed):
        """Slower, please."""

        status = 429

    def often() -> None:
        raise Often

    monkeypatch.setitem(app.view_functions, "accounts_api.me", public(often))

    assert is_problem(of_organisation("GET", "/me"), 429, "too-many-requests")


def test_a_list_is_read_page_by_page_while_rows_come_and_go(
    session: Session, owner: Any, of_organisation: Program
) -> None:
    made = [make_endpoint(session, owner[1]).id for _ in range(5)]
    session.commit()

    first = of_organisation("GET", "/webhooks?limit=2")
    make_endpoint(session, owner[1])
    session.commit()
    second = of_organisation("GET", first.json["next"].partition("/api/v1")[2])
    third = of_organisation("GET", f"/webhooks?limit=2&cursor={second.json['next_cursor']}")

    seen = [one["id"] for page in (first, second, third) for one in page.json["data"]]
    assert seen == made[::-1]
    assert third.json["next"] is None


def test_a_cursor_of_elsewhere_is_refused(
    session: Session, owner: Any, of_organisation: Program
) -> None:
    for _ in range(2):
        make_endpoint(session, owner[1])
    session.commit()
    cursor = of_organisation("GET", "/webhooks?limit=1").json["next_cursor"]

    for wrong in (cursor[:-1], "x", f"{cursor}x", cursor.upper()):
        answer = of_organisation("GET", f"/webhooks?cursor={wrong}")
        assert is_problem(answer, 422, "bad-cursor")
    assert is_problem(of_organisation("GET", f"/tokens?cursor={cursor}"), 422, "bad-cursor")


def test_a_write_that_is_repeated_counts_once_and_is_answered_alike(
    session: Session, of_organisation: Program
) -> None:
    key = {"Idempotency-Key": "one"}

    first = of_organisation("POST", "/webhooks", json=HOOK, headers=key)
    again = of_organisation("POST", "/webhooks", json=HOOK, headers=key)

    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(session.exec(select(WebhookEndpoint)).all()) == 1
    [kept] = session.exec(select(KeptAnswer)).all()
    assert first.json["secret"] not in kept.body


def test_a_key_of_another_request_is_refused(of_organisation: Program) -> None:
    key = {"Idempotency-Key": "one"}
    made = of_organisation("POST", "/webhooks", json=HOOK, headers=key).json

    other = of_organisation("POST", "/webhooks", json={**HOOK, "name": "x"}, headers=key)
    elsewhere = of_organisation("POST", f"/webhooks/{made['id']}/test", headers=key)

    assert is_problem(other, 422, "key-reused")
    assert is_problem(elsewhere, 422, "key-reused")


def test_a_key_is_its_holders_own(session: Session, client: Any, of_organisation: Program) -> None:
    other = Program(client, make_token(session, *make_owner(session), scopes=["webhooks:write"])[1])
    session.commit()
    key = {"Idempotency-Key": "one"}

    ours = of_organisation("POST", "/webhooks", json=HOOK, headers=key)
    theirs = other("POST", "/webhooks", json=HOOK, headers=key)

    assert ours.json["id"] != theirs.json["id"]


def test_a_refusal_is_not_kept_and_may_be_tried_again(
    session: Session, of_organisation: Program
) -> None:
    key = {"Idempotency-Key": "one"}
    bad = {**HOOK, "url": "http://hooks.example.org/in"}

    assert is_problem(
        of_organisation("POST", "/webhooks", json=bad, headers=key), 422, "address-refused"
    )
    assert of_organisation("POST", "/webhooks", json=HOOK, headers=key).status_code == 201


def test_an_old_key_is_forgotten(session: Session, of_organisation: Program) -> None:
    key = {"Idempotency-Key": "one"}
    of_organisation("POST", "/webhooks", json=HOOK, headers=key)
    session.execute(
        text("update kept_answer set made_at = made_at - interval '2 days', expires_at = now()")
    )
    session.commit()

    again = of_organisation("POST", "/webhooks", json={**HOOK, "name": "x"}, headers=key)

    assert again.status_code == 201
    assert idempotency.forget(session, at=now()) == 0
    assert idempotency.forget(session, at=now() + timedelta(days=2)) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256])
def test_a_key_that_is_none_is_refused(of_organisation: Program, key: str) -> None:
    headers = {"Idempotency-Key": key}

    assert of_organisation("POST", "/webhooks", json=HOOK, headers=headers).status_code == 422


def test_of_two_at_once_the_second_is_told_to_wait(live: Live) -> None:
    gate, inside = threading.Event(), threading.Event()

    @by_token("webhooks:write")
    @base.write
    def slow() -> Any:
        inside.set()
        gate.wait(10)
        return base.answer(base.ListAnswer(next_cursor=str(g.principal.organisation_id), next=None))

    live.app.add_url_rule("/api/v1/slow", "slow", slow, methods=["POST"])
    live.app.extensions["doyen.csrf"] = None
    with live.transaction() as session:
        _, secret = make_token(
            session, *make_owner(session), scopes=every_scope(TokenKind.ORGANISATION)
        )
    answers: list[Any] = []

    def ask() -> None:
        program = Program(live.client(), secret)
        answers.append(program("POST", "/slow", headers={"Idempotency-Key": "one"}))

    first = threading.Thread(target=ask)
    first.start()
    assert inside.wait(10)
    ask()
    gate.set()
    first.join()
    ask()

    refused, done, replayed = answers
    assert is_problem(refused, 409, "key-in-use")
    assert refused.headers["Retry-After"] == "1"
    assert done.status_code == 200
    assert replayed.headers["Idempotency-Replayed"] == "true"


def test_a_crash_before_the_commit_leaves_neither_effect_nor_answer(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        live.app.extensions["doyen.ports"].webhooks, "resolve", lambda _h, _p: ["93.184.215.14"]
    )
    with live.transaction() as session:
        _, secret = make_token(
            session, *make_owner(session), scopes=every_scope(TokenKind.ORGANISATION)
        )
    program = Program(live.client(), secret)
    key = {"Idempotency-Key": "one"}
    commit = Session.commit

    def crash(_self: Session) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "commit", crash)
    with pytest.raises(KeyboardInterrupt):
        program("POST", "/webhooks", json=HOOK, headers=key)
    monkeypatch.setattr(Session, "commit", commit)

    with live.transaction() as session:
        assert session.exec(select(WebhookEndpoint)).all() == []
        assert session.exec(select(KeptAnswer)).all() == []
    assert program("POST", "/webhooks", json=HOOK, headers=key).status_code == 201


def test_a_token_that_asks_shows_itself_and_may_end_itself(
    session: Session, of_organisation: Program, of_person: Any
) -> None:
    of_person()
    [mine] = of_organisation("GET", "/tokens").json["data"]
    assert mine["current"] is True
    other = session.exec(select(ApiToken).where(ApiToken.kind == TokenKind.PERSONAL)).one()

    assert of_organisation("DELETE", f"/tokens/{other.id}").status_code == 404
    ended = of_organisation("DELETE", f"/tokens/{mine['id']}")

    assert (ended.status_code, ended.text) == (204, "")
    assert of_organisation("GET", "/me").status_code == 401
