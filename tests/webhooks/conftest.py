"""A receiver, an endpoint that leads to it, and a way to deliver."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session

from accounts import webhook_deliveries
from accounts.models import WebhookEndpoint
from accounts.webhook_sender import HttpSender
from core.clock import now
from tests.factories.accounts import make_owner
from tests.factories.webhooks import make_endpoint
from tests.webhooks.receiver import Receiver, receiving

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that receives."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def owner(session: Session) -> Any:
    """An owner with an organisation."""
    return make_owner(session)


@pytest.fixture
def endpoint(session: Session, owner: Any, receiver: Receiver) -> WebhookEndpoint:
    """An endpoint of the owner's that leads to the receiver."""
    return make_endpoint(session, owner[1], url=receiver.url)


@pytest.fixture
def deliver(app: Flask, session: Session) -> Callable[..., Any]:
    """Claim, send and record a delivery as the job does; None when there is nothing to do."""

    def deliver(delivery: Any, *, at: Any = None, sender: HttpSender | None = None) -> str | None:
        at = at or now()
        package = webhook_deliveries.claim(session, delivery.id, at=at)
        session.commit()
        if package is None:
            return None
        sent = webhook_deliveries.send(
            sender or HttpSender(LOOPBACK, timeout=1.0), package, at=now()
        )
        said = webhook_deliveries.record(session, package, sent, at=at)
        session.commit()
        return said

    return deliver
