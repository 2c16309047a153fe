"""Pages of building a release: every choice, what it leaves, and the owner's yes or no."""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import col, select

from accounts import organisations
from annotation import label_config
from annotation.models import Task
from core import jobs as queue
from core import once
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.settings import current_settings
from projects.models import Project, id_of
from releases import builds, comparison, grants, person_names, preview, row_routes
from releases.build_forms import RecipeForm
from releases.models import Release, ReleaseSeries

bp = Blueprint("release_builds", __name__)
MOST_PROJECTS = 50


@bp.get("/projects/<int:project_id>/releases/new")
@requires("release.build")
def new(project_id: int) -> ResponseReturnValue:
    """Show everything that can be chosen for a release."""
    project = _own(project_id)
    form = _offered(RecipeForm(formdata=None), project)
    before = builds.last(db_session(), project_id)
    if before is not None:
        form.begin_with(before)
    return _page(project, form)


@bp.post("/projects/<int:project_id>/releases/new")
@requires("release.build")
def ask(project_id: int) -> ResponseReturnValue:
    """Ask for a release, or show what the choices leave."""
    project = _own(project_id)
    form = _offered(RecipeForm(), project)
    if not form.validate_on_submit():
        return _page(project, form), 422
    if "look" in request.form:
        found = preview.look(db_session(), project, form.recipe, at=now())
        # Nothing was done, and the form is still to be sent.
        return _page(project, form, found=found), 422
    try:
        if once.first_use(db_session(), form.once.data, user_id=current_user.id, at=now()):
            at = now()
            tell(builds.ask(db_session(), project, form.wish, by=current_user, at=at), asked_at=at)
    except (builds.OtherForm, builds.SameId) as problem:
        form.others.errors = [problem.words]
        return _page(project, form), 422
    return redirect(url_for("releases.project_releases", project_id=project.id))


@bp.post("/releases/<int:release_id>/confirm")
@requires("release.build")
def confirm(release_id: int) -> ResponseReturnValue:
    """Publish a release that waits for its owner."""
    release = _waiting(release_id)
    builds.confirm(db_session(), release, by=current_user, at=now())
    flash(_("Version %(version)s is published.", version=release.version), "success")
    return redirect(url_for("releases.release", release_id=release.id))


@bp.post("/releases/<int:release_id>/decline")
@requires("release.build")
def decline(release_id: int) -> ResponseReturnValue:
    """Throw away a release that waits for its owner."""
    release = _waiting(release_id)
    commit = builds.decline(db_session(), release, by=current_user, at=now())
    if commit is not None:
        queue.defer(
            db_session(),
            "releases.clear_declined",
            queue="releases",
            lock=builds.lock(release.project_id),
            project_id=release.project_id,
            commit=commit,
        )
    flash(_("It is thrown away. Nobody else has seen it."), "success")
    return redirect(url_for("releases.project_releases", project_id=release.project_id))


@bp.post("/releases/<int:release_id>/again")
@requires("release.build")
def again(release_id: int) -> ResponseReturnValue:
    """Ask once more for a release that was not built."""
    release = _waiting(release_id)
    at = now()
    tell(builds.ask_again(db_session(), release, by=current_user, at=at), asked_at=at)
    return redirect(url_for("releases.project_releases", project_id=release.project_id))


@bp.get("/releases/<int:release_id>/changes")
@requires("release.read")
def changes(release_id: int) -> ResponseReturnValue:
    """Show what is different between two releases of a project."""
    newer = find(Release, release_id)
    require("release.read", grants.readership(db_session(), newer))
    if not newer.is_ready:
        return redirect(url_for("releases.release", release_id=newer.id))
    mine = organisations.ids_of(db_session(), current_user.id)
    readable = grants.readable(mine).where(
        Release.project_id == newer.project_id, col(Release.id) < newer.id
    )
    others = list(db_session().exec(readable.order_by(col(Release.id).desc())))
    wanted = request.args.get("since", type=int)
    older = next((one for one in others if one.id == wanted), others[0] if others else None)
    return render_template(
        "releases/changes.html",
        **row_routes.around(newer),
        older=older,
        others=others,
        found=comparison.between(older, newer) if older else None,
    )


def tell(release: Release, *, asked_at: datetime) -> None:
    """Say that a release is being built, or that an earlier one stands in its way."""
    if release.asked_at == asked_at:
        flash(_("The release is being built. A letter tells you when it is ready."), "success")
    else:
        flash(
            _("Another release was asked for before and is not done, so yours was not begun."),
            "info",
        )


def _own(project_id: int) -> Project:
    project = find(Project, project_id)
    require("release.build", project)
    return project


def _waiting(release_id: int) -> Release:
    release = find(Release, release_id)
    require("release.build", find(Project, release.project_id))
    return release


def _offered(form: RecipeForm, project: Project) -> RecipeForm:
    """Return a form with the choices that this project has."""
    kept = db_session().get(ReleaseSeries, project.id)
    pipelines = current_settings().name_pipelines
    form.offer(
        others=_others(project),
        labels=_labels(project),
        names=_fields(project),
        pipeline=person_names.pipeline_for(pipelines, project.language),
    )
    if kept is not None and kept.split_rule is not None:
        form.split_by.data, form.split_field.data = kept.split_rule["by"], kept.split_rule["field"]
        for fixed in (form.split_by, form.split_field):
            fixed.render_kw = {"disabled": True}
        if kept.split_rule["field"] not in [value for value, _words in form.split_field.choices]:
            form.split_field.choices.append((kept.split_rule["field"],) * 2)
    return form


def _others(project: Project) -> list[tuple[int, str]]:
    query = (
        select(Project)
        .where(Project.organisation_id == project.organisation_id, Project.id != project.id)
        .order_by(col(Project.id).desc())
        .limit(MOST_PROJECTS)
    )
    same = [
        one
        for one in db_session().exec(query)
        if builds.same_form(project.label_config, one.label_config)
    ]
    return [(id_of(one), one.title) for one in same]


def _labels(project: Project) -> list[str]:
    try:
        controls = label_config.parse(project.label_config).controls.values()
    except label_config.Unreadable:
        return []
    choices = [one for one in controls if one.kind == "Choices" and not one.is_multiple]
    return list(choices[0].options) if len(choices) == 1 else []


def _fields(project: Project) -> list[str]:
    query = select(Task.data).where(Task.project_id == project.id).order_by(col(Task.id)).limit(1)
    first = db_session().exec(query).first()
    return sorted(first) if first else []


def _page(project: Project, form: RecipeForm, *, found: preview.Preview | None = None) -> str:
    session = db_session()
    kept = session.get(ReleaseSeries, project.id)
    return render_template(
        "releases/new.html",
        project=project,
        form=form,
        found=found,
        reasons=comparison.reasons(),
        waiting=builds.open_one(session, id_of(project)),
        final=builds.final_tasks(session, id_of(project)),
        fixed=kept is not None and kept.split_rule is not None,
        before=builds.last(session, id_of(project)),
    )
