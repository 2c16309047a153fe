"""Taking a work sample: started, task by task, handed in once, over when its time is.

What was typed is never lost: drafts are kept also after the time is over. The first answer that
is handed in counts. Each answer is scored at once and its score shown at the end only.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from accounts.models import User
from annotation import assignment as leases
from annotation import measures, results, sample, sample_outcome, sample_pay
from annotation.label_config import parse
from annotation.models import Task
from annotation.sample_models import SampleAnswer, SampleRule, SampleState, WorkSample
from core import audit
from core.errors import Conflict, Invalid
from core.formats import day_long
from projects.models import Project, id_of


class NothingAsked(Conflict):
    """This project asks for no work sample."""


class MayWorkAlready(Conflict):
    """You may work on this project already, so no work sample is needed."""


class StillRead(Conflict):
    """A person is still looking at your last work sample."""


class TooSoon(Conflict):
    """You can take the work sample again from %(day)s."""


class NoAttemptsLeft(Conflict):
    """You have used all attempts. The project's owner can give you another, or let you in."""


class NoTasksLeft(Conflict):
    """There are too few tasks with a known answer that you have not seen.

    The owner is shown that, and can add some or let you in by hand. It uses no attempt.
    """


class TimeOver(Conflict):
    """The time of this work sample is over. What you typed is kept, and nothing more counts."""


class TaskEnded(Conflict):
    """This task was already handed in. The first answer counts."""


class NotThisTask(Conflict):
    """Another task of the work sample comes first. Load the page again to see it."""


class ReasonMissing(Invalid):
    """Say in a few words, at most %(most)s characters, what is wrong with this task."""


REFUSALS: dict[sample.Why, type[Conflict]] = {
    sample.Why.NO_RULE: NothingAsked,
    sample.Why.WAS_THERE: MayWorkAlready,
    sample.Why.LET_IN: MayWorkAlready,
    sample.Why.PASSED: MayWorkAlready,
    sample.Why.WITH_A_PERSON: StillRead,
    sample.Why.NO_ATTEMPTS: NoAttemptsLeft,
    sample.Why.FEW_GOLD: NoTasksLeft,
}


def start(session: Session, project: Project, expert_id: int, *, at: datetime) -> WorkSample:
    """Begin an attempt, or go on with the one that is under way."""
    _one_at_a_time(session, id_of(project), expert_id)
    leases.check_part(session, project, expert_id, at=at)
    close_over(session, id_of(project), expert_id, at=at)
    here = sample.standing(session, id_of(project), expert_id, at=at)
    if here.why is sample.Why.UNDER_WAY and here.last is not None:
        return here.last
    if here.why is sample.Why.TOO_SOON and here.start_from is not None:
        raise TooSoon(day=day_long(here.start_from))
    if here.why in REFUSALS or here.rule is None:
        raise REFUSALS.get(here.why, NothingAsked)
    made = _new(project, here.rule, expert_id, len(here.past) + 1, at)
    made.expert_id = expert_id
    again = sample.resumed(session, here.past)
    tasks = [session.get_one(Task, one) for one in again] or sample.choose(
        session, project, made.seed, here.rule.tasks, expert_id=expert_id
    )
    made.pay_minor = sample_pay.each(session, project, here)
    _store(session, made, tasks)
    sample_pay.reserve(session, project, made, len(tasks), at)
    audit.record(session, "sample.started", by=expert_id, subject=f"work_sample:{made.id}")
    return made


def try_out(session: Session, project: Project, *, by: User, at: datetime) -> WorkSample:
    """Let an owner take the sample themselves; it counts nowhere."""
    rule = sample.rule_of(session, id_of(project))
    if rule is None:
        raise NothingAsked
    _one_at_a_time(session, id_of(project), id_of(by))
    mine = select(WorkSample).where(
        WorkSample.project_id == project.id, WorkSample.tried_by == by.id
    )
    earlier = list(session.exec(mine.order_by(col(WorkSample.attempt).desc())))
    for one in earlier:
        if one.is_open(at):
            return one
        if one.state is SampleState.ACTIVE:
            _end(session, one, SampleState.EXPIRED, at)
    made = _new(project, rule, id_of(by), len(earlier) + 1, at)
    made.tried_by = by.id
    _store(session, made, sample.choose(session, project, made.seed, rule.tasks, expert_id=None))
    return made


def answers(session: Session, found: WorkSample) -> list[SampleAnswer]:
    """Return the tasks of an attempt with what was answered, in their order."""
    query = select(SampleAnswer).where(SampleAnswer.sample_id == found.id)
    return list(session.exec(query.order_by(col(SampleAnswer.position))))


def current(listed: Sequence[SampleAnswer]) -> SampleAnswer | None:
    """Return the first task that is not handed in."""
    return next((one for one in listed if one.ended_at is None), None)


def at_place(session: Session, found: WorkSample, position: int) -> SampleAnswer:
    """Return a task that was reached: handed in, or the one whose turn it is."""
    listed = answers(session, found)
    if not 1 <= position <= len(listed):
        raise NotThisTask
    one, turn = listed[position - 1], current(listed)
    if turn is not None and position > turn.position:
        raise NotThisTask
    return one


