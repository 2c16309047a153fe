"""Pages where people choose how an interview is led, and correct what they said in one."""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import consent_texts, consents
from accounts.models import Purpose
from core import formats, model_calls
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.settings import current_settings
from core.web import Problems, read
from experts.fields import Field
from interviews import (
    accommodations,
    conversation,
    corrections,
    editions,
    modes,
    project_choice,
    results,
    signals,
    standing,
)
from interviews.forms import CorrectionForm, StartForm
from interviews.models import Interview, Mode, Response

bp = Blueprint("interview_choice", __name__)


@bp.get("/interviews/before/<field>")
@requires("interview.take")
def before(field: str) -> ResponseReturnValue:
    """Say what runs by itself in an interview, and how to have it otherwise; then it can start."""
    needs = accommodations.effects(db_session(), current_user.id)
    way = Mode.PERSON if needs.person else Mode.STRUCTURED
    chosen = {"field": field, "project": request.args.get("project", ""), "mode": way.value}
    return _notice_page(_field(field), StartForm(formdata=None, data=chosen))


@bp.post("/interviews/start")
@requires("interview.take")
def start() -> ResponseReturnValue:
    """Start an interview; a second click leads to the same one."""
    form = read(StartForm)
    if isinstance(form, Problems):
        return _problem_page(form.form)
    session, at, mode = db_session(), now(), Mode(form.mode.data)
    model = modes.model_of(current_settings())
    if mode is Mode.LLM and not (form.ai_consent.data or _agreed()):
        form.ai_consent.errors = [_("Tick the box if you agree, or choose another way.")]
        return _problem_page(form)
    if mode is Mode.LLM and form.ai_consent.data:
        _agree(form.ai_version.data or "", at)
    interview = conversation.start(
        session,
        current_user.id,
        Field(form.field.data),
        consent_version=conversation.CONSENT_VERSION,
        mode=mode,
        llm_model=model.name if model and model.leads else None,
        project=project_choice.of(session, form, current_user.id),
        at=at,
    )
    return redirect(url_for("interviews.question", interview_id=interview.id))


@bp.post("/interviews/<int:interview_id>/mode")
@requires("interview.take")
def switch(interview_id: int) -> ResponseReturnValue:
    """Go on in another way, from the open question on."""
    found = _mine(interview_id, lock=True)
    wanted = request.form.get("mode", "")
    if wanted not in list(Mode):
        raise conversation.NoSuchWay
    if conversation.switch(db_session(), found, Mode(wanted), now()):
        words = _("From now on: %(mode)s. What you have answered is kept.", mode=_way(found.mode))
        flash(words, "success")
    return redirect(url_for("interviews.question", interview_id=found.id))


@bp.get("/interviews/<int:interview_id>/answers/<int:position>")
@requires("interview.take")
def answer(interview_id: int, position: int) -> ResponseReturnValue:
    """Show one of one's answers, with the form to correct it."""
    found = _mine(interview_id)
    if found.is_open(now()):
        return redirect(url_for("interviews.question", interview_id=found.id))
    return _answer_page(found, _response(found, position), CorrectionForm(formdata=None))


@bp.post("/interviews/<int:interview_id>/answers/<int:position>")
@requires("interview.take")
def correct(interview_id: int, position: int) -> ResponseReturnValue:
    """Put a correction beside an answer."""
    found = _mine(interview_id, lock=True)
    response = _response(found, position)
    form = read(CorrectionForm)
    if isinstance(form, Problems):
        return _answer_page(found, response, form.form), 422
    words, language = form.words.data, _language()
    if corrections.add(db_session(), found, response, words, language=language, at=now()):
        flash(_("Your correction stands beside the answer."), "success")
    return redirect(url_for(".answer", interview_id=found.id, position=position))


def _field(name: str) -> Field:
    try:
        return Field(name)
    except ValueError:
        raise NotFound from None


def _mine(interview_id: int, *, lock: bool = False) -> Interview:
    found = find(Interview, interview_id, lock=lock)
    require("interview.take", found)
    return found


def _response(interview: Interview, position: int) -> Response:
    given = editions.responses(db_session(), interview)
    wanted = next((one for one in given if one.position == position), None)
    if wanted is None:
        raise NotFound
    return wanted


def _language() -> str:
    return str(formats.locale().language)


def _agree(version: str, at: datetime) -> None:
    consents.give(
        db_session(),
        current_user.id,
        Purpose.AI_INTERVIEW,
        version=version,
        language=_language(),
        address=request.remote_addr,
        at=at,
    )


def _agreed() -> bool:
    return consents.given(db_session(), current_user.id, Purpose.AI_INTERVIEW)


def _way(mode: Mode) -> str:
    return str(modes.NAMES[mode])


def _problem_page(form: StartForm) -> ResponseReturnValue:
    if form.field.data not in list(Field):
        return redirect(url_for("interviews.my_interviews"))  # a program that names no field
    page = _notice_page(Field(form.field.data), form)
    return (page, 422) if isinstance(page, str) else page


def _notice_page(field: Field, form: StartForm) -> ResponseReturnValue:
    session, at = db_session(), now()
    chosen = project_choice.look(session, form, current_user.id, at)
    here = chosen.here if chosen else standing.of(session, current_user.id, field, at)
    if here is None or here.bank is None or here.active or standing.refusal(here, at):
        return redirect(chosen.url if chosen else project_choice.all_of(field))
    settings = current_settings()
    model = modes.model_of(settings)
    form.field.data = field.value
    form.offer(modes.offered(model))
    text = consent_texts.current(Purpose.AI_INTERVIEW)
    form.ai_version.data = text.version
    return render_template(
        "interviews/before.html",
        here=here,
        form=form,
        asks=chosen,
        model=model,
        at_limit=model_calls.at_limit(session, settings, at),
        agreed=_agreed(),
        ai_words=text.in_(_language()),
        needs=accommodations.effects(session, current_user.id),
        rules=signals.RULES,
    )


def _answer_page(interview: Interview, response: Response, form: CorrectionForm) -> str:
    words = results.words_of(db_session(), interview, _language())
    shown = next(one for one in words["answers"] if one.position == response.position)
    return render_template(
        "interviews/answer.html",
        interview=interview,
        one=shown,
        form=form,
        may_correct=len(shown.corrections) < corrections.MOST_OF_ONE and not shown.is_deleted,
    )
