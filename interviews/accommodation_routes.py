"""Pages where people say what they need for their interviews, and where operators answer.

The operator's queue names nobody: those who decide interviews do not learn who asked for what.
"""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, page_of, read
from interviews import accommodations
from interviews.accommodation_forms import AnswerNeedForm, NeedForm
from interviews.accommodation_models import Accommodation, Need, Stage

bp = Blueprint("interview_accommodations", __name__)


@bp.get("/interviews/accommodations")
@requires("interview.take")
def mine() -> ResponseReturnValue:
    """Show what one has asked for, and the form to ask."""
    return _my_page(NeedForm(formdata=None))


@bp.post("/interviews/accommodations")
@requires("interview.take")
def ask() -> ResponseReturnValue:
    """Ask for something; most is granted at once."""
    form = read(NeedForm)
    if isinstance(form, Problems):
        return _my_page(form.form), 422
    row = accommodations.ask(
        db_session(),
        current_user.id,
        Need(form.need.data),
        extra_time=form.extra,
        words=form.words.data or "",
        at=now(),
    )
    if row.state is Stage.GRANTED:
        flash(_("Granted. It holds from now on, in an interview under way too."), "success")
    else:
        flash(_("Sent. A person answers within 3 days, by letter."), "success")
    return redirect(url_for(".mine"))


@bp.post("/interviews/accommodations/<int:accommodation_id>/end")
@requires("interview.take")
def end(accommodation_id: int) -> ResponseReturnValue:
    """Take a request back, or let what was granted end."""
    found = find(Accommodation, accommodation_id, lock=True)
    require("interview.take", found)
    if accommodations.end(db_session(), found, now()):
        flash(_("Ended. An interview under way keeps what it had."), "success")
    return redirect(url_for(".mine"))


@bp.get("/operator/accommodations")
@requires("accommodation.answer")
def queue() -> ResponseReturnValue:
    """List the requests that wait for a person, without saying whose they are."""
    return _queue_page()


@bp.post("/operator/accommodations/<int:accommodation_id>/answer")
@requires("accommodation.answer")
def answer(accommodation_id: int) -> ResponseReturnValue:
    """Answer a request; its person is told by letter."""
    found = find(Accommodation, accommodation_id, lock=True)
    form = read(AnswerNeedForm, prefix=f"r{accommodation_id}")
    if isinstance(form, Problems):
        return _queue_page(form.form, accommodation_id), 422
    accommodations.answer(
        db_session(),
        found,
        is_granted=form.answer.data == Stage.GRANTED,
        reply=form.reply.data or "",
        extra_time=int(form.extra_time.data) if form.extra_time.data else None,
        by=current_user,
        at=now(),
    )
    flash(_("Answered. The person has a letter with your reply."), "success")
    return redirect(url_for(".queue"))


def _my_page(form: NeedForm) -> str:
    session = db_session()
    return render_template(
        "interviews/accommodations.html",
        rows=accommodations.mine(session, current_user.id),
        names=accommodations.NAMES,
        current=accommodations.CURRENT,
        form=form,
    )


def _queue_page(failed: AnswerNeedForm | None = None, of: int = 0) -> str:
    page, session = page_of(accommodations.waiting()), db_session()
    forms = {
        row.id: failed
        if failed is not None and row.id == of
        else AnswerNeedForm(formdata=None, prefix=f"r{row.id}")
        for row in page.rows
    }
    return render_template(
        "interviews/accommodation_queue.html",
        page_of_rows=page,
        forms=forms,
        barred={row.id: accommodations.barred(session, row, current_user) for row in page.rows},
        form=failed,
        extra_of=accommodations.NAMES,
    )
