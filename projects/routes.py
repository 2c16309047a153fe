"""Pages of owners about their published projects and the experts in them."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import select
from sqlmodel import col

from accounts import organisations
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.web import Problems, page_of, read
from experts import sharing
from experts.models import Expert
from payouts import budgets
from projects import (
    bonus_routes,
    bonus_rule_routes,
    draft_routes,
    guidelines,
    home,
    invitation_routes,
    invitations,
    lifecycle,
    matching,
    pricing,
    rates,
    reasons,
)
from projects.forms import GuidelinesForm
from projects.models import Answer, Invitation, Project, State, id_of

bp = Blueprint("projects", __name__)
MORE_BLUEPRINTS = (draft_routes.bp, invitation_routes.bp, bonus_routes.bp, bonus_rule_routes.bp)

SHORTLIST = 10
ACTS = {
    "pause": (lifecycle.pause, _l("The project is paused. Work in hand goes on.")),
    "resume": (lifecycle.resume, _l("The project goes on.")),
    "complete": (lifecycle.complete, _l("The project is completed.")),
}


@bp.get("/projects")
@requires("project.create")
def project_list() -> ResponseReturnValue:
    """Show the projects of one's organisations, the newest first."""
    session, at = db_session(), now()
    mine = organisations.ids_of(session, current_user.id)
    query = select(Project).where(col(Project.organisation_id).in_(mine))
    page = page_of(query.order_by(col(Project.id).desc()))
    places = {project.id: invitations.places(session, project, at) for project in page.rows}
    return render_template(
        "projects/project_list.html", page_of_projects=page, places=places, price_of=pricing.of
    )


@bp.get("/projects/<int:project_id>")
@requires("project.see")
def project_home(project_id: int) -> ResponseReturnValue:
    """Show how a project stands, and what it needs."""
    session, project, at = db_session(), _seen(project_id), now()
    summary = budgets.summary(session, project_id)
    rate = rates.of(session, project)
    missing = lifecycle.missing(session, project) if project.is_draft else []
    return render_template(
        "projects/project_home.html",
        project=project,
        missing=missing,
        needs=home.needs(session, project, current_user),
        figures=home.figures(session, project),
        price=pricing.of(project),
        rate=rate,
        under=rate.under(rates.floor_of_project(session, project)),
        summary=summary,
        whole=pricing.whole(project),
        affordable=lifecycle.affordable(summary.available, project),
        places=invitations.places(session, project, at),
        members=_invited(project_id, Answer.ACCEPTED)[:5],
    )


@bp.post("/projects/<int:project_id>/<any(pause, resume, complete):act>")
@requires("project.manage")
def change_state(project_id: int, act: str) -> ResponseReturnValue:
    """Pause a project, go on with it, or end it."""
    project = _managed(project_id, lock=True)
    do, words = ACTS[act]
    do(db_session(), project, by=current_user, at=now())
    flash(str(words), "success")
    return redirect(url_for(".project_home", project_id=project_id))


@bp.get("/projects/<int:project_id>/experts")
@requires("project.see")
def project_experts(project_id: int) -> ResponseReturnValue:
    """Show who takes part, who was asked, who comes next, and why."""
    session, project, at = db_session(), _seen(project_id), now()
    waits = project.state is not State.COMPLETED
    invited = _invited(project_id, *Answer)
    next_ones = matching.shortlist(session, project, SHORTLIST, at=at) if waits else []
    joined = [one.expert_id for one, _expert in invited if one.state is Answer.ACCEPTED]
    return render_template(
        "projects/project_experts.html",
        project=project,
        places=invitations.places(session, project, at),
        invited=invited,
        next_ones=next_ones,
        shared=sharing.with_owners(session, joined),
        eligible=matching.count(session, project, at=at) if waits else 0,
        requirements=reasons.requirements(project),
        explained=reasons.explained,
        at=at,
    )


@bp.post("/projects/<int:project_id>/invitations/<int:invitation_id>/withdraw")
@requires("project.manage")
def withdraw_invitation(project_id: int, invitation_id: int) -> ResponseReturnValue:
    """Take an unanswered invitation back."""
    _managed(project_id)
    invitation = find(Invitation, invitation_id, lock=True)
    if invitation.project_id != project_id:
        raise NotFound
    invitations.withdraw(db_session(), invitation, by=current_user, at=now())
    flash(_("The invitation is taken back. It can no longer be answered."), "success")
    return redirect(url_for(".project_experts", project_id=project_id))


@bp.get("/projects/<int:project_id>/guidelines")
@requires("project.see")
def project_guidelines(project_id: int) -> ResponseReturnValue:
    """Show the guidelines with their versions, and the form for the next one."""
    project = _seen(project_id)
    return _guidelines_page(project, GuidelinesForm(text=project.guidelines))


@bp.post("/projects/<int:project_id>/guidelines")
@requires("project.manage")
def publish_guidelines(project_id: int) -> ResponseReturnValue:
    """Publish a new version of the guidelines."""
    project = _managed(project_id, lock=True)
    form = read(GuidelinesForm)
    if isinstance(form, Problems):
        return _guidelines_page(project, form.form), 422
    if project.is_draft:
        return redirect(url_for("drafts.edit_step", project_id=project_id, step="brief"))
    guidelines.publish(db_session(), project, form.text.data, by=current_user, at=now())
    flash(_("Version %(version)s is published.", version=project.guidelines_version), "success")
    return redirect(url_for(".project_guidelines", project_id=project_id))


@bp.get("/experts")
@requires("project.create")
def expert_list() -> ResponseReturnValue:
    """Show the experts in all one's projects."""
    mine = organisations.ids_of(db_session(), current_user.id)
    query = (
        select(Invitation, Project, Expert)
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .join(Expert, col(Expert.user_id) == col(Invitation.expert_id))
        .where(col(Project.organisation_id).in_(mine), col(Invitation.state) == Answer.ACCEPTED)
        .order_by(col(Expert.pseudonym), col(Project.id))
    )
    found = page_of(query, scalars=False)
    shared = sharing.with_owners(db_session(), {expert.user_id for _one, _p, expert in found.rows})
    return render_template("projects/expert_list.html", found=found, shared=shared)


def _seen(project_id: int) -> Project:
    project = find(Project, project_id)
    require("project.see", project)
    return project


def _managed(project_id: int, *, lock: bool = False) -> Project:
    project = find(Project, project_id, lock=lock)
    require("project.manage", project)
    return project


def _invited(project_id: int, *states: Answer) -> list[Any]:
    query = (
        select(Invitation, Expert)
        .join(Expert, col(Expert.user_id) == col(Invitation.expert_id))
        .where(col(Invitation.project_id) == project_id, col(Invitation.state).in_(states))
        .order_by(col(Invitation.answered_at).desc().nulls_first(), col(Invitation.id).desc())
        .limit(200)
    )
    return list(db_session().execute(query))


def _guidelines_page(project: Project, form: GuidelinesForm) -> str:
    versions = guidelines.versions(db_session(), id_of(project))
    return render_template(
        "projects/project_guidelines.html", project=project, form=form, versions=versions
    )
