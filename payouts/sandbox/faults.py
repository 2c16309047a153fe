"""Trouble on purpose: what a network does to a client, asked for by a test.

The one rule: a fault strikes the requests that it was asked for and is then gone. Faults are
kept in memory, since a sandbox that starts again starts healthy.
"""

import threading
from dataclasses import dataclass
from typing import Literal

Kind = Literal["429", "500", "500_after", "lose_request", "lose_answer", "slow", "slow_commit"]
KINDS = ("429", "500", "500_after", "lose_request", "lose_answer", "slow", "slow_commit")


@dataclass
class Fault:
    """A trouble, the requests that it strikes, and how often it still will."""

    kind: Kind
    method: str = ""
    path: str = ""
    times: int = 1
    seconds: float = 1.0


class Faults:
    """The troubles that wait."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let a trouble wait for its request."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all troubles."""
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first trouble that strikes this request and count it."""
        with self._lock:
            for fault in self._waiting:
                if fault.method in ("", method) and path.startswith(fault.path):
                    fault.times -= 1
                    if fault.times < 1:
                        self._waiting.remove(fault)
                    return fault
        return None
