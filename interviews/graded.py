"""Levels from the ability that answers show: what somebody of it would earn of the whole bank.

Pure. Interviews that adapt ask different people different questions, so their points do not
compare; abilities do (`interviews.ability`). A level stays what it was, a share of points: the
share that somebody of this ability earns on average of all items of the bank, so that the rule
needs no other words. Few questions say little of one competency, so each is looked at from where
all answers together stand, and a range tells how sure it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interviews import ability, scoring
from interviews.ability import GRID, Curve, Estimate, Prior
from interviews.curves import NONE, Known
from interviews.items import Bank
from interviews.scoring import Level, Scorecard

# How far the ability in one competency lies from that in all: what a person knows hangs together.
WITHIN = 0.7


@dataclass(frozen=True)
class Answered:
    """An answer as it counts: in which competency, to an item of which curve, for which points."""

    competency: str
    curve: Curve
    points: float

    @property
    def graded(self) -> tuple[Curve, int]:
        """The category that the points reach."""
        return self.curve, self.curve.category(self.points)


def scorecard(answers: Sequence[Answered], bank: Bank, known: Known = NONE) -> Scorecard:
    """Return the levels that answers show."""
    certainty = bank.rule.certainty
    shown_whole = whole(answers, bank)
    prior = Prior(round(shown_whole.mean, 3), WITHIN)
    found = {}
    for key in bank.competencies:
        of_it = [one for one in answers if one.competency == key]
        if of_it:
            graded = (one.graded for one in of_it)
            shown = ability.estimate(graded, certainty=certainty, prior=prior)
            found[key] = _level(of_it, shown, _shares(bank, key, known))
    total = _level(answers, shown_whole, _shares(bank, None, known))
    return Scorecard(total=total, competencies=found)


def below_high_floors(card: Scorecard, bank: Bank) -> frozenset[str]:
    """Return the competencies below a floor that is above the mark of the whole.

    A project has such floors where what was proven before leaves a low mark to what is asked.
    """
    return frozenset(
        key
        for key, level in card.competencies.items()
        if bank.rule.floor_of(key) > bank.rule.pass_mark
        and scoring.below(level, bank.rule.floor_of(key))
    )


def whole(answers: Sequence[Answered], bank: Bank) -> Estimate:
    """Return the ability that all answers show together; competencies count by their weight."""
    return ability.estimate(
        (one.graded for one in answers),
        certainty=bank.rule.certainty,
        counts=scoring.shares_of([one.competency for one in answers], bank.weights),
    )


def cut(bank: Bank, known: Known = NONE) -> float:
    """Return the ability at the pass mark: who has it earns just so much of the whole bank."""
    return float(np.interp(bank.rule.pass_mark, _shares(bank, None, known), GRID))


def _level(answers: Sequence[Answered], shown: Estimate, shares: ability.Floats) -> Level:
    low, share, high = np.interp([shown.low, shown.mean, shown.high], GRID, shares)
    return Level(
        points=sum(one.points for one in answers),
        of=len(answers),
        share=float(share),
        low=float(low),
        high=float(high),
        ability=shown.mean,
        deviation=shown.deviation,
    )


def _shares(bank: Bank, competency: str | None, known: Known) -> ability.Floats:
    """Return the share of the points of a bank, or of a competency of it, over the abilities.

    Where competencies have weights, the share of the whole is their mean by weight.
    """
    weights = bank.weights if competency is None else {}
    if len(set(weights.values())) > 1:
        parts = [weights[key] * _shares(bank, key, known) for key in bank.competencies]
        mean: ability.Floats = sum(parts, start=np.zeros_like(GRID)) / sum(weights.values())
        return mean
    named = frozenset(bank.competencies) if competency is None else competency
    key = (bank.origin, named, known.digest)
    if key not in _SHARES:
        found = bank.items if competency is None else bank.of(competency)
        _SHARES[key] = ability.expected_shares([known.of(item) for item in found])
    return _SHARES[key]


_SHARES: dict[tuple[str, str | frozenset[str], str], ability.Floats] = {}
