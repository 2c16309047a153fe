"""Where work samples wait: the operator sees all, owners those of their projects to decide on."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from accounts import organisations
from annotation import sample_waiting
from core.access import requires
from core.clock import now
from core.db import db_session
from core.web import page_of

bp = Blueprint("samples_waiting", __name__)


@bp.get("/operator/work-samples")
@requires("operator.see")
def every() -> ResponseReturnValue:
    """List the attempts that wait for a person, of all projects."""
    session, at = db_session(), now()
    return render_template(
        "annotation/samples_waiting.html",
        listing=page_of(sample_waiting.listed(), scalars=False),
        counts=sample_waiting.counts(session, at),
        mine=organisations.ids_of(session, current_user.id),
        within=sample_waiting.READ_WITHIN,
        at=at,
    )
