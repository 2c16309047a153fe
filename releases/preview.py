"""How many rows each choice leaves, before anything is built: over the first tasks only."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from annotation import released
from annotation.aggregation import Method
from projects.models import Project, id_of
from releases import about, rows
from releases.readings import Readings
from releases.recipe import Recipe

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
    learned, readings = recipe.method is not Method.MAJORITY, Readings(recipe.marks)
    with closing(released.batches(session, ids, until=at, waiting=recipe.waiting)) as found:
        for batch in found:
            if made.tasks == LOOKED_AT:
                made.is_whole = False
                break
            some = batch.first(LOOKED_AT - made.tasks)
            made.is_whole = some.tasks == batch.tasks
            made.tasks += some.tasks
            _count(made, rows.rows_of(some, setting, readings, learned=learned), recipe)
    return made


def _count(made: Preview, found: rows.Rows, recipe: Recipe) -> None:
    out = found.reasons[found.reasons != rows.KEPT].tolist()
    made.left_out.update(rows.REASONS[one] for one in out)
    labels, sure = (found.table[name].to_pylist() for name in ("label", "confidence"))
    for label, confidence in zip(labels, sure, strict=True):
        if recipe.labels and label not in recipe.labels:
            made.left_out["other_label"] += 1
        elif confidence < (recipe.min_confidence or 0):
            made.left_out["low_confidence"] += 1
        else:
            made.rows += 1
            made.labels[label or ""] += 1
