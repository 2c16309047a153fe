"""The page where people read answers in words: one at a time, by keyboard, blind first."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import audit, formats
from core.access import requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.web import Problems, page_of, read
from interviews import frozen, reading_queue, reading_words
from interviews.judge_models import ToRead
from interviews.models import Interview, Response
from interviews.reading_queue import Found
from interviews.scoring_forms import ReadingForm

bp = Blueprint("interview_scoring", __name__)


@bp.get("/operator/interviews/scoring")
@requires("interview.review")
def queue() -> ResponseReturnValue:
    """List the answers that wait for a person, the oldest due first."""
    return render_template(
        "interviews/scoring_queue.html",
        page_of_rows=page_of(reading_queue.query(current_user.id), scalars=False),
        why=reading_words.WHY,
        at=now(),
        me=current_user.id,
    )


@bp.post("/operator/interviews/scoring/next")
@requires("interview.review")
def take() -> ResponseReturnValue:
    """Hold the answer that is due first, and go to it."""
    row = reading_queue.take_next(db_session(), current_user.id, now())
    if row is None:
        flash(_("No answer waits for you now."), "info")
        return redirect(url_for(".queue"))
    return redirect(url_for(".one", answer_id=row.id))


@bp.get("/operator/interviews/scoring/<int:answer_id>")
@requires("interview.review")
def one(answer_id: int) -> ResponseReturnValue:
    """Show an answer to read; once it is read, what the forms and the judges had found."""
    found = _found(answer_id)
    audit.record_reading(
        "interview.read",
        by=current_user.id,
        subject=f"interview:{found.interview.id}",
        of=found.interview.expert_id,
    )
    reading = reading_queue.reading_of(db_session(), found.response, current_user)
    if reading is not None:
        return render_template(
            "interviews/scoring_compared.html",
            **_shown(found),
            **reading_words.compared(db_session(), found, reading, _language()),
            may_undo=reading_queue.may_undo(db_session(), found, reading, now()),
            undo_until=reading.read_at + reading_queue.UNDO_FOR,
            place=frozen.of_response(db_session(), found.response),
            may_freeze=frozen.may_be_frozen(db_session(), found.response),
            left=reading_queue.waiting(db_session(), current_user.id),
        )
    reading_queue.check_reader(db_session(), found, current_user.id, now())
    return _blind_page(found, _form(found)())


@bp.post("/operator/interviews/scoring/<int:answer_id>")
@requires("interview.review")
def decide(answer_id: int) -> ResponseReturnValue:
    """Keep what a person found in an answer."""
    found = _found(answer_id, lock=True)
    form = read(_form(found))
    if isinstance(form, Problems):
        reading_queue.check_reader(db_session(), found, current_user.id, now())
        return _blind_page(found, form.form), 422
    reading_queue.read(db_session(), found, form.said(), by=current_user, at=now())
    return redirect(url_for(".one", answer_id=answer_id))


@bp.post("/operator/interviews/scoring/<int:answer_id>/undo")
@requires("interview.review")
def undo(answer_id: int) -> ResponseReturnValue:
    """Take the last reading back."""
    found = _found(answer_id, lock=True)
    reading_queue.undo(db_session(), found, by=current_user, at=now())
    return redirect(url_for(".one", answer_id=answer_id))


@bp.post("/operator/interviews/scoring/<int:answer_id>/put-back")
@requires("interview.review")
def put_back(answer_id: int) -> ResponseReturnValue:
    """Leave an answer to somebody else."""
    reading_queue.put_back(_found(answer_id, lock=True).row, current_user.id)
    return redirect(url_for(".queue"))


@bp.post("/operator/interviews/scoring/<int:answer_id>/freeze")
@requires("interview.review")
def freeze(answer_id: int) -> ResponseReturnValue:
    """Put an answer that this person has read up for the frozen set."""
    found = _found(answer_id, lock=True)
    if reading_queue.reading_of(db_session(), found.response, current_user) is None:
        raise NotFound
    frozen.propose(db_session(), found.response, by=current_user, at=now())
    flash(_("Put up for the frozen set; a second person reads it first."), "success")
    return redirect(url_for(".one", answer_id=answer_id))


def _found(answer_id: int, *, lock: bool = False) -> Found:
    session, row = db_session(), find(ToRead, answer_id)
    found = reading_queue.found(session, row)
    if lock:
        # An interview first, then its answer: in the order of all others.
        find(Interview, found.interview.id, lock=True)
        find(Response, row.response_id, lock=True)
        find(ToRead, answer_id, lock=True)
    if found.interview.expert_id == current_user.id:
        raise reading_queue.OwnAnswer
    return found


def _form(found: Found) -> type[ReadingForm]:
    return ReadingForm.for_item(found.item, found.text, _language())


def _blind_page(found: Found, form: ReadingForm) -> str:
    return render_template("interviews/scoring_one.html", **_shown(found), form=form)


def _shown(found: Found) -> dict[str, object]:
    return {
        "row": found.row,
        "item": found.item,
        "text": found.text,
        "spoken": found.response.language,
        "field": found.interview.field,
        "language": _language(),
        "why": reading_words.WHY,
    }


def _language() -> str:
    return str(formats.locale().language)
