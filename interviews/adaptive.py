"""Which question comes next, and when enough is known: chosen by what the answers so far show.

Pure. Everybody answers the core items. After them comes the competency that lacks most by its
weight (content balancing), and in it one of the few items that tell most about the ability as it
looks now (randomesque, Kingsbury and Zara, Applied Measurement in Education 2, 1989), so that no
two interviews are alike; an item that was given to too many lately rests. It ends when the range
of the ability is clear of the line, whatever is found in answers that nobody has read yet, or when
the last item or the time is used up. A range above the line says nothing of a floor that is higher
than the line: while a competency is below such a floor, more is asked in it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

import numpy as np

from interviews import ability
from interviews.ability import GRID, Curve, Estimate

SHARES_FROM = 20


class Ending(StrEnum):
    """Why no more is asked."""

    CLEAR = "clear"
    LONGEST = "longest"
    NOTHING_LEFT = "nothing_left"


@dataclass(frozen=True)
class Candidate:
    """An item as the selection sees it."""

    id: str
    competency: str
    curve: Curve
    is_core: bool = False


@dataclass(frozen=True)
class Course:
    """How an interview runs: its shortest and longest, the line, and how sure it must be of it."""

    least: int
    most: int
    cut: float = 0.0
    certainty: float = 0.9
    choose_from: int = 2
    weights: Mapping[str, float] = field(default_factory=dict)


def ending(
    course: Course,
    asked: Sequence[Candidate],
    left: Sequence[Candidate],
    now: Estimate,
    best: Estimate | None = None,
    weak: frozenset[str] = frozenset(),
) -> Ending | None:
    """Return why an interview ends after these questions, or None when another is asked.

    `now` counts only what was found; `best` all that nobody has read yet as right. It is known to
    lie below the line only where both do: what is unread is neither right nor wrong. `weak` are the
    competencies below a floor that is higher than the line.
    """
    if any(item.is_core for item in left):
        return None
    if len(asked) >= course.most:
        return Ending.LONGEST
    if not left:
        return Ending.NOTHING_LEFT
    highest = best.high if best is not None else now.high
    is_open = any(item.competency in weak for item in left)
    is_clear = (now.low > course.cut and not is_open) or highest < course.cut
    return Ending.CLEAR if is_clear and len(asked) >= course.least else None


def choose(
    course: Course,
    asked: Sequence[Candidate],
    left: Sequence[Candidate],
    now: Estimate,
    random: Random,
    *,
    resting: frozenset[str] = frozenset(),
    weak: frozenset[str] = frozenset(),
) -> Candidate:
    """Return the next question: a core item while there is one, else what tells most.

    Items that rest are taken only when a competency has no other. At least one item must be left.
    Where all but `weak` competencies are clear, the next one is of these.
    """
    core = [item for item in left if item.is_core]
    if core:
        return _telling(core, now, 1, random)
    open_ = [item for item in left if item.competency in weak] if now.low > course.cut else []
    competency = _lacking(course, asked, open_ or left, random)
    there = [item for item in left if item.competency == competency]
    awake = [item for item in there if item.id not in resting]
    return _telling(awake or there, now, course.choose_from, random)


def resting(given: Mapping[str, int], caps: Mapping[str, float], interviews: int) -> frozenset[str]:
    """Return the items that more than their share of the latest interviews had.

    Before there are enough interviews to tell shares, none rests.
    """
    known = max(interviews, SHARES_FROM)
    return frozenset(key for key, times in given.items() if times > caps.get(key, 1.0) * known)


def _lacking(
    course: Course, asked: Sequence[Candidate], left: Sequence[Candidate], random: Random
) -> str:
    """Return the competency that lacks most: what its weight promises less what was asked of it."""
    so_far = Counter(item.competency for item in asked)
    open_ = sorted({item.competency for item in left})
    weights = {key: course.weights.get(key, 1.0) for key in {*open_, *so_far}}
    promised = (len(asked) + 1) / sum(weights.values())
    lack = {key: weights[key] * promised - so_far[key] for key in open_}
    most = max(lack.values())
    return random.choice([key for key in open_ if lack[key] >= most - 1e-9])


def _telling(
    items: Sequence[Candidate], now: Estimate, choose_from: int, random: Random
) -> Candidate:
    ranked = sorted(items, key=lambda item: (-_tells(item.curve, now.mean), item.id))
    return random.choice(ranked[:choose_from])


def _tells(curve: Curve, at: float) -> float:
    place = int(np.clip(round((at - GRID[0]) / ability.STEP), 0, GRID.size - 1))
    return float(_information(curve)[place])


def _information(curve: Curve) -> ability.Floats:
    found = _KNOWN.get(curve)
    if found is None:
        found = _KNOWN[curve] = ability.information(curve)
    return found


_KNOWN: dict[Curve, ability.Floats] = {}
