"""The parts of an answer that are neither choices nor marks in a plain text, as people read them.

Areas of a picture become outlines over it, everything becomes a line of words. Pure: the words are
lazy, so that a page reads them in its own language.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from annotation.label_config import LabelConfig
from annotation.label_tags import ANSWER_KEYS, CLASSIFYING_KINDS, LABEL_KINDS
from annotation.places import PLACES, is_number

MEDIA = "media:"
QUOTED_AT_MOST = 300
_ROUND = 48  # corners of an ellipse as it is drawn
_DOT = 0.8  # percent of the width: how large a point is drawn
_KINDS = {kind.lower(): kind for kind in ANSWER_KEYS}
Words: TypeAlias = str | LazyString
Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Said:
    """One part in a line: its control, its label, where or what it is; marks have a number."""

    control: str
    label: str
    words: Words
    quote: str = ""
    number: int = 0
    shade: int = 0


@dataclass(frozen=True)
class Shape:
    """An outline in the pixels of its picture; `at` is where its number stands."""

    points: str
    label: str
    number: int
    shade: int
    at: Point


@dataclass(frozen=True)
class Drawing:
    """The outlines over one picture: its name among the project's files, and its size in pixels."""

    picture: str
    width: int
    height: int
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Parts:
    """All parts, and how many could not be read."""

    said: tuple[Said, ...]
    drawings: tuple[Drawing, ...]
    unread: int


def is_in_text(config: LabelConfig, part: Mapping[str, Any]) -> bool:
    """Say whether a part is a mark in a plain text, which the text itself shows."""
    value = part.get("value") or {}
    if not isinstance(value.get("start"), int) or not isinstance(value.get("end"), int):
        return False
    target = config.objects.get(str(part.get("to_name")))
    is_label = isinstance(value.get(str(part.get("type"))), list) and "labels" in str(part["type"])
    return is_label and (target is None or target.kind == "Text")


def is_choice(part: Mapping[str, Any]) -> bool:
    """Say whether a part is a choice for the whole task."""
    value = part.get("value") or {}
    return isinstance(value.get("choices"), list) and not PLACES & value.keys()


def read(
    config: LabelConfig,
    data: Mapping[str, Any],
    result: Sequence[Mapping[str, Any]],
    shades: Mapping[str, int],
) -> Parts:
    """Read the parts of an answer in their order."""
    reader = _Reader(config, data, shades, _labels_by_mark(result))
    said: list[Said] = []
    unread = 0
    for part in result:
        if is_choice(part) or part.get("type") == "relation" or is_in_text(config, part):
            continue
        lines = reader.lines(part)
        unread += lines is None
        said += lines or ()
    said += [reader.relation(part) for part in result if part.get("type") == "relation"]
    return Parts(tuple(said), reader.drawings(), unread)


def in_line(one: Said) -> str:
    """Return a part on a line, without its page."""
    name = one.label or one.control
    quote = f"“{one.quote}”" if one.quote else ""
    return f"{name}: {' '.join(filter(None, (str(one.words), quote)))}"


def _labels_by_mark(result: Sequence[Mapping[str, Any]]) -> Mapping[str, list[str]]:
    """Return the labels of each mark: its own, and those of a `Labels` beside its shape."""
    found: dict[str, list[str]] = defaultdict(list)
    for part in result:
        value = part.get("value") or {}
        kind = _KINDS.get(str(part.get("type")))
        for key in {str(part.get("type")), "labels"} if kind in LABEL_KINDS else {"labels"}:
            labels = value.get(key)
            if isinstance(labels, list):
                found[_id(part)] += [str(one) for one in labels if str(one) not in found[_id(part)]]
    return found


