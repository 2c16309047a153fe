"""The answer inside a region's value, by the kind of control that gave it. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from annotation.dates import date_problems
from annotation.label_config import Control, LabelConfig, ObjectTag
from annotation.label_tags import ANSWER_KEYS, LABEL_KINDS
from annotation.problems import Problem

_MAX_TEXT = 100_000


def answer_problems(
    control: Control, parsed: LabelConfig, data: Mapping[str, Any], value: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield what is wrong with the answer that a control gave."""
    key = ANSWER_KEYS.get(control.kind)
    if key is None:
        return
    answer: Any = value.get(key)
    if control.is_labels and answer == [] and control.is_on("allowempty"):
        return
    if not _SHAPES[control.kind](answer):
        yield malformed(control)
    elif control.kind in LABEL_KINDS or control.kind in ("Choices", "Taxonomy"):
        yield from _option_problems(control, data, answer)
        yield from _tree_problems(control, data, answer)
    elif control.kind in ("Number", "Rating"):
        yield from _range_problems(control, answer)
    elif control.kind == "TextArea":
        yield from _text_problems(control, answer)
    elif control.kind == "Ranker":
        yield from _ranking_problems(control, parsed, data, answer)
    elif control.kind == "DateTime":
        yield from date_problems(control, answer)


def malformed(control: Control) -> Problem:
    """Return the problem of a value that the editor would not have made."""
    return Problem(
        "malformed", _l("“%(control)s” holds something unexpected.", control=control.name)
    )


def _option_problems(
    control: Control, data: Mapping[str, Any], answer: list[Any]
) -> Iterator[Problem]:
    known = control.paths | _dynamic_paths(control, data)
    if "apiurl" not in control.attributes:
        for choice in answer:
            if not _is_known(control, choice, known):
                yield Problem(
                    "unknown_option",
                    _l(
                        "“%(option)s” is not an option of “%(control)s”.",
                        option=_shown(choice),
                        control=control.name,
                    ),
                )
    if len({_shown(choice) for choice in answer}) != len(answer):
        yield Problem("repeated", _l("“%(control)s” names one option twice.", control=control.name))
    if len(answer) > 1 and control.kind != "Taxonomy" and not control.is_multiple:
        yield Problem(
            "too_many", _l("Choose only one option in “%(control)s”.", control=control.name)
        )


def _is_known(control: Control, choice: Any, known: frozenset[tuple[str, ...]]) -> bool:
    if isinstance(choice, list):
        return tuple(choice) in known
    return any(path[-1] == choice for path in known)


def _shown(choice: Any) -> str:
    words = " / ".join(choice) if isinstance(choice, list) else str(choice)
    return words if len(words) <= 80 else words[:79] + "…"


def _dynamic_paths(control: Control, data: Mapping[str, Any]) -> frozenset[tuple[str, ...]]:
    if not control.is_dynamic:
        return frozenset()
    return frozenset(_paths_in(data.get(control.attributes["value"][1:]), ()))


