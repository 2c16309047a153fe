"""What a report on doubtful labels looks at, and what it says: plain values, light to load."""

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """Why there is nothing to say."""

    TOO_FEW = "too_few"
    ONE_LABEL = "one_label"
    # One answer for each task, and no text to read.
    ONE_VOTE = "one_vote"
    NO_QUESTION = "no_question"
    GAVE_UP = "gave_up"


@dataclass(frozen=True)
class Item:
    """A task: its text, which may be none, and what each expert (by number) chose."""

    task_id: int
    text: str
    votes: tuple[tuple[int, str], ...]
    known: str | None = None


@dataclass(frozen=True)
class Question:
    """All tasks of one question of the form."""

    control: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Doubt:
    """A label that is probably wrong; a reason is a code, a label and a share."""

    task_id: int
    given: str
    likely: str
    score: float
    votes: dict[str, int]
    reasons: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True)
class Looked:
    """What looking at one question came to."""

    found: tuple[Doubt, ...]
    tasks: int
    left_out: int
    used_votes: bool = False
    used_text: bool = False
    trouble: Trouble | None = None