class _Reader:
    """Reads the parts of one answer, and numbers its marks."""

    def __init__(
        self,
        config: LabelConfig,
        data: Mapping[str, Any],
        shades: Mapping[str, int],
        labels: Mapping[str, list[str]],
    ) -> None:
        self.config, self.data, self.shades, self.labels = config, data, shades, labels
        self.numbers: dict[str, int] = {}
        self._drawn: dict[tuple[str, int, int], list[Shape]] = defaultdict(list)

    def lines(self, part: Mapping[str, Any]) -> list[Said] | None:
        """Return the lines of a part; None where nothing can be read."""
        value = part.get("value")
        kind = _KINDS.get(str(part.get("type")))
        if not isinstance(value, dict):
            return None
        lines = []
        if PLACES & value.keys() and not (kind in CLASSIFYING_KINDS and _id(part) in self.numbers):
            lines += self._mark(part, value)
        if kind in CLASSIFYING_KINDS:
            words = _answer_words(self.config, part, kind, value)
            if words is None:
                return None
            lines.append(words_of_control(part, words, self.numbers.get(_id(part), 0)))
        return lines or None

    def relation(self, part: Mapping[str, Any]) -> Said:
        """Return a line for what was linked."""
        ends = [self._name(str(part.get(key))) for key in ("from_id", "to_id")]
        labels = ", ".join(map(str, part.get("labels") or []))
        return Said("", labels, _l("%(first)s → %(second)s", first=ends[0], second=ends[1]))

    def drawings(self) -> tuple[Drawing, ...]:
        """Return what was drawn, by picture."""
        return tuple(Drawing(*key, tuple(shapes)) for key, shapes in self._drawn.items())

    def _name(self, mark: str) -> str:
        label = ", ".join(self.labels.get(mark, [])) or "?"
        return f"{self.numbers[mark]} {label}" if mark in self.numbers else label

    def _mark(self, part: Mapping[str, Any], value: Mapping[str, Any]) -> list[Said]:
        if _id(part) in self.numbers:
            return []
        number = self.numbers[_id(part)] = len(self.numbers) + 1
        labels = self.labels.get(_id(part), [])
        label, shade = ", ".join(labels), self.shades.get(labels[0] if labels else "", 1)
        quote = value.get("text")
        said = Said(
            str(part.get("from_name", "")),
            label,
            _place_words(value),
            _shortened(quote) if isinstance(quote, str) else "",
            number,
            shade,
        )
        self._draw(part, value, label, number, shade)
        return [said]

    def _draw(
        self,
        part: Mapping[str, Any],
        value: Mapping[str, Any],
        label: str,
        number: int,
        shade: int,
    ) -> None:
        width, height = part.get("original_width"), part.get("original_height")
        picture = self._picture(part)
        if not isinstance(width, int) or not isinstance(height, int) or part.get("image_rotation"):
            return
        corners = _outline(value, width, height) if width > 0 and height > 0 else []
        if picture is None or not corners:
            return
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        top = min(corners, key=lambda one: (one[1], one[0]))
        self._drawn[picture, width, height].append(Shape(points, label, number, shade, top))

    def _picture(self, part: Mapping[str, Any]) -> str | None:
        """Return the name of the file on which a mark lies."""
        target = self.config.objects.get(str(part.get("to_name")))
        shown = self.data.get(target.variable or "") if target else None
        if isinstance(shown, list):
            index = part.get("item_index", 0)
            shown = shown[index] if isinstance(index, int) and 0 <= index < len(shown) else None
        if isinstance(shown, str) and shown.startswith(MEDIA):
            return shown.removeprefix(MEDIA)
        return None


def words_of_control(part: Mapping[str, Any], words: Words, number: int) -> Said:
    """Return the line of an answer to a question, about a mark where it has a number."""
    is_text = part.get("type") == "textarea"
    return Said(
        str(part.get("from_name", "")),
        "",
        "" if is_text else words,
        _shortened(str(words)) if is_text else "",
        number,
    )


def _id(part: Mapping[str, Any]) -> str:
    return str(part.get("id", ""))


def _shortened(words: str) -> str:
    return words if len(words) <= QUOTED_AT_MOST else words[:QUOTED_AT_MOST].rstrip() + "…"


