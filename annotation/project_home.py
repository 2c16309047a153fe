"""What annotation adds to the home of a project: what waits for the owner, and how far it is."""

from collections.abc import Callable

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from accounts import appeals
from accounts.models import User
from annotation import (
    outside_edits,
    progress,
    questions,
    review_queue,
    sample_results,
    sample_waiting,
)
from core import formats
from projects.home import Figure, Need
from projects.models import Project, Validation, id_of


def _to_review(session: Session, project: Project, _user: User) -> list[Need]:
    waiting, first = review_queue.waiting_of(session, project)
    if not waiting:
        return []
    words = ngettext("%(num)s answer to review", "%(num)s answers to review", waiting)
    if waiting > review_queue.COUNTED:
        words = _("More than %(most)s answers to review", most=formats.number(review_queue.COUNTED))
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


def _edits(session: Session, project: Project, _user: User) -> list[Need]:
    number = outside_edits.count_open(session, id_of(project))
    if not number:
        return []
    words = ngettext(
        "%(num)s answer edited in Label Studio", "%(num)s answers edited in Label Studio", number
    )
    note = _("Your answers here stay as they are. See who changed what, and keep or undo it.")
    return [Need(words, note, url_for("outside_edits.edits", project_id=project.id))]


def _figures(session: Session, project: Project) -> list[Figure]:
    counts = progress.counts(session, project)
    done = _("of %(all)s tasks", all=formats.number(counts.tasks))
    refused = ngettext("%(num)s refused", "%(num)s refused", counts.rejected)
    return [
        Figure(_("Tasks done"), formats.number(counts.done), done),
        Figure(_("In hand"), formats.number(counts.in_hand), _("with experts now")),
        Figure(_("Answers accepted"), formats.number(counts.accepted), refused),
    ]


def _questions(session: Session, project: Project, _user: User) -> list[Need]:
    waiting, since = questions.count_waiting(session, id_of(project))
    if not waiting or since is None:
        return []
    words = ngettext("%(num)s question to answer", "%(num)s questions to answer", waiting)
    note = _("The first was asked %(when)s.", when=formats.date_time(since))
    return [Need(words, note, url_for("questions_owner.of_project", project_id=project.id))]


NEEDS: list[Callable[[Session, Project, User], list[Need]]] = [
    _to_review,
    _questions,
    _samples,
    _contested,
    _edits,
]
FIGURES: list[Callable[[Session, Project], list[Figure]]] = [_figures]
