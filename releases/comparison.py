"""Two releases side by side, as people read it: rows, labels and their drift, what is gone."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session, select

from releases import changes, storage
from releases.formats import paths_of
from releases.jobs import releases_folder
from releases.models import Release

# With more rows than this a page does not compare files; what the build has noted is shown.
COMPARED = 300_000


@dataclass(frozen=True)
class Label:
    """A label in two releases: rows, and their shares between 0 and 1."""

    name: str
    old: int
    new: int
    old_share: float
    new_share: float


@dataclass(frozen=True)
class Compared:
    """What is different."""

    labels: list[Label]
    drift: float
    # Counts, examples and moves of rows; none where the releases are too large to compare here.
    rows: dict[str, Any] | None
    gone: list[tuple[str, int]] = field(default_factory=list)


def between(older: Release, newer: Release) -> Compared:
    """Compare two releases; what the build of the newer one has noted is not counted again."""
    old, new = older.facts["labels"], newer.facts["labels"]
    sizes = sum(old.values()) or 1, sum(new.values()) or 1
    labels = [
        Label(
            name,
            old.get(name, 0),
            new.get(name, 0),
            old.get(name, 0) / sizes[0],
            new.get(name, 0) / sizes[1],
        )
        for name in sorted(old.keys() | new.keys(), key=lambda one: (-new.get(one, 0), one))
    ]
    rows = _rows(older, newer)
    gone = (
        [(reasons().get(one, one), count) for one, count in rows["tombstones"].items()]
        if rows
        else []
    )
    return Compared(labels, changes.drift(old, new), rows, gone)


def noted(session: Session, release: Release) -> Compared | None:
    """Return what the build of a release has noted of its changes; none for the first."""
    before = (release.facts["changes"] or {}).get("since")
    query = select(Release).where(
        Release.project_id == release.project_id, Release.version == before
    )
    older = session.exec(query).first() if before else None
    return between(older, release) if older else None


def reasons() -> dict[str, str]:
    """Return why rows are not in a release, in words."""
    return {
        "known_answer": _("Task with a known answer"),
        "not_final": _("No choice that more than half made"),
        "low_agreement": _("Less agreement than asked for"),
        "low_level": _("No answer from the level asked for"),
        "few_answers": _("Fewer answers than asked for"),
        "out_of_dates": _("Outside of the days asked for"),
        "other_label": _("Another label"),
        "low_confidence": _("Less confidence than asked for"),
        "duplicate": _("Says the same as another row"),
        "no_longer_accepted": _("No longer accepted, or withdrawn"),
        "people_erased": _("People erased at their wish"),
        "people_no_longer_named": _("People no longer named"),
    }


def _rows(older: Release, newer: Release) -> dict[str, Any] | None:
    noted = newer.facts["changes"]
    if noted and noted["since"] == older.version:
        return {"tombstones": {}, "moves": [], "examples": {}, **noted}
    if older.row_count + newer.row_count > COMPARED:
        return None
    with ExitStack() as stack:
        # Read where they are: of the columns there are, three are compared.
        files = [
            [
                stack.enter_context(storage.opened(root, one, path, None).stream)
                for split in one.facts["splits"]
                for path in paths_of(one.facts, split)
            ]
            for root in [releases_folder()]
            for one in (older, newer)
        ]
        return vars(changes.between(str(older.version), *files))
