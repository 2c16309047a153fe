"""What takes long to count, kept by this process for fifty times as long as it took."""

from collections.abc import Callable, Hashable
from time import monotonic
from typing import TypeVar

from flask import current_app

TIMES = 50
Counted = TypeVar("Counted")


def kept(key: Hashable, count: Callable[[], Counted]) -> Counted:
    """Return what `count` says, or what it said last for this key where that is young enough.

    The rights of whoever asks are looked at before, and are no part of it.
    """
    said: dict[Hashable, tuple[Counted, float]]
    said = current_app.extensions.setdefault("doyen.kept", {})
    began = monotonic()
    for old in [one for one, (_, until) in list(said.items()) if until <= began]:
        said.pop(old, None)
    if found := said.get(key):
        return found[0]
    counted = count()
    ended = monotonic()
    said[key] = (counted, ended + TIMES * (ended - began))
    return counted
