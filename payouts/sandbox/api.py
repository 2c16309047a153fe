"""The API over HTTP: who asks, what is asked, the answer; and trouble where a test wants it.

The one rule: what a request does and the answer that a key replays are one transaction.
"""

import base64
import json
import socket
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from payouts.sandbox import accounts, idempotency
from payouts.sandbox.calls import Call, Route
from payouts.sandbox.errors import Declined, Refusal
from payouts.sandbox.expand import expanded
from payouts.sandbox.faults import Fault, Faults
from payouts.sandbox.idempotency import InFlight, Question
from payouts.sandbox.params import nested, read
from payouts.sandbox.settings import API_VERSION
from payouts.sandbox.store import Doc, Store, Tx, new_id, public


@dataclass(frozen=True)
class Desk:
    """What answers requests need."""

    store: Store
    faults: Faults
    in_flight: InFlight


@dataclass(frozen=True)
class Answer:
    """A status, a body, and the first request when this is a replay."""

    status: int
    body: str
    request_id: str
    replays: str = ""


def mount(app: Flask, desk: Desk, routes: list[Route]) -> None:
    """Let the app answer these operations."""
    for number, route in enumerate(routes):
        app.add_url_rule(
            route.rule,
            endpoint=f"api-{number}",
            view_func=_view(desk, route),
            methods=[route.method],
        )


def _view(desk: Desk, route: Route) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        request_id = new_id("req_")[:18]
        try:
            answer = _troubled(desk, route, request_id, ids)
        except Refusal as refusal:
            answer = Answer(refusal.status, _written(refusal, request_id), request_id)
        return _response(answer)

    return view


def _troubled(desk: Desk, route: Route, request_id: str, ids: dict[str, str]) -> Answer:
    """Answer, unless a fault waits for this request."""
    _authenticate(request)
    fault = desk.faults.take(request.method, request.path)
    if fault and fault.kind in ("429", "500"):
        raise _trouble(fault)
    if fault and fault.kind == "lose_request":
        return _hang_up(request_id)
    answer = _answer(desk, route, request_id, ids, fault)
    if fault and fault.kind == "500_after":
        raise _trouble(fault)
    if fault and fault.kind == "lose_answer":
        return _hang_up(request_id)
    return answer


def _trouble(fault: Fault) -> Refusal:
    if fault.kind == "429":
        return Refusal("Request rate limit exceeded.", code="rate_limit", status=429)
    return Refusal("An unknown error occurred.", status=500, kind="api_error", code="api_error")


def _hang_up(request_id: str) -> Answer:
    """Cut the connection, so that the client never learns what became of its request."""
    for name in ("werkzeug.socket", "gunicorn.socket"):
        connection = request.environ.get(name)
        if isinstance(connection, socket.socket):
            connection.shutdown(socket.SHUT_RDWR)
    return Answer(502, "", request_id)


def _answer(
    desk: Desk, route: Route, request_id: str, ids: dict[str, str], fault: Fault | None
) -> Answer:
    given = _given(request)
    account = request.headers.get("Stripe-Account") or request.headers.get("Stripe-Context") or ""
    key = request.headers.get("Idempotency-Key") if request.method != "GET" else None
    asked = idempotency.question(account, key, request.method, request.path, given) if key else None
    with desk.in_flight.alone(asked) if asked else nullcontext():
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        transaction = desk.store.reading if request.method == "GET" else desk.store.writing
        with transaction() as tx:
            answer = _once(tx, route, request_id, ids, given, account, asked)
            if fault and fault.kind == "slow_commit":
                time.sleep(fault.seconds)
            return answer


