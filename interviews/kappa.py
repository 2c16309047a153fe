"""How far two readings of the same answers agree.

Pure. Points are shares of the full mark; for kappa they are grades of a twelfth, so that halves,
thirds and quarters are exact. Weighted kappa with quadratic weights: Cohen, Psychological Bulletin
70, 1968; the tests compare it with scikit-learn's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

GRADES = 12

Pair = tuple[float, float]  # points by the one that is looked at, points by the other


@dataclass(frozen=True)
class Agreement:
    """What the pairs of two readers come to; kappa is None where it is not defined."""

    pairs: int
    kappa: float | None
    bias: float | None
    error: float | None


def of(pairs: Sequence[Pair]) -> Agreement:
    """Return how far the first of each pair agrees with the second."""
    if not pairs:
        return Agreement(0, None, None, None)
    differences = [one - other for one, other in pairs]
    return Agreement(
        pairs=len(pairs),
        kappa=weighted([(grade(one), grade(other)) for one, other in pairs]),
        bias=sum(differences) / len(pairs),
        error=sum(abs(one) for one in differences) / len(pairs),
    )


def among(answers: Sequence[Sequence[float]]) -> Agreement:
    """Return how far several readers agree, from the points that each gave to each answer.

    Every two readers of an answer are a pair, in both orders, since none of them is the known one:
    so each has the same share in what would agree by chance (as Scott, Public Opinion Quarterly 19,
    1955). `pairs` counts them once. There is no bias between readers without order.
    """
    both = [pair for points in answers for pair in permutations(points, 2)]
    if not both:
        return Agreement(0, None, None, None)
    found = of(both)
    return Agreement(len(both) // 2, found.kappa, None, found.error)


def grade(points: float) -> int:
    """Return points as a grade from 0 to 12."""
    return round(points * GRADES)


def weighted(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Return kappa with quadratic weights; None where everybody gave everything the same grade."""
    ones, others = [one for one, _other in pairs], [other for _one, other in pairs]
    seen = sum((one - other) ** 2 for one, other in pairs) / len(pairs)
    expected = sum((one - other) ** 2 for one in ones for other in others) / len(pairs) ** 2
    return None if expected == 0 else 1 - seen / expected
