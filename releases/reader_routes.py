"""Pages of who may read: a team asks for a dataset, its owner answers, and either ends it."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session, col

from accounts import organisations
from accounts.models import Organisation
from core.access import may, require, requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, read
from projects.models import Project, id_of
from releases import catalogue, downloads, grants, requests, series, shown
from releases.catalogue_models import ReleaseRequest
from releases.licences import NAMES
from releases.models import Release, ReleaseSeries, Visibility
from releases.reader_forms import (
    ABOUT,
    USES,
    VISIBILITIES,
    AskForm,
    ReaderForm,
    ReasonForm,
    TermsForm,
    VisibilityForm,
)

bp = Blueprint("release_readers", __name__)


@bp.get("/releases/datasets/<int:project_id>")
@requires("release.read")
def dataset(project_id: int) -> ResponseReturnValue:
    """Lead to the newest release that one may read, or say what it is and how to ask for it."""
    mine = _mine()
    readable = grants.readable(mine).where(Release.project_id == project_id)
    newest = db_session().exec(readable.order_by(col(Release.id).desc())).first()
    if newest is not None:
        return redirect(url_for("releases.release", release_id=newest.id))
    return _dataset_page(project_id, _ask_form())


@bp.post("/releases/datasets/<int:project_id>/requests")
@requires("release.read")
def ask(project_id: int) -> ResponseReturnValue:
    """Ask to read a dataset."""
    session, form = db_session(), _ask_form()
    _listed(project_id)
    if not form.validate_on_submit():
        return _dataset_page(project_id, form), 422
    requests.ask(
        session,
        session.get_one(ReleaseSeries, project_id),
        session.get_one(Organisation, form.organisation_id.data),
        requests.Asked(form.use.data, form.purpose.data),
        by=current_user,
        at=now(),
    )
    flash(_("The owner has your request. A letter tells you the answer."), "success")
    return redirect(url_for(".dataset", project_id=project_id))


@bp.post("/releases/requests/<int:request_id>/withdraw")
@requires("release_request.withdraw")
def withdraw(request_id: int) -> ResponseReturnValue:
    """Take a request back."""
    found = find(ReleaseRequest, request_id)
    require("release_request.withdraw", found)
    requests.withdraw(db_session(), found, by=current_user, at=now())
    flash(_("Your request is withdrawn. You can ask again at any time."), "success")
    return redirect(url_for("releases.catalogue"))


@bp.get("/releases/requests")
@requires("release.see_requests")
def queue() -> ResponseReturnValue:
    """Show the requests that wait: an owner's own, to an operator all."""
    is_operator = may("operator.see")
    found = requests.waiting(db_session(), None if is_operator else _mine())
    return render_template("releases/requests.html", found=found, uses=USES, is_all=is_operator)


@bp.post("/releases/requests/<int:request_id>/grant")
@requires("release.build")
def let_in(request_id: int) -> ResponseReturnValue:
    """Grant a request."""
    found, project = _asked(request_id)
    form = TermsForm(prefix=f"r{request_id}")
    form.offer(requests.versions(db_session(), id_of(project)))
    if not form.validate_on_submit():
        return _readers_page(project, terms={request_id: form}), 422
    requests.let_in(db_session(), found, form.terms, by=current_user, at=now())
    flash(_("It may read them now, and its people get a letter."), "success")
    return redirect(url_for(".readers", project_id=project.id))


@bp.post("/releases/requests/<int:request_id>/refuse")
@requires("release.build")
def refuse(request_id: int) -> ResponseReturnValue:
    """Refuse a request, with a reason."""
    found, project = _asked(request_id)
    form = ReasonForm(prefix=f"n{request_id}")
    if not form.validate_on_submit():
        return _readers_page(project, reasons={request_id: form}), 422
    requests.refuse(db_session(), found, form.reason.data, by=current_user, at=now())
    flash(_("The request is refused. They read your reason and may ask again."), "success")
    return redirect(url_for(".readers", project_id=project.id))


@bp.get("/projects/<int:project_id>/releases/readers")
@requires("release.build")
def readers(project_id: int) -> ResponseReturnValue:
    """Show who finds a project's releases, who reads them, and who asks to."""
    return _readers_page(_own(project_id))


@bp.post("/projects/<int:project_id>/releases/visibility")
@requires("release.build")
def set_visibility(project_id: int) -> ResponseReturnValue:
    """Choose who finds a project's releases."""
    project = _own(project_id)
    form = read(VisibilityForm)
    if isinstance(form, Problems):
        return _readers_page(project, visibility=form.form), 422
    kept = series.ensure(db_session(), project, at=now())
    chosen = Visibility(form.visibility.data)
    requests.set_visibility(
        db_session(), kept, chosen, form.description.data or "", by=current_user
    )
    flash(_("Saved. It holds from now on."), "success")
    return redirect(url_for(".readers", project_id=project.id))


