"""The page of the judges: which they are, how far they agree with people, and their gates."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import formats
from core.access import requires
from core.clock import now
from core.db import db_session
from core.errors import Conflict
from core.ports import ports
from core.settings import current_settings
from core.web import Problems, read
from experts.fields import Field
from interviews import frozen_reading, gate, health, judge_health, judge_runs, judges, measures
from interviews.judge_models import JudgeVersion
from interviews.scoring_forms import CloseForm

bp = Blueprint("judge_health", __name__)


class NoJudges(Conflict):
    """There is no language model here, so there are no judges to check."""


@bp.get("/operator/interviews/judges")
@requires("interview.review")
def page() -> ResponseReturnValue:
    """Show the judges, their gates and their figures."""
    return _page(None)


@bp.post("/operator/interviews/judges/check")
@requires("interview.review")
def check() -> ResponseReturnValue:
    """Let the judges read the frozen set; a second click finds the run under way."""
    having = judges.of(ports(), current_settings())
    if having is None:
        raise NoJudges
    judge_runs.begin(db_session(), having, by=current_user.id, at=now())
    flash(_("The judges read the frozen set now. The figures appear here."), "success")
    return redirect(url_for(".page"))


@bp.post("/operator/interviews/judges/count-again")
@requires("interview.review")
def count_again() -> ResponseReturnValue:
    """Count the last check again, with all that people have read since."""
    settings = current_settings()
    having = judges.of(ports(), settings)
    if having is None:
        raise NoJudges
    run = judge_runs.count_again(db_session(), having, settings, by=current_user.id, at=now())
    if run is None:
        flash(_("Nothing is new since the last check."), "info")
    elif run.finished_at is None:
        flash(_("The judges read what they have not read yet. The figures appear here."), "success")
    else:
        flash(_("Counted again, with all readings of people so far."), "success")
    return redirect(url_for(".page"))


@bp.post("/operator/interviews/judges/close")
@requires("interview.review")
def close() -> ResponseReturnValue:
    """Close the gate of a field."""
    form = read(CloseForm)
    if isinstance(form, Problems):
        return _page(form.form), 422
    field, version = Field(form.field.data), form.version.data
    words = form.words.data
    if gate.close(db_session(), version, field, words, by=current_user, at=now()):
        flash(_("The gate is closed; people read these answers from now on."), "success")
    else:
        flash(_("This gate is not open now, so there was nothing to close."), "info")
    return redirect(url_for(".page"))


def _page(form: CloseForm | None) -> str:
    session = db_session()
    having = judges.of(ports(), current_settings())
    version = having.version if having else None
    run = judge_runs.last_finished(session, version) if version else None
    differing = judge_health.differing(session, run, current_user.id) if run else []
    blind = judge_health.blind(session, now())
    return render_template(
        "interviews/judges.html",
        having=having,
        version=session.get(JudgeVersion, version) if version else None,
        digest=version,
        versions=judge_health.versions(session),
        run=run,
        under_way=judge_health.under_way(session, version) if version else None,
        troubles=[one for one in health.language_model(session) if one.tone != "ok"],
        fields=judge_health.fields(session, version, run, current_settings()) if version else [],
        differing=differing,
        names=frozen_reading.names(session, [one.answer for one in differing]),
        added=frozen_reading.since(session, run.finished_at) if run else 0,
        lengths=judge_health.lengths(blind),
        size=judge_health.set_size(session),
        trend=judge_health.trend(blind),
        bars=measures.bars(current_settings()),
        form=form or CloseForm(),
        labels={field.value: field.label for field in Field},
        language=str(formats.locale().language),
    )
