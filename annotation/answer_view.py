"""An answer as Label Studio's editor shows it, to look at: what the frame is told, and the others.

The expert's answer is shown as its expert saw the task; nothing of anybody else's is in it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from accounts.models import Decision
from annotation import assignment as leases
from annotation import label_config, loop, media_kinds, media_links, refusal, results
from annotation.media_links import Link
from annotation.models import Assignment, Task
from annotation.sample_models import SampleAnswer, WorkSample
from core.errors import NotFound
from projects.models import Project


class Viewer(StrEnum):
    """As whom somebody looks at an answer."""

    EXPERT = "expert"
    REVIEWER = "reviewer"
    SECOND = "second"  # who looks again, after an appeal


@dataclass(frozen=True)
class Shown:
    """What the editor shows: a task's data and one answer to it."""

    project: Project
    data: dict[str, Any]
    result: list[dict[str, Any]]

    @property
    def has_files(self) -> bool:
        """Whether the task shows files of the project."""
        return bool(media_kinds.names(self.data, self.project.label_config))


@dataclass(frozen=True)
class Place:
    """Where an answer stands among those to its task."""

    number: int
    of: int
    before: int | None
    after: int | None


def given(session: Session, lease: Assignment, project: Project, task: Task) -> Shown:
    """Return what was handed in, as its expert saw it."""
    if lease.state not in leases.HANDED_IN:
        raise NotFound
    result = leases.annotation_of(session, lease).result
    # Two answers side by side are turned once to be kept, and once more to be shown as they were.
    return _shown(
        project, loop.data_shown(project, task, lease), loop.as_kept(project, lease, result)
    )


def known(project: Project, task: Task) -> Shown:
    """Return the known answer of a task."""
    if task.gold is None:
        raise NotFound
    return _shown(project, task.data, task.gold)


def other(project: Project, task: Task, result: list[dict[str, Any]] | None) -> Shown:
    """Return an answer that is no assignment's; raise `NotFound` where there is none."""
    if result is None:
        raise NotFound
    return _shown(project, task.data, result)


def told(session: Session, seen: Shown, link: Link | None, number: int) -> dict[str, Any]:
    """Return what the frame is told; files need a way to link them."""
    if seen.has_files and link is None:
        raise NotFound
    config = seen.project.label_config
    data = seen.data
    if link is not None:
        data = media_links.with_links(session, seen.project.id or 0, config, data, link)
    return {
        "config": label_config.for_editor(config),
        "task": {"id": number, "data": data},
        "result": seen.result,
    }


def place(session: Session, lease: Assignment) -> Place:
    """Return where an answer stands among those that the review page sets side by side."""
    ids = list(
        session.exec(
            select(Assignment.id)
            .where(Assignment.task_id == lease.task_id, col(Assignment.state).in_(leases.HANDED_IN))
            .order_by(col(Assignment.id))
        )
    )
    at = ids.index(lease.id)
    return Place(
        number=at + 1,
        of=len(ids),
        before=ids[at - 1] if at else None,
        after=ids[at + 1] if at + 1 < len(ids) else None,
    )


def contested(session: Session, lease: Assignment) -> tuple[Decision, int] | None:
    """Return the decision against some work that its expert contests, and the appeal's id."""
    decision, appeal = refusal.appeal_of(session, lease) or (None, None)
    return (decision, appeal.id or 0) if decision is not None and appeal is not None else None


def sample_answer(session: Session, found: WorkSample, position: int) -> tuple[SampleAnswer, Task]:
    """Return the answer to one task of a work sample, with the task."""
    row = session.exec(
        select(SampleAnswer, Task)
        .join(Task, col(Task.id) == col(SampleAnswer.task_id))
        .where(SampleAnswer.sample_id == found.id, SampleAnswer.position == position)
    ).first()
    if row is None:
        raise NotFound
    return row


def _shown(project: Project, data: Any, result: Any) -> Shown:
    fields = results.variables(project.label_config)
    return Shown(project, {name: data[name] for name in fields if name in data}, result)