def _paths_in(options: Any, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the options that come with a task: words, or objects with children."""
    for option in options if isinstance(options, list) and len(above) < 16 else ():
        if isinstance(option, str):
            yield (*above, option)
        elif isinstance(option, dict):
            path = (*above, str(option.get("alias") or option.get("value")))
            yield path
            yield from _paths_in(option.get("children"), path)


def _tree_problems(
    control: Control, data: Mapping[str, Any], answer: list[Any]
) -> Iterator[Problem]:
    """Check what a taxonomy allows: its leaves only, and so many of them."""
    if control.kind != "Taxonomy":
        return
    if len(answer) > _number(control, "maxusages", float("inf")):
        yield Problem("too_many", _l("“%(control)s” names too many options.", control=control.name))
    if control.is_on("leafsonly"):
        known = control.paths | _dynamic_paths(control, data)
        branches = {path[:length] for path in known for length in range(1, len(path))}
        if any(tuple(path) in branches for path in answer):
            yield Problem(
                "not_a_leaf",
                _l("Choose the most exact option in “%(control)s”.", control=control.name),
            )


def _range_problems(control: Control, answer: float) -> Iterator[Problem]:
    if control.kind == "Rating":
        low, high = 0.0, _number(control, "maxrating", 5.0)
    else:
        low, high = _number(control, "min", float("-inf")), _number(control, "max", float("inf"))
    if not low <= answer <= high:
        yield Problem(
            "out_of_range", _l("“%(control)s” is out of its range.", control=control.name)
        )


def _number(control: Control, attribute: str, otherwise: float) -> float:
    try:
        return float(control.attributes.get(attribute, otherwise))
    except ValueError:
        return otherwise


def _text_problems(control: Control, answer: str | list[str]) -> Iterator[Problem]:
    texts = answer if isinstance(answer, list) else [answer]
    if len(texts) > _number(control, "maxsubmissions", float("inf")):
        yield Problem("too_many", _l("“%(control)s” has too many texts.", control=control.name))
    if any(len(text) > _MAX_TEXT for text in texts):
        yield Problem(
            "too_long",
            _l("Shorten “%(control)s”: 100,000 characters at most.", control=control.name),
        )
    if control.is_on("skipduplicates") and len({text.lower() for text in texts}) != len(texts):
        yield Problem("repeated", _l("“%(control)s” says one thing twice.", control=control.name))


def _ranking_problems(
    control: Control, parsed: LabelConfig, data: Mapping[str, Any], answer: dict[str, list[str]]
) -> Iterator[Problem]:
    """Check that a ranking ranks the things of the task, each once, in columns of the config."""
    ranked = [one for many in answer.values() for one in many]
    if len(set(ranked)) != len(ranked):
        yield Problem("repeated", _l("“%(control)s” ranks one thing twice.", control=control.name))
    buckets = parsed.buckets(control.name)
    things = _things(parsed.objects.get(control.to_names[0]), data)
    columns = {*buckets, "_"} if buckets else {control.name}
    whole = set(ranked) == things if not buckets and things is not None else True
    if answer.keys() - columns or (things is not None and set(ranked) - things) or not whole:
        yield Problem(
            "other_things",
            _l("“%(control)s” ranks other things than the task has.", control=control.name),
        )


def _things(target: ObjectTag | None, data: Mapping[str, Any]) -> set[str] | None:
    """Return the ids of what a list shows; none when it does not come with the task."""
    items = data.get((target.variable if target else None) or "")
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        return None
    return {_as_text(one.get("id")) for one in items}


def _as_text(part: Any) -> str:
    # As a browser writes it.
    if part is None or isinstance(part, bool):
        return "undefined" if part is None else str(part).lower()
    return str(int(part)) if isinstance(part, float) and part.is_integer() else str(part)


def _is_number(answer: Any) -> bool:
    return isinstance(answer, int | float) and not isinstance(answer, bool)


def _are_texts(answer: Any) -> bool:
    return isinstance(answer, list) and bool(answer) and all(isinstance(one, str) for one in answer)


def _are_paths(answer: Any) -> bool:
    return isinstance(answer, list) and bool(answer) and all(_are_texts(one) for one in answer)


def _are_choices(answer: Any) -> bool:
    return (
        isinstance(answer, list)
        and bool(answer)
        and all(isinstance(one, str) or _are_texts(one) for one in answer)
    )


def _is_ranking(answer: Any) -> bool:
    return (
        isinstance(answer, dict)
        and bool(answer)
        and all(
            isinstance(column, str) and (many == [] or _are_texts(many))
            for column, many in answer.items()
        )
    )


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(LABEL_KINDS, _are_texts),
    "Choices": _are_choices,
    "Taxonomy": _are_paths,
    "TextArea": lambda answer: isinstance(answer, str) or _are_texts(answer),
    "Number": _is_number,
    "Rating": lambda answer: isinstance(answer, int) and not isinstance(answer, bool),
    "DateTime": lambda answer: isinstance(answer, str) and 0 < len(answer) <= 100,
    "Pairwise": lambda answer: answer in ("left", "right"),
    "Ranker": _is_ranking,
}
