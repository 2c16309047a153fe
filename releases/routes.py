"""Pages of releases: an owner builds them and names readers, an ML team finds and reads them."""

from dataclasses import replace

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlmodel import col

from accounts import organisations
from core import once
from core.access import may, require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.settings import current_settings
from core.web import Problems, page_of, read
from projects.models import Project
from releases import (
    build_routes,
    builds,
    comparison,
    downloads,
    formats_made,
    grants,
    handing_out,
    hub_routes,
    link_routes,
    log_routes,
    noise_routes,
    reader_routes,
    requests,
    row_routes,
    shown,
    signing,
    snippets,
    statistics,
)
from releases import catalogue as listing
from releases.delivery_models import ReleaseFormat, Way
from releases.downloads import Reader
from releases.forms import ReleaseForm
from releases.jobs import releases_folder
from releases.licences import NAMES
from releases.models import Release, ReleaseSeries
from releases.reader_forms import VISIBILITIES

bp = Blueprint("releases", __name__)
MORE_BLUEPRINTS = (
    build_routes.bp,
    hub_routes.bp,
    link_routes.bp,
    noise_routes.bp,
    reader_routes.bp,
    row_routes.bp,
    log_routes.bp,
)
SIGNED_BY_SENDER = hub_routes.READS_FORMS


@bp.get("/projects/<int:project_id>/releases")
@requires("release.build")
def project_releases(project_id: int) -> ResponseReturnValue:
    """Show a project's releases, and the forms to build one and to name readers."""
    return _project_page(_own(project_id))


@bp.post("/projects/<int:project_id>/releases")
@requires("release.build")
def build(project_id: int) -> ResponseReturnValue:
    """Ask for a release."""
    project = _own(project_id)
    form = read(ReleaseForm)
    if isinstance(form, Problems):
        return _project_page(project, building=form.form), 422
    if once.first_use(db_session(), form.once.data, user_id=current_user.id, at=now()):
        at, wish = now(), replace(form.wish, recipe=builds.usual(db_session(), project_id))
        made = builds.ask(db_session(), project, wish, by=current_user, at=at)
        build_routes.tell(made, asked_at=at)
    return redirect(url_for(".project_releases", project_id=project.id))


@bp.get("/releases")
@requires("release.read")
def catalogue() -> ResponseReturnValue:
    """List the datasets that one may read or ask for: the newest release of each."""
    session, filters = db_session(), _filters()
    mine = organisations.of(session, current_user.id)
    ids = [one.id or 0 for one in mine]
    page = page_of(listing.query(ids, filters, at=now()), scalars=False)
    return render_template(
        "releases/catalogue.html",
        page=page,
        entries=listing.entries(session, page.rows, ids),
        filters=filters,
        choices=shown.choices(listing.languages(session, ids)),
        mine=mine,
        class_words=shown.class_words,
        used=shown.used,
        licences=NAMES,
        size=shown.size,
        waiting=len(requests.waiting(session, ids)) if may("release.see_requests") else 0,
    )


@bp.get("/releases/<int:release_id>")
@requires("release.read")
def release(release_id: int) -> ResponseReturnValue:
    """Show a release: what it is, where its labels come from, how to load it."""
    found = row_routes.readable(release_id)
    if not found.is_ready:
        return render_template(
            "releases/unfinished.html",
            release=found,
            project=_project(found),
            found=comparison.noted(db_session(), found) if found.manifest else None,
            holds=shown.holds(found) if found.manifest else [],
            chart=shown.distribution(found) if found.manifest else None,
        )
    base = current_settings().public_url
    return render_template(
        "releases/release.html",
        **row_routes.around(found),
        origin=shown.origin(found, statistics.of(db_session(), found)),
        sums=shown.sums(found),
        chart=shown.distribution(found),
        snippets=snippets.all_of(found, base),
        made=[one for one in _made(found) if one.files],
        unfit=[one for one in _made(found) if one.reason],
        format_words={name: one.words for name, one in formats_made.FORMATS.items()},
        key_id=signing.key_of(db_session(), release_id),
        hours=current_settings().release_link_hours,
        uses=_uses(found),
        usage=downloads.usage(db_session(), [found.project_id]).get(
            found.project_id, downloads.UNUSED
        ),
        used=shown.used,
        versions=_versions(found),
        short=shown.short,
        size=shown.size,
    )


@bp.get("/releases/<int:release_id>/progress")
@requires("release.read")
def progress(release_id: int) -> ResponseReturnValue:
    """Say how far a build is, for the page that waits for it."""
    found = row_routes.readable(release_id)
    return jsonify(state=found.state, rows=found.rows_read, waits=found.waits_for is not None)


@bp.get("/releases/<int:release_id>/files/<path:path>")
@requires("release.read")
def file(release_id: int, path: str) -> ResponseReturnValue:
    """Download a file of a release."""
    found = row_routes.readable(release_id)
    if found.manifest is None:
        raise NotFound
    mine = organisations.ids_of(db_session(), current_user.id)
    reader = Reader(grants.reading_for(db_session(), found, mine), Way.PAGE, current_user.id)
    return handing_out.send(
        db_session(), releases_folder(), found, path, request.environ, reader=reader, at=now()
    )


def _own(project_id: int) -> Project:
    project = find(Project, project_id)
    require("release.build", project)
    return project


def _project(release: Release) -> Project:
    return find(Project, release.project_id)


def _project_page(project: Project, *, building: ReleaseForm | None = None) -> str:
    session = db_session()
    assert project.id is not None
    before = builds.last(session, project.id)
    if building is None:
        building = ReleaseForm(formdata=None)
        if before is not None:
            building.begin_with(before)
    return render_template(
        "releases/project_releases.html",
        project=project,
        releases=builds.of(session, project.id),
        readers=grants.readers(session, project.id),
        series=session.get(ReleaseSeries, project.id),
        visibilities=VISIBILITIES,
        asked=requests.count_open(session, project.id),
        waiting=builds.open_one(session, project.id),
        final=builds.final_tasks(session, project.id),
        building=building,
        before=before,
    )


def _made(release: Release) -> list[ReleaseFormat]:
    return formats_made.of(db_session(), release.id or 0)


def _uses(release: Release) -> list[downloads.Use]:
    """Return who has loaded a release: for its owner's own people."""
    mine = organisations.ids_of(db_session(), current_user.id)
    is_mine = release.organisation_id in mine
    return downloads.uses(db_session(), release.id or 0) if is_mine else []


def _versions(release: Release) -> list[Release]:
    """Return the versions that the person may read, the newest first."""
    mine = organisations.ids_of(db_session(), current_user.id)
    wanted = grants.readable(mine).where(Release.project_id == release.project_id)
    return list(db_session().exec(wanted.order_by(col(Release.id).desc())))


def _filters() -> listing.Filters:
    """Read what somebody looks for; what is no choice of ours is no filter."""
    given = {name: request.args.get(name, "")[:80] for name in listing.KNOWN}
    order = request.args.get("order", "")
    return listing.Filters(
        words=request.args.get("q", "")[:200].strip(),
        order=order if order in listing.ORDERS else listing.ORDERS[0],
        **given,
    )
