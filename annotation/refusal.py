"""The decisions behind verdicts: what a refusal rests on, and what a rule alone accepted.

A refusal's decision is stored before its state: the database refuses the state without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlmodel import Session, col, select

from accounts import decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import Appeal, Decision, DecisionKind
from annotation import agreement, rules, shown, shown_parts
from annotation import assignment as leases
from annotation.agreement import Result
from annotation.label_config import LabelConfig, parse
from annotation.models import Annotation, Assignment, State, Task, Verdict
from core import formats
from core.money import Money
from projects.models import Project, id_of

KINDS = {
    Verdict.REJECTED: DecisionKind.WORK_REJECTED,
    Verdict.PARTLY_ACCEPTED: DecisionKind.WORK_PARTLY_ACCEPTED,
}


@dataclass(frozen=True)
class Ground:
    """Why: a code of the table, the clause of the guidelines, words; in part, what is paid of it.

    `part` is what is paid and what is not.
    """

    code: str
    clause: str
    words: str
    part: tuple[Money, Money] | None = None


def contest_until(assignment: Assignment, at: datetime) -> datetime:
    """Return until when a verdict of a time can be contested, by the terms of the lease."""
    return at + timedelta(days=assignment.terms["contest_days"])


def record(
    session: Session,
    assignment: Assignment,
    verdict: Verdict,
    ground: Ground,
    *,
    by: int,
    at: datetime,
) -> Decision:
    """Store the decision of a person against some work."""
    project = session.get_one(Project, assignment.project_id)
    said = rules.REASONS[ground.code]
    return decisions.record(
        session,
        KINDS[verdict],
        _about(assignment, project),
        taken=Taken(by=by),
        reason=Reason(
            code=ground.code,
            words=decisions.said(
                lambda: (
                    _part_words(ground.part)
                    + _(
                        "%(reason)s. Guidelines, %(clause)s. %(words)s",
                        reason=said.words,
                        clause=ground.clause,
                        words=ground.words,
                    )
                )
            ),
            evidence=_evidence(session, assignment, project),
            would_change=decisions.said(lambda: str(said.would_change)),
        ),
        at=at,
        contest_until=contest_until(assignment, at),
    )


def record_by_rule(
    session: Session, assignment: Assignment, rule: str, *, at: datetime
) -> Decision:
    """Store that a rule alone accepted some work."""
    project = session.get_one(Project, assignment.project_id)
    code, version = rule.rsplit("-", 1)
    return decisions.record(
        session,
        DecisionKind.WORK_ACCEPTED,
        _about(assignment, project),
        taken=Taken(rule=code, rule_version=version),
        reason=Reason(
            code=rule,
            words=decisions.said(lambda: str(rules.RULES[rule])),
            evidence=[_handed_in(assignment, "", project)],
            would_change=decisions.said(
                lambda: _("A verdict of a person before the rule applied.")
            ),
        ),
        at=at,
    )


def appeal_of(session: Session, assignment: Assignment) -> tuple[Decision, Appeal | None] | None:
    """Return the decision against some work with the appeal against it, if there is one."""
    if assignment.decision_id is None:
        return None
    decision = session.get_one(Decision, assignment.decision_id)
    found = session.exec(select(Appeal).where(Appeal.decision_id == decision.id)).first()
    return (decision, found) if decision.is_adverse else None


def is_at_issue(session: Session, assignment: Assignment, at: datetime) -> bool:
    """Say whether a verdict is still to come, or one against the work is or can be contested."""
    if assignment.state is State.SUBMITTED:
        return True
    decision, appeal = appeal_of(session, assignment) or (None, None)
    if decision is None:
        return False
    if appeal is not None:
        return appeal.is_open
    return decision.contest_until is not None and at <= decision.contest_until


def appeals_of(session: Session, assignments: Iterable[Assignment]) -> dict[int | None, Appeal]:
    """Return the appeals against the decisions on some work, by the work's id."""
    on = {one.decision_id: one.id for one in assignments if one.decision_id is not None}
    found = session.exec(select(Appeal).where(col(Appeal.decision_id).in_(list(on))))
    return {on[one.decision_id]: one for one in found}


def others(session: Session, assignment: Assignment) -> list[Result]:
    """Return what others handed in on the same task and was not refused."""
    found = session.exec(
        select(Annotation.result)
        .join(Assignment, col(Assignment.id) == col(Annotation.assignment_id))
        .where(
            Annotation.task_id == assignment.task_id,
            Annotation.expert_id != assignment.expert_id,
            Assignment.state != State.REJECTED,
        )
    )
    return list(found)


def _about(assignment: Assignment, project: Project) -> About:
    return About(
        person_id=assignment.expert_id,
        subject=f"assignment:{assignment.id}",
        title=decisions.said(
            lambda: _(
                "Task %(number)s of “%(project)s”", number=id_of(assignment), project=project.title
            )
        ),
        path=f"/work/{assignment.id}",
        organisation_id=project.organisation_id,
    )


def _evidence(session: Session, assignment: Assignment, project: Project) -> list[Evidence]:
    task = session.get_one(Task, assignment.task_id)
    result = leases.annotation_of(session, assignment).result
    config = parse(project.label_config)
    found = [_handed_in(assignment, in_words(config, task, result), project)]
    if task.gold is not None:
        known = agreement.label(task.gold) or in_words(config, task, task.gold)
        found.append(_known(known, project, _known_words))
    majority = agreement.majority_label(others(session, assignment))
    if majority:
        found.append(_known(majority, project, _majority_words))
    return found


def in_words(config: LabelConfig, task: Task, result: Result) -> str:
    """Return an answer on one line, as a decision quotes it."""
    answer = shown.answer(config, task.data, result)
    chosen = [f"{one.control}: {', '.join(one.values)}" for one in answer.choices]
    marked = [f"{one.span.label}: “{one.words}”" for one in answer.marks]
    said = [shown_parts.in_line(one) for one in answer.said]
    return "; ".join([*chosen, *marked, *said])


def _part_words(part: tuple[Money, Money] | None) -> str:
    if part is None:
        return ""
    paid, rest = part
    words = _(
        "Accepted in part: %(paid)s of %(pay)s are paid.",
        paid=formats.money(paid),
        pay=formats.money(paid + rest),
    )
    return f"{words} "


def _handed_in(assignment: Assignment, quote: str, project: Project) -> Evidence:
    return Evidence(
        words=decisions.said(lambda: _("What was handed in.")),
        quote=quote,
        language=project.language,
        path=f"/work/{assignment.id}",
        at=assignment.submitted_at,
    )


def _known(quote: str, project: Project, words: object) -> Evidence:
    assert callable(words)
    return Evidence(words=decisions.said(words), quote=quote, language=project.language)


def _known_words() -> str:
    return str(_("The known answer of this task."))


def _majority_words() -> str:
    return str(_("What more than half of the other experts chose."))