# ------------------------------------------------------------------------------- answers


def _answer_words(
    config: LabelConfig, part: Mapping[str, Any], kind: str, value: Mapping[str, Any]
) -> Words | None:
    given = value.get(ANSWER_KEYS[kind])
    control = config.controls.get(str(part.get("from_name")))
    if kind == "Rating" and is_number(given):
        most = (control.attributes.get("maxrating") if control else None) or "5"
        return _l("%(rating)s of %(most)s", rating=given, most=most)
    if kind == "Pairwise" and given in ("left", "right"):
        names = control.to_names if control else ()
        name = names[given == "right"] if len(names) == 2 else ""
        side = _l("the left one") if given == "left" else _l("the right one")
        return _l("%(side)s (%(name)s)", side=side, name=name) if name else side
    return _LISTS[kind](given) if kind in _LISTS else _plain(given)


def _plain(given: Any) -> str | None:
    return str(given) if isinstance(given, str) or is_number(given) else None


def _names(given: Any) -> str | None:
    return ", ".join(map(str, given)) if isinstance(given, list) else None


def _paths(given: Any) -> str | None:
    """Read what was chosen in a taxonomy: paths from the root."""
    if not isinstance(given, list):
        return None
    return ", ".join(
        " › ".join(map(str, path)) if isinstance(path, list) else str(path) for path in given
    )


def _texts(given: Any) -> str | None:
    return "\n".join(map(str, given)) if isinstance(given, list) else _plain(given)


def _ranks(given: Any) -> str | None:
    """Read an order, or what was sorted into which column."""
    if isinstance(given, dict):
        return "; ".join(f"{name}: {_names(some) or '–'}" for name, some in given.items())
    if isinstance(given, list):
        return ", ".join(f"{place}. {one}" for place, one in enumerate(given, 1))
    return None


_LISTS: Mapping[str, Callable[[Any], str | None]] = {
    "Choices": _names,
    "Taxonomy": _paths,
    "TextArea": _texts,
    "Ranker": _ranks,
}

# ------------------------------------------------------------------------------- places


def _place_words(value: Mapping[str, Any]) -> Words:
    """Say where a mark lies."""
    for keys, words in _PLACE_WORDS:
        if keys <= value.keys():
            return words(value)
    return _l("a mark")


def _box_words(value: Mapping[str, Any]) -> Words:
    x, y, wide, high = (_whole(value[key]) for key in ("x", "y", "width", "height"))
    return _l(
        "box at %(x)s%% from the left and %(y)s%% from the top, %(wide)s%% wide, %(high)s%% high",
        x=x,
        y=y,
        wide=wide,
        high=high,
    )


def _ellipse_words(value: Mapping[str, Any]) -> Words:
    x, y = _whole(value["x"]), _whole(value["y"])
    return _l("ellipse around %(x)s%% from the left and %(y)s%% from the top", x=x, y=y)


def _point_words(value: Mapping[str, Any]) -> Words:
    x, y = _whole(value["x"]), _whole(value["y"])
    return _l("point at %(x)s%% from the left and %(y)s%% from the top", x=x, y=y)


def _sequence_words(value: Mapping[str, Any]) -> Words:
    frames = [one["frame"] for one in _some(value, "sequence") if is_number(_get(one, "frame"))]
    return _l(
        "box in frames %(first)s to %(last)s",
        first=min(frames, default=0),
        last=max(frames, default=0),
    )


def _range_words(value: Mapping[str, Any]) -> Words:
    ranges = [(_get(one, "start"), _get(one, "end")) for one in _some(value, "ranges")]
    frames = ", ".join(f"{start}–{end}" for start, end in ranges)
    return _l("frames %(frames)s", frames=frames)


