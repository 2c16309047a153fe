"""Sends events to webhook endpoints, signed as Stripe signs them.

The one rule: a delivery is owed until the endpoint has answered 2xx, across restarts too, or
until three days of the sandbox's clock have passed. So an endpoint may hear of an event twice,
and must bear it, as with Stripe. Each try is the same event under a signature of its own.
"""

import hashlib
import hmac
import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from payouts.sandbox import events
from payouts.sandbox.store import Doc, Store, Tx, public

log = logging.getLogger(__name__)

# Stripe tries for three days; the first steps are closer together, since here a person waits.
BACK_OFF = (1, 2, 5, 15, 60, 300, 900, 3600, *([6 * 3600] * 11))
# What a test may do to deliveries. What is dropped was never taken, and Stripe knows it; what is
# swallowed was taken by somebody on the way, so that Stripe believes it arrived.
SWITCHES = {
    "paused": False,
    "duplicate": False,
    "reorder": False,
    "drop": False,
    "swallow": False,
    "delay": 0,
}


@dataclass(frozen=True)
class Parcel:
    """One delivery that is due, with all that is needed to send it."""

    id: int
    event: Doc
    url: str
    secret: str
    attempts: int


def signature(payload: bytes, secret: str) -> str:
    """Return the `Stripe-Signature` header; its time is the real one, whatever our clock says."""
    moment = int(time.time())
    digest = hmac.new(secret.encode(), b"%d." % moment + payload, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


class Courier:
    """A thread that delivers what is due and lets the clock's consequences happen."""

    def __init__(self, store: Store, tick: Callable[[Tx], None]) -> None:
        self.store = store
        self._tick = tick
        self._stopping = threading.Event()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._http = httpx.Client(
            timeout=store.settings.webhook_timeout, trust_env=False, follow_redirects=False
        )
        self._senders = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sandbox-webhook")
        self._thread = threading.Thread(target=self._run, name="sandbox-courier", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is being sent."""
        self._stopping.set()
        self.store.changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._senders.shutdown()
        self._http.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.store.changed.wait(timeout=1)
            self.store.changed.clear()
            try:
                self._live()
            except Exception:  # the thread must outlive any one round
                log.exception("a round of the courier failed; the next one tries again")
                self._stopping.wait(1)

    def _live(self) -> None:
        with self.store.writing() as tx:
            self._tick(tx)
            paused = switches(tx)["paused"]
            endpoints = _waiting(tx, tx.now)
        if not paused and not self._stopping.is_set():
            for endpoint_id in endpoints:
                self._senders.submit(self._try_drain, endpoint_id)

    def _try_drain(self, endpoint_id: str) -> None:
        turn = self._turns[endpoint_id]
        if turn.acquire(blocking=False):  # else it is being served, and will be asked again
            try:
                self._drain(endpoint_id)
            finally:
                turn.release()

    def deliver(self) -> list[Doc]:
        """Send all that is owed now, whenever it is due; return what came of it."""
        forever = float("inf")
        with self.store.reading() as tx:
            endpoints = _waiting(tx, forever)
        sent = []
        for endpoint_id in endpoints:
            with self._turns[endpoint_id]:
                sent += self._drain(endpoint_id, forever)
        return sent

    def _drain(self, endpoint_id: str, due_at: float | None = None) -> list[Doc]:
        sent: list[Doc] = []
        with self.store.reading() as tx:
            parcels = _due(tx, endpoint_id, tx.now if due_at is None else due_at)
            asked = switches(tx)
        for parcel in parcels:
            if self._stopping.is_set():
                break
            if asked["drop"] or asked["swallow"]:
                self._lose(parcel, believed=not asked["drop"])
                continue
            sent.append(self._send(parcel))
            if not sent[-1]["answered"]:
                break  # nobody is there: the next one would only wait as long
        return sent

    def _lose(self, parcel: Parcel, *, believed: bool) -> None:
        """Send nothing, and count it as arrived or as given up."""
        state, said = ("sent", "swallowed") if believed else ("given_up", "dropped")
        with self.store.writing() as tx:
            _end(tx, parcel, state, said)

    def _send(self, parcel: Parcel) -> Doc:
        payload = json.dumps(parcel.event, indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, parcel.secret),
            "User-Agent": "Stripe/1.0 (Doyen's sandbox)",
        }
        try:
            status = self._http.post(parcel.url, content=payload, headers=headers).status_code
            said = str(status)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            status, said = 0, type(error).__name__
        with self.store.writing() as tx:
            _record(tx, parcel, said, arrived=200 <= status < 300)
        about = {"event": parcel.event["id"], "type": parcel.event["type"]}
        return {**about, "url": parcel.url, "said": said, "answered": bool(status)}


def switches(tx: Tx) -> dict[str, Any]:
    """Return how deliveries are being disturbed for a test."""
    return {**SWITCHES, **tx.fact("webhook_switches", {})}


def _waiting(tx: Tx, due_at: float) -> list[str]:
    """Return the endpoints that something is due to."""
    rows = tx.sql.execute(
        "select distinct endpoint_id from delivery where state = 'pending' and due_at <= ?",
        (due_at,),
    )
    return [row["endpoint_id"] for row in rows]


def _due(tx: Tx, endpoint_id: str, due_at: float) -> list[Parcel]:
    """Return what is due to an endpoint, oldest first unless a test wants it otherwise."""
    endpoint = tx.get("webhook_endpoint", endpoint_id)
    if endpoint is None or endpoint["status"] != "enabled":
        return []
    rows = tx.sql.execute(
        "select id, event_id, attempts from delivery where state = 'pending'"
        " and endpoint_id = ? and due_at <= ? order by id limit 200",
        (endpoint_id, due_at),
    )
    parcels = [_parcel(tx, row, endpoint) for row in rows]
    asked = switches(tx)
    if asked["reorder"]:
        parcels.reverse()
    return [each for each in parcels for _ in range(2)] if asked["duplicate"] else parcels


def _parcel(tx: Tx, row: Any, endpoint: Doc) -> Parcel:
    event = tx.get("event", row["event_id"])
    assert event is not None  # a foreign key says so
    return Parcel(
        id=row["id"],
        event=public(events.shown(tx, event)),
        url=endpoint["url"],
        secret=endpoint["_"]["secret"],
        attempts=row["attempts"],
    )


def _record(tx: Tx, parcel: Parcel, said: str, *, arrived: bool) -> None:
    if arrived:
        _end(tx, parcel, "sent", said)
    elif parcel.attempts >= len(BACK_OFF):
        _end(tx, parcel, "given_up", said)
    else:
        _end(tx, parcel, "pending", said, wait=BACK_OFF[parcel.attempts])


def _end(tx: Tx, parcel: Parcel, state: str, said: str, *, wait: int = 0) -> None:
    """Note what came of an attempt, and when the next one is due by the sandbox's clock."""
    tx.sql.execute(
        "update delivery set state = ?, attempts = ?, due_at = ?, said = ?"
        " where id = ? and state = 'pending'",
        (state, parcel.attempts + 1, tx.now + wait, said, parcel.id),
    )
