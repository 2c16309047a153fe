"""Pages of those who take a work sample: before it, task by task, the result."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import BadRequest

from accounts import appeals, decisions
from annotation import (
    assignment as leases,
)
from annotation import (
    label_config,
    media_links,
    media_routes,
    results,
    sample,
    sample_course,
    sample_outcome,
    sample_pay,
    sample_results,
    sample_waiting,
)
from annotation.models import Task
from annotation.sample_models import SampleState, WorkSample
from core import formats
from core.access import require, requires, takes_json
from core.clock import now
from core.db import db_session, find, transaction
from core.settings import current_settings
from core.web import json_problem, wants_json
from payouts.budgets import Frozen, OutOfBudget
from projects import guidelines, invitations
from projects.models import Project, id_of
from projects.terms import CONTEST_DAYS

bp = Blueprint("samples", __name__)


@bp.get("/work-samples/projects/<int:project_id>")
@requires("work.do")
def before(project_id: int) -> ResponseReturnValue:
    """Show what a project's work sample is, before anybody starts it."""
    return _before(_joined(project_id))


@bp.post("/work-samples/projects/<int:project_id>")
@requires("work.do")
def start(project_id: int) -> ResponseReturnValue:
    """Begin, or go on with what is under way."""
    project = _joined(project_id)
    try:
        found = sample_course.start(db_session(), project, current_user.id, at=now())
    except (OutOfBudget, Frozen):
        db_session().rollback()
        return _before(_joined(project_id), no_money=True), 409
    return redirect(url_for(".go_on", sample_id=found.id))


@bp.get("/work-samples/<int:sample_id>")
@requires("sample.take")
def go_on(sample_id: int) -> ResponseReturnValue:
    """Lead to the task whose turn it is, or to the result."""
    found = _own(sample_id)
    turn = sample_course.current(sample_course.answers(db_session(), found))
    if not found.is_open(now()) or turn is None:
        return redirect(url_for(".result", sample_id=found.id))
    return redirect(url_for(".task", sample_id=found.id, position=turn.position))


@bp.get("/work-samples/<int:sample_id>/tasks/<int:position>")
@requires("sample.take")
def task(sample_id: int, position: int) -> ResponseReturnValue:
    """Show one task in the editor."""
    found = _own(sample_id)
    listed = sample_course.answers(db_session(), found)
    turn = sample_course.current(listed)
    if not found.is_open(now()) or turn is None or turn.position != position:
        return redirect(url_for(".go_on", sample_id=found.id))
    project = find(Project, found.project_id)
    rule = sample_outcome.rule_of(db_session(), found)
    return render_template(
        "annotation/sample_bench.html",
        found=found,
        rule=rule,
        project=project,
        place=turn,
        of=len(listed),
        guidelines=_guidelines(found, project),
    )


@bp.get("/work-samples/<int:sample_id>/tasks/<int:position>/task.json")
@requires("sample.take")
def task_json(sample_id: int, position: int) -> ResponseReturnValue:
    """Give the editor what it shows; what is known of the task is no part of it."""
    found = _own(sample_id)
    if not found.is_open(now()):
        raise sample_course.TimeOver
    one = sample_course.at_place(db_session(), found, position)
    if one.ended_at is not None:
        raise sample_course.TaskEnded
    project, its_task = find(Project, found.project_id), find(Task, one.task_id)
    fields = results.variables(project.label_config)
    link = media_routes.link_for(media_links.Holder.SAMPLE, sample_id)
    config, asked = project.label_config, (db_session(), found.project_id)
    lost = media_links.absent(*asked, config, its_task.data, current_settings())
    data = media_links.with_links(*asked, config, its_task.data, link)
    return jsonify(
        config=label_config.for_editor(config),
        lost=lost,
        task={
            "id": position,
            "data": {name: data[name] for name in fields if name in data},
        },
        draft=one.draft,
    )


@bp.post("/work-samples/<int:sample_id>/tasks/<int:position>/draft")
@requires("sample.take")
@takes_json
def save_draft(sample_id: int, position: int) -> ResponseReturnValue:
    """Keep what was typed so far."""
    found, at = _own(sample_id, lock=True), now()
    sample_course.save_draft(db_session(), found, position, _sent("result"), at=at)
    return jsonify(state=found.state, saved_at=at.isoformat())


