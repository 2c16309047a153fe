"""Values that the database can hold: no strange numbers, no broken text, no bottomless nesting.

JSON as browsers and scripts send it allows what PostgreSQL refuses (NUL, half a surrogate pair,
NaN) and what would cost us dearly (a million keys). Pure.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 16
MAX_PARTS = 200_000
MAX_CHARACTERS = 4_000_000
MAX_WHOLE = 2**53
# NUL, and halves of pairs that stand for no character.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_storable(value: Any) -> bool:
    """Return whether a JSON value from a stranger may be kept."""
    parts = characters = 0
    level, depth = [value], 0
    while level:
        depth += 1
        parts += len(level)
        if depth > MAX_DEPTH or parts > MAX_PARTS or not all(map(_is_plain, level)):
            return False
        characters += sum(len(part) for part in level if isinstance(part, str))
        if characters > MAX_CHARACTERS:
            return False
        level = [inner for part in level for inner in _inside(part)]
    return True


def _inside(part: Any) -> Iterable[Any]:
    if isinstance(part, dict):
        return [*part.keys(), *part.values()]
    return part if isinstance(part, list) else ()


def _is_plain(part: Any) -> bool:
    if isinstance(part, str):
        return _UNSTORABLE.search(part) is None
    if isinstance(part, bool) or part is None:
        return True
    if isinstance(part, int):
        return abs(part) <= MAX_WHOLE
    if isinstance(part, float):
        return math.isfinite(part)
    return isinstance(part, dict | list)
