"""The page of an owner that says how a project goes now, and stops or starts it."""

from time import perf_counter
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_timezone
from flask_babel import gettext as _
from flask_login import current_user

from annotation import live as moments
from core import charts, formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from projects import lifecycle
from projects.models import Project

bp = Blueprint("live", __name__)
ACTS = {"pause": lifecycle.pause, "resume": lifecycle.resume}
# The page asks again after so many seconds, and more rarely where it is costly to make.
EVERY, SHARE = 20, 50


@bp.get("/projects/<int:project_id>/live")
@requires("project.see")
def live(project_id: int) -> ResponseReturnValue:
    """Show how a project goes now; `?part=1` gives the part that changes."""
    project = find(Project, project_id)
    require("project.see", project)
    began = perf_counter()
    found = moments.of(db_session(), project, zone=str(get_timezone()), at=now())
    every = max(EVERY, round((perf_counter() - began) * SHARE))
    name = "_live" if "part" in request.args else "live"
    return render_template(
        f"annotation/{name}.html",
        project=project,
        live=found,
        every=every,
        hours=_chart(_("Answers handed in each hour"), _("Hour"), found.by_hour, "%H", 3),
        days=_chart(_("Answers handed in each day"), _("Day"), found.by_day, "%-d", 1),
        affordable=lifecycle.affordable(found.available, project),
    )


@bp.post("/projects/<int:project_id>/live/<any(pause, resume):act>")
@requires("project.manage")
def change_state(project_id: int, act: str) -> ResponseReturnValue:
    """Stop new tasks for a while, or go on, and stay on the page."""
    project = find(Project, project_id, lock=True)
    require("project.manage", project)
    ACTS[act](db_session(), project, by=current_user, at=now())
    paused = _("Paused. No new task is given out; work in hand goes on and is paid.")
    flash(paused if act == "pause" else _("The project goes on."), "success")
    return redirect(url_for(".live", project_id=project_id))


def _chart(caption: str, axis: str, counted: Any, how: str, every: int) -> Any:
    if not any(number for _start, number in counted):
        return None
    zone = get_timezone()
    return charts.bars(
        charts.Plan(
            caption=caption,
            alt=_("%(what)s; the numbers are below.", what=caption),
            axis=axis,
            labels=[start.astimezone(zone).strftime(how) for start, _number in counted],
            series=[charts.Series(caption, [number for _start, number in counted])],
            note=_("times in %(zone)s", zone=str(zone)) if every > 1 else "",
            half=True,
            every=every,
            show=formats.number,
        )
    )
