"""Pages of owners about models: predictions, what experts see of them, order, answers compared."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user

from annotation import (
    asking,
    comparisons,
    doubt,
    model_choices,
    prediction_rule,
    predictions,
    tasks,
)
from annotation.loop_forms import (
    AnswersForm,
    BackendForm,
    EndpointForm,
    OrderForm,
    PredictionsForm,
    RuleForm,
)
from annotation.loop_models import ModelRun, Shows
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.ports import PredictorRefused, ports
from core.settings import current_settings
from core.web import Problems, page_of, read
from projects.models import Project, id_of

bp = Blueprint("models_owner", __name__)
REFUSED = _l("Choose another address: nothing may be asked there.")
ADDRESS = {
    "private": _l("Choose a public address: this one lies inside a private network."),
    "not_https": _l("Choose an address that begins with https://."),
    "port": _l("Choose port 443 or 8443."),
    "unknown_host": _l("Correct the address: no such host is known."),
    "unreadable": _l("Correct the address: it cannot be read."),
    "credentials": _l("Leave user and password out of the address."),
}
TROUBLE = {
    "most_tasks": _l("As many tasks as you allowed have been asked about."),
    "most_tokens": _l("The limit of tokens is reached."),
    "month_limit": _l("The operator’s limit for language models is reached for this month."),
    "timeout": _l("The backend did not answer in time."),
    "connection": _l("The backend could not be reached."),
    "tls": _l("The backend’s certificate is not right."),
    "not_http": _l("The backend speaks no HTTP."),
    "not_json": _l("The backend’s answer is no JSON."),
    "not_results": _l("The backend gave no result for each task."),
    "status": _l("The backend answered with an error."),
    "no_model": _l("This instance has no language model any more."),
    **ADDRESS,
}


@bp.get("/projects/<int:project_id>/models")
@requires("project.see")
def overview(project_id: int) -> ResponseReturnValue:
    """Show what models say of a project's tasks, and what experts made of it."""
    return _page(_project(project_id, "project.see"))


@bp.post("/projects/<int:project_id>/models/predictions")
@requires("project.manage")
def add_predictions(project_id: int) -> ResponseReturnValue:
    """Keep the predictions of a file that are right."""
    project = _project(project_id, "project.manage", lock=True)
    form = read(PredictionsForm)
    if isinstance(form, Problems):
        return _page(project, predictions_form=form.form), 422
    sent, version = form.file.data, form.model_version.data
    try:
        run = predictions.import_file(
            db_session(), project, sent.filename, sent.stream, version, by=current_user, at=now()
        )
    except predictions.NothingKept as none:
        db_session().rollback()
        project = _project(project_id, "project.manage")
        return _page(project, predictions_form=form, bad=none.troubles, more=none.refused), 422
    flash(_kept(run))
    return redirect(url_for(".one_run", project_id=project_id, run_id=run.id))


@bp.post("/projects/<int:project_id>/models/backend")
@requires("project.manage")
def ask_backend(project_id: int) -> ResponseReturnValue:
    """Ask an ML backend about the tasks."""
    project = _project(project_id, "project.manage")
    form = read(BackendForm)
    if isinstance(form, Problems):
        return _page(project, backend_form=form.form), 422
    refused = _refused(form.address.data)
    if refused is not None:
        form.address.errors = [refused]
        return _page(_project(project_id, "project.manage"), backend_form=form), 422
    project = _project(project_id, "project.manage", lock=True)
    asking.begin_backend(
        db_session(),
        project,
        form.address.data,
        form.most_tasks.data or 1,
        by=current_user,
        at=now(),
    )
    flash(_("The backend is being asked. You may leave this page."))
    return _back(project_id)


@bp.post("/projects/<int:project_id>/models/endpoint")
@requires("project.manage")
def ask_endpoint(project_id: int) -> ResponseReturnValue:
    """Ask this instance's language model about the tasks."""
    project = _project(project_id, "project.manage", lock=True)
    form = read(EndpointForm)
    if isinstance(form, Problems):
        return _page(project, endpoint_form=form.form), 422
    most, settings = form.most_tasks.data or 1, current_settings()
    asking.begin_endpoint(db_session(), project, settings, most, by=current_user, at=now())
    flash(_("The model is being asked. You may leave this page."))
    return _back(project_id)


@bp.get("/projects/<int:project_id>/models/runs/<int:run_id>")
@requires("project.see")
def one_run(project_id: int, run_id: int) -> ResponseReturnValue:
    """Show what a file or a model brought, and what was not kept."""
    project = _project(project_id, "project.see")
    run = _run(project, run_id)
    return render_template("annotation/model_run.html", project=project, run=run, trouble=TROUBLE)


@bp.post("/projects/<int:project_id>/models/runs/<int:run_id>/<any(stop, resume):act>")
@requires("project.manage")
def turn_run(project_id: int, run_id: int, act: str) -> ResponseReturnValue:
    """Stop asking, or go on."""
    project = _project(project_id, "project.manage", lock=True)
    run = _run(project, run_id, lock=True)
    deed = asking.stop if act == "stop" else asking.resume
    deed(db_session(), run, by=current_user, at=now())
    return redirect(url_for(".one_run", project_id=project_id, run_id=run_id))


