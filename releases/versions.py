"""Which version a release gets, by what has changed since the one before. Pure.

As Croissant advises: a major step when a row or column that was there is gone or answers
otherwise, a minor one when rows or columns were only added, a patch when the same data is packed
anew. The owner may ask for a larger step, never for a smaller one.
"""

from dataclasses import dataclass, field
from typing import Any

from releases.recipe import Step

FIRST = "1.0.0"


@dataclass(frozen=True)
class Changes:
    """What is different from the release before, with a few rows of each as examples."""

    since: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    examples: dict[str, list[dict[str, str | None]]] = field(default_factory=dict)
    # From which label to which, the most frequent first.
    moves: list[dict[str, Any]] = field(default_factory=list)
    columns_added: list[str] = field(default_factory=list)
    columns_removed: list[str] = field(default_factory=list)
    # How far the distribution of labels has moved: 0 not at all, 1 entirely.
    drift: float = 0.0
    # What is gone, and why: counts by class of reason, never who.
    tombstones: dict[str, int] = field(default_factory=dict)


def step_of(changes: Changes) -> Step:
    """Return the step that follows from some changes."""
    if changes.changed or changes.removed or changes.columns_removed:
        return Step.MAJOR
    if changes.added or changes.columns_added:
        return Step.MINOR
    return Step.PATCH


def following(changes: Changes | None, least: Step = Step.PATCH) -> str:
    """Return the version that follows from some changes; without a release before, the first."""
    if changes is None:
        return FIRST
    major, minor, patch = map(int, changes.since.split("."))
    order = list(Step)
    step = max(step_of(changes), least, key=order.index)
    if step is Step.MAJOR:
        return f"{major + 1}.0.0"
    if step is Step.MINOR:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"
