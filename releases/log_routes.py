"""Pages of who has loaded what: an owner sees all of a project, a team what is its own."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlmodel import Session

from accounts import organisations
from core import audit
from core.access import require, requires
from core.db import db_session, find, transaction
from core.web import page_of
from projects.models import Project, id_of
from releases import downloads, requests, shown
from releases.delivery_models import Way

bp = Blueprint("release_log", __name__)
WAYS = {
    Way.HUB: _l("Hub clients"),
    Way.API: _l("API"),
    Way.PAGE: _l("Pages"),
    Way.LINK: _l("Signed links"),
}
HEAD = ("organisation", "dataset", "version", "file", "way", "day", "times", "bytes", "last_at")
# A cell that begins so is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
PER_PAGE = 50


@bp.get("/projects/<int:project_id>/releases/downloads")
@requires("release.build")
def of_project(project_id: int) -> ResponseReturnValue:
    """Show who has loaded what of a project's releases."""
    project, session = _own(project_id), db_session()
    return render_template(
        "releases/log.html",
        project=project,
        listed=page_of(_asked_log(project), per=PER_PAGE, scalars=False),
        versions=requests.versions(session, project_id),
        loaders=downloads.loaders(session, project_id),
        version=request.args.get("version", ""),
        chosen=request.args.get("organisation", ""),
        usage=downloads.usage(session, [project_id]).get(project_id, downloads.UNUSED),
        used=shown.used,
        ways=WAYS,
        size=shown.size,
    )


@bp.get("/projects/<int:project_id>/releases/downloads.csv")
@requires("release.build")
def of_project_csv(project_id: int) -> ResponseReturnValue:
    """Give the log of a project as a file."""
    project = _own(project_id)
    with transaction() as session:  # noted at once, whatever becomes of the file
        audit.record(
            session,
            "release.log_exported",
            by=current_user.id,
            subject=f"project:{project.id}",
        )
    return _file(_asked_log(project), f"downloads-{project.id}.csv")


@bp.get("/releases/downloads")
@requires("release.read")
def own() -> ResponseReturnValue:
    """Show what was loaded in the name of one's own organisations."""
    mine = organisations.ids_of(db_session(), current_user.id)
    return render_template(
        "releases/own_log.html",
        listed=page_of(downloads.log(organisation_ids=mine), per=PER_PAGE, scalars=False),
        ways=WAYS,
        size=shown.size,
    )


@bp.get("/releases/downloads.csv")
@requires("release.read")
def own_csv() -> ResponseReturnValue:
    """Give one's own log as a file."""
    mine = organisations.ids_of(db_session(), current_user.id)
    return _file(downloads.log(organisation_ids=mine), "downloads.csv")


def _own(project_id: int) -> Project:
    project = find(Project, project_id)
    require("release.build", project)
    return project


def _asked_log(project: Project) -> Any:
    return downloads.log(
        project_id=id_of(project),
        version=request.args.get("version", "")[:40],
        organisation=request.args.get("organisation", "")[:80],
    )


def _file(query: Any, name: str) -> Response:
    def written() -> Iterator[str]:
        with transaction() as session:  # the request's own is over before the last line is read
            yield from _lines(session, query)

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(stream_with_context(written()), mimetype="text/csv", headers=headers)


def _lines(session: Session, query: Any) -> Iterator[str]:
    yield _line(HEAD)
    for loaded, release, organisation in session.execute(query.execution_options(yield_per=500)):
        yield _line(
            (
                organisation.name,
                release.title,
                release.version,
                loaded.path,
                str(loaded.way),
                loaded.day.isoformat(),
                loaded.times,
                loaded.bytes,
                loaded.last_at.isoformat(timespec="seconds"),
            )
        )


def _line(cells: tuple[Any, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(_plain(one) for one in cells)
    return out.getvalue()


def _plain(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