@bp.post("/work-samples/<int:sample_id>/tasks/<int:position>/submit")
@requires("sample.take")
@takes_json
def submit(sample_id: int, position: int) -> ResponseReturnValue:
    """Take an answer in, once; sent again, say the same again."""
    found = _own(sample_id, lock=True)
    project = find(Project, found.project_id)
    given = _sent("result")
    try:
        sample_course.hand_in(db_session(), found, project, position, given, at=now())
    except leases.WrongAnswer as wrong:
        return json_problem(wrong.status, wrong.words, errors=wrong.problems)
    except sample_course.TimeOver as over:
        _keep_late_answer(sample_id, position, given)
        return json_problem(over.status, over.words, state=SampleState.EXPIRED)
    return _left(found)


@bp.post("/work-samples/<int:sample_id>/tasks/<int:position>/skip")
@requires("sample.take")
@takes_json
def report_task(sample_id: int, position: int) -> ResponseReturnValue:
    """Leave a task that cannot be worked on, with a reason."""
    found = _own(sample_id, lock=True)
    project, reason = find(Project, found.project_id), str(_sent("reason") or "")
    sample_course.report_task(db_session(), found, project, position, reason, at=now())
    flash(_("You left the task with your reason. A person looks at this work sample."))
    return _left(found)


@bp.get("/work-samples/<int:sample_id>/result")
@requires("sample.take")
def result(sample_id: int) -> ResponseReturnValue:
    """Show what a work sample came to, and why."""
    found = _own(sample_id)
    if found.is_open(now()):
        return redirect(url_for(".go_on", sample_id=found.id))
    return _result(found)


def _own(sample_id: int, *, lock: bool = False) -> WorkSample:
    found = find(WorkSample, sample_id, lock=lock)
    require("sample.take", found)
    return found


def _joined(project_id: int) -> Project:
    project = find(Project, project_id)
    if not invitations.is_member(db_session(), project_id, current_user.id):
        raise leases.NotInvited
    return project


def _sent(key: str) -> Any:
    try:
        sent = request.get_json() if request.is_json else request.form
    except RecursionError:
        raise BadRequest from None  # nested deeper than anybody can mean
    return sent.get(key) if isinstance(sent, dict) else None


def _left(found: WorkSample) -> ResponseReturnValue:
    """Answer the bench or a form that a task is handed in."""
    after = url_for(".go_on", sample_id=found.id)
    return jsonify(next=after, state=found.state) if wants_json() else redirect(after)


def _keep_late_answer(sample_id: int, position: int, given: Any) -> None:
    """Keep as a draft what came too late, though the request itself is refused."""
    db_session().rollback()  # what is written now must not wait for this request's own lock
    with suppress(leases.NotADraft, sample_course.TaskEnded), transaction() as session:
        found = session.get_one(WorkSample, sample_id, with_for_update=True)
        sample_course.save_draft(session, found, position, given, at=now())


def _before(project: Project, *, no_money: bool = False) -> str:
    session, at = db_session(), now()
    here = sample.standing(session, id_of(project), current_user.id, at=at)
    pays = here.rule and sample_pay.each(session, project, here)
    return render_template(
        "annotation/sample_before.html",
        project=project,
        here=here,
        rule=here.rule,
        pay=sample_pay.amount(bool(pays), project, here.rule.tasks if here.rule else 0),
        no_money=no_money,
        contest_days=CONTEST_DAYS,
        read_within=sample_waiting.READ_WITHIN,
    )


def _guidelines(found: WorkSample, project: Project) -> str:
    frozen = guidelines.version(db_session(), found.project_id, found.guidelines_version)
    return project.guidelines if frozen is None else frozen.text


def _result(found: WorkSample) -> str:
    session, at = db_session(), now()
    project = find(Project, found.project_id)
    rule = sample_outcome.rule_of(session, found)
    decision = sample_results.decision_of(session, found)
    over = found.state is SampleState.ACTIVE  # its time is; the sweep closes it soon
    ended = SampleState.EXPIRED if over else found.state
    reveals = found.is_trial or (rule.reveals and ended is not SampleState.EXPIRED)
    language = str(formats.locale().language)
    here = None
    if found.expert_id is not None:
        here = sample.standing(session, id_of(project), found.expert_id, at=at)
    return render_template(
        "annotation/sample_result.html",
        found=found,
        state=ended,
        project=project,
        rule=rule,
        card=sample_outcome.card_of(found) if found.scorecard else None,
        tasks=sample_results.tasks_for_expert(session, found, project, reveals=reveals),
        of=len(sample_course.answers(session, found)),
        reveals=reveals,
        decision=decision,
        why=decisions.in_language(decision.reason_words, language) if decision else None,
        change=decisions.in_language(decision.would_change, language) if decision else None,
        appeal=appeals.of(session, decision.key) if decision else None,
        can_contest=decision is not None and appeals.can_be_filed(session, decision, at),
        read_by=sample_outcome.read_by(found),
        here=here,
        at=at,
    )
