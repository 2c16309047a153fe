"""Pages about labels that are probably wrong, for the people of a project's owner."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from annotation import label_config, shown
from core import formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.web import page_of
from payouts import budgets
from projects.models import Project, id_of
from projects.models import State as ProjectState
from releases import noise
from releases.noise_models import FindingState, NoiseFinding
from releases.noise_work import Trouble

bp = Blueprint("release_noise", __name__)
TOP = 20  # offered to be sent back at once


@bp.get("/projects/<int:project_id>/doubtful-labels")
@requires("release.build")
def report(project_id: int) -> ResponseReturnValue:
    """Show the labels that are probably wrong, the least likely first."""
    return _page(_own(project_id))


@bp.post("/projects/<int:project_id>/doubtful-labels")
@requires("release.build")
def ask(project_id: int) -> ResponseReturnValue:
    """Ask for a new look at all labels."""
    project = _own(project_id)
    noise.ask(db_session(), project, by=current_user, at=now())
    flash(_("The labels are being looked at. It takes some minutes at most."), "success")
    return redirect(url_for(".report", project_id=project.id))


@bp.post("/projects/<int:project_id>/doubtful-labels/send")
@requires("release.build")
def send(project_id: int) -> ResponseReturnValue:
    """Let one more expert answer the tasks that are chosen, or the least likely ones."""
    project = _own(project_id)
    session = db_session()
    chosen = request.form.getlist("finding", type=int)
    if "top" in request.form:
        # As they were when the page was made: a second click sends the same, and no others.
        chosen = [int(one) for one in request.form["top"].split()[:TOP] if one.isdecimal()]
    try:
        sent = noise.send_back(session, project, chosen, by=current_user, at=now())
    except noise.NothingChosen as problem:
        return _page(project, problem=problem.words), 422
    flash(_said(project, sent), "success")
    return redirect(url_for(".report", project_id=project.id))


@bp.post("/projects/<int:project_id>/doubtful-labels/<int:finding_id>/right")
@requires("release.build")
def right(project_id: int, finding_id: int) -> ResponseReturnValue:
    """Note that a label is right after all."""
    project = _own(project_id)
    finding = find(NoiseFinding, finding_id, lock=True)
    require("release.build", find(Project, finding.project_id))
    noise.say_right(db_session(), finding, by=current_user, at=now())
    flash(_("Noted: this label is right. It comes back only when a new answer does."), "success")
    return redirect(url_for(".report", project_id=project.id, page=request.args.get("page")))


def _own(project_id: int) -> Project:
    project = find(Project, project_id)
    require("release.build", project)
    return project


def _page(project: Project, *, problem: Any = None) -> str:
    session = db_session()
    newest = noise.newest(session, id_of(project))
    config = label_config.parse(project.label_config) if project.label_config else None
    asked = noise.questions(config) if config else []
    listing = page_of(noise.findings(newest), scalars=False) if newest else None
    return render_template(
        "releases/noise.html",
        project=project,
        report=newest,
        listing=listing,
        still_open=noise.count_open(session, newest) if newest else 0,
        asked=asked,
        several=len(asked) > 1,
        problem=problem,
        least=noise.least_likely(session, newest, TOP) if newest else [],
        is_over=project.state is ProjectState.COMPLETED,
        is_paused=project.state is ProjectState.PAUSED,
        price=project.price,
        available=budgets.available(session, id_of(project)) if newest else None,
        trouble_words=_trouble_words,
        reason_words=_reason_words,
        text_of=lambda task: shown.text_of(config, task.data) if config else "",
        states=FindingState,
    )


def _said(project: Project, sent: noise.Sent) -> str:
    words = str(
        ngettext(
            "%(num)s task is open for one more expert.",
            "%(num)s tasks are open for one more expert each.",
            sent.tasks,
        )
    )
    if sent.waiting:
        words += " " + ngettext(
            "%(num)s was waiting for an answer already.",
            "%(num)s were waiting for an answer already.",
            sent.waiting,
        )
    if project.state is ProjectState.PAUSED:
        words += " " + _("The project is paused: they wait until it goes on.")
    return words


def _trouble_words(code: str) -> str:
    """Return why a look came to nothing."""
    words = {
        Trouble.TOO_FEW: _(
            "Too few tasks have an accepted answer with a label that others have as well. From "
            "twenty on there is something to compare."
        ),
        Trouble.ONE_LABEL: _("All answers have the same label: there is nothing to compare."),
        Trouble.ONE_VOTE: _(
            "Each task has one answer, and there is no text to read: nothing speaks for or against "
            "a label. With two answers a task, experts can be compared."
        ),
        Trouble.NO_QUESTION: _("Only questions with one choice can be looked at."),
        Trouble.GAVE_UP: _("It was tried three times and did not come to its end. Ask again."),
    }
    return str(words[Trouble(code)])


def _reason_words(reason: list[Any]) -> str:
    """Return a reason in words; numbers as people write them."""
    code, label, share = reason
    much = formats.percent(share)
    words = {
        "alone": _("One expert alone has answered."),
        "split": _("Experts do not agree: %(share)s chose “%(label)s”.", share=much, label=label),
        "votes": _(
            "Weighed by how these experts answer elsewhere, “%(label)s” is likelier (%(share)s).",
            label=label,
            share=much,
        ),
        "text": _(
            "What was learned from the other texts reads “%(label)s” in this one (%(share)s).",
            label=label,
            share=much,
        ),
    }
    return str(words[code])
