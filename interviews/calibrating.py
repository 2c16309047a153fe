"""Curves of items from answers, held by the authors' priors: few answers change little.

Pure. Of each item two things are estimated, its place b (the middle of its thresholds, whose
distances stay) and the logarithm of its slope a. They maximise the posterior

    sum over people of log integral of prod P(x | ability; a, b) N(ability; m, s) d ability
    - sum over items of (b - b0)^2 / (2 PLACE^2) + (log a - log a0)^2 / (2 SLOPE^2)

by Bock and Aitkin's EM (Psychometrika 46, 1981) with the priors of Mislevy (Bayes modal estimation
in item response models, Psychometrika 51, 1986); m and s of the people are estimated as well. After
each round the places are moved so that the bank as a whole stays as hard as its authors said.
Questions that nobody was asked are no answers: which come next follows only from the answers given,
so their absence says nothing (Mislevy and Chang, Psychometrika 65, 2000).

Errors come from the cross products of the scores of people (Meilijson, JRSS B 51, 1989), with what
the prior adds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interviews.ability import Curve, Prior, chances

Floats = NDArray[np.float64]

AT: Floats = np.linspace(-5, 5, 101, dtype=np.float64)
PLACE, SLOPE = 0.5, 0.3  # how far items are taken to lie from what their authors said
ROUNDS, ENOUGH = 200, 1e-3
NOBODY = -1


@dataclass(frozen=True)
class Answers:
    """What people answered: a row for each, oldest first, its questions in the order asked.

    `items` are places in the list of curves, `NOBODY` where a row is over; `fixed` is how many
    first questions of a row did not follow from its answers.
    """

    items: NDArray[Any]
    categories: NDArray[Any]
    fixed: NDArray[Any]
    languages: NDArray[Any]

    @property
    def people(self) -> int:
        """How many rows there are."""
        return int(self.items.shape[0])

    def of(self, item: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return who answered an item, and in which place of theirs."""
        rows, places = np.nonzero(self.items == item)
        return rows, places


@dataclass(frozen=True)
class Calibrated:
    """A curve as answers and prior have it, with the errors of its place and of its slope."""

    curve: Curve
    place: float
    place_error: float
    slope_error: float
    answers: int


@dataclass(frozen=True)
class Calibration:
    """The curves of a bank, and how able the people were who answered."""

    items: tuple[Calibrated, ...]
    people: Prior


@dataclass
class _Item:
    """An item while it is estimated: how far its thresholds lie from its place, and its prior."""

    offsets: Floats
    prior: Floats  # log slope, place
    now: Floats

    @property
    def curve(self) -> Curve:
        places = tuple(round(float(self.now[1] + one), 4) for one in self.offsets)
        return Curve(round(float(np.exp(self.now[0])), 4), places)


def calibrate(answers: Answers, priors: Sequence[Curve]) -> Calibration:
    """Return the curves that answers show, and the people who gave them."""
    items = [_item(curve) for curve in priors]
    given = [answers.of(number) for number in range(len(items))]
    people = Prior()
    for _round in range(ROUNDS):
        before = np.array([one.now for one in items])
        weights = posterior(log_likelihood(answers, [one.curve for one in items]), people)
        for item, (rows, places) in zip(items, given, strict=True):
            if rows.size:
                _climb(item, _counts(item, weights[rows], answers.categories[rows, places]))
        people = _stand(items, given, population_of(weights))
        if np.abs(np.array([one.now for one in items]) - before).max() < ENOUGH:
            break
    weights = posterior(log_likelihood(answers, [one.curve for one in items]), people)
    found = [
        _calibrated(item, weights[rows], answers.categories[rows, places])
        for item, (rows, places) in zip(items, given, strict=True)
    ]
    return Calibration(tuple(found), people)


def log_likelihood(answers: Answers, curves: Sequence[Curve]) -> Floats:
    """Return what all answers of each person say of their ability: (people, abilities)."""
    found: Floats = by_question(answers, curves).sum(axis=1)
    return found


def by_question(answers: Answers, curves: Sequence[Curve]) -> Floats:
    """Return what each answer says of the ability: shape (people, questions, abilities)."""
    most = max(curve.categories for curve in curves)
    table = np.zeros(
        (len(curves) + 1, most, AT.size)
    )  # the last is of no question: it says nothing
    for number, curve in enumerate(curves):
        table[number, : curve.categories] = np.log(np.maximum(chances(curve, AT), 1e-300))
    found: Floats = table[answers.items, answers.categories]
    return found


