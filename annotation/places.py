"""Where a mark lies: its shape on a picture, its span of a text, a sound or a film. Pure.

A mark holds just the parts that the editor gives marks of its kind, each of its own type, inside
of what is marked, and what it quotes stands there. Text counts by characters as Python does,
save in conversations, where the editor counts as browsers do: in units of UTF-16.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from flask_babel import lazy_gettext as _l

from annotation.label_config import Control, ObjectTag
from annotation.label_tags import ANSWER_KEYS, CLASSIFYING_KINDS
from annotation.problems import Problem

MAX_FRAMES = 10_000_000
MAX_PIXELS = 100_000
_ROUNDING = 0.1
_XPATH = re.compile(r"(/[\w:.\-]+(\(\))?(\[\d{1,6}\])?){0,80}/?")
_INDEX = re.compile(r"\d{1,6}")
_PNG = "data:image/png;base64,"
_SPAN = frozenset({"start", "end", "text"})
_OFFSETS = _SPAN | {"startOffset", "endOffset"}

# What the value of a mark may hold, and what it must, by the thing that is marked.
_OF_OBJECTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "Text": (_SPAN, frozenset({"start", "end"})),
    "HyperText": (_OFFSETS | {"globalOffsets"}, frozenset({"start", "end"})),
    "Paragraphs": (_OFFSETS, frozenset({"start", "end", "startOffset", "endOffset"})),
    "Audio": (frozenset({"start", "end", "channel"}), frozenset({"start", "end"})),
    "AudioPlus": (frozenset({"start", "end", "channel"}), frozenset({"start", "end"})),
    "TimeSeries": (frozenset({"start", "end", "instant"}), frozenset({"start", "end"})),
}
# The same by shape, where several can be drawn on one thing.
_OF_SHAPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "Rectangle": (
        frozenset({"x", "y", "width", "height", "rotation"}),
        frozenset({"x", "y", "width", "height"}),
    ),
    "Ellipse": (
        frozenset({"x", "y", "radiusX", "radiusY", "rotation"}),
        frozenset({"x", "y", "radiusX", "radiusY"}),
    ),
    "KeyPoint": (frozenset({"x", "y", "width", "labels"}), frozenset({"x", "y"})),
    "Polygon": (frozenset({"points", "closed"}), frozenset({"points"})),
    "Brush": (frozenset({"format", "rle"}), frozenset({"rle"})),
    "MagicWand": (frozenset({"format", "rle"}), frozenset({"rle"})),
    "Bitmask": (frozenset({"imageDataURL"}), frozenset({"imageDataURL"})),
    "Vector": (frozenset({"vertices", "closed"}), frozenset({"vertices"})),
    "VideoRectangle": (
        frozenset({"sequence", "framesCount", "duration", "labels"}),
        frozenset({"sequence"}),
    ),
    "Timeline": (frozenset({"ranges"}), frozenset({"ranges"})),
}
# All parts that say where a mark lies, and none that says what it is.
PLACES = frozenset().union(
    *(may for may, _must in (*_OF_OBJECTS.values(), *_OF_SHAPES.values())),
) - {"text", "labels"}


def place_keys(control: Control, target: ObjectTag) -> tuple[frozenset[str], frozenset[str]]:
    """Return what the place of a mark may hold and what it must; nothing where none is marked."""
    shape = _OF_SHAPES.get(control.kind) or _OF_SHAPES.get(control.kind.removesuffix("Labels"))
    if shape:
        return shape
    if control.kind in CLASSIFYING_KINDS:
        if not control.is_on("perregion"):
            return frozenset(), frozenset()
        # The answer about a mark repeats where the mark lies.
        return _anywhere_on(target), frozenset()
    may, must = _OF_OBJECTS.get(target.kind, (_anywhere_on(target), frozenset()))
    return may, must


def place_problems(
    control: Control, target: ObjectTag, data: Mapping[str, Any], region: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield what is wrong with where a mark lies."""
    value = region["value"]
    may, must = place_keys(control, target)
    place = {key: part for key, part in value.items() if key in may and key != _own(control)}
    if not place and not must:
        return
    if must - value.keys():
        yield _malformed(control)
        return
    # The offsets of a plain text have words of their own, below.
    own = {"start", "end"} if target.kind == "Text" else frozenset()
    if not all(_TYPES[key](part) for key, part in place.items() if key in _TYPES.keys() - own):
        yield _malformed(control)
        return
    check = _SPANNED.get(target.kind)
    if check is not None and {"start", "end"} & place.keys():
        yield from check(control, target, data, region)
    yield from _drawn_problems(control, region, place)


