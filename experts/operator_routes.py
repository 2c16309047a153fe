"""The operator's page of an expert: restriction by two people, licences, and what was decided."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import decision_words, decisions
from core import audit, navigation
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, find
from core.formats import locale
from core.web import Problems, page_of, read
from experts import credentials, profile, restrictions
from experts.models import Expert, Licence, RestrictionProposal
from experts.operator_forms import ProposalForm, RefusalForm

bp = Blueprint("experts_operator", __name__)


@bp.get("/operator/experts/<int:expert_id>")
@requires("expert.restrict")
def one(expert_id: int) -> ResponseReturnValue:
    """Show an expert's standing, what is proposed, and the decisions about them."""
    found = find(Expert, expert_id)
    audit.record_reading(
        "expert.read", by=current_user.id, subject=f"expert:{expert_id}", of=expert_id
    )
    return _page(found)


@bp.post("/operator/experts/<int:expert_id>/propose")
@requires("expert.restrict")
@recently_signed_in
def propose(expert_id: int) -> ResponseReturnValue:
    """Propose a restriction or removal."""
    found = find(Expert, expert_id, lock=True)
    form = read(ProposalForm)
    if isinstance(form, Problems):
        return _page(found, proposal_form=form.form), 422
    restrictions.propose(db_session(), found, form.proposal(), by=current_user, at=now())
    flash(_("Proposed. Another operator confirms or declines it; until then nothing changes."))
    return redirect(url_for(".one", expert_id=expert_id))


@bp.post("/operator/proposals/<int:proposal_id>/<any(confirm, decline):answer>")
@requires("expert.restrict")
@recently_signed_in
def answer(proposal_id: int, answer: str) -> ResponseReturnValue:
    """Confirm a proposal as the second person, or decline it."""
    found = find(RestrictionProposal, proposal_id, lock=True)
    if answer == "confirm":
        restrictions.confirm(db_session(), found, by=current_user, at=now())
        flash(_("Confirmed. The expert has a letter with the reasons."))
    else:
        restrictions.decline(db_session(), found, by=current_user, at=now())
        flash(_("Declined. Nothing changes for the expert."))
    return redirect(url_for(".one", expert_id=found.expert_id))


@bp.post("/operator/experts/<int:expert_id>/lift")
@requires("expert.restrict")
def lift(expert_id: int) -> ResponseReturnValue:
    """Lift a restriction."""
    found = find(Expert, expert_id, lock=True)
    restrictions.lift(db_session(), found, by=current_user, at=now())
    flash(_("Lifted. The expert can be invited and take tasks again."))
    return redirect(url_for(".one", expert_id=expert_id))


@bp.get("/operator/licences/<int:licence_id>/refuse")
@requires("expert.restrict")
def licence(licence_id: int) -> ResponseReturnValue:
    """Ask for the reasons of not recognising a licence."""
    return _licence_page(find(Licence, licence_id), RefusalForm(formdata=None))


@bp.post("/operator/licences/<int:licence_id>/refuse")
@requires("expert.restrict")
@recently_signed_in
def refuse(licence_id: int) -> ResponseReturnValue:
    """Say that a licence is not recognised."""
    found = find(Licence, licence_id, lock=True)
    form = read(RefusalForm)
    if isinstance(form, Problems):
        return _licence_page(found, form.form), 422
    words, evidence = form.words.data, form.evidence.data
    credentials.refuse(
        db_session(), found, words=words, evidence=evidence, by=current_user, at=now()
    )
    flash(_("The licence does not count any more. The expert has a letter with the reasons."))
    return redirect(url_for(".one", expert_id=found.expert_id))


def _page(expert: Expert, *, proposal_form: ProposalForm | None = None) -> str:
    session, language = db_session(), str(locale().language)
    proposal = restrictions.open_for(session, expert.user_id)
    return render_template(
        "experts/operator_expert.html",
        expert=expert,
        proposal=proposal,
        reviewer_left=proposal is None or restrictions.leaves_a_reviewer(session, proposal),
        reasons=restrictions.REASONS,
        form=proposal_form or ProposalForm(formdata=None),
        licences=profile.licences(session, expert.user_id),
        listing=page_of(decisions.about_person(expert.user_id)),
        kinds=decision_words.KINDS,
        in_words=lambda words: decisions.in_language(words, language)[0],
        reviewer=decisions.reviewer,
        money_path=_known(f"/operator/money/experts/{expert.user_id}"),
    )


def _known(path: str) -> str:
    """Return the address of a page to the right of this package, where there is one."""
    return path if navigation.exists(path) else ""


def _licence_page(found: Licence, form: RefusalForm) -> str:
    return render_template("experts/refuse_licence.html", licence=found, form=form)
