"""The steps of a draft: which columns each writes, and whether somebody else wrote them first."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from core.money import Money
from projects import config
from projects.config import Kind
from projects.lifecycle import Missing, Step
from projects.models import Project

COLUMNS = {
    Step.BRIEF: ("title", "field", "language", "brief", "guidelines"),
    Step.LABELS: ("label_config",),
    Step.PAY: (
        "price_minor",
        "usual_minutes",
        "overlap",
        "validation",
        "lease_minutes",
        "review_days",
        "qualification_tasks",
        "qualification_minor",
        "review_minor",
        "most_a_day",
        "most_each",
        "tasks_in_hand",
    ),
    Step.CRITERIA: ("experts_needed", "min_level", "min_years", "languages", "countries"),
}
ORDER = tuple(COLUMNS)
TYPED = ("choices", "spans", "config")


def seen(project: Project, step: Step) -> str:
    """Return a mark of how a step stands, to travel with its form."""
    now_there = [getattr(project, name) for name in COLUMNS[step]]
    return hashlib.sha256(json.dumps(now_there).encode()).hexdigest()[:16]


def written_by_another(project: Project, step: Step, mark: str, values: dict[str, Any]) -> bool:
    """Return whether a step has changed since its form was opened, to something else.

    A second click sends what is already there, and is none.
    """
    same = all(getattr(project, name) == values[name] for name in COLUMNS[step])
    return not same and mark != seen(project, step)


def after(step: Step) -> Step | None:
    """Return the step that follows."""
    place = ORDER.index(step) + 1
    return ORDER[place] if place < len(ORDER) else None


def undone(missing: Iterable[Missing]) -> set[int]:
    """Return the numbers, from 1, of the steps in which something is missing."""
    wanting = {one.step for one in missing}
    return {number for number, step in enumerate(ORDER, start=1) if step in wanting}


def typed(project: Project, step: Step) -> dict[str, Any]:
    """Return what the form of a step shows of the project."""
    shown: dict[str, Any] = {name: getattr(project, name) for name in COLUMNS[step]}
    if step is Step.PAY:
        shown["price"] = _amount(project.price)
        shown["qualification"] = _amount(project.qualification)
        shown["review"] = _amount(project.review_pay)
    if step is Step.CRITERIA:
        shown |= _criteria(project)
    if step is Step.LABELS:
        shown = labels(project)
    return {**shown, "seen": seen(project, step)}


def labels(project: Project, wish: str | None = None) -> dict[str, Any]:
    """Return what the form of the labels shows, for the template that is wished for."""
    kind, choices, spans = config.filled_with(project.label_config)
    if not project.label_config:
        kind = Kind.CLAUSES
    wished = Kind(wish) if wish in tuple(Kind) else kind
    template = config.TEMPLATES[wished]
    # Words that were typed for one template go along to the next.
    return {
        "template": wished.value,
        "choices": "\n".join(choices or template.choices),
        "spans": "\n".join(spans or template.spans),
        "config": project.label_config or config.build(Kind.CHOICE, ("yes", "no")),
        "seen": seen(project, Step.LABELS),
    }


def other_template(
    project: Project, wish: str, typed: Mapping[str, str], before: Kind
) -> dict[str, Any]:
    """Return what the form shows of another template: words of the person's own go along."""
    was = config.TEMPLATES[before]
    given = {"choices": "\n".join(was.choices), "spans": "\n".join(was.spans), "config": ""}
    own = {
        name: text
        for name, text in typed.items()
        if text.strip() and config.lines(text) != config.lines(given[name])
    }
    return {**labels(project, wish), **own}


def _criteria(project: Project) -> dict[str, Any]:
    languages = [*project.languages, "", ""] if project.languages else [project.language, ""]
    countries = [*project.countries, "", "", ""]
    return {
        "level": round(project.min_level * 100),
        "language_1": languages[0],
        "language_2": languages[1],
        "country_1": countries[0],
        "country_2": countries[1],
        "country_3": countries[2],
    }


def _amount(price: Money) -> Decimal | None:
    return price.decimal if price.minor else None
