"""Pages on which operators see and write the templates of fields, with their versions."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import formats
from core.access import requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.web import Problems, read
from experts.fields import Field
from interviews import field_templates, gaps, template_words, templates, terms
from interviews.field_templates import Here
from interviews.project_interview_forms import SaveForm
from interviews.template_forms import FieldForm, filled, form_of
from interviews.template_models import InterviewTemplate

bp = Blueprint("interview_templates", __name__)


@bp.get("/operator/interviews/templates")
@requires("interview_template.edit")
def every() -> ResponseReturnValue:
    """List the fields with what says what they ask, and the projects that lack something."""
    session = db_session()
    fields = [field_templates.of(session, field) for field in Field]
    return render_template(
        "interviews/field_templates.html",
        fields=fields,
        writers=field_templates.writers(session, [one.last for one in fields if one.last]),
        projects=[
            (project, organisation, gap, gaps.told_at(session, gap))
            for project, organisation, gap in gaps.of_projects(session)
        ],
    )


@bp.get("/operator/interviews/templates/<field>")
@requires("interview_template.edit")
def of_field(field: str) -> ResponseReturnValue:
    """Show what interviews in a field ask; with a query, what other terms would mean."""
    return _page(_field(field))


@bp.post("/operator/interviews/templates/<field>")
@requires("interview_template.edit")
def ask(field: str) -> ResponseReturnValue:
    """Let interviews in a field ask what the page has shown; the terms stand in the address."""
    here = field_templates.of(db_session(), _field(field))
    asked, form = _asked(here), read(SaveForm)
    if isinstance(form, Problems) or asked is None or not asked.validate():
        return _page(here.field), 422
    return _save(here.field, asked.terms(), form.version)


@bp.post("/operator/interviews/templates/<field>/bank")
@requires("interview_template.edit")
def ask_bank(field: str) -> ResponseReturnValue:
    """Leave it to the bank of the field again."""
    form = read(SaveForm)
    if isinstance(form, Problems):
        return _page(_field(field)), 422
    return _save(_field(field), None, form.version)


@bp.get("/operator/interviews/templates/versions/<int:template_id>")
@requires("interview_template.edit")
def version(template_id: int) -> ResponseReturnValue:
    """Show one version of a field's template: who wrote it, when, and what it changed."""
    found = find(InterviewTemplate, template_id)
    if found.project_id is not None:
        raise NotFound  # what projects ask is their owners' business
    session = db_session()
    here, older = field_templates.of(session, found.field), field_templates.before(session, found)
    of_bank = terms.of_bank(here.bank) if here.bank else None
    new = templates.read(found) if found.content is not None else of_bank
    old = templates.read(older) if older and older.content is not None else of_bank
    return render_template(
        "interviews/field_template_version.html",
        here=here,
        found=found,
        older=older,
        writer=field_templates.writers(session, [found])[found.written_by],
        changes=field_templates.changes(old, new, here.bank) if old and new else [],
    )


def _field(name: str) -> Field:
    try:
        return Field(name)
    except ValueError:
        raise NotFound from None


def _save(field: Field, wanted: terms.Terms | None, seen: int) -> ResponseReturnValue:
    session = db_session()
    try:
        templates.set_of_field(session, field, wanted, seen=seen, by=current_user, at=now())
    except templates.WrittenByAnother:
        return _page(field, is_late=True), 409
    if wanted is None:
        flash(_("The bank of the field says what is asked from now on."), "success")
    else:
        flash(_("Interviews that begin from now on ask this."), "success")
    return redirect(url_for(".of_field", field=field.value))


def _asked(here: Here) -> FieldForm | None:
    """Return the form with what stands in the address, or with what is asked now."""
    if here.bank is None or here.terms is None:
        return None
    kind = form_of(here.bank, str(formats.locale().language))
    if "mark" in request.args:
        return kind(formdata=request.args)
    return kind(data=filled(here.terms, here.bank))


def _page(field: Field, *, is_late: bool = False) -> str:
    session, here = db_session(), field_templates.of(db_session(), field)
    asked, versions = _asked(here), list(templates.versions(session, field=field))
    wanted = asked.terms() if asked and "mark" in request.args and asked.validate() else None
    last = here.last
    is_same = wanted is not None and here.terms is not None and wanted.digest == here.terms.digest
    return render_template(
        "interviews/field_template.html",
        here=here,
        asked=asked,
        wanted=wanted,
        is_same=is_same and here.is_own,
        is_late=is_late,
        changes=field_templates.changes(here.terms, wanted, here.bank)
        if wanted and here.terms
        else [],
        shown_words=template_words.asked(here.terms, here.bank) if here.terms and here.bank else "",
        minutes=field_templates.minutes(here.terms, here.bank)
        if here.terms and here.bank
        else None,
        minutes_then=field_templates.minutes(wanted, here.bank) if wanted and here.bank else None,
        running=field_templates.running(session, field),
        versions=versions,
        writers=field_templates.writers(session, versions),
        save=SaveForm(formdata=None, data={"seen": str(last.version if last else 0)}),
        again=_again(),
        language=str(formats.locale().language),
    )


def _again() -> dict[str, Any]:
    """Return the query, so that the form that saves carries it."""
    found = {key: request.args.getlist(key) for key in request.args}
    return {key: values for key, values in found.items() if key != "field"}
