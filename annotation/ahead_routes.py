"""What the bench and the pages of work ask about tasks that wait beside the one in work."""

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from annotation import ahead
from annotation.models import Assignment, State
from core.access import require, requires, takes_json
from core.clock import now
from core.db import db_session, find
from core.web import wants_json
from projects.models import Project

bp = Blueprint("ahead", __name__)


@bp.post("/work/<int:assignment_id>/ahead")
@requires("assignment.work")
@takes_json
def take(assignment_id: int) -> ResponseReturnValue:
    """Let one more task wait beside the one in work, where that is let; say what waits."""
    lease = find(Assignment, assignment_id)
    require("assignment.work", lease)
    session = db_session()
    project = find(Project, lease.project_id)
    taken = ahead.take(session, project, lease, at=now())
    held = ahead.waiting(session, lease.project_id, lease.expert_id)
    is_in_work = lease.state is State.ACTIVE
    return jsonify(_said(held, is_in_work) | {"more": taken is not None})


@bp.post("/work/<int:assignment_id>/ahead/return")
@requires("assignment.work")
@takes_json
def give_back(assignment_id: int) -> ResponseReturnValue:
    """Return all tasks of a project that wait, beside a task that whoever asks has or had."""
    lease = find(Assignment, assignment_id)
    require("assignment.work", lease)
    count = ahead.give_back(db_session(), lease.project_id, lease.expert_id, at=now())
    if wants_json():
        return jsonify(_said((), is_in_work=True))
    if count:
        flash(
            ngettext(
                "The task that waited is back with all. Returning it has no effect on you.",
                "%(num)s tasks that waited are back with all. Returning them has no effect on you.",
                count,
            )
        )
    return redirect(url_for("annotation.work"))


def _said(held: Any, is_in_work: bool) -> dict[str, Any]:
    words = ngettext(
        "%(num)s task in hand, the next is ready",
        "%(num)s tasks in hand, the next is ready",
        len(held) + is_in_work,
    )
    return {
        "waiting": [url_for("annotation.work_on", assignment_id=one.id) for one in held],
        "words": words if held else "",
    }
