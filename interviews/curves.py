"""What is taken for granted of an item before anybody has answered it: its curve by its priors.

Pure. The authors of a bank say how hard an item is and how well it tells; how many outcomes its
answer has follows from its kind. Guessing flattens a curve, so kinds with few options tell less.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from interviews.ability import Curve
from interviews.adaptive import Candidate
from interviews.items import Bank, Case, Item, Multiple, Ordering, Question, Short

# Slopes of kinds for an item of discrimination 1.
SLOPES = {
    "single": 1.0,
    "sentence": 1.1,
    "numeric": 1.4,
    "multiple": 1.2,
    "ordering": 1.2,
    "short": 1.3,
    "case": 1.3,
}
SPREAD = 0.8  # between the thresholds of an item that has several


@dataclass(frozen=True)
class Known:
    """Curves that answers have shown and operators accepted; other items have their prior.

    `digest` tells one set from another; the empty one knows of none (`interviews.calibration`).
    """

    digest: str = ""
    curves: Mapping[str, Curve] = field(default_factory=dict, compare=False)

    def of(self, item: Item) -> Curve:
        """Return the curve of an item."""
        return self.curves.get(item.id) or prior(item)


NONE = Known()


def prior(item: Item) -> Curve:
    """Return the curve of an item by its priors: its difficulty is the middle of its thresholds."""
    count = outcomes(item.question) - 1
    places = tuple(
        round(item.difficulty + SPREAD * (number - (count - 1) / 2), 3) for number in range(count)
    )
    return Curve(round(item.discrimination * SLOPES[item.kind], 3), places)


def outcomes(question: Question) -> int:
    """Return how many outcomes an answer has: nothing, all, and what lies between."""
    match question:
        case Multiple() | Ordering():
            return 3
        case Short():
            return question.needed + 1
        case Case():
            return len(question.parts) + 1
        case _:
            return 2


def pool(bank: Bank, series: str, known: Known = NONE) -> list[Candidate]:
    """Return the items of a bank for an attempt: the core items of its series and all others."""
    return [
        Candidate(item.id, item.competency, known.of(item), is_core=_is_for_all(item, bank))
        for item in bank.items
        if item.core in (None, series)
    ]


def _is_for_all(item: Item, bank: Bank) -> bool:
    return item.core is not None or item.id in bank.must_cover
