"""Dictation of answers in words: agreement to it, and recordings that become words.

A recording is the body of a request, which stays in memory; an upload as a form would be written
to a file by the server. It is never stored.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, Response, after_this_request, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from accounts import consent_texts, consents
from accounts.models import Purpose
from core import audit, formats, model_calls
from core.access import require, requires
from core.clock import now
from core.db import db_session, find, transaction
from core.errors import DomainError
from core.ports import Transcriber, ports
from core.settings import current_settings
from core.web import PERMISSIONS, json_problem
from interviews import accommodations, conversation, editions, speech
from interviews.accommodation_models import InterviewAccommodation
from interviews.items import Item
from interviews.models import Interview

bp = Blueprint("interview_voice", __name__)


@dataclass(frozen=True)
class Offer:
    """What the page of a question says of dictation."""

    is_agreed: bool
    where: str
    words: str
    language: str
    version: str
    longest: int = speech.LONGEST
    largest: int = speech.LARGEST


def offered(interview: Interview, item: Item, extra: InterviewAccommodation | None) -> Offer | None:
    """Return what is offered at a question in words; nothing where nobody can transcribe."""
    transcriber = ports().transcriber
    if transcriber is None or item.kind != "short" or (extra is not None and extra.text_only):
        return None
    after_this_request(_with_microphone)
    text = consent_texts.current(Purpose.VOICE)
    words, language = text.in_(str(formats.locale().language))
    return Offer(
        is_agreed=consents.given(db_session(), interview.expert_id, Purpose.VOICE),
        where=speech.about(transcriber, _host()),
        words=words,
        language=language,
        version=text.version,
    )


@bp.post("/interviews/<int:interview_id>/voice")
@requires("interview.take")
def agree(interview_id: int) -> ResponseReturnValue:
    """Keep the agreement to dictation; the page goes on where it is."""
    found = find(Interview, interview_id)
    require("interview.take", found)
    try:
        _check_open(found)
        consents.give(
            db_session(),
            current_user.id,
            Purpose.VOICE,
            version=request.form.get("version", ""),
            language=str(formats.locale().language),
            address=request.remote_addr,
            at=now(),
        )
    except DomainError as refused:
        return json_problem(refused.status, refused.words)
    return jsonify({"agreed": True})


@bp.post("/interviews/<int:interview_id>/speech")
@requires("interview.take")
def transcribe(interview_id: int) -> ResponseReturnValue:
    """Turn a recording into words for the open question; the recording is kept nowhere."""
    request.max_content_length = speech.LARGEST
    found = find(Interview, interview_id)
    require("interview.take", found)
    subject, language = f"interview:{interview_id}", str(formats.locale().language)
    try:
        transcriber = _check_open(found)
        audio = request.get_data(cache=False)
        speech.format_of(audio)
        if not model_calls.may_ask(db_session(), current_settings(), subject=subject, at=now()):
            raise speech.EnoughAsked
        if not consents.given(db_session(), current_user.id, Purpose.VOICE):
            raise speech.NotAgreed
    except DomainError as refused:
        return json_problem(refused.status, refused.words)
    by = current_user.id
    db_session().close()  # nothing stays open while the speech model is asked
    words, use, outcome, trouble = speech.words_of(transcriber, audio, language=language)
    with transaction() as session:  # what it took stays, whatever came of it
        model_calls.note(
            session,
            current_settings(),
            purpose="speech",
            subject=subject,
            use=use,
            at=now(),
            outcome=outcome,
        )
        audit.record(
            session,
            "interview.transcribed",
            by=by,
            subject=subject,
            details={"bytes": len(audio), "outcome": str(outcome)},
        )
    if trouble is not None:
        return json_problem(trouble.status, trouble.words)
    return jsonify({"words": words})


def _check_open(interview: Interview) -> Transcriber:
    """Return who transcribes, where the open question can be dictated."""
    transcriber = ports().transcriber
    extra = accommodations.of(db_session(), interview)
    if transcriber is None or (extra is not None and extra.text_only):
        raise speech.NotOffered
    if not interview.is_open(now()):
        raise conversation.NotActive
    place = conversation.position(db_session(), interview)
    _step, item = editions.asked(editions.of(db_session(), interview), interview, place)
    if item.kind != "short":
        raise speech.NotOffered
    return transcriber


def _with_microphone(response: Response) -> Response:
    """Let this page, and no other, ask the browser for the microphone."""
    allowed = PERMISSIONS.replace("microphone=()", "microphone=(self)")
    response.headers["Permissions-Policy"] = allowed
    return response


def _host() -> str:
    address = current_settings().llm_base_url
    return urlsplit(address).hostname or address
