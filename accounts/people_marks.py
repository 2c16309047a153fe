"""What stands beside a person in the operator's list, said by packages to the right of this one.

A package gives `MARKS` in its `standing_marks.py`; each asks once for a whole page of people.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from sqlmodel import Session


@dataclass(frozen=True)
class Mark:
    """A few words with a tone."""

    tone: str
    words: Any


Ask = Callable[[Session, list[int]], list[tuple[int, Mark]]]


def init_app(app: Flask, asks: Iterable[Ask]) -> None:
    """Tell an app who has something to say of people."""
    app.extensions["doyen.people_marks"] = list(asks)


def of(session: Session, ids: list[int]) -> dict[int, list[Mark]]:
    """Return the marks of some people."""
    found: dict[int, list[Mark]] = {}
    for ask in current_app.extensions["doyen.people_marks"]:
        for person, mark in ask(session, ids):
            found.setdefault(person, []).append(mark)
    return found
