"""One region of an answer: whose it is, where it lies, and what it quotes. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from annotation.answers import answer_problems, malformed
from annotation.label_config import Control, LabelConfig, ObjectTag
from annotation.label_tags import ANSWER_KEYS
from annotation.problems import Problem

MAX_REGIONS = 2000
REGION_KEYS = frozenset(
    {"id", "from_name", "to_name", "type", "value", "origin", "meta", "score", "parentID"}
    | {"readonly", "hidden", "locked", "item_index"}
    | {"original_width", "original_height", "original_length", "image_rotation"}
)
_GEOMETRY = frozenset(
    {"start", "end", "text", "startOffset", "endOffset", "globalOffsets"}
    | {"x", "y", "width", "height", "rotation", "radiusX", "radiusY", "points", "pageIndex"}
    | {"closed", "vertices", "format", "rle", "imageDataURL", "brushDataURL"}
    | {"channel", "instant", "ranges", "sequence", "framesCount", "duration", "labels"}
)
_PERCENTS = frozenset({"x", "y", "width", "height", "radiusX", "radiusY"})
_NUMBERS = _PERCENTS | {"rotation", "framesCount", "duration", "startOffset", "endOffset"}
_TEXTS = frozenset({"format", "imageDataURL", "brushDataURL"})
_LISTS = frozenset({"points", "vertices", "rle", "sequence", "ranges"})
_FLAGS = frozenset({"closed", "instant"})

# Where a region of this kind lies; without these it lies nowhere.
_PLACES: Mapping[str, frozenset[str]] = {
    "Rectangle": frozenset({"x", "y", "width", "height"}),
    "Ellipse": frozenset({"x", "y", "radiusX", "radiusY"}),
    "KeyPoint": frozenset({"x", "y"}),
    "Polygon": frozenset({"points"}),
    "Brush": frozenset({"rle"}),
    "MagicWand": frozenset({"rle"}),
    "Bitmask": frozenset({"imageDataURL"}),
    "Vector": frozenset({"vertices"}),
    "VideoRectangle": frozenset({"sequence"}),
    "TimelineLabels": frozenset({"ranges"}),
    "TimeSeriesLabels": frozenset({"start", "end"}),
    "HyperTextLabels": frozenset({"start", "end"}),
    "ParagraphLabels": frozenset({"start", "end"}),
}
_SPANNED = frozenset({"Text", "HyperText", "Paragraphs", "Audio", "AudioPlus"})
_ROUNDING = 0.01


def region_problems(
    parsed: LabelConfig, data: Mapping[str, Any], region: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield what is wrong with one region."""
    control = parsed.controls.get(str(region.get("from_name")))
    if control is None:
        yield Problem(
            "unknown_control",
            _l(
                "The config asks for nothing named “%(name)s”.",
                name=str(region.get("from_name"))[:80],
            ),
        )
        return
    target = _target(parsed, control, region.get("to_name"))
    value = region.get("value")
    if (
        target is None
        or region.get("type") != control.kind.lower()
        or not isinstance(value, dict)
        or not _is_framed(region)
    ):
        yield malformed(control)
        return
    yield from _key_problems(control, region, value)
    yield from answer_problems(control, data, value)
    yield from _place_problems(control, target, value)
    yield from _span_problems(control, target, data, value)
    yield from _merged_label_problems(parsed, control, value)


def _target(parsed: LabelConfig, control: Control, to_name: Any) -> ObjectTag | None:
    if to_name == ",".join(control.to_names):
        # Controls over several things, such as a comparison of two, may name them all.
        to_name = control.to_names[0]
    if control.kind == "Pairwise" and to_name == control.name:
        # The editor lets a comparison of two be about itself.
        to_name = control.to_names[0]
    return parsed.objects.get(to_name) if to_name in control.to_names else None


def _is_framed(region: Mapping[str, Any]) -> bool:
    return (
        isinstance(region.get("id", ""), str)
        and isinstance(region.get("meta", {}), dict)
        and isinstance(region.get("item_index", 0), int | None)
    )


