"""Whether long answers get more points: rank correlations, with their ranges.

Pure. Judges that are language models tend to like long answers (Zheng et al., Judging
LLM-as-a-judge, NeurIPS 2023). Longer answers often do say more, so the points of people are looked
at beside, and above all what judges give more than people: that should not go with length.
Spearman's correlation is Pearson's of ranks, equal values sharing their mean rank; the tests
compare it with SciPy's. Its range is Fisher's, with the error of Bonett and Wright (Psychometrika
65, 2000).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import atanh, sqrt, tanh
from typing import Any

LEAST = 20  # answers under which no figure is a reason to act
_DEVIATIONS = 1.96  # 95 %
_NEARLY = 0.999999  # where the transformation would not end


class Tendency(StrEnum):
    """What a correlation says of long answers."""

    FEW = "few"
    UNKNOWN = "unknown"
    NONE = "none"
    MORE = "more"
    LESS = "less"


@dataclass(frozen=True)
class Correlation:
    """A correlation with its range; None where all values are the same, or hardly any are there."""

    answers: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def tendency(self) -> Tendency:
        """What it says, as far as it says anything."""
        if self.answers < LEAST:
            return Tendency.FEW
        if self.value is None or self.low is None or self.high is None:
            return Tendency.UNKNOWN
        if self.low > 0:
            return Tendency.MORE
        return Tendency.LESS if self.high < 0 else Tendency.NONE


def of_points(found: Sequence[tuple[int, float, float]]) -> dict[str, Any]:
    """Return correlations with length, from (length, points of judges, points of people)."""
    lengths = [float(length) for length, _judges, _people in found]
    columns = {
        "judges": [judges for _length, judges, _people in found],
        "people": [people for _length, _judges, people in found],
        # Sums of thirds are not exact, and ties must stay ties.
        "beyond": [round(judges - people, 9) for _length, judges, people in found],
    }
    every = {name: spearman(lengths, points) for name, points in columns.items()}
    return {name: asdict(one) | {"tendency": str(one.tendency)} for name, one in every.items()}


def spearman(ones: Sequence[float], others: Sequence[float]) -> Correlation:
    """Return the rank correlation of two rows of values."""
    count = len(ones)
    value = _pearson(ranks(ones), ranks(others)) if count > 1 else None
    if value is None or count < 4:
        return Correlation(count, value, None, None)
    middle = atanh(max(-_NEARLY, min(_NEARLY, value)))
    reach = _DEVIATIONS * sqrt((1 + value * value / 2) / (count - 3))
    return Correlation(count, value, tanh(middle - reach), tanh(middle + reach))


def ranks(values: Sequence[float]) -> list[float]:
    """Return the ranks of values from 1 on; equal ones share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    found = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for place in order[begin:end]:
            found[place] = (begin + 1 + end) / 2
        begin = end
    return found


def words(text: str) -> int:
    """Return how long an answer is, in words."""
    return len(text.split())


def _pearson(ones: Sequence[float], others: Sequence[float]) -> float | None:
    middle_one, middle_other = sum(ones) / len(ones), sum(others) / len(others)
    left = [one - middle_one for one in ones]
    right = [other - middle_other for other in others]
    spread = sqrt(sum(one * one for one in left) * sum(other * other for other in right))
    if spread == 0:
        return None
    together = sum(one * other for one, other in zip(left, right, strict=True)) / spread
    return max(-1.0, min(1.0, together))
