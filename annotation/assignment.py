"""Leases: an expert takes a task, works on it, hands it in or gives it back.

A lease exists only with a slot of its task taken and its pay reserved, in one transaction; what
ends it without an answer gives both back. Rows are locked in one order: assignment, task, money.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from annotation import beside_pay, loop, results, rules, sample, shares, slots
from annotation.models import Annotation, Assignment, Draft, State, Task
from core import audit, jobs
from core.errors import Conflict, Invalid, NotAllowed
from experts import restrictions, skills
from experts.models import AccountStanding
from payouts import budgets, policy
from projects import entry, invitations
from projects.models import Project, Validation, id_of
from projects.models import State as ProjectState
from projects.terms import CONTEST_DAYS

HANDED_IN = (State.SUBMITTED, State.ACCEPTED, State.REJECTED, State.PARTLY_ACCEPTED)
EXTENSIONS = 2  # how often a lease may be given its time again
REASON_AT_MOST = 2000


class NotInvited(NotAllowed):
    """You are not part of this project. Its tasks are for experts who were invited and said yes."""


class NotOpen(Conflict):
    """This project gives out no tasks at the moment. You are still part of it."""


class SkillNeeded(Conflict):
    """This project asks for a skill that you have not proven yet, or whose proof has run out.

    An interview in the field of the project proves it.
    """


class NoTask(Conflict):
    """No task for you now. You are still part of this project."""


class LeaseOver(Conflict):
    """The time for this task ran out before you handed it in, and the task went back to all.

    Your answer is kept as a draft. If the task is still open, it is offered to you again with it.
    """


class GivenBack(Conflict):
    """You gave this task back, so it can no longer be handed in."""


class HandedIn(Conflict):
    """This task was already handed in, so it can no longer be changed or given back."""


class NoMoreTime(Conflict):
    """This task has been given its time again as often as its terms allow."""


class ReasonMissing(Invalid):
    """Say in a few words, at most %(most)s characters, why you skip this task."""


class WrongAnswer(Invalid):
    """The answer cannot be handed in yet."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__()
        self.problems = problems


class NotADraft(Invalid):
    """The draft cannot be kept: it is too large, or not what the editor writes."""


def claim_next(session: Session, project: Project, expert_id: int, *, at: datetime) -> Assignment:
    """Lease the next task of a project to an expert, or return the one that they have in hand.

    Raises `NoTask` when nothing is open to them and `budgets.OutOfBudget` when the pay of one
    more task is not there; then nothing is taken.
    """
    project_id = id_of(project)
    known = slots.facts(session, project_id, expert_id, at=at)
    if known.in_hand is not None:
        return session.get_one(Assignment, known.in_hand, populate_existing=True)
    if not _is_clear(project, known):
        check_may_work(session, project, expert_id, at=at)
    if known.is_frozen:
        raise budgets.Frozen
    if shares.may_be_full(project, known.open_tasks):
        shares.check(session, project, expert_id, at=at)
    taken = slots.take(session, project, expert_id)
    if taken is None:
        raise NoTask
    task_id, is_again = taken
    first = beside_pay.qualification_pay(session, project, expert_id)
    lease = _lease(project, task_id, expert_id, at, on_handing_in=first)
    lease.terms |= loop.terms(session, project, task_id, expert_id)
    session.add(lease)
    session.flush()  # the reserve is booked under the lease's id
    budgets.set_aside(
        session, project_id, id_of(lease), lease.pay, lease.fee, at, expert_id=expert_id
    )
    beside_pay.reserve(session, lease, at)
    if is_again:
        _bring_draft(session, lease)
    return lease


def check_may_work(session: Session, project: Project, expert_id: int, *, at: datetime) -> None:
    """Refuse unless the expert takes part, and has passed the work sample where one is asked."""
    check_part(session, project, expert_id, at=at)
    sample.check_may_work(session, project, expert_id, at=at)


def check_part(session: Session, project: Project, expert_id: int, *, at: datetime) -> None:
    """Refuse unless the expert said yes to the project, has the skill, and the project is open."""
    if not invitations.is_member(session, id_of(project), expert_id):
        raise NotInvited
    restrictions.check_may_work(session, expert_id)
    if project.state is not ProjectState.OPEN:
        raise NotOpen
    if not _has_skill(session, project, expert_id, at):
        raise SkillNeeded
    lacking = entry.refusal(session, project, expert_id, at)
    if lacking is not None:
        raise lacking


