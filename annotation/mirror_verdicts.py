"""What Label Studio is told of verdicts: on each task those on its answers, and of each a review.

A verdict and the row that says it is to be brought are one transaction. Words of reviewers are
for the Enterprise edition alone, where nobody reads what is not theirs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import decisions
from annotation.mirror_verdict_models import MirrorVerdict
from annotation.models import Annotation, Assignment, Task, Verdict
from core.ports import TaskThere, VerdictNote
from experts.models import Expert

AT_ONCE = 20


@dataclass(frozen=True)
class Decided:
    """A verdict on an answer; `answer_there` is the backend's id of the answer, where known."""

    assignment_id: int
    verdict: Verdict
    decided_at: datetime
    by: str
    reason_code: str | None
    words: str
    unique_id: UUID
    pseudonym: str
    answer_there: int | None
    is_answer_refused: bool
    noted: MirrorVerdict | None

    @property
    def is_to_bring(self) -> bool:
        """Whether the backend is still to be told."""
        return bool(self.noted and not self.noted.pushed_at and not self.noted.push_trouble)

    @property
    def is_accepted(self) -> bool:
        """Whether the work counts, in whole or in part."""
        return self.verdict is not Verdict.REJECTED


@dataclass
class Unpushed:
    """A task with all verdicts on its answers, of which some are still to be brought."""

    task_id: int
    task_there: int
    decided: list[Decided] = field(default_factory=list)

    @property
    def note(self) -> VerdictNote:
        """What the task is to say."""
        return note(self.decided)


def changed(session: Session, assignment: Assignment) -> None:
    """Note that a verdict was given, or is another by now, so that it is brought."""
    row = {
        "assignment_id": assignment.id,
        "project_id": assignment.project_id,
        "task_id": assignment.task_id,
        "decided_at": assignment.decided_at,
    }
    fresh = {"decided_at": assignment.decided_at, "pushed_at": None, "push_trouble": None}
    session.execute(
        insert(MirrorVerdict)
        .values(row)
        .on_conflict_do_update(index_elements=["assignment_id"], set_=fresh)
    )


def note(decided: Sequence[Decided]) -> VerdictNote:
    """Say verdicts for programs, and in a line for people; without a word of a reviewer."""
    if not decided:
        return VerdictNote()
    return VerdictNote([_row(one) for one in decided], "; ".join(map(_line, decided)))


def is_left(project_id: Any) -> Any:
    """Return the condition that a project has verdicts that are still to be brought."""
    return select(MirrorVerdict.assignment_id).where(_to_bring(project_id)).exists()


def count_left(session: Session, project_id: int) -> int:
    """Count the verdicts that are still to be brought, up to ten thousand."""
    found = select(MirrorVerdict.assignment_id).where(_to_bring(project_id)).limit(10_000)
    return session.exec(select(func.count()).select_from(found.subquery())).one()


def left(session: Session, project_id: int, *, after: int) -> list[Unpushed]:
    """Return the next tasks there, above one of ours, with verdicts that are to be brought."""
    rows = session.execute(
        select(MirrorVerdict.task_id, Task.label_studio_task_id)
        .join(Task, col(Task.id) == col(MirrorVerdict.task_id))
        .where(
            _to_bring(project_id),
            col(MirrorVerdict.task_id) > after,
            col(Task.label_studio_task_id).is_not(None),
        )
        .distinct()
        .order_by(col(MirrorVerdict.task_id))
        .limit(AT_ONCE)
    ).all()
    decided = _decided(session, [task_id for task_id, _there in rows])
    return [Unpushed(task_id, there or 0, decided[task_id]) for task_id, there in rows]


def record(
    session: Session,
    one: Decided,
    *,
    at: datetime,
    review: int | None = None,
    trouble: str | None = None,
) -> None:
    """Note that a verdict is there, unless it is another by now."""
    values: dict[str, Any] = {"pushed_at": at, "review_trouble": trouble and trouble[:1000]}
    if review is not None:
        values["label_studio_review_id"] = review
    _set(session, _is(one), **values)


def record_refusal(session: Session, task: Unpushed, trouble: str) -> None:
    """Note that the backend will never take what a task is to say; it counts here all the same."""
    for one in task.decided:
        if one.is_to_bring:
            _set(session, _is(one), push_trouble=trouble[:1000] or "refused")


def examine(session: Session, tasks: Mapping[int, TaskThere]) -> list[int]:
    """Return which tasks there, by our ids, do not say what they were told."""
    return [
        task_id
        for task_id, decided in _decided(session, tasks).items()
        if not any(one.is_to_bring or (one.noted and one.noted.push_trouble) for one in decided)
        and note(decided) != tasks[task_id].verdicts
    ]


def mend(session: Session, task_ids: Iterable[int]) -> None:
    """Let all verdicts on some tasks be brought again."""
    task_ids = list(task_ids)
    if not task_ids:
        return
    decided = select(
        Assignment.id, Assignment.project_id, Assignment.task_id, Assignment.decided_at
    ).where(col(Assignment.task_id).in_(task_ids), col(Assignment.verdict).is_not(None))
    row = insert(MirrorVerdict).from_select(
        ["assignment_id", "project_id", "task_id", "decided_at"], decided
    )
    fresh = {"decided_at": row.excluded.decided_at, "pushed_at": None}
    session.execute(row.on_conflict_do_update(index_elements=["assignment_id"], set_=fresh))