def save_draft(
    session: Session, found: WorkSample, position: int, result: Any, *, at: datetime
) -> None:
    """Keep what was typed so far, also after the time is over."""
    one = at_place(session, found, position)
    if one.ended_at is not None:
        raise TaskEnded
    if not leases.is_result(result):
        raise leases.NotADraft
    one.draft, one.draft_saved_at = result, at
    session.add(one)


def hand_in(
    session: Session,
    found: WorkSample,
    project: Project,
    position: int,
    result: Any,
    *,
    at: datetime,
) -> None:
    """Take an answer in, once, and score it; after the last one the whole is settled.

    `found` is locked by the caller. Raises `WrongAnswer` with all that is wrong.
    """
    one = at_place(session, found, position)
    if one.ended_at is not None:
        return
    if not found.is_open(at):
        raise TimeOver
    task = session.get_one(Task, one.task_id)
    wrong = results.problems(project.label_config, task.data, result)
    if wrong:
        raise leases.WrongAnswer([str(problem) for problem in wrong])
    parts = measures.compare(parse(project.label_config), result, task.gold or [])
    one.result, one.ended_at, one.draft = result, at, None
    one.parts = [vars(part) | {"measure": str(part.measure)} for part in parts]
    one.score = measures.total(parts)
    session.add(one)
    sample_pay.earn(session, found, position, at)
    _settle_after_last(session, found, project, at)


def report_task(
    session: Session,
    found: WorkSample,
    project: Project,
    position: int,
    reason: str,
    *,
    at: datetime,
) -> None:
    """Leave a task that cannot be worked on, with a reason; a person looks at the whole then."""
    one = at_place(session, found, position)
    if one.ended_at is not None:
        return
    if not found.is_open(at):
        raise TimeOver
    if not 0 < len(reason.strip()) <= leases.REASON_AT_MOST:
        raise ReasonMissing(most=leases.REASON_AT_MOST)
    one.skip_reason, one.ended_at, one.draft = reason.strip(), at, None
    session.add(one)
    sample_pay.release(session, found, position, at)
    _settle_after_last(session, found, project, at)


def close_over(session: Session, project_id: int, expert_id: int, *, at: datetime) -> None:
    """End an attempt of an expert whose time is over."""
    query = select(WorkSample).where(
        WorkSample.project_id == project_id,
        WorkSample.expert_id == expert_id,
        WorkSample.state == SampleState.ACTIVE,
        col(WorkSample.expires_at) <= at,
    )
    for found in session.exec(query.with_for_update()):
        _end(session, found, SampleState.EXPIRED, at)


def close_all(session: Session, person_id: int, at: datetime) -> None:
    """End what somebody has under way or waits for; whoever asks to be erased works no more."""
    query = select(WorkSample).where(
        or_(col(WorkSample.expert_id) == person_id, col(WorkSample.tried_by) == person_id),
        col(WorkSample.state).in_((SampleState.ACTIVE, SampleState.REVIEW)),
    )
    for found in session.exec(query.order_by(col(WorkSample.id)).with_for_update()):
        _end(session, found, SampleState.EXPIRED, at)


def expire_next(session: Session, *, at: datetime) -> bool:
    """End one attempt whose time is over; drafts are kept, and nobody fails by it."""
    query = select(WorkSample).where(
        WorkSample.state == SampleState.ACTIVE, col(WorkSample.expires_at) <= at
    )
    found = session.exec(
        query.order_by(col(WorkSample.expires_at)).limit(1).with_for_update(skip_locked=True)
    ).first()
    if found is not None:
        _end(session, found, SampleState.EXPIRED, at)
    return found is not None


def _one_at_a_time(session: Session, project_id: int, person_id: int) -> None:
    # A double click begins twice at once: the second waits here and finds the first attempt.
    session.execute(select_columns(func.pg_advisory_xact_lock(project_id, person_id)))


def _new(
    project: Project, rule: SampleRule, person_id: int, attempt: int, at: datetime
) -> WorkSample:
    return WorkSample(
        project_id=id_of(project),
        rule_id=id_of(rule),
        attempt=attempt,
        seed=sample.seed_for(id_of(project), person_id, attempt),
        guidelines_version=project.guidelines_version,
        currency=project.currency,
        started_at=at,
        expires_at=at + timedelta(minutes=rule.minutes),
    )


def _store(session: Session, made: WorkSample, tasks: Sequence[Task]) -> None:
    if len(tasks) < sample.LEAST:
        raise NoTasksLeft
    session.add(made)
    session.flush()  # its tasks name it
    for number, task in enumerate(tasks, start=1):
        session.add(SampleAnswer(sample_id=made.key, position=number, task_id=id_of(task)))
    session.flush()  # they are read back in order


def _settle_after_last(session: Session, found: WorkSample, project: Project, at: datetime) -> None:
    session.flush()  # with the answer that came last
    listed = answers(session, found)
    if current(listed) is None:
        sample_outcome.settle(session, found, project, listed, at=at)


def _end(session: Session, found: WorkSample, state: SampleState, at: datetime) -> None:
    found.state, found.finished_at = state, at
    session.add(found)
    for one in answers(session, found):
        if one.ended_at is None:
            sample_pay.release(session, found, one.position, at)
    audit.record(
        session,
        "sample.expired",
        by=None,
        subject=f"work_sample:{found.id}",
        details={"trial": found.is_trial},
    )
