"""Pages of releases: an owner builds them and names readers, an ML team finds and reads them."""

from collections.abc import Sequence

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import col, select

from accounts import organisations
from accounts.models import Organisation
from core import once
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.settings import current_settings
from core.web import Page, Problems, page_of, read
from projects.models import Project
from releases import (
    about,
    build_routes,
    builds,
    comparison,
    downloads,
    formats,
    formats_made,
    grants,
    handing_out,
    hub_routes,
    link_routes,
    noise_routes,
    serving,
    shown,
    signing,
    storage,
)
from releases.delivery_models import ReleaseFormat, Way
from releases.downloads import Reader
from releases.forms import ReaderForm, ReleaseForm
from releases.jobs import releases_folder
from releases.models import Release, ReleaseSeries

bp = Blueprint("releases", __name__)
MORE_BLUEPRINTS = (build_routes.bp, hub_routes.bp, link_routes.bp, noise_routes.bp)
SIGNED_BY_SENDER = hub_routes.READS_FORMS
PREVIEWED, PER_PAGE = 500, 20


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
        builds.ask(db_session(), project, form.wish, by=current_user, at=now())
        flash(_("The release is being built. A letter tells you when it is ready."), "success")
    return redirect(url_for(".project_releases", project_id=project.id))


@bp.post("/projects/<int:project_id>/readers")
@requires("release.build")
def add_reader(project_id: int) -> ResponseReturnValue:
    """Let an organisation read a project's releases."""
    project = _own(project_id)
    form = read(ReaderForm)
    if isinstance(form, Problems):
        return _project_page(project, naming=form.form), 422
    try:
        named = grants.grant(db_session(), project, form.slug.data, by=current_user, at=now())
    except (grants.NoSuchOrganisation, grants.OwnOrganisation) as problem:
        form.slug.errors = [problem.words]
        return _project_page(project, naming=form), 422
    flash(_("%(name)s may read the releases of this project.", name=named.name), "success")
    return redirect(url_for(".project_releases", project_id=project.id))


@bp.post("/projects/<int:project_id>/readers/<int:organisation_id>/remove")
@requires("release.build")
def remove_reader(project_id: int, organisation_id: int) -> ResponseReturnValue:
    """Stop an organisation from reading a project's releases."""
    project = _own(project_id)
    grants.take_back(db_session(), project, organisation_id, by=current_user)
    flash(_("It can no longer read them here. Files it has downloaded stay with it."), "success")
    return redirect(url_for(".project_releases", project_id=project.id))


@bp.get("/releases")
@requires("release.read")
def catalogue() -> ResponseReturnValue:
    """List what one may read: the newest release of each project."""
    words = request.args.get("q", "")[:200].strip()
    mine = organisations.of(db_session(), current_user.id)
    page = page_of(grants.newest_readable([one.id or 0 for one in mine], words))
    return render_template(
        "releases/catalogue.html",
        page=page,
        words=words,
        mine=mine,
        names=_names(page.rows),
        owners=_owners(page.rows),
        size=shown.size,
    )


@bp.get("/releases/<int:release_id>")
@requires("release.read")
def release(release_id: int) -> ResponseReturnValue:
    """Show a release: what it is, where its labels come from, how to load it."""
    found = _readable(release_id)
    if not found.is_ready:
        return render_template(
            "releases/unfinished.html",
            release=found,
            project=_project(found),
            found=comparison.noted(db_session(), found) if found.manifest else None,
        )
    base = current_settings().public_url
    return render_template(
        "releases/release.html",
        **_around(found),
        origin=shown.origin(found),
        sums=shown.sums(found),
        chart=shown.distribution(found),
        hub_code=shown.hub_code(found, base),
        hub_shell_code=shown.hub_shell_code(found, base),
        python_code=shown.python_code(found, base),
        made=[one for one in _made(found) if one.files],
        unfit=[one for one in _made(found) if one.reason],
        format_words={name: one.words for name, one in formats_made.FORMATS.items()},
        key_id=signing.key_of(db_session(), release_id),
        hours=current_settings().release_link_hours,
        uses=_uses(found),
        loads=downloads.count(db_session(), found.project_id),
        shell_code=shown.shell_code(found, base),
        versions=_versions(found),
        short=shown.short,
        size=shown.size,
    )


