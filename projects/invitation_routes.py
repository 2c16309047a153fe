"""Pages of experts about their invitations."""

from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlmodel import col

from accounts.models import Organisation
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.web import Problems, page_of, read
from experts import restrictions
from payouts import budgets
from projects import entry, invitations, letters, preview, rates, reasons, terms
from projects.forms import DeclineForm
from projects.models import Invitation, Project, State, id_of

bp = Blueprint("invitations", __name__)


@bp.get("/invitations")
@requires("invitation.answer")
def invitation_list() -> ResponseReturnValue:
    """Show one's invitations, those that wait first."""
    query = (
        select(Invitation, Project, Organisation)
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .join(Organisation, col(Organisation.id) == col(Project.organisation_id))
        .where(col(Invitation.expert_id) == current_user.id)
        .order_by(col(Invitation.answered_at).desc().nulls_first(), col(Invitation.id).desc())
    )
    return render_template(
        "projects/invitation_list.html",
        found=page_of(query, scalars=False),
        rate_of=partial(rates.of, db_session()),
        at=now(),
        may_be_invited=restrictions.may_be_invited(db_session(), current_user.id),
    )


@bp.get("/invitations/<int:invitation_id>")
@requires("invitation.answer")
def invitation(invitation_id: int) -> ResponseReturnValue:
    """Show all terms of a project before anything is answered."""
    return _invitation_page(_mine(invitation_id), DeclineForm())


@bp.get("/invitations/from-letter/<token>")
@requires("invitation.answer")
def from_letter(token: str) -> ResponseReturnValue:
    """Lead from a link in a letter to the answer that it names; the person still sends it."""
    link = letters.read(token)
    if link.expert_id != current_user.id:
        raise NotFound
    return redirect(
        url_for(
            ".invitation",
            invitation_id=link.invitation_id,
            answer=link.answer,
            _anchor="your-answer",
        )
    )


@bp.post("/invitations/<int:invitation_id>/accept")
@requires("invitation.answer")
def accept(invitation_id: int) -> ResponseReturnValue:
    """Say yes."""
    found = _mine(invitation_id, lock=True)
    invitations.accept(db_session(), found, by=current_user, at=now())
    flash(_("You take part. Nothing is asked of you until you start a task."), "success")
    return redirect(url_for(".invitation", invitation_id=invitation_id))


@bp.post("/invitations/<int:invitation_id>/decline")
@requires("invitation.answer")
def decline(invitation_id: int) -> ResponseReturnValue:
    """Say no, or leave."""
    found = _mine(invitation_id, lock=True)
    form = read(DeclineForm)
    if isinstance(form, Problems):
        return _invitation_page(found, form.form), 422
    invitations.decline(db_session(), found, words=form.words.data or "", by=current_user, at=now())
    flash(_("Your no is noted. It has no effect on later invitations."), "success")
    return redirect(url_for(".invitation_list"))


def waiting(user: Any) -> int:
    """Return how many invitations wait for a person, for the count in the navigation."""
    return invitations.to_answer(db_session(), user.id)


def _mine(invitation_id: int, *, lock: bool = False) -> Invitation:
    found = find(Invitation, invitation_id, lock=lock)
    require("invitation.answer", found)
    return found


def _invitation_page(found: Invitation, form: DeclineForm) -> str:
    session, at = db_session(), now()
    project = session.get_one(Project, found.project_id)
    rate = rates.of(session, project)
    return render_template(
        "projects/invitation.html",
        invitation=found,
        project=project,
        organisation=session.get_one(Organisation, project.organisation_id),
        rows=terms.rows(project, budgets.available(session, id_of(project)), rate),
        rate=rate,
        under=rate.under(rates.floor_of_expert(session, found.expert_id, project.currency)),
        requirements=reasons.requirements(project),
        explained=reasons.explained(found.reasons),
        preview=preview.of(project.label_config),
        is_frozen=budgets.is_frozen(session, id_of(project)),
        asked=entry.asked(session, project, found.expert_id, at),
        takes_people=project.state is State.OPEN
        and invitations.places(session, project, at).free > 0,
        wish=request.args.get("answer"),
        form=form,
        at=at,
    )