@bp.post("/projects/<int:project_id>/models/rule")
@requires("project.manage")
def save_rule(project_id: int) -> ResponseReturnValue:
    """Say whether experts see predictions from now on."""
    project = _project(project_id, "project.manage", lock=True)
    form = read(RuleForm)
    if isinstance(form, Problems):
        return _page(project, rule_form=form.form), 422
    try:
        prediction_rule.say(db_session(), project, form.wanted(), by=current_user, at=now())
    except prediction_rule.NoSuchVersion as unknown:
        form.model_version.errors = [unknown.words]
        return _page(project, rule_form=form), 422
    flash(_("Saved. It holds for tasks that are taken from now on."))
    return _back(project_id)


@bp.post("/projects/<int:project_id>/models/order")
@requires("project.manage")
def set_order(project_id: int) -> ResponseReturnValue:
    """Give out first what a model doubts most."""
    project = _project(project_id, "project.manage", lock=True)
    form = read(OrderForm)
    version = "" if isinstance(form, Problems) else form.model_version.data or ""
    doubt.begin(db_session(), project, version, by=current_user, at=now())
    flash(_("The tasks are being put in order. Nobody has to wait for it."))
    return _back(project_id)


@bp.post("/projects/<int:project_id>/models/order/undo")
@requires("project.manage")
def undo_order(project_id: int) -> ResponseReturnValue:
    """Give tasks their own order again."""
    project = _project(project_id, "project.manage", lock=True)
    doubt.undo(db_session(), project, by=current_user, at=now())
    flash(_("The tasks go back to their own order."))
    return _back(project_id)


@bp.post("/projects/<int:project_id>/models/answers")
@requires("project.manage")
def add_answers(project_id: int) -> ResponseReturnValue:
    """Add tasks with answers of models to compare, all or none."""
    project = _project(project_id, "project.manage", lock=True)
    form = read(AnswersForm)
    if isinstance(form, Problems):
        return _page(project, answers_form=form.form), 422
    try:
        done = comparisons.import_file(
            db_session(), project, form.file.data.stream, by=current_user, at=now()
        )
    except tasks.BadFile as bad:
        db_session().rollback()
        project = _project(project_id, "project.manage")
        return _page(project, answers_form=form, bad=bad.troubles, more=bad.more), bad.status
    flash(ngettext("%(num)s task added.", "%(num)s tasks added.", done.added))
    return _back(project_id)


def _project(project_id: int, permission: str, *, lock: bool = False) -> Project:
    project = find(Project, project_id, lock=lock)
    require(permission, project)
    return project


def _refused(address: str) -> Any:
    """Say why nothing may be asked at an address; its name is looked up, so nothing is open."""
    db_session().rollback()
    predictor = ports().predictor
    try:
        if predictor is not None:
            predictor.check(address)
    except PredictorRefused as refusal:
        return ADDRESS.get(str(refusal), REFUSED)
    return None


def _run(project: Project, run_id: int, *, lock: bool = False) -> ModelRun:
    run = find(ModelRun, run_id, lock=lock)
    if run.project_id != project.id:
        raise NotFound
    return run


def _back(project_id: int) -> ResponseReturnValue:
    return redirect(url_for(".overview", project_id=project_id))


def _page(project: Project, **given: Any) -> str:
    session, project_id = db_session(), id_of(project)
    settings = current_settings()
    known = predictions.versions(session, project_id)
    names = [one.name for one in known]
    rule = prediction_rule.newest(session, project_id)
    forms = {
        "predictions_form": PredictionsForm(formdata=None),
        "backend_form": BackendForm(formdata=None),
        "endpoint_form": EndpointForm(formdata=None),
        "answers_form": AnswersForm(formdata=None),
        "rule_form": RuleForm(formdata=None, obj=rule),
        "order_form": OrderForm(formdata=None),
    }
    shown = {**forms, "bad": None, "more": 0, **given}
    for name in ("rule_form", "order_form"):
        shown[name].offer(names)
    for name, form in shown.items():
        if name.endswith("_form"):
            for field in form:
                field.id = field.label.field_id = f"{name[:-5]}-{field.id}"
    return render_template(
        "annotation/models.html",
        project=project,
        versions=known,
        rule=rule,
        shows=Shows,
        order=doubt.of(session, project_id),
        numbers=prediction_rule.numbers(session, project_id),
        compared=comparisons.results(session, project_id),
        compares=comparisons.plan_of(project),
        asks_model=bool(settings.llm_model and settings.llm_prediction_tokens),
        model=settings.llm_model,
        model_fits=bool(project.label_config and model_choices.asked(project.label_config)),
        listing=page_of(predictions.runs(project_id), per=10),
        trouble=TROUBLE,
        **shown,
    )


def _kept(run: ModelRun) -> str:
    words = str(ngettext("%(num)s prediction kept.", "%(num)s predictions kept.", run.kept))
    if run.known:
        words += " " + ngettext(
            "%(num)s was there already.", "%(num)s were there already.", run.known
        )
    if run.refused:
        words += " " + ngettext(
            "%(num)s was not kept: see below.", "%(num)s were not kept: see below.", run.refused
        )
    return words
