"""What became of an assignment, for its expert: the answer as it was, and reasons with evidence."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from accounts.models import Organisation
from annotation import agreement, rules, second_look, shown
from annotation import assignment as leases
from annotation.agreement import Result
from annotation.label_config import parse
from annotation.models import Annotation, Assignment, ReviewRequest, State, Task
from annotation.rules import Reason
from annotation.shown import Shown
from core.clock import now
from projects.models import Project, id_of


@dataclass(frozen=True)
class Refusal:
    """Why work was not accepted, by whom, and what can be done: all that a person must read."""

    reason: Reason
    clause: str
    words: str
    reviewer: str
    organisation: str
    decided_at: datetime
    contest_until: datetime
    can_contest: bool
    # Whether the owner has somebody who did not take the decision.
    somebody_else: bool
    # The answer of more than half of the others, and the known one: evidence, where there is some.
    consensus: str | None
    known: str | None


@dataclass(frozen=True)
class Became:
    """An assignment that is no longer in hand."""

    assignment: Assignment
    project: Project
    organisation: str
    text: str
    answer: Shown | None
    refusal: Refusal | None
    request: ReviewRequest | None
    rule_words: object | None
    draft_kept: bool


def of(session: Session, lease: Assignment) -> Became:
    """Return what became of an assignment."""
    project = session.get_one(Project, lease.project_id)
    organisation = session.get_one(Organisation, project.organisation_id).name
    task = session.get_one(Task, lease.task_id)
    config = parse(project.label_config)
    answer = None
    if lease.state in leases.HANDED_IN:
        result = leases.annotation_of(session, lease).result
        answer = shown.answer(config, task.data, result)
    request = second_look.of(session, id_of(lease))
    return Became(
        assignment=lease,
        project=project,
        organisation=organisation,
        text=shown.text_of(config, task.data),
        answer=answer,
        refusal=_refusal(session, lease, task, organisation, request),
        request=request,
        rule_words=rules.RULES.get(lease.decided_rule or ""),
        draft_kept=lease.state in leases.GIVEN_BACK and leases.draft_of(session, lease) is not None,
    )


def reviewer(user_id: int | None) -> str:
    """Return the name under which a reviewer's decisions are known."""
    return f"R-{user_id:03}" if user_id is not None else ""


def _refusal(
    session: Session,
    lease: Assignment,
    task: Task,
    organisation: str,
    request: ReviewRequest | None,
) -> Refusal | None:
    if lease.state is not State.REJECTED or lease.decided_at is None:
        return None
    others = _others(session, lease)
    return Refusal(
        reason=rules.REASONS[lease.reason_code or ""],
        clause=lease.reason_clause or "",
        words=lease.reason_words or "",
        reviewer=reviewer(lease.decided_by),
        organisation=organisation,
        decided_at=lease.decided_at,
        contest_until=second_look.until(lease),
        can_contest=request is None and now() <= second_look.until(lease),
        somebody_else=bool(second_look.others_than(session, lease.project_id, lease.decided_by)),
        consensus=agreement.majority_label(others) if others else None,
        known=agreement.label(task.gold) if task.gold is not None else None,
    )


def _others(session: Session, lease: Assignment) -> list[Result]:
    """Return what others handed in on the same task and was not refused."""
    found = session.exec(
        select(Annotation.result)
        .join(Assignment, col(Assignment.id) == col(Annotation.assignment_id))
        .where(
            Annotation.task_id == lease.task_id,
            Annotation.expert_id != lease.expert_id,
            Assignment.state != State.REJECTED,
        )
    )
    return list(found)
