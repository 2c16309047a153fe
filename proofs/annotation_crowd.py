"""Simulated experts who work over HTTP as people do: impatient, forgetful, and cut off at random.

Each has a session of their own. Whatever fails is tried again until the server says what became of
it, as the page does; what the server has once confirmed is written down, and must be there later.
"""

import random
import re
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.factories.annotation import choice

PATIENCE = 300.0  # seconds until a server that is down counts as gone
ATTEMPT = 20.0
THINKS = (1.0, 4.0)  # seconds on a task, by expert
LOOKS_AGAIN = (4.0, 9.0)  # seconds after there was no task


class ServerGone(Exception):
    """The server did not answer for minutes."""


@dataclass
class Book:
    """What the server has confirmed, by all experts together."""

    handed_in: dict[int, tuple[int, list[dict[str, Any]]]] = field(default_factory=dict)
    drafts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    left_lying: set[int] = field(default_factory=set)
    abandoned: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    gaps: list[str] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)  # who has gone home for trouble
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str) -> None:
        """Count something that happened."""
        with self.lock:
            self.counts[what] += 1

    def gap(self, words: str) -> None:
        """Write down what must not be, and say it at once: a proof may be cut short."""
        print(f"  gap: {words}", flush=True)
        with self.lock:
            self.gaps.append(words)


@dataclass
class Worker:
    """An expert with a session, a pace and habits of their own."""

    number: int
    user_id: int
    home: str
    project_id: int
    cookie: str
    token: str
    book: Book
    over: threading.Event

    def __post_init__(self) -> None:
        """Seed the habits."""
        self.chance = random.Random(self.number)  # noqa: S311 - it guards nothing
        self.pace = self.chance.uniform(*THINKS)
        self.http = httpx.Client(
            base_url=self.home,
            timeout=ATTEMPT,
            headers={"Cookie": self.cookie, "X-CSRFToken": self.token},
        )

    def run(self) -> None:
        """Work until all is done."""
        try:
            lease: int | None = None
            while not self.over.is_set():
                lease = lease or self._claim()
                if lease is None:
                    self.over.wait(self.chance.uniform(*LOOKS_AGAIN))
                    continue
                lease = self._work_on(lease)
        except Exception as trouble:  # noqa: BLE001 - nobody may wait for who has gone home
            self.book.gap(f"expert {self.number}: stopped by {trouble!r}")
            self.book.stopped.append(self.number)
        finally:
            self.http.close()

    def _claim(self) -> int | None:
        if self.chance.random() < 0.2:
            with ThreadPoolExecutor(2) as hands:  # a double click
                found = set(hands.map(lambda _: self._claim_once(), range(2)))
            self.book.note("double claims")
            # One whose time somebody ends may go between the two clicks.
            if len(found - {None}) > 1 and not found & self.book.left_lying:
                self.book.gap(f"expert {self.number}: a double click gave leases {found}")
            return next(iter(found - {None}), None)
        return self._claim_once()

    def _claim_once(self) -> int | None:
        said = self._send("POST", f"/work/claim/{self.project_id}", (302, 409))
        if said.status_code == 409:
            self.book.note(f"no task: {_heading(said)}")
            return None
        return int(said.headers["Location"].rpartition("/")[2])

    def _work_on(self, lease: int) -> int | None:
        """Do something with a task; return the next lease if the server gave one."""
        if self.number % 3:
            self._look_ahead(lease)
        self.over.wait(self.pace * self.chance.uniform(0.8, 1.2))
        result = choice("grant")
        result[0]["id"] = uuid.uuid4().hex[:10]
        if self.chance.random() < 0.5 and not self._draft(lease, result):
            return None
        habit = self.chance.random()
        if habit < 0.05:
            return self._leave(lease, "skip", {"reason": "The clause is cut off in the middle."})
        if habit < 0.10:
            return self._leave(lease, "return", {})
        if habit < 0.13:
            with self.book.lock:
                self.book.abandoned.append(lease)
                self.book.left_lying.add(lease)
            self.over.wait(3)  # somebody ends the time of the lease meanwhile
            return None
        return self._hand_in(lease, result)

    def _look_ahead(self, lease: int) -> None:
        """Let others wait beside it, as the page does; now and then twice at once, or give back."""
        if self.chance.random() < 0.05:
            self._send("POST", f"/work/{lease}/ahead/return", (200,), {})
            return
        hands = self.chance.choice((1, 1, 2))
        with ThreadPoolExecutor(hands) as pool:
            asked = (f"/work/{lease}/ahead" for _ in range(hands))
            told = list(pool.map(lambda one: self._send("POST", one, (200,), {}), asked))
        if any(one.status_code == 200 and one.json()["more"] for one in told):
            self.book.note("taken ahead")

    def _draft(self, lease: int, result: list[dict[str, Any]]) -> bool:
        said = self._send("POST", f"/work/{lease}/draft", (200, 409), {"result": result})
        if said.status_code == 200:  # also where its time ran out meanwhile
            with self.book.lock:
                self.book.drafts[lease] = result
                self.book.counts["drafts"] += 1
        if said.status_code == 200 and said.json()["state"] == "active":
            shown = self._send("GET", f"/work/{lease}/task.json", (200, 404, 409))
            if shown.status_code == 200 and shown.json()["draft"] != result:
                self.book.gap(f"lease {lease}: the page shows another draft than was kept")
        return said.status_code == 200

    def _leave(self, lease: int, way: str, body: dict[str, Any]) -> None:
        self._send("POST", f"/work/{lease}/{way}", (200, 409), body)
        self.book.note(f"{way}s")

    def _hand_in(self, lease: int, result: list[dict[str, Any]]) -> int | None:
        wants_next = self.chance.random() < 0.7
        body = {"result": result, "next": wants_next}
        said = self._send("POST", f"/work/{lease}/submit", (200, 409), body)
        if said.status_code == 409:
            with self.book.lock:
                self.book.counts["too late"] += 1
                if said.json().get("state") == "expired":  # kept as what was typed last
                    self.book.drafts[lease] = result
            return None
        with self.book.lock:
            self.book.handed_in[lease] = (self.user_id, result)
        if self.chance.random() < 0.1:  # a second click
            self._send("POST", f"/work/{lease}/submit", (200,), {"result": result})
            self.book.note("double hand-ins")
        address = str(said.json().get("next", ""))
        number = address.rpartition("/")[2]
        # Where there is no next task it is the page of this one.
        is_next = wants_next and number.isdigit() and int(number) != lease
        return int(number) if is_next else None

    def _send(
        self, method: str, address: str, good: tuple[int, ...], body: Any = None
    ) -> httpx.Response:
        """Ask until the server answers; raise `ServerGone` when it stays away."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not self.is_cut_short():
            try:
                said = (
                    self.http.request(method, address, json=body)
                    if body is not None
                    else (self.http.request(method, address))
                )
            except httpx.HTTPError:
                self.book.note("cut off")
            else:
                if said.status_code in good:
                    return said
                if said.status_code < 500:
                    self.book.gap(f"{method} {address}: answered {said.status_code}")
                    return said
                self.book.note("server errors")
            time.sleep(self.chance.uniform(0.5, 2))
        raise ServerGone

    def is_cut_short(self) -> bool:
        """Say whether the proof ends though not all is done."""
        return self.over.is_set() and bool(self.book.stopped)


def _heading(said: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", said.text, re.DOTALL)
    return " ".join(found[1].split()) if found else "?"
