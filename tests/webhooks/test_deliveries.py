"""Deliveries to a real server: verified there, tried again, paused, replayed, never lost."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from accounts import webhook_deliveries, webhook_events, webhook_signing, webhooks
from accounts.models import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookPause,
    WebhookState,
)
from accounts.webhook_sender import HttpSender
from accounts.webhooks import By
from core import jobs
from core.clock import now
from core.models import Letter
from tests.conftest import Live
from tests.factories.accounts import make_member, make_owner
from tests.factories.webhooks import SECRET, make_delivery, make_endpoint
from tests.jobs_run import run_jobs
from tests.webhooks.conftest import LOOPBACK
from tests.webhooks.receiver import Receiver, babbles, drips, receiving, says


def attempts(session: Session) -> list[WebhookAttempt]:
    return list(session.exec(select(WebhookAttempt).order_by(WebhookAttempt.id)))  # type: ignore[arg-type]


def test_a_message_arrives_signed_and_thin(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    delivery = make_delivery(session, endpoint)

    assert deliver(delivery) == "204"

    told = receiver.verified(SECRET)
    assert (told["type"], told["data"]) == (
        "release.published",
        {"release_id": 7, "project_id": 12},
    )
    assert told["timestamp"].endswith("Z")
    assert receiver.got[0][0]["content-type"] == "application/json"
    assert delivery.state is DeliveryState.DELIVERED
    [attempt] = attempts(session)
    assert (attempt.number, attempt.status) == (1, 204)
    assert deliver(delivery) is None


def test_a_failed_message_is_tried_again_later_under_the_same_id(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    receiver.answers = [500, says(503, b"busy\0" + b"x" * 900)]
    delivery, at = make_delivery(session, endpoint), now()

    assert deliver(delivery, at=at) == "500"
    assert timedelta(seconds=5) <= delivery.next_at - at <= timedelta(seconds=6)
    assert deliver(delivery, at=at + timedelta(seconds=4)) is None
    assert deliver(delivery, at=at + timedelta(seconds=6)) == "503"
    assert endpoint.failing_since == at
    assert deliver(delivery, at=at + timedelta(hours=1)) == "204"

    assert len(set(receiver.ids)) == 1
    assert delivery.state is DeliveryState.DELIVERED
    assert endpoint.failing_since is None
    assert len(attempts(session)[1].excerpt or "") <= 500
    assert [one.number for one in attempts(session)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (drips, "timeout"),
        (babbles, "not_http"),
        (says(302, b"", Location="http://127.0.0.1/elsewhere"), "302"),
        (says(301, b"", Location="/in"), "301"),
    ],
)
def test_slow_strange_and_redirecting_servers_have_not_taken_it(
    session: Session,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    deliver: Any,
    answer: Any,
    said: str,
) -> None:
    receiver.answers = [answer]
    delivery = make_delivery(session, endpoint)

    assert deliver(delivery) == said

    assert delivery.state is DeliveryState.WAITING
    assert len(receiver.got) == 1  # nothing was followed


def test_a_server_that_is_away_has_not_taken_it(
    session: Session, owner: Any, receiver: Receiver, deliver: Any
) -> None:
    endpoint = make_endpoint(session, owner[1], url="http://127.0.0.1:9/in")

    assert deliver(make_delivery(session, endpoint)) == "connection"


def test_after_the_last_try_it_is_given_up(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    receiver.answers = [500] * 20
    delivery, at = make_delivery(session, endpoint), now()
    tried = 0
    while delivery.state is DeliveryState.WAITING and endpoint.state is WebhookState.ACTIVE:
        assert deliver(delivery, at=at) == "500"
        tried, at = tried + 1, delivery.next_at

    assert tried in (9, 10)  # jitter decides whether three days pass before the last one
    assert len(set(receiver.ids)) == 1


def test_an_endpoint_that_fails_for_three_days_is_paused_and_the_admins_hear_of_it_once(
    session: Session, owner: Any, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    make_member(session, owner[1], "member")
    first, second, third = (make_delivery(session, endpoint) for _ in range(3))
    receiver.answers = [500, 500, 500]
    at = now()
    deliver(first, at=at)
    deliver(second, at=at + timedelta(days=3, minutes=1))
    deliver(third, at=at + timedelta(days=3, minutes=2))

    assert endpoint.state is WebhookState.PAUSED
    assert endpoint.paused_for is WebhookPause.FAILING
    assert len(receiver.got) == 2  # nothing is sent while it is paused
    [letter] = session.exec(select(Letter)).all()
    assert letter.user_id == owner[0].id
    assert receiver.url in letter.body
    assert SECRET not in letter.body


def test_gone_pauses_at_once_and_what_happens_meanwhile_is_sent_later(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    receiver.answers = [410]
    gone = make_delivery(session, endpoint)
    deliver(gone)
    assert (endpoint.state, endpoint.paused_for) == (WebhookState.PAUSED, WebhookPause.GONE)
    assert gone.state is DeliveryState.FAILED
    meanwhile = make_delivery(session, endpoint)
    assert deliver(meanwhile) is None
    assert webhook_deliveries.take_up(session, at=now()) == 0

    assert webhooks.resume(session, endpoint, by=By(None), at=now()) == 1
    assert webhooks.resume(session, endpoint, by=By(None), at=now()) == 0

    assert deliver(meanwhile) == "204"
    assert receiver.verified(SECRET)


def test_two_secrets_sign_for_a_day_and_then_the_new_one_alone(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    new = webhooks.rotate(session, endpoint, by=By(None), at=now())
    deliver(make_delivery(session, endpoint))

    assert receiver.verified(SECRET) == receiver.verified(new)
    assert receiver.got[-1][0]["webhook-signature"].count("v1,") == 2

    endpoint.previous_until = now() - timedelta(seconds=1)
    deliver(make_delivery(session, endpoint))
    assert receiver.got[-1][0]["webhook-signature"].count("v1,") == 1
    assert receiver.verified(new)


def test_a_secret_is_kept_encrypted_and_one_that_cannot_be_read_is_a_trouble(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    assert SECRET not in endpoint.secret
    assert webhook_signing.opened(endpoint.secret) == SECRET
    endpoint.secret = "written with another key"

    assert deliver(make_delivery(session, endpoint)) == "secret_unreadable"
    assert receiver.got == []


def test_a_stop_between_sending_and_recording_sends_again_under_the_same_id(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    delivery, at = make_delivery(session, endpoint), now()
    package = webhook_deliveries.claim(session, delivery.key, at=at)
    session.commit()
    assert package is not None
    webhook_deliveries.send(HttpSender(LOOPBACK), package, at=at)
    # The worker is killed here. Nobody else takes it while it may still be running.
    assert webhook_deliveries.take_up(session, at=at + timedelta(seconds=30)) == 0
    later = at + webhook_deliveries.HELD + timedelta(seconds=1)
    assert webhook_deliveries.take_up(session, at=later) == 1

    assert deliver(delivery, at=later) == "204"

    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    assert [(one.ended_at is None, one.status) for one in attempts(session)] == [
        (True, None),
        (False, 204),
    ]


def test_a_late_record_changes_nothing_that_is_known_better(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    delivery, at = make_delivery(session, endpoint), now()
    slow = webhook_deliveries.claim(session, delivery.key, at=at)
    assert slow is not None
    deliver(delivery, at=at + timedelta(minutes=3))
    failed = webhook_deliveries.Outcome(status=500, excerpt="")

    webhook_deliveries.record(session, slow, failed, at=at + timedelta(minutes=4))
    again = webhook_deliveries.record(session, slow, failed, at=at + timedelta(minutes=5))

    assert delivery.state is DeliveryState.DELIVERED
    assert endpoint.failing_since is None
    assert again == "recorded before"


def test_the_whole_way_by_jobs(
    app: Flask, session: Session, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    ports = app.extensions["doyen.ports"]
    app.extensions["doyen.ports"] = replace(ports, webhooks=HttpSender(LOOPBACK))
    try:
        delivery = make_delivery(session, endpoint)
        session.commit()
        assert run_jobs(app) == ["accounts.deliver_webhook"]
    finally:
        app.extensions["doyen.ports"] = ports

    session.refresh(delivery)
    assert delivery.state is DeliveryState.DELIVERED
    assert receiver.verified(SECRET)


def test_a_message_of_a_transaction_that_failed_is_never_sent(
    app: Flask, session: Session, endpoint: WebhookEndpoint
) -> None:
    session.commit()
    make_delivery(session, endpoint)
    session.rollback()

    assert run_jobs(app) == []
    assert session.exec(select(WebhookMessage)).all() == []


def test_only_those_who_chose_an_event_are_told(session: Session, owner: Any) -> None:
    chosen = make_endpoint(session, owner[1], events=["project.paused", "budget.low"])
    make_endpoint(session, owner[1])
    make_endpoint(session, owner[1], events=["project.paused"], state=WebhookState.ENDED)
    make_endpoint(session, make_owner(session)[1], events=["project.paused"])

    assert webhooks.emit(session, owner[1].id, "project.paused", {"project_id": 1}) == 1
    assert webhooks.emit(session, owner[1].id, "project.completed", {"project_id": 1}) == 0
    with pytest.raises(KeyError):
        webhooks.emit(session, owner[1].id, "project.invented", {})

    [delivery] = session.exec(select(WebhookDelivery)).all()
    assert delivery.endpoint_id == chosen.id


def test_a_test_is_sent_once_also_while_paused_and_moves_nothing(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    webhooks.pause(session, endpoint, by=By(None), at=now())
    receiver.answers = [500]

    assert deliver(webhooks.test(session, endpoint, by=By(None))) == "500"
    assert deliver(webhooks.test(session, endpoint, by=By(None))) == "204"

    assert receiver.verified(SECRET)["type"] == webhook_events.TEST
    assert endpoint.failing_since is None
    assert endpoint.state is WebhookState.PAUSED


def test_what_was_given_up_is_sent_again_one_or_all_since_a_time(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    receiver.answers = [410]
    failed, arrived = make_delivery(session, endpoint), make_delivery(session, endpoint)
    deliver(failed)
    webhooks.resume(session, endpoint, by=By(None), at=now())
    deliver(arrived)
    before, hour = len(receiver.got), timedelta(hours=1)

    def again(since: Any, state: DeliveryState | None) -> int:
        at = now()
        return webhook_deliveries.again_since(session, endpoint, since, state=state, by=None, at=at)

    assert again(now() + hour, DeliveryState.FAILED) == 0
    assert again(now() - hour, DeliveryState.FAILED) == 1
    assert again(now() - hour, DeliveryState.FAILED) == 0
    assert deliver(failed) == "204"
    assert again(now() - hour, None) == 2
    webhook_deliveries.again(session, failed, by=None, at=now())
    assert (deliver(failed), deliver(arrived)) == ("204", "204")

    assert len(receiver.got) == before + 3
    assert len(set(receiver.ids)) == 2


def test_an_ended_endpoint_gets_nothing_not_even_what_waits(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any
) -> None:
    delivery = make_delivery(session, endpoint)
    webhooks.end(session, endpoint, by=By(None), at=now())

    assert deliver(delivery) is None
    assert delivery.state is DeliveryState.FAILED
    with pytest.raises(webhooks.Ended):
        webhook_deliveries.again(session, delivery, by=None, at=now())


def test_the_log_goes_back_a_month(session: Session, endpoint: WebhookEndpoint) -> None:
    make_delivery(session, endpoint)
    session.flush()

    assert webhook_deliveries.forget(session, at=now() + timedelta(days=29)) == 0
    assert webhook_deliveries.forget(session, at=now() + timedelta(days=31)) == 1
    assert session.exec(select(WebhookDelivery.id)).all() == []


@pytest.mark.parametrize(
    "statement",
    [
        "update webhook_message set body = 'other'",
        "update webhook_attempt set status = 200",
        "update webhook_delivery set state = 'delivered'",
        "update webhook_endpoint set state = 'paused'",
        "update webhook_endpoint set url = 'https://a:b@example.org/'",
        "update webhook_endpoint set events = '[]'",
    ],
)
def test_the_database_refuses_what_must_not_be(
    session: Session, endpoint: WebhookEndpoint, receiver: Receiver, deliver: Any, statement: str
) -> None:
    receiver.answers = [500]
    deliver(make_delivery(session, endpoint))
    session.flush()

    with pytest.raises(DBAPIError):
        session.execute(text(statement))


def test_two_workers_at_once_send_once(live: Live) -> None:
    with receiving() as receiver:
        ports = live.app.extensions["doyen.ports"]
        live.app.extensions["doyen.ports"] = replace(ports, webhooks=HttpSender(LOOPBACK))
        with live.transaction() as session:
            endpoint = make_endpoint(session, make_owner(session)[1], url=receiver.url)
            delivery_id = make_delivery(session, endpoint).id
        gate = threading.Barrier(6)
        said: list[str] = []

        def work() -> None:
            gate.wait()
            said.append(jobs.run(live.app, "accounts.deliver_webhook", delivery_id=delivery_id))

        workers = [threading.Thread(target=work) for _ in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert sorted(said) == ["204", *["nothing to do"] * 5]
        assert len(receiver.got) == 1
