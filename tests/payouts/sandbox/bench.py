"""What the tests of the sandbox stand at: a checked SDK client, a webhook receiver, controls."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import stripe
from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler, make_server

from payouts.sandbox.store import Store, public
from tests.payouts.sandbox import speccheck

API_VERSION = "2026-05-27.dahlia"
RECIPIENT = {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}


class CheckedHttp(stripe.RequestsClient):
    """The SDK's own HTTP client, which refuses what Stripe's description does not know."""

    last_headers: Any = None

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        """Send a request that is right, and take only an answer that is."""
        wrong = speccheck.request_faults(method, url, post_data)
        assert not wrong, f"{method} {url} {post_data}: {wrong}"
        body, status, answered = super().request(method, url, headers, post_data)
        wrong = speccheck.answer_faults(method, url, status, body)
        assert not wrong, f"{method} {url} answered {status}: {wrong}\n{body!r}"
        self.last_headers = answered
        return body, status, answered


@dataclass
class Bench:
    """A sandbox, seen from outside."""

    url: str
    web: httpx.Client
    http: CheckedHttp = field(default_factory=lambda: CheckedHttp(timeout=10))

    def __post_init__(self) -> None:
        self.stripe = self.client(self.http)
        self.v1, self.v2 = self.stripe.v1, self.stripe.v2

    def client(self, http: stripe.HTTPClient, retries: int = 0) -> stripe.StripeClient:
        """Return an SDK client."""
        return stripe.StripeClient(
            "sk_test_0123456789",
            base_addresses=dict.fromkeys(["api", "connect", "files"], self.url),
            stripe_version=API_VERSION,
            max_network_retries=retries,
            http_client=http,
        )

    def raw(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Send a request that the SDK would not."""
        headers = {"Authorization": "Bearer sk_test_0123456789", **how.pop("headers", {})}
        return self.web.request(method, self.url + path, headers=headers, **how)

    def control(self, path: str, /, **body: Any) -> Any:
        """Ask a control endpoint."""
        answer = self.web.post(f"{self.url}/_sandbox{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, path: str) -> Any:
        """Read a control endpoint."""
        return self.web.get(f"{self.url}/_sandbox{path}").json()

    def account(self, *, country: str = "DE", onboarded: bool = True) -> str:
        """Open a connected account."""
        made = self.v2.core.accounts.create(
            {
                "contact_email": "ada@example.org",
                "display_name": "Ada",
                "dashboard": "express",
                "identity": {"country": country},
                "configuration": {"recipient": RECIPIENT},
                "include": ["configuration.recipient", "requirements"],
            }
        )
        if onboarded:
            self.control(f"/accounts/{made.id}/onboard")
        return str(made.id)

    def paid(self, amount: int, card: str = "pm_card_bypassPending", **more: Any) -> Any:
        """Take a payment; its funds are available unless another card is given."""
        return self.v1.payment_intents.create(
            {
                "amount": amount,
                "currency": "eur",
                "confirm": True,
                "payment_method": card,
                "expand": ["latest_charge.balance_transaction"],
                **more,
            }
        )

    def session(self, amount: int = 50000, **more: Any) -> Any:
        """Open a checkout session."""
        price = {"currency": "eur", "unit_amount": amount, "product_data": {"name": "Budget"}}
        return self.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "success_url": "http://localhost:9/done?s={CHECKOUT_SESSION_ID}",
                "cancel_url": "http://localhost:9/back",
                "line_items": [{"quantity": 1, "price_data": price}],
                **more,
            }
        )

    def available(self, account: str | None = None) -> int:
        """Return the available euros of the platform or of an account."""
        return self.balance(account)[0]

    def balance(self, account: str | None = None) -> tuple[int, int]:
        """Return the available and the pending euros."""
        options: Any = {"stripe_account": account} if account else {}
        found = self.v1.balance.retrieve(options=options)
        sums = [
            sum(line.amount for line in lines if line.currency == "eur")
            for lines in (found.available, found.pending)
        ]
        return sums[0], sums[1]

    def moves(self, account: str | None = None) -> list[Any]:
        """Return every balance transaction, newest first."""
        options: Any = {"stripe_account": account} if account else {}
        found = self.v1.balance_transactions.list({"limit": 100}, options)
        return list(found.auto_paging_iter())


_KNOWN: set[str] = set()


def told_wrongly(store: Store) -> list[str]:
    """Return what Stripe's description does not know of the events that a sandbox has kept.

    Events of one shape are checked once in a run: the same name, fields, kinds and state.
    """
    with store.reading() as tx:
        found = [public(event) for event in tx.all("event")]
    wrong = []
    for event in found:
        about = event["data"]["object"]
        kinds = sorted((name, type(value).__name__) for name, value in about.items())
        before = sorted(event["data"].get("previous_attributes", {}))
        shape = f"{event['type']} {about.get('status')} {kinds} {before}"
        if shape not in _KNOWN:
            _KNOWN.add(shape)
            faults = speccheck.event_faults({**event, "pending_webhooks": 0})
            wrong += [f"{event['type']}: {each}" for each in faults]
    return wrong


@dataclass
class Heard:
    """One delivery, as it arrived and was verified."""

    path: str
    event: Any
    raw: bytes
    signature: str
    at: float


class Receiver:
    """A server that takes webhooks, verifies them with the SDK and keeps what it heard."""

    secret = "whsec_test_0123456789"

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.status = 200
        self.sleeps = 0.0
        self.wrong: list[str] = []  # what Stripe's description does not know of what was heard
        self._arrived = threading.Condition()
        app = Flask("receiver")
        app.add_url_rule("/<path:path>", "take", self._take, methods=["POST"])
        self.server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _take(self, path: str) -> tuple[str, int, dict[str, str]]:
        signed, raw = request.headers["Stripe-Signature"], request.get_data()
        event = stripe.Webhook.construct_event(raw, signed, self.secret).to_dict()
        wrong = speccheck.event_faults(event)
        with self._arrived:
            self.wrong += wrong
            self.heard.append(Heard(f"/{path}", event, raw, signed, time.time()))
            self._arrived.notify_all()
        time.sleep(self.sleeps)
        return "", self.status, {"Location": f"{self.url}/elsewhere"}

    def wait(self, wanted: Callable[[list[str]], bool], seconds: float = 10) -> list[str]:
        """Wait until the names of what was heard are as wanted, and return them."""
        with self._arrived:
            done = self._arrived.wait_for(lambda: wanted(self.names()), timeout=seconds)
            assert done, f"heard only {self.names()}"
            return self.names()

    def names(self, path: str = "/") -> list[str]:
        """Return the types of the events that were heard, in order."""
        return [each.event["type"] for each in self.heard if each.path.startswith(path)]


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Yield a receiver that listens."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()
    assert not receiver.wrong, receiver.wrong
