"""What a template asks: competencies with weights and floors, items for all, length, pass rule.

Pure. `applied` lays terms over a bank, and what comes out is a bank as any other, so that choice,
points, levels and words need to know nothing of templates. What somebody has proven before is left
out of it (`Part`), and its level counts towards the mark. What a later version of the bank lacks is
told (`lacking`) and left out (`narrowed`); the rest is asked as it was written.

The work sample of a project is no part of this: the rule of `annotation.sample` alone says it.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Annotated, Self

from pydantic import Field, model_validator

from interviews.items import Adaptive, Bank, Item, Key, Retakes, Rule, Share, Text
from interviews.items import Part as Piece

Weight = Annotated[int, Field(ge=1, le=10)]
MOST_QUESTIONS = 60
MOST_MUST_COVER = 10
LONGEST_MINUTES, LONGEST_HOURS = 240, 720
REUSE_MONTHS = 12
TINY = 1e-9  # sums of thirds are not exact


class Terms(Piece):
    """What an interview by a template asks, and how it is decided."""

    weights: dict[Key, Weight] = Field(min_length=1)
    floors: dict[Key, Share]
    pass_mark: Share
    certainty: Annotated[float, Field(gt=0.5, lt=1)]
    must_cover: list[str] = Field(default_factory=list, max_length=MOST_MUST_COVER)
    adaptive: Adaptive
    follow_ups: int = Field(default=2, ge=0, le=2)
    minutes: int = Field(ge=1, le=LONGEST_MINUTES)
    open_hours: int = Field(ge=1, le=LONGEST_HOURS)
    reuse_months: int = Field(default=REUSE_MONTHS, ge=1, le=12)
    retakes: Retakes
    other_items: bool = True
    free_after_outage: bool = True
    contest_days: int = Field(ge=7)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if set(self.floors) != set(self.weights):
            raise ValueError("each competency that counts has a floor, and no other has")
        if len(set(self.must_cover)) != len(self.must_cover):
            raise ValueError("an item is named twice")
        if self.adaptive.most > MOST_QUESTIONS:
            raise ValueError("the interview is too long")
        return self

    @property
    def whole(self) -> int:
        """The sum of the weights."""
        return sum(self.weights.values())

    @cached_property
    def digest(self) -> str:
        """What tells these terms from all others."""
        return _digest(self.model_dump(mode="json"))


@dataclass(frozen=True)
class Lacking:
    """What some terms ask for and a bank does not have, or has too little of.

    `few` is how many questions there are for one interview, where they are fewer than it may have.
    """

    competencies: tuple[str, ...] = ()
    must_cover: tuple[str, ...] = ()
    few: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether the bank has all that is asked."""
        return self == Lacking()


class Part(Piece):
    """What of a template one interview asks: the rest was proven before, at these levels."""

    asked: list[Key] = Field(min_length=1)
    reused: dict[Key, Share] = Field(default_factory=dict)
    proofs: list[int] = Field(default_factory=list)


class RuleOfTemplate(Rule):
    """The pass rule of a template, with a floor for each competency."""

    floors: dict[Key, Share]

    def floor_of(self, competency: str) -> float:
        """Return the floor of a competency."""
        return self.floors.get(competency, self.floor)


class Applied(Bank):
    """A bank as a template asks it, for one person."""

    terms: Terms
    part: Part
    taken_from: str
    called: dict[str, Text]  # all competencies of the bank, also those that are not asked

    @property
    def weights(self) -> dict[str, float]:
        """How much each competency counts among those that are asked."""
        return {key: float(self.terms.weights[key]) for key in self.competencies}

    @property
    def must_cover(self) -> frozenset[str]:
        """The items that everybody gets who is asked in their competency."""
        return frozenset(self.terms.must_cover)

    @property
    def asks_others(self) -> bool:
        """Whether somebody who comes again gets other questions."""
        return self.terms.other_items

    @property
    def follow_ups(self) -> int:
        """How many questions a language model may ask after an answer in words, at most."""
        return self.terms.follow_ups

    @property
    def origin(self) -> str:
        """The edition of the bank that the template was laid over."""
        return self.taken_from

    @cached_property
    def digest(self) -> str:
        """What tells it from every other."""
        return _digest([self.taken_from, self.terms.digest, self.part.model_dump(mode="json")])


