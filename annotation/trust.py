"""What annotation does when a decision about work is changed, and what a second look sees."""

from datetime import datetime

from flask import render_template
from flask_babel import gettext as _
from markupsafe import Markup
from sqlmodel import Session, select

from accounts import organisations
from accounts.models import Appeal, Decision, DecisionKind, User
from accounts.repairs import Force
from annotation import assignment as leases
from annotation import (
    mirror_verdicts,
    question_hiding,
    sample_outcome,
    sample_results,
    shown,
    slots,
)
from annotation.label_config import parse
from annotation.models import Assignment, State, Task, Verdict
from annotation.sample_models import WorkSample
from core import formats, messages
from core.money import Money, zero
from core.settings import current_settings
from payouts import budgets, earnings
from projects.models import Project, id_of


def accept_after_all(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Accept refused work and pay it, from the budget; its first decision stays on record."""
    assignment = _locked(session, decision)
    if assignment.state is not State.REJECTED:
        return
    _accept(session, assignment, by, at)
    slots.take_back(session, assignment.task_id)
    budgets.reserve_again(session, assignment.project_id, id_of(assignment), at)
    earnings.earn(session, assignment.project_id, id_of(assignment), assignment.expert_id, at)
    _tell_owner(session, decision, assignment, assignment.pay, by)


def pay_in_full(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Accept in full what was accepted in part, and pay the rest from the budget."""
    assignment = _locked(session, decision)
    if assignment.state is not State.PARTLY_ACCEPTED:
        return
    _accept(session, assignment, by, at)
    added = earnings.complete(session, assignment.project_id, id_of(assignment), at)
    _tell_owner(session, decision, assignment, added, by)


def made_good(session: Session, decision: Decision) -> str:
    """Return what the expert has now, with the amount."""
    pay = session.get_one(Assignment, _assignment_id(decision)).pay
    return str(
        _(
            "The work is accepted and its pay of %(pay)s is credited to you; when your next payout "
            "leaves stands under “Earnings”.",
            pay=formats.money(pay),
        )
    )


def look(session: Session, decision: Decision) -> Markup:
    """Return the task and what was handed in, for whoever looks again."""
    assignment = session.get_one(Assignment, _assignment_id(decision))
    project = session.get_one(Project, assignment.project_id)
    task = session.get_one(Task, assignment.task_id)
    config = parse(project.label_config)
    result = leases.annotation_of(session, assignment).result
    earned = earnings.of_assignment(session, id_of(assignment)) or zero(assignment.currency)
    return Markup(  # noqa: S704  # what a template of ours rendered, with its escapes
        render_template(
            "annotation/_look.html",
            project=project,
            assignment=assignment,
            due=assignment.pay - earned or assignment.pay,
            text=shown.text_of(config, task.data),
            given=shown.answer(config, task.data, result),
        )
    )


def _locked(session: Session, decision: Decision) -> Assignment:
    return session.get_one(
        Assignment, _assignment_id(decision), with_for_update=True, populate_existing=True
    )


def _tell_owner(
    session: Session, decision: Decision, assignment: Assignment, pay: Money, by: User
) -> None:
    """Write to whoever decided, or where they are gone to the admins: money leaves the budget."""
    project = session.get_one(Project, assignment.project_id)
    appeal = session.exec(select(Appeal).where(Appeal.decision_id == decision.id)).one()
    members = [person for _one, person in organisations.members(session, project.organisation_id)]
    deciders = [one for one in members if one.id == decision.decided_by]
    for person in deciders or organisations.admins(session, project.organisation_id):
        if person.id in (by.id, decision.person_id):
            continue
        messages.write(
            session,
            to=person,
            template="annotation/refusal_overturned",
            decision=decision,
            appeal=appeal,
            assignment=assignment,
            project=project,
            pay=pay,
            url=f"{current_settings().public_url.rstrip('/')}/appeals/{appeal.id}",
        )


def _accept(session: Session, assignment: Assignment, by: User, at: datetime) -> None:
    assignment.state, assignment.verdict = State.ACCEPTED, Verdict.ACCEPTED
    assignment.reason_code = assignment.reason_clause = assignment.reason_words = None
    assignment.decided_by, assignment.decided_at = by.id, at
    session.add(assignment)
    mirror_verdicts.changed(session, assignment)


def _assignment_id(decision: Decision) -> int:
    return int(decision.subject.removeprefix("assignment:"))


def pass_after_all(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Let a work sample pass; its first decision stays on record."""
    found = session.get_one(
        WorkSample, _sample_id(decision), with_for_update=True, populate_existing=True
    )
    sample_outcome.pass_after_all(session, found, at=at)


def sample_look(session: Session, decision: Decision) -> Markup:
    """Return the tasks of a work sample with what was answered and what is known."""
    found = session.get_one(WorkSample, _sample_id(decision))
    project = session.get_one(Project, found.project_id)
    tasks = sample_results.tasks_of(session, found, project)
    return Markup(  # noqa: S704  # what a template of ours rendered, with its escapes
        render_template("annotation/_sample_look.html", project=project, tasks=tasks)
    )


def sample_made_good(session: Session, decision: Decision) -> str:
    """Return what the expert has now."""
    return str(_("The work sample counts as passed, and you can take tasks of the project."))


def _sample_id(decision: Decision) -> int:
    return int(decision.subject.removeprefix("work_sample:"))


def show_after_all(session: Session, decision: Decision, by: User, at: datetime) -> None:
    """Let the other experts read a hidden question again."""
    question = question_hiding.of(session, decision, lock=True)
    if question is not None and question_hiding.is_hidden_by(session, decision):
        question_hiding.show(session, question, by=by)


def question_look(session: Session, decision: Decision) -> Markup:
    """Return the question with its answer, or nothing where it was taken back."""
    question = question_hiding.of(session, decision)
    if question is None:
        return Markup("")
    project = session.get_one(Project, question.project_id)
    return Markup(  # noqa: S704  # what a template of ours rendered, with its escapes
        render_template("annotation/_question_look.html", project=project, question=question)
    )


def question_made_good(session: Session, decision: Decision) -> str:
    """Return what the expert has now."""
    return str(_("Your question is no longer hidden, and it cannot be hidden again."))


REPAIRS = {
    DecisionKind.WORK_REJECTED: accept_after_all,
    DecisionKind.WORK_PARTLY_ACCEPTED: pay_in_full,
    DecisionKind.SAMPLE_FAILED: pass_after_all,
    DecisionKind.QUESTION_HIDDEN: show_after_all,
}
MADE_GOOD = {
    DecisionKind.WORK_REJECTED: made_good,
    DecisionKind.WORK_PARTLY_ACCEPTED: made_good,
    DecisionKind.SAMPLE_FAILED: sample_made_good,
    DecisionKind.QUESTION_HIDDEN: question_made_good,
}
LOOKS = {
    DecisionKind.WORK_REJECTED: look,
    DecisionKind.WORK_PARTLY_ACCEPTED: look,
    DecisionKind.SAMPLE_FAILED: sample_look,
    DecisionKind.QUESTION_HIDDEN: question_look,
}
IN_FORCE: dict[DecisionKind, Force] = {
    DecisionKind.QUESTION_HIDDEN: question_hiding.is_hidden_by,
}
