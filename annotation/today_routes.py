"""An expert's first page: what is in hand, what waits for an answer, what comes next."""

from functools import partial

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from annotation import desk, proving
from core.access import requires
from core.clock import now
from core.db import db_session
from experts import profile, restrictions, skills
from payouts import overview
from projects import invitations, rates
from projects.models import Answer, Project

bp = Blueprint("today", __name__)


@bp.get("/today")
@requires("work.do")
def today() -> ResponseReturnValue:
    """Show the day of an expert."""
    session, me, at = db_session(), current_user.id, now()
    expert = profile.of(session, me)
    waiting = invitations.of_expert(session, me, Answer.OFFERED)
    held = skills.held(session, me, at)
    currency = overview.currencies(session, me)[0]
    return render_template(
        "annotation/today.html",
        at=at,
        expert=expert,
        completeness=profile.completeness(session, expert),
        skills=held,
        proving=None if held else proving.step(session, me, at),
        offers=desk.offers(session, me, at=at),
        waiting=[(one, session.get(Project, one.project_id)) for one in waiting],
        standing=overview.standing(session, me, currency, at=at),
        rate_of=partial(rates.of, session),
        may_be_invited=restrictions.may_be_invited(session, me),
    )
