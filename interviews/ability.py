"""How able somebody is, from graded answers: Samejima's graded response model, estimated by EAP.

Pure. An ability is a number on the scale of the bank: 0 is a junior professional at the line, and
the abilities of those who come are taken to spread as a normal distribution with deviation 1. An
item is a slope a and ascending thresholds b; an answer reaches category k or more with chance
1 / (1 + exp(-a (ability - b_k))) (Samejima, Psychometrika Monograph 17, 1969). The estimate is the
mean of what is left of the prior after the answers (expected a posteriori; Bock and Mislevy,
Applied Psychological Measurement 6, 1982), on a grid: it exists from the first answer on, also for
all right and all wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP = 0.05
GRID: Floats = np.arange(-5, 5 + STEP / 2, STEP, dtype=np.float64)


@dataclass(frozen=True)
class Curve:
    """What is known of an item: its slope and, for each category after the first, a threshold."""

    slope: float
    thresholds: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.slope <= 0:
            raise ValueError("the slope of an item is above nothing")
        if not self.thresholds or list(self.thresholds) != sorted(set(self.thresholds)):
            raise ValueError("the thresholds of an item rise")

    @property
    def categories(self) -> int:
        """How many outcomes an answer can have."""
        return len(self.thresholds) + 1

    def category(self, points: float) -> int:
        """Return the category of so many points, a share of one; never more than was reached."""
        return int(min(points, 1.0) * len(self.thresholds) + 1e-9)


@dataclass(frozen=True)
class Estimate:
    """An ability, its deviation, and the range that holds it with the certainty asked for."""

    mean: float
    deviation: float
    low: float
    high: float

    def is_clear_of(self, cut: float) -> bool:
        """Whether the whole range lies on one side of a line."""
        return self.low > cut or self.high < cut


@dataclass(frozen=True)
class Prior:
    """What is taken for granted before the first answer."""

    mean: float = 0.0
    deviation: float = 1.0


def chances(curve: Curve, abilities: Any = GRID) -> Floats:
    """Return the chance of each category: shape (categories, abilities)."""
    at = np.asarray(abilities, dtype=float)
    reached = np.ones((curve.categories + 1, at.size))
    reached[-1] = 0
    reached[1:-1] = _reaches(curve, at)
    return reached[:-1] - reached[1:]


def information(curve: Curve, abilities: Any = GRID) -> Floats:
    """Return Fisher's information: the sum of P'^2 / P over categories, shape (abilities,)."""
    at = np.asarray(abilities, dtype=float)
    reached = _reaches(curve, at)
    slopes = np.zeros((curve.categories + 1, at.size))
    slopes[1:-1] = curve.slope * reached * (1 - reached)
    of_category = slopes[:-1] - slopes[1:]
    found: Floats = (of_category**2 / np.maximum(chances(curve, at), 1e-300)).sum(axis=0)
    return found


def posterior(
    answers: Iterable[tuple[Curve, int]],
    prior: Prior | None = None,
    counts: Iterable[float] | None = None,
) -> Floats:
    """Return what is left of the prior after answers, as weights over the grid; they sum to 1.

    `counts` says how often each answer counts, where not all count once.
    """
    found = _prior(prior or Prior()).copy()
    for (curve, category), count in zip(answers, counts or repeat(1.0), strict=False):
        found += count * _log_chances(curve)[category]
    found = np.exp(found - found.max())
    weights: Floats = found / found.sum()
    return weights


def estimate(
    answers: Iterable[tuple[Curve, int]],
    *,
    certainty: float,
    prior: Prior | None = None,
    counts: Iterable[float] | None = None,
) -> Estimate:
    """Return the ability that answers show, with the range that holds it with this certainty."""
    return read(posterior(answers, prior, counts), certainty)


def read(weights: Floats, certainty: float) -> Estimate:
    """Return the estimate that weights over the grid come to."""
    mean = float(weights @ GRID)
    deviation = float(np.sqrt(weights @ (GRID - mean) ** 2))
    sums = np.cumsum(weights) - weights / 2  # a weight stands for the step around its point
    low, high = np.interp([0.5 - certainty / 2, 0.5 + certainty / 2], sums, GRID)
    return Estimate(mean, deviation, float(low), float(high))


def expected_shares(curves: Sequence[Curve], abilities: Any = GRID) -> Floats:
    """Return the share of all points that people of some abilities earn of items on average."""
    earned = [
        np.arange(curve.categories) @ chances(curve, abilities) / len(curve.thresholds)
        for curve in curves
    ]
    shares: Floats = np.mean(earned, axis=0)
    return shares


def _reaches(curve: Curve, at: Floats) -> Floats:
    """Return the chance of each category but the first, or more."""
    distance = curve.slope * (at[None, :] - np.asarray(curve.thresholds)[:, None])
    reached: Floats = 1 / (1 + np.exp(-distance))
    return reached


@lru_cache(maxsize=4096)
def _log_chances(curve: Curve) -> Floats:
    found: Floats = np.log(np.maximum(chances(curve), 1e-300))
    return found


@lru_cache(maxsize=64)
def _prior(prior: Prior) -> Floats:
    return -0.5 * ((GRID - prior.mean) / prior.deviation) ** 2
