"""When somebody may start an interview. Pure: past attempts and a policy in, an answer out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from interviews.items import Retakes


@dataclass(frozen=True)
class Attempt:
    """A past interview that counts: when it began and ended, and whether it was finished."""

    started_at: datetime
    ended_at: datetime
    finished: bool


def may_start_from(past: Sequence[Attempt], policy: Retakes, at: datetime) -> datetime:
    """Return from when another attempt may start; `at` itself when it may start now."""
    if not past:
        return at
    last = max(past, key=lambda attempt: attempt.ended_at)
    delay = policy.delay_days if last.finished else policy.delay_days_unfinished
    return max(at, last.ended_at + timedelta(days=delay), _window(past, policy, at))


def used(past: Sequence[Attempt], policy: Retakes, at: datetime) -> int:
    """Return how many attempts of the last year count."""
    since = at - timedelta(days=policy.within_days)
    return sum(attempt.started_at > since for attempt in past)


def _window(past: Sequence[Attempt], policy: Retakes, at: datetime) -> datetime:
    starts = sorted(attempt.started_at for attempt in past)
    if len(starts) < policy.attempts:
        return at
    # The attempt that must leave the window before another fits into it.
    return starts[-policy.attempts] + timedelta(days=policy.within_days)
