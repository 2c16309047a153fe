"""Pages where a person reads interviews that are near the line."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import col, select

from annotation import sample_waiting
from core import audit, formats
from core.access import requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, page_of, read
from experts import profile
from experts.models import Expert
from interviews import (
    accommodations,
    editions,
    integrity,
    looks,
    modes,
    outages,
    outcome,
    results,
    review,
    scoring,
    template_words,
    waiting,
)
from interviews.forms import VerdictForm
from interviews.integrity_forms import FindingForm
from interviews.models import Interview, State

bp = Blueprint("interviews_operator", __name__)
MOST_ROWS = 2**31


@bp.get("/operator/interviews")
@requires("interview.review")
def all_interviews() -> ResponseReturnValue:
    """List the interviews, those that wait for a person first."""
    chosen = request.args.get("state", "waiting")
    states = [state.value for state in State]
    query = select(Interview, Expert).join(Expert, col(Expert.user_id) == Interview.expert_id)
    project_id = request.args.get("project", type=int)
    if project_id is not None and abs(project_id) < MOST_ROWS:
        query = query.where(Interview.project_id == project_id)
    if chosen in states:
        query = query.where(Interview.state == chosen).order_by(col(Interview.id).desc())
    elif chosen == "all":
        query = query.order_by(col(Interview.id).desc())
    else:
        chosen = "waiting"
        query = query.where(review.waits()).order_by(col(Interview.finished_at), col(Interview.id))
    session, at, listing = db_session(), now(), page_of(query, scalars=False)
    return render_template(
        "interviews/all_interviews.html",
        page_of_rows=listing,
        times=waiting.times(session, at),
        samples=sample_waiting.counts(session, at).waiting,
        waits_for={one.id: waiting.why(session, one) for one, _expert in listing.rows},
        readers=waiting.readers(session, [one.key for one, _expert in listing.rows], at),
        age=waiting.age,
        at=at,
        chosen=chosen,
        states=states,
        project_id=project_id,
        due=review.due,
    )


@bp.get("/operator/interviews/<int:interview_id>")
@requires("interview.review")
def one_interview(interview_id: int) -> ResponseReturnValue:
    """Show one interview with its answers, and the forms of a decision where one is due."""
    found = find(Interview, interview_id)
    audit.record_reading(
        "interview.read",
        by=current_user.id,
        subject=f"interview:{interview_id}",
        of=found.expert_id,
    )
    return _reading_page(found)


@bp.post("/operator/interviews/<int:interview_id>/decision")
@requires("interview.review")
def decide(interview_id: int) -> ResponseReturnValue:
    """Decide on an interview near the line."""
    found = find(Interview, interview_id, lock=True)
    looks.check(db_session(), found, current_user)
    form = read(_verdict_form(found))
    if isinstance(form, Problems):
        return _reading_page(found, verdict_form=form.form), 422
    session, by, at = db_session(), current_user, now()
    if form.verdict.data == State.PASSED:
        review.let_pass(session, found, form.found(), by=by, at=at)
    else:
        why, change = form.why.data, form.change.data
        review.turn_down(session, found, form.found(), why=why, change=change, by=by, at=at)
    waiting.release(session, found, by)
    flash(_("The decision is recorded, and the expert is told."), "success")
    return redirect(url_for(".all_interviews"))


def _language() -> str:
    return str(formats.locale().language)


def _verdict_form(interview: Interview) -> type[VerdictForm]:
    bank = editions.of(db_session(), interview)
    responses = editions.responses(db_session(), interview)
    shown = results.answers(bank, responses, _language())
    missing = [
        (
            f"{one.position}:{check['key']}",
            _("Question %(number)s: %(title)s", number=one.position, title=check["words"]),
        )
        for one in shown
        for check in one.checks
        if not check["met"] and not one.is_unknown
    ]
    return VerdictForm.with_missing(missing)


def _reading_page(
    interview: Interview,
    *,
    verdict_form: VerdictForm | None = None,
) -> str:
    session = db_session()
    words = results.words_of(session, interview, _language())
    places = looks.hidden(session, interview, current_user)
    is_blind = interview.state is State.REVIEW and bool(places)
    words = looks.blind(words, places, is_open=is_blind)
    if verdict_form is None and interview.state is State.REVIEW and not is_blind:
        suggested = outcome.what_would_change(words["card"], words["bank"])
        verdict_form = _verdict_form(interview)(data={"change": suggested, "met": []})
    card = None if is_blind else words["card"]
    causes = scoring.causes(card, words["rule"]) if card else []
    return render_template(
        "interviews/one_interview.html",
        interview=interview,
        expert=profile.of(session, interview.expert_id),
        verdict_form=verdict_form,
        outage=outages.of(session, interview),
        is_free=outages.is_free(session, interview),
        beside=template_words.beside(words["bank"]),
        causes=[cause.value for cause in causes],
        at=now(),
        ways=modes.NAMES,
        hidden=places,
        is_blind=is_blind,
        looked=looks.of(session, interview, current_user.id),
        reader=waiting.readers(session, [interview.key], now()).get(interview.key),
        extra_time=accommodations.extra_time(session, interview),
        note=integrity.note_of(session, interview),
        noted=integrity.shown(session, interview, now()),
        finding_form=FindingForm(formdata=None),
        **words,
    )
