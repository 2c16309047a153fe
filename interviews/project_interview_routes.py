"""Pages of a project's interview: what it asks, for its owner and for the experts invited to it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from core import formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, read
from interviews import (
    banks,
    outages,
    project_standing,
    project_terms,
    project_view,
    qualification,
    standing,
    template_words,
    templates,
    terms,
)
from interviews.models import Interview
from interviews.project_interview_forms import SaveForm, TermsForm, filled, form_of
from projects.models import Project, id_of

bp = Blueprint("project_interview", __name__)


@bp.get("/projects/<int:project_id>/interview")
@requires("project.see")
def of_owner(project_id: int) -> ResponseReturnValue:
    """Show what a project asks of experts; with a query, what other terms would mean."""
    project = find(Project, project_id)
    require("project.see", project)
    return _owner_page(project)


@bp.post("/projects/<int:project_id>/interview")
@requires("project.manage")
def ask_own(project_id: int) -> ResponseReturnValue:
    """Let a project ask what the page has shown; the terms stand in the address."""
    project = _managed(project_id)
    asked, form = _asked(project), read(SaveForm)
    if isinstance(form, Problems) or asked is None or not asked.validate():
        return _owner_page(project), 422
    return _say(project, asked.terms(), form.version)


@bp.post("/projects/<int:project_id>/interview/field")
@requires("project.manage")
def ask_field(project_id: int) -> ResponseReturnValue:
    """Let the proof in the field be enough."""
    project, form = _managed(project_id), read(SaveForm)
    if isinstance(form, Problems):
        return _owner_page(project), 422
    return _say(project, None, form.version)


@bp.get("/projects/<int:project_id>/your-interview")
@requires("interview.take")
def of_expert(project_id: int) -> ResponseReturnValue:
    """Show an expert what a project asks, what of it they have, and how long the rest takes."""
    session, at, me = db_session(), now(), current_user.id
    project = project_view.project_of(session, project_id, me)
    found = qualification.look(session, project, me, at)
    here = project_standing.shown(session, me, project, found, at)
    return render_template(
        "interviews/project_asks.html",
        project=project,
        invitation=project_view.invitation_of(session, project, me),
        found=found,
        lines=project_view.lines(found) if found else [],
        held=qualification.in_force(session, id_of(project), me, at),
        here=here,
        refusal=standing.refusal(here, at) if here and found and not found.is_met else None,
        past=[one for one in here.past if one is not here.active] if here else [],
    )


@bp.post("/operator/interviews/<int:interview_id>/outage")
@requires("interview.review")
def note_outage(interview_id: int) -> ResponseReturnValue:
    """Note that an interview broke off for a fault of ours, so that it does not count."""
    found = find(Interview, interview_id, lock=True)
    words = request.form.get("words", "")
    if outages.note(db_session(), found, words, by=current_user, at=now()):
        flash(_("The interview no longer counts as an attempt."), "success")
    return redirect(url_for("interviews_operator.one_interview", interview_id=interview_id))


def _managed(project_id: int) -> Project:
    project = find(Project, project_id, lock=True)
    require("project.manage", project)
    return project


def _say(project: Project, wanted: terms.Terms | None, seen: int) -> ResponseReturnValue:
    said = project_terms.ask(db_session(), project, wanted, seen=seen, by=current_user, at=now())
    if wanted is None:
        flash(_("The proof in the field is enough from now on."), "success")
    else:
        flash(_("The project asks this from now on."), "success")
    if said.kept:
        words = ngettext(
            "One expert who had qualified or taken part before stays qualified until their day.",
            "%(num)s experts who had qualified or taken part before stay qualified until their"
            " day.",
            said.kept,
        )
        flash(words, "info")
    return redirect(url_for(".of_owner", project_id=project.id))


def _asked(project: Project) -> TermsForm | None:
    """Return the form with what stands in the address, or with what is asked now."""
    bank = banks.current(db_session(), project.field)
    if bank is None:
        return None
    kind = form_of(bank, str(formats.locale().language))
    if "mark" in request.args:
        return kind(formdata=request.args)
    current = templates.asked_by(db_session(), project)
    shown = current[1] if current else terms.of_bank(bank)
    return kind(data=filled(shown, bank))


def _owner_page(project: Project) -> str:
    session, at = db_session(), now()
    last, asked = templates.of_project(session, id_of(project)), _asked(project)
    current = templates.asked_by(session, project)
    wanted = asked.terms() if asked and "mark" in request.args and asked.validate() else None
    bank = banks.current(session, project.field)
    shown = wanted or (current[1] if current else None)
    return render_template(
        "interviews/project_interview.html",
        project=project,
        bank=bank,
        last=last,
        shown_words=template_words.asked(current[1], bank) if current and bank else "",
        current=current[1] if current else None,
        asked=asked,
        wanted=wanted,
        is_same=bool(wanted and current and wanted.digest == current[1].digest),
        effects=project_terms.effects(session, project, shown, bank, at)
        if shown and bank
        else None,
        qualified=qualification.count(session, id_of(project), at),
        save=SaveForm(formdata=None, data={"seen": str(last.version if last else 0)}),
        again=_again(),
        language=str(formats.locale().language),
    )


def _again() -> dict[str, Any]:
    """Return the query, so that the form that saves carries it."""
    found = {key: request.args.getlist(key) for key in request.args}
    return {key: values for key, values in found.items() if key != "project_id"}
