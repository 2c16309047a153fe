"""Taking an interview near the line to read it, and leaving it for others."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

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
    waiting.hold(db_session(), found, current_user, now())  # the page says whose it is
    return redirect(url_for("interviews_operator.one_interview", interview_id=found.id))


@bp.post("/operator/interviews/<int:interview_id>/let-go")
@requires("interview.review")
def let_go(interview_id: int) -> ResponseReturnValue:
    """Leave an interview for others to read."""
    found = find(Interview, interview_id, lock=True)
    waiting.release(db_session(), found, current_user)
    return redirect(url_for("interviews_operator.all_interviews"))
