"""How many rows each choice leaves, before anything is built: over the first tasks only."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlmodel import Session

from annotation import released
from projects.models import Project, id_of
from releases import about, gathering, rows
from releases.recipe import Recipe
from releases.rows import LeftOut

LOOKED_AT = 2_000


@dataclass
class Preview:
    """What would become of some tasks."""

    tasks: int = 0
    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    is_whole: bool = True


def look(session: Session, project: Project, recipe: Recipe, *, at: datetime) -> Preview:
    """Count what a recipe leaves of the first tasks; learned labels are taken by majority."""
    made, ids = Preview(), [id_of(project), *recipe.others]
    every = [session.get_one(Project, one) for one in ids]
    setting = rows.Setting(recipe, ids[0], about.levels(session, every, at))
    found = released.read(session, ids, until=at, waiting=recipe.waiting)
    for one in islice(found, LOOKED_AT):
        made.tasks += 1
        try:
            label = _label(one, setting)
        except LeftOut as reason:
            made.left_out[str(reason)] += 1
        else:
            made.rows += 1
            made.labels[label or ""] += 1
    made.is_whole = next(found, None) is None
    return made


def _label(one: released.Read, setting: rows.Setting) -> str | None:
    if one.task.gold is not None and not setting.recipe.with_gold:
        raise LeftOut(gathering.KNOWN_ANSWER)
    row, _answers, _readings = rows.row_of(one, setting)
    recipe, label = setting.recipe, row["label"]
    if row["undecided"] and recipe.method == "majority":
        raise LeftOut(gathering.NOT_FINAL)
    if recipe.labels and label not in recipe.labels:
        raise LeftOut("other_label")
    if row["confidence"] < (recipe.min_confidence or 0):
        raise LeftOut("low_confidence")
    return str(label) if label else None
