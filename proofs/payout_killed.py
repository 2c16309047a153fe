"""A process that sends payouts and is killed at a boundary: `python -m proofs.payout_killed`.

It reads lines of `act number boundary`, the number of a payout or of a message of the rail, and
answers each with `killed` or `done` and how many boundaries there were. Each line is done by a
child of its own, which kills itself with SIGKILL at the boundary of that number: before and after
each statement, each commit and each request.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import stripe
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine

from app import create_app
from core.db import Database, make_engine
from payouts import news, sending
from payouts.stripe_connect import API_VERSION, StripeConnect
from tests.payouts.conftest import settings_for

ACTS: dict[str, Callable[[int, StripeConnect], Any]] = {
    "send": sending.send,
    "look": sending.look_up,
    "hear": lambda number, rail: news.look_into(f"evt_{number}", rail),
}


class Fuse:
    """Counts boundaries and kills this process at one of them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0

    def pass_one(self, *_: Any, **__: Any) -> None:
        """Pass a boundary, or die at it."""
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class FusedHttp(stripe.RequestsClient):
    """The SDK's own HTTP client, between two boundaries: before the request, after its answer."""

    fuse: Fuse

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        """Ask, unless the process dies before, and return, unless it dies after."""
        self.fuse.pass_one()
        answer = super().request(method, url, headers, post_data)
        self.fuse.pass_one()
        return answer


def main(database_url: str, stripe_url: str) -> None:
    """Read what to do until there is nothing more."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(Path(folder), stripe_url)
        # The engine of the parent is never used: a child opens its own.
        app = create_app(settings, Database(make_engine(database_url)))
        for line in sys.stdin:
            act, payout_id, boundary = line.split()
            print(_in_a_child(app, database_url, act, int(payout_id), int(boundary)), flush=True)


def _in_a_child(app: Flask, url: str, act: str, payout_id: int, boundary: int) -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            passed = _do(app, url, act, payout_id, boundary)
            os.write(writer, str(passed).encode())
        finally:
            os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as told:
        passed_all = told.read()
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return "killed"
    return f"done {passed_all}"


def _do(app: Flask, url: str, act: str, payout_id: int, boundary: int) -> int:
    fuse = Fuse(boundary)
    engine = make_engine(url)
    _watch(engine, fuse)
    app.extensions["doyen.db"] = Database(engine)
    rail = StripeConnect(app.extensions["doyen.settings"])
    http = FusedHttp(timeout=10)
    http.fuse = fuse
    base = app.extensions["doyen.settings"].stripe_api_base
    rail.client = stripe.StripeClient(
        "sk_test_0123456789",
        base_addresses={"api": base, "connect": base, "files": base},
        stripe_version=API_VERSION,
        http_client=http,
    )
    with app.app_context():
        ACTS[act](payout_id, rail)
    return fuse.passed


def _watch(engine: Engine, fuse: Fuse) -> None:
    event.listen(engine, "before_cursor_execute", fuse.pass_one)
    event.listen(engine, "after_cursor_execute", fuse.pass_one)
    commit = engine.dialect.do_commit

    def fused(connection: Any) -> None:
        fuse.pass_one()
        commit(connection)
        fuse.pass_one()

    engine.dialect.do_commit = fused  # type: ignore[method-assign]


if __name__ == "__main__":
    main(*sys.argv[1:])
