"""Looks at the mirrors of projects and runs through them: which are due, and what they have found.

A run is a row that remembers how far it came, so that it goes on wherever it was stopped.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts.models import User
from annotation import mirror_predictions, mirror_verdicts
from annotation.mirror import Found
from annotation.mirror_models import MirrorExtra, MirrorLook, MirrorRun
from annotation.models import Annotation, LabelStudioProject, ShadowUser, Task
from core import audit, jobs
from experts.models import Expert
from projects.models import Project, State, id_of

EVERY = timedelta(seconds=60)
EVERY_WHEN_CLOSED = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=1)
COMPARED_EVERY = timedelta(days=1)
AT_ONCE = 200


def due_looks(session: Session, *, at: datetime) -> list[int]:
    """Return the projects whose mirror is to be looked at, the longest wait first."""
    session.execute(
        insert(MirrorLook)
        .from_select(
            ["project_id", "try_at", "failures"],
            select(LabelStudioProject.project_id, literal(at), literal(0)),
        )
        .on_conflict_do_nothing()
    )
    rows = session.exec(
        select(MirrorLook.project_id)
        .where(col(MirrorLook.try_at) <= at)
        .order_by(col(MirrorLook.try_at))
        .limit(AT_ONCE)
    )
    return list(rows)


def look_later(session: Session, project_id: int) -> None:
    """Let a job look at the mirror of a project; many hints make one look."""
    jobs.defer(
        session,
        "annotation.look",
        queue="labelling",
        lock=f"label-studio:{project_id}",
        queueing_lock=f"look:{project_id}",
        project_id=project_id,
    )


def record_look(
    session: Session, project: Project, *, until: datetime | None, is_done: bool, at: datetime
) -> None:
    """Note how far a look came; an unfinished one goes on at once."""
    look = session.get_one(MirrorLook, id_of(project), with_for_update=True)
    look.seen_until = until or look.seen_until
    look.looked_at, look.failures, look.trouble = at, 0, None
    every = EVERY if project.state is State.OPEN else EVERY_WHEN_CLOSED
    look.try_at = at + (every if is_done else timedelta(0))
    session.add(look)


def record_failure(row: MirrorLook | MirrorRun, trouble: str, *, at: datetime) -> None:
    """Note why a look or a run stopped; each time it waits longer."""
    row.failures += 1
    row.trouble = trouble[:500]
    row.try_at = at + min(LONGEST_WAIT, timedelta(seconds=15) * 2 ** min(row.failures, 10))


def is_back(session: Session, *, at: datetime) -> None:
    """Let whatever waits because Label Studio was away go on at the next sweep."""
    session.execute(
        update(MirrorLook)
        .where(col(MirrorLook.failures) > 0, col(MirrorLook.try_at) > at)
        .values(try_at=at)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(MirrorRun)
        .where(
            col(MirrorRun.ended_at).is_(None),
            col(MirrorRun.failures) > 0,
            col(MirrorRun.try_at) > at,
        )
        .values(try_at=at)
        .execution_options(synchronize_session=False)
    )


def begin(
    session: Session,
    project_id: int,
    *,
    mends: bool,
    by: User | None,
    at: datetime,
    afresh: bool = False,
) -> MirrorRun:
    """Begin to compare or to repair; where a run is under way already, it is that one.

    A comparison under way becomes a repair from its beginning when a repair is asked for. With
    `afresh` a repair begins again too: what it has read may have been lost since.
    """
    values: dict[str, Any] = {
        "project_id": project_id,
        "mends": mends,
        "begun_by": by.id if by else None,
        "begun_at": at,
        "after_id": 0,
        "found": {},
        "try_at": at,
        "failures": 0,
    }
    session.execute(insert(MirrorRun).values(values).on_conflict_do_nothing())
    run = session.exec(
        select(MirrorRun)
        .where(MirrorRun.project_id == project_id, col(MirrorRun.ended_at).is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if mends and (afresh or not run.mends):
        run.mends, run.after_id, run.found = True, 0, {}
        session.add(run)
    if by is not None or mends:
        audit.record(
            session,
            "mirror.repair" if mends else "mirror.compare",
            by=by.id if by else None,
            subject=f"project:{project_id}",
        )
    go_on_later(session, run)
    return run


def go_on_later(session: Session, run: MirrorRun) -> None:
    """Let a job go on with a run."""
    jobs.defer(
        session,
        "annotation.go_on_comparing",
        queue="labelling",
        lock=f"label-studio:{run.project_id}",
        queueing_lock=f"mirror-run:{run.id}",
        first=True,  # after a busy day thousands of pushes wait, most with nothing left to do
        run_id=run.id,
    )


def under_way(session: Session, *, at: datetime) -> list[MirrorRun]:
    """Return the runs that are to be taken up."""
    rows = session.exec(
        select(MirrorRun)
        .where(col(MirrorRun.ended_at).is_(None), col(MirrorRun.try_at) <= at)
        .order_by(col(MirrorRun.id))
        .limit(AT_ONCE)
    )
    return list(rows)


def not_compared(session: Session, *, at: datetime, limit: int) -> list[int]:
    """Return mirrored projects that were not compared for a day."""
    lately = select(MirrorRun.id).where(
        MirrorRun.project_id == LabelStudioProject.project_id,
        col(MirrorRun.begun_at) > at - COMPARED_EVERY,
    )
    rows = session.exec(
        select(LabelStudioProject.project_id)
        .where(~lately.exists())
        .order_by(col(LabelStudioProject.project_id))
        .limit(limit)
    )
    return list(rows)


def mirrored(session: Session) -> list[int]:
    """Return all projects that Label Studio should have."""
    rows = session.exec(select(Project.id).where(Project.state != State.DRAFT).order_by(Project.id))  # type: ignore[arg-type]
    return [project_id for project_id in rows if project_id is not None]


def latest(session: Session, project_ids: Sequence[int]) -> dict[int, MirrorRun]:
    """Return the newest run of each of some projects."""
    newest = (
        select(func.max(MirrorRun.id))
        .where(col(MirrorRun.project_id).in_(project_ids))
        .group_by(col(MirrorRun.project_id))
    )
    rows = session.exec(select(MirrorRun).where(col(MirrorRun.id).in_(newest)))
    return {run.project_id: run for run in rows}


def add(run: MirrorRun, counts: Mapping[str, int]) -> None:
    """Add what a page has shown to what a run has found."""
    run.found = {
        name: run.found.get(name, 0) + counts.get(name, 0)
        for name in sorted(run.found.keys() | counts.keys())
    }


def forget_wrong_shadows(session: Session, people: Mapping[int, str]) -> int:
    """Forget users who are not, or no longer, the shadows of our experts; return how many."""
    rows = session.execute(
        select(ShadowUser, Expert.pseudonym).join(
            Expert, col(Expert.user_id) == col(ShadowUser.expert_id)
        )
    ).all()
    wrong = [
        row.expert_id
        for row, pseudonym in rows
        if people.get(row.label_studio_user_id, "").lower()
        != f"{pseudonym.lower()}@experts.invalid"
    ]
    session.execute(delete(ShadowUser).where(col(ShadowUser.expert_id).in_(wrong)))
    return len(wrong)


def count_wrong_shadows(session: Session, people: Mapping[int, str]) -> int:
    """Count those users."""
    rows = session.execute(
        select(ShadowUser.label_studio_user_id, Expert.pseudonym).join(
            Expert, col(Expert.user_id) == col(ShadowUser.expert_id)
        )
    )
    return sum(
        people.get(number, "").lower() != f"{pseudonym.lower()}@experts.invalid"
        for number, pseudonym in rows
    )


def note_answers(session: Session, found: Found, *, at: datetime) -> None:
    """Note the numbers of our answers where we did not know them, or they are others by now."""
    rows = session.exec(select(Annotation).where(col(Annotation.id).in_(list(found.answers)))).all()
    others = [
        row.id
        for row in rows
        if row.label_studio_annotation_id not in (None, found.answers[row.id or 0].id)
    ]
    mirror_verdicts.forget_reviews(session, others)
    for row in rows:
        there = found.answers[row.id or 0]
        if row.label_studio_annotation_id != there.id or row.pushed_at is None:
            row.label_studio_annotation_id = there.id
            row.pushed_at = row.pushed_at or at
            session.add(row)


def mend(session: Session, project_id: int, found: Found, lost: Any, *, at: datetime) -> None:
    """Put our notes right: what is there is noted as it is, what is lost will be brought again.

    `lost` is the condition on the tasks that are not there.
    """
    tasks_lost = select(Task.id).where(lost)
    forget(session, col(Annotation.task_id).in_(tasks_lost))
    mirror_predictions.forget_tasks(session, tasks_lost)
    mirror_verdicts.forget_tasks(session, tasks_lost)
    of_lost = col(MirrorExtra.task_id).in_(tasks_lost)
    session.execute(delete(MirrorExtra).where(of_lost, col(MirrorExtra.push_trouble).is_(None)))
    session.execute(
        update(Task)
        .where(lost)
        .values(label_studio_task_id=None)
        .execution_options(synchronize_session=False)
    )
    for task_id, there in found.tasks.items():
        number = col(Task.label_studio_task_id)
        session.execute(
            update(Task)
            .where(col(Task.id) == task_id, number.is_distinct_from(there.id))
            .values(label_studio_task_id=there.id)
        )
    note_answers(session, found, at=at)
    forget_answers(session, (row for row, _there in found.lost))
    for extra in found.extras_lost:
        session.delete(extra)
    mirror_predictions.mend(session, project_id, found.predictions, at=at)
    mirror_verdicts.mend(session, found.verdicts_lost)
    session.flush()


def forget_answers(session: Session, answers: Iterable[Annotation]) -> None:
    """Note that some answers are not there, nor what was said of them."""
    ids = [row.id for row in answers]
    mirror_verdicts.forget_reviews(session, ids)
    forget(session, col(Annotation.id).in_(ids))


def forget(session: Session, which: Any) -> None:
    """Note that the answers which a condition names are not there, so that they are brought."""
    session.execute(
        update(Annotation)
        .where(which)
        .values(label_studio_annotation_id=None, pushed_at=None)
        .execution_options(synchronize_session=False)
    )


def try_refused_again(session: Session, project_id: int) -> None:
    """Let whatever was refused there be sent once more."""
    session.execute(
        update(Annotation)
        .where(col(Annotation.project_id) == project_id, col(Annotation.push_trouble).is_not(None))
        .values(push_trouble=None)
    )
    of_project = select(Task.id).where(Task.project_id == project_id)
    session.execute(
        delete(MirrorExtra).where(
            col(MirrorExtra.task_id).in_(of_project), col(MirrorExtra.push_trouble).is_not(None)
        )
    )
    mirror_predictions.try_refused_again(session, project_id)
    mirror_verdicts.try_refused_again(session, project_id)


def to_bring(session: Session, project_id: int) -> tuple[int, int]:
    """Count the tasks and answers that Label Studio does not have yet, up to ten thousand."""
    tasks = (
        select(Task.id)
        .where(Task.project_id == project_id, col(Task.label_studio_task_id).is_(None))
        .limit(10_000)
    )
    answers = (
        select(Annotation.id)
        .where(
            Annotation.project_id == project_id,
            col(Annotation.pushed_at).is_(None),
            col(Annotation.push_trouble).is_(None),
        )
        .limit(10_000)
    )
    first, second = (
        session.execute(select(func.count()).select_from(one.subquery())).scalar_one()
        for one in (tasks, answers)
    )
    return first, second