def posterior(likelihood: Floats, people: Prior) -> Floats:
    """Return where each person stands after answers, as weights over the abilities."""
    found = likelihood - 0.5 * ((AT - people.mean) / people.deviation) ** 2
    found = np.exp(found - found.max(axis=1, keepdims=True))
    weights: Floats = found / found.sum(axis=1, keepdims=True)
    return weights


def population(likelihood: Floats, rounds: int = 40) -> Prior:
    """Return how able some people are, from what their answers say."""
    people = Prior()
    for _round in range(rounds):
        people = population_of(posterior(likelihood, people))
    return people


def population_of(weights: Floats) -> Prior:
    """Return the mean and deviation of people, from where each stands."""
    mass = weights.mean(axis=0)
    mean = float(mass @ AT)
    return Prior(mean, max(0.2, float(np.sqrt(mass @ (AT - mean) ** 2))))


def _item(curve: Curve) -> _Item:
    place = float(np.mean(curve.thresholds))
    known = np.array([np.log(curve.slope), place])
    return _Item(np.array(curve.thresholds) - place, known, known.copy())


def _stand(items: Sequence[_Item], given: Sequence[Any], people: Prior) -> Prior:
    """Move items and people together, so that the bank is as hard as before."""
    counts = np.array([rows.size for rows, _places in given], dtype=float)
    if not counts.sum():
        return people
    shift = float(np.average([one.now[1] - one.prior[1] for one in items], weights=counts))
    for item, count in zip(items, counts, strict=True):
        if count:
            item.now[1] -= shift
    return Prior(people.mean - shift, people.deviation)


def _counts(item: _Item, weights: Floats, categories: NDArray[Any]) -> Floats:
    """Return how many people of each ability earned each category, as expected."""
    return np.array(
        [weights[categories == number].sum(axis=0) for number in range(item.offsets.size + 1)]
    )


def _climb(item: _Item, counts: Floats) -> None:
    """Go up by Fisher's scoring, a few steps of bounded length."""
    pull = np.diag([1 / SLOPE**2, 1 / PLACE**2])
    for _step in range(3):
        shares, slopes = _slopes(item)
        gradient = np.einsum("cq,pcq->p", counts / shares, slopes) - pull @ (item.now - item.prior)
        expected = np.einsum("q,pcq,rcq,cq->pr", counts.sum(axis=0), slopes, slopes, 1 / shares)
        step = np.linalg.solve(expected + pull, gradient)
        item.now += np.clip(step, -0.5, 0.5)


def _slopes(item: _Item) -> tuple[Floats, Floats]:
    """Return the chances of the categories, and how they change with log slope and place."""
    slope, place = np.exp(item.now[0]), item.now[1]
    distance = slope * (AT[None, :] - place - item.offsets[:, None])
    reached = 1 / (1 + np.exp(-distance))
    bend = reached * (1 - reached)
    edges = np.zeros((2, item.offsets.size + 2, AT.size))
    edges[0, 1:-1], edges[1, 1:-1] = distance * bend, -slope * bend
    whole = np.ones((item.offsets.size + 2, AT.size))
    whole[1:-1], whole[-1] = reached, 0
    return np.maximum(whole[:-1] - whole[1:], 1e-12), edges[:, :-1] - edges[:, 1:]


def _calibrated(item: _Item, weights: Floats, categories: NDArray[Any]) -> Calibrated:
    shares, slopes = _slopes(item)
    ratio = slopes / shares  # of the logarithm: shape (2, categories, abilities)
    scores = np.einsum("nq,pnq->np", weights, ratio[:, categories]) if categories.size else None
    known = np.diag([1 / SLOPE**2, 1 / PLACE**2])
    if scores is not None:
        known = known + scores.T @ scores
    errors = np.sqrt(np.diag(np.linalg.inv(known)))
    return Calibrated(
        curve=item.curve,
        place=float(item.now[1]),
        place_error=float(errors[1]),
        slope_error=float(errors[0] * np.exp(item.now[0])),
        answers=int(categories.size),
    )
