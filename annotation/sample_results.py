"""Work samples as pages show them: tasks side by side with the known answer, results, doubts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from accounts.models import Decision, User
from annotation import measures, media, sample, sample_outcome, shown
from annotation.label_config import parse
from annotation.measures import Part
from annotation.media_models import TaskMedia
from annotation.models import Task
from annotation.sample_models import SampleAnswer, SampleState, WorkSample
from annotation.shown import Shown
from experts.models import Expert
from projects.models import Answer, Invitation, Project, id_of


@dataclass(frozen=True)
class OneTask:
    """A task of an attempt: what was answered, how far it met what is known, and what is known."""

    position: int
    name: str
    text: str
    score: float | None
    parts: list[Part]
    unmeasured: tuple[str, ...]
    skip_reason: str | None
    given: Shown | None
    known: Shown | None
    is_doubted: bool
    files: tuple[TaskMedia, ...] = ()


@dataclass(frozen=True)
class KnownTask:
    """A known answer, with how those who had it in a work sample met it."""

    task: Task
    answers: int
    mean: float
    is_doubted: bool


@dataclass(frozen=True)
class Person:
    """An expert of the project, and where they stand."""

    expert_id: int
    pseudonym: str
    standing: sample.Standing


def tasks_of(session: Session, found: WorkSample, project: Project) -> list[OneTask]:
    """Return all tasks of an attempt with the known answers, for those who may see them."""
    config = parse(project.label_config)
    doubted = sample.doubtful(session, found.project_id)
    rows = _with_tasks(session, found)
    files = media.of_tasks(session, [id_of(task) for _answer, task in rows])
    return [
        replace(
            _one(config, one, task, revealed=True, is_doubted=task.id in doubted),
            files=tuple(files.get(id_of(task), ())),
        )
        for one, task in rows
    ]


def tasks_for_expert(
    session: Session, found: WorkSample, project: Project, *, reveals: bool
) -> list[OneTask]:
    """Return the tasks of an attempt that is over; known answers only where the rule reveals."""
    if found.state is SampleState.ACTIVE:
        return []
    config = parse(project.label_config)
    return [
        _one(config, one, task, revealed=reveals, is_doubted=False)
        for one, task in _with_tasks(session, found)
        if one.ended_at is not None
    ]


def attempts(project_id: int) -> Any:
    """Select the attempts of a project's experts with their pseudonyms, those to look at first."""
    return (
        select_columns(WorkSample, col(Expert.pseudonym))
        .join(Expert, col(Expert.user_id) == col(WorkSample.expert_id))
        .where(col(WorkSample.project_id) == project_id)
        .order_by((col(WorkSample.state) == SampleState.REVIEW).desc(), col(WorkSample.id).desc())
    )


def known_tasks(session: Session, project_id: int) -> list[KnownTask]:
    """Return the known answers that stood in a work sample, the least met first."""
    doubted = sample.doubtful(session, project_id)
    mean = func.avg(col(SampleAnswer.score))
    rows = session.execute(
        select_columns(Task, func.count(), mean)
        .join(SampleAnswer, col(SampleAnswer.task_id) == col(Task.id))
        .join(WorkSample, col(WorkSample.id) == col(SampleAnswer.sample_id))
        .where(
            col(WorkSample.project_id) == project_id,
            col(WorkSample.expert_id).is_not(None),
            col(SampleAnswer.score).is_not(None),
        )
        .group_by(col(Task.id))
        .order_by(mean, col(Task.id))
        .limit(100)
    ).all()
    return [KnownTask(task, count, float(share), task.id in doubted) for task, count, share in rows]


def people(session: Session, project: Project, at: datetime) -> list[Person]:
    """Return the experts who take part and where each stands, those who may not work first."""
    rows = session.exec(
        select(Expert)
        .join(Invitation, col(Invitation.expert_id) == col(Expert.user_id))
        .where(Invitation.project_id == project.id, Invitation.state == Answer.ACCEPTED)
        .order_by(col(Expert.pseudonym))
        .limit(60)
    ).all()
    found = [
        Person(
            one.user_id,
            one.pseudonym,
            sample.standing(session, id_of(project), one.user_id, at=at),
        )
        for one in rows
    ]
    return sorted(found, key=lambda person: person.standing.may_work)


def waiting(session: Session, project_id: int) -> tuple[int, datetime | None]:
    """Return how many attempts wait for a person, and since when the first does."""
    count, first = session.execute(
        select_columns(func.count(), func.min(col(WorkSample.finished_at))).where(
            col(WorkSample.project_id) == project_id, col(WorkSample.state) == SampleState.REVIEW
        )
    ).one()
    return count, first


def decision_of(session: Session, found: WorkSample) -> Decision | None:
    """Return the decision about an attempt, where there is one."""
    return session.get(Decision, found.decision_id) if found.decision_id else None


def owner_names(session: Session, found: Sequence[WorkSample]) -> dict[int, str]:
    """Return the names of those who decided."""
    ids = {one.decided_by for one in found if one.decided_by is not None}
    rows = session.exec(select(User).where(col(User.id).in_(ids)))
    return {id_of(user): user.name for user in rows}


def _with_tasks(session: Session, found: WorkSample) -> list[tuple[SampleAnswer, Task]]:
    query = (
        select(SampleAnswer, Task)
        .join(Task, col(Task.id) == col(SampleAnswer.task_id))
        .where(SampleAnswer.sample_id == found.id)
    )
    return list(session.exec(query.order_by(col(SampleAnswer.position))))


def _one(
    config: Any, one: SampleAnswer, task: Task, *, revealed: bool, is_doubted: bool
) -> OneTask:
    gold = task.gold or []
    return OneTask(
        position=one.position,
        name=task.external_id if revealed else "",
        text=shown.text_of(config, task.data),
        score=one.score,
        parts=sample_outcome.parts_of(one),
        unmeasured=measures.unmeasured(config, gold),
        skip_reason=one.skip_reason,
        given=shown.answer(config, task.data, one.result) if one.result is not None else None,
        known=shown.answer(config, task.data, gold) if revealed else None,
        is_doubted=is_doubted,
    )
