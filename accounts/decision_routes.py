"""Pages of decisions: one's own with the button to contest, the inbox of appeals, the figures."""

from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import appeals, decision_words, decisions, repairs
from accounts.decision_forms import AnswerForm, AppealForm, empty_of
from accounts.models import Appeal, Decision, DecisionKind
from core import audit, formats, uploads
from core.access import public, recently_signed_in, require, requires, signed_in
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.settings import current_settings
from core.web import Problems, page_of, read

bp = Blueprint("decisions", __name__)


@bp.get("/decisions")
@signed_in
def mine() -> ResponseReturnValue:
    """List the decisions about oneself, newest first."""
    session = db_session()
    listing = page_of(decisions.about_person(current_user.id))
    against = appeals.against(session, listing.rows)
    return render_template(
        "accounts/decision_list.html",
        listing=listing,
        kinds=decision_words.KINDS,
        in_words=_in_words,
        appeals=against,
        can_contest={one.id for one in listing.rows if appeals.can_be_filed(session, one, now())},
        in_force={
            one.id
            for one in listing.rows
            if appeals.is_in_force(session, one, against.get(one.key))
        },
    )


@bp.get("/decisions/<int:decision_id>")
@requires("decision.see")
def one(decision_id: int) -> ResponseReturnValue:
    """Show one decision with all six parts, and the form to contest it."""
    return _decision_page(_own(decision_id), empty_of(AppealForm))


@bp.post("/decisions/<int:decision_id>/appeal")
@requires("decision.see")
def file(decision_id: int) -> ResponseReturnValue:
    """Contest a decision."""
    found = _own(decision_id, lock=True)
    form = read(AppealForm)
    if isinstance(form, Problems):
        return _decision_page(found, form.form), 422
    session, at = db_session(), now()
    if appeals.of(session, found.key) is None:
        kept = uploads.store(
            session,
            form.checked,
            by=current_user.id,
            purpose="appeal",
            folder=current_settings().data_dir,
            at=at,
        )
    else:
        kept = []  # the second click
    appeal = appeals.file(
        session, found, form.asked(tuple(kept)), answer_within=_answer_within(found), at=at
    )
    words = _(
        "Your appeal is received. You hear by %(day)s.", day=formats.day_long(appeal.answer_by)
    )
    flash(words, "success")
    return redirect(url_for(".one", decision_id=decision_id))


@bp.post("/decisions/<int:decision_id>/withdraw")
@requires("decision.see")
def withdraw(decision_id: int) -> ResponseReturnValue:
    """Take one's appeal back."""
    found = _own(decision_id, lock=True)
    appeal = find(Appeal, _appeal_id(found), lock=True)
    appeals.withdraw(db_session(), found, appeal, at=now())
    flash(_("Your appeal is withdrawn. The decision stands as it is."))
    return redirect(url_for(".one", decision_id=decision_id))


@bp.get("/appeals")
@requires("appeal.see")
def inbox() -> ResponseReturnValue:
    """List the appeals that a person may see as a reviewer, the one that is due first on top."""
    session = db_session()
    query = appeals.visible_to(session, current_user)
    shown = request.args.get("show", "open")
    if shown != "all":
        query = query.where(Appeal.outcome.is_(None))  # type: ignore[union-attr]
    listing = page_of(query, scalars=False)
    return render_template(
        "accounts/appeal_list.html",
        listing=listing,
        shown=shown,
        kinds=decision_words.KINDS,
        in_words=_in_words,
        answerable={
            appeal.id
            for appeal, decision in listing.rows
            if appeals.may_answer(session, decision, appeal, current_user)
        },
    )


@bp.get("/appeals/<int:appeal_id>")
@requires("appeal.see")
def appeal(appeal_id: int) -> ResponseReturnValue:
    """Show an appeal with the decision, and the form to answer it."""
    found = find(Appeal, appeal_id)
    decision = _reviewed(found)
    # The page shows work, answers and words of another person.
    audit.record_reading(
        "appeal.read", by=current_user.id, subject=decision.subject, of=decision.person_id
    )
    return _appeal_page(found, decision, empty_of(AnswerForm))


