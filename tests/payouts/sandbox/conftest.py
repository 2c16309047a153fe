"""What every test of the sandbox may ask for. None of it needs a database."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from payouts.sandbox import server
from payouts.sandbox.settings import Settings, Webhook
from tests.payouts.sandbox.bench import Bench, Receiver, receiving, told_wrongly


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """A browser of a kind: making one is slow, so that all tests share it."""
    with httpx.Client(timeout=30) as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens for webhooks."""
    with receiving() as found:
        yield found


@pytest.fixture
def bench(tmp_path: Path, web: httpx.Client) -> Iterator[Bench]:
    """A sandbox of this process that settles after two days and tells nobody."""
    with server.running(Settings(data=tmp_path / "sandbox")) as found:
        yield Bench(found.url, web)
        assert told_wrongly(found.sandbox.store) == []


@pytest.fixture
def told(tmp_path: Path, receiver: Receiver, web: httpx.Client) -> Iterator[Bench]:
    """A sandbox that tells the receiver what happens."""
    settings = Settings(
        data=tmp_path / "sandbox",
        platform_webhooks=(Webhook(f"{receiver.url}/platform", receiver.secret),),
        connect_webhooks=(Webhook(f"{receiver.url}/connect", receiver.secret),),
        instant_settlement=True,
        webhook_timeout=2,
    )
    with server.running(settings) as found:
        yield Bench(found.url, web)
        assert told_wrongly(found.sandbox.store) == []
