"""Pages of practice. A POST answers with a page: it changes nothing, so it may come twice."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core import formats
from core.access import requires
from core.web import Problems, read
from interviews import outcome, practice
from interviews.forms import AnswerForm, form_for
from interviews.items import Item
from interviews.practice import Run
from interviews.results import ShownAnswer

bp = Blueprint("interview_practice", __name__)


@bp.get("/interviews/practice")
@requires("interview.take")
def run() -> ResponseReturnValue:
    """Say what practice is, and show its first question."""
    return _page(Run())


@bp.post("/interviews/practice")
@requires("interview.take")
def go_on() -> ResponseReturnValue:
    """Explain the answer to a question, or show the next one."""
    at = practice.opened(request.form.get("run"))
    if at is None:
        flash(_("The practice begins anew: its page could not be read."), "info")
        return redirect(url_for(".run"))
    item = practice.item(at.place)
    if item is None or "next" in request.form:
        return _page(at)
    form = read(form_for(item, practice.step(item), _language()))
    if isinstance(form, Problems):
        return _page(at, form.form), 422
    points, shown = practice.marked(item, form.given(), _language())
    return _page(Run(points=[*at.points, points]), shown=shown)


def _language() -> str:
    return str(formats.locale().language)


def _page(at: Run, form: AnswerForm | None = None, shown: ShownAnswer | None = None) -> str:
    item = practice.item(at.place)
    if form is None and item is not None:
        form = _form(item, at.place)
    return render_template(
        "interviews/practice.html",
        at=at,
        token=practice.sealed(at),
        item=item,
        form=form,
        shown=shown,
        count=len(practice.questions().items),
        behind=practice.shown_points(at.points, _language()),
        points_of=outcome.points,
        language=_language(),
    )


def _form(item: Item, place: int) -> AnswerForm:
    kind = form_for(item, practice.step(item), _language())
    return kind(formdata=None, data={"position": place})
