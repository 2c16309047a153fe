"""Answers of models side by side, without names, in an order of each assignment's own. Pure.

A task's data holds the answers in one order, shuffled long before; each expert sees them in
another. What they hand in is turned back, so that all answers to a task mean the same places.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from annotation.label_config import LabelConfig

LEAST, MOST = 2, 20


class Unfit(StrEnum):
    """Why answers of models cannot be compared with a label config."""

    NO_CONTROL = "no_control"
    SEVERAL = "several"
    OTHER_CONTROLS = "other_controls"
    NO_FIELDS = "no_fields"


@dataclass(frozen=True)
class Plan:
    """How a label config compares answers: two in fields of their own, or a list in one."""

    control: str
    fields: tuple[str, ...]
    is_list: bool
    buckets: tuple[str, ...] = ()

    @property
    def most(self) -> int:
        """How many answers a task may bring."""
        return MOST if self.is_list else 2


def plan(config: LabelConfig) -> Plan | Unfit:
    """Return how a config compares answers of models, or why it cannot."""
    found = [one for one in config.controls.values() if one.kind in ("Pairwise", "Ranker")]
    if not found:
        return Unfit.NO_CONTROL
    if len(found) > 1:
        return Unfit.SEVERAL
    control = found[0]
    compared = [config.objects[name] for name in control.to_names if name in config.objects]
    others = [one for one in config.controls.values() if one is not control]
    if any(set(one.to_names) & set(control.to_names) for one in others):
        return Unfit.OTHER_CONTROLS  # a mark in the left answer would have to move with it
    fields = tuple(one.variable for one in compared if one.variable)
    wanted = 2 if control.kind == "Pairwise" else 1
    if len(fields) != wanted or len(set(fields)) != wanted:
        return Unfit.NO_FIELDS
    if control.kind == "Pairwise":
        return Plan(control.name, fields, is_list=False)
    if compared[0].kind != "List":
        return Unfit.NO_FIELDS
    buckets = tuple(name for one in config.root.iter("Bucket") if (name := one.get("name")))
    return Plan(control.name, fields, is_list=True, buckets=buckets)


def shuffled(seed: str, names: Sequence[str]) -> list[str]:
    """Return names in an order that a seed makes, always the same."""
    return sorted(names, key=lambda name: hashlib.blake2b(f"{seed}\0{name}".encode()).digest())


def order(seed: str, count: int) -> list[int]:
    """Return the places in the data, from 1, in the order in which one assignment shows them."""
    return [int(one) for one in shuffled(seed, [str(slot) for slot in range(1, count + 1)])]


def filled(how: Plan, answers: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a task's data that hold answers."""
    if not how.is_list:
        return dict(zip(how.fields, answers, strict=True))
    items = [{"id": str(slot), "body": words} for slot, words in enumerate(answers, start=1)]
    return {how.fields[0]: items}


def shown(how: Plan, data: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
    """Return a task's data with its answers in the order of an assignment."""
    if how.is_list:
        items = data[how.fields[0]]
        return {**data, how.fields[0]: [items[slot - 1] for slot in order]}
    moved = {
        field: data[how.fields[slot - 1]] for field, slot in zip(how.fields, order, strict=True)
    }
    return {**data, **moved}


def turned_back(how: Plan, result: Any, order: Sequence[int]) -> Any:
    """Return what was handed in as the data has it; what is not an answer stays as it is."""
    if how.is_list or list(order) == [1, 2] or not isinstance(result, list):
        return result  # items of a list carry their places as ids
    return [_turned(part) if _is_choice(how, part) else part for part in result]


def places(how: Plan, result: Sequence[Mapping[str, Any]], count: int) -> dict[int, int | None]:
    """Return how a kept answer places the answers of a task: 1 is best, None says nothing."""
    for part in result:
        if part.get("from_name") == how.control and isinstance(part.get("value"), Mapping):
            value = part["value"]
            return _chosen(value) if not how.is_list else _ranked(how, value, count)
    return dict.fromkeys(range(1, count + 1))


def _is_choice(how: Plan, part: Any) -> bool:
    return (
        isinstance(part, dict)
        and part.get("from_name") == how.control
        and isinstance(part.get("value"), dict)
        and part["value"].get("selected") in ("left", "right")
    )


def _turned(part: dict[str, Any]) -> dict[str, Any]:
    other = {"left": "right", "right": "left"}[part["value"]["selected"]]
    return {**part, "value": {**part["value"], "selected": other}}


def _chosen(value: Mapping[str, Any]) -> dict[int, int | None]:
    best = {"left": 1, "right": 2}.get(str(value.get("selected")))
    return {slot: None if best is None else 1 + (slot != best) for slot in (1, 2)}


def _ranked(how: Plan, value: Mapping[str, Any], count: int) -> dict[int, int | None]:
    given = value.get("ranker")
    placed: dict[int, int | None] = dict.fromkeys(range(1, count + 1))
    if isinstance(given, Mapping) and how.buckets:
        steps = [given.get(name) or [] for name in how.buckets]
    else:
        lists = list(given.values()) if isinstance(given, Mapping) else [given or []]
        steps = [[one] for some in lists for one in some]
    place = 1
    for step in steps:
        for item in step:
            if str(item).isdecimal() and int(item) in placed:
                placed[int(item)] = place
        place += len(step)
    return placed
