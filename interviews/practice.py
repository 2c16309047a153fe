"""Practice: each kind of question once, with its explanation, and nothing is kept of it.

The questions are reserved for practice and are in no bank, so that they are never asked in an
interview. Where somebody is in the run travels with the page, signed; the server stores nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.settings import current_settings
from interviews import curves, plan, results, scoring
from interviews.items import Bank, Competency, Item, Key, Share
from interviews.models import Response
from interviews.plan import Step
from interviews.results import ShownAnswer

FILE = Path(__file__).resolve().parent / "practice.json"
NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # an answer of practice has no time


class Questions(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    competencies: dict[Key, Competency]
    items: list[Item]


class Run(BaseModel):
    """Where somebody is: the points of the questions that are behind them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: list[Share] = Field(default=[], max_length=20)

    @property
    def place(self) -> int:
        """Return the number of the question that is open, from 1."""
        return len(self.points) + 1


@cache
def questions() -> Questions:
    """Return the questions of practice."""
    return Questions.model_validate_json(FILE.read_bytes())


def item(place: int) -> Item | None:
    """Return the question at a place; None after the last."""
    items = questions().items
    return items[place - 1] if 1 <= place <= len(items) else None


def step(item: Item) -> Step:
    """Return a question with its options in an order that is the same for everybody."""
    return plan.step(item, curves.prior(item), Random(item.id))  # noqa: S311 - it guards nothing


def marked(item: Item, given: dict[str, Any] | None, language: str) -> tuple[float, ShownAnswer]:
    """Return what an answer would earn, and how it is shown; nothing is stored."""
    mark = scoring.mark(item.question, given)
    response = Response(
        interview_id=0,
        position=questions().items.index(item) + 1,
        item_id=item.id,
        language=language,
        answer=given,
        points=mark.points,
        mark=mark.model_dump(mode="json"),
        shown_at=NEVER,
        answered_at=NEVER,
    )
    [shown] = results.answers(_bank(), [response], language)
    # The page says by itself what is right and why, whether or not something was answered.
    return mark.points, replace(shown, explanation="")


def shown_points(points: Sequence[float], language: str) -> list[tuple[str, float]]:
    """Return the titles of the questions that were answered, with their points."""
    items = questions().items
    return [(one.title.in_(language), earned) for one, earned in zip(items, points, strict=False)]


def sealed(run: Run) -> str:
    """Return a run as the page carries it."""
    return str(_signer().dumps(run.points))


def opened(token: str | None) -> Run | None:
    """Return the run that a page carried; None where it is not one of ours."""
    try:
        run = Run(points=_signer().loads((token or "")[:1000]))
    except (BadData, ValidationError):
        return None
    return run if run.place <= len(questions().items) + 1 else None


def _bank() -> Bank:
    """Return as much of a bank as the showing of answers needs."""
    return Bank.model_construct(items=questions().items, competencies=questions().competencies)


def _signer() -> URLSafeSerializer:
    key = current_settings().secret_key.get_secret_value()
    return URLSafeSerializer(key, salt="interviews.practice")
