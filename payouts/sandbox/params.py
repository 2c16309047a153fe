"""Reads what a request asks. The one rule: what a table does not name is refused, as Stripe does.

A table says, in plain Python, which parameters an endpoint takes:
`str`, `int`, `bool` are themselves; a set is a choice of words; a list holds one kind; a dict is
a group; a tuple lists alternatives; `MAP` is metadata. A name ending in `!` must be there.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from payouts.sandbox.errors import Refusal

MAP = object()
Table = dict[str, Any]

CREATED: tuple[Any, ...] = (int, {"gt": int, "gte": int, "lt": int, "lte": int})
EXPAND: Table = {"expand": [str]}
PAGE: Table = {"limit": int, "starting_after": str, "ending_before": str, **EXPAND}


def words(text: str) -> list[str]:
    """Return the words of a text: a long list is easier to read without its quotes."""
    return text.split()


def nested(text: str) -> dict[str, Any]:
    """Return `a[b]=1&c[0]=2` as nested dicts; lists come as dicts keyed by position."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=2000):
        keys = [name.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", name)]
        branch = tree
        for key in keys[:-1]:
            branch = branch.setdefault(key, {})
            if not isinstance(branch, dict):
                raise Refusal(f"Invalid object: {keys[0]}", param=keys[0])
        branch[keys[-1] or str(len(branch))] = value
    return tree


def read(table: Table, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters in their own types, or refuse the request."""
    return _group(table, given, path="")


def _group(table: Table, given: dict[str, Any], path: str) -> dict[str, Any]:
    names = {name.removesuffix("!"): kind for name, kind in table.items()}
    unknown = [_inside(path, name) for name in given if name not in names]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise Refusal(
            f"Received unknown parameter{plural}: {', '.join(unknown)}",
            code="parameter_unknown",
            param=unknown[0],
        )
    for name in table:
        if name.endswith("!") and given.get(name[:-1]) is None:
            param = _inside(path, name[:-1])
            raise Refusal(
                f"Missing required param: {param}.", code="parameter_missing", param=param
            )
    return {name: _value(names[name], value, _inside(path, name)) for name, value in given.items()}


def _inside(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _value(kind: Any, value: Any, path: str) -> Any:
    if isinstance(kind, tuple):
        return _either(kind, value, path)
    if isinstance(kind, dict):
        return _group(kind, _dict(value, path), path)
    if isinstance(kind, list):
        return [_value(kind[0], each, f"{path}[{n}]") for n, each in enumerate(_items(value, path))]
    if kind is MAP:
        return _metadata(value, path)
    return _plain(kind, value, path)


def _either(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    for kind in kinds[:-1]:
        try:
            return _value(kind, value, path)
        except Refusal:
            continue
    return _value(kinds[-1], value, path)


def _dict(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal("Invalid object", param=path)
    return value


def _items(value: Any, path: str) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and all(key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    raise Refusal("Invalid array", param=path)


def _plain(kind: Any, value: Any, path: str) -> Any:
    if isinstance(value, dict | list):
        raise Refusal(f"Invalid string: {value}", param=path)
    if kind is bool:
        return _flag(value, path)
    if kind is int:
        return _whole(value, path)
    if not isinstance(value, str):
        raise Refusal(f"Invalid string: {value}", param=path)
    if isinstance(kind, set | frozenset):
        return _word(kind, value, path)
    if len(value) > 5000:
        raise Refusal("Invalid string: must be at most 5000 characters", param=path)
    return value


def _flag(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise Refusal(f"Invalid boolean: {value}", param=path)


def _whole(value: Any, path: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value):
        return int(value)
    raise Refusal(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path)


def _word(choices: set[str] | frozenset[str], value: str, path: str) -> str:
    if value in choices:
        return value
    *most, last = sorted(choices)
    choice = f"{', '.join(most)} or {last}" if most else last
    raise Refusal(f"Invalid {path}: must be one of {choice}", param=path)


def _metadata(value: Any, path: str) -> dict[str, str]:
    if value == "":  # Stripe's way to unset all of it
        return {}
    found = _dict(value, path)
    for key, text in found.items():
        if len(key) > 40 or not isinstance(text, str | None) or len(text or "") > 500:
            raise Refusal(
                "Metadata keys have at most 40 characters and values are text of at most 500.",
                param=_inside(path, key),
            )
    if len(found) > 50:
        raise Refusal("You can have up to 50 metadata keys.", param=path)
    return {key: text or "" for key, text in found.items()}


def merged(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """Return metadata after an update: an empty value takes its key away."""
    return {key: text for key, text in {**old, **new}.items() if text}
