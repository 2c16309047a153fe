"""How far an answer meets a known one, question by question of the form. Pure.

Each control of the label config that the known answer speaks of has one measure, a share from 0
to 1. Choices and marks in a text are compared as `annotation.agreement` compares them; the rest
is here. What no measure can compare (free text, painted masks, video) is named, and left out.
Relations between marks are one part more, since no control of the form has them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from statistics import fmean
from typing import Any

from annotation.agreement import Result
from annotation.label_config import Control, LabelConfig
from annotation.label_tags import ANSWER_KEYS, CLASSIFYING_KINDS

# Two areas are the same when they share half of what both cover.
SAME_AREA = 0.5
# A point is met within two percent of the picture's width and height.
POINT_REACH = 3.0
# What the part of the relations is called; a control of this name would come before it.
RELATIONS = "relations"
# On these a region is a stretch of time.
STRETCHES = frozenset({"Audio", "AudioPlus", "TimeSeries"})
UNMEASURED = frozenset(
    {
        "TextArea",
        "Brush",
        "BrushLabels",
        "MagicWand",
        "Bitmask",
        "BitmaskLabels",
        "Vector",
        "VectorLabels",
        "VideoRectangle",
        "TimelineLabels",
    }
)


class Measure(StrEnum):
    """What is compared."""

    CHOICES = "choices"
    VALUES = "values"
    MARKS = "marks"
    AREAS = "areas"
    RELATIONS = "relations"


@dataclass(frozen=True)
class Part:
    """How one control of the form was met: `right` of `wanted`, and how many were `given`."""

    control: str
    measure: Measure
    score: float
    right: int
    wanted: int
    given: int


# Both ends, whether it goes both ways, and its names.
_Relation = tuple[tuple[str, str], bool, tuple[str, ...]]


@dataclass(frozen=True)
class _Region:
    """One region of an answer, without what does not count."""

    id: str
    where: tuple[Any, ...]
    box: tuple[float, ...] | None
    label: tuple[Any, ...]


def compare(config: LabelConfig, result: Result, gold: Result) -> tuple[Part, ...]:
    """Return a part for each control that the known answer speaks of and that can be measured."""
    wanted, given = _by_control(gold), _by_control(result)
    named = [config.controls[name] for name in wanted if name in config.controls]
    known = [control for control in named if control.kind not in UNMEASURED]
    regions = [control for control in known if control.kind not in CLASSIFYING_KINDS]
    pairs: dict[str, str] = {}
    found = []
    for control in regions:
        part, met = _regions(config, control, given.get(control.name, ()), wanted[control.name])
        pairs |= met
        found.append(part)
    for control in known:
        if control.kind not in CLASSIFYING_KINDS:
            continue
        pair = (given.get(control.name, ()), wanted[control.name])
        each = control.is_on("perregion")
        found.append(_of_regions(control, *pair, pairs) if each else _whole(control, *pair))
    found.sort(key=lambda part: list(wanted).index(part.control))
    known_relations = _joined(gold)
    if known_relations:
        found.append(_relations(_joined(result), known_relations, pairs))
    return tuple(found)


def is_measurable(config: LabelConfig, gold: Result) -> bool:
    """Say whether a known answer holds anything that can be compared."""
    return bool(gold) and bool(compare(config, [], gold))


def unmeasured(config: LabelConfig, gold: Result) -> tuple[str, ...]:
    """Name the controls of a known answer that no measure compares."""
    names = [name for name in _by_control(gold) if name in config.controls]
    return tuple(name for name in names if config.controls[name].kind in UNMEASURED)


def total(parts: Iterable[Part]) -> float:
    """Return how far a whole answer meets the known one: the mean over its controls."""
    shares = [part.score for part in parts]
    return fmean(shares) if shares else 0.0


def labels(gold: Result) -> tuple[str, ...]:
    """Return what a known answer names, so that a choice of tasks can be spread over it."""
    named = {
        str(one)
        for item in gold
        for values in (_value(item).get(str(item.get("type"))),)
        if isinstance(values, list)
        for one in values
    }
    return tuple(sorted(named))


def _by_control(result: Result) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for item in result:
        if isinstance(item.get("from_name"), str):
            found.setdefault(item["from_name"], []).append(item)
    return found


def _value(item: Mapping[str, Any]) -> Mapping[str, Any]:
    value = item.get("value")
    return value if isinstance(value, Mapping) else {}


def _whole(
    control: Control, given: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]
) -> Part:
    """Compare what was answered once for the task, or once for each of its pages."""
    said = {item.get("item_index"): _value(item) for item in given}
    known = {item.get("item_index"): _value(item) for item in wanted}
    shares = [_likeness(control, said.get(page), value) for page, value in known.items()]
    is_choice = control.kind in ("Choices", "Taxonomy")
    return Part(
        control.name,
        Measure.CHOICES if is_choice else Measure.VALUES,
        fmean(shares),
        right=sum(share == 1 for share in shares),
        wanted=len(known),
        given=len(said),
    )


def _of_regions(
    control: Control,
    given: Sequence[Mapping[str, Any]],
    wanted: Sequence[Mapping[str, Any]],
    pairs: Mapping[str, str],
) -> Part:
    """Compare what was answered about single marks, where the marks themselves were met."""
    said = {str(item.get("id")): _value(item) for item in given}
    shares = [
        _likeness(control, said.get(pairs.get(str(item.get("id")), "")), _value(item))
        for item in wanted
    ]
    is_choice = control.kind in ("Choices", "Taxonomy")
    return Part(
        control.name,
        Measure.CHOICES if is_choice else Measure.VALUES,
        2 * sum(shares) / (len(wanted) + max(len(said), len(wanted))),
        right=sum(share == 1 for share in shares),
        wanted=len(wanted),
        given=len(said),
    )


def _likeness(control: Control, given: Mapping[str, Any] | None, known: Mapping[str, Any]) -> float:
    key = ANSWER_KEYS[control.kind]
    wanted: Any = known.get(key)
    said: Any = given.get(key) if given else None
    if control.kind in ("Choices", "Taxonomy"):
        return _f1(_options(said), _options(wanted), several=control.is_multiple)
    if said is None:
        return 0.0
    if control.kind == "Rating" and _is_number(said) and _is_number(wanted):
        most = _number(control.attributes.get("maxrating"), 5.0)
        return max(0.0, 1 - abs(float(said) - float(wanted)) / max(1.0, most - 1))
    if control.kind == "Number" and _is_number(said) and _is_number(wanted):
        return float(abs(said - wanted) <= 1e-6 * max(1.0, abs(wanted)))
    return float(said == wanted)


def _options(value: Any) -> frozenset[tuple[str, ...]]:
    listed = value if isinstance(value, list) else []
    return frozenset(
        tuple(map(str, one)) if isinstance(one, list) else (str(one),) for one in listed
    )


def _f1(given: frozenset[Any], wanted: frozenset[Any], *, several: bool) -> float:
    if given == wanted:
        return 1.0
    if not (several or len(wanted) > 1):
        return 0.0
    return 2 * len(given & wanted) / (len(given) + len(wanted))


def _regions(
    config: LabelConfig,
    control: Control,
    given: Sequence[Mapping[str, Any]],
    wanted: Sequence[Mapping[str, Any]],
) -> tuple[Part, dict[str, str]]:
    """Pair regions that mean the same; return the part, and known ids with those they met."""
    said, known = _once(config, control, given), _once(config, control, wanted)
    pairs: dict[int, int] = {}
    for _share, left, right in sorted(_alike(known, said), key=lambda one: -one[0]):
        if left not in pairs and right not in pairs.values():
            pairs[left] = right
    area = any(region.box is not None for region in known)
    part = Part(
        control.name,
        Measure.AREAS if area else Measure.MARKS,
        2 * len(pairs) / (len(known) + len(said)),
        right=len(pairs),
        wanted=len(known),
        given=len(said),
    )
    return part, {known[left].id: said[right].id for left, right in pairs.items()}


def _joined(result: Result) -> frozenset[_Relation]:
    """Return the relations of an answer, each once, whichever end it was drawn from."""
    return frozenset(
        _relation(item)
        for item in result
        if item.get("type") == "relation" and item.get("from_id") and item.get("to_id")
    )


def _relation(item: Mapping[str, Any]) -> _Relation:
    ends, way = (str(item["from_id"]), str(item["to_id"])), item.get("direction")
    if way == "left":
        ends = (ends[1], ends[0])
    elif way == "bi":
        ends = (min(ends), max(ends))
    listed = item.get("labels")
    named = sorted(map(str, listed)) if isinstance(listed, list) else []
    return ends, way == "bi", tuple(named)


def _relations(
    given: frozenset[_Relation], wanted: frozenset[_Relation], pairs: Mapping[str, str]
) -> Part:
    """Compare relations where the marks at both ends were met: same way, same names."""
    met = 0
    for (left, right), is_bi, named in wanted:
        ends = (pairs.get(left, ""), pairs.get(right, ""))
        met += ((min(ends), max(ends)) if is_bi else ends, is_bi, named) in given
    return Part(
        RELATIONS,
        Measure.RELATIONS,
        2 * met / (len(wanted) + len(given)),
        right=met,
        wanted=len(wanted),
        given=len(given),
    )


def _alike(known: Sequence[_Region], said: Sequence[_Region]) -> list[tuple[float, int, int]]:
    exact: dict[tuple[Any, ...], int] = {}
    for number, region in enumerate(said):
        exact.setdefault((region.label, region.where), number)
    found = [
        (2.0, left, exact[region.label, region.where])
        for left, region in enumerate(known)
        if (region.label, region.where) in exact
    ]
    boxed = [(number, region) for number, region in enumerate(said) if region.box]
    for (left, one), (right, other) in product(enumerate(known), boxed):
        if one.box and other.box and one.label == other.label:
            share = _overlap(one.box, other.box)
            if share >= SAME_AREA:
                found.append((share, left, right))
    return found


def _once(
    config: LabelConfig, control: Control, items: Iterable[Mapping[str, Any]]
) -> list[_Region]:
    """Return the regions of a control; what says the same twice, as a mark set again, once."""
    found = (region for item in items for region in _named(config, control, item))
    return list({(one.label, one.where): one for one in found}.values())


def _named(config: LabelConfig, control: Control, item: Mapping[str, Any]) -> list[_Region]:
    """Return a region once for each label that it has."""
    value = _value(item)
    named = value.get(ANSWER_KEYS.get(control.kind, "labels"))
    keys = ("start", "end", "startOffset", "endOffset", "x", "y", "width", "height", "rotation")
    where = tuple(repr(value.get(key)) for key in (*keys, "radiusX", "radiusY", "points"))
    page = (item.get("item_index"), str(value.get("channel")))
    target = config.objects.get(str(item.get("to_name")))
    box = _box(value, is_stretch=target is not None and target.kind in STRETCHES)
    labels = [str(one) for one in named] if isinstance(named, list) and named else [""]
    return [_Region(str(item.get("id")), (*where, *page), box, (one, *page)) for one in labels]


def _box(value: Mapping[str, Any], *, is_stretch: bool) -> tuple[float, ...] | None:
    """Return the box around an area, or the stretch of a sound; none for marks in a text.

    An ellipse or a polygon is compared by the box around it, and a point by a small one.
    """
    if is_stretch:
        found = _numbers(value, "start", "end")
        return (found[0], 0.0, found[1], 1.0) if found else None
    if found := _numbers(value, "x", "y", "width", "height"):
        return (found[0], found[1], found[0] + found[2], found[1] + found[3])
    reach = _numbers(value, "radiusX", "radiusY") or [POINT_REACH, POINT_REACH]
    if found := _numbers(value, "x", "y"):
        across, down = reach
        return (found[0] - across, found[1] - down, found[0] + across, found[1] + down)
    return _around(value["points"]) if isinstance(value.get("points"), list) else None


def _numbers(value: Mapping[str, Any], *keys: str) -> list[float] | None:
    found = [value.get(key) for key in keys]
    return [float(one) for one in found if one is not None] if all(map(_is_number, found)) else None


def _around(points: Sequence[Any]) -> tuple[float, ...] | None:
    sound = [
        point
        for point in points
        if isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))
    ]
    if not sound or len(sound) != len(points):
        return None
    across, down = [point[0] for point in sound], [point[1] for point in sound]
    return (min(across), min(down), max(across), max(down))


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return what two boxes share, of all that they cover."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (_area(one) + _area(other) - shared)


def _area(box: tuple[float, ...]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: str | None, otherwise: float) -> float:
    try:
        return float(value) if value is not None else otherwise
    except ValueError:
        return otherwise
