"""Stand-ins for experts, so that `make walk` can label without a person.

They read the words, know the well-known clauses most of the time, and err as people do: each in a
way of their own. The same expert gives the same answer to the same text, on every run.
"""

from collections.abc import Iterable
from random import Random
from typing import Any

from demo import clauses, gold

Result = list[dict[str, Any]]


def annotate(text: str, expert: str, *, skill: float = 0.9) -> Result:
    """Label a text as this expert would, in Label Studio's result format."""
    chance = Random(f"{expert}\n{text}")  # noqa: S311 - it plays a person, it keeps no secret
    return [gold.choice(_clause(text, chance, skill)), *_spans(text, chance, skill)]


def _clause(text: str, chance: Random, skill: float) -> str:
    ranked = clauses.ranked(text)
    if chance.random() < skill:
        return gold.clause(text) or ranked[0]
    # A mistake is mostly the next best reading, seldom a wild one.
    return ranked[1] if chance.random() < 0.8 else chance.choice(clauses.CLAUSES)


def _spans(text: str, chance: Random, skill: float) -> Result:
    known = (gold.answer(text) or [])[1:]
    marks = [
        (one["value"]["labels"][0], one["value"]["start"], one["value"]["end"]) for one in known
    ]
    seen = [mark for mark in marks or clauses.spans(text) if chance.random() < skill]
    places = (_blurred(text, mark, chance, skill) for mark in seen)
    return [gold.span(text, *place) for place in _apart(places)]


def _blurred(
    text: str, mark: tuple[str, int, int], chance: Random, skill: float
) -> tuple[str, int, int]:
    """Leave out the last word now and then: where a span ends is what people agree on least."""
    label, start, end = mark
    shorter = text.rfind(" ", start, end)
    return mark if shorter == -1 or chance.random() < skill else (label, start, shorter)


def _apart(places: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Drop repeats and put the spans in reading order."""
    return sorted(set(places), key=lambda place: (place[1], place[2], place[0]))
