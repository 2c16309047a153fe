"""Slots of tasks: which task an expert gets next, and how a slot comes back.

Tasks are given out by priority, then in a shuffled order that hides which have a known answer. An
expert goes on where they stopped (`ClaimPlace`), so that a claim costs the same after ten thousand
tasks of theirs as after one; new tasks make them start from the front again.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, literal, text, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from annotation import sample
from annotation.models import Assignment, State, Task
from projects.models import Project

# A function of the database (migration 0085).
TAKE = text("select * from claim_slot(:project, :expert, :tasks)")
COUNTED = 300  # so many open tasks are never scarce, and nobody counts further
GIVEN_BACK = (State.RETURNED, State.EXPIRED)


def take(session: Session, project: Project, expert_id: int) -> tuple[int, bool] | None:
    """Take a slot of the next task for an expert; return the task, and whether they had it before.

    First what comes after the task that they had last, passing by rows that others hold right now;
    then from the front; then what they gave back before; and at last waiting for those others, who
    may yet leave a slot. Claims of one expert come one at a time (`claim_lease`).
    """
    asked = {"project": project.id, "expert": expert_id, "tasks": project.task_count}
    found = session.execute(TAKE, asked).one()
    return (found.task_id, found.is_again) if found.task_id is not None else None


def take_again(session: Session, lease: Assignment) -> bool:
    """Take a slot of the very task that an expert had before; say whether it is open to them."""
    took = session.execute(
        update(Task)
        .where(col(Task.id) == lease.task_id, is_open_to(lease.expert_id, again=True))
        .values(slots_left=Task.slots_left - 1)
        .execution_options(synchronize_session=False)
    )
    return bool(took.rowcount)  # type: ignore[attr-defined]


def may_be_taken_again(session: Session, lease: Assignment) -> bool:
    """Say whether a task whose time ran out is still open to the expert who had it."""
    open_ = select_columns(literal(1)).where(
        col(Task.id) == lease.task_id, is_open_to(lease.expert_id, again=True)
    )
    return lease.state is State.EXPIRED and session.execute(open_).first() is not None


def is_open_to(expert_id: int, *, again: bool) -> ColumnElement[bool]:
    """Return the condition that a task has a slot and the expert has had no part in it.

    A task of their work sample is one whose known answer they may have seen.

    With `again`, tasks that they gave back or that ran out on them count as well.
    """
    had = select_columns(literal(1)).where(
        col(Assignment.task_id) == Task.id, col(Assignment.expert_id) == expert_id
    )
    if again:
        had = had.where(col(Assignment.state).not_in(GIVEN_BACK))
    seen: ColumnElement[bool] = sample.was_shown_to(expert_id)
    return (col(Task.slots_left) > 0) & ~had.exists() & ~seen


def reopen(session: Session, task_id: int) -> None:
    """Let one more expert take a task."""
    session.execute(
        update(Task).where(col(Task.id) == task_id).values(slots_left=Task.slots_left + 1)
    )


def take_back(session: Session, task_id: int) -> None:
    """Close a slot that was reopened, unless somebody has taken it meanwhile."""
    session.execute(
        update(Task)
        .where(col(Task.id) == task_id, col(Task.slots_left) > 0)
        .values(slots_left=Task.slots_left - 1)
    )


def ask_again(session: Session, task_ids: Sequence[int]) -> list[int]:
    """Give each of some tasks a slot more, unless one is open; return the tasks that got one."""
    waiting = (
        select_columns(col(Task.id))
        .where(col(Task.id).in_(task_ids), col(Task.slots_left) == 0)
        .order_by(col(Task.id))
        .with_for_update()
    )
    found: list[int] = list(session.execute(waiting).scalars())
    session.execute(
        update(Task)
        .where(col(Task.id).in_(found))
        .values(slots=Task.slots + 1, slots_left=Task.slots_left + 1)
    )
    return found


def open_tasks(session: Session, project_id: int, *, most: int) -> int:
    """Count the tasks of a project with a slot left, up to a bound."""
    some = (
        select_columns(literal(1))
        .where(col(Task.project_id) == project_id, col(Task.slots_left) > 0)
        .limit(most)
        .subquery()
    )
    return int(session.execute(select_columns(func.count()).select_from(some)).scalar_one())