@bp.post("/projects/<int:project_id>/readers")
@requires("release.build")
def add(project_id: int) -> ResponseReturnValue:
    """Let an organisation read a project's releases, or change on what terms."""
    project, session = _own(project_id), db_session()
    form = ReaderForm()
    form.offer(requests.versions(session, project_id))
    if not form.validate_on_submit():
        return _readers_page(project, naming=form), 422
    try:
        named = requests.name(
            session, project, form.slug.data, form.terms, by=current_user, at=now()
        )
    except (grants.NoSuchOrganisation, grants.OwnOrganisation) as problem:
        form.slug.errors = [problem.words]
        return _readers_page(project, naming=form), 422
    flash(_("%(name)s may read the releases of this project.", name=named.name), "success")
    return redirect(url_for(".readers", project_id=project.id))


@bp.post("/projects/<int:project_id>/readers/<int:organisation_id>/remove")
@requires("release.build")
def remove(project_id: int, organisation_id: int) -> ResponseReturnValue:
    """Stop an organisation from reading a project's releases, and tell it why."""
    project = _own(project_id)
    form = ReasonForm(prefix=f"e{organisation_id}")
    if not form.validate_on_submit():
        return _readers_page(project, ends={organisation_id: form}), 422
    requests.take_back(
        db_session(), project, organisation_id, form.reason.data, by=current_user, at=now()
    )
    flash(_("It can no longer read them here. Files it has downloaded stay with it."), "success")
    return redirect(url_for(".readers", project_id=project.id))


def _mine() -> set[int]:
    return organisations.ids_of(db_session(), current_user.id)


def _own(project_id: int) -> Project:
    project = find(Project, project_id)
    require("release.build", project)
    return project


def _asked(request_id: int) -> tuple[ReleaseRequest, Project]:
    """Return a request and its project, for the owner who answers it."""
    found = find(ReleaseRequest, request_id)
    return found, _own(found.project_id)


def _listed(project_id: int) -> catalogue.Entry:
    """Return a dataset as the catalogue has it; what is private is not there."""
    session, mine = db_session(), _mine()
    row = catalogue.shown(session, project_id, mine)
    if row is None:
        raise requests.NotListed
    return catalogue.entries(session, [row], mine)[0]


def _ask_form() -> AskForm:
    form = AskForm()
    mine = organisations.of(db_session(), current_user.id)
    form.organisation_id.choices = [(one.id, one.name) for one in mine]
    return form


def _dataset_page(project_id: int, form: AskForm) -> str:
    found = _listed(project_id)
    asked = requests.of_readers(db_session(), project_id, _mine())
    return render_template(
        "releases/dataset.html",
        entry=found,
        form=form,
        asked=asked,
        is_waiting=any(one.state == "open" for one in asked),
        uses=USES,
        terms=shown.summary(found),
        licences=NAMES,
    )


def _readers_page(
    project: Project,
    *,
    naming: ReaderForm | None = None,
    visibility: VisibilityForm | None = None,
    terms: dict[int, TermsForm] | None = None,
    reasons: dict[int, ReasonForm] | None = None,
    ends: dict[int, ReasonForm] | None = None,
) -> str:
    """Show the page; forms that could not be used are shown again with what was typed."""
    session, project_id = db_session(), id_of(project)
    versions = requests.versions(session, project_id)
    found = requests.of_project(session, project_id)
    held = grants.readers(session, project_id)
    waiting = [one for one in found if one[0].state == "open"]
    terms, reasons, ends = dict(terms or {}), dict(reasons or {}), dict(ends or {})
    for request, _organisation in waiting:
        number = request.id or 0
        terms.setdefault(number, TermsForm(formdata=None, prefix=f"r{number}").offer(versions))
        reasons.setdefault(number, ReasonForm(formdata=None, prefix=f"n{number}"))
    for _grant, organisation in held:
        number = organisation.id or 0
        ends.setdefault(number, ReasonForm(formdata=None, prefix=f"e{number}"))
    return render_template(
        "releases/readers.html",
        project=project,
        waiting=waiting,
        answered=[one for one in found if one[0].state != "open"],
        held=held,
        naming=naming or ReaderForm(formdata=None).offer(versions),
        visibility=visibility or _visibility_form(session, project_id),
        hints=ABOUT,
        words=VISIBILITIES,
        uses=USES,
        licences=NAMES,
        terms=terms,
        reasons=reasons,
        ends=ends,
        used=shown.used,
        usage=downloads.usage(session, [project_id]).get(project_id, downloads.UNUSED),
    )


def _visibility_form(session: Session, project_id: int) -> VisibilityForm:
    kept = session.get(ReleaseSeries, project_id)
    form = VisibilityForm(formdata=None)
    if kept is not None:
        form.visibility.data, form.description.data = kept.visibility, kept.description
    return form
