"""Questions that would wait for one another at the database travel there together.

While a message of a queue is on its way, what else comes for that queue gathers here, and the next
message takes all of it. So a busy server does one thing several times in a row, which is quicker
than in turn with other things, and waits for the disk once.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from queue import SimpleQueue
from typing import Any, Final

ALONE: Final = object()  # in place of an answer: the message has failed, whoever's fault it was
LEAD: Final = object()

Waiting = tuple[str, SimpleQueue[Any]]
Send = Callable[[Sequence[str]], Sequence[Any]]


class Together:
    """Lets threads that ask in one queue send for each other; who comes first waits for nobody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gathered: dict[Hashable, list[Waiting]] = {}  # of queues with a message on its way

    def ask(self, queue: Hashable, question: str, send: Send) -> Any:
        """Return the answer to a question, or `ALONE` where it has to be asked again, alone.

        `send` asks several questions, the own one first, and returns their answers in that order;
        it runs in the thread of one of those who ask, for all. What it raises is raised to that
        one. Whatever it has done by then, it must be possible to ask every question again.
        """
        told: SimpleQueue[Any] = SimpleQueue()
        with self._lock:
            gathered = self._gathered.get(queue)
            if gathered is None:
                self._gathered[queue] = []
            else:
                gathered.append((question, told))
        answer = LEAD if gathered is None else told.get()
        return self._led(queue, question, send) if answer is LEAD else answer

    def _led(self, queue: Hashable, question: str, send: Send) -> Any:
        with self._lock:
            others = self._gathered[queue]
            self._gathered[queue] = []
        answers: Sequence[Any] = [ALONE] * (1 + len(others))
        try:
            came = send([question, *(asked for asked, _told in others)])
            assert len(came) == len(answers), "an answer for each question"
            answers = came
        finally:
            self._pass_on(queue)
            for (_asked, told), answer in zip(others, answers[1:], strict=True):
                told.put(answer)
        return answers[0]

    def _pass_on(self, queue: Hashable) -> None:
        """Let the first of those who have gathered meanwhile send, if there are any."""
        with self._lock:
            gathered = self._gathered[queue]
            if not gathered:
                del self._gathered[queue]
                return
            _question, told = gathered.pop(0)
        told.put(LEAD)