def _stretch_words(value: Mapping[str, Any]) -> Words:
    start, end = value["start"], value["end"]
    if isinstance(start, str) and "/" in start:
        return ""  # a path into a page; what it marks is quoted
    is_time = all(is_number(one) and math.isfinite(one) for one in (start, end))
    if is_time and "channel" in value:
        start, end = _clock(start), _clock(end)
    return _l("from %(start)s to %(end)s", start=start, end=end)


_PLACE_WORDS: Sequence[tuple[frozenset[str], Callable[[Mapping[str, Any]], Words]]] = (
    (frozenset({"x", "y", "width", "height"}), _box_words),
    (frozenset({"x", "y", "radiusX", "radiusY"}), _ellipse_words),
    (frozenset({"x", "y"}), _point_words),
    (
        frozenset({"points"}),
        lambda value: _l("outline of %(num)s points", num=len(_some(value, "points"))),
    ),
    (
        frozenset({"vertices"}),
        lambda value: _l("line of %(num)s points", num=len(_some(value, "vertices"))),
    ),
    (frozenset({"rle"}), lambda _value: _l("a painted area")),
    (frozenset({"imageDataURL"}), lambda _value: _l("a painted area")),
    (frozenset({"sequence"}), _sequence_words),
    (frozenset({"ranges"}), _range_words),
    (frozenset({"start", "end"}), _stretch_words),
)


def _some(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return found if isinstance(found, list) else []


def _get(one: Any, key: str) -> Any:
    return one.get(key) if isinstance(one, dict) else None


def _whole(part: Any) -> str:
    return str(round(part)) if is_number(part) and math.isfinite(part) else "?"


def _clock(seconds: float) -> str:
    """Return a time in a recording: 3:07.2."""
    minutes, rest = divmod(round(max(seconds, 0), 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"


# ------------------------------------------------------------------------------- outlines


def _outline(value: Mapping[str, Any], width: int, height: int) -> list[Point]:
    """Return the corners of a shape in pixels; nothing for what has no outline.

    Places are in percent of the picture; the editor turns boxes around their upper left corner
    and ellipses around their middle, clockwise, in pixels.
    """
    numbers = [value.get(key) for key in ("x", "y", "width", "height", "radiusX", "radiusY")]
    if not all(one is None or (is_number(one) and math.isfinite(one)) for one in numbers):
        return []
    x, y, wide, high, across, down = (
        None if one is None else one * size / 100
        for one, size in zip(numbers, (width, height) * 3, strict=True)
    )
    turn: Any = value.get("rotation", 0)
    angle = math.radians(turn) if is_number(turn) and math.isfinite(turn) else 0.0
    if x is None or y is None:
        return _drawn_points(value, width, height)
    if wide is not None and high is not None:
        return [
            _turned(x, y, dx, dy, angle) for dx, dy in ((0, 0), (wide, 0), (wide, high), (0, high))
        ]
    if across is None or down is None:
        across = down = width * _DOT / 100
    circle = (2 * math.pi * step / _ROUND for step in range(_ROUND))
    return [_turned(x, y, across * math.cos(a), down * math.sin(a), angle) for a in circle]


def _drawn_points(value: Mapping[str, Any], width: int, height: int) -> list[Point]:
    """Return the points of a polygon or a line, where all are points."""
    points = value.get("points") or value.get("vertices")
    if not isinstance(points, list):
        return []
    found = list(_pairs(points))
    if len(found) != len(points):
        return []
    return [(x * width / 100, y * height / 100) for x, y in found]


def _pairs(points: Sequence[Any]) -> Iterator[Point]:
    for one in points:
        is_pair = isinstance(one, list) and len(one) == 2
        x, y = one if is_pair else (_get(one, "x"), _get(one, "y"))
        if is_number(x) and is_number(y) and math.isfinite(x) and math.isfinite(y):
            yield x, y


def _turned(x: float, y: float, dx: float, dy: float, angle: float) -> Point:
    return (
        x + dx * math.cos(angle) - dy * math.sin(angle),
        y + dx * math.sin(angle) + dy * math.cos(angle),
    )
