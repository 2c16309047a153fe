"""What the mirror of a project has, set beside what it should have. Nothing is changed by looking.

Numbers there are trusted no further than what they lead to: a restored Label Studio gives the
same numbers to other rows. A task is ours where it carries our number, an answer is an expert's
where it stands on that task under the expert's shadow user.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from annotation import mirror_predictions, mirror_verdicts
from annotation.mirror_models import Extra, MirrorExtra
from annotation.models import Annotation, Assignment, ShadowUser, State, Task
from core.ports import AnswerThere, TaskThere


@dataclass(frozen=True)
class Ours:
    """An answer of ours, and the number of the user who stands for its expert there."""

    row: Annotation
    shadow: int | None


@dataclass
class Found:
    """What some tasks there are to us."""

    tasks: dict[int, TaskThere] = field(default_factory=dict)  # by our ids
    strangers: list[TaskThere] = field(default_factory=list)
    answers: dict[int, AnswerThere] = field(default_factory=dict)  # by our annotations
    changed: list[tuple[Annotation, AnswerThere]] = field(default_factory=list)
    lost: list[tuple[Annotation, TaskThere]] = field(default_factory=list)
    added: list[tuple[int, AnswerThere]] = field(default_factory=list)
    extras_lost: list[MirrorExtra] = field(default_factory=list)
    predictions: mirror_predictions.Found = field(default_factory=mirror_predictions.Found)
    verdicts_lost: list[int] = field(default_factory=list)  # our tasks


def examine(session: Session, project_id: int, page: Sequence[TaskThere]) -> Found:
    """Set some tasks there beside ours."""
    found = Found()
    known = _tasks(session, project_id, (one.ours for one in page if one.ours is not None))
    for there in page:
        task = known.get(there.ours or 0)
        if task is None or there.ours in found.tasks or _is_repeated(task, there, page):
            found.strangers.append(there)
        else:
            found.tasks[task.id or 0] = there
    ours = _answers(session, found.tasks)
    extras = _extras(session, found.tasks)
    skips = _skipped(session, found.tasks)
    for task_id, there in found.tasks.items():
        left = _match_answers(found, there, ours.get(task_id, []))
        left = _match_extras(found, extras.get(task_id, []), left)
        for answer in left:
            own_skip = answer.is_skip and answer.by in skips.get(task_id, ())
            known_answer = answer.is_truth and answer.result == known[task_id].gold
            if not own_skip and not known_answer:
                found.added.append((task_id, answer))
    found.predictions = mirror_predictions.examine(session, project_id, found.tasks)
    found.verdicts_lost = mirror_verdicts.examine(session, found.tasks)
    return found


def is_lost(project_id: int, found: Found, *, after: int, until: int | None) -> Any:
    """Return the condition on our tasks that are noted within a range there, and are not there."""
    number = col(Task.label_studio_task_id)
    condition = (
        (col(Task.project_id) == project_id)
        & (number > after)
        & col(Task.id).not_in(list(found.tasks))
        & number.not_in([one.id for one in found.tasks.values()])
    )
    return condition if until is None else condition & (number <= until)


def count_lost(session: Session, lost: Any) -> int:
    """Count the tasks that such a condition names."""
    return session.exec(select(func.count()).select_from(Task).where(lost)).one()


def _tasks(session: Session, project_id: int, ids: Iterable[int]) -> dict[int, Task]:
    rows = session.exec(
        select(Task).where(Task.project_id == project_id, col(Task.id).in_(_fitting(ids)))
    )
    return {row.id or 0: row for row in rows}


def _fitting(ids: Iterable[int]) -> list[int]:
    # Whoever may write there may write any number.
    return [number for number in ids if 0 < number < 2**63]


def _is_repeated(task: Task, there: TaskThere, page: Sequence[TaskThere]) -> bool:
    """Return whether a task there only carries the number of one that we have noted before it."""
    noted = task.label_studio_task_id
    if noted is None or noted == there.id:
        return False
    return noted < there.id and any(one.id == noted and one.ours == task.id for one in page)


def _answers(session: Session, task_ids: Iterable[int]) -> dict[int, list[Ours]]:
    rows = session.execute(
        select(Annotation, ShadowUser.label_studio_user_id)
        .outerjoin(ShadowUser, col(ShadowUser.expert_id) == col(Annotation.expert_id))
        .where(col(Annotation.task_id).in_(list(task_ids)))
        .order_by(col(Annotation.id))
    )
    found: dict[int, list[Ours]] = {}
    for row, shadow in rows:
        found.setdefault(row.task_id, []).append(Ours(row, shadow))
    return found


def _extras(session: Session, task_ids: Iterable[int]) -> dict[int, list[MirrorExtra]]:
    rows = session.exec(select(MirrorExtra).where(col(MirrorExtra.task_id).in_(list(task_ids))))
    found: dict[int, list[MirrorExtra]] = {}
    for row in rows:
        found.setdefault(row.task_id, []).append(row)
    return found


def _skipped(session: Session, task_ids: Iterable[int]) -> dict[int, set[int]]:
    """Return the shadow users of those who skipped, by task."""
    rows: Any = session.execute(
        select(Assignment.task_id, ShadowUser.label_studio_user_id)
        .join(ShadowUser, col(ShadowUser.expert_id) == col(Assignment.expert_id))
        .where(col(Assignment.task_id).in_(list(task_ids)), col(Assignment.state) == State.SKIPPED)
    )
    found: dict[int, set[int]] = {}
    for task_id, shadow in rows:
        found.setdefault(task_id, set()).add(shadow)
    return found


def _match_answers(found: Found, there: TaskThere, ours: Sequence[Ours]) -> list[AnswerThere]:
    """Find our answers among those of a task there; return what is left."""
    left = list(there.answers)
    for one in ours:
        match = _match(one, left)
        if match is None:
            if one.row.pushed_at is not None:
                found.lost.append((one.row, there))
            continue
        left.remove(match)
        found.answers[one.row.id or 0] = match
        is_anothers = one.shadow is not None and match.by != one.shadow
        if match.result != one.row.result or match.is_skip or is_anothers:
            found.changed.append((one.row, match))
    return left


def _match(one: Ours, left: Sequence[AnswerThere]) -> AnswerThere | None:
    by_shadow = [it for it in left if one.shadow is not None and it.by == one.shadow]
    noted = one.row.label_studio_annotation_id
    numbered = [it for it in left if noted is not None and it.id == noted]
    both = [it for it in numbered if it in by_shadow]
    return next(iter(both or by_shadow or numbered), None)


def _match_extras(
    found: Found, extras: Sequence[MirrorExtra], left: list[AnswerThere]
) -> list[AnswerThere]:
    for extra in extras:
        if extra.push_trouble is not None:
            continue
        match = next((it for it in left if _is_extra(extra, it)), None)
        if match is None:
            found.extras_lost.append(extra)
        else:
            left.remove(match)
    return left


def _is_extra(extra: MirrorExtra, answer: AnswerThere) -> bool:
    kind = answer.is_truth if extra.kind is Extra.KNOWN else answer.is_skip
    known = extra.label_studio_annotation_id
    return kind and (known is None or known == answer.id)
