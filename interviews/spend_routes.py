"""The page on which operators see what language models take, and how the endpoint is."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from core.access import requires
from core.clock import now
from core.db import db_session
from core.settings import current_settings
from interviews import health, modes, spend

bp = Blueprint("interview_models", __name__)
PURPOSES = {
    "interview_opening": _l("Questions about the profile"),
    "interview_follow_up": _l("Questions about answers"),
    "interview_suggestions": _l("Suggestions for the profile"),
    "judge": _l("Readings of answers by judges"),
    "speech": _l("Writing down what was said"),
    "prediction": _l("Predictions of tasks"),
}


@bp.get("/operator/interviews/models")
@requires("interview.review")
def models() -> ResponseReturnValue:
    """Show what language models take: tokens, cost and time."""
    session, settings = db_session(), current_settings()
    return render_template(
        "interviews/models.html",
        model=modes.model_of(settings),
        found=spend.of(session, settings, now()),
        findings=health.language_model(session),
        purposes=PURPOSES,
        days=spend.DAYS,
        has_prices=bool(settings.llm_price_in or settings.llm_price_out),
    )
