"""Pages of interviews for those who take them: before, during and after."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import appeals
from accounts.models import Decision
from core import formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.ports import ports
from core.settings import current_settings
from core.web import Problems, read
from experts import profile
from experts.models import Expert
from interviews import (
    accommodation_routes,
    accommodations,
    bank_item_routes,
    bank_routes,
    bank_withdrawal_routes,
    being_read,
    calibration_routes,
    choice_routes,
    conversation,
    editions,
    fairness_routes,
    frozen_routes,
    integrity,
    integrity_routes,
    judge_routes,
    look_routes,
    missing,
    model_outages,
    modes,
    operator_routes,
    outages,
    practice_routes,
    project_interview_routes,
    project_standing,
    project_versions_routes,
    project_view,
    proven,
    results,
    scoring_routes,
    signals,
    spend_routes,
    standing,
    statistics_routes,
    suggestions,
    system_card_routes,
    talk,
    talk_routes,
    template_routes,
    template_words,
    transcripts,
    voice_routes,
    waiting_routes,
)
from interviews.conversation import Kept
from interviews.forms import AnswerForm, form_for
from interviews.integrity_forms import ExplainForm
from interviews.models import Interview, Mode, State

bp = Blueprint("interviews", __name__)
MORE_BLUEPRINTS = [
    operator_routes.bp,
    fairness_routes.bp,
    choice_routes.bp,
    statistics_routes.bp,
    calibration_routes.bp,
    waiting_routes.bp,
    system_card_routes.bp,
    bank_routes.bp,
    bank_item_routes.bp,
    project_interview_routes.bp,
    accommodation_routes.bp,
    integrity_routes.bp,
    practice_routes.bp,
    voice_routes.bp,
    talk_routes.bp,
    spend_routes.bp,
    scoring_routes.bp,
    judge_routes.bp,
    bank_withdrawal_routes.bp,
    template_routes.bp,
    frozen_routes.bp,
    look_routes.bp,
    project_versions_routes.bp,
]


@bp.get("/interviews")
@requires("interview.take")
def my_interviews() -> ResponseReturnValue:
    """Show every field, what to expect in one of them, and past interviews."""
    return _fields_page()


@bp.get("/interviews/<int:interview_id>")
@requires("interview.take")
def question(interview_id: int) -> ResponseReturnValue:
    """Show the question that is open now."""
    found = _mine(interview_id)
    if not found.is_open(now()):
        return redirect(url_for(".result", interview_id=found.id))
    if talk.is_on(db_session(), found, ports().language_model):
        return redirect(url_for("interview_talk.conversation_page", interview_id=found.id))
    place = conversation.position(db_session(), found)
    return _question_page(found, place, _form(found, place)(data={"position": place}))


@bp.post("/interviews/<int:interview_id>/answer")
@requires("interview.take")
def answer(interview_id: int) -> ResponseReturnValue:
    """Store an answer, once, and go on."""
    found = _mine(interview_id, lock=True)
    place = request.form.get("position", 0, type=int)
    if not 1 <= place <= found.length or conversation.is_ahead(db_session(), found, place):
        raise conversation.NotThisQuestion
    form = read(_form(found, place))
    if isinstance(form, Problems):
        return _question_page(found, place, form.form), 422
    session, given, at = db_session(), form.given(), now()
    said: dict[str, Any] = {
        "language": formats.locale().language,
        "remark": form.remark.data or "",
        "measured": _measured(found, form, at),
    }
    model = ports().language_model
    kept = talk.take(session, found, place, talk.Sent(given, **said), model=model, at=at)
    if kept is None:
        kept = conversation.answer(session, found, place, given, at=at, **said)
    if kept is Kept.FIRST:
        words = _(
            "Question %(number)s was answered before. Your first answer counts.", number=place
        )
        flash(words, "info")
    return redirect(url_for(".question", interview_id=found.id))


@bp.post("/interviews/<int:interview_id>/leave")
@requires("interview.take")
def leave(interview_id: int) -> ResponseReturnValue:
    """End an interview unfinished, at its person's wish."""
    found = _mine(interview_id, lock=True)
    conversation.leave(db_session(), found, now())
    return redirect(url_for(".result", interview_id=found.id))


@bp.get("/interviews/<int:interview_id>/result")
@requires("interview.take")
def result(interview_id: int) -> ResponseReturnValue:
    """Show what an interview came to, and why."""
    found = _mine(interview_id)
    if found.is_open(now()):
        return redirect(url_for(".question", interview_id=found.id))
    return _result_page(found)


