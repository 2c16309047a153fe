"""What Label Studio gets beside answers: skips of experts, and known answers as ground truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from annotation.mirror_models import Extra, MirrorExtra
from annotation.models import Assignment, State, Task
from experts.models import Expert
from projects.models import Project, id_of


@dataclass(frozen=True)
class Unpushed:
    """A skip, with who skipped, or a known answer, with nobody."""

    kind: Extra
    row_id: int
    project_id: int
    task_id: int
    task_there: int
    unique_id: UUID
    result: Sequence[Mapping[str, Any]] = ()
    expert_id: int | None = None
    pseudonym: str | None = None
    lead_seconds: float = 0


def is_left(project_id: Any) -> Any:
    """Return the condition that a project has skips or known answers that are still to be brought.

    They are brought once their task is.
    """
    skip = _skips().where(Assignment.project_id == project_id)
    known = _known().where(Task.project_id == project_id)
    return or_(skip.exists(), known.exists())


def left(session: Session, project_id: int, *, limit: int) -> list[Unpushed]:
    """Return some skips and known answers that are still to be brought."""
    project = session.get_one(Project, project_id)
    skips: Any = session.execute(
        _skips()
        .add_columns(Assignment, Task, Expert.pseudonym)
        .join(Expert, col(Expert.user_id) == col(Assignment.expert_id))
        .where(Assignment.project_id == project_id)
        .order_by(col(Assignment.id))
        .limit(limit)
    )
    found = [
        Unpushed(
            kind=Extra.SKIP,
            row_id=id_of(lease),
            project_id=project_id,
            task_id=id_of(task),
            task_there=task.label_studio_task_id,
            unique_id=unique_id(project, Extra.SKIP, id_of(lease)),
            expert_id=lease.expert_id,
            pseudonym=pseudonym,
            lead_seconds=(lease.left_at - lease.begun_at).total_seconds(),
        )
        for _id, lease, task, pseudonym in skips
    ]
    known: Any = session.execute(
        _known()
        .add_columns(Task)
        .where(Task.project_id == project_id)
        .order_by(col(Task.id))
        .limit(limit)
    )
    found += [
        Unpushed(
            kind=Extra.KNOWN,
            row_id=id_of(task),
            project_id=project_id,
            task_id=id_of(task),
            task_there=task.label_studio_task_id,
            unique_id=unique_id(project, Extra.KNOWN, id_of(task)),
            result=task.gold,
        )
        for _id, task in known
    ]
    return found


def unique_id(project: Project, kind: Extra, row_id: int) -> UUID:
    """Return the id by which Label Studio takes something once; it never changes."""
    return uuid5(
        NAMESPACE_URL, f"doyen:{project.id}:{project.created_at.timestamp()}:{kind}:{row_id}"
    )


def record(
    session: Session, extra: Unpushed, there: int | None, trouble: str | None, *, at: datetime
) -> None:
    """Note that something is there, or never will be."""
    session.execute(
        insert(MirrorExtra)
        .values(
            kind=extra.kind,
            row_id=extra.row_id,
            task_id=extra.task_id,
            label_studio_annotation_id=there,
            pushed_at=at,
            push_trouble=trouble[:1000] if trouble else None,
        )
        .on_conflict_do_nothing()
    )


def _skips() -> Any:
    return (
        select(Assignment.id)
        .join(Task, col(Task.id) == col(Assignment.task_id))
        .where(
            col(Assignment.state) == State.SKIPPED,
            col(Task.label_studio_task_id).is_not(None),
            ~_has(Extra.SKIP, col(Assignment.id)),
        )
    )


def _known() -> Any:
    return select(Task.id).where(
        col(Task.gold).is_not(None),
        col(Task.label_studio_task_id).is_not(None),
        ~_has(Extra.KNOWN, col(Task.id)),
    )


def _has(kind: Extra, row_id: Any) -> Any:
    return (
        select(MirrorExtra.row_id)
        .where(MirrorExtra.kind == kind, MirrorExtra.row_id == row_id)
        .correlate(Assignment, Task)
        .exists()
    )
