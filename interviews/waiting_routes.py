"""Taking an interview near the line to read it, and leaving it for others."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import formats
from core.access import requires
from core.clock import now
from core.db import db_session, find
from interviews import waiting
from interviews.models import Interview

bp = Blueprint("interview_waiting", __name__)


@bp.post("/operator/interviews/<int:interview_id>/take")
@requires("interview.review")
def take(interview_id: int) -> ResponseReturnValue:
    """Hold an interview while one reads it; whoever reads already keeps it."""
    found = find(Interview, interview_id, lock=True)
    other = waiting.hold(db_session(), found, current_user, now())
    if other is not None:
        words = _(
            "Somebody else reads this interview now; it is held for them until %(time)s.",
            time=formats.clock(other.until),
        )
        flash(words, "info")
    return redirect(url_for("interviews_operator.one_interview", interview_id=found.id))


@bp.post("/operator/interviews/<int:interview_id>/let-go")
@requires("interview.review")
def let_go(interview_id: int) -> ResponseReturnValue:
    """Leave an interview for others to read."""
    found = find(Interview, interview_id, lock=True)
    waiting.release(db_session(), found, current_user)
    return redirect(url_for("interviews_operator.all_interviews"))
