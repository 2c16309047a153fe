"""What the rest of a budget pays for, and what is lacking until all is done.

Money knows no tasks: the package that does says what work is left (`WORK` in a module
`budget_work`), and this one counts. What is counted is pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from sqlmodel import Session

from core.money import Money


@dataclass(frozen=True)
class Work:
    """What is left to do in a project: answers that nobody has taken, and what each one costs."""

    cost: Money
    overlap: int
    answers_left: int


@dataclass(frozen=True)
class Outlook:
    """What the rest pays for; `tasks` are whole ones, with all their answers."""

    answers: int
    tasks: int
    answers_left: int
    overlap: int
    to_finish: Money
    lacking: Money

    @property
    def is_enough(self) -> bool:
        """Whether it pays for all that is left."""
        return not self.lacking


Ask = Callable[[Session, int], Work | None]


def count(available: Money, work: Work) -> Outlook:
    """Count what an amount pays for of the work that is left, and what is lacking."""
    affordable = max(0, available.minor) // work.cost.minor
    answers = min(affordable, work.answers_left)
    to_finish = work.cost * work.answers_left
    lacking = max(to_finish - available, Money(0, available.currency))
    return Outlook(
        answers=answers,
        tasks=answers // work.overlap,
        answers_left=work.answers_left,
        overlap=work.overlap,
        to_finish=to_finish,
        lacking=lacking,
    )


def of(session: Session, project_id: int, available: Money) -> Outlook | None:
    """Return the outlook of a project's budget, or None when nobody knows what work there is."""
    asks: list[Ask] = current_app.extensions.get("doyen.budget_work", [])
    for ask in asks:
        work = ask(session, project_id)
        if work is not None and work.cost.minor > 0:
            return count(available, work)
    return None


def init_app(app: Flask, parts: Iterable[Any]) -> None:
    """Tell an app which modules know what work is left."""
    app.extensions["doyen.budget_work"] = [part.WORK for part in parts]
