"""Work that counts without a person: by agreement, or by the owner's silence.

Each rule has a name and a version, which the decision records (`rules.py`); none refuses work.
"""

from datetime import datetime

from sqlmodel import Session, col, select

from annotation import agreement, gold, review, rules
from annotation.label_config import LabelConfig, parse
from annotation.models import IN_HAND, Annotation, Assignment, State, Task, ValidationDue
from projects.models import Project, Validation

COUNTING = (*IN_HAND, State.SUBMITTED, State.ACCEPTED, State.PARTLY_ACCEPTED)


def by_agreement(session: Session, task_id: int, *, at: datetime) -> int:
    """Accept the answers to a task if all agree (rule AG-1); return how many were accepted."""
    task = session.get(Task, task_id)
    if task is None or session.get_one(Project, task.project_id).validation is Validation.REVIEW:
        return 0
    counting = _counting(session, task_id)
    session.refresh(task)  # what we hold now decides, not what stood there before the wait
    if task.slots_left or any(one.state in IN_HAND for one in counting):
        return 0
    project = session.get_one(Project, task.project_id)
    if not _agree(parse(project.label_config), task, _results(session, counting)):
        return 0
    waiting = [one for one in counting if one.state is State.SUBMITTED]
    for one in review.in_order_of_pay(waiting):
        review.accept_by_rule(session, one, rules.AGREEMENT, at=at)
    return len(waiting)


def by_silence(session: Session, *, at: datetime) -> Assignment | None:
    """Accept one answer that nobody reviewed in time (rule SL-1), the oldest first.

    One in a transaction: the accounts of several experts would be held in no order.
    """
    overdue = session.exec(
        select(Assignment)
        .where(Assignment.state == State.SUBMITTED, col(Assignment.review_by) < at)
        .order_by(col(Assignment.review_by))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if overdue is not None:
        review.accept_by_rule(session, overdue, rules.SILENCE, at=at)
    return overdue


def due(session: Session, *, limit: int) -> list[int]:
    """Return tasks, in order of id, of which an answer has come in since they were looked at."""
    found = select(ValidationDue.task_id).order_by(col(ValidationDue.task_id)).limit(limit)
    return list(session.exec(found))


def by_agreement_if_due(session: Session, task_id: int, *, at: datetime) -> int:
    """Accept the answers to a due task if all agree, unless somebody is asking about it just now.

    Whoever hands an answer in holds its assignment, which is locked here as well before anything is
    looked at: what comes in later is due again. Only a task that is claimed and handed in within
    this transaction would be left, to the sweep that asks about all.
    """
    is_due = select(ValidationDue).where(ValidationDue.task_id == task_id)
    due_one = session.exec(is_due.with_for_update(skip_locked=True)).first()
    if due_one is None:
        return 0
    accepted = by_agreement(session, task_id, at=at)
    session.delete(due_one)
    return accepted


def undecided(session: Session, *, after: int = 0, limit: int = 1000) -> list[int]:
    """Return tasks, in order of id, that agreement may decide and has not yet."""
    open_ones = (
        select(Assignment.task_id)
        .join(Project, col(Project.id) == col(Assignment.project_id))
        .join(Task, col(Task.id) == col(Assignment.task_id))
        .where(
            Assignment.state == State.SUBMITTED,
            Project.validation == Validation.AGREEMENT,
            col(Task.slots_left) == 0,
            col(Task.id) > after,
        )
        .distinct()
        .order_by(col(Assignment.task_id))
        .limit(limit)
    )
    return list(session.exec(open_ones))


def _counting(session: Session, task_id: int) -> list[Assignment]:
    # Locked in order of id, as everybody does who decides several at once.
    found = session.exec(
        select(Assignment)
        .where(Assignment.task_id == task_id, col(Assignment.state).in_(COUNTING))
        .order_by(col(Assignment.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


def _results(session: Session, assignments: list[Assignment]) -> list[agreement.Result]:
    ids = [one.id for one in assignments]
    found = session.exec(select(Annotation.result).where(col(Annotation.assignment_id).in_(ids)))
    return list(found)


def _agree(config: LabelConfig, task: Task, results: list[agreement.Result]) -> bool:
    """Say whether all gave the same answer, and none misses the known one where it compares."""
    answers = [agreement.answer(result) for result in results]
    if not agreement.is_unanimous(answers):
        return False
    known = task.gold
    return known is None or not any(gold.score(config, one, known).is_missed for one in results)
