"""Pages of what is in a release: its rows, one row in whole, and what its columns hold.

Whatever stands in the data is text here, however it looks, and comes from the Parquet files a few
rows at a time.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pyarrow.parquet as pq
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlmodel.sql.expression import SelectOfScalar

from accounts import organisations
from core.access import require, requires
from core.db import db_session, find
from core.errors import NotFound
from core.web import Page
from releases import about, distributions, formats, grants, serving, shown, statistics, storage
from releases.jobs import releases_folder
from releases.models import Release

bp = Blueprint("release_rows", __name__)
PREVIEWED, PER_PAGE = 500, 20
LONGEST = 100_000


@bp.get("/releases/<int:release_id>/rows")
@requires("release.read")
def rows(release_id: int) -> ResponseReturnValue:
    """Show the first rows of a release, page by page."""
    found = readable(release_id)
    if not found.is_ready:
        return redirect(url_for("releases.release", release_id=found.id))
    split = request.args.get("split", "")
    splits = shown.splits_of(found)
    if split not in splits:
        split = splits[0]
    return render_template(
        "releases/rows.html",
        **around(found),
        splits=splits,
        split=split,
        page=_preview(found, split),
    )


@bp.get("/releases/<int:release_id>/rows/<split>/<int:number>")
@requires("release.read")
def row(release_id: int, split: str, number: int) -> ResponseReturnValue:
    """Show one of the first rows of a release in whole."""
    found = ready(release_id)
    total = min(PREVIEWED, found.facts["splits"].get(split, 0))
    if not 1 <= number <= total:
        raise NotFound
    [it] = _rows(found, split, number - 1, 1)
    return render_template(
        "releases/row.html",
        **around(found),
        split=split,
        number=number,
        total=total,
        values=[(name, *_said(value)) for name, value in it.items()],
        page_of_it=-(-number // PER_PAGE),
    )


@bp.get("/releases/<int:release_id>/statistics")
@requires("release.read")
def columns(release_id: int) -> ResponseReturnValue:
    """Show what the columns of a release hold, and how labels are spread over its splits."""
    found = ready(release_id)
    counted = statistics.of(db_session(), found)
    return render_template(
        "releases/statistics.html",
        **around(found),
        columns=distributions.columns(found, counted) if counted else None,
        labels=distributions.labels(found, counted) if counted else None,
        splits=shown.splits_of(found),
    )


def readable(release_id: int) -> Release:
    """Return a release that the person may read; its owner's people see it unfinished too."""
    found = find(Release, release_id)
    require("release.read", grants.readership(db_session(), found))
    return found


def ready(release_id: int) -> Release:
    """Return a ready release that the person may read."""
    found = readable(release_id)
    if not found.is_ready:
        raise NotFound
    return found


def around(release: Release) -> dict[str, object]:
    """Return what the head and the tabs of each page of a release need."""
    session = db_session()
    mine = organisations.ids_of(session, current_user.id)
    newest = about.newest(session, release.project_id)
    # A newer version that one may not read is no business of theirs.
    shown = newest if newest and session.exec(_at(newest, mine)).first() else None
    return {
        "release": release,
        "facts": release.facts,
        "full_name": f"{release.facts['organisation']['slug']}/{release.facts['name']}",
        "newest": shown,
        "mine": release.organisation_id in mine,
    }


def _at(release: Release, organisation_ids: set[int]) -> SelectOfScalar[Release]:
    return grants.readable(organisation_ids).where(Release.id == release.id)


def _preview(release: Release, split: str) -> Page[dict[str, object]]:
    total = min(PREVIEWED, release.facts["splits"][split])
    last = max(1, -(-total // PER_PAGE))
    number = min(max(1, request.args.get("page", 1, type=int)), last)
    skip = (number - 1) * PER_PAGE
    found = _rows(release, split, skip, min(PER_PAGE, total - skip))
    shown_rows = [
        one | {"shown": shown.excerpt(one), "number": skip + place}
        for place, one in enumerate(found, start=1)
    ]
    return Page(shown_rows, number, PER_PAGE, total)


def _rows(release: Release, split: str, skip: int, count: int) -> list[dict[str, Any]]:
    """Return some of the first rows of a split; no more than a page of them is in memory."""
    found = (formats.plain(one) for path in _paths(release, split) for one in _read(path))
    return list(islice(found, skip, skip + count))


def _paths(release: Release, split: str) -> Iterator[Any]:
    sizes = {one["path"]: one["size"] for one in serving.listed(release)}
    for path in formats.paths_of(release.facts, split):
        yield storage.file(releases_folder(), release, sizes[path], path)


def _read(path: Any) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=PER_PAGE):
            yield from batch.to_pylist()


def _said(value: Any) -> tuple[str, bool]:
    """Return a value as text, and whether it had to be cut."""
    if value is None:
        return "", False
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return words[:LONGEST], len(words) > LONGEST
