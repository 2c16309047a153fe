"""What goes into a release and how it is put together, as its owner chose it. Pure.

A recipe is kept with its release and stands in the manifest: with the same answers it gives the
same bytes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from annotation.aggregation import Method


class SplitBy(StrEnum):
    """What keeps rows together in one split."""

    GROUP = "group"
    FIELD = "field"
    TIME = "time"


class Marks(StrEnum):
    """When marks and boxes of several answers are the same."""

    EXACT = "exact"
    OVERLAP = "overlap"


class Duplicates(StrEnum):
    """What becomes of rows that say the same."""

    TOGETHER = "together"
    DROP = "drop"
    IGNORE = "ignore"


class Personal(StrEnum):
    """What becomes of personal data that is found in the words of tasks."""

    REPORT = "report"
    MASK = "mask"
    OFF = "off"


class Step(StrEnum):
    """The smallest step of the version; what has changed may ask for a larger one."""

    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


@dataclass(frozen=True)
class Recipe:
    """How a release is made."""

    # Further projects of the organisation, with the same form to fill in.
    others: tuple[int, ...] = ()
    with_gold: bool = False
    # Also answers that were handed in and are not decided yet.
    waiting: bool = False
    method: Method = Method.MAJORITY
    marks: Marks = Marks.EXACT
    min_answers: int = 1
    min_agreement: float | None = None
    min_confidence: float | None = None
    min_level: float | None = None
    labels: tuple[str, ...] = ()
    since: str | None = None
    before: str | None = None
    split_by: SplitBy = SplitBy.GROUP
    split_field: str = ""
    duplicates: Duplicates = Duplicates.TOGETHER
    near: bool = False
    personal: Personal = Personal.REPORT
    # Also names of persons, where the instance has what looks for them.
    names: bool = False
    votes: bool = False
    jsonl: bool = False
    csv: bool = False
    step: Step = Step.PATCH

    def facts(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        held = asdict(self)
        if self.marks is Marks.EXACT:
            del held["marks"]  # what it was before there was a choice, so that bytes stay the same
        if not self.names:
            del held["names"]  # likewise
        return held | {"others": list(self.others), "labels": list(self.labels)}


def read(held: Mapping[str, Any] | None) -> Recipe:
    """Return a recipe from JSON; what an older one does not say is as it was then."""
    known = {one.name for one in fields(Recipe)}
    said: dict[str, Any] = {key: value for key, value in (held or {}).items() if key in known}
    kinds = (
        ("method", Method),
        ("marks", Marks),
        ("split_by", SplitBy),
        ("duplicates", Duplicates),
        ("personal", Personal),
        ("step", Step),
        ("others", tuple),
        ("labels", tuple),
    )
    made: dict[str, Any] = {key: kind(said[key]) for key, kind in kinds if key in said}
    return Recipe(**(said | made))
