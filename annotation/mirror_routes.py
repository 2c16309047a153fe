"""The operator's page of Label Studio: how it is set up, whether it agrees with us, who may in."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts.models import Organisation
from annotation import backend_checks, mirror_gates, mirror_reports, mirror_runs
from core import jobs
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, find
from core.settings import current_settings
from core.web import page_of
from projects.models import Project

bp = Blueprint("mirrors", __name__)


@bp.get("/operator/label-studio")
@requires("operator.see")
def operator_mirrors() -> ResponseReturnValue:
    """Show how Label Studio is set up, and how each project stands there."""
    session = db_session()
    settings = current_settings()
    check = backend_checks.last(session)
    listing = page_of(mirror_reports.projects(), per=20)
    return render_template(
        "annotation/operator_mirrors.html",
        check=check,
        facts=backend_checks.facts_of(check),
        verdicts=backend_checks.verdicts(check, settings.data_dir / "editor", at=now()),
        listing=listing,
        lines=mirror_reports.lines(session, listing.rows),
        gates=mirror_reports.gates(session),
        public_url=settings.label_studio_web_url,
        hook_url=settings.label_studio_hook_url,
    )


@bp.post("/operator/label-studio/ask")
@requires("operator.see")
def ask() -> ResponseReturnValue:
    """Let a worker ask Label Studio now how it is set up."""
    jobs.defer(
        db_session(),
        "annotation.check_backend",
        queue="labelling",
        queueing_lock="annotation.check_backend",
    )
    flash(_("A worker asks it now. Open this page again in a moment."))
    return redirect(url_for(".operator_mirrors"))


@bp.post("/operator/label-studio/projects/<int:project_id>/<any(compare, repair):act>")
@requires("operator.see")
def run(project_id: int, act: str) -> ResponseReturnValue:
    """Compare a project with its mirror, or repair the mirror."""
    project = find(Project, project_id)
    mends = act == "repair"
    mirror_runs.begin(
        db_session(), project_id, mends=mends, by=current_user, at=now(), afresh=mends
    )
    words = {
        "compare": _("“%(project)s” is being compared.", project=project.title),
        "repair": _("The copy of “%(project)s” is being repaired.", project=project.title),
    }
    flash(words[act])
    return redirect(url_for(".operator_mirrors"))


@bp.post("/operator/label-studio/repair")
@requires("operator.see")
@recently_signed_in
def repair_all() -> ResponseReturnValue:
    """Repair every mirror: after an older copy was restored, or for an empty Label Studio."""
    session = db_session()
    for project_id in mirror_runs.mirrored(session):
        mirror_runs.begin(session, project_id, mends=True, by=current_user, at=now(), afresh=True)
    flash(_("All projects are being repaired, one after another. Nothing here waits for it."))
    return redirect(url_for(".operator_mirrors"))


@bp.post("/operator/label-studio/ways/<int:organisation_id>/<any(open, shut):act>")
@requires("operator.see")
@recently_signed_in
def turn_way(organisation_id: int, act: str) -> ResponseReturnValue:
    """Open or shut the way into Label Studio for the owners of an organisation."""
    organisation = find(Organisation, organisation_id)
    if act == "open":
        mirror_gates.open_way(db_session(), organisation_id, by=current_user, at=now())
        flash(_("%(name)s is shown the way into Label Studio.", name=organisation.name))
    else:
        mirror_gates.shut_way(db_session(), organisation_id, by=current_user, at=now())
        flash(
            _(
                "%(name)s is shown it no more. Accounts in Label Studio stay until you take them"
                " away there.",
                name=organisation.name,
            )
        )
    return redirect(url_for(".operator_mirrors"))
