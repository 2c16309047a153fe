"""Jobs: what is handed in goes to the labelling backend, and sweeps keep leases and reviews true.

Jobs that talk to the backend about one project share a lock, so that one at a time does.
"""

from annotation import (
    assignment,
    budget_notice,
    observed,
    pushing,
    question_letters,
    sample_course,
    sample_outcome,
    validation,
)
from core import db, jobs
from core.clock import now
from core.jobs import Tasks
from core.ports import LabellingBackend, LabellingRefused, ports
from projects.models import Project

tasks = Tasks("annotation")
# A sweep ends after so many rows; the next tick goes on.
SWEPT = 1000
# So many answers a push takes along.
AT_ONCE = 50


@tasks.task(queue="labelling")
def push_annotation(annotation_id: int) -> str:
    """Bring one answer to the labelling backend, with its project and task where they lack."""
    with db.transaction() as session:
        answer = pushing.annotation(session, annotation_id)
    if answer is None:
        return "nothing to do"
    if answer.task_there is None:
        _push_project(answer.project_id)
    done = _push(annotation_id)
    # The others wait for the same lock: one after another is quicker than one job after another.
    _push_left(answer.project_id, limit=AT_ONCE)
    return done


@tasks.task(queue="labelling")
def push_project(project_id: int) -> str:
    """Bring a project, its tasks and all answers that are left to the labelling backend."""
    count = _push_project(project_id)
    return f"{count} tasks, {_push_left(project_id, limit=SWEPT)} answers"


@tasks.task()
def push_unpushed() -> int:
    """Defer a push for each project of which something is left; return how many."""
    with db.transaction() as session:
        behind = pushing.projects_behind(session)
        for project_id in behind:
            jobs.defer(
                session,
                "annotation.push_project",
                queue="labelling",
                lock=f"label-studio:{project_id}",
                queueing_lock=f"push-project:{project_id}",
                project_id=project_id,
            )
    return len(behind)


@tasks.task()
def settle_samples() -> int:
    """End work samples whose time is over, and let pass what nobody looked at; return how many."""
    for done in range(SWEPT):
        with db.transaction() as session:
            ended = sample_course.expire_next(session, at=now())
            if not ended and not sample_outcome.pass_unread(session, at=now()):
                return done
    return SWEPT


@tasks.task()
def tell_of_questions() -> int:
    """Tell owners what experts ask, and experts what was answered; return how many were told."""
    for done in range(SWEPT):
        with db.transaction() as session:
            if not question_letters.tell_next(session, at=now()):
                return done
    return SWEPT


@tasks.task()
def validate(task_id: int) -> int:
    """Accept the answers to a task if all agree; return how many."""
    with db.transaction() as session:
        return validation.by_agreement(session, task_id, at=now())


@tasks.task()
def validate_pending() -> int:
    """Validate every task that agreement may decide and that was left; return answers accepted."""
    accepted = after = 0
    while True:
        with db.transaction() as session:
            left = validation.undecided(session, after=after)
        for task_id in left:
            with db.transaction() as session:
                accepted += validation.by_agreement(session, task_id, at=now())
        if not left:
            return accepted
        after = left[-1]


@tasks.task()
def expire_overdue() -> int:
    """End the leases whose time ran out; return how many."""
    for number in range(SWEPT):
        with db.transaction() as session:
            if assignment.expire_next(session, at=now()) is None:
                return number
    return SWEPT


@tasks.task()
def accept_overdue() -> int:
    """Accept what nobody reviewed in time; return how many."""
    for number in range(SWEPT):
        with db.transaction() as session:
            if validation.by_silence(session, at=now()) is None:
                return number
    return SWEPT


@tasks.task()
def observe_rates() -> str:
    """Bring what each project pays by the hour up to date."""
    with db.transaction() as session:
        found = observed.projects(session)
    count = 0
    for project_id in found:
        with db.transaction() as session:
            count += observed.observe(session, project_id, at=now())
    return f"{count} of {len(found)} projects have enough answers"


@tasks.task()
def tell_budget_is_short(project_id: int) -> str:
    """Pause a project whose budget covers no further task, and tell its owners."""
    with db.transaction() as session:
        return budget_notice.follow(session, project_id, at=now())


@tasks.task()
def follow_budgets() -> int:
    """Pause what is out of budget, and let go on what has money again; return how many moved."""
    with db.transaction() as session:
        found = budget_notice.to_follow(session)
    moved = 0
    for project_id in found:
        with db.transaction() as session:
            moved += budget_notice.follow(session, project_id, at=now()) != "as it was"
    return moved


def _push_left(project_id: int, *, limit: int) -> int:
    with db.transaction() as session:
        left = pushing.annotations_left(session, project_id, limit=limit)
    return len([_push(annotation_id) for annotation_id in left])


def _push_project(project_id: int) -> int:
    """Bring a project and its tasks; return how many tasks went."""
    backend = ports().labelling
    with db.transaction() as session:
        project = session.get_one(Project, project_id)
    there = backend.ensure_project(
        project_id,
        project.title,
        reference=pushing.reference(project),
        label_config=project.label_config,
        overlap=project.overlap,
    )
    with db.transaction() as session:
        pushing.record_project(session, project_id, there, at=now())
    count = 0
    while batch := _push_tasks(backend, project_id, there):
        count += batch
    return count


def _push_tasks(backend: LabellingBackend, project_id: int, there: int) -> int:
    with db.transaction() as session:
        batch = pushing.tasks(session, project_id)
    if not batch:
        return 0
    ids = backend.import_tasks(there, batch)
    with db.transaction() as session:
        pushing.record_tasks(session, ids)
    return len(ids)


def _push(annotation_id: int) -> str:
    backend = ports().labelling
    with db.transaction() as session:
        answer = pushing.annotation(session, annotation_id)
    if answer is None or answer.task_there is None:
        return "nothing to do"
    by = answer.expert_there
    if by is None:
        by = backend.ensure_shadow_user(answer.pseudonym)
        with db.transaction() as session:
            pushing.record_shadow_user(session, answer.expert_id, by, at=now())
    try:
        there = backend.push_annotation(
            answer.task_there,
            answer.result,
            by=by,
            unique_id=answer.unique_id,
            lead_seconds=answer.lead_seconds,
        )
    except LabellingRefused as refusal:
        with db.transaction() as session:
            pushing.record_refusal(session, annotation_id, str(refusal))
        return "refused"
    with db.transaction() as session:
        pushing.record_annotation(session, annotation_id, there, at=now())
    return "pushed"
