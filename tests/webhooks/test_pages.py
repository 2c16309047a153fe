"""Pages of webhooks: made, shown once, tested, paused, changed, ended; only by admins."""

import re
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlmodel import Session, select

from accounts import organisations
from accounts.models import (
    ApiToken,
    DeliveryState,
    Membership,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookState,
)
from core.clock import now
from tests.conftest import Live
from tests.factories.accounts import make_member, make_owner
from tests.factories.tokens import make_token
from tests.factories.webhooks import make_delivery, make_endpoint

URL = "https://hooks.example.org/in"


@pytest.fixture(autouse=True)
def _public_names(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = app.extensions["doyen.ports"].webhooks
    known = {"inside.example.org": ["10.0.0.1"], "nowhere.example.org": []}
    monkeypatch.setattr(sender, "resolve", lambda host, _port: known.get(host, ["93.184.215.14"]))


def form_of(client: Any, organisation: Any, **changes: Any) -> dict[str, Any]:
    once = re.search(r'name="once"[^>]*value="(\w+)"', client.get("/webhooks").text)
    assert once
    given = {
        "once": once[1],
        "url": URL,
        "name": "pipeline",
        "events": ["release.published", "project.paused"],
        "organisation": organisation.id,
    }
    return given | changes


def endpoints(session: Session) -> list[WebhookEndpoint]:
    session.expire_all()
    return list(session.exec(select(WebhookEndpoint)))


def test_a_webhook_is_made_and_its_secret_shown_once(
    session: Session, sign_in: Any, owner: Any
) -> None:
    client = sign_in(owner[0])
    form = form_of(client, owner[1])

    made = client.post("/webhooks", data=form)
    second_click = client.post("/webhooks", data=form)

    [endpoint] = endpoints(session)
    secret = re.search(r"whsec_[\w+/=]{40,}", made.text)
    assert secret
    assert secret[0] in second_click.text
    for path in ("/webhooks", f"/webhooks/{endpoint.id}", "/operator/audit"):
        assert secret[0] not in client.get(path).text
    assert endpoint.events == ["project.paused", "release.published"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://hooks.example.org/"}, "does not begin with https"),
        ({"url": "https://inside.example.org/"}, "leads into a private network"),
        ({"url": "https://nowhere.example.org/"}, "cannot be found"),
        ({"url": "https://a:b@hooks.example.org/"}, "holds a name or a password"),
        ({"url": ""}, "Write the address of your server"),
        ({"events": []}, "Choose at least one"),
        ({"events": ["never"]}, "not a valid choice"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_made(
    session: Session, sign_in: Any, owner: Any, changes: Any, words: str
) -> None:
    client = sign_in(owner[0])

    response = client.post("/webhooks", data=form_of(client, owner[1], **changes))

    assert response.status_code == 422
    assert words in response.text or "valid" in response.text
    assert endpoints(session) == []


def test_the_path_of_an_address_may_hold_an_at_sign(
    session: Session, sign_in: Any, owner: Any
) -> None:
    client = sign_in(owner[0])
    url = "https://hooks.example.org/@team/new"

    assert client.post("/webhooks", data=form_of(client, owner[1], url=url)).status_code == 200

    assert [endpoint.url for endpoint in endpoints(session)] == [url]


def test_a_plain_member_and_a_stranger_make_and_see_none(
    session: Session, sign_in: Any, owner: Any
) -> None:
    endpoint = make_endpoint(session, owner[1], url="https://hidden.example.org/in")
    member = make_member(session, owner[1], "member")
    stranger, _ = make_owner(session)

    for person in (member, stranger):
        client = sign_in(person)
        assert endpoint.url not in client.get("/webhooks").text
        assert client.get(f"/webhooks/{endpoint.id}").status_code == 404
        assert client.post(f"/webhooks/{endpoint.id}/secret").status_code == 404
        form = {"url": URL, "events": ["release.published"], "organisation": owner[1].id}
        assert client.post("/webhooks", data=form).status_code == 422


def test_one_is_tested_paused_resumed_changed_and_ended(
    session: Session, sign_in: Any, owner: Any
) -> None:
    endpoint = make_endpoint(session, owner[1])
    client, path = sign_in(owner[0]), f"/webhooks/{endpoint.id}"

    tested = client.post(f"{path}/test", follow_redirects=True)
    assert "A test is on its way" in tested.text
    client.post(f"{path}/pause")
    client.post(f"{path}/pause")
    assert endpoints(session)[0].state is WebhookState.PAUSED
    assert "Paused by an admin" in client.get(path).text
    client.post(f"{path}/resume")
    changed = client.post(path, data={"url": URL, "name": "x", "events": ["budget.low"]})
    rotated = client.post(f"{path}/secret")
    client.post(f"{path}/end")

    assert changed.status_code == 302
    assert "whsec_" in rotated.text
    [found] = endpoints(session)
    assert (found.state, found.name, found.events) == (WebhookState.ENDED, "x", ["budget.low"])
    assert client.post(f"{path}/test").status_code == 409
    assert "has ended" in client.get(path).text


def test_the_log_is_filtered_and_messages_are_sent_again(
    session: Session, sign_in: Any, owner: Any
) -> None:
    endpoint = make_endpoint(session, owner[1])
    delivery = make_delivery(session, endpoint)
    delivery.state, delivery.ended_at = DeliveryState.FAILED, now()
    session.flush()
    client, path = sign_in(owner[0]), f"/webhooks/{endpoint.id}"
    message = session.exec(select(WebhookMessage)).one()

    assert "1 message<" in client.get(f"{path}?state=failed&type=release.published").text
    assert "0 messages" in client.get(f"{path}?state=waiting").text
    assert "0 messages" in client.get(f"{path}?since=2999-01-01").text
    assert "1 message<" in client.get(f"{path}?state=odd&since=odd&page=9").text
    one = client.get(f"{path}/deliveries/{delivery.id}").text
    assert message.uid in one
    assert client.post(f"{path}/again", data={"which": "failed"}).status_code == 422
    client.post(f"{path}/again", data={"which": "failed", "since": f"{now():%Y-%m-%d}"})
    session.expire_all()
    assert session.get_one(WebhookDelivery, delivery.id).state is DeliveryState.WAITING
    assert client.post(f"{path}/deliveries/{delivery.id}/again").status_code == 302


def test_an_organisation_has_twenty_at_most(session: Session, sign_in: Any, owner: Any) -> None:
    for _ in range(20):
        make_endpoint(session, owner[1])
    client = sign_in(owner[0])

    assert client.post("/webhooks", data=form_of(client, owner[1])).status_code == 409
    assert len(endpoints(session)) == 20


def test_while_a_name_server_is_asked_nothing_is_open_and_nobody_waits_for_a_row(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    with live.transaction() as session:
        owner, organisation = make_owner(session)
        path = f"/webhooks/{make_endpoint(session, organisation).id}"
        scopes = ["webhooks:write"]
        _, secret = make_token(session, owner, organisation, scopes=scopes)
    opened = []

    def resolve(_host: str, _port: int) -> list[str]:
        pool: Any = live.engine.pool
        opened.append(pool.checkedout())
        with live.engine.begin() as beside:
            beside.execute(text("select 1 from webhook_endpoint for update nowait"))
        return ["93.184.215.14"]

    sender = live.app.extensions["doyen.ports"].webhooks
    monkeypatch.setattr(sender, "resolve", resolve)
    client = live.client(owner)
    form = {"url": URL, "events": ["release.published"]}

    made = client.post("/webhooks", data=form_of(client, organisation, events=form["events"]))
    changed = client.post(path, data=form)
    api: Any = live.app.test_client()
    headers = {"Authorization": f"Bearer {secret}"}
    by_token = api.patch(f"/api/v1{path}", json={"url": URL}, headers=headers)

    assert [made.status_code, changed.status_code, by_token.status_code] == [200, 302, 200]
    assert len(opened) == 3
    assert opened[:2] == [0, 0]


@pytest.mark.parametrize("path", ["/webhooks", "/tokens"])
def test_an_admin_who_is_taken_out_at_the_same_moment_leaves_nothing_behind(
    live: Live, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    sender = live.app.extensions["doyen.ports"].webhooks
    monkeypatch.setattr(sender, "resolve", lambda _host, _port: ["93.184.215.14"])
    with live.transaction() as session:
        owner, organisation = make_owner(session)
        leaving = make_member(session, organisation)
    client = live.client(leaving)
    form = form_of(client, organisation) | {"days": 30, "scopes": ["releases:read"]}

    with ThreadPoolExecutor() as pool:
        with live.transaction() as session:
            membership = session.get_one(Membership, (organisation.id, leaving.id))
            organisations.remove(session, membership, by=owner, at=now())
            session.flush()
            late = pool.submit(client.post, path, data=form)
            wait([late], timeout=1.0)
        answer = late.result()

    assert answer.status_code in (404, 422)  # no member any more, or not even offered it
    with live.transaction() as session:
        assert session.exec(select(WebhookEndpoint)).all() == []
        assert session.exec(select(ApiToken)).all() == []