def _own(control: Control) -> str | None:
    """Return the key of a control's own answer, which is checked elsewhere."""
    return ANSWER_KEYS.get(control.kind)


def _anywhere_on(target: ObjectTag) -> frozenset[str]:
    if target.kind in _OF_OBJECTS:
        return _OF_OBJECTS[target.kind][0]
    if target.kind == "Video":
        kinds = ["VideoRectangle", "Timeline"]
    elif target.kind == "Image":
        kinds = [kind for kind in _OF_SHAPES if kind not in ("VideoRectangle", "Timeline")]
    else:
        return frozenset()
    return frozenset().union(*(_OF_SHAPES[kind][0] for kind in kinds))


# ---------------------------------------------------------------------------- types


def is_number(part: Any) -> bool:
    """Return whether a part is a number; true and false are none."""
    return isinstance(part, int | float) and not isinstance(part, bool)


def _is_count(part: Any) -> bool:
    return isinstance(part, int) and not isinstance(part, bool) and part >= 0


def _is_percent(part: Any) -> bool:
    return is_number(part) and -_ROUNDING <= part <= 100 + _ROUNDING


def _is_flag(part: Any) -> bool:
    return isinstance(part, bool)


def _is_place(part: Any) -> bool:
    return is_number(part) or (isinstance(part, str) and 0 < len(part) <= 500)


def _is_list(part: Any) -> bool:
    return isinstance(part, list) and bool(part)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("x", "y", "width", "height", "radiusX", "radiusY"), is_number),
    **dict.fromkeys(("rotation", "duration"), is_number),
    **dict.fromkeys(("startOffset", "endOffset", "framesCount", "channel"), _is_count),
    **dict.fromkeys(("points", "vertices", "rle", "sequence", "ranges"), _is_list),
    **dict.fromkeys(("closed", "instant"), _is_flag),
    **dict.fromkeys(("start", "end"), _is_place),
    "text": lambda part: isinstance(part, str),
    "format": lambda part: part == "rle",
    "imageDataURL": lambda part: isinstance(part, str) and part.startswith(_PNG),
    "globalOffsets": lambda part: (
        isinstance(part, dict)
        and part.keys() == {"start", "end"}
        and all(map(_is_count, part.values()))
        and part["start"] < part["end"]
    ),
}

# ---------------------------------------------------------------------------- spans


def _of_text(
    control: Control, target: ObjectTag, data: Mapping[str, Any], region: Mapping[str, Any]
) -> Iterator[Problem]:
    value = region["value"]
    start, end = value.get("start"), value.get("end")
    text = _shown_text(target, data)
    if (
        not _is_count(start)
        or not _is_count(end)
        or not start < end
        or (text is not None and end > len(text))
    ):
        yield _outside_text(control)
    elif text is not None and _quotes_other(control, value, text[start:end]):
        yield _misquoted(control)


def _of_hypertext(
    control: Control, target: ObjectTag, data: Mapping[str, Any], region: Mapping[str, Any]
) -> Iterator[Problem]:
    value = region["value"]
    paths = (value.get("start"), value.get("end"))
    whole = value.get("globalOffsets") or {"start": 0, "end": 1}
    text = _shown_text(target, data)
    if not all(isinstance(path, str) and _XPATH.fullmatch(path) for path in paths):
        yield _malformed(control)
    elif text is not None and (
        whole["end"] > len(text)
        or value.get("startOffset", 0) > len(text)
        or value.get("endOffset", 0) > len(text)
        or (paths[0] == paths[1] and value.get("startOffset", 0) >= value.get("endOffset", 1))
    ):
        yield _outside_text(control)
    elif text is not None and isinstance(quoted := value.get("text"), str):
        words = _words_of(text)
        if words is not None and _bare(quoted) not in words:
            yield _misquoted(control)


