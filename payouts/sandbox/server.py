"""Puts a sandbox together and serves it from one process with many threads."""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from payouts.sandbox import (
    account_links,
    accounts_v1,
    accounts_v2,
    api,
    balance,
    balance_settings,
    checkout,
    clock,
    control,
    customers,
    dashboard,
    disputes,
    events,
    onboarding,
    paying,
    payments,
    payouts,
    refunds,
    topups,
    transfers,
    webhooks,
)
from payouts.sandbox.calls import Route
from payouts.sandbox.delivery import Courier
from payouts.sandbox.faults import Faults
from payouts.sandbox.idempotency import InFlight
from payouts.sandbox.page import Page, moment
from payouts.sandbox.settings import Settings
from payouts.sandbox.store import Store

RESOURCES = (
    account_links,
    accounts_v1,
    accounts_v2,
    balance,
    balance_settings,
    checkout,
    customers,
    disputes,
    events,
    payments,
    payouts,
    refunds,
    topups,
    transfers,
    webhooks,
)


class InUse(Exception):
    """Another sandbox works with this data directory; one process serves a sandbox."""


def routes() -> list[Route]:
    """Return every operation of the API that the sandbox answers."""
    return [route for resource in RESOURCES for route in resource.routes.found]


@dataclass(frozen=True)
class Sandbox:
    """An app, and the thread that delivers its webhooks."""

    app: Flask
    store: Store
    courier: Courier


def create(settings: Settings) -> Sandbox:
    """Put a sandbox together. Its courier has still to be started."""
    store = Store(settings)
    with store.writing() as tx:
        webhooks.configure(tx)
    courier = Courier(store, clock.tick)
    desk = api.Desk(store, Faults(), InFlight())
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=1024 * 1024)
    app.add_template_filter(moment)
    api.mount(app, desk, routes())
    app.register_blueprint(control.blueprint(control.Controls(desk, courier)))
    for pages in (paying, onboarding, dashboard):
        app.register_blueprint(pages.blueprint(store))
    app.register_error_handler(HTTPException, _lost)
    return Sandbox(app, store, courier)


def _lost(error: HTTPException) -> Response | HTTPException:
    """Answer clients of the API in Stripe's form, and people in words."""
    if request.path.startswith(("/v1/", "/v2/")):
        return api.lost(error)
    if request.path.startswith("/_sandbox/"):
        response = jsonify(error={"message": error.description})
        response.status_code = error.code or 500
        return response
    return Page().nothing() if error.code == 404 else error


@dataclass(frozen=True)
class Running:
    """A sandbox that answers."""

    url: str
    sandbox: Sandbox
    server: BaseWSGIServer


class _Quiet(WSGIRequestHandler):
    """Log refusals of our own only by the app; a line for each request helps nobody."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def listening(settings: Settings, host: str = "127.0.0.1", port: int = 0) -> Iterator[Running]:
    """Yield a sandbox whose port is open and whose courier runs; the caller serves it."""
    with _alone(settings.data):
        sandbox = create(settings)
        server = make_server(host, port, sandbox.app, threaded=True, request_handler=_Quiet)
        sandbox.courier.start()
        try:
            yield Running(f"http://{host}:{server.server_port}", sandbox, server)
        finally:
            server.server_close()
            sandbox.courier.stop()
            sandbox.store.close()


@contextmanager
def running(settings: Settings, port: int = 0) -> Iterator[Running]:
    """Yield a sandbox that is served by a thread of this process: for tests."""
    with listening(settings, port=port) as found:
        serve = partial(found.server.serve_forever, poll_interval=0.05)
        thread = threading.Thread(target=serve, name="sandbox", daemon=True)
        thread.start()
        try:
            yield found
        finally:
            found.server.shutdown()
            thread.join()


@contextmanager
def _alone(data: Path) -> Iterator[TextIOWrapper]:
    """Hold the data directory; the system lets go of it when the process dies, however it dies."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "sandbox.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse(data) from error
        yield held
