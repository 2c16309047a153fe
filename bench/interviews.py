"""How few questions an adaptive interview needs, against a fixed test of the same bank.

The reference is the shortest fixed test of the same bank that decides as many candidates rightly:
the core items of everybody and, drawn by chance, as many others in each competency. Both are given
to the same candidates with the same answers to the same items, and scored in the same way.

Candidates are made, not people: their abilities are normal around 0 with deviation 1, and the line
is that of the bank. Items behave as after a calibration, each by a curve drawn around its priors,
which both tests know.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from interviews import ability, adaptive, curves, items
from interviews.ability import Curve
from interviews.adaptive import Candidate, Course
from interviews.course import of

CANDIDATES = 5_000
BAR = 0.6
SLOPES_VARY, PLACES_VARY = 0.3, 0.4
SEED = 20261127


@dataclass
class Trial:
    """Somebody of an ability, and what they answer to each item."""

    able: float
    answers: dict[str, int]
    random: Random


@dataclass
class Outcome:
    """What a test came to: questions asked, and candidates decided rightly."""

    length: float
    right: float
    clear: float = 0.0
    exposure: float = 0.0


def run() -> bool:
    """Compare them for every bank; print the table, and last the worst figure."""
    figures = {field: _bank(field, bank) for field, bank in sorted(items.banks().items())}
    worst = max(figures, key=lambda field: figures[field])
    print(f"interviews: {figures[worst]:.2f} of the questions, in {worst} (bar {BAR}, lower wins)")
    return figures[worst] <= BAR


def _bank(field: str, bank: items.Bank) -> float:
    random = np.random.default_rng(SEED)
    pool = [_calibrated(item, random) for item in curves.pool(bank, "A")]
    trials = _trials(pool, random)
    found = _adaptive(pool, trials, bank)
    print(f"\n{field}: {len(pool)} items, {len(bank.competencies)} competencies")
    print("  test          questions  decided rightly  clear of the line  most given item")
    print(
        f"  adaptive      {found.length:9.1f}  {found.right:15.1%}  {found.clear:17.1%}"
        f"  {found.exposure:15.1%}"
    )
    fixed = []
    for count in range(1, _largest(pool) + 1):
        fixed.append(_fixed(pool, trials, of(bank), count))
        print(f"  fixed         {fixed[-1].length:9.1f}  {fixed[-1].right:15.1%}")
        if fixed[-1].right >= found.right:
            break
    needed = _needed(fixed, found.right)
    print(f"  of equal worth would be a fixed test of {needed:.1f}: {found.length / needed:.2f}")
    return found.length / needed


def _needed(fixed: Sequence[Outcome], right: float) -> float:
    """Return how long a fixed test is that decides so many rightly, between the lengths tried."""
    lengths, shares = [one.length for one in fixed], [one.right for one in fixed]
    return float(np.interp(right, np.maximum.accumulate(shares), lengths))


def _calibrated(item: Candidate, random: np.random.Generator) -> Candidate:
    """Return an item as it turned out to be when many had answered it."""
    slope = float(item.curve.slope * np.exp(random.normal(0, SLOPES_VARY)))
    moved = float(random.normal(0, PLACES_VARY))
    places = tuple(place + moved for place in item.curve.thresholds)
    return Candidate(item.id, item.competency, Curve(slope, places), item.is_core)


def _trials(pool: Sequence[Candidate], random: np.random.Generator) -> list[Trial]:
    able = random.normal(0, 1, CANDIDATES)
    answers: dict[str, list[int]] = {}
    for item in pool:
        reached = np.cumsum(ability.chances(item.curve, able)[:-1], axis=0)
        drawn = random.random(CANDIDATES)
        answers[item.id] = (drawn[None, :] > reached).sum(axis=0).tolist()
    return [
        Trial(float(able[n]), {key: given[n] for key, given in answers.items()}, Random(n))  # noqa: S311
        for n in range(CANDIDATES)
    ]


def _adaptive(pool: Sequence[Candidate], trials: Sequence[Trial], bank: items.Bank) -> Outcome:
    course = of(bank)
    caps = {item.id: item.exposure_cap for item in bank.items}
    given: Counter[str] = Counter()
    lengths, right, clear = [], 0, 0
    for number, trial in enumerate(trials):
        asked: list[Candidate] = []
        left = list(pool)
        now = _shown(asked, trial, course)
        rest = adaptive.resting(given, caps, number)
        while adaptive.ending(course, asked, left, now) is None:
            item = adaptive.choose(course, asked, left, now, trial.random, resting=rest)
            left.remove(item)
            asked.append(item)
            now = _shown(asked, trial, course)
        given.update(item.id for item in asked if not item.is_core)
        lengths.append(len(asked))
        right += (now.mean > course.cut) == (trial.able > course.cut)
        clear += now.is_clear_of(course.cut)
    count = len(trials)
    most = max(given.values()) / count
    return Outcome(sum(lengths) / count, right / count, clear / count, most)


def _fixed(
    pool: Sequence[Candidate], trials: Sequence[Trial], course: Course, count: int
) -> Outcome:
    by_competency: dict[str, list[Candidate]] = {}
    for item in pool:
        by_competency.setdefault(item.competency, []).append(item)
    right = length = 0
    for trial in trials:
        asked = []
        for there in by_competency.values():
            core = [item for item in there if item.is_core][:count]
            others = [item for item in there if not item.is_core]
            asked += core + trial.random.sample(others, min(len(others), count - len(core)))
        right += (_shown(asked, trial, course).mean > course.cut) == (trial.able > course.cut)
        length += len(asked)
    return Outcome(length / len(trials), right / len(trials))


def _shown(asked: Sequence[Candidate], trial: Trial, course: Course) -> ability.Estimate:
    answers = [(item.curve, trial.answers[item.id]) for item in asked]
    return ability.estimate(answers, certainty=course.certainty)


def _largest(pool: Sequence[Candidate]) -> int:
    return max(Counter(item.competency for item in pool).values())
