"""The history of what a project asks of experts."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from core.access import require, requires
from core.db import db_session, find
from interviews import project_versions
from projects.models import Project

bp = Blueprint("project_versions", __name__)


@bp.get("/projects/<int:project_id>/interview/versions")
@requires("project.see")
def versions(project_id: int) -> ResponseReturnValue:
    """Show who changed what a project asks, when, and what was changed."""
    project = find(Project, project_id)
    require("project.see", project)
    return render_template(
        "interviews/project_versions.html",
        project=project,
        versions=project_versions.of(db_session(), project),
    )
