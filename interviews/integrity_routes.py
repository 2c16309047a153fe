"""Signals of how answers came: the candidate's explanation, a person's finding, how often they are.

The figures of one interview are on its own pages; here is what people say to them.
"""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, read
from interviews import integrity, items, signals
from interviews.integrity_forms import ExplainForm, FindingForm
from interviews.models import Interview
from interviews.signal_models import Finding

bp = Blueprint("interview_integrity", __name__)


@bp.post("/interviews/<int:interview_id>/explanation")
@requires("interview.take")
def explain(interview_id: int) -> ResponseReturnValue:
    """Keep what a candidate says of the signals."""
    found = find(Interview, interview_id, lock=True)
    require("interview.take", found)
    form = read(ExplainForm)
    if isinstance(form, Problems):
        flash(" ".join(map(str, form.form.explanation.errors)), "error")
        return redirect(_result(found))
    if integrity.explain(db_session(), found, form.explanation.data or "", at=now()):
        flash(_("Kept. Whoever looks at your interview reads it first."), "success")
    return redirect(_result(found))


@bp.post("/operator/interviews/<int:interview_id>/finding")
@requires("interview.review")
def conclude(interview_id: int) -> ResponseReturnValue:
    """Keep what a person found in the signals; points and result stay as they are."""
    found = find(Interview, interview_id, lock=True)
    form = read(FindingForm)
    if isinstance(form, Problems):
        flash(_("Choose what you found."), "error")
    elif integrity.conclude(
        db_session(), found, Finding(form.finding.data), by=current_user, at=now()
    ):
        flash(_("Noted. It changes no points; decide by the answers."), "success")
    return redirect(url_for("interviews_operator.one_interview", interview_id=found.id))


@bp.get("/operator/interviews/signals")
@requires("interview.review")
def frequencies() -> ResponseReturnValue:
    """Show how often each signal holds, for which items, and what reviews came to."""
    session, at, language = db_session(), now(), str(formats.locale().language)
    titles = {
        item.id: (item.title.in_(language), str(bank.field.label))
        for bank in items.banks().values()
        for item in bank.items
    }
    return render_template(
        "interviews/signals.html",
        rates=integrity.rates(session, at),
        by_item=integrity.by_item(session, at),
        reviews=integrity.reviews(session, at),
        titles=titles,
        rules_name=signals.RULES_NAME,
        opens_at=signals.OPENS_AT,
        common=signals.COMMON,
        enough=signals.ENOUGH,
    )


def _result(interview: Interview) -> str:
    return url_for("interviews.result", interview_id=interview.id, _anchor="integrity")
