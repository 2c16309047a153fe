"""What in a label config could not be worked with, or is there for another purpose. Pure.

The editor would show it wrongly, never, or far too often, or it reaches for other hosts, which the
frame cannot. Each is refused before anybody is asked to work with it.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping

from flask_babel import lazy_gettext as _l

from annotation.label_config import Control, LabelConfig, repeated
from annotation.label_tags import OBJECTS, OPTION_TAGS, SHAPE_KINDS
from annotation.problems import Problem

MAX_TAGS = 5000
_NAME = re.compile(r"[\w.\- ]{1,100}")
_TAKEN = frozenset({"__proto__", "constructor", "prototype", "toString", "valueOf"})
_ADDRESS = re.compile(r"\s*([a-z][a-z0-9+.\-]*:|//|\\\\)", re.IGNORECASE)
_CSS_REACHES = re.compile(r"url\s*\(|@import|image-set|expression\s*\(", re.IGNORECASE)
# They turn words round or hide in them, so that two names look alike.
_HIDDEN = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
_NUMBERS: Mapping[str, tuple[float, float]] = {
    "maxRating": (1, 100),
    "maxSubmissions": (1, 1000),
    "maxUsages": (1, 10_000),
    "rows": (1, 100),
    "framerate": (0.001, 1000),
    "step": (0, 1e15),
    "zoomBy": (0.01, 100),
}
_IMAGE = frozenset({"Image"})
_FITS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(SHAPE_KINDS, _IMAGE),
    **{f"{kind}Labels": _IMAGE for kind in SHAPE_KINDS},
    "VideoRectangle": frozenset({"Video"}),
    "TimelineLabels": frozenset({"Video"}),
    "TimeSeriesLabels": frozenset({"TimeSeries"}),
    "ParagraphLabels": frozenset({"Paragraphs"}),
    "HyperTextLabels": frozenset({"HyperText", "Text"}),
    "Labels": OBJECTS - {"Pdf", "Table", "List"},
    "Ranker": frozenset({"List"}),
}


def sense_problems(parsed: LabelConfig) -> Iterator[Problem]:
    """Yield what makes no sense in a config, or too much of it."""
    if sum(1 for _ in parsed.root.iter()) > MAX_TAGS:
        yield Problem("too_many_tags", _l("Shorten the config: it may have 5,000 tags at most."))
        return
    yield from _word_problems(parsed)
    yield from _number_problems(parsed)
    yield from _address_problems(parsed)
    yield from _key_problems(parsed)
    yield from _condition_problems(parsed)
    for control in parsed.controls.values():
        yield from _fit_problems(control, parsed)


def _word_problems(parsed: LabelConfig) -> Iterator[Problem]:
    """Find names that are none, and options that look like others."""
    for element in parsed.root.iter():
        name = element.get("name")
        if name and (not _NAME.fullmatch(name) or name in _TAKEN):
            yield Problem(
                "bad_name",
                _l("Rename “%(name)s”: use letters, digits, - and _.", name=_plain(name)),
            )
        shown = [element.get(key, "") for key in ("value", "alias")]
        if element.tag in OPTION_TAGS and any(map(_HIDDEN.search, shown)):
            yield Problem(
                "hidden_signs",
                _l("Remove the invisible signs from “%(option)s”.", option=_plain(shown[0])),
            )
    for control in parsed.controls.values():
        plain = [_alike(option) for option in control.options]
        if control.kind != "Taxonomy" and len(set(plain)) < len(set(control.options)):
            yield Problem(
                "alike",
                _l(
                    "Name the options of “%(control)s” so that all look different.",
                    control=control.name,
                ),
            )


def _plain(words: str) -> str:
    return _HIDDEN.sub("", words)[:80]


def _alike(words: str) -> str:
    return " ".join(_HIDDEN.sub("", unicodedata.normalize("NFKC", words)).split())


def _number_problems(parsed: LabelConfig) -> Iterator[Problem]:
    for element in parsed.root.iter():
        limits = dict(_NUMBERS)
        if element.tag == "Number":
            limits |= dict.fromkeys(("min", "max", "defaultValue"), (-1e15, 1e15))
        given = {key.lower(): value for key, value in element.attrib.items()}
        read = {key: _number(given[key.lower()]) for key in limits if key.lower() in given}
        for key, value in read.items():
            low, high = limits[key]
            if value is None or not low <= value <= high:
                yield _bad_number(str(element.tag), key)
        least, most = read.get("min"), read.get("max")
        if least is not None and most is not None and least > most:
            yield _bad_number(str(element.tag), "max")


def _number(words: str) -> float | None:
    try:
        value = float(words)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in words else None


def _bad_number(tag: str, key: str) -> Problem:
    return Problem(
        "bad_number",
        _l("Correct %(key)s of <%(tag)s>: it is not a number that fits.", key=key, tag=tag),
    )


def _address_problems(parsed: LabelConfig) -> Iterator[Problem]:
    """Find addresses of elsewhere: the editor's frame reaches no host, and runs no script."""
    for element in parsed.root.iter():
        value = element.get("value", "") + element.get("valueList", "")
        is_object = element.tag in OBJECTS and element.tag not in ("Text", "HyperText")
        if is_object and _ADDRESS.match(value):
            yield Problem(
                "elsewhere",
                _l(
                    "Let <%(tag)s> show a field of the task, such as $url: the editor reaches no "
                    "other address.",
                    tag=str(element.tag),
                ),
            )
        looks = element.get("style", "") + (element.text or "" if element.tag == "Style" else "")
        if _CSS_REACHES.search(looks):
            yield Problem(
                "style_reaches",
                _l("Remove addresses from styles: they may only say how things look."),
            )


