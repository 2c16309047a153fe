"""From answers to points, from points to levels with a range, from levels to a verdict.

Pure: no session, no clock. Every question is worth one point.

- single, sentence: the point or nothing.
- multiple: for each right option chosen a share of the point, for each wrong one the same share
  off, never below nothing (the rule of Moodle's questions with several answers): choosing all, or
  guessing, earns nothing on average.
- ordering: pairs in the right order less pairs in the wrong one, over all pairs (Kendall's tau,
  Biometrika 30, 1938), never below nothing.
- numeric: the point within the tolerance.
- short: met checks over needed checks, at most the point.
- case: the mean of its parts.

Where a template gives competencies weights, the total is the mean of the competencies by weight.

A level is a share of points. Its range is Wilson's interval for a proportion (JASA 22, 1927), which
holds its promise for few questions (Brown, Cai, DasGupta, Statistical Science 16, 2001). Partial
points vary less than whole ones, so for them the range is wider than it need be: to the safe side.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from math import sqrt
from statistics import NormalDist
from typing import Any

from pydantic import BaseModel, ConfigDict

from interviews import evidence
from interviews.evidence import Reading
from interviews.items import (
    Bank,
    Case,
    Multiple,
    Numeric,
    Ordering,
    Question,
    Rule,
    Sentence,
    Short,
    Single,
)

Answer = Mapping[str, Any]
NOTHING = 1e-9  # sums of thirds are not exact


class Mark(BaseModel):
    """What an answer earned, and what was read in it."""

    model_config = ConfigDict(frozen=True)

    points: float
    readings: tuple[Reading, ...] = ()
    parts: dict[str, float] = {}
    # What is looked for was listed without a sentence, so it counts once a person has read it.
    key_words: bool = False


class Level(BaseModel):
    """Points of so many questions, as a share with its range."""

    model_config = ConfigDict(frozen=True)

    points: float
    of: int
    share: float
    low: float
    high: float
    # Where the questions were chosen by the answers, what the share rests on; see `graded`.
    ability: float | None = None
    deviation: float | None = None


class Scorecard(BaseModel):
    """The levels of an interview, in total and by competency."""

    model_config = ConfigDict(frozen=True)

    total: Level
    competencies: dict[str, Level]

    @property
    def is_by_ability(self) -> bool:
        """Whether the levels are those of an ability, not of the points that were asked for."""
        return self.total.ability is not None


class Verdict(StrEnum):
    """What the rule says: the line is near where it must not decide alone."""

    PASSED = "passed"
    FAILED = "failed"
    NEAR = "near"


class Cause(StrEnum):
    """What a verdict against somebody rests on."""

    TOTAL = "total_below"
    COMPETENCY = "competency_below"


def mark(question: Question, answer: Answer | None) -> Mark:
    """Return what an answer earns; no answer earns nothing."""
    if answer is None:
        return _unanswered(question)
    match question:
        case Single() | Sentence():
            return Mark(points=float(answer["choice"] == question.answer))
        case Multiple():
            return Mark(points=several(answer["choices"], question.answer))
        case Ordering():
            return Mark(points=order(answer["order"], question.answer))
        case Numeric():
            near = abs(answer["number"] - question.answer) <= question.tolerance + NOTHING
            return Mark(points=float(near))
        case Short():
            return in_words(question, answer["text"])
        case Case():
            parts = {
                key: mark(part, answer["parts"].get(key)).points
                for key, part in question.parts.items()
            }
            return Mark(points=sum(parts.values()) / len(parts), parts=parts)


def several(chosen: Iterable[str], right: Iterable[str]) -> float:
    """Return the points of a choice of several options."""
    chosen, right = set(chosen), set(right)
    return max(0.0, (len(chosen & right) - len(chosen - right)) / len(right))


def order(given: list[str], right: list[str]) -> float:
    """Return the points of an order."""
    places = [given.index(key) for key in right]
    pairs = [(a, b) for n, a in enumerate(places) for b in places[n + 1 :]]
    agreeing = sum(a < b for a, b in pairs)
    return max(0.0, (2 * agreeing - len(pairs)) / len(pairs))


def in_words(question: Short, text: str) -> Mark:
    """Return what the forms of the checks find in an answer in words."""
    mark = from_readings(question, evidence.read(text, question.checks))
    return mark.model_copy(update={"key_words": evidence.is_key_words(text, question.checks)})


def from_readings(question: Short, readings: tuple[Reading, ...]) -> Mark:
    """Return the points of an answer in words whose checks were read, by us or by a person."""
    met = sum(reading.met for reading in readings)
    return Mark(points=min(1.0, met / question.needed), readings=readings)


def level(points: Iterable[float], certainty: float) -> Level:
    """Return the level that some points show, with its range."""
    earned = list(points)
    count, total = len(earned), sum(earned)
    low, high = wilson(total, count, certainty)
    return Level(points=total, of=count, share=total / count, low=low, high=high)


def weighted(points: Sequence[float], counts: Sequence[float], certainty: float) -> Level:
    """Return the level of points that do not all count alike, with its range."""
    if all(count == 1 for count in counts):
        return level(points, certainty)
    effective = sum(counts)
    earned = sum(count * one for count, one in zip(counts, points, strict=True))
    low, high = wilson(earned, effective, certainty)
    share = earned / effective
    return Level(points=sum(points), of=len(points), share=share, low=low, high=high)


def shares_of(asked: Sequence[str], weights: Mapping[str, float]) -> list[float]:
    """Return how much each answer counts, by the competencies that were asked and their weights.

    A competency counts by its weight, however many questions it had. The sum is the number of
    answers of the same weight that would tell as much (Kish, Survey Sampling, 1965), so that
    uneven weights widen the range and never narrow it. Equal weights: each answer counts once.
    """
    found = {key: weights.get(key, 1.0) for key in asked}
    if len(set(found.values())) <= 1:
        return [1.0] * len(asked)
    times = Counter(asked)
    plain = [found[key] / times[key] for key in asked]
    scale = sum(plain) / sum(one * one for one in plain)
    return [one * scale for one in plain]


def wilson(points: float, count: float, certainty: float) -> tuple[float, float]:
    """Return Wilson's interval for so many points of so many questions."""
    z = NormalDist().inv_cdf(0.5 + certainty / 2)
    share = points / count
    centre = share + z * z / (2 * count)
    spread = z * sqrt(max(0.0, share * (1 - share)) / count + z * z / (4 * count * count))
    whole = 1 + z * z / count
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)