def of_bank(bank: Bank) -> Terms:
    """Return the terms that a bank itself comes to: all competencies alike, and its own rule."""
    found = bank.template.adaptive or Adaptive(least=bank.questions, most=bank.questions)
    # An organisation may write longer ones into its bank than a template may ask.
    most = min(found.most, MOST_QUESTIONS, there_are(bank.competencies, bank))
    adaptive = Adaptive(least=min(found.least, most), most=most)
    return Terms(
        weights=dict.fromkeys(bank.competencies, 1),
        floors=dict.fromkeys(bank.competencies, bank.rule.floor),
        pass_mark=bank.rule.pass_mark,
        certainty=bank.rule.certainty,
        adaptive=adaptive,
        minutes=min(bank.minutes(most), LONGEST_MINUTES),
        open_hours=min(bank.template.open_hours, LONGEST_HOURS),
        retakes=bank.retakes,
        contest_days=bank.rule.contest_days,
    )


def problems(terms: Terms, bank: Bank) -> list[str]:
    """Return what of some terms a bank does not have; their names are for programs."""
    found = []
    if not set(terms.weights) <= set(bank.competencies):
        found.append("competencies")
    pool = {item.id: item for item in bank.items}
    if any(not _may_be_for_all(pool.get(key), terms.weights) for key in terms.must_cover):
        found.append("must_cover")
    if terms.adaptive.most < len(terms.weights) + len(terms.must_cover):
        found.append("most")
    return found


def there_are(competencies: Collection[str], bank: Bank) -> int:
    """Return how many questions one interview may choose from: one series of the core items."""
    return sum(item.competency in competencies and item.core != "B" for item in bank.items)


def lacking(terms: Terms, bank: Bank) -> Lacking:
    """Return what of some terms a bank no longer has."""
    gone = [key for key in terms.weights if key not in bank.competencies]
    pool = {item.id: item for item in bank.items}
    left = [key for key in terms.weights if key not in gone]
    there = there_are(left, bank)
    return Lacking(
        competencies=tuple(gone),
        must_cover=tuple(k for k in terms.must_cover if not _may_be_for_all(pool.get(k), left)),
        few=there if there < terms.adaptive.most else None,
    )


def narrowed(terms: Terms, bank: Bank) -> Terms | None:
    """Return what of some terms a bank can ask: the terms themselves where that is everything.

    None where it has none of the competencies. The same terms and bank give the same answer, so an
    interview, which keeps both, is asked the same whenever they are laid over one another.
    """
    gone = lacking(terms, bank)
    if not gone.competencies and not gone.must_cover:
        return terms
    weights = {key: one for key, one in terms.weights.items() if key not in gone.competencies}
    if not weights:
        return None
    kept = {
        "weights": weights,
        "floors": {key: terms.floors[key] for key in weights},
        "must_cover": [key for key in terms.must_cover if key not in gone.must_cover],
    }
    return Terms.model_validate(terms.model_dump() | kept)


def for_all(terms: Terms, bank: Bank) -> list[Item]:
    """Return the items that could be asked of everybody beside the core items."""
    return [item for item in bank.items if _may_be_for_all(item, terms.weights)]


