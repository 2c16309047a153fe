"""Validated work as releases read it: one row for each task that has an accepted answer.

Rows are streamed by a cursor of the server, so that memory stays flat however many there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col

from annotation import agreement, media
from annotation.loop_models import AnswerOrigin, AnswerPlacing, ModelAnswer, Origin
from annotation.media_kinds import SCHEME, replaced
from annotation.models import Annotation, Assignment, State, Task
from experts.models import Expert

AT_ONCE = 500
VALIDATED = (State.ACCEPTED, State.PARTLY_ACCEPTED)


@dataclass(frozen=True)
class Placing:
    """Where an expert saw the answer of a model, and how they placed it; 1 is best."""

    model: str
    position: int
    place: int | None


@dataclass(frozen=True)
class ValidatedAnnotation:
    """One accepted answer, and how it came to be accepted."""

    annotation_id: int
    expert_id: int
    pseudonym: str
    result: list[dict[str, Any]]
    label: str | None
    state: str
    # The name of the rule that accepted it, or "person".
    decided_how: str
    lead_seconds: int | None
    submitted_at: datetime
    decided_at: datetime
    # What it began with: a prediction, unchanged or changed, or a blank form.
    origin: str = Origin.BLANK
    prediction_id: int | None = None
    model_version: str | None = None
    # Where the answers of models that it compares stood, and how it places them.
    placings: tuple[Placing, ...] = ()


@dataclass(frozen=True)
class ValidatedTask:
    """A task with its accepted answers and what they come to."""

    task_id: int
    external_id: str
    group_key: str | None
    data: dict[str, Any]
    is_gold: bool
    # The choice that more than half gave; None where there is none, or where nothing is chosen.
    label: str | None
    # The marks that more than half set, exactly.
    spans: tuple[agreement.Span, ...]
    # The share of pairs that agree; None with a single answer.
    agreement: float | None
    annotations: tuple[ValidatedAnnotation, ...]


def results_for_release(session: Session, project_id: int) -> Iterator[ValidatedTask]:
    """Stream the validated tasks of a project in the order in which they came in."""
    files = media.hashes(session, project_id)
    with session.connection().execute(
        _question(project_id), execution_options={"yield_per": AT_ONCE}
    ) as rows:
        for _task_id, group in groupby(rows, key=lambda row: row.task_id):
            yield _task(list(group), files)


def with_hashes(data: dict[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Return data that names each media file with a fingerprint of its content, for good."""
    if not files:
        return data
    named = {name: f"{SCHEME}{name}#sha256={sha256}" for name, sha256 in files.items()}
    return {key: replaced(value, named) for key, value in data.items()}


def _question(project_id: int) -> Any:
    # Plain columns and no entities: a session would keep every row it has seen.
    return (
        select(
            col(Task.id).label("task_id"),
            col(Task.external_id),
            col(Task.group_key),
            col(Task.data),
            col(Task.gold).is_not(None).label("is_gold"),
            col(Annotation.id).label("annotation_id"),
            col(Annotation.result),
            col(Annotation.submitted_at),
            col(Assignment.expert_id),
            col(Assignment.state),
            col(Assignment.decided_rule),
            col(Assignment.decided_at),
            col(Assignment.lead_seconds),
            col(Expert.pseudonym),
            col(AnswerOrigin.origin),
            col(AnswerOrigin.prediction_id),
            col(AnswerOrigin.model_version),
            _placings().label("placings"),
        )
        .select_from(Task)
        .join(Assignment, col(Assignment.task_id) == col(Task.id))
        .join(Annotation, col(Annotation.assignment_id) == col(Assignment.id))
        .join(Expert, col(Expert.user_id) == col(Assignment.expert_id))
        .outerjoin(AnswerOrigin, col(AnswerOrigin.assignment_id) == col(Assignment.id))
        .where(col(Task.project_id) == project_id, col(Assignment.state).in_(VALIDATED))
        .order_by(col(Task.id), col(Assignment.id))
    )


def _placings() -> Any:
    """Select the placings of an assignment as one value; most have none."""
    one = func.jsonb_build_array(
        col(ModelAnswer.model), col(AnswerPlacing.position), col(AnswerPlacing.place)
    )
    return (
        select(func.jsonb_agg(aggregate_order_by(one, col(AnswerPlacing.position))))
        .join(ModelAnswer, col(ModelAnswer.id) == col(AnswerPlacing.model_answer_id))
        .where(col(AnswerPlacing.assignment_id) == col(Assignment.id))
        .correlate(Assignment)
        .scalar_subquery()
    )


def _task(rows: list[Any], files: Mapping[str, str]) -> ValidatedTask:
    first = rows[0]
    results = [row.result for row in rows]
    answers = [agreement.answer(result) for result in results]
    return ValidatedTask(
        task_id=first.task_id,
        external_id=first.external_id,
        group_key=first.group_key,
        data=with_hashes(first.data, files),
        is_gold=first.is_gold,
        label=agreement.majority_label(results),
        spans=agreement.majority_spans(results),
        agreement=agreement.pairwise(answers),
        annotations=tuple(_annotation(row) for row in rows),
    )


def _annotation(row: Any) -> ValidatedAnnotation:
    return ValidatedAnnotation(
        annotation_id=row.annotation_id,
        expert_id=row.expert_id,
        pseudonym=row.pseudonym,
        result=row.result,
        label=agreement.label(row.result),
        state=str(row.state),
        decided_how=row.decided_rule or "person",
        lead_seconds=row.lead_seconds,
        submitted_at=row.submitted_at,
        decided_at=row.decided_at,
        origin=str(row.origin or Origin.BLANK),
        prediction_id=row.prediction_id,
        model_version=row.model_version,
        placings=tuple(Placing(*one) for one in row.placings or ()),
    )
