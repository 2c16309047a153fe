"""Which version a release gets, by what has changed since the one before. Pure.

As Croissant advises: a major step when a row that was there is gone or answers otherwise, a minor
one when rows were only added, a patch when every row and answer is the same.
"""

from dataclasses import dataclass, field

FIRST = "1.0.0"


@dataclass(frozen=True)
class Changes:
    """What is different from the release before, with a few rows of each as examples."""

    since: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    examples: dict[str, list[dict[str, str | None]]] = field(default_factory=dict)


def following(changes: Changes | None) -> str:
    """Return the version that follows from some changes; without a release before, the first."""
    if changes is None:
        return FIRST
    major, minor, patch = map(int, changes.since.split("."))
    if changes.changed or changes.removed:
        return f"{major + 1}.0.0"
    if changes.added:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"