def _once(
    tx: Tx,
    route: Route,
    request_id: str,
    ids: dict[str, str],
    given: Doc,
    account: str,
    asked: Question | None,
) -> Answer:
    if account:
        accounts.find(tx, account)
    first = idempotency.earlier(tx, asked) if asked else None
    if first:
        status, body, first_id = first
        return Answer(status, body, request_id, replays=first_id)
    tx.request = {"id": request_id, "idempotency_key": asked.key if asked else None}
    base_url = (tx.settings.public_url or request.host_url).rstrip("/")
    call = Call(tx, read(route.table, given), account, base_url, request.path)
    status, body = _run(call, route, ids, request_id)
    if asked:
        idempotency.keep(tx, asked, status, body, request_id)
    return Answer(status, body, request_id)


def _run(call: Call, route: Route, ids: dict[str, str], request_id: str) -> tuple[int, str]:
    """Run the handler. A refusal takes back what it wrote, but a declined card leaves traces."""
    try:
        with call.tx.undoable():
            try:
                _check_version(call)
                found = route.handler(call, **ids)
                found = expanded(call.tx, found, call.params.get("expand", []))
                return 200, json.dumps(public(found))
            except Declined as refusal:
                return refusal.status, _written(refusal, request_id)
    except Refusal as refusal:
        return refusal.status, _written(refusal, request_id)


def _check_version(call: Call) -> None:
    """Refuse API v2 where the platform has none, as Stripe does."""
    if call.path.startswith("/v2/core/account") and not call.settings.accounts_v2:
        raise Refusal(
            "Accounts v2 is not enabled for your platform. Use the v1 Accounts API.",
            code="accounts_v2_access_blocked",
        )


def _written(refusal: Refusal, request_id: str) -> str:
    body: Doc = public(refusal.body(request_id))
    if request.path.startswith("/v2/"):  # which says less, but never leaves out the code
        said = {"code": "invalid_fields", **body["error"]}
        body["error"] = {name: said[name] for name in ("code", "message", "type")}
    return json.dumps(body)


def _authenticate(asked: Request) -> None:
    kind, _, given = asked.headers.get("Authorization", "").partition(" ")
    key = _basic(given) if kind.lower() == "basic" else given
    if not key:
        raise Refusal(
            "You did not provide an API key. You need to provide your API key in the Authorization"
            " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not key.startswith("sk_test_") or len(key) < 12:
        hidden = f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 12 else "****"
        raise Refusal(f"Invalid API Key provided: {hidden}", status=401)
    version = asked.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise Refusal(
            f"Invalid Stripe API version: {version}. Doyen's sandbox speaks {API_VERSION}.",
            code="invalid_api_version",
        )


def _basic(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode().split(":")[0]
    except ValueError:
        return ""


def _given(asked: Request) -> dict[str, Any]:
    if asked.method == "GET":
        return nested(asked.query_string.decode(errors="replace"))
    body = asked.get_data().decode(errors="replace")
    if not asked.path.startswith("/v2/"):
        return nested(body)
    try:
        found = json.loads(body or "{}")
    except ValueError as error:
        raise Refusal("Invalid JSON.", code="invalid_json") from error
    if not isinstance(found, dict):
        raise Refusal("The body must be a JSON object.", code="invalid_json")
    return {name: value for name, value in found.items() if value is not None}


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, content_type="application/json")
    response.headers["Request-Id"] = answer.request_id
    response.headers["Stripe-Version"] = API_VERSION
    key = request.headers.get("Idempotency-Key")
    if key and request.method != "GET":
        response.headers["Idempotency-Key"] = key[:255]
        response.headers["Original-Request"] = answer.replays or answer.request_id
    if answer.replays:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def lost(error: HTTPException) -> Response:
    """Answer in Stripe's form what no operation answers; a method it lacks is a 404 there."""
    request_id = new_id("req_")[:18]
    if error.code in (404, 405):
        words = f"Unrecognized request URL ({request.method}: {request.path})."
        refusal = Refusal(words, status=404)
    else:
        status = error.code or 500
        refusal = Refusal(error.name, status=status, kind="api_error", code="api_error")
    return _response(Answer(refusal.status, _written(refusal, request_id), request_id))