def _key_problems(
    control: Control, region: Mapping[str, Any], value: Mapping[str, Any]
) -> Iterator[Problem]:
    unknown = (region.keys() - REGION_KEYS) | (
        value.keys() - _GEOMETRY - {ANSWER_KEYS.get(control.kind)}
    )
    if unknown:
        yield Problem(
            "unknown_key",
            _l(
                "“%(control)s” holds parts that the editor does not make: %(names)s.",
                control=control.name,
                names=", ".join(sorted(map(str, unknown)))[:80],
            ),
        )


def _place_problems(
    control: Control, target: ObjectTag, value: Mapping[str, Any]
) -> Iterator[Problem]:
    place = _PLACES.get(control.kind) or _PLACES.get(
        control.kind.removesuffix("Labels"), frozenset()
    )
    if control.kind == "Labels" and target.kind in _SPANNED:
        place = frozenset({"start", "end"})
    if place - value.keys() or not all(_is_measure(key, part) for key, part in value.items()):
        yield malformed(control)
    elif any(not -_ROUNDING <= value[key] <= 100 + _ROUNDING for key in _PERCENTS & value.keys()):
        yield Problem(
            "outside",
            _l("A mark of “%(control)s” lies outside of the picture.", control=control.name),
        )


def _is_measure(key: str, part: Any) -> bool:
    kinds: tuple[tuple[frozenset[str], Callable[[Any], bool]], ...] = (
        (_NUMBERS, _is_number),
        (_TEXTS, lambda one: isinstance(one, str)),
        (_LISTS, lambda one: isinstance(one, list) and bool(one)),
        (_FLAGS, lambda one: isinstance(one, bool)),
    )
    return all(is_one(part) for keys, is_one in kinds if key in keys)


def _is_number(part: Any) -> bool:
    return isinstance(part, int | float) and not isinstance(part, bool)


def _span_problems(
    control: Control, target: ObjectTag, data: Mapping[str, Any], value: Mapping[str, Any]
) -> Iterator[Problem]:
    """Check offsets in a plain text, and that what is quoted stands there."""
    if target.kind != "Text" or ("start" not in value and "end" not in value):
        return
    start: Any = value.get("start")
    end: Any = value.get("end")
    text = _shown_text(target, data)
    if (
        not _is_offset(start)
        or not _is_offset(end)
        or not start < end
        or (text is not None and end > len(text))
    ):
        yield Problem(
            "offsets", _l("A mark of “%(control)s” lies outside of the text.", control=control.name)
        )
    elif text is not None and _misquotes(control, text[start:end], value.get("text")):
        yield Problem(
            "misquoted",
            _l(
                "A mark of “%(control)s” quotes other words than the text has there.",
                control=control.name,
            ),
        )


def _is_offset(part: Any) -> bool:
    return isinstance(part, int) and not isinstance(part, bool) and part >= 0


def _shown_text(target: ObjectTag, data: Mapping[str, Any]) -> str | None:
    """Return the text under work; none when it lies elsewhere or is wrapped."""
    if target.variable is None or target.attributes.get("valuetype", "text") != "text":
        return None
    if target.attributes.get("encoding", "none") != "none" or target.variable not in data:
        return None
    return str(data[target.variable])


def _misquotes(control: Control, words: str, quoted: Any) -> bool:
    if quoted is None or ANSWER_KEYS.get(control.kind) == "text":
        return False
    return bool(quoted != words)


def _merged_label_problems(
    parsed: LabelConfig, control: Control, value: Mapping[str, Any]
) -> Iterator[Problem]:
    """Check labels that stand in a shape's own value, as on a video."""
    labels = value.get("labels")
    if control.kind == "Labels" or labels is None:
        return
    known = {
        option
        for other in parsed.controls.values()
        if other.kind == "Labels" and set(other.to_names) & set(control.to_names)
        for option in other.options
    }
    if not isinstance(labels, list) or not all(
        isinstance(label, str) and label in known for label in labels
    ):
        yield malformed(control)
