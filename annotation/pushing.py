"""What is still to bring to the labelling backend: read, and what came of it recorded.

Our rows come first and stand without the backend; whatever is left is found again by a sweep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, union
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select, update

from annotation import mirror_extras, mirror_predictions, mirror_verdicts
from annotation.loop_models import AnswerOrigin, Origin
from annotation.mirror_models import MirrorExtra
from annotation.mirror_prediction_models import MirrorPrediction
from annotation.models import Annotation, Assignment, LabelStudioProject, ShadowUser, Task
from experts.models import Expert
from projects.models import Project, State

TASKS_AT_ONCE = 200


@dataclass(frozen=True)
class Unpushed:
    """An answer that the backend does not have yet; None where the backend's id is unknown."""

    annotation_id: int
    project_id: int
    result: Sequence[Mapping[str, Any]]
    unique_id: UUID
    lead_seconds: float
    expert_id: int
    pseudonym: str
    task_there: int | None
    expert_there: int | None
    # The prediction that the expert began with, if any.
    prediction_id: int | None = None
    prediction_there: int | None = None


def reference(project: Project) -> str:
    """Return what names a project in every instance, whatever database it began in."""
    return f"doyen {project.id} {project.created_at:%Y%m%dT%H%M%S.%fZ}"


def project_there(session: Session, project_id: int) -> int | None:
    """Return the backend's id of a project."""
    known = session.get(LabelStudioProject, project_id)
    return known.label_studio_project_id if known else None


def record_project(session: Session, project_id: int, there: int, *, at: datetime) -> None:
    """Keep the backend's id of a project; a new one replaces the old, with that of its tasks.

    A backend that was restored gives the numbers of one project to another: whichever had this
    one before has lost its own.
    """
    before = project_there(session, project_id)
    if before == there:
        return
    stale = session.exec(
        select(LabelStudioProject).where(LabelStudioProject.label_studio_project_id == there)
    ).first()
    if stale is not None:
        _forget_contents(session, stale.project_id)
        session.delete(stale)
        session.flush()
    row = {"project_id": project_id, "label_studio_project_id": there, "created_at": at}
    session.execute(
        insert(LabelStudioProject)
        .values(row)
        .on_conflict_do_update(index_elements=["project_id"], set_=row)
    )
    if before is not None:
        _forget_contents(session, project_id)


def _forget_contents(session: Session, project_id: int) -> None:
    """Note that the backend has lost a project, and with it the tasks and answers in it."""
    of_project = select(Task.id).where(Task.project_id == project_id)
    session.execute(
        update(Task).where(col(Task.project_id) == project_id).values(label_studio_task_id=None)
    )
    session.execute(
        update(Annotation)
        .where(col(Annotation.project_id) == project_id)
        .values(label_studio_annotation_id=None, pushed_at=None)
    )
    session.execute(
        delete(MirrorExtra).where(
            col(MirrorExtra.task_id).in_(of_project), col(MirrorExtra.push_trouble).is_(None)
        )
    )
    mirror_predictions.forget_tasks(session, of_project)
    mirror_verdicts.forget_tasks(session, of_project)


def tasks(session: Session, project_id: int) -> dict[int, dict[str, Any]]:
    """Return the data of some tasks that the backend does not have, by our ids."""
    rows = session.exec(
        select(Task.id, Task.data)
        .where(Task.project_id == project_id, col(Task.label_studio_task_id).is_(None))
        .order_by(col(Task.id))
        .limit(TASKS_AT_ONCE)
    )
    return {task_id: dict(data) for task_id, data in rows if task_id is not None}


def record_tasks(session: Session, there: Mapping[int, int]) -> None:
    """Keep the backend's ids of tasks, by ours."""
    for task_id, its_id in sorted(there.items()):
        session.execute(
            update(Task).where(col(Task.id) == task_id).values(label_studio_task_id=its_id)
        )


