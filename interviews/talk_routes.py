"""Pages of an interview with a language model: what is said, and the next words as they come.

The next words come as a stream of lines of JSON to a script, or by a form and a page to everybody
else; both are the same. Nothing stays open in the database while the model is asked.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core import formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find, transaction
from core.model_patience import ModelAway
from core.models import CallOutcome
from core.ports import LanguageModel, ModelDown, ModelRefused, ModelUse, ports
from core.settings import current_settings
from core.web import Problems, read
from experts import profile
from interviews import (
    accommodations,
    conversation,
    editions,
    interviewer,
    model_outages,
    modes,
    suggestion_forms,
    suggestions,
    talk,
    talk_languages,
    turns,
    voice_routes,
)
from interviews.conversation import Kept
from interviews.models import Interview, Mode
from interviews.suggestion_forms import PartForm
from interviews.talk import BeingWritten, Line, Spoken
from interviews.talk_forms import LanguageForm, ReplyForm
from interviews.talk_models import Speaker, Suggestion, SuggestionState, TurnKind

bp = Blueprint("interview_talk", __name__)
LINES = "application/x-ndjson"


@bp.get("/interviews/<int:interview_id>/talk")
@requires("interview.take")
def conversation_page(interview_id: int) -> ResponseReturnValue:
    """Show what is talked about besides the questions of the bank."""
    found = _mine(interview_id)
    if not found.is_open(now()) or not talk.is_on(db_session(), found, _model()):
        return redirect(_question(interview_id))
    return _page(found, ReplyForm(formdata=None))


@bp.post("/interviews/<int:interview_id>/talk")
@requires("interview.take")
def reply(interview_id: int) -> ResponseReturnValue:
    """Store what is answered to the interviewer, once, and go on."""
    found = _mine(interview_id, lock=True)
    form = read(ReplyForm)
    if isinstance(form, Problems):
        return _page(found, form.form), 422
    said = None if form.nothing.data else form.said
    number = int(form.number.data) if (form.number.data or "").isdecimal() else 0
    measured = form.measured.data
    kept = talk.reply(db_session(), found, number, said, at=now(), measured=measured)
    if kept is Kept.FIRST:
        flash(_("This was answered before. Your first answer counts."), "info")
    return redirect(_question(interview_id))


@bp.post("/interviews/<int:interview_id>/talk/begin")
@requires("interview.take")
def begin(interview_id: int) -> ResponseReturnValue:
    """Begin to talk, in the language that was chosen; or change that language."""
    found = _mine(interview_id, lock=True)
    form = LanguageForm()
    form.offer(_languages(found))
    if form.validate() and talk.leads(found, _model()):
        talk.speak_in(db_session(), found, form.language.data, now())
    return redirect(_question(interview_id))


@bp.post("/interviews/<int:interview_id>/talk/skip")
@requires("interview.take")
def skip(interview_id: int) -> ResponseReturnValue:
    """Go straight on to the questions of the bank."""
    talk.skip_opening(db_session(), _mine(interview_id, lock=True), now())
    return redirect(_question(interview_id))


@bp.post("/interviews/<int:interview_id>/talk/without")
@requires("interview.take")
def without(interview_id: int) -> ResponseReturnValue:
    """Go on without the language model."""
    found = _mine(interview_id, lock=True)
    talk.go_on_without(db_session(), found, "wish", now())
    flash(_("From now on: %(mode)s. What you have answered is kept.", mode=_way(found)), "success")
    return redirect(_question(interview_id))


@bp.post("/interviews/<int:interview_id>/talk/next")
@requires("interview.take")
def next_words(interview_id: int) -> ResponseReturnValue:
    """Let the interviewer say what comes next; who asks twice gets the same."""
    found = _mine(interview_id)
    wants_lines = LINES in request.headers.get("Accept", "")
    db_session().close()  # nothing stays open while the model is asked
    model = _model()
    try:
        line = _claim(found.key, model)
    except BeingWritten:
        return _lines(iter([{"wait": True}])) if wants_lines else redirect(_question(interview_id))
    if line is None or model is None:
        again = {"page": _question(interview_id)}
        return _lines(iter([again])) if wants_lines else redirect(again["page"])
    events = _say(line, model)
    if wants_lines:
        return _lines(events)
    list(events)
    return redirect(_question(interview_id))


@bp.get("/interviews/<int:interview_id>/conversation")
@requires("interview.take")
def transcript(interview_id: int) -> ResponseReturnValue:
    """Show all that was said, to whom it belongs."""
    found = _mine(interview_id)
    return render_template(
        "interviews/transcript.html", interview=found, is_mine=True, **_all(found)
    )


@bp.get("/operator/interviews/<int:interview_id>/conversation")
@requires("interview.review")
def read_transcript(interview_id: int) -> ResponseReturnValue:
    """Show all that was said, to a person who reads the interview."""
    found = find(Interview, interview_id)
    return render_template(
        "interviews/transcript.html", interview=found, is_mine=False, **_all(found)
    )


@bp.get("/interviews/<int:interview_id>/suggestions")
@requires("interview.take")
def suggested(interview_id: int) -> ResponseReturnValue:
    """Show what was said that could stand in the profile."""
    found = _mine(interview_id)
    return _suggestions_page(found)


@bp.post("/interviews/<int:interview_id>/suggestions/<int:suggestion_id>")
@requires("interview.take")
def answer_suggestion(interview_id: int, suggestion_id: int) -> ResponseReturnValue:
    """Take a suggestion into the profile as its person has it, or leave it; once."""
    found = _mine(interview_id)
    one = find(Suggestion, suggestion_id, lock=True)
    suggestions.check_of(one, found)
    back = redirect(url_for(".suggested", interview_id=interview_id))
    if one.state is not SuggestionState.OPEN:
        flash(_("You had answered this suggestion before. Nothing was changed."), "info")
        return back
    if request.form.get("answer") != "accept":
        suggestions.decline(db_session(), found, one, now())
        flash(_("It is left out of your profile."), "success")
        return back
    form = read(suggestion_forms.FORMS[one.part], prefix=suggestion_forms.prefix(one))
    if isinstance(form, Problems):
        return _suggestions_page(found, form.form, one), 422
    try:
        suggestions.accept(db_session(), found, one, form.value(), now())
    except suggestions.Full as full:
        form.text.errors = [full.words]
        return _suggestions_page(found, form, one), 422
    flash(_("It stands in your profile now. You can change it there at any time."), "success")
    return back


def _suggestions_page(
    interview: Interview, failed: PartForm | None = None, of: Suggestion | None = None
) -> str:
    offers = suggestions.of(db_session(), interview)
    is_open = [one for one in offers if one.state is SuggestionState.OPEN]
    return render_template(
        "interviews/suggestions.html",
        interview=interview,
        offers=offers,
        forms={
            one.id: failed if failed is not None and one is of else suggestion_forms.form_for(one)
            for one in is_open
        },
        form=failed,
        own=profile.of(db_session(), interview.expert_id),
    )


def _claim(interview_id: int, model: LanguageModel | None) -> Line | None:
    with transaction() as session:
        interview = session.get_one(Interview, interview_id, with_for_update=True)
        return talk.claim(session, interview, model=model, settings=current_settings(), at=now())


def _say(line: Line, model: LanguageModel) -> Iterator[dict[str, Any]]:
    """Give what is said as it comes, and keep what came of it."""
    speaking = interviewer.speak(line, model, patience=current_settings().llm_timeout)
    shown: list[str] = []
    is_kept = False
    try:
        while True:
            try:
                sentence = next(speaking)
            except StopIteration as end:
                is_kept = True
                yield _kept(line, end.value, shown)
                return
            except (ModelDown, ModelRefused) as trouble:
                is_kept = True
                _trouble(line, model, trouble)
                yield {"page": _question(line.interview_id)}
                return
            shown.append(sentence)
            yield {"sentence": sentence}
    finally:
        if not is_kept:  # the window was closed in the middle: whoever comes back asks anew
            speaking.close()
            with transaction() as session:
                talk.give_back(session, line)


def _kept(line: Line, spoken: Spoken, shown: list[str]) -> dict[str, Any]:
    with transaction() as session:
        interview = session.get_one(Interview, line.interview_id, with_for_update=True)
        turn = talk.record(session, interview, line, spoken, current_settings(), at=now())
    if turn is None or turn.text is None:
        return {"page": _question(line.interview_id)}
    said = {"number": turn.number, "lang": turn.language}
    return said if turn.text == " ".join(shown) else said | {"instead": turn.text}


def _trouble(line: Line, model: LanguageModel, trouble: Exception) -> None:
    is_down = isinstance(trouble, ModelDown)
    waited = round((now() - line.at).total_seconds() * 1000)
    use = None if isinstance(trouble, ModelAway) else ModelUse(model.name, 0, 0, max(0, waited))
    with transaction() as session:
        interview = session.get_one(Interview, line.interview_id, with_for_update=True)
        talk.record_trouble(
            session,
            interview,
            line,
            current_settings(),
            use=use,
            outcome=CallOutcome.DOWN if is_down else CallOutcome.REFUSED,
            at=now(),
        )


def _lines(events: Iterator[dict[str, Any]]) -> Response:
    """Answer with one line of JSON an event, each sent as it comes."""
    lines = (f"{json.dumps(event)}\n" for event in events)
    # For proxies that would wait for the end.
    headers = {"X-Accel-Buffering": "no"}
    return Response(stream_with_context(lines), mimetype=LINES, headers=headers)


def _page(interview: Interview, form: ReplyForm) -> str:
    session = db_session()
    current = talk.of(session, interview)
    language_form = LanguageForm(formdata=None)
    language_form.offer(_languages(interview))
    language_form.language.data = current.language if current else _language()
    is_opening = current is None or current.opening_over_at is None
    is_opening = is_opening and interview.mode is Mode.LLM
    place = None if is_opening else conversation.position(session, interview)
    said = turns.of(session, interview, place) if current else []
    asks = bool(said) and said[-1].role is Speaker.INTERVIEWER
    form.number.data = str(turns.last_number(session, interview) + (not asks))
    bank = editions.of(session, interview)
    item = editions.asked(bank, interview, place)[1] if place else None
    extra = accommodations.of(session, interview)
    return render_template(
        "interviews/talk.html",
        interview=interview,
        talk=current,
        is_opening=is_opening,
        place=place,
        most=bank.questions if interview.is_adaptive else interview.length,
        item=item,
        follow_ups=bank.follow_ups,
        said=[one for one in said if one.kind is not TurnKind.NOTICE],
        asks=asks,
        is_measured=item is not None and not (extra and extra.unmeasured),
        is_whole=extra is not None and extra.screen_reader,
        voice=voice_routes.offered(interview, item, extra) if item else None,
        outage=model_outages.open_of(session, interview),
        form=form,
        language_form=language_form,
        ways=modes.NAMES,
        language=_language(),
    )


def _all(interview: Interview) -> dict[str, Any]:
    session, language = db_session(), _language()
    bank = editions.of(session, interview)
    titles = {
        place: bank.item(step.item).title.in_(language)
        for place, step in enumerate(editions.steps(interview), 1)
    }
    grouped = groupby(turns.every(session, interview), key=lambda one: one.position)
    said = [(place, list(of_place)) for place, of_place in grouped]
    return {"said": said, "titles": titles}


def _mine(interview_id: int, *, lock: bool = False) -> Interview:
    found = find(Interview, interview_id, lock=lock)
    require("interview.take", found)
    return found


def _model() -> LanguageModel | None:
    return ports().language_model


def _languages(interview: Interview) -> list[str]:
    spoken = profile.languages(db_session(), interview.expert_id)
    return talk_languages.offered(one.language for one in spoken)


def _language() -> str:
    return str(formats.locale().language)


def _question(interview_id: int) -> str:
    return url_for("interviews.question", interview_id=interview_id)


def _way(interview: Interview) -> str:
    return str(modes.NAMES[interview.mode])