def _of_conversation(
    control: Control, target: ObjectTag, data: Mapping[str, Any], region: Mapping[str, Any]
) -> Iterator[Problem]:
    value = region["value"]
    first, last = value.get("start"), value.get("end")
    if not all(isinstance(index, str) and _INDEX.fullmatch(index) for index in (first, last)):
        yield _malformed(control)
        return
    lines = _lines_of(target, data)
    if lines is None:
        return
    start, end = (int(first), value["startOffset"]), (int(last), value["endOffset"])
    if (
        not start < end
        or end[0] >= len(lines)
        or start[1] > _units(lines[start[0]])
        or end[1] > _units(lines[end[0]])
    ):
        yield _outside_text(control)
    elif start[0] == end[0]:
        units = lines[start[0]].encode("utf-16-le", "surrogatepass")
        words = units[2 * start[1] : 2 * end[1]].decode("utf-16-le", "replace")
        if _quotes_other(control, value, words):
            yield _misquoted(control)


def _of_sound(
    control: Control, _target: ObjectTag, _data: Mapping[str, Any], region: Mapping[str, Any]
) -> Iterator[Problem]:
    start, end = region["value"].get("start"), region["value"].get("end")
    length: Any = region.get("original_length")
    if not is_number(start) or not is_number(end):
        yield _malformed(control)
    elif not 0 <= start <= end or (is_number(length) and end > length + _ROUNDING):
        yield _outside_time(control)


def _of_series(
    control: Control, target: ObjectTag, data: Mapping[str, Any], region: Mapping[str, Any]
) -> Iterator[Problem]:
    start, end = region["value"].get("start"), region["value"].get("end")
    if target.attributes.get("timeformat"):
        if not (isinstance(start, str) and isinstance(end, str)):
            yield _malformed(control)
        return
    if not is_number(start) or not is_number(end):
        yield _malformed(control)
        return
    times = _times_of(target, data)
    if start > end or (times and not (times[0] <= start and end <= times[-1])):
        yield _outside_time(control)


_SPANNED: Mapping[
    str,
    Callable[[Control, ObjectTag, Mapping[str, Any], Mapping[str, Any]], Iterator[Problem]],
] = {
    "Text": _of_text,
    "HyperText": _of_hypertext,
    "Paragraphs": _of_conversation,
    "Audio": _of_sound,
    "AudioPlus": _of_sound,
    "TimeSeries": _of_series,
}


def _shown_text(target: ObjectTag, data: Mapping[str, Any]) -> str | None:
    """Return the text under work; none when it lies elsewhere or is wrapped."""
    if target.variable is None or target.attributes.get("valuetype", "text") != "text":
        return None
    if target.attributes.get("encoding", "none") != "none" or target.variable not in data:
        return None
    return str(data[target.variable])


def _quotes_other(control: Control, value: Mapping[str, Any], words: str) -> bool:
    if "text" not in value or _own(control) == "text":
        return False
    return bool(value["text"] != words)


def _lines_of(target: ObjectTag, data: Mapping[str, Any]) -> list[str] | None:
    """Return what is said in a conversation, line by line; none when it lies elsewhere."""
    said = data.get(target.variable or "")
    key = target.attributes.get("textkey", "text")
    if not isinstance(said, list) or not all(isinstance(line, dict) for line in said):
        return None
    return [str(line.get(key, "")) for line in said]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _times_of(target: ObjectTag, data: Mapping[str, Any]) -> list[Any]:
    """Return the first and the last time of a series that comes with the task."""
    series = data.get(target.variable or "")
    column = target.attributes.get("timecolumn", "")
    times = series.get(column) if isinstance(series, dict) else None
    if not isinstance(times, list) or not times or not all(map(is_number, times)):
        return []
    return [min(times), max(times)]


