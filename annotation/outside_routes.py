"""Pages of owners about Label Studio: what was edited there, and the way into it."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from annotation import backend_checks, mirror_gates, outside_edits, pushing
from annotation.mirror_models import OutsideEdit
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.settings import current_settings
from core.web import page_of
from projects.models import Project, id_of

bp = Blueprint("outside_edits", __name__)


@bp.get("/projects/<int:project_id>/edits")
@requires("project.see")
def edits(project_id: int) -> ResponseReturnValue:
    """Show what somebody has edited in Label Studio, beside our answers."""
    session = db_session()
    project = find(Project, project_id)
    require("project.see", project)
    listing = page_of(outside_edits.of_project(project_id))
    facts = backend_checks.facts_of(backend_checks.last(session))
    return render_template(
        "annotation/edits.html",
        project=project,
        listing=listing,
        shown=outside_edits.beside(session, project, listing.rows),
        way_open=bool(current_settings().label_studio_web_url)
        and mirror_gates.is_open(session, project.organisation_id),
        is_there=pushing.project_there(session, id_of(project)) is not None,
        edition=facts.edition if facts else "",
    )


@bp.get("/projects/<int:project_id>/label-studio")
@requires("project.see")
def way_in(project_id: int) -> ResponseReturnValue:
    """Lead to the project in Label Studio, where an operator has opened the way."""
    project = find(Project, project_id)
    require("project.see", project)
    return redirect(
        mirror_gates.address(
            db_session(), project, current_settings().label_studio_web_url, by=current_user
        )
    )


@bp.post("/edits/<int:edit_id>/keep")
@requires("assignment.review")
def keep(edit_id: int) -> ResponseReturnValue:
    """Keep an edit on record as it is."""
    edit = _edit(edit_id)
    outside_edits.note(db_session(), edit, by=current_user, at=now())
    flash(_("Kept on record beside the answer, which counts as it was handed in."))
    return redirect(url_for(".edits", project_id=edit.project_id))


@bp.post("/edits/<int:edit_id>/put-back")
@requires("assignment.review")
def put_back(edit_id: int) -> ResponseReturnValue:
    """Let our answer stand in Label Studio again."""
    edit = _edit(edit_id)
    outside_edits.put_back(db_session(), edit, by=current_user, at=now())
    flash(_("The answer is put back in Label Studio within a minute. The edit stays on record."))
    return redirect(url_for(".edits", project_id=edit.project_id))


def _edit(edit_id: int) -> OutsideEdit:
    edit = find(OutsideEdit, edit_id, lock=True)
    require("assignment.review", find(Project, edit.project_id))
    return edit
