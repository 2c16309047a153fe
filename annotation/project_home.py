"""What annotation adds to the home of a project: what waits for the owner, and how far it is."""

from collections.abc import Callable

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select
from sqlmodel import Session, col

from accounts import appeals
from accounts.models import User
from annotation import progress, review_queue, sample_results, sample_waiting
from annotation.models import Assignment, State
from core import formats
from projects.home import Figure, Need
from projects.models import Project, Validation, id_of


def _to_review(session: Session, project: Project, _user: User) -> list[Need]:
    waiting, first = session.execute(
        select(func.count(), func.min(col(Assignment.review_by))).where(
            col(Assignment.project_id) == project.id, col(Assignment.state) == State.SUBMITTED
        )
    ).one()
    if not waiting:
        return []
    words = ngettext("%(num)s answer to review", "%(num)s answers to review", waiting)
    note = _("What nobody reviews in time is accepted by itself.")
    if project.validation is Validation.AGREEMENT:
        note = _("Those on which the experts agree are accepted by a rule; the others need you.")
    return [Need(words, note, url_for("annotation_owner.queue", project_id=project.id), first)]


def _samples(session: Session, project: Project, _user: User) -> list[Need]:
    waiting, first = sample_results.waiting(session, id_of(project))
    if not waiting or first is None:
        return []
    words = ngettext("%(num)s work sample to look at", "%(num)s work samples to look at", waiting)
    note = _(
        "Near the line a person decides. What nobody looks at in time is passed by a rule that"
        " never refuses; where too little was answered for it, the expert waits for you."
    )
    url = url_for("samples_owner.rule", project_id=project.id)
    return [Need(words, note, url, first + sample_waiting.READ_WITHIN)]


def _contested(session: Session, project: Project, user: User) -> list[Need]:
    mine = appeals.answerable(session, user)
    question = review_queue.count_contested(lambda of: of == project.id, mine)
    number = session.execute(question).scalar_one()
    if not number:
        return []
    words = ngettext("%(num)s contested refusal", "%(num)s contested refusals", number)
    note = _("A person who did not take the decision looks at it again.")
    return [Need(words, note, url_for("annotation_owner.queue", project_id=project.id))]


def _figures(session: Session, project: Project) -> list[Figure]:
    counts = progress.counts(session, project)
    done = _("of %(all)s tasks", all=formats.number(counts.tasks))
    refused = ngettext("%(num)s refused", "%(num)s refused", counts.rejected)
    return [
        Figure(_("Tasks done"), formats.number(counts.done), done),
        Figure(_("In hand"), formats.number(counts.in_hand), _("with experts now")),
        Figure(_("Answers accepted"), formats.number(counts.accepted), refused),
    ]


NEEDS: list[Callable[[Session, Project, User], list[Need]]] = [_to_review, _samples, _contested]
FIGURES: list[Callable[[Session, Project], list[Figure]]] = [_figures]
