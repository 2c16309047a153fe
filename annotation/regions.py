"""One region of an answer: whose it is, where it lies, and what it quotes. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from annotation.answers import answer_problems, malformed
from annotation.label_config import Control, LabelConfig, ObjectTag
from annotation.label_tags import ANSWER_KEYS
from annotation.places import MAX_PIXELS, is_number, place_keys, place_problems
from annotation.problems import Problem

MAX_REGIONS = 2000
REGION_KEYS = frozenset(
    {"id", "from_name", "to_name", "type", "value", "origin", "meta", "score", "parentID"}
    | {"readonly", "hidden", "locked", "item_index"}
    | {"original_width", "original_height", "original_length", "image_rotation"}
)
_ORIGINS = ("manual", "prediction", "prediction-changed")
_META_KEYS = frozenset({"text", "lead_time"})
_MAX_ID = 100
_MAX_NOTE = 10_000
_FLAGS = ("readonly", "hidden", "locked")


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
    yield from _key_problems(control, target, region, value)
    yield from _item_problems(control, target, data, region)
    yield from answer_problems(control, parsed, data, value)
    yield from place_problems(control, target, data, region)
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
    """Return whether what stands around a value is as the editor puts it."""
    return (
        _is_id(region.get("id", "id"))
        and _is_id(region.get("parentID", "id"))
        and _is_meta(region.get("meta", {}))
        and region.get("origin", "manual") in _ORIGINS
        and all(isinstance(region.get(key, False), bool) for key in _FLAGS)
        and (region.get("score") is None or is_number(region["score"]))
        and all(_is_size(region.get(key, 1)) for key in ("original_width", "original_height"))
        and is_number(region.get("original_length", 1))
        and region.get("original_length", 1) >= 0
        and region.get("image_rotation", 0) in (0, 90, 180, 270)
        and not isinstance(region.get("image_rotation", 0), bool)
    )


def _is_id(part: Any) -> bool:
    return isinstance(part, str) and 0 < len(part) <= _MAX_ID


def _is_size(part: Any) -> bool:
    return isinstance(part, int) and not isinstance(part, bool) and 1 <= part <= MAX_PIXELS


def _is_meta(part: Any) -> bool:
    """Return whether a note on a region is one: words, and how long they took."""
    if not isinstance(part, dict) or part.keys() - _META_KEYS:
        return False
    said = part.get("text", [])
    words = [said] if isinstance(said, str) else said
    return (
        isinstance(words, list)
        and all(isinstance(one, str) for one in words)
        and sum(map(len, words)) <= _MAX_NOTE
        and is_number(part.get("lead_time", 0))
    )


def _item_problems(
    control: Control, target: ObjectTag, data: Mapping[str, Any], region: Mapping[str, Any]
) -> Iterator[Problem]:
    """Check which of several pictures an answer is about."""
    index = region.get("item_index")
    if index is None:
        return
    items = data.get(target.variable or "")
    most = len(items) if isinstance(items, list) else 1
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < most:
        yield malformed(control)


def _key_problems(
    control: Control, target: ObjectTag, region: Mapping[str, Any], value: Mapping[str, Any]
) -> Iterator[Problem]:
    may, _must = place_keys(control, target)
    unknown = (region.keys() - REGION_KEYS) | (value.keys() - may - {ANSWER_KEYS.get(control.kind)})
    if unknown:
        yield Problem(
            "unknown_key",
            _l(
                "“%(control)s” holds parts that the editor does not make: %(names)s.",
                control=control.name,
                names=", ".join(sorted(map(str, unknown)))[:80],
            ),
        )


def _merged_label_problems(
    parsed: LabelConfig, control: Control, value: Mapping[str, Any]
) -> Iterator[Problem]:
    """Check labels that stand in a shape's own value, as on a video."""
    if control.kind == "Labels" or "labels" not in value:
        return
    labels = value["labels"]
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
