"""How Stripe is waited for: briefly where a person waits, longer in jobs, and never by everybody.

The one rule: while nothing answers, one question at a time finds out whether it does again, and
all others are told at once. So no page hangs, and no worker is busy with waiting.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import stripe
from flask import has_request_context

TIMEOUT = (5, 30)  # seconds to connect, and to hear something
BRIEFLY = (3, 8)
UNTIL_AWAY = 3  # questions in a row that nothing answered
PAUSE = 15  # seconds until the next one is let through


class PatientHttp(stripe.RequestsClient):
    """The SDK's own HTTP client, with patience that depends on who waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(timeout=TIMEOUT)
        self._brief = stripe.RequestsClient(timeout=BRIEFLY)
        self._clock = clock
        self._lock = threading.Lock()
        self._unanswered, self._again_at = 0, 0.0

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **_more: Any
    ) -> Any:
        """Ask, or say at once that nothing has answered a moment ago."""
        is_probe = self._admit()
        is_brief = is_probe or has_request_context()
        ask = self._brief.request if is_brief else super().request
        try:
            body, status, answered = ask(method, url, headers, post_data)
        except stripe.APIConnectionError as trouble:
            self._note_silence()
            trouble.should_retry = trouble.should_retry and not is_brief
            raise
        with self._lock:
            self._unanswered = 0
        if is_brief:  # whoever waits may press again; the reference stays the same
            marks: Any = answered
            marks["Stripe-Should-Retry"] = "false"
        return body, status, answered

    def _admit(self) -> bool:
        """Return whether this question is the one that finds out; refuse it while others do."""
        with self._lock:
            if self._unanswered < UNTIL_AWAY:
                return False
            if self._clock() < self._again_at:
                refused: Any = stripe.APIConnectionError
                raise refused("nothing answered a moment ago", should_retry=False)
            self._again_at = self._clock() + PAUSE
            return True

    def _note_silence(self) -> None:
        with self._lock:
            self._unanswered += 1
            self._again_at = self._clock() + PAUSE
