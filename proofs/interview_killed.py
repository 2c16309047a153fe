"""The process of a model endpoint is killed in mid-interview and started again later.

Nobody shuts it down: SIGKILL, while it writes a question. The interview has to wait in words, keep
what was said before, go on with the model once it is back, and end with every answer kept once.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text

from core.db import transaction
from core.model_patience import PAUSE
from experts.fields import Field
from interviews.items import banks
from interviews.models import Mode
from interviews.personas import stage
from interviews.personas.cast import PERSONAS
from interviews.personas.visit import Client
from proofs import scripted_model
from proofs.interview_outages import FOLLOW_UPS
from proofs.scripted_model import Fault

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN = 20  # seconds
KILLED_AT = 3  # the question of the model during which it is killed
AWAY_FOR = 2  # questions more for which nobody answers
SLOW = 0.4  # seconds between the words of the endpoint: it is killed while it speaks
KEPT = text(
    "select 'answer' as what, position as place, answer::text as words"
    "  from interview_response where interview_id = (select max(id) from interview)"
    " union all select role || ' ' || kind, number, text"
    "  from interview_turn where interview_id = (select max(id) from interview)"
    " order by what, place"
)
END = text(
    "select i.mode, i.state, i.finished_at is not null as ended,"
    " (select count(*) from model_outage where interview_id = i.id) as outages,"
    " (select count(*) from model_outage where interview_id = i.id and ended_at is null) as open"
    " from interview i order by id desc limit 1"
)


class Endpoint:
    """A scripted endpoint in a process of its own, at an address that stays."""

    def __init__(self, language: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = int(taken.getsockname()[1])
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.language = language
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it hears."""
        command = [sys.executable, "-m", "proofs.interview_killed", str(self.port), self.language]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
        until = time.monotonic() + START_WITHIN
        while time.monotonic() < until:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("the endpoint did not start")

    def kill(self) -> None:
        """End the process as a crash does."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.communicate()
            self.process = None


@dataclass
class Killing:
    """A client whose requests for the model's words are when the endpoint dies, and comes back."""

    inner: Client
    endpoint: Endpoint
    seen: Callable[[], list[Any]]
    asked: int = 0
    before: list[Any] = field(default_factory=list)
    away: list[Any] = field(default_factory=list)
    waits: int = 0

    def get(self, path: str, **how: Any) -> Any:
        """Open a page."""
        return self.inner.get(path, **how)

    def post(self, path: str, **how: Any) -> Any:
        """Send a form; kill the endpoint, or start it again, when it is the turn."""
        if not path.endswith("/talk/next"):
            return self.inner.post(path, **how)
        self.asked += 1
        if self.asked == KILLED_AT:
            self.before = self.seen()
            killer = subprocess.Popen(
                [sys.executable, "-c", KILL, str(_pid(self.endpoint)), str(SLOW * 1.5)]
            )
            try:
                return self.inner.post(path, **how)
            finally:
                killer.wait()
                self.endpoint.kill()
        if KILLED_AT < self.asked <= KILLED_AT + AWAY_FOR:
            self.waits += 1
            answer = self.inner.post(path, **how)
            self.away = self.seen()
            return answer
        if self.endpoint.process is None:
            self.endpoint.start()
            time.sleep(PAUSE + 1)  # its person comes back later, when the model is asked again
        return self.inner.post(path, **how)


KILL = "import os,signal,sys,time; time.sleep(float(sys.argv[2])); os.kill(int(sys.argv[1]), 9)"


@dataclass(frozen=True)
class Found:
    """What came of an interview whose endpoint was killed."""

    said: str
    gaps: list[str]


def prove(app: Flask, endpoint: Endpoint, language: str) -> Found:
    """Take one interview whose endpoint is killed on the way; the endpoint runs already."""

    def seen() -> list[Any]:
        with app.app_context(), transaction() as session:
            return [tuple(row) for row in session.execute(KEPT).all()]

    clients: list[Killing] = []

    def through(inner: Client) -> Client:
        clients.append(Killing(inner, endpoint, seen))
        return clients[0]

    [expert] = [one for one in PERSONAS if one.name == "expert"]
    bank = banks()[Field.LAW]
    result = stage.take(app, expert, bank, language, mode=Mode.LLM, seed=1, through=through)
    [client], after = clients, seen()
    with app.app_context(), transaction() as session:
        end = session.execute(END).one()
    gaps = list(result.gaps)
    lost = [row for row in [*client.before, *client.away] if row not in after]
    gaps += [f"lost after the kill: {what} {place}" for what, place, _words in lost]
    if not client.before or client.asked <= KILLED_AT + AWAY_FOR:
        gaps.append(f"the endpoint was not killed in the middle: {client.asked} questions of it")
    if end.mode != Mode.LLM or not end.ended:
        gaps.append(f"it did not end with the model: {end.mode}, {end.state}")
    if not end.outages or end.open:
        gaps.append(f"{end.outages} outages noted, {end.open} of them open at the end")
    said = (
        f"{language}: killed at question {KILLED_AT} of the model with {len(client.before)} rows"
        f" kept, away for {client.waits} more, back for {client.asked - KILLED_AT - client.waits};"
        f" {len(after)} rows at the end, {result.answered} of {result.asked} answers kept,"
        f" {end.outages} outages noted, {end.state}"
    )
    return Found(said, gaps)


def _pid(endpoint: Endpoint) -> int:
    assert endpoint.process is not None
    return endpoint.process.pid


def _serve(port: int, language: str) -> None:
    """Be the endpoint, until whoever started this has gone."""
    said = FOLLOW_UPS[language]
    with scripted_model.running(lambda _asked: Fault(text=said, pause=SLOW), port=port):
        sys.stdin.read()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2])
