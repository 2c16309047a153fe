"""Pages of a project's interview: what it asks, for its owner and for the experts invited to it."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from annotation import sample
from core import formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, read
from interviews import (
    banks,
    gaps,
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
from interviews.banks import OwnBank
from interviews.items import Bank
from interviews.models import Interview
from interviews.project_interview_forms import SaveForm, TermsForm, filled, form_of
from interviews.templates import Asking
from projects.models import Project, id_of

bp = Blueprint("project_interview", __name__)


@dataclass(frozen=True)
class Chosen:
    """Whose questions the page is about, what there is of both, and what the project asks now."""

    is_own: bool
    own: OwnBank | None
    field: Bank | None
    bank: Bank | None
    asking: Asking | None


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
    asked, form = _asked(project, _chosen(project)), read(SaveForm)
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
        lines=project_view.lines(session, found, me) if found else [],
        held=qualification.in_force(session, id_of(project), me, at),
        held_up=found is None and templates.is_held_up(session, project),
        whose=project_view.whose(session, found.template) if found else "",
        sample=sample.rule_of(session, id_of(project)),
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
        flash(_("It no longer counts as an attempt, and its expert is written to."), "success")
    else:
        flash(_("This was noted before, so nothing was changed."), "info")
    return redirect(url_for("interviews_operator.one_interview", interview_id=interview_id))


def _managed(project_id: int) -> Project:
    project = find(Project, project_id, lock=True)
    require("project.manage", project)
    return project


def _say(project: Project, wanted: terms.Terms | None, seen: int) -> ResponseReturnValue:
    own = _chosen(project).is_own
    said = project_terms.ask(
        db_session(), project, wanted, seen=seen, by=current_user, at=now(), own=own
    )
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


def _chosen(project: Project) -> Chosen:
    """Return whose questions the page is about: as the address says, or as they are asked now.

    The own bank is always that of the project's organisation: no address can name another.
    """
    session = db_session()
    own = banks.own_of(session, project.field, project.organisation_id)
    asking = templates.asking(session, project)
    is_own = asking is not None and asking.template.bank_id is not None
    if "bank" in request.args:
        is_own = request.args["bank"] == "own"
    field = banks.current(session, project.field)
    bank = (own.in_use if own else None) if is_own else field
    return Chosen(is_own, own, field, bank, asking)


def _asked(project: Project, chosen: Chosen) -> TermsForm | None:
    """Return the form with what stands in the address, or with what is asked now."""
    bank, asking = chosen.bank, chosen.asking
    if bank is None:
        return None
    kind = form_of(bank, str(formats.locale().language))
    if "mark" in request.args:
        return kind(formdata=request.args)
    is_same = asking is not None and (asking.template.bank_id is not None) is chosen.is_own
    return kind(data=filled(asking.terms if asking and is_same else terms.of_bank(bank), bank))


def _owner_page(project: Project) -> str:
    session, at = db_session(), now()
    last, chosen = templates.of_project(session, id_of(project)), _chosen(project)
    asked, asking, bank = _asked(project, chosen), chosen.asking, chosen.bank
    wanted = asked.terms() if asked and "mark" in request.args and asked.validate() else None
    return render_template(
        "interviews/project_interview.html",
        project=project,
        chosen=chosen,
        bank=bank,
        last=last,
        gap=gaps.of_project(session, project),
        shown_words=template_words.asked(asking.terms, asking.bank)
        if asking and asking.bank
        else "",
        asking=asking,
        current=asking.terms if asking else None,
        asked=asked,
        wanted=wanted,
        is_same=_is_same(chosen, wanted),
        effects=project_terms.effects(session, project, wanted, bank, at)
        if wanted and bank
        else None,
        qualified=qualification.count(session, id_of(project), at),
        sample=sample.rule_of(session, id_of(project)),
        save=SaveForm(formdata=None, data={"seen": str(last.version if last else 0)}),
        again=_again(),
        language=str(formats.locale().language),
    )


def _is_same(chosen: Chosen, wanted: terms.Terms | None) -> bool:
    asking = chosen.asking
    if asking is None or wanted is None:
        return False
    is_own = asking.template.bank_id is not None
    return wanted.digest == asking.written.digest and is_own is chosen.is_own


def _again() -> dict[str, Any]:
    """Return the query, so that the form that saves carries it."""
    found = {key: request.args.getlist(key) for key in request.args}
    return {key: values for key, values in found.items() if key != "project_id"}