@bp.get("/releases/<int:release_id>/rows")
@requires("release.read")
def rows(release_id: int) -> ResponseReturnValue:
    """Show the first rows of a release, page by page."""
    found = _readable(release_id)
    if not found.is_ready:
        return redirect(url_for(".release", release_id=found.id))
    split = request.args.get("split", "")
    splits = shown.splits_of(found)
    if split not in splits:
        split = splits[0]
    return render_template(
        "releases/rows.html",
        **_around(found),
        splits=splits,
        split=split,
        page=_preview(found, split),
    )


@bp.get("/releases/<int:release_id>/progress")
@requires("release.read")
def progress(release_id: int) -> ResponseReturnValue:
    """Say how far a build is, for the page that waits for it."""
    found = _readable(release_id)
    return jsonify(state=found.state, rows=found.rows_read)


@bp.get("/releases/<int:release_id>/files/<path:path>")
@requires("release.read")
def file(release_id: int, path: str) -> ResponseReturnValue:
    """Download a file of a release."""
    found = _readable(release_id)
    mine = organisations.ids_of(db_session(), current_user.id)
    reader = Reader(grants.reading_for(db_session(), found, mine), Way.PAGE, current_user.id)
    return handing_out.send(
        db_session(), releases_folder(), found, path, request.environ, reader=reader, at=now()
    )


def _own(project_id: int) -> Project:
    project = find(Project, project_id)
    require("release.build", project)
    return project


def _readable(release_id: int) -> Release:
    found = find(Release, release_id)
    require("release.read", grants.readership(db_session(), found))
    return found


def _project(release: Release) -> Project:
    return find(Project, release.project_id)


def _project_page(
    project: Project, *, building: ReleaseForm | None = None, naming: ReaderForm | None = None
) -> str:
    session = db_session()
    assert project.id is not None
    return render_template(
        "releases/project_releases.html",
        project=project,
        releases=builds.of(session, project.id),
        readers=grants.readers(session, project.id),
        waiting=builds.open_one(session, project.id),
        final=builds.final_tasks(session, project.id),
        building=building or ReleaseForm(formdata=None),
        naming=naming or ReaderForm(formdata=None),
    )


def _around(release: Release) -> dict[str, object]:
    """Return what the head and the tabs of each page of a release need."""
    session = db_session()
    return {
        "release": release,
        "facts": release.facts,
        "full_name": f"{release.facts['organisation']['slug']}/{release.facts['name']}",
        "newest": about.newest(session, release.project_id),
        "mine": release.organisation_id in organisations.ids_of(session, current_user.id),
    }


def _made(release: Release) -> list[ReleaseFormat]:
    return formats_made.of(db_session(), release.id or 0)


def _uses(release: Release) -> list[downloads.Use]:
    """Return who has loaded a release: for its owner's own people."""
    mine = organisations.ids_of(db_session(), current_user.id)
    is_mine = release.organisation_id in mine
    return downloads.uses(db_session(), release.id or 0) if is_mine else []


def _versions(release: Release) -> list[Release]:
    ready = builds.of(db_session(), release.project_id)
    return [one for one in ready if one.is_ready]


def _preview(release: Release, split: str) -> Page[dict[str, object]]:
    total = min(PREVIEWED, release.facts["splits"][split])
    last = max(1, -(-total // PER_PAGE))
    number = min(max(1, request.args.get("page", 1, type=int)), last)
    skip = (number - 1) * PER_PAGE
    first = formats.paths_of(release.facts, split)[0]
    listed = next(one for one in serving.listed(release) if one["path"] == first)
    path = storage.file(releases_folder(), release, listed["size"], listed["path"])
    found = formats.first_rows(path, skip=skip, count=min(PER_PAGE, total - skip))
    return Page([row | {"shown": shown.excerpt(row)} for row in found], number, PER_PAGE, total)


def _names(releases: Sequence[Release]) -> dict[int, str]:
    ids = [one.project_id for one in releases]
    query = select(ReleaseSeries).where(col(ReleaseSeries.project_id).in_(ids))
    return {one.project_id: one.name for one in db_session().exec(query)}


def _owners(releases: Sequence[Release]) -> dict[int, Organisation]:
    ids = [one.organisation_id for one in releases]
    query = select(Organisation).where(col(Organisation.id).in_(ids))
    return {one.id or 0: one for one in db_session().exec(query)}
