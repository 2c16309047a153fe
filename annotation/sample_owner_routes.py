"""Pages of owners about the work sample of a project: what is asked, results, near the line."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from annotation import sample, sample_course, sample_outcome, sample_results
from annotation.sample_forms import (
    GrantForm,
    SampleForm,
    SampleVerdictForm,
    filled_with,
)
from annotation.sample_models import GrantKind, SampleState, WorkSample
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.web import Problems, page_of, read
from experts.models import Expert
from projects import invitations
from projects.models import Project, id_of

bp = Blueprint("samples_owner", __name__)


@bp.get("/projects/<int:project_id>/work-sample")
@requires("project.see")
def rule(project_id: int) -> ResponseReturnValue:
    """Show what is asked, who stands where, and how the known answers fared."""
    return _page(_project(project_id, "project.see"))


@bp.post("/projects/<int:project_id>/work-sample")
@requires("project.manage")
def save_rule(project_id: int) -> ResponseReturnValue:
    """Ask for a work sample from now on, or change what is asked."""
    project = _project(project_id, "project.manage", lock=True)
    form = read(SampleForm)
    if isinstance(form, Problems):
        return _page(project, form=form.form), 422
    try:
        sample.introduce(db_session(), project, form.asked(), by=current_user, at=now())
    except sample.TooFewGold as few:
        form.tasks.errors = [few.words]
        return _page(project, form=form), 422
    except sample.NothingIsPaid as nothing:
        form.paid.errors = [nothing.words]
        return _page(project, form=form), 422
    flash(_("Saved. Experts who had worked on the project before it was asked stay in."))
    return redirect(url_for(".rule", project_id=project_id))


@bp.post("/projects/<int:project_id>/work-sample/end")
@requires("project.manage")
def end_rule(project_id: int) -> ResponseReturnValue:
    """Ask for none any more."""
    project = _project(project_id, "project.manage", lock=True)
    sample.end(db_session(), project, by=current_user, at=now())
    flash(_("No work sample is asked any more: all experts of the project may take tasks."))
    return redirect(url_for(".rule", project_id=project_id))


@bp.post("/projects/<int:project_id>/work-sample/try")
@requires("project.manage")
def try_out(project_id: int) -> ResponseReturnValue:
    """Begin a try of one's own."""
    project = _project(project_id, "project.manage")
    found = sample_course.try_out(db_session(), project, by=current_user, at=now())
    return redirect(url_for("samples.go_on", sample_id=found.id))


@bp.get("/projects/<int:project_id>/work-sample/<int:sample_id>")
@requires("assignment.review")
def one(project_id: int, sample_id: int) -> ResponseReturnValue:
    """Show an attempt with the known answers, and where it waits, the decision to take."""
    project = _project(project_id, "assignment.review")
    return _one_page(project, _of(project, sample_id))


@bp.post("/projects/<int:project_id>/work-sample/<int:sample_id>")
@requires("assignment.review")
def decide(project_id: int, sample_id: int) -> ResponseReturnValue:
    """Record a person's decision near the line."""
    project = _project(project_id, "assignment.review")
    found = _of(project, sample_id, lock=True)
    form = read(SampleVerdictForm)
    if isinstance(form, Problems):
        return _one_page(project, found, form=form.form), 422
    session, at = db_session(), now()
    if form.verdict.data == "passed":
        sample_outcome.let_pass(session, found, by=current_user, at=at)
    else:
        words = (form.why.data, form.change.data)
        sample_outcome.turn_down(session, found, *words, by=current_user, at=at)
    flash(_("Recorded. The expert has a letter with the result."))
    return redirect(url_for(".rule", project_id=project_id))


@bp.get("/projects/<int:project_id>/work-sample/experts/<int:expert_id>")
@requires("project.manage")
def person(project_id: int, expert_id: int) -> ResponseReturnValue:
    """Show where one expert stands, with the form to let them in."""
    project = _project(project_id, "project.manage")
    return _person_page(project, expert_id, GrantForm(formdata=None, kind=GrantKind.LET_IN))


@bp.post("/projects/<int:project_id>/work-sample/experts/<int:expert_id>")
@requires("project.manage")
def grant(project_id: int, expert_id: int) -> ResponseReturnValue:
    """Let an expert in by hand, or give them another try."""
    project = _project(project_id, "project.manage", lock=True)
    form = read(GrantForm)
    if isinstance(form, Problems):
        return _person_page(project, expert_id, form.form), 422
    _joined(project, expert_id)
    kind = GrantKind(form.kind.data)
    sample.grant(db_session(), project, expert_id, kind, form.words.data, by=current_user, at=now())
    flash(_("Granted. It stands in the audit trail with your reason."))
    return redirect(url_for(".rule", project_id=project_id))


def _project(project_id: int, permission: str, *, lock: bool = False) -> Project:
    project = find(Project, project_id, lock=lock)
    require(permission, project)
    return project


def _of(project: Project, sample_id: int, *, lock: bool = False) -> WorkSample:
    found = find(WorkSample, sample_id, lock=lock)
    if found.project_id != project.id or found.is_trial:
        raise NotFound
    return found


def _joined(project: Project, expert_id: int) -> Expert:
    if not invitations.is_member(db_session(), id_of(project), expert_id):
        raise NotFound
    return db_session().get_one(Expert, expert_id)


def _page(project: Project, *, form: SampleForm | None = None) -> str:
    session, at = db_session(), now()
    found = sample.rule_of(session, id_of(project))
    before = sample.newest_rule(session, id_of(project))
    return render_template(
        "annotation/sample_rule.html",
        project=project,
        rule=found,
        form=form or filled_with(before),
        gold=sample.gold_count(session, project),
        least=sample.LEAST,
        listing=page_of(sample_results.attempts(id_of(project)), per=25, scalars=False),
        known=sample_results.known_tasks(session, id_of(project)),
        people=sample_results.people(session, project, at) if found else [],
        read_by=sample_outcome.read_by,
    )


def _one_page(project: Project, found: WorkSample, **more: Any) -> str:
    session = db_session()
    expert = session.get_one(Expert, found.expert_id)
    waits = found.state is SampleState.REVIEW
    return render_template(
        "annotation/sample_review.html",
        project=project,
        found=found,
        pseudonym=expert.pseudonym,
        rule=sample_outcome.rule_of(session, found),
        card=sample_outcome.card_of(found) if found.scorecard else None,
        tasks=[]
        if found.state is SampleState.ACTIVE
        else sample_results.tasks_of(session, found, project),
        decision=sample_results.decision_of(session, found),
        form=more.get("form") or (SampleVerdictForm(formdata=None) if waits else None),
        read_by=sample_outcome.read_by(found),
    )


def _person_page(project: Project, expert_id: int, form: GrantForm) -> str:
    expert = _joined(project, expert_id)
    session, at = db_session(), now()
    return render_template(
        "annotation/sample_person.html",
        project=project,
        expert=expert,
        here=sample.standing(session, id_of(project), expert_id, at=at),
        form=form,
    )
