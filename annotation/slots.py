"""Slots of tasks: which task an expert gets next, and how a slot comes back.

Tasks are given out by priority, then in a shuffled order that hides which have a known answer. An
expert goes on where they stopped (`ClaimPlace`), so that a claim costs the same after ten thousand
tasks of theirs as after one; new tasks make them start from the front again.
"""

from typing import Any

from sqlalchemy import ColumnElement, func, literal, text, tuple_, update
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from annotation.models import Assignment, ClaimPlace, State, Task
from projects.models import Project, id_of

GIVEN_BACK = (State.RETURNED, State.EXPIRED)


def take(session: Session, project: Project, expert_id: int) -> int | None:
    """Take a slot of the next task for an expert, and return the task.

    First what comes after the task that they had last, passing by rows that others hold right now;
    then from the front; then what they gave back before; and at last waiting for those others, who
    may yet leave a slot. Claims of one expert come one at a time (`assignment.claim_next`).
    """
    project_id, place = id_of(project), _place(session, project, expert_id)
    fresh, again = (is_open_to(expert_id, again=anew) for anew in (False, True))
    if place is not None:
        beyond = tuple_(col(Task.priority), col(Task.position)) < tuple_(
            literal(place.priority), literal(place.position)
        )
        taken = _try(session, project_id, fresh & beyond, skip_locked=True)
        if taken is not None:
            _go_on_from(session, project, expert_id, taken)
            return taken
    for which, skip_locked in ((fresh, True), (again, True), (again, False)):
        taken = _try(session, project_id, which, skip_locked=skip_locked)
        if taken is not None:
            if place is None:
                _go_on_from(session, project, expert_id, taken)
            return taken
    return None


def is_open_to(expert_id: int, *, again: bool) -> ColumnElement[bool]:
    """Return the condition that a task has a slot and the expert has had no part in it.

    With `again`, tasks that they gave back or that ran out on them count as well.
    """
    had = select_columns(literal(1)).where(
        col(Assignment.task_id) == Task.id, col(Assignment.expert_id) == expert_id
    )
    if again:
        had = had.where(col(Assignment.state).not_in(GIVEN_BACK))
    return (col(Task.slots_left) > 0) & ~had.exists()


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


def open_tasks(session: Session, project_id: int, *, most: int) -> int:
    """Count the tasks of a project with a slot left, up to a bound."""
    some = (
        select_columns(literal(1))
        .where(col(Task.project_id) == project_id, col(Task.slots_left) > 0)
        .limit(most)
        .subquery()
    )
    return int(session.execute(select_columns(func.count()).select_from(some)).scalar_one())


def _try(
    session: Session, project_id: int, which: ColumnElement[bool], *, skip_locked: bool
) -> int | None:
    """Take a slot of the first task of some, if there is one.

    What finds nothing is rolled back: it may hold rows that were full by the time it had locked
    them, and whoever waits while holding them waits in a circle.
    """
    next_up = (
        select_columns(col(Task.id))
        .where(col(Task.project_id) == project_id, which)
        .order_by(col(Task.priority).desc(), col(Task.position).desc())
        .limit(1)
        .with_for_update(skip_locked=skip_locked)
        .cte("next_up")
    )
    session.execute(text("savepoint take_slot"))
    taken = session.execute(
        update(Task)
        .where(col(Task.id) == next_up.c.id)
        .values(slots_left=Task.slots_left - 1)
        .returning(col(Task.id))
        .execution_options(synchronize_session=False)
    ).scalar()
    if taken is None:
        session.execute(text("rollback to savepoint take_slot"))
        return None
    session.execute(text("release savepoint take_slot"))
    return int(taken)


def _place(session: Session, project: Project, expert_id: int) -> ClaimPlace | None:
    """Return where an expert stopped, unless tasks have come since."""
    place = session.get(ClaimPlace, (id_of(project), expert_id), populate_existing=True)
    return place if place is not None and place.task_count == project.task_count else None


def _go_on_from(session: Session, project: Project, expert_id: int, task_id: int) -> None:
    found: Any = session.execute(
        select_columns(col(Task.priority), col(Task.position)).where(col(Task.id) == task_id)
    ).one()
    row = {"priority": found.priority, "position": found.position}
    row |= {"task_count": project.task_count}
    session.execute(
        insert(ClaimPlace)
        .values(project_id=id_of(project), expert_id=expert_id, **row)
        .on_conflict_do_update(index_elements=["project_id", "expert_id"], set_=row)
    )
