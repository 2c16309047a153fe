"""Pages of experts: their work, the bench, what became of it; and what the bench asks for."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import BadRequest

from accounts.sign_ins import Along
from annotation import (
    ahead,
    ahead_routes,
    answer_routes,
    beside_pay,
    budget_notice,
    desk,
    editor_routes,
    hint_routes,
    label_config,
    live_routes,
    loop,
    loop_routes,
    media_links,
    media_routes,
    mirror_routes,
    newer_guidelines,
    outcome,
    outside_routes,
    owner_routes,
    question_owner_routes,
    question_routes,
    questions,
    refusal,
    results,
    sample_owner_routes,
    sample_routes,
    sample_waiting_routes,
    shares,
    today_routes,
)
from annotation import assignment as leases
from annotation.models import Assignment, State, Task
from annotation.sample import SampleNeeded
from core import formats
from core.access import require, requires, takes_json
from core.clock import now
from core.db import db_session, find, transaction
from core.errors import Conflict, NotAllowed, NotFound
from core.settings import current_settings
from core.web import json_problem, page_of, wants_json
from experts import restrictions
from payouts.budgets import Frozen, OutOfBudget
from projects import entry
from projects.models import Project
from projects.terms import CONTEST_DAYS

# A hand-in reads what it is about with the question of who hands in.
ALONG = {"annotation.submit": Along(leases.COLUMNS, f"{leases.JOINED} on a.id = %(assignment_id)s")}
bp = Blueprint("annotation", __name__)
SHARES = (shares.DayFull, shares.AllHad, shares.OthersFirst)
MORE_BLUEPRINTS = (
    owner_routes.bp,
    today_routes.bp,
    editor_routes.bp_editor,
    sample_routes.bp,
    sample_owner_routes.bp,
    outside_routes.bp,
    mirror_routes.bp,
    hint_routes.bp,
    loop_routes.bp,
    question_routes.bp,
    question_owner_routes.bp,
    live_routes.bp,
    sample_waiting_routes.bp,
    media_routes.bp,
    answer_routes.bp,
    ahead_routes.bp,
)
SIGNED_BY_SENDER = (hint_routes.take,)


@bp.get("/work")
@requires("work.do")
def work() -> ResponseReturnValue:
    """Show the task in hand, the projects with work, and past work."""
    session = db_session()
    recent = page_of(desk.recent(current_user.id), per=20, scalars=False)
    return render_template(
        "annotation/work.html",
        offers=desk.offers(session, current_user.id, at=now()),
        recent=recent,
        appeals=refusal.appeals_of(session, (lease for lease, _title in recent.rows)),
        standing=desk.standing(session, current_user.id),
        contest_for=timedelta(days=CONTEST_DAYS),
        may_be_invited=restrictions.may_be_invited(session, current_user.id),
    )


@bp.post("/work/claim/<int:project_id>")
@requires("work.do")
def claim(project_id: int) -> ResponseReturnValue:
    """Lease the next task, or go to the one in hand."""
    project = find(Project, project_id)
    try:
        lease_id = leases.claim_and_commit(db_session(), project, current_user.id, at=now())
    except (
        leases.NoTask,
        leases.NotOpen,
        leases.SkillNeeded,
        entry.MoreToShow,
        SampleNeeded,
        Frozen,
        *SHARES,
    ):
        return _no_task(project_id), 409
    except OutOfBudget:
        return _no_budget(project_id), 409
    return redirect(url_for(".work_on", assignment_id=lease_id))


@bp.get("/work/<int:assignment_id>")
@requires("assignment.see")
def work_on(assignment_id: int) -> ResponseReturnValue:
    """Show the bench while the task is in work, and what became of it after.

    The page of a task that waits is given to the bench alone, which shows it once it is open.
    """
    lease = _own(assignment_id, "assignment.see")
    is_ahead = lease.state is State.WAITING and "ahead" in request.args
    if lease.state is not State.ACTIVE and not is_ahead:
        return _assignment_page(lease)
    if request.args.get("after") == "hand-in":
        flash(_("Handed in. This is the next task."), "success")
    session = db_session()
    project = find(Project, lease.project_id)
    newer = newer_guidelines.of(session, lease, project)
    return render_template(
        "annotation/bench.html",
        assignment=lease,
        qualification=beside_pay.of_lease(lease),
        task=find(Task, lease.task_id),
        project=project,
        draft=leases.draft_of(session, lease),
        guidelines=desk.guidelines_of(session, lease, project),
        newer=newer,
        asked=question_routes.context(lease),
        stays=_stays(lease, newer),
        editor_version=editor_routes.version(),
        lease_time=timedelta(minutes=lease.terms["lease_minutes"]),
    )


@bp.get("/work/<int:assignment_id>/task.json")
@requires("assignment.work")
def task_json(assignment_id: int) -> ResponseReturnValue:
    """Give the editor what it shows, and nothing else of the task."""
    lease = _own(assignment_id, "assignment.work")
    project = find(Project, lease.project_id)
    task = find(Task, lease.task_id)
    session = db_session()
    draft = leases.draft_of(session, lease)
    shown = results.variables(project.label_config)
    data = loop.data_shown(project, task, lease)
    link = media_routes.link_for(media_links.Holder.LEASE, assignment_id)
    config, settings = project.label_config, current_settings()
    lost = media_links.absent(session, lease.project_id, config, data, settings)
    data = media_links.with_links(session, lease.project_id, config, data, link)
    return jsonify(
        config=label_config.for_editor(config),
        lost=lost,
        task={
            "id": lease.id,  # the lease's: the task's own would tell how many there are
            "data": {name: data[name] for name in shown if name in data},
        },
        draft=draft.result if draft else loop.start_of(session, lease),
        saved_at=draft.saved_at.isoformat() if draft else None,
    )


@bp.post("/work/<int:assignment_id>/draft")
@requires("assignment.work")
@takes_json
def save_draft(assignment_id: int) -> ResponseReturnValue:
    """Keep what was typed so far."""
    lease = _own(assignment_id, "assignment.work", lock=True)
    base = _sent("base")
    try:
        if base is not None:
            leases.check_draft(db_session(), lease, _sent("result"), base=base)
    except leases.TwoVersions as two:
        return _two_versions(two)
    saved_at = leases.save_draft(db_session(), lease, _sent("result"), at=now())
    return jsonify(state=lease.state, saved_at=saved_at.isoformat())


@bp.post("/work/<int:assignment_id>/alive")
@requires("assignment.work")
@takes_json
def alive(assignment_id: int) -> ResponseReturnValue:
    """Note that the page is open, and say until when the task is in hand."""
    lease = _own(assignment_id, "assignment.work")
    session = db_session()
    leases.is_alive(session, lease, at=now())
    newest = questions.newest(session, lease)
    draft = leases.draft_of(session, lease)
    return jsonify(
        **_time_of(lease),
        answered_at=newest.isoformat() if newest else None,
        draft_at=draft.saved_at.isoformat() if draft else None,
    )


@bp.post("/work/<int:assignment_id>/extend")
@requires("assignment.work")
@takes_json
def extend(assignment_id: int) -> ResponseReturnValue:
    """Give a task its time again."""
    lease = _own(assignment_id, "assignment.work", lock=True)
    number = _sent("number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 1000:
        raise BadRequest
    leases.extend(db_session(), lease, number=number, at=now())
    return jsonify(_time_of(lease))


@bp.post("/work/<int:assignment_id>/submit")
@requires("assignment.work")
@takes_json
def submit(assignment_id: int) -> ResponseReturnValue:
    """Take an answer in, and lease the next task where that is wished; again, say the same."""
    found = leases.in_whole(db_session(), assignment_id, g.get("doyen_along"))
    if found is None:
        raise NotFound
    lease, project, _task = found  # the task is kept at hand for the checks of the answer
    require("assignment.work", lease)
    hand_in = leases.submit_and_claim if _sent("next") is True else leases.submit
    try:
        came = hand_in(db_session(), lease, project, _sent("result"), base=_sent("base"), at=now())
    except leases.WrongAnswer as wrong:
        return json_problem(wrong.status, wrong.words, errors=wrong.problems)
    except leases.TwoVersions as two:
        return _two_versions(two)
    except leases.LeaseOver as over:
        _keep_late_answer(assignment_id)
        return json_problem(over.status, over.words, state=State.EXPIRED)
    if isinstance(came, int):
        _take_a_break(lease, project)
        return _left(lease)
    following = _following(lease, project, came)
    if following is None:
        return _left(lease)
    # The page of the next task says so, asked with `after`: a cookie for a word would cost more.
    after = url_for(".work_on", assignment_id=following)
    said = {"next": after, "state": lease.state, "follows": True}
    if project.tasks_in_hand > 1:  # its page may be there already, from before it was opened
        said["time"] = _time_of(find(Assignment, following))
    return jsonify(said)


@bp.post("/work/<int:assignment_id>/skip")
@requires("assignment.work")
@takes_json
def skip(assignment_id: int) -> ResponseReturnValue:
    """Leave a task with a reason."""
    lease = _own(assignment_id, "assignment.work", lock=True)
    leases.skip(db_session(), lease, str(_sent("reason") or ""), at=now())
    flash(_("You skipped the task. It does not come back to you."))
    return _left(lease)


@bp.post("/work/<int:assignment_id>/return")
@requires("assignment.work")
@takes_json
def give_back(assignment_id: int) -> ResponseReturnValue:
    """Return a task without an answer."""
    lease = _own(assignment_id, "assignment.work", lock=True)
    leases.give_back(db_session(), lease, at=now())
    flash(_("The task is back with all. Returning it has no effect on you."))
    return _left(lease)


@bp.post("/work/<int:assignment_id>/again")
@requires("assignment.work")
def take_again(assignment_id: int) -> ResponseReturnValue:
    """Lease a task anew whose time ran out, with what was typed."""
    lease = _own(assignment_id, "assignment.work")
    project = find(Project, lease.project_id)
    try:
        lease_id = leases.take_again(db_session(), lease, project, at=now())
    except OutOfBudget:
        return _no_budget(lease.project_id), 409
    return redirect(url_for(".work_on", assignment_id=lease_id))


def _own(assignment_id: int, permission: str, *, lock: bool = False) -> Assignment:
    lease = find(Assignment, assignment_id, lock=lock)
    require(permission, lease)
    return lease


def _following(lease: Assignment, project: Project, found: leases.Claimed | None) -> int | None:
    """Lease the next task of a project; none where there is none, and what was handed in stays.

    A qualification task has just posted its pay, and money is locked after tasks, never before:
    there the next task takes a request of its own.
    """
    if beside_pay.of_lease(lease) is not None:
        return None
    session = db_session()
    try:
        return leases.next_lease(session, project, lease.expert_id, found, at=now())
    except OutOfBudget:
        budget_notice.later(session, project)
    except (Conflict, NotAllowed):
        pass  # the page of what was handed in leads to the work page, which says why
    return None


def _take_a_break(lease: Assignment, project: Project) -> None:
    """Return what waits for an expert who hands in and takes no next task.

    A qualification task has just posted its pay, and money is locked after tasks, never before:
    there the sweep returns it.
    """
    if project.tasks_in_hand > 1 and beside_pay.of_lease(lease) is None:
        ahead.give_back(db_session(), lease.project_id, lease.expert_id, at=now())


def _sent(key: str) -> Any:
    """Return a value of what was sent, as JSON by the bench or as a form."""
    try:
        sent = request.get_json() if request.is_json else request.form
    except RecursionError:
        raise BadRequest from None  # nested deeper than anybody can mean
    return sent.get(key) if isinstance(sent, dict) else None


def _two_versions(two: leases.TwoVersions) -> ResponseReturnValue:
    kept = two.kept
    more = {"draft": kept.result, "saved_at": kept.saved_at.isoformat()}
    return json_problem(two.status, two.words, **more)


def _left(lease: Assignment) -> ResponseReturnValue:
    """Answer the bench or a form that a task is no longer in hand."""
    handed_in = lease.state in leases.HANDED_IN
    after = url_for(".work_on", assignment_id=lease.id) if handed_in else url_for(".work")
    if wants_json():
        return jsonify(next=after, state=lease.state)
    return redirect(after)


def _time_of(lease: Assignment) -> dict[str, Any]:
    return {
        "state": lease.state,
        "since": lease.begun_at.isoformat(),
        "due_at": lease.due_at.isoformat(),
        "words": _("Hand in by %(when)s", when=formats.moment(lease.due_at)),
        "extended": lease.extended,
        "extensions": lease.terms.get("extensions", 0),
    }


def _stays(lease: Assignment, newer: Any) -> str:
    """Return what must be the same for the next task to take the place of this one on the page."""
    parts = (
        lease.project_id,
        lease.terms["guidelines_version"],
        newer.version if newer else "",
        str(get_locale()),
        *editor_routes.scripts(),
    )
    return " ".join(map(str, parts))


def _keep_late_answer(assignment_id: int) -> None:
    """Keep as a draft what came too late, though the request itself is refused."""
    db_session().rollback()  # what is written now must not wait for this request's own lock
    with suppress(leases.NotADraft), transaction() as session:
        lease = session.get_one(Assignment, assignment_id)
        leases.save_draft(session, lease, _sent("result"), at=now())


def _no_task(project_id: int) -> str:
    db_session().rollback()  # what the claim had begun must not count as taken
    project = find(Project, project_id)
    why = desk.why_nothing(db_session(), project, current_user.id, at=now())
    return _nothing_page(project, why or desk.Why.ALL_TAKEN)


def _no_budget(project_id: int) -> str:
    db_session().rollback()
    with transaction() as session:
        budget_notice.later(session, session.get_one(Project, project_id))
    return _nothing_page(find(Project, project_id), desk.Why.BUDGET)


def _nothing_page(project: Project, why: desk.Why) -> str:
    go_on = desk.go_on_from(db_session(), project, current_user.id, at=now())
    return render_template(
        "annotation/no_task.html",
        project=project,
        why=why,
        go_on=go_on,
        lease_time=timedelta(minutes=project.lease_minutes),
    )


def _assignment_page(lease: Assignment) -> str:
    return render_template(
        "annotation/assignment.html",
        became=outcome.of(db_session(), lease),
        qualification=beside_pay.of_lease(lease),
    )
