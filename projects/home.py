"""What a project's home shows of the packages that stand to the right: they say it, it asks.

A package gives `NEEDS` and `FIGURES` in a module `project_home`: functions from a project and a
person to what waits for them at its owner, and from a project to figures for the row at the top.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from flask import Flask, current_app
from sqlmodel import Session

from accounts.models import User
from projects.models import Project


@dataclass(frozen=True)
class Need:
    """Something that waits for the owner, where it is done, and until when."""

    words: str
    note: str
    url: str | None
    due: datetime | None = None


@dataclass(frozen=True)
class Figure:
    """A figure with its name and a line below."""

    name: str
    value: Any
    note: str = ""


class Part(Protocol):
    """A module that adds to the home of a project."""

    NEEDS: Iterable[Callable[[Session, Project, User], list[Need]]]
    FIGURES: Iterable[Callable[[Session, Project], list[Figure]]]


def init_app(app: Flask, parts: Iterable[Any]) -> None:
    """Tell an app which modules add to the home of a project; each is a `Part`."""
    app.extensions["doyen.project_home"] = list(parts)


def needs(session: Session, project: Project, user: User) -> list[Need]:
    """Return what waits for a person at the owner, by the packages that know."""
    return [need for part in _parts() for ask in part.NEEDS for need in ask(session, project, user)]


def figures(session: Session, project: Project) -> list[Figure]:
    """Return the figures that other packages know of a project."""
    return [one for part in _parts() for ask in part.FIGURES for one in ask(session, project)]


def _parts() -> list[Part]:
    found: list[Part] = current_app.extensions.get("doyen.project_home", [])
    return found
