"""Pages of owners: tasks of a project, answers to review, and how far the work is."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm

from accounts import organisations
from annotation import (
    beside_pay,
    media,
    media_kinds,
    outside_edits,
    progress,
    review,
    review_queue,
    rules,
    sample_waiting,
    shown,
    task_files,
    tasks,
)
from annotation.forms import TasksForm, VerdictForm, numbered
from annotation.label_config import parse
from annotation.models import Assignment, Task, Verdict
from core import charts, formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.money import zero
from core.web import Problems, page_of, read
from payouts import earnings
from projects.models import Project, id_of

bp = Blueprint("annotation_owner", __name__)
SHOWN = 100


@bp.get("/review")
@requires("assignment.review")
def waiting() -> ResponseReturnValue:
    """Show what waits for a verdict, by project."""
    session = db_session()
    mine = organisations.ids_of(session, current_user.id)
    return render_template(
        "annotation/waiting.html",
        rows=review_queue.waiting_by_project(session, current_user),
        counted=review_queue.COUNTED,
        samples=session.execute(sample_waiting.listed(mine).limit(SHOWN)).all(),
        mine=mine,
        within=sample_waiting.READ_WITHIN,
        at=now(),
    )


@bp.get("/projects/<int:project_id>/review")
@requires("assignment.review")
def queue(project_id: int) -> ResponseReturnValue:
    """Show answers side by side, the most urgent first."""
    return _queue(_project(project_id, "assignment.review"))


@bp.post("/review/<int:assignment_id>")
@requires("assignment.review")
def decide(assignment_id: int) -> ResponseReturnValue:
    """Record the verdict and go back to the queue."""
    found = find(Assignment, assignment_id, lock=True)
    project = _project(found.project_id, "assignment.review")
    form = read(VerdictForm)
    if isinstance(form, Problems):
        return _queue(project, wrong=form.form, about=found), 422
    review.decide(db_session(), found, form.ruling, by=current_user, at=now())
    flash(_said(found))
    return redirect(_back_to_queue(project))


@bp.post("/projects/<int:project_id>/review/accept-consensus")
@requires("assignment.review")
def accept_consensus(project_id: int) -> ResponseReturnValue:
    """Accept all answers that agree with the majority of their task."""
    project = _project(project_id, "assignment.review")
    done = review_queue.accept_consensus(db_session(), project, by=current_user, at=now())
    words = ngettext("%(num)s answer accepted.", "%(num)s answers accepted.", done.accepted)
    flash(words + (" " + _("There are more: press the button again.") if done.more else ""))
    return redirect(_back_to_queue(project))


@bp.get("/projects/<int:project_id>/progress")
@requires("project.see")
def project_progress(project_id: int) -> ResponseReturnValue:
    """Show how far a project is."""
    session = db_session()
    project = _project(project_id, "project.see")
    found = progress.page(session, project, at=now())
    return render_template(
        "annotation/progress.html",
        project=project,
        found=found,
        drawn=_chart(found.by_day),
    )


@bp.get("/projects/<int:project_id>/tasks")
@requires("project.see")
def task_list(project_id: int) -> ResponseReturnValue:
    """List the tasks of a project, with the form for more."""
    return _tasks(_project(project_id, "project.see"), TasksForm())


@bp.post("/projects/<int:project_id>/tasks")
@requires("project.manage")
def import_tasks(project_id: int) -> ResponseReturnValue:
    """Add the tasks of a file, all or none."""
    project = find(Project, project_id, lock=True)
    require("project.manage", project)
    form = read(TasksForm)
    if isinstance(form, Problems):
        return _tasks(project, form.form), 422
    sent = form.file.data
    try:
        done = tasks.import_file(
            db_session(), project, sent.filename, sent.stream, by=current_user, at=now()
        )
    except tasks.BadFile as bad:
        return _tasks(project, form, bad=bad, filename=sent.filename), bad.status
    flash(_imported(done))
    return redirect(url_for(".task_list", project_id=project_id))


@bp.get("/projects/<int:project_id>/tasks/example.<any(jsonl, csv):kind>")
@requires("project.see")
def example(project_id: int, kind: str) -> ResponseReturnValue:
    """Give a small file that the project would take."""
    project = _project(project_id, "project.see")
    tasks.require_labels(project)
    files = media.known(db_session(), project)
    body = task_files.example(project.label_config, kind, files)
    mimetype = "text/csv" if kind == "csv" else "application/jsonl"
    headers = {"Content-Disposition": f"attachment; filename=tasks-example.{kind}"}
    return Response(body, mimetype=mimetype, headers=headers)


def _project(project_id: int, permission: str) -> Project:
    project = find(Project, project_id)
    require(permission, project)
    return project


def _queue(
    project: Project,
    *,
    wrong: FlaskForm | None = None,
    about: Assignment | None = None,
) -> str:
    """Render the queue; with a form that is wrong in the place of the row that it is about."""
    session = db_session()
    all_waiting = "all" in request.args
    waiting_tasks = review_queue.tasks(project, all_waiting=all_waiting)
    listing = page_of(waiting_tasks, per=5, most=review_queue.REACHED)
    compared = review_queue.compare(session, project, listing.rows)
    waiting = [one.assignment for task in compared for one in task.answers if one.waits]
    return render_template(
        "annotation/review_queue.html",
        project=project,
        listing=listing,
        compared=compared,
        contested=review_queue.contested(session, project, current_user),
        all_waiting=all_waiting,
        review_pay=beside_pay.review_pay(project, current_user),
        verdict_forms=_forms(Verdict.REJECTED, waiting, wrong, about),
        part_forms=_forms(Verdict.PARTLY_ACCEPTED, waiting, wrong, about),
        reason_words=_reason_words,
        lead_time=_lead_time,
        kept=_kept(),
        failed=wrong is not None,
        files=media.of_tasks(session, [id_of(one.task) for one in compared]),
        edited=outside_edits.edited(session, [id_of(one) for one in _shown(compared)]),
    )


def _shown(compared: Iterable[Any]) -> list[Any]:
    return [given.assignment for task in compared for given in task.answers]


def _forms(
    verdict: Verdict, rows: Iterable[Any], wrong: FlaskForm | None, about: Any
) -> dict[int, FlaskForm]:
    """Return a form of a verdict for each row by its id, each with ids of its own on the page."""
    is_wrong = wrong is not None and wrong.verdict.data == verdict
    found = {
        row.id: wrong if row is about and is_wrong else VerdictForm(formdata=None) for row in rows
    }
    for row_id, form in found.items():
        numbered(form, f"{verdict}-{row_id}")
    return found


def _back_to_queue(project: Project) -> str:
    return str(url_for(".queue", project_id=project.id, **_kept()))


def _kept() -> dict[str, Any]:
    """Return what of the queue's address goes along, so that people come back to their place."""
    return {name: request.args[name] for name in ("page", "all") if name in request.args}