def in_hand(session: Session, project_id: int, expert_id: int) -> Assignment | None:
    """Return the lease that an expert has on a task of a project, if any."""
    return session.exec(
        select(Assignment).where(
            Assignment.project_id == project_id,
            Assignment.expert_id == expert_id,
            Assignment.state == State.ACTIVE,
        )
    ).first()


def save_draft(session: Session, lease: Assignment, result: Any, *, at: datetime) -> None:
    """Keep what was typed so far; also after the time ran out, since nothing typed is lost."""
    if lease.state in HANDED_IN:
        raise HandedIn
    if not is_result(result):
        raise NotADraft
    row = {"assignment_id": lease.id, "result": result, "saved_at": at}
    session.execute(
        insert(Draft).values(row).on_conflict_do_update(index_elements=["assignment_id"], set_=row)
    )


def draft_of(session: Session, lease: Assignment) -> Draft | None:
    """Return what was typed so far."""
    return session.get(Draft, lease.id)


def submit(
    session: Session, lease: Assignment, project: Project, result: Any, *, at: datetime
) -> Annotation:
    """Hand in an answer, once: handing in again returns what was handed in first.

    `lease` is locked by the caller. Raises `WrongAnswer` with all that is wrong.
    """
    if lease.state in HANDED_IN:
        return annotation_of(session, lease)
    _check_active(lease)
    result = loop.as_kept(project, lease, result)
    _check_answer(session, lease, project, result)
    lease.state = State.SUBMITTED
    lease.submitted_at = at
    lease.review_by = at + timedelta(days=lease.terms["review_days"])
    lease.lead_seconds = int((at - lease.claimed_at).total_seconds())
    answer = Annotation(
        assignment_id=id_of(lease),
        task_id=lease.task_id,
        project_id=lease.project_id,
        expert_id=lease.expert_id,
        result=result,
        submitted_at=at,
    )
    session.add_all([lease, answer])
    session.execute(delete(Draft).where(col(Draft.assignment_id) == lease.id))
    session.flush()  # the job needs the annotation's id
    loop.note(session, project, lease, answer)
    beside_pay.earn(session, lease, at)
    budgets.submitted(session, id_of(lease), review_by=lease.review_by, at=at)
    _defer_what_follows(session, answer, project)
    return answer


def in_whole(session: Session, assignment_id: int) -> tuple[Assignment, Project, Task] | None:
    """Return a lease, locked, with its project and its task, in one question."""
    return session.exec(
        select(Assignment, Project, Task)
        .join(Project, col(Project.id) == col(Assignment.project_id))
        .join(Task, col(Task.id) == col(Assignment.task_id))
        .where(Assignment.id == assignment_id)
        .with_for_update(of=Assignment)
        .execution_options(populate_existing=True)
    ).first()


def annotation_of(session: Session, lease: Assignment) -> Annotation:
    """Return what was handed in with an assignment."""
    return session.exec(select(Annotation).where(Annotation.assignment_id == lease.id)).one()


def skip(session: Session, lease: Assignment, reason: str, *, at: datetime) -> None:
    """Leave a task with a reason; the expert does not see it again, others do."""
    if lease.state is State.SKIPPED:
        return
    _check_not_handed_in(lease)
    if lease.state in slots.GIVEN_BACK:
        return  # it went back to all already
    if not 0 < len(reason.strip()) <= REASON_AT_MOST:
        raise ReasonMissing(most=REASON_AT_MOST)
    lease.skip_reason = reason.strip()
    _end(session, lease, State.SKIPPED, at)
    audit.record(
        session,
        "assignment.skipped",
        by=lease.expert_id,
        subject=f"assignment:{lease.id}",
    )


def give_back(session: Session, lease: Assignment, *, at: datetime) -> None:
    """Return a task without an answer and without a penalty."""
    _check_not_handed_in(lease)
    if lease.state is State.ACTIVE:
        _end(session, lease, State.RETURNED, at)


def extend(session: Session, lease: Assignment, *, number: int, at: datetime) -> None:
    """Give a lease its time again, counted from now; `lease` is locked by the caller.

    `number` says which extension is meant, from 1: the second click of one changes nothing.
    """
    _check_not_handed_in(lease)
    if lease.state is State.ACTIVE and lease.extended >= number:
        return
    _check_active(lease)
    if lease.extended >= lease.terms.get("extensions", 0):
        raise NoMoreTime
    lease.extended += 1
    lease.due_at = max(lease.due_at, at + timedelta(minutes=lease.terms["lease_minutes"]))
    session.add(lease)
    audit.record(
        session, "assignment.extended", by=lease.expert_id, subject=f"assignment:{lease.id}"
    )


