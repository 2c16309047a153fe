"""What a person must know on every page until it is over, such as that their account is restricted.

A package says so by functions in its `notices.py`; the app brings them together, and the frame of
whole pages shows what they return. Each may ask the database one small question.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from core.db import db_session


@dataclass(frozen=True)
class Notice:
    """What is so, what it means, and the page to go to; `tone` is `wait` or `stop`."""

    tone: str
    title: str
    words: str
    link: str
    url: str


Source = Callable[[Session, Any], list[Notice]]


def init_app(app: Flask, sources: Iterable[Source]) -> None:
    """Tell an app who may have something to say."""
    app.extensions["doyen.notices"] = list(sources)


def for_reader() -> list[Notice]:
    """Return what the person who reads this page must know, save what the page itself is about."""
    try:
        if not (current_user and current_user.is_authenticated):
            return []
        found = [
            one
            for source in current_app.extensions.get("doyen.notices", ())
            for one in source(db_session(), current_user)
        ]
    except SQLAlchemyError:  # the page that says that the database is away is framed as well
        return []
    return [one for one in found if one.url != request.path]
