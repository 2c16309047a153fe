"""Whether two answers say the same, whatever ids, order and roundings they were written with. Pure.

What the editor adds when it opens and keeps an answer makes no difference: new ids, the quoted
text of a mark, offsets counted in another way, coordinates in more digits.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

Result = Sequence[Mapping[str, Any]]

DIGITS = 3  # of a percent of a picture, or of a second
UNSAID = frozenset({"globalOffsets", "closed", "duration", "framesCount"})


def same(one: Result, other: Result) -> bool:
    """Say whether two answers say the same."""
    return said(one) == said(other)


def said(result: Result) -> list[str]:
    """Return what an answer says, in one form."""
    regions = _regions(result)
    relations = [
        _text(
            [
                "relation",
                regions.get(str(one.get("from_id"))),
                regions.get(str(one.get("to_id"))),
                one.get("direction"),
                sorted(map(str, one.get("labels") or [])),
            ]
        )
        for one in result
        if one.get("type") == "relation"
    ]
    return sorted([*regions.values(), *relations])


def _regions(result: Result) -> dict[str, str]:
    """Return each region's text by its id: parts with one id, such as a box and its label."""
    parts: dict[str, list[str]] = defaultdict(list)
    for number, one in enumerate(result):
        if one.get("type") != "relation":
            parts[str(one.get("id") or f"part {number}")].append(_part(one))
    return {name: _text(sorted(some)) for name, some in parts.items()}


def _part(one: Mapping[str, Any]) -> str:
    value = one.get("value")
    held = _value(value) if isinstance(value, Mapping) else value
    return _text([one.get("from_name"), one.get("type"), one.get("item_index") or 0, held])


def _value(value: Mapping[str, Any]) -> dict[str, Any]:
    quotes = "start" in value or "startOffset" in value
    return {
        key: _plain(key, part)
        for key, part in value.items()
        if key not in UNSAID
        and not (key == "text" and quotes)
        and not (key == "rotation" and not part)
    }


def _plain(key: str, part: Any) -> Any:
    if isinstance(part, bool):
        return part
    if isinstance(part, int | float):
        return round(float(part), DIGITS)
    if key == "text" and isinstance(part, str):
        return [part]  # a text field gives one text or a list of them
    if isinstance(part, list):
        plain = [_plain("", one) for one in part]
        return sorted(plain, key=_text) if key == "choices" or key.endswith("labels") else plain
    if isinstance(part, Mapping):
        return {inner: _plain("", one) for inner, one in part.items()}
    return part


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