def annotation(session: Session, annotation_id: int) -> Unpushed | None:
    """Return an answer that is still to be brought; None when it is there or refused."""
    row = session.exec(
        select(Annotation, Assignment, Expert, Task)
        .join(Assignment, col(Assignment.id) == col(Annotation.assignment_id))
        .join(Expert, col(Expert.user_id) == col(Annotation.expert_id))
        .join(Task, col(Task.id) == col(Annotation.task_id))
        .where(
            Annotation.id == annotation_id,
            col(Annotation.pushed_at).is_(None),
            col(Annotation.push_trouble).is_(None),
        )
    ).first()
    if row is None:
        return None
    answer, assignment, expert, task = row
    shadow = session.get(ShadowUser, expert.user_id)
    origin = session.get(AnswerOrigin, answer.assignment_id)
    began_with = origin.prediction_id if origin and origin.origin is not Origin.BLANK else None
    noted = session.get(MirrorPrediction, began_with) if began_with else None
    return Unpushed(
        annotation_id=annotation_id,
        project_id=answer.project_id,
        result=answer.result,
        unique_id=answer.unique_id,
        lead_seconds=float(assignment.lead_seconds or 0),
        expert_id=expert.user_id,
        pseudonym=expert.pseudonym,
        task_there=task.label_studio_task_id,
        expert_there=shadow.label_studio_user_id if shadow else None,
        prediction_id=began_with,
        # What an answer begins with stays: until that is noted it may be withdrawn.
        prediction_there=noted.label_studio_prediction_id if noted and noted.stays else None,
    )


def record_shadow_user(session: Session, expert_id: int, there: int, *, at: datetime) -> None:
    """Keep the backend's id of the user who stands for an expert, and for nobody else."""
    session.execute(
        delete(ShadowUser).where(
            col(ShadowUser.label_studio_user_id) == there, col(ShadowUser.expert_id) != expert_id
        )
    )
    row = {"expert_id": expert_id, "label_studio_user_id": there, "created_at": at}
    session.execute(
        insert(ShadowUser).values(row).on_conflict_do_update(index_elements=["expert_id"], set_=row)
    )


def record_annotation(
    session: Session, annotation_id: int, there: int | None, *, at: datetime
) -> None:
    """Note that the backend has an answer; its id is unknown when it had it before."""
    answer = session.get_one(Annotation, annotation_id, with_for_update=True)
    answer.pushed_at = answer.pushed_at or at
    answer.label_studio_annotation_id = there or answer.label_studio_annotation_id


def record_refusal(session: Session, annotation_id: int, trouble: str) -> None:
    """Note that the backend will never take an answer; it counts here all the same."""
    answer = session.get_one(Annotation, annotation_id, with_for_update=True)
    answer.push_trouble = trouble[:1000] or "refused"


def projects_behind(session: Session) -> list[int]:
    """Return the projects of which the backend lacks the project, or something in it."""
    published = select(Project.id).where(Project.state != State.DRAFT)
    without = published.where(
        col(Project.id).not_in(select(LabelStudioProject.project_id)),
    )
    tasks_left = published.where(
        select(Task.id)
        .where(Task.project_id == col(Project.id), col(Task.label_studio_task_id).is_(None))
        .exists()
    )
    answers_left = published.where(
        select(Annotation.id)
        .where(
            Annotation.project_id == col(Project.id),
            col(Annotation.pushed_at).is_(None),
            col(Annotation.push_trouble).is_(None),
        )
        .exists()
    )
    extras_left = published.where(mirror_extras.is_left(col(Project.id)))
    predictions_left = published.where(mirror_predictions.IS_LEFT)
    verdicts_left = published.where(mirror_verdicts.is_left(col(Project.id)))
    rows = session.execute(
        union(without, tasks_left, answers_left, extras_left, predictions_left, verdicts_left)
    )
    return sorted(project_id for (project_id,) in rows)


def lacks_tasks(session: Session, project_id: int) -> bool:
    """Say whether there are answers to be brought whose task the backend does not have."""
    found = (
        select(Annotation.id)
        .join(Task, col(Task.id) == col(Annotation.task_id))
        .where(
            Annotation.project_id == project_id,
            col(Annotation.pushed_at).is_(None),
            col(Annotation.push_trouble).is_(None),
            col(Task.label_studio_task_id).is_(None),
        )
    )
    return session.exec(found.limit(1)).first() is not None


def annotations_left(session: Session, project_id: int, *, limit: int) -> list[int]:
    """Return some answers of a project that are still to be brought, the oldest first."""
    found = session.exec(
        select(Annotation.id)
        .where(
            Annotation.project_id == project_id,
            col(Annotation.pushed_at).is_(None),
            col(Annotation.push_trouble).is_(None),
        )
        .order_by(col(Annotation.id))
        .limit(limit)
    )
    return [annotation_id for annotation_id in found if annotation_id is not None]