def _key_problems(parsed: LabelConfig) -> Iterator[Problem]:
    keys = [
        element.get("hotkey", "").strip().lower()
        for element in parsed.root.iter()
        if element.get("hotkey", "").strip()
    ]
    for key in repeated(keys):
        yield Problem(
            "repeated_key", _l("Give “%(key)s” to one thing only: two wait for it.", key=key[:20])
        )


def _condition_problems(parsed: LabelConfig) -> Iterator[Problem]:
    """Find what is shown when something is chosen that is not there, or that waits for itself."""
    waits: dict[str, set[str]] = {name: set() for name in parsed.controls}
    for control in parsed.controls.values():
        for rules in (control.attributes, *control.within):
            tag = rules.get("whentagname")
            if tag is None:
                continue
            if tag not in parsed.controls:
                yield Problem(
                    "unknown_when",
                    _l(
                        "Correct the whenTagName of “%(control)s”: nothing is named “%(name)s”.",
                        control=control.name,
                        name=tag[:80],
                    ),
                )
            elif rules.get("visiblewhen") in ("choice-selected", "choice-unselected"):
                waits[control.name].add(tag)
    for name in sorted(waits):
        if name in _reached(waits, name):
            yield Problem(
                "waits_for_itself",
                _l("Show “%(control)s” at some time: it waits for itself.", control=name),
            )


def _reached(waits: Mapping[str, set[str]], start: str) -> set[str]:
    """Return what something waits for, also by way of others."""
    found: set[str] = set()
    level = set(waits[start])
    while level:
        found |= level
        level = {after for one in level for after in waits[one]} - found
    return found


def _fit_problems(control: Control, parsed: LabelConfig) -> Iterator[Problem]:
    """Find controls over things that they cannot mark."""
    kinds = {parsed.objects[name].kind for name in control.to_names if name in parsed.objects}
    fits = _FITS.get(control.kind, OBJECTS)
    for kind in sorted(kinds - fits):
        yield Problem(
            "does_not_fit",
            _l(
                "Point “%(control)s” at something else: <%(tag)s> does not work with <%(shown)s>.",
                control=control.name,
                tag=control.kind,
                shown=kind,
            ),
        )
    if control.kind == "Pairwise" and len(set(control.to_names)) != 2:
        yield Problem(
            "not_a_pair", _l("Give “%(control)s” two things to compare.", control=control.name)
        )
    buckets = [
        bucket.get("name") or ""
        for ranker in parsed.root.iter("Ranker")
        if ranker.get("name") == control.name
        for bucket in ranker.iter("Bucket")
    ]
    if "" in buckets or len(set(buckets)) != len(buckets):
        yield Problem(
            "buckets",
            _l("Give each bucket of “%(control)s” its own name.", control=control.name),
        )
