"""What became of an assignment, for its expert: the answer as it was, and reasons with evidence."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from accounts import appeals, decisions
from accounts.models import Appeal, Decision, Organisation
from annotation import agreement, refusal, rules, shown, slots
from annotation import assignment as leases
from annotation.label_config import parse
from annotation.models import Assignment, State, Task
from annotation.rules import Reason
from annotation.shown import Shown
from core.clock import now
from core.money import Money, zero
from payouts import earnings
from projects.models import Project
from projects.models import State as ProjectState

ADVERSE = (State.REJECTED, State.PARTLY_ACCEPTED)


@dataclass(frozen=True)
class Refusal:
    """Why work was not accepted, or only in part, by whom, and what can be done: all of it."""

    reason: Reason
    clause: str
    words: str
    reviewer: str
    organisation: str
    decided_at: datetime
    contest_until: datetime
    can_contest: bool
    # The answer of more than half of the others, and the known one: evidence, where there is some.
    consensus: str | None
    known: str | None
    in_part: bool


@dataclass(frozen=True)
class Became:
    """An assignment that is no longer in hand."""

    assignment: Assignment
    project: Project
    organisation: str
    text: str
    answer: Shown | None
    refusal: Refusal | None
    decision: Decision | None
    appeal: Appeal | None
    rule_words: object | None
    draft_kept: bool
    may_take_again: bool
    earned: Money

    @property
    def not_paid(self) -> Money:
        """What of its pay it has not earned."""
        return self.assignment.pay - self.earned


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
    decision, appeal = refusal.appeal_of(session, lease) or (None, None)
    return Became(
        assignment=lease,
        project=project,
        organisation=organisation,
        text=shown.text_of(config, task.data),
        answer=answer,
        refusal=_refusal(session, lease, task, organisation, decision),
        decision=decision,
        appeal=appeal,
        rule_words=rules.RULES.get(lease.decided_rule or ""),
        earned=earnings.of_assignment(session, lease.id or 0) or zero(lease.currency),
        may_take_again=_may_take_again(session, lease, project),
        draft_kept=lease.state in slots.GIVEN_BACK and leases.draft_of(session, lease) is not None,
    )


def _may_take_again(session: Session, lease: Assignment, project: Project) -> bool:
    """Say whether to offer the task anew; the act itself asks all that a claim asks."""
    return (
        project.state is ProjectState.OPEN
        and leases.in_hand(session, lease.project_id, lease.expert_id) is None
        and slots.may_be_taken_again(session, lease)
    )


def _refusal(
    session: Session,
    lease: Assignment,
    task: Task,
    organisation: str,
    decision: Decision | None,
) -> Refusal | None:
    if lease.state not in ADVERSE or lease.decided_at is None or decision is None:
        return None
    others = refusal.others(session, lease)
    return Refusal(
        reason=rules.REASONS[lease.reason_code or ""],
        clause=lease.reason_clause or "",
        words=lease.reason_words or "",
        reviewer=decisions.reviewer(lease.decided_by),
        organisation=organisation,
        decided_at=lease.decided_at,
        contest_until=decision.contest_until or lease.decided_at,
        can_contest=appeals.can_be_filed(session, decision, now()),
        consensus=agreement.majority_label(others) if others else None,
        known=agreement.label(task.gold) if task.gold is not None else None,
        in_part=lease.state is State.PARTLY_ACCEPTED,
    )