@bp.post("/appeals/<int:appeal_id>")
@requires("appeal.see")
@recently_signed_in
def answer(appeal_id: int) -> ResponseReturnValue:
    """Answer an appeal, and repair what the decision did where it is changed."""
    found = find(Appeal, appeal_id, lock=True)
    decision = _reviewed(found)
    form = read(AnswerForm)
    if isinstance(form, Problems):
        return _appeal_page(found, decision, form.form), 422
    appeals.answer(
        db_session(), found, form.given(), repairs=repairs.of_app(), by=current_user, at=now()
    )
    flash(_("Your answer is recorded, and the person has a letter."), "success")
    return redirect(url_for(".appeal", appeal_id=appeal_id))


@bp.get("/appeals/<int:appeal_id>/files/<int:upload_id>")
@signed_in
def download(appeal_id: int, upload_id: int) -> ResponseReturnValue:
    """Give back a file of an appeal: to its person, and to those who may answer it."""
    found = find(Appeal, appeal_id)
    decision = find(Decision, found.decision_id)
    if decision.person_id != current_user.id:
        require("appeal.see", decision)
    wanted = next((one for one in appeals.files(db_session(), found) if one.id == upload_id), None)
    if wanted is None:
        raise NotFound
    audit.record_reading(
        "appeal.read", by=current_user.id, subject=decision.subject, of=decision.person_id
    )
    return uploads.answer(wanted, current_settings().data_dir)


@bp.get("/decisions/figures")
@public
def figures() -> ResponseReturnValue:
    """Show to everybody how many decisions there were, and what came of the appeals."""
    since = now() - timedelta(days=365)
    return render_template(
        "accounts/decision_figures.html",
        tallies=appeals.statistics(db_session(), since=since),
        since=since,
        kinds=decision_words.KINDS,
        days={kind: _days(kind) for kind in DecisionKind},
    )


def _own(decision_id: int, *, lock: bool = False) -> Decision:
    found = find(Decision, decision_id, lock=lock)
    require("decision.see", found)
    return found


def _reviewed(found: Appeal) -> Decision:
    decision = find(Decision, found.decision_id)
    require("appeal.see", decision)
    return decision


def _appeal_id(found: Decision) -> int:
    against = appeals.of(db_session(), found.key)
    return against.id or 0 if against else 0


def _days(kind: DecisionKind) -> int:
    return current_settings().appeal_days.get(str(kind), 14)


def _answer_within(decision: Decision) -> timedelta:
    return timedelta(days=_days(decision.kind))


def _in_words(words: dict[str, str]) -> str:
    return decisions.in_language(words, _language())[0]


def _language() -> str:
    return str(formats.locale().language)


def _shared(decision: Decision) -> dict[str, object]:
    language = _language()
    return {
        "decision": decision,
        "said": decision_words.KINDS[decision.kind],
        "title": _in_words(decision.title),
        "why": decisions.in_language(decision.reason_words, language),
        "would_change": decisions.in_language(decision.would_change, language),
        "evidence": [
            one
            | {
                "said": _in_words(one["words"]),
                "when": datetime.fromisoformat(one["at"]) if one.get("at") else None,
            }
            for one in decision.evidence
        ],
        "who": decision_words.who(decision),
        "grounds": decision_words.GROUNDS,
        "answer_days": _days(decision.kind),
    }


def _decision_page(decision: Decision, form: AppealForm) -> str:
    session = db_session()
    appeal = appeals.of(session, decision.key)
    return render_template(
        "accounts/decision.html",
        form=form,
        appeal=appeal,
        files=appeals.files(session, appeal) if appeal else [],
        can_contest=appeals.can_be_filed(session, decision, now()),
        made_good=repairs.made_good(session, decision),
        in_force=repairs.is_in_force(session, decision),
        **_shared(decision),
    )


def _appeal_page(found: Appeal, decision: Decision, form: AnswerForm) -> str:
    session = db_session()
    return render_template(
        "accounts/appeal.html",
        form=form,
        appeal=found,
        may_answer=appeals.may_answer(session, decision, found, current_user),
        own=current_user.id in decisions.deciders(decision),
        look=repairs.look(session, decision),
        files=appeals.files(session, found),
        **_shared(decision),
    )
