"""Whether items behave as their curves say: over time, in both languages, and at every ability.

Pure. Differences between groups of people (an earlier and a later half; English and French) are
those of the place of the item that is likeliest in each group, with the group's own mean ability,
divided by their error (Lord, Applications of Item Response Theory, 1980, chapter 14). So groups
that differ in ability are no reason to flag an item. All answers of a person say where they stand.

Misfit compares what was earned with what the curve foresees. Foreseen is from answers that did not
follow from this one: later questions of an adaptive interview do, and would give it away. Infit and
outfit are mean squares of residuals (Wright and Masters, Rating Scale Analysis, 1982; near 1 where
the curve holds); the test is a sum of squares over five groups of ability (as Q1 of Yen, Applied
Psychological Measurement 5, 1981), brought to a normal scale by Wilson and Hilferty's cube root.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interviews import calibrating
from interviews.ability import Curve, chances
from interviews.calibrating import AT, NOBODY, Answers, Floats

FLAG = 3.0  # how many errors away something must be
AWAY = 0.4  # and how far, on the scale of abilities: less is nothing to act on
SQUARES = (0.75, 1.33)  # mean squares outside of this say that a curve does not hold
LEAST = 20  # answers in each group that is compared
BINS = 5
SHIFTS: Floats = np.arange(-3, 3.025, 0.05, dtype=np.float64)


@dataclass(frozen=True)
class Difference:
    """How much harder an item is for the second group than for the first, with its error."""

    size: float
    error: float

    @property
    def score(self) -> float:
        """The difference in errors."""
        return self.size / self.error

    @property
    def is_flagged(self) -> bool:
        """Whether it is sure, and large enough to matter."""
        return abs(self.score) >= FLAG and abs(self.size) >= AWAY


@dataclass(frozen=True)
class Bin:
    """People of about one ability: how many, and which share of the points they earned."""

    ability: float
    people: int
    earned: float
    foreseen: float


@dataclass(frozen=True)
class Fit:
    """What residuals say of an item."""

    infit: float
    outfit: float
    score: float
    bins: tuple[Bin, ...]

    @property
    def is_flagged(self) -> bool:
        """Whether the curve does not hold."""
        low, high = SQUARES
        return self.score >= FLAG or not low <= self.infit <= high


@dataclass(frozen=True)
class Look:
    """All that is looked at of one item; nothing where there are too few answers to tell."""

    drift: Difference | None = None
    languages: Difference | None = None
    fit: Fit | None = None


def look(answers: Answers, curves: Sequence[Curve]) -> list[Look]:
    """Return what answers say of each item by its curve."""
    cube = calibrating.by_question(answers, curves)
    whole = cube.sum(axis=1)
    later = np.arange(answers.people) >= answers.people // 2
    french = answers.languages == "fr"
    before = _foreseeing(answers, cube)
    return [
        Look(
            drift=_difference(answers, number, curve, cube, whole, later),
            languages=_difference(answers, number, curve, cube, whole, french),
            fit=_fit(answers, number, curve, before),
        )
        for number, curve in enumerate(curves)
    ]


def _difference(
    answers: Answers,
    number: int,
    curve: Curve,
    cube: Floats,
    whole: Floats,
    second: NDArray[Any],
) -> Difference | None:
    rows, places = answers.of(number)
    categories = answers.categories[rows, places]
    others = whole[rows] - cube[rows, places]
    found = []
    for group in (~second, second):
        of_it = group[rows]
        if of_it.sum() < LEAST:
            return None
        people = calibrating.population(whole[group])
        weights = calibrating.posterior(others[of_it], people)
        found.append(_place(curve, weights, categories[of_it]))
    if found[0] is None or found[1] is None:
        return None
    (first, first_error), (then, then_error) = found[0], found[1]
    return Difference(then - first, float(np.hypot(first_error, then_error)))


def _place(curve: Curve, weights: Floats, categories: NDArray[Any]) -> tuple[float, float] | None:
    """Return how far from its curve an item lies for some people, with the error; None at an end.

    It is where the likelihood of their answers is highest; its bend there gives the error.
    """
    likelihood = np.zeros(SHIFTS.size)
    for place, shift in enumerate(SHIFTS):
        by_category = weights @ chances(curve, AT - shift).T
        likelihood[place] = np.log(by_category[np.arange(categories.size), categories]).sum()
    best = int(likelihood.argmax())
    if not 2 <= best < SHIFTS.size - 2:
        return None
    step = float(SHIFTS[1] - SHIFTS[0])
    slope = (likelihood[best + 1] - likelihood[best - 1]) / (2 * step)
    bend = (likelihood[best + 1] - 2 * likelihood[best] + likelihood[best - 1]) / step**2
    if bend >= 0:
        return None
    return float(SHIFTS[best] - slope / bend), float(1 / np.sqrt(-bend))


def _foreseeing(answers: Answers, cube: Floats) -> Floats:
    """Return where each person stood by the answers that did not follow from this one."""
    sums = np.cumsum(cube, axis=1)
    count = cube.shape[1]
    place = np.broadcast_to(np.arange(count), answers.items.shape)
    until = np.maximum(place, answers.fixed[:, None])  # questions before it, or all fixed ones
    there = np.clip(until - 1, 0, count - 1)
    said = np.take_along_axis(sums, there[:, :, None], axis=1)
    said = np.where((until == 0)[:, :, None], 0.0, said)
    said = said - np.where((place < until)[:, :, None], cube, 0.0)
    people = calibrating.population(cube.sum(axis=1))
    flat = calibrating.posterior(said.reshape(-1, AT.size), people)
    found: Floats = flat.reshape(cube.shape)
    return found


def _fit(answers: Answers, number: int, curve: Curve, before: Floats) -> Fit | None:
    rows, places = answers.of(number)
    if rows.size < BINS * 8:
        return None
    weights = before[rows, places]
    earned = answers.categories[rows, places] / (curve.categories - 1)
    by_category = weights @ chances(curve, AT).T
    steps = np.arange(curve.categories) / (curve.categories - 1)
    foreseen = by_category @ steps
    spread = np.maximum(by_category @ steps**2 - foreseen**2, 1e-6)
    squares = (earned - foreseen) ** 2
    groups = np.array_split(np.argsort(weights @ AT, kind="stable"), BINS)
    sums = sum((earned[one].sum() - foreseen[one].sum()) ** 2 / spread[one].sum() for one in groups)
    return Fit(
        infit=float(squares.sum() / spread.sum()),
        outfit=float((squares / spread).mean()),
        score=_normal(float(sums), BINS - 1),
        bins=tuple(
            Bin(
                ability=float((weights[one] @ AT).mean()),
                people=int(one.size),
                earned=float(earned[one].mean()),
                foreseen=float(foreseen[one].mean()),
            )
            for one in groups
        ),
    )


def _normal(squares: float, freedom: int) -> float:
    """Return a sum of squares on a normal scale."""
    part = 2 / (9 * freedom)
    return float(((squares / freedom) ** (1 / 3) - (1 - part)) / np.sqrt(part))


def padded(
    rows: Sequence[Sequence[tuple[int, int]]], fixed: Sequence[int], languages: Sequence[str]
) -> Answers:
    """Return answers from rows of (item, category)."""
    most = max((len(row) for row in rows), default=0)
    items = np.full((len(rows), most), NOBODY)
    categories = np.zeros((len(rows), most), dtype=int)
    for number, row in enumerate(rows):
        for place, (item, category) in enumerate(row):
            items[number, place], categories[number, place] = item, category
    return Answers(items, categories, np.array(fixed, dtype=int), np.array(languages, dtype=str))
