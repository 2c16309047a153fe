"""When the work of a project is done at the pace that was observed. Pure.

Two paces are known, of the last day and of the last week; what is foreseen lies between them, and
nothing is foreseen from a handful of answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

LEAST_ANSWERS = 10
LEAST_TIME = timedelta(hours=1)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
FARTHEST = timedelta(days=730)


@dataclass(frozen=True)
class Pace:
    """Answers handed in within a day and a week, and when the first of all was."""

    last_day: int
    last_week: int
    first_at: datetime | None


@dataclass(frozen=True)
class Forecast:
    """Between which times something is done; none where that is farther than anybody can see."""

    earliest: datetime | None
    latest: datetime | None


def of(answers: int, pace: Pace, at: datetime) -> Forecast | None:
    """Foresee when so many more answers are in; None where too little is known."""
    rates = list(_rates(pace, at))
    if not answers or not rates:
        return None
    return Forecast(_after(answers, max(rates), at), _after(answers, min(rates), at))


def per_day(pace: Pace, at: datetime) -> tuple[float, float] | None:
    """Return the slower and the quicker pace in answers a day; None where too little is known."""
    rates = list(_rates(pace, at))
    return (min(rates), max(rates)) if rates else None


def _rates(pace: Pace, at: datetime) -> Iterable[float]:
    if pace.first_at is None or pace.last_week < LEAST_ANSWERS:
        return
    known = max(at - pace.first_at, LEAST_TIME)
    for number, window in ((pace.last_day, DAY), (pace.last_week, WEEK)):
        if number:
            yield number / (min(window, known) / DAY)


def _after(answers: int, rate: float, at: datetime) -> datetime | None:
    days = answers / rate
    return None if days > FARTHEST / DAY else at + timedelta(days=days)