def scorecard(points: Mapping[str, float], bank: Bank) -> Scorecard:
    """Return the levels, from the points by item."""
    certainty = bank.rule.certainty
    by_competency: dict[str, list[float]] = {}
    for item_id, earned in points.items():
        by_competency.setdefault(bank.item(item_id).competency, []).append(earned)
    asked = [bank.item(item_id).competency for item_id in points]
    return Scorecard(
        total=weighted(list(points.values()), shares_of(asked, bank.weights), certainty),
        competencies={
            key: level(by_competency[key], certainty)
            for key in bank.competencies
            if key in by_competency
        },
    )


def verdict(card: Scorecard, rule: Rule, *, best: Level | None = None) -> Verdict:
    """Return what the rule says; `best` is the total with all points that nobody has read yet.

    The rule fails somebody alone only where the whole range of the total lies below the mark, and
    still would if all that is unread were right: whoever may stand near the line after a reading
    is read. A floor in a competency rests on few questions, so what fails on it alone goes to a
    person.
    """
    if not causes(card, rule):
        return Verdict.PASSED
    high = max(card.total.high, best.high) if best else card.total.high
    return Verdict.FAILED if high < rule.pass_mark else Verdict.NEAR


def causes(card: Scorecard, rule: Rule) -> list[Cause]:
    """Return what stands against a pass."""
    found = []
    if below(card.total, rule.pass_mark):
        found.append(Cause.TOTAL)
    if weak(card, rule):
        found.append(Cause.COMPETENCY)
    return found


def weak(card: Scorecard, rule: Rule) -> list[str]:
    """Return the competencies below the floor."""
    found = card.competencies.items()
    return [key for key, level in found if below(level, rule.floor_of(key))]


def below(level: Level, line: float) -> bool:
    """Return whether a level is below a line."""
    return level.share < line - NOTHING


def _unanswered(question: Question) -> Mark:
    if isinstance(question, Short):
        return Mark(points=0.0, readings=tuple(Reading(key, met=False) for key in question.checks))
    if isinstance(question, Case):
        return Mark(points=0.0, parts=dict.fromkeys(question.parts, 0.0))
    return Mark(points=0.0)