def forget(session: Session, which: Any) -> None:
    """Note that the backend does not have the verdicts which a condition selects, nor reviews."""
    _set(session, which, pushed_at=None, label_studio_review_id=None)


def forget_tasks(session: Session, which: Any) -> None:
    """Note that the tasks which a condition selects say nothing there any more."""
    forget(session, col(MirrorVerdict.task_id).in_(which))


def forget_reviews(session: Session, annotation_ids: Sequence[int | None]) -> None:
    """Note that some answers are gone there, or are others, and with them their reviews."""
    of_these = select(Annotation.assignment_id).where(col(Annotation.id).in_(annotation_ids))
    forget(
        session,
        col(MirrorVerdict.assignment_id).in_(of_these)
        & col(MirrorVerdict.label_studio_review_id).is_not(None),
    )


def without_review(session: Session, project_id: int, there: Mapping[int, bool]) -> list[int]:
    """Return whose answers a review there lacks, or says something else; by assignments.

    `there` says by the backend's ids of answers whether they are accepted. What was refused is
    known and is not missing.
    """
    rows = session.execute(
        select(Assignment.id, Assignment.verdict, Annotation.label_studio_annotation_id)
        .join(MirrorVerdict, col(MirrorVerdict.assignment_id) == col(Assignment.id))
        .join(Annotation, col(Annotation.assignment_id) == col(Assignment.id))
        .where(
            MirrorVerdict.project_id == project_id,
            col(MirrorVerdict.pushed_at).is_not(None),
            col(MirrorVerdict.review_trouble).is_(None),
            col(Annotation.label_studio_annotation_id).is_not(None),
        )
    )
    return [
        assignment_id
        for assignment_id, verdict, number in rows
        if there.get(number) is not (verdict is not Verdict.REJECTED)
    ]


def try_refused_again(session: Session, project_id: int) -> None:
    """Let what was refused, also as a review, be brought once more."""
    _set(
        session,
        (col(MirrorVerdict.project_id) == project_id)
        & or_(
            col(MirrorVerdict.push_trouble).is_not(None),
            col(MirrorVerdict.review_trouble).is_not(None),
        ),
        pushed_at=None,
        push_trouble=None,
        review_trouble=None,
    )


def troubles(session: Session, project_ids: Sequence[int]) -> dict[int, int]:
    """Count the verdicts that the backend would not take, as a note or a review, by project."""
    rows = session.execute(
        select(MirrorVerdict.project_id, func.count())
        .where(
            col(MirrorVerdict.project_id).in_(project_ids),
            or_(
                col(MirrorVerdict.push_trouble).is_not(None),
                col(MirrorVerdict.review_trouble).is_not(None),
            ),
        )
        .group_by(col(MirrorVerdict.project_id))
    )
    return {row[0]: row[1] for row in rows}


def _decided(session: Session, task_ids: Iterable[int]) -> dict[int, list[Decided]]:
    rows = session.execute(
        select(Assignment, Annotation, Expert.pseudonym, MirrorVerdict)
        .join(Annotation, col(Annotation.assignment_id) == col(Assignment.id))
        .join(Expert, col(Expert.user_id) == col(Assignment.expert_id))
        .outerjoin(MirrorVerdict, col(MirrorVerdict.assignment_id) == col(Assignment.id))
        .where(col(Assignment.task_id).in_(list(task_ids)), col(Assignment.verdict).is_not(None))
        .order_by(col(Annotation.id))
    )
    found: dict[int, list[Decided]] = {}
    for lease, answer, pseudonym, noted in rows:
        one = Decided(
            assignment_id=lease.id,
            verdict=lease.verdict,
            decided_at=lease.decided_at,
            by=decisions.reviewer(lease.decided_by) or f"rule {lease.decided_rule}",
            reason_code=lease.reason_code,
            words=lease.reason_words or "",
            unique_id=answer.unique_id,
            pseudonym=pseudonym,
            answer_there=answer.label_studio_annotation_id,
            is_answer_refused=answer.push_trouble is not None,
            noted=noted,
        )
        found.setdefault(lease.task_id, []).append(one)
    return found


def _row(one: Decided) -> dict[str, str]:
    said = {
        "annotation": str(one.unique_id),
        "expert": one.pseudonym,
        "verdict": str(one.verdict),
        "by": one.by,
        "at": one.decided_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return said | ({"reason": one.reason_code} if one.reason_code else {})


def _line(one: Decided) -> str:
    reason = f": {one.reason_code}" if one.reason_code else ""
    return f"{one.pseudonym} {one.verdict}{reason}"


def _to_bring(project_id: Any) -> Any:
    return (
        (col(MirrorVerdict.project_id) == project_id)
        & col(MirrorVerdict.pushed_at).is_(None)
        & col(MirrorVerdict.push_trouble).is_(None)
    )


def _is(one: Decided) -> Any:
    return (col(MirrorVerdict.assignment_id) == one.assignment_id) & (
        col(MirrorVerdict.decided_at) == one.decided_at
    )


def _set(session: Session, which: Any, **values: Any) -> None:
    session.execute(
        update(MirrorVerdict)
        .where(which)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