def is_alive(session: Session, assignment_id: int, *, at: datetime) -> None:
    """Note that somebody has the page of a lease open; nothing waits for it."""
    session.execute(
        update(Assignment)
        .where(col(Assignment.id) == assignment_id, col(Assignment.state) == State.ACTIVE)
        .values(seen_at=at)
        .execution_options(synchronize_session=False)
    )


def expire_next(session: Session, *, at: datetime) -> Assignment | None:
    """End one lease whose time ran out, the oldest first; its draft is kept.

    One in a transaction: tasks and budgets of several would be held in no order.
    """
    lease = session.exec(
        select(Assignment)
        .where(Assignment.state == State.ACTIVE, col(Assignment.due_at) < at)
        .order_by(col(Assignment.due_at))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if lease is not None:
        _end(session, lease, State.EXPIRED, at)
    return lease


def _is_clear(project: Project, known: Any) -> bool:
    """Say whether nothing stands against a claim; where something may, each check says what."""
    return bool(
        known.is_member
        and known.standing == AccountStanding.ACTIVE
        and project.state is ProjectState.OPEN
        and known.level is not None
        and known.level >= project.min_level
        and not known.asks_sample
        and not known.asks_more
    )


def _has_skill(session: Session, project: Project, expert_id: int, at: datetime) -> bool:
    return any(
        skill.field == project.field and skill.level >= project.min_level and skill.expires_at > at
        for skill in skills.held(session, expert_id)
    )


def _lease(
    project: Project, task_id: int, expert_id: int, at: datetime, *, on_handing_in: int = 0
) -> Assignment:
    fee = policy.fee(project.price, project.fee_bps)
    return Assignment(
        task_id=task_id,
        project_id=id_of(project),
        expert_id=expert_id,
        state=State.ACTIVE,
        pay_minor=project.price.minor,
        fee_minor=fee.minor,
        currency=project.currency,
        terms={
            "guidelines_version": project.guidelines_version,
            "fee_bps": project.fee_bps,
            "part_rule": rules.PART,
            "lease_minutes": project.lease_minutes,
            "extensions": EXTENSIONS,
            "review_days": project.review_days,
            "contest_days": CONTEST_DAYS,
            "validation": str(project.validation),
            "overlap": project.overlap,
            **({"qualification_minor": on_handing_in} if on_handing_in else {}),
        },
        claimed_at=at,
        due_at=at + timedelta(minutes=project.lease_minutes),
    )


def _bring_draft(session: Session, lease: Assignment) -> None:
    """Copy what the expert had typed on this task before it went back."""
    earlier = session.exec(
        select(Draft)
        .join(Assignment, col(Assignment.id) == col(Draft.assignment_id))
        .where(Assignment.task_id == lease.task_id, Assignment.expert_id == lease.expert_id)
        .order_by(col(Draft.saved_at).desc())
        .limit(1)
    ).first()
    if earlier is not None:
        session.add(
            Draft(assignment_id=id_of(lease), result=earlier.result, saved_at=earlier.saved_at)
        )


def _check_active(lease: Assignment) -> None:
    if lease.state is State.EXPIRED:
        raise LeaseOver
    if lease.state is not State.ACTIVE:
        raise GivenBack


def _check_not_handed_in(lease: Assignment) -> None:
    if lease.state in HANDED_IN:
        raise HandedIn


def _check_answer(session: Session, lease: Assignment, project: Project, result: Any) -> None:
    task = session.get_one(Task, lease.task_id)
    wrong = results.problems(project.label_config, task.data, result)
    if wrong:
        raise WrongAnswer([str(problem) for problem in wrong])


def is_result(result: Any) -> bool:
    """Say whether something sent is a list of parts that may be kept, right or wrong."""
    return (
        isinstance(result, list)
        and all(isinstance(part, dict) for part in result)
        and results.is_storable(result)
    )


def _defer_what_follows(session: Session, answer: Annotation, project: Project) -> None:
    push = jobs.Job(
        "annotation.push_annotation",
        {"annotation_id": answer.id},
        lock=f"label-studio:{answer.project_id}",
        queue="labelling",
    )
    validate = jobs.Job(
        "annotation.validate", {"task_id": answer.task_id}, lock=f"task:{answer.task_id}"
    )
    agrees = project.validation is Validation.AGREEMENT
    jobs.defer_all(session, [push, validate] if agrees else [push])


def _end(session: Session, lease: Assignment, state: State, at: datetime) -> None:
    lease.state = state
    lease.left_at = at
    session.add(lease)
    slots.reopen(session, lease.task_id)
    budgets.release(session, lease.project_id, id_of(lease), at)
    beside_pay.release(session, lease, at)
