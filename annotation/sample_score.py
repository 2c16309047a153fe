"""What the scores of a few tasks come to against a rule. Pure.

A mean over so few tasks is uncertain. The rule lets pass at the mark; it refuses only where even
the upper end of the mean's range is below the mark, and a person looks at all between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import fmean

from annotation.measures import Part

CERTAINTY = 0.9
# Of a normal distribution, what 90 % lie below.
_DEVIATIONS = 1.2816


class Outcome(StrEnum):
    """What the rule says."""

    PASSED = "passed"
    NEAR = "near"
    FAILED = "failed"


@dataclass(frozen=True)
class Line:
    """What has to be reached: in the mean, and by each question of the form on its own."""

    pass_share: float
    floor_share: float


@dataclass(frozen=True)
class Card:
    """What all tasks came to: the mean with its range, and the mean of each question."""

    mean: float
    low: float
    high: float
    by_control: dict[str, float]
    tasks: int


def card(tasks: Sequence[Sequence[Part]], scores: Sequence[float]) -> Card:
    """Sum up the tasks that were answered."""
    shares: dict[str, list[float]] = {}
    for parts in tasks:
        for part in parts:
            shares.setdefault(part.control, []).append(part.score)
    mean = fmean(scores) if scores else 0.0
    low, high = around(mean, len(scores))
    return Card(mean, low, high, {name: fmean(some) for name, some in shares.items()}, len(scores))


def around(mean: float, tasks: int) -> tuple[float, float]:
    """Return the range in which the share over all such tasks lies; each end is 90 % certain.

    Formula: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference"
    (1927). A mean of shares varies no more than one of hits and misses, so it is never too narrow.
    """
    if tasks == 0:
        return 0.0, 1.0
    z = _DEVIATIONS * _DEVIATIONS
    middle = (mean + z / (2 * tasks)) / (1 + z / tasks)
    reach = _DEVIATIONS * sqrt(mean * (1 - mean) / tasks + z / (4 * tasks * tasks))
    reach /= 1 + z / tasks
    return max(0.0, middle - reach), min(1.0, middle + reach)


def weak(found: Card, line: Line) -> list[str]:
    """Return the questions of the form below the floor."""
    return [name for name, share in found.by_control.items() if share + 1e-9 < line.floor_share]


def outcome(found: Card, line: Line, *, in_doubt: bool) -> Outcome:
    """Say what the rule decides; with doubt about tasks or answers it never refuses."""
    if found.mean + 1e-9 >= line.pass_share:
        return Outcome.NEAR if weak(found, line) else Outcome.PASSED
    if in_doubt or found.high >= line.pass_share:
        return Outcome.NEAR
    return Outcome.FAILED
