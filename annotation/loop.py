"""What models have to do with one assignment: its terms, what the editor gets, what is kept of it.

Projects without models ask nothing here. What a lease says of models is fixed with its terms.
"""

import hashlib
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from annotation import blind, sameness
from annotation.label_config import parse
from annotation.loop_models import AnswerOrigin, AnswerPlacing, Origin, Prediction, Shows
from annotation.models import Assignment, Task
from projects.models import Project, id_of

AT_HAND = text("""
    select rule.version, rule.shows, rule.share_percent, p.id as prediction_id, p.model_version,
           (select count(*) from model_answer a where a.task_id = :task) as answers
    from (select) as one
    left join lateral (select * from prediction_rule where project_id = :project
                       order by version desc limit 1) as rule on true
    left join prediction p on p.task_id = :task and p.model_version = rule.model_version
""")
MODELS = text("select id, slot from model_answer where task_id = :task order by slot")


def terms(session: Session, project: Project, task_id: int, expert_id: int) -> dict[str, Any]:
    """Return what the terms of a new lease say of models."""
    if not project.uses_models:
        return {}
    found = session.execute(AT_HAND, {"project": project.id, "task": task_id}).one()
    said: dict[str, Any] = {}
    if found.prediction_id is not None:
        said["prediction"] = {
            "id": found.prediction_id,
            "rule": found.version,
            "model_version": found.model_version,
            "shown": is_shown(found.shows, found.share_percent, project.id or 0, task_id),
        }
    if found.answers:
        # Of the assignment's expert and task: who gets a task again finds their draft as it was.
        said["order"] = blind.order(f"{project.id}/{task_id}/{expert_id}", found.answers)
    return said


def start_of(session: Session, lease: Assignment) -> list[dict[str, Any]] | None:
    """Return the prediction with which an assignment begins, where its terms show one."""
    given = lease.terms.get("prediction")
    if not given or not given["shown"]:
        return None
    return session.get_one(Prediction, given["id"]).result


def data_shown(project: Project, task: Task, lease: Assignment) -> dict[str, Any]:
    """Return a task's data as an assignment shows it."""
    how, order = _blind(project, lease)
    return blind.shown(how, task.data, order) if how else dict(task.data)


def as_kept(project: Project, lease: Assignment, result: Any) -> Any:
    """Return what was handed in as it is kept: places in a comparison are those of the data."""
    how, order = _blind(project, lease)
    return blind.turned_back(how, result, order) if how else result


def note(session: Session, project: Project, lease: Assignment, result: Any) -> None:
    """Keep what an answer began with, and where whose answer stood that it compared."""
    given = lease.terms.get("prediction")
    if given:
        session.add(_origin(session, lease, result, given))
    how, order = _blind(project, lease)
    if how:
        session.add_all(_placings(session, how, order, lease, result))


def is_shown(shows: str, percent: int | None, project_id: int, task_id: int) -> bool:
    """Say whether a task is among those that show a prediction: always the same for a task."""
    if shows != Shows.SHARE:
        return shows == Shows.ALL
    digest = hashlib.blake2b(f"{project_id}/{task_id}/shown".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % 100 < (percent or 0)


def _blind(project: Project, lease: Assignment) -> tuple[blind.Plan | None, list[int]]:
    order = lease.terms.get("order")
    if not order:
        return None, []
    how = blind.plan(parse(project.label_config))
    return (how, order) if isinstance(how, blind.Plan) else (None, [])


def _origin(
    session: Session, lease: Assignment, result: Any, given: dict[str, Any]
) -> AnswerOrigin:
    prediction = session.get_one(Prediction, given["id"])
    agrees = sameness.same(prediction.result, result)
    seen = Origin.UNCHANGED if agrees else Origin.CHANGED
    return AnswerOrigin(
        assignment_id=id_of(lease),
        project_id=lease.project_id,
        prediction_id=given["id"],
        model_version=given["model_version"],
        origin=seen if given["shown"] else Origin.BLANK,
        agrees=agrees,
    )


def _placings(
    session: Session, how: blind.Plan, order: list[int], lease: Assignment, result: Any
) -> list[AnswerPlacing]:
    models = {one.id: one.slot for one in session.execute(MODELS, {"task": lease.task_id})}
    placed = blind.places(how, result, len(models))
    return [
        AnswerPlacing(
            assignment_id=id_of(lease),
            model_answer_id=model_answer_id,
            project_id=lease.project_id,
            position=order.index(slot) + 1,
            place=placed[slot],
        )
        for model_answer_id, slot in models.items()
    ]
