"""From several answers' marks and boxes to one set, by how far they cover each other. Pure.

Regions of different answers that have the same label and cover each other by half or more (the
intersection over the union, as in Everingham et al. 2010, "The Pascal Visual Object Classes
Challenge") are taken for one. They are joined from the closest pair on, and only where every two
of them cover each other so far (complete linkage), so that no chain of small shifts joins what is
apart; never two of one answer. What more than half of the votes have is kept, and for it stands
the medoid (Kaufman and Rousseeuw 1987): the one that covers the others best, so always a region
that a person drew. The order of answers changes nothing.

What has no box (polygons, brushes, points) is taken for one only where it is exactly the same.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeGuard

from annotation import sameness

Item = Mapping[str, Any]
Box = tuple[float, float, float, float]
# How far two regions cover each other that are taken for one.
ALIKE = 0.5


@dataclass(frozen=True)
class Region:
    """A marked part of a text, a sound or a picture, with all that one answer says of it."""

    # What must be the same for two to be one: the control, its labels, the page, the rotation.
    kind: str
    # Left, top, right, bottom; a stretch of text or sound has no height. Nothing but exactly.
    box: Box | None
    # All that is said of it, so that no two different ones are equal.
    said: str
    items: tuple[Item, ...] = field(compare=False)

    @property
    def order(self) -> tuple[Any, ...]:
        """What regions are sorted by: where they lie, and then what is said of them."""
        return self.box or (), self.kind, self.said


@dataclass(frozen=True)
class Kept:
    """A region that more than half have, how much of the votes that is, and whose answers."""

    region: Region
    confidence: float
    by: frozenset[int]


def regions(result: Sequence[Item]) -> list[Region]:
    """Return the regions of an answer; parts that share an id, as a box and its text, are one."""
    parts: dict[str, list[Item]] = defaultdict(list)
    for number, item in enumerate(result):
        if item.get("type") != "relation":
            parts[str(item.get("id") or f"part {number}")].append(item)
    found = (_region(items) for items in parts.values())
    different = {one.said: one for one in found if one is not None}
    return sorted(different.values(), key=lambda one: one.order)


def without(result: Sequence[Item]) -> list[Item]:
    """Return what an answer says of the whole task: neither regions nor relations of them."""
    own = {id(item) for one in regions(result) for item in one.items}
    ids = {item.get("id") for one in regions(result) for item in one.items}
    return [
        item
        for item in result
        if id(item) not in own and item.get("type") != "relation" and item.get("id") not in ids
    ]


def merge(
    answers: Sequence[Sequence[Region]], weights: Sequence[float] | None = None
) -> list[Kept]:
    """Return the regions that answers with more than half of the votes have, in order."""
    votes = list(weights) if weights is not None else [1.0] * len(answers)
    # The same region of several answers is one from the beginning.
    by: dict[Region, set[int]] = {}
    for number, some in enumerate(answers):
        for region in some:
            by.setdefault(region, set()).add(number)
    kept, total = [], sum(votes)
    for cluster in _clusters(by):
        who = frozenset().union(*(by[one] for one in cluster))
        share = sum(votes[one] for one in sorted(who)) / total if total else 0.0
        if 2 * share > 1:
            kept.append(Kept(_medoid(cluster, by, votes), round(share, 6), who))
    return sorted(kept, key=lambda one: one.region.order)


def same_as(region: Region, kept: Sequence[Kept]) -> int | None:
    """Return the place of the kept region that a region of an answer is taken for, if any is."""
    alike = [
        (1.0 if one.region == region else cover(one.region.box, region.box), -place)
        for place, one in enumerate(kept)
        if one.region.kind == region.kind
    ]
    share, place = max(alike, default=(0.0, 0))
    return -place if share >= ALIKE else None


def cover(one: Box | None, other: Box | None) -> float:
    """Return what two boxes share, of all that they cover."""
    if one is None or other is None:
        return 0.0
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (_area(one) + _area(other) - shared)


def _clusters(by: Mapping[Region, set[int]]) -> list[list[Region]]:
    """Join regions, the closest pair first; what is the same is settled by where they lie."""
    ordered = sorted(by, key=lambda one: one.order)
    cluster = {one: [one] for one in ordered}
    pairs = sorted(
        (-share, left, right)
        for (left, one), (right, other) in combinations(enumerate(ordered), 2)
        if one.kind == other.kind and (share := cover(one.box, other.box)) >= ALIKE
    )
    for _share, *places in pairs:
        left, right = (cluster[ordered[place]] for place in places)
        if left is right or not _may_join(left, right, by):
            continue
        joined = sorted(left + right, key=lambda one: one.order)
        for member in joined:
            cluster[member] = joined
    return list({id(one): one for one in cluster.values()}.values())


def _may_join(
    left: Sequence[Region], right: Sequence[Region], by: Mapping[Region, set[int]]
) -> bool:
    apart = all(by[one].isdisjoint(by[other]) for one in left for other in right)
    return apart and all(cover(one.box, other.box) >= ALIKE for one in left for other in right)


def _medoid(
    cluster: Sequence[Region], by: Mapping[Region, set[int]], votes: Sequence[float]
) -> Region:
    weight = {one: sum(votes[number] for number in sorted(by[one])) for one in cluster}

    def covered(one: Region) -> float:
        # What is the same covers itself wholly, once for each vote.
        return sum(
            weight[other] * (1.0 if other == one else cover(one.box, other.box))
            for other in cluster
        )

    # The first of equals in their order, whatever the order of answers.
    return max(cluster, key=lambda one: round(covered(one), 9))


def _region(items: Sequence[Item]) -> Region | None:
    """Return a region, or nothing where items say something of the whole task."""
    placed = next((one for one in items if _has_place(_value(one))), None)
    if placed is None:
        return None
    value = _value(placed)
    named = sorted(
        json.dumps([one.get("from_name"), one.get("type"), labels])
        for one in items
        if isinstance(labels := _value(one).get(str(one.get("type"))), list)
        and str(one.get("type")).endswith("labels")
    )
    page = [placed.get("to_name"), placed.get("item_index") or 0, value.get("channel")]
    turned = _turned(value.get("rotation"))
    kind = json.dumps([named or placed.get("from_name"), page, turned], ensure_ascii=False)
    said = "\n".join(sameness.said([{**one, "id": "region"} for one in items]))
    return Region(kind, _box(value), said, tuple(items))


def _box(value: Item) -> Box | None:
    offsets = value.get("globalOffsets")
    span = offsets if isinstance(offsets, Mapping) else value
    start, end = span.get("start"), span.get("end")
    if _is_number(start) and _is_number(end):
        return (float(start), 0.0, float(end), 1.0)
    sides = [value.get(key) for key in ("x", "y", "width", "height")]
    if all(map(_is_number, sides)) and "points" not in value:
        x, y, width, height = (float(one) for one in sides if _is_number(one))
        return (x, y, x + width, y + height)
    return None


def _turned(rotation: Any) -> int:
    return round(float(rotation)) if _is_number(rotation) else 0


def _has_place(value: Item) -> bool:
    places = ("start", "x", "points", "rle", "vertices", "sequence", "ranges", "imageDataURL")
    return any(key in value for key in places)


def _value(item: Item) -> Item:
    value = item.get("value")
    return value if isinstance(value, Mapping) else {}


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
