"""The steps of a draft, saved one by one, and its publication."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from wtforms.fields import SelectChoice

from accounts import organisations
from accounts.models import Organisation, OrganisationKind
from core import once
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.settings import current_settings
from core.web import Problems, read
from payouts import budgets
from payouts.rates import Floor
from projects import config, lifecycle, preview, pricing, rates, reasons, steps, terms
from projects.forms import (
    BriefForm,
    CriteriaForm,
    LabelsForm,
    NewProjectForm,
    PayForm,
    StepForm,
)
from projects.lifecycle import Step
from projects.models import Project, State, id_of

bp = Blueprint("drafts", __name__)

FORMS: dict[Step, type[StepForm]] = {
    Step.BRIEF: BriefForm,
    Step.LABELS: LabelsForm,
    Step.PAY: PayForm,
    Step.CRITERIA: CriteriaForm,
}


@bp.get("/projects/new")
@requires("project.create")
def new_project() -> ResponseReturnValue:
    """Show the first step."""
    return _first_page(_new_form())


@bp.post("/projects/new")
@requires("project.create")
def create_project() -> ResponseReturnValue:
    """Make a draft; a second click leads to the same one, and so does what was changed since."""
    form = _new_form()
    if not form.validate_on_submit():
        return _first_page(form), 422
    session, at, me = db_session(), now(), current_user.id
    if not once.first_use(session, form.once.data, user_id=me, at=at):
        return _made_before(form, once.led_to(session, form.once.data, user_id=me))
    project = lifecycle.create(
        session,
        find(Organisation, form.organisation.data),
        title=form.title.data,
        currency=form.currency.data,
        fee_bps=current_settings().platform_fee_bps,
        by=current_user,
        at=at,
    )
    lifecycle.edit(session, project, by=current_user, at=at, **form.values(project))
    where = _next_page(project, Step.BRIEF)
    return redirect(once.remember(session, form.once.data, where, user_id=me))


@bp.get("/projects/<int:project_id>/<any(brief, labels, pay, criteria):step>")
@requires("project.manage")
def edit_step(project_id: int, step: str) -> ResponseReturnValue:
    """Show a step."""
    project, at_step = _editable(project_id, step), Step(step)
    typed = steps.typed(project, at_step)
    if at_step is Step.LABELS:
        typed = steps.labels(project, request.args.get("template"))
    return _step_page(project, at_step, FORMS[at_step](data=typed, **_more(project, at_step)))


@bp.post("/projects/<int:project_id>/<any(brief, labels, pay, criteria):step>")
@requires("project.manage")
def save_step(project_id: int, step: str) -> ResponseReturnValue:
    """Save a step and go on to the next."""
    project, at_step = _editable(project_id, step, lock=True), Step(step)
    if at_step is Step.LABELS and "wish" in request.form:
        return _other_template(project, request.form["wish"])
    form = read(FORMS[at_step], **_more(project, at_step))
    if isinstance(form, Problems):
        return _step_page(project, at_step, form.form), 422
    values = form.values(project)
    if steps.written_by_another(project, at_step, form.seen.data or "", values):
        return _both_versions(project, at_step, form)
    save = lifecycle.set_criteria if at_step is Step.CRITERIA else lifecycle.edit
    save(db_session(), project, by=current_user, at=now(), **values)
    return redirect(_next_page(project, at_step))


@bp.get("/projects/<int:project_id>/publish")
@requires("project.manage")
def review_draft(project_id: int) -> ResponseReturnValue:
    """Show the whole draft as experts will see it, and what is missing."""
    return _review_page(_editable(project_id, "publish"))


@bp.post("/projects/<int:project_id>/publish")
@requires("project.manage")
def publish_project(project_id: int) -> ResponseReturnValue:
    """Open the project to experts."""
    project = find(Project, project_id, lock=True)
    require("project.manage", project)
    try:
        lifecycle.publish(db_session(), project, by=current_user, at=now())
    except lifecycle.NotReady:
        return _review_page(project, refused=True), 409
    flash(_("The project is published. Experts are being invited."), "success")
    return redirect(url_for("projects.project_home", project_id=project_id))


def _other_template(project: Project, wish: str) -> str:
    """Show another template with what was typed so far; nothing is saved."""
    typed = LabelsForm(project=project)
    data = steps.other_template(
        project, wish, {name: typed[name].data or "" for name in steps.TYPED}, typed.kind
    )
    if typed.kind is not config.Kind.OWN and data["template"] == config.Kind.OWN:
        data["config"] = typed.built
    return _step_page(project, Step.LABELS, LabelsForm(formdata=None, data=data, project=project))


def _made_before(form: NewProjectForm, led_to: str | None) -> ResponseReturnValue:
    """Bring what was changed after Back into the draft that the form has made."""
    if led_to is None:
        return redirect(url_for("projects.project_list"))
    _, where = current_app.url_map.bind("").match(urlsplit(led_to).path)
    project = find(Project, where["project_id"], lock=True)
    require("project.manage", project)
    if project.is_draft:
        lifecycle.edit(db_session(), project, by=current_user, at=now(), **form.values(project))
    return redirect(led_to)


def _new_form() -> NewProjectForm:
    mine = organisations.of(db_session(), current_user.id, OrganisationKind.OWNER)
    form = NewProjectForm(organisation=mine[0].id if mine else None)
    form.organisation.choices = [SelectChoice(one.id, one.name) for one in mine]
    return form


def _editable(project_id: int, step: str, *, lock: bool = False) -> Project:
    project = find(Project, project_id, lock=lock)
    require("project.manage", project)
    # Whom a project is offered to may change as long as it runs.
    if step != Step.CRITERIA or project.state is State.COMPLETED:
        lifecycle.require_draft(project)
    return project


def _more(project: Project, step: Step) -> dict[str, Any]:
    if step is Step.LABELS:
        return {"project": project}
    if step is Step.PAY:
        return {"currency": project.currency}
    if step is Step.CRITERIA and not project.is_draft:
        return {"level_most": round(project.min_level * 100)}
    return {}


def _next_page(project: Project, step: Step) -> str:
    following = steps.after(step)
    if request.form.get("then") == "leave" or not project.is_draft:
        return url_for("projects.project_home", project_id=project.id)
    if following is None:
        return url_for("drafts.review_draft", project_id=project.id)
    return url_for("drafts.edit_step", project_id=project.id, step=following)


def _first_page(form: NewProjectForm) -> str:
    if not form.is_submitted():
        form.language.data = form.language.data or "en"
    return render_template("projects/new_project.html", form=form)


def _step_page(project: Project, step: Step, form: StepForm) -> str:
    return render_template(
        f"projects/step_{step}.html",
        project=project,
        form=form,
        undone=steps.undone(lifecycle.missing(db_session(), project)),
        price=pricing.of(project),
        under=_under(project),
        templates=config.TEMPLATES,
        preview=preview.of(form.built if isinstance(form, LabelsForm) else ""),
    )


def _under(project: Project) -> Floor | None:
    """Return the floor that the pay would be below, by the owner's own estimate."""
    floor = rates.floor_of_project(db_session(), project)
    return rates.of(db_session(), project).under(floor) if project.price_minor else None


def _both_versions(project: Project, step: Step, form: StepForm) -> ResponseReturnValue:
    """Show what was typed again, and let the person decide whether it replaces the other's."""
    form.seen.raw_data, form.seen.data = None, steps.seen(project, step)
    form.form_errors.append(
        _(
            "Somebody of your organisation has saved this step in the meantime. What you typed is "
            "still here: save again to replace theirs, or load the page again to see it."
        )
    )
    return _step_page(project, step, form), 409


def _review_page(project: Project, *, refused: bool = False) -> str:
    session = db_session()
    missing = lifecycle.missing(session, project)
    return render_template(
        "projects/review_draft.html",
        project=project,
        refused=refused,
        missing=missing,
        undone=steps.undone(missing),
        rows=terms.rows(
            project, budgets.available(session, id_of(project)), rates.of(session, project)
        ),
        requirements=reasons.requirements(project),
        price=pricing.of(project),
        whole=pricing.whole(project),
        under=_under(project),
        preview=preview.of(project.label_config),
    )
