"""Which questions an interview asks, in which order, with which order of options.

Pure and deterministic: the same bank, seed and history give the same plan. Everybody answers one
core item in each competency, so that results compare; the others are drawn. The core items come in
two series, A and B, taken in turn, so that a retake has other questions.
"""

from collections.abc import Collection
from random import Random
from typing import Any

from pydantic import BaseModel, ConfigDict

from interviews.ability import Curve
from interviews.items import Bank, Case, Item, Multiple, Ordering, Single

WHOLE = ""  # the options of a question that has no parts


class Step(BaseModel):
    """One question of a plan; `order` holds the options by part, as the person sees them.

    `curve` is how it counts where the questions follow from the answers (`interviews.course`).
    """

    model_config = ConfigDict(frozen=True)

    item: str
    order: dict[str, list[str]]
    curve: Curve | None = None


def draw(bank: Bank, seed: str, *, attempt: int = 1, seen: Collection[str] = ()) -> list[Step]:
    """Return the plan of an interview; items of `seen` are drawn only when no other is left."""
    # The seed makes a plan repeatable; it guards nothing, so the plain generator will do.
    random = Random(f"{bank.digest}:{seed}")  # noqa: S311
    chosen = [
        item
        for key in bank.competencies
        for item in _of_competency(bank, key, attempt, frozenset(seen), random)
    ]
    # From easy to hard in three strides; within a stride the order is chance.
    random.shuffle(chosen)
    chosen.sort(key=_stride)
    return [Step(item=item.id, order=_orders(item, random)) for item in chosen]


def step(item: Item, curve: Curve, random: Random) -> Step:
    """Return a question that follows from the answers before it."""
    return Step(item=item.id, order=_orders(item, random), curve=curve)


def series_of(attempt: int) -> str:
    """Return which series of core items an attempt has."""
    return "A" if attempt % 2 else "B"


def _of_competency(
    bank: Bank, key: str, attempt: int, seen: frozenset[str], random: Random
) -> list[Item]:
    items = bank.of(key)
    core = [item for item in items if item.core == series_of(attempt)]
    others = [item for item in items if item.core is None]
    random.shuffle(others)
    others.sort(key=lambda item: item.id in seen)
    return core + _varied(others, bank.template.per_competency - len(core), seen)


def _varied(items: list[Item], count: int, seen: frozenset[str]) -> list[Item]:
    """Take the first items whose kinds differ, as far as there are any; fresh ones before all."""
    taken: list[Item] = []
    while len(taken) < count:
        left = [item for item in items if item not in taken]
        kinds = {item.kind for item in taken}
        taken.append(min(left, key=lambda item: (item.id in seen, item.kind in kinds)))
    return taken


def _stride(item: Item) -> int:
    return 0 if item.difficulty < 0 else 1 if item.difficulty <= 0.4 else 2


def _orders(item: Item, random: Random) -> dict[str, list[str]]:
    question = item.question
    if isinstance(question, Case):
        parts = {
            key: part for key, part in question.parts.items() if isinstance(part, Single | Multiple)
        }
        return {key: _shuffled(part.options, random) for key, part in parts.items()}
    if isinstance(question, Single | Multiple):
        return {WHOLE: _shuffled(question.options, random)}
    if isinstance(question, Ordering):
        return {WHOLE: _not_the_answer(question, random)}
    return {}


def _not_the_answer(question: Ordering, random: Random) -> list[str]:
    """Return an order that is not the right one: handed in unchanged, it earns little."""
    shown = _shuffled(question.options, random)
    return shown if shown != question.answer else shown[::-1]


def _shuffled(options: dict[str, Any], random: Random) -> list[str]:
    keys = sorted(options)
    random.shuffle(keys)
    return keys
