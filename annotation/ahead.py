"""Tasks taken ahead: some wait beside the one in work, so that the next is there at once.

A task that waits has its slot and its pay as any lease has. It has not been shown: its time begins
when a claim opens it, and it goes back without a word about the person. Each is taken in a
transaction of its own, since nobody may ask for a task while holding a budget.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from annotation import assignment as leases
from annotation import beside_pay, shares, slots
from annotation.models import Assignment, State
from core.errors import Conflict, NotAllowed
from experts.models import AccountStanding, Expert
from payouts import budgets, policy
from projects.models import Answer, Invitation, Project, id_of
from projects.models import State as ProjectState

# So long after the last sign of life what waits goes back; a page that is open gives one a minute.
SILENT_FOR = timedelta(minutes=5)


def waiting(session: Session, project_id: int, expert_id: int) -> Sequence[Assignment]:
    """Return the tasks of a project that wait for an expert, in the order in which they open."""
    held: Sequence[Assignment] = session.exec(_waiting(project_id, expert_id)).all()
    return held


def take(session: Session, project: Project, lease: Assignment, *, at: datetime) -> int | None:
    """Let one more task wait beside the one in work, where that is let; return it.

    Whatever stands against a claim stands against this; then nothing is taken, and nothing is said:
    the claim that comes after the task in work says why.
    """
    if project.tasks_in_hand == 1:
        return None
    session.execute(leases.ONE_AT_A_TIME, {"project": project.id, "expert": lease.expert_id})
    session.refresh(lease)
    held = len(waiting(session, lease.project_id, lease.expert_id)) + 1
    if lease.state is not State.ACTIVE or held >= project.tasks_in_hand:
        return None
    try:
        with session.begin_nested():  # what is taken goes back with the refusal
            return _take(session, project, lease.expert_id, at)
    except (Conflict, NotAllowed):
        return None


def give_back(session: Session, project_id: int, expert_id: int, *, at: datetime) -> int:
    """Return all tasks of a project that wait for an expert; return how many."""
    held = session.exec(_waiting(project_id, expert_id).with_for_update()).all()
    leases.give_back_all(session, held, at=at)
    return len(held)


def give_back_next(session: Session, *, at: datetime) -> Assignment | None:
    """Return one waiting task whose expert is silent or gone, or whose project gives out none."""
    takes_part = select(Invitation.id).where(
        Invitation.project_id == Assignment.project_id,
        Invitation.expert_id == Assignment.expert_id,
        Invitation.state == Answer.ACCEPTED,
    )
    may_work = select(Expert.user_id).where(
        Expert.user_id == Assignment.expert_id, Expert.standing == AccountStanding.ACTIVE
    )
    seen_at = func.greatest(col(Assignment.claimed_at), col(Assignment.seen_at))
    lease = session.exec(
        select(Assignment)
        .join(Project, col(Project.id) == col(Assignment.project_id))
        .where(
            Assignment.state == State.WAITING,
            or_(
                seen_at < at - SILENT_FOR,
                col(Project.state) != ProjectState.OPEN,
                col(Project.tasks_in_hand) == 1,
                ~takes_part.exists(),
                ~may_work.exists(),
            ),
        )
        .order_by(col(Assignment.id))
        .limit(1)
        .with_for_update(skip_locked=True, of=Assignment)
        .execution_options(populate_existing=True)
    ).first()
    if lease is not None:
        leases.give_back_all(session, [lease], at=at)
    return lease


def _take(session: Session, project: Project, expert_id: int, at: datetime) -> int | None:
    leases.check_may_work(session, project, expert_id, at=at)
    budgets.check_not_frozen(session, id_of(project))
    shares.check(session, project, expert_id, at=at)
    if shares.is_scarce(session, project, expert_id, at=at):
        return None
    if beside_pay.qualification_pay(session, project, expert_id):
        return None  # how many of these are left is known once the one in work is handed in
    slot = slots.take(session, project, expert_id)
    if slot is None:
        return None
    task_id, is_again = slot
    lease = _lease(project, task_id, expert_id, at)
    lease.terms = leases.terms_of(session, project, task_id, expert_id)
    session.add(lease)
    session.flush()  # its id names what is set aside
    budgets.reserve(
        session, id_of(project), id_of(lease), lease.pay, lease.fee, at, expert_id=expert_id
    )
    if is_again:
        leases.bring_draft(session, lease)
    return id_of(lease)


def _lease(project: Project, task_id: int, expert_id: int, at: datetime) -> Assignment:
    return Assignment(
        task_id=task_id,
        project_id=id_of(project),
        expert_id=expert_id,
        state=State.WAITING,
        taken_ahead=True,
        pay_minor=project.price.minor,
        fee_minor=policy.fee(project.price, project.fee_bps).minor,
        currency=project.currency,
        claimed_at=at,
        due_at=at + timedelta(minutes=project.lease_minutes),
    )


def _waiting(project_id: int, expert_id: int) -> Any:
    return (
        select(Assignment)
        .where(
            Assignment.project_id == project_id,
            Assignment.expert_id == expert_id,
            Assignment.state == State.WAITING,
        )
        .order_by(col(Assignment.id))
    )