def applied(
    bank: Bank, terms: Terms, *, code: str, version: int, part: Part | None = None
) -> Applied:
    """Return a bank as a template asks it; items and competencies keep their order."""
    part = part or Part(asked=list(terms.weights))
    keys = [key for key in bank.competencies if key in part.asked]
    rule = RuleOfTemplate.model_construct(
        code=code,
        version=version,
        pass_mark=mark_of_rest(terms, part),
        floor=min(terms.floors[key] for key in keys),
        certainty=terms.certainty,
        contest_days=terms.contest_days,
        floors={key: terms.floors[key] for key in keys},
    )
    adaptive = bounds(terms, part, bank)
    # The bank was checked when it was read, and the terms against it when they were written.
    return Applied.model_construct(
        field=bank.field,
        version=bank.version,
        template=bank.template.model_copy(
            update={
                "adaptive": adaptive,
                "minutes": minutes(terms, part, bank),
                "open_hours": terms.open_hours,
            }
        ),
        rule=rule,
        retakes=terms.retakes,
        competencies={key: bank.competencies[key] for key in keys},
        items=[item for item in bank.items if item.competency in keys],
        terms=terms,
        part=part,
        taken_from=bank.digest,
        called={key: one.label for key, one in bank.competencies.items()},
    )


def mark_of_rest(terms: Terms, part: Part) -> float:
    """Return the level that what is asked has to reach, so that all together is at the mark.

    What was proven above the mark helps; what was proven below it is not held against anybody.
    """
    asked = sum(terms.weights[key] for key in part.asked)
    had = sum(terms.weights[key] * level for key, level in part.reused.items())
    proven = sum(terms.weights[key] for key in part.reused)
    needed = (terms.pass_mark * (asked + proven) - had) / asked
    return min(terms.pass_mark, max(0.0, needed))


def bounds(terms: Terms, part: Part, bank: Bank) -> Adaptive:
    """Return how many questions a part has at least and at most: its share by weight."""
    share = sum(terms.weights[key] for key in part.asked) / terms.whole
    for_everybody = [key for key in terms.must_cover if bank.item(key).competency in part.asked]
    first = len(part.asked) + len(for_everybody)
    least = max(first, ceil(terms.adaptive.least * share - TINY))
    return Adaptive(least=least, most=max(least, ceil(terms.adaptive.most * share - TINY)))


def minutes(terms: Terms, part: Part, bank: Bank) -> int:
    """Return the time budget of a part."""
    share = min(1.0, bounds(terms, part, bank).most / terms.adaptive.most)
    return max(1, ceil(terms.minutes * share - TINY))


def total(terms: Terms, levels: Mapping[str, float]) -> float:
    """Return the mean of levels by weight; competencies without one are left out."""
    weights = {key: terms.weights[key] for key in levels}
    return sum(weights[key] * level for key, level in levels.items()) / sum(weights.values())


def missing(
    terms: Terms, levels: Mapping[str, float], covered: frozenset[str], bank: Bank
) -> list[str]:
    """Return the competencies that are left to ask of somebody with these proven levels.

    A competency is asked where it is not proven at its floor, where an item that everybody gets
    was never given, and, while all together are below the mark, where it is below the mark.
    """
    uncovered = {bank.item(key).competency for key in terms.must_cover if key not in covered}
    counted = [key for key in bank.competencies if key in terms.weights]
    lacking = [
        key
        for key in counted
        if key in uncovered or levels.get(key, -1.0) < terms.floors[key] - TINY
    ]
    if lacking or total(terms, levels) >= terms.pass_mark - TINY:
        return lacking
    return [key for key in counted if levels[key] < terms.pass_mark - TINY]


def part_of(terms: Terms, levels: Mapping[str, float], asked: list[str], proofs: list[int]) -> Part:
    """Return the part of a template that asks these competencies; the others are reused."""
    reused = {key: levels[key] for key in terms.weights if key not in asked}
    return Part(asked=asked, reused=reused, proofs=proofs)


def _may_be_for_all(item: Item | None, competencies: Collection[str]) -> bool:
    return item is not None and item.core is None and item.competency in competencies


def _digest(told: object) -> str:
    # Sorted, since the database does not keep the order of names.
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
