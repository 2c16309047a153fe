"""Work as releases read it, in bulk: tasks in order with the answers that count.

Read in steps of some thousand tasks, as plain columns and with JSON as text, so that memory stays
flat and a million tasks take seconds. Several questions are asked: the caller's session must see
one state of the database (`core.db.snapshot`).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col

from annotation import media, media_kinds
from annotation.loop_models import AnswerOrigin, AnswerPlacing, ModelAnswer
from annotation.models import Annotation, Assignment, State, Task

AT_ONCE = 2_000
VALIDATED = (State.ACCEPTED, State.PARTLY_ACCEPTED)


class TaskRow(NamedTuple):
    """A task: its data as PostgreSQL writes JSON, which is the same for the same data."""

    id: int
    project_id: int
    external_id: str
    group_key: str | None
    data: str
    gold: list[dict[str, Any]] | None


class AnswerRow(NamedTuple):
    """An answer: its result as PostgreSQL writes JSON, and how it came to count."""

    task_id: int
    assignment_id: int
    expert_id: int
    state: str
    decided_rule: str | None
    submitted_at: datetime
    decided_at: datetime | None
    lead_seconds: int | None
    pay_minor: int
    currency: str
    result: str


class Extra(NamedTuple):
    """What few answers have: the prediction they began with, and models that they compare."""

    origin: str | None
    model_version: str | None
    placings: tuple[tuple[str, int, int | None], ...]


@dataclass(frozen=True)
class Read:
    """A task with its answers, in the order in which these were claimed."""

    task: TaskRow
    answers: tuple[AnswerRow, ...]
    extras: dict[int, Extra]


def read(
    session: Session, project_ids: Sequence[int], *, until: datetime, waiting: bool = False
) -> Iterator[Read]:
    """Yield the tasks of projects that have answers, and those answers as they were at a time.

    Answers count that were accepted by then; with `waiting`, also those handed in and not decided.
    """
    for project_id in project_ids:
        after, files = 0, media.hashes(session, project_id)
        while tasks := _tasks(session, project_id, after):
            last = tasks[-1].id
            span = (project_id, after, last)
            answers, extras = _answers(session, span, until, waiting), _extras(session, span)
            for task in tasks:
                if own := answers.get(task.id):
                    yield Read(_with_hashes(task, files), tuple(own), extras)
            after = last


def data_of(task: TaskRow) -> dict[str, Any]:
    """Return the data of a task."""
    data: dict[str, Any] = json.loads(task.data)
    return data


def result_of(answer: AnswerRow) -> list[dict[str, Any]]:
    """Return the result of an answer."""
    result: list[dict[str, Any]] = json.loads(answer.result)
    return result


def _tasks(session: Session, project_id: int, after: int) -> list[TaskRow]:
    query = (
        select(
            col(Task.id),
            col(Task.project_id),
            col(Task.external_id),
            col(Task.group_key),
            cast(col(Task.data), Text),
            col(Task.gold),
        )
        .where(col(Task.project_id) == project_id, col(Task.id) > after)
        .order_by(col(Task.id))
        .limit(AT_ONCE)
    )
    return [TaskRow(*row) for row in session.execute(query)]


def _with_hashes(task: TaskRow, files: Mapping[str, str]) -> TaskRow:
    """Name each media file with a fingerprint of its content, for good."""
    if not files or media_kinds.SCHEME not in task.data:
        return task
    named = media.with_hashes(json.loads(task.data), files)
    return task._replace(data=json.dumps(named, ensure_ascii=False))


def _answers(
    session: Session, span: tuple[int, int, int], until: datetime, waiting: bool
) -> dict[int, list[AnswerRow]]:
    project_id, after, last = span
    counts = col(Assignment.state).in_(VALIDATED) & (col(Assignment.decided_at) <= until)
    if waiting:
        counts |= (col(Assignment.state) == State.SUBMITTED) & (
            col(Assignment.submitted_at) <= until
        )
    query = (
        select(
            col(Assignment.task_id),
            col(Assignment.id),
            col(Assignment.expert_id),
            cast(col(Assignment.state), Text),
            col(Assignment.decided_rule),
            col(Annotation.submitted_at),
            col(Assignment.decided_at),
            col(Assignment.lead_seconds),
            col(Assignment.pay_minor),
            col(Assignment.currency),
            cast(col(Annotation.result), Text),
        )
        .join(Annotation, col(Annotation.assignment_id) == col(Assignment.id))
        .where(
            # Said of both tables, so that both are read by their index on tasks.
            col(Assignment.task_id).between(after + 1, last),
            col(Annotation.task_id).between(after + 1, last),
            col(Assignment.project_id) == project_id,
            counts,
        )
        .order_by(col(Assignment.task_id), col(Assignment.id))
    )
    found: dict[int, list[AnswerRow]] = defaultdict(list)
    for row in session.execute(query):
        found[row[0]].append(AnswerRow(*row))
    return found


def _extras(session: Session, span: tuple[int, int, int]) -> dict[int, Extra]:
    """Return what the answers to some tasks have beside their result, by assignment."""
    project_id, after, last = span
    own = (
        col(Assignment.task_id).between(after + 1, last),
        col(Assignment.project_id) == project_id,
    )
    origins = (
        select(
            col(Assignment.id),
            cast(col(AnswerOrigin.origin), Text),
            col(AnswerOrigin.model_version),
        )
        .join(AnswerOrigin, col(AnswerOrigin.assignment_id) == col(Assignment.id))
        .where(col(AnswerOrigin.project_id) == project_id, *own)
    )
    one = func.jsonb_build_array(
        col(ModelAnswer.model), col(AnswerPlacing.position), col(AnswerPlacing.place)
    )
    placings = (
        select(
            col(Assignment.id), func.jsonb_agg(aggregate_order_by(one, col(AnswerPlacing.position)))
        )
        .join(AnswerPlacing, col(AnswerPlacing.assignment_id) == col(Assignment.id))
        .join(ModelAnswer, col(ModelAnswer.id) == col(AnswerPlacing.model_answer_id))
        .where(*own)
        .group_by(col(Assignment.id))
    )
    found = {row[0]: Extra(row[1], row[2], ()) for row in session.execute(origins)}
    for assignment_id, placed in session.execute(placings):
        before = found.get(assignment_id, Extra(None, None, ()))
        found[assignment_id] = before._replace(placings=tuple(tuple(one) for one in placed))
    return found
