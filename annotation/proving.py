"""What an expert's first page says of the interview that stands before the first task.

Interviews stand to the right of this package: they say it in their `proving_step.py`, and
the app brings it here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app
from sqlmodel import Session


@dataclass(frozen=True)
class Step:
    """Where somebody is in proving what they know, and the page to go to."""

    words: str
    link: str
    url: str


Ask = Callable[[Session, int, datetime], Step | None]


def init_app(app: Flask, asks: Iterable[Ask]) -> None:
    """Tell an app who knows how far an expert is."""
    app.extensions["doyen.proving"] = list(asks)


def step(session: Session, expert_id: int, at: datetime) -> Step | None:
    """Return what is under way, or nothing for somebody who can begin."""
    asks: list[Ask] = current_app.extensions["doyen.proving"]
    return next((found for ask in asks if (found := ask(session, expert_id, at))), None)
