"""Looking at what was found in an interview before its answers are read, with a reason."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core.access import requires
from core.clock import now
from core.db import db_session, find
from interviews import looks
from interviews.models import Interview

bp = Blueprint("interview_look", __name__)


@bp.post("/operator/interviews/<int:interview_id>/look")
@requires("interview.review")
def look(interview_id: int) -> ResponseReturnValue:
    """Show what was found to somebody who gives a reason, and who reads no answer of it then."""
    found = find(Interview, interview_id, lock=True)
    reason = request.form.get("reason", "")[:1000]
    looks.look(db_session(), found, reason, by=current_user, at=now())
    if looks.of(db_session(), found, current_user.id) is None:
        flash(_("Nothing is hidden from you: its answers are read. Nothing is recorded."), "info")
    else:
        flash(
            _("You see what was found, and read no answer of this interview. It is recorded."),
            "info",
        )
    return redirect(url_for("interviews_operator.one_interview", interview_id=found.id))