def _lead_time(assignment: Assignment) -> str:
    minutes, seconds = divmod(assignment.lead_seconds or 0, 60)
    if minutes >= 60:
        return formats.duration(timedelta(minutes=minutes))
    return str(_("%(minutes)s min %(seconds)s s", minutes=minutes, seconds=f"{seconds:02}"))


def _reason_words(code: str) -> str:
    return str(rules.REASONS[code].words)


def _said(found: Assignment) -> str:
    pay = formats.money(found.pay)
    if found.verdict is Verdict.PARTLY_ACCEPTED:
        paid = earnings.of_assignment(db_session(), id_of(found)) or zero(found.currency)
        return str(
            _(
                "Verdict recorded: accepted in part. %(paid)s of %(pay)s go to the expert, who has "
                "a letter with your reason; the rest returns to the budget.",
                paid=formats.money(paid),
                pay=pay,
            )
        )
    if found.verdict is Verdict.ACCEPTED:
        return str(_("Verdict recorded: accepted. %(pay)s go to the expert.", pay=pay))
    return str(
        _(
            "Verdict recorded: not accepted. %(pay)s return to the budget, the expert has a "
            "letter with your reason, and the task is open for another expert.",
            pay=pay,
        )
    )


def _tasks(project: Project, form: TasksForm, **more: Any) -> str:
    total, known = tasks.counts(db_session(), id_of(project))
    return render_template(
        "annotation/task_list.html",
        project=project,
        form=form,
        listing=page_of(tasks.listed(id_of(project)), per=25, total=total),
        total=total,
        known=known,
        labels_missing=not project.label_config,
        file_fields=list(media_kinds.fields(project.label_config)) if project.label_config else [],
        begins_with=partial(_begins_with, project.label_config),
        **({"bad": None, "filename": None} | more),
    )


def _begins_with(label_config: str, task: Task) -> str:
    return shown.text_of(parse(label_config), task.data)[:200]


def _imported(done: tasks.Imported) -> str:
    words = str(ngettext("%(num)s task added.", "%(num)s tasks added.", done.added))
    if done.known:
        words += " " + ngettext(
            "%(num)s was in the project already and was left as it is.",
            "%(num)s were in the project already and were left as they are.",
            done.known,
        )
    return words


def _chart(days: Sequence[Any]) -> Any:
    if not any(number for _day, number in days):
        return None
    caption = _("Answers accepted each day")
    plan = charts.Plan(
        caption=caption,
        alt=_("Answers accepted on each of the last 14 days; the numbers are below."),
        axis=_("Day"),
        labels=[str(when.day) for when, _number in days],
        series=[charts.Series(caption, [number for _when, number in days])],
        half=True,
    )
    return charts.bars(plan)
