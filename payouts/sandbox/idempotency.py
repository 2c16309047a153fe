"""Idempotency keys: the same question asked again gets the first answer.

The one rule: an answer is stored in the transaction of what it tells of, so that no crash can
keep one without the other. Stripe forgets keys of API v1 after a day, of v2 after thirty.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from payouts.sandbox.errors import Refusal
from payouts.sandbox.settings import DAY
from payouts.sandbox.store import Doc, Tx


@dataclass(frozen=True)
class Question:
    """A request that carries a key."""

    scope: str  # the account and the API version that the key lives in
    key: str
    method: str
    path: str
    digest: str


def question(account: str, key: str, method: str, path: str, given: Doc) -> Question:
    """Return what identifies a request, its parameters among it."""
    if len(key) > 255:
        raise Refusal("Idempotency keys are at most 255 characters long.")
    text = json.dumps(given, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Question(f"{path[1:3]}:{account}", key, method, path, digest)


def earlier(tx: Tx, asked: Question) -> tuple[int, str, str] | None:
    """Return status, body and request id of the first answer, if there is one."""
    lives = 30 * DAY if asked.scope.startswith("v2") else DAY
    row = tx.sql.execute(
        "select * from answer where scope = ? and key = ? and created > ?",
        (asked.scope, asked.key, tx.now - lives),
    ).fetchone()
    if row is None:
        return None
    first = json.loads(row["asked"])
    if first["path"] != asked.path or first["method"] != asked.method:
        raise _mismatch(
            f"Keys for idempotent requests can only be used for the same endpoint they were first"
            f" used for ('{asked.path}' vs '{first['path']}').",
            asked.key,
        )
    if first["digest"] != asked.digest:
        raise _mismatch(
            "Keys for idempotent requests can only be used with the same parameters they were"
            " first used with.",
            asked.key,
        )
    return row["status"], row["body"], row["request_id"]


def _mismatch(why: str, key: str) -> Refusal:
    advice = f" Try using a key other than '{key}' if you meant to execute a different request."
    return Refusal(why + advice, code="idempotency_error", kind="idempotency_error")


def keep(tx: Tx, asked: Question, status: int, body: str, request_id: str) -> None:
    """Store the answer for whoever asks again."""
    tx.sql.execute(
        "replace into answer values (?, ?, ?, ?, ?, ?, ?)",
        (
            asked.scope,
            asked.key,
            tx.now,
            json.dumps({"method": asked.method, "path": asked.path, "digest": asked.digest}),
            request_id,
            status,
            body,
        ),
    )


class InFlight:
    """The keys that are being worked on. One process serves a sandbox, so memory is enough."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def alone(self, asked: Question) -> Iterator[None]:
        """Refuse a key that another request carries right now."""
        name = (asked.scope, asked.key)
        with self._lock:
            if name in self._keys:
                raise Refusal(
                    "There is currently another in-progress request using this Idempotency Key"
                    f" ({asked.key}). Please try again later.",
                    code="idempotency_key_in_use",
                    kind="idempotency_error",
                    status=409,
                )
            self._keys.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(name)