class _Words(HTMLParser):
    """The words of a hypertext without its spaces; none when the editor shows it otherwise."""

    _DROPPED = frozenset(
        {"script", "style", "iframe", "object", "embed", "noscript", "template", "title", "svg"}
        | {"math", "select", "textarea", "audio", "video", "head"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.is_plain = True

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Note what the editor drops, or shows in a way of its own."""
        self.is_plain = self.is_plain and tag not in self._DROPPED

    def handle_data(self, data: str) -> None:
        """Keep words."""
        self.parts.append(data)


def _words_of(hypertext: str) -> str | None:
    reader = _Words()
    reader.feed(hypertext)
    reader.close()
    return _bare("".join(reader.parts)) if reader.is_plain else None


def _bare(text: str) -> str:
    return "".join(text.replace("\\n", "").split())


# ---------------------------------------------------------------------------- shapes


def _drawn_problems(
    control: Control, region: Mapping[str, Any], place: Mapping[str, Any]
) -> Iterator[Problem]:
    percents = [
        place[key] for key in ("x", "y", "width", "height", "radiusX", "radiusY") if key in place
    ]
    if not all(map(_is_percent, percents)) or _sticks_out(place):
        yield _outside(control)
    if any(place.get(key, 1) <= 0 for key in ("width", "height", "radiusX", "radiusY")):
        yield _malformed(control)
    for key, check in _DRAWN.items():
        if key in place:
            yield from check(control, region, place[key])


def _sticks_out(place: Mapping[str, Any]) -> bool:
    if place.get("rotation") or "height" not in place:
        return False
    return bool(
        place["x"] + place["width"] > 100 + _ROUNDING
        or place["y"] + place["height"] > 100 + _ROUNDING
    )


def _points(control: Control, _region: Mapping[str, Any], points: list[Any]) -> Iterator[Problem]:
    if not all(
        isinstance(one, list) and len(one) == 2 and all(map(is_number, one)) for one in points
    ):
        yield _malformed(control)
    elif len(points) < 3:
        yield Problem(
            "too_few", _l("A mark of “%(control)s” needs three points.", control=control.name)
        )
    elif not all(_is_percent(part) for one in points for part in one):
        yield _outside(control)


_VERTEX = frozenset(
    {"x", "y", "id", "prevPointId", "isBezier", "controlPoint1", "controlPoint2"}
    | {"disconnected", "isBranching"}
)


def _vertices(control: Control, _region: Mapping[str, Any], points: list[Any]) -> Iterator[Problem]:
    if not all(map(_is_vertex, points)):
        yield _malformed(control)
        return
    ids = [one["id"] for one in points if "id" in one]
    known = {*ids, None}
    if len(set(ids)) != len(ids) or not all(one.get("prevPointId") in known for one in points):
        yield _malformed(control)
    elif not all(_is_percent(one[key]) for one in points for key in ("x", "y")):
        yield _outside(control)


def _is_vertex(one: Any) -> bool:
    if not isinstance(one, dict) or one.keys() - _VERTEX or not {"x", "y"} <= one.keys():
        return False
    return (
        is_number(one["x"])
        and is_number(one["y"])
        and all(isinstance(one.get(key, ""), str) for key in ("id",))
        and isinstance(one.get("prevPointId", ""), str)
        and all(
            isinstance(one.get(key, False), bool)
            for key in ("isBezier", "disconnected", "isBranching")
        )
        and all(_is_handle(one.get(key)) for key in ("controlPoint1", "controlPoint2"))
    )


def _is_handle(part: Any) -> bool:
    return part is None or (
        isinstance(part, dict) and part.keys() == {"x", "y"} and all(map(is_number, part.values()))
    )


def _rle(control: Control, region: Mapping[str, Any], rle: list[Any]) -> Iterator[Problem]:
    """Check that a brush's bytes are bytes, and that they say how large the picture is."""
    if not all(_is_count(byte) and byte < 256 for byte in rle) or len(rle) < 6:
        yield _malformed(control)
        return
    wide: Any = region.get("original_width")
    high: Any = region.get("original_height")
    if not (_is_count(wide) and _is_count(high)) or int.from_bytes(bytes(rle[:4])) != (
        wide * high * 4
    ):
        yield _other_size(control)


def _bitmask(control: Control, region: Mapping[str, Any], address: str) -> Iterator[Problem]:
    """Check that a bitmask is a picture as large as the one below it."""
    try:
        held = base64.b64decode(address.removeprefix(_PNG), validate=True)
    except (binascii.Error, ValueError):
        held = b""
    if held[:8] != b"\x89PNG\r\n\x1a\n" or held[12:16] != b"IHDR" or len(held) < 33:
        yield _malformed(control)
        return
    size = (int.from_bytes(held[16:20]), int.from_bytes(held[20:24]))
    if size != (region.get("original_width"), region.get("original_height")):
        yield _other_size(control)


_KEYFRAME = frozenset({"frame", "enabled", "rotation", "x", "y", "width", "height", "time"})


def _sequence(control: Control, region: Mapping[str, Any], frames: list[Any]) -> Iterator[Problem]:
    if not all(map(_is_keyframe, frames)):
        yield _malformed(control)
        return
    numbers = [one["frame"] for one in frames]
    last = region["value"].get("framesCount", MAX_FRAMES)
    if numbers != sorted(set(numbers)) or (_is_count(last) and numbers[-1] > max(last, 1)):
        yield _outside_time(control)


def _is_keyframe(one: Any) -> bool:
    if not isinstance(one, dict) or one.keys() - _KEYFRAME or not {"frame", "x", "y"} <= one.keys():
        return False
    return (
        _is_count(one["frame"])
        and 1 <= one["frame"] <= MAX_FRAMES
        and isinstance(one.get("enabled", True), bool)
        # A thing may leave the film at its edges.
        and all(is_number(one.get(key, 0)) and abs(one.get(key, 0)) <= 1000 for key in ("x", "y"))
        and all(
            is_number(one.get(key, 1)) and 0 < one.get(key, 1) <= 1000
            for key in ("width", "height")
        )
        and is_number(one.get("rotation", 0))
        and is_number(one.get("time", 0))
        and one.get("time", 0) >= 0
    )


def _ranges(control: Control, _region: Mapping[str, Any], ranges: list[Any]) -> Iterator[Problem]:
    for one in ranges:
        if (
            not isinstance(one, dict)
            or one.keys() != {"start", "end"}
            or not all(map(_is_count, one.values()))
        ):
            yield _malformed(control)
        elif not 1 <= one["start"] <= one["end"] <= MAX_FRAMES:
            yield _outside_time(control)


_DRAWN: Mapping[str, Callable[[Control, Mapping[str, Any], Any], Iterator[Problem]]] = {
    "points": _points,
    "vertices": _vertices,
    "rle": _rle,
    "imageDataURL": _bitmask,
    "sequence": _sequence,
    "ranges": _ranges,
}

# ---------------------------------------------------------------------------- words


def _malformed(control: Control) -> Problem:
    return Problem(
        "malformed", _l("“%(control)s” holds something unexpected.", control=control.name)
    )


def _outside(control: Control) -> Problem:
    return Problem(
        "outside", _l("A mark of “%(control)s” lies outside of the picture.", control=control.name)
    )


def _outside_text(control: Control) -> Problem:
    return Problem(
        "offsets", _l("A mark of “%(control)s” lies outside of the text.", control=control.name)
    )


def _outside_time(control: Control) -> Problem:
    return Problem(
        "outside_time",
        _l("A mark of “%(control)s” lies outside of the recording.", control=control.name),
    )


def _misquoted(control: Control) -> Problem:
    return Problem(
        "misquoted",
        _l(
            "A mark of “%(control)s” quotes other words than the text has there.",
            control=control.name,
        ),
    )


def _other_size(control: Control) -> Problem:
    return Problem(
        "other_size",
        _l("A mark of “%(control)s” is not as large as its picture.", control=control.name),
    )