def _mine(interview_id: int, *, lock: bool = False) -> Interview:
    found = find(Interview, interview_id, lock=lock)
    require("interview.take", found)
    return found


def _state(interview: Interview, at: datetime) -> State:
    """Return the state as people see it: what is over has ended, whether or not it is closed."""
    over = interview.state is State.ACTIVE and not interview.is_open(at)
    return State.EXPIRED if over else interview.state


def _language() -> str:
    return str(formats.locale().language)


def _fields_page() -> str:
    session, at = db_session(), now()
    every = standing.every(session, current_user.id, at)
    wanted = request.args.get("field") or _own_field()
    here = next((one for one in every if one.field == wanted), None)
    here = here or next(one for one in every if one.bank is not None)
    return render_template(
        "interviews/my_interviews.html",
        every=every,
        here=here,
        refusal=standing.refusal(here, at),
        others=results.others(session, here.field, at),
        competencies=[
            one for one in proven.shown(session, current_user.id, at) if one.field == here.field
        ],
        language=_language(),
        floors=template_words.floors(here.bank) if here.bank else "",
        llm_leads=Mode.LLM in modes.offered(modes.model_of(current_settings())),
        answered=conversation.position(session, here.active) - 1 if here.active else 0,
        renew_from=standing.renew_from,
    )


def _own_field() -> str | None:
    expert = db_session().get(Expert, current_user.id)
    return expert.field if expert else None


def _form(interview: Interview, place: int) -> type[AnswerForm]:
    bank = editions.of(db_session(), interview)
    step, item = editions.asked(bank, interview, place)
    return form_for(item, step, _language())


def _question_page(interview: Interview, place: int, form: AnswerForm) -> str:
    bank = editions.of(db_session(), interview)
    if interview.is_adaptive:
        most = bank.questions
        minutes_left = bank.minutes(most - place + 1)
    else:
        most = interview.length
        left = [bank.item(step.item).seconds for step in editions.steps(interview)[place - 1 :]]
        minutes_left = -(-sum(left) // 60)
    extra = accommodations.of(db_session(), interview)
    minutes_left = round(minutes_left * (1 + extra.extra_time / 100)) if extra else minutes_left
    return render_template(
        "interviews/question.html",
        extra=extra,
        is_measured=form.item.kind == "short" and not (extra and extra.unmeasured),
        voice=voice_routes.offered(interview, form.item, extra),
        interview=interview,
        place=place,
        form=form,
        item=form.item,
        most=most,
        minutes_left=minutes_left,
        told=talk.told(db_session(), interview),
        ways=modes.NAMES,
        language=_language(),
    )


def _measured(interview: Interview, form: AnswerForm, at: datetime) -> signals.Measured | None:
    given = editions.responses(db_session(), interview)
    shown_at = given[-1].answered_at if given else interview.started_at
    return integrity.read(db_session(), interview, form.measured.data, since=shown_at, at=at)


def _result_page(interview: Interview) -> str:
    session, at = db_session(), now()
    words = results.words_of(session, interview, _language())
    decision = session.get(Decision, interview.decision_id) if interview.decision_id else None
    words = results.words_of(session, interview, _language())
    return render_template(
        "interviews/result.html",
        interview=interview,
        state=_state(interview, at),
        reading=being_read.of(session, interview),
        decision=decision,
        appeal=appeals.of(session, decision.key) if decision else None,
        at=at,
        ways=modes.NAMES,
        is_spoiled=model_outages.is_spoiled(session, interview, at),
        is_excused=interview.key in outages.excused(session, [interview.key]),
        offers=suggestions.waiting(session, interview),
        deleted_from=transcripts.kept_until(session, interview, at),
        own=profile.of(session, interview.expert_id),
        proof=results.proof(session, interview),
        standing=project_standing.after(session, interview, words["bank"], at),
        for_project=project_view.of_interview(session, interview, words["bank"]),
        others=results.others(session, interview.field, at),
        note=integrity.note_of(session, interview),
        noted=integrity.shown(session, interview, at),
        measured=integrity.measured(session, interview),
        explain_form=ExplainForm(formdata=None),
        extra=accommodations.of(session, interview),
        renew_from=standing.renew_from,
        floors=template_words.floors(words["bank"]),
        missing=missing.by_competency(words["answers"]),
        lacking=missing.for_a_pass(interview, words["card"], words["bank"]),
        **words,
    )
