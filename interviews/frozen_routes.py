"""The pages where people read the frozen set: blind first, then what others found."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import audit, formats
from core.access import requires
from core.clock import now
from core.db import db_session
from core.ports import ports
from core.settings import current_settings
from core.web import Problems, read
from experts.fields import Field
from interviews import frozen, frozen_reading, judge_runs, judges, rubrics
from interviews.frozen import Frozen
from interviews.judge_models import FrozenReading
from interviews.scoring_forms import FrozenForm

bp = Blueprint("frozen_reading", __name__)


@bp.get("/operator/interviews/frozen-set")
@requires("interview.review")
def fields() -> ResponseReturnValue:
    """Show how far the frozen set is read, field by field, and how far its readers agree."""
    return render_template(
        "interviews/frozen_set.html",
        fields=frozen_reading.by_field(db_session(), current_user.id),
    )


@bp.post("/operator/interviews/frozen-set/next")
@requires("interview.review")
def take() -> ResponseReturnValue:
    """Go to the answer that most needs another reader; load what we wrote, where it is not yet."""
    session, chosen = db_session(), request.form.get("field", "")
    frozen.load_starter(session, now())
    field = Field(chosen) if chosen in list(Field) else None
    one = frozen_reading.next_for(session, current_user.id, field)
    if one is None:
        flash(_("You have read all answers that you may."), "info")
        return redirect(url_for(".fields"))
    return redirect(url_for(".one", frozen_id=one.id, field=field))


@bp.get("/operator/interviews/frozen-set/<int:frozen_id>")
@requires("interview.review")
def one(frozen_id: int) -> ResponseReturnValue:
    """Show an answer to read; once it is read, what everybody else found."""
    found = _found(frozen_id)
    if found.interview is not None:
        audit.record_reading(
            "interview.read",
            by=current_user.id,
            subject=f"interview:{found.interview.id}",
            of=found.interview.expert_id,
        )
    mine = frozen_reading.of_reader(db_session(), frozen_id, current_user.id)
    return _compared_page(found, mine) if mine else _blind_page(found, _form(found)())


@bp.post("/operator/interviews/frozen-set/<int:frozen_id>")
@requires("interview.review")
def decide(frozen_id: int) -> ResponseReturnValue:
    """Keep what a person found in an answer."""
    found = _found(frozen_id)
    form = read(_form(found))
    if isinstance(form, Problems):
        return _blind_page(found, form.form), 422
    frozen_reading.read(db_session(), found, form.met(), by=current_user, at=now())
    return redirect(url_for(".one", frozen_id=frozen_id, field=_field()))


@bp.post("/operator/interviews/frozen-set/<int:frozen_id>/undo")
@requires("interview.review")
def undo(frozen_id: int) -> ResponseReturnValue:
    """Take a reading back."""
    found = _found(frozen_id)
    frozen_reading.undo(db_session(), found.id, by=current_user, at=now())
    return redirect(url_for(".one", frozen_id=frozen_id, field=_field()))


def _found(frozen_id: int) -> Frozen:
    return frozen_reading.find(db_session(), frozen_id, current_user.id)


def _form(found: Frozen) -> type[FrozenForm]:
    return FrozenForm.for_item(found.item, _language())


def _field() -> str | None:
    """Return the field that a person reads in, where they chose one."""
    chosen = request.args.get("field", "")
    return chosen if chosen in list(Field) else None


def _blind_page(found: Frozen, form: FrozenForm) -> str:
    return render_template("interviews/frozen_one.html", **_shown(found), form=form)


def _compared_page(found: Frozen, mine: FrozenReading) -> str:
    session, language = db_session(), _language()
    having = judges.of(ports(), current_settings())
    run = judge_runs.last_finished(session, having.version) if having else None
    others = [reader for reader, _met in frozen_reading.other_readings(found, current_user.id)]
    chosen = _field()
    field = Field(chosen) if chosen else None
    every = [one for one in frozen.current(session) if field in (None, one.field)]
    return render_template(
        "interviews/frozen_compared.html",
        **_shown(found),
        rows=frozen_reading.compared(session, found, mine, run, language),
        others=others,
        names=frozen_reading.names(session, [found]),
        points=rubrics.points(found.item, len(mine.met)),
        may_undo=frozen_reading.may_undo(mine, now()),
        undo_until=mine.read_at + frozen_reading.UNDO_FOR if mine.read_at else None,
        left=len(frozen_reading.open_to(every, current_user.id)),
    )


def _shown(found: Frozen) -> dict[str, object]:
    return {"found": found, "item": found.item, "language": _language(), "chosen": _field()}


def _language() -> str:
    return str(formats.locale().language)
