"""Jobs: what is handed in goes to the labelling backend, and sweeps keep leases and reviews true.

Jobs that talk to the backend about one project share a lock, so that one at a time does.
"""

import logging

from annotation import (
    ahead,
    assignment,
    backend_checks,
    budget_notice,
    hints,
    loop_jobs,
    media,
    media_end,
    media_watch,
    mirror_extras,
    mirror_jobs,
    mirror_prediction_jobs,
    mirror_runs,
    mirror_verdict_jobs,
    observed,
    outside_edits,
    pushing,
    question_letters,
    sample_course,
    sample_outcome,
    tally,
    validation,
)
from core import db, jobs
from core.clock import now
from core.jobs import Tasks
from core.ports import LabellingBackend, LabellingDown, LabellingLost, LabellingRefused, ports
from core.settings import current_settings
from projects.models import Project

tasks = Tasks("annotation")
log = logging.getLogger(__name__)
# A sweep ends after so many rows; the next tick goes on.
SWEPT = 1000
# Jobs of a project wait for one another. Label Studio may be back at any moment: whatever waits for
# it asks again after so many seconds at the latest, and the sweeps go on from there.
PATIENCE = 30
# So many answers are looked for at once.
AT_ONCE = 50


@tasks.task(queue="labelling", longest_wait=PATIENCE)
def push_answers(project_id: int) -> str:
    """Bring what was handed in to the labelling backend, with project and tasks where they lack.

    One such job waits at most. What is handed in while it works is seen by its last look, or has a
    job of its own.
    """
    with db.transaction() as session:
        is_lacking = pushing.lacks_tasks(session, project_id)
    if is_lacking:
        _push_project(project_id)
    return f"{_push_left(project_id, limit=SWEPT)} answers"


loop_jobs.register(tasks)


@tasks.task()
def sweep_media() -> int:
    """Delete the contents that no media file has any more, and what never came in whole."""
    with db.transaction() as session:
        return media.sweep(session, current_settings(), at=now())


@tasks.task()
def look_at_media() -> int:
    """Look whether the next media files are on the disk; return how many of all are not."""
    settings = current_settings()
    with db.transaction() as session:
        batch = media_watch.next_up(session)
    found = media_watch.examine(batch, settings)
    with db.transaction() as session:
        return media_watch.note(session, batch, found, at=now())


@tasks.task()
def tell_of_media() -> int:
    """Write to owners whose files go soon; return to how many."""
    told = 0
    while told < SWEPT:
        with db.transaction() as session:
            if not media_end.tell_next(session, current_settings(), at=now()):
                return told
        told += 1
    return told


@tasks.task()
def fold_tallies() -> int:
    """Fold what changed in the work of projects into one row each; return how many."""
    with db.transaction() as session:
        return tally.fold(session)


@tasks.task()
def check_tallies() -> int:
    """Count the work of all projects anew; return how many tallies were wrong."""
    wrong, last = 0, 0
    while True:
        with db.transaction() as session:
            found = tally.projects(session, after=last, most=AT_ONCE)
            for project_id in found:
                if tally.correct(session, project_id):
                    log.error("the tally of project %s was wrong", project_id)
                    wrong += 1
        if not found:
            return wrong
        last = found[-1]


@tasks.task()
def ask_model(run_id: int) -> str:
    """Ask a model about the next tasks of a project."""
    return loop_jobs.ask(run_id, ports())


@tasks.task(queue="labelling", longest_wait=PATIENCE)
def push_project(project_id: int) -> str:
    """Bring a project and all of it that is left to the labelling backend."""
    count = _push_project(project_id)
    with db.transaction() as session:
        mirror_runs.is_back(session, at=now())
    predictions = _push_predictions(project_id, limit=SWEPT)
    answers = _push_left(project_id, limit=SWEPT)
    extras = _push_extras(project_id, limit=SWEPT)
    verdicts = _push_verdicts(project_id, limit=SWEPT)
    beside = f", {extras} skips and known answers" if extras else ""
    beside += f", verdicts on {verdicts} tasks" if verdicts else ""
    shown = f", {predictions} predictions" if predictions else ""
    return f"{count} tasks, {answers} answers{beside}{shown}"


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


@tasks.task(queue="labelling", longest_wait=PATIENCE)
def look(project_id: int) -> str:
    """Read what somebody has changed in Label Studio."""
    return mirror_jobs.look(ports().labelling, project_id)


@tasks.task()
def look_at_mirrors() -> int:
    """Defer a look at each mirror that is due, and what is still to be undone; return how many."""
    with db.transaction() as session:
        due = mirror_runs.due_looks(session, at=now())
        for project_id in due:
            mirror_runs.look_later(session, project_id)
        for edit in outside_edits.to_put_back(session):
            outside_edits.put_back_later(session, edit)
    return len(due)


@tasks.task(queue="labelling", longest_wait=PATIENCE)
def put_back(edit_id: int) -> str:
    """Let our answer stand in Label Studio again."""
    return mirror_jobs.put_back(ports().labelling, edit_id)


@tasks.task(queue="labelling", longest_wait=PATIENCE)
def go_on_comparing(run_id: int) -> str:
    """Go on with a comparison or a repair of a mirror."""
    return mirror_jobs.go_on(ports().labelling, run_id)


@tasks.task()
def compare_mirrors() -> int:
    """Begin to compare mirrors that were not compared for a day; return how many."""
    with db.transaction() as session:
        found = mirror_runs.not_compared(session, at=now(), limit=AT_ONCE)
        for project_id in found:
            mirror_runs.begin(session, project_id, mends=False, by=None, at=now())
    return len(found)


@tasks.task()
def take_up_mirror_runs() -> int:
    """Go on with the comparisons and repairs that stopped half-way; return how many."""
    with db.transaction() as session:
        found = mirror_runs.under_way(session, at=now())
        for run in found:
            mirror_runs.go_on_later(session, run)
    return len(found)


@tasks.task(queue="labelling", attempts=1)
def check_backend() -> str:
    """Ask Label Studio how it is set up, and keep what it says."""
    facts, trouble = None, None
    try:
        facts = ports().labelling.facts(current_settings().label_studio_hook_url)
    except (LabellingDown, LabellingRefused) as away:
        trouble = str(away)
    with db.transaction() as session:
        backend_checks.record(session, facts, trouble, at=now())
        if facts is not None:
            mirror_runs.is_back(session, at=now())
    return trouble or "asked"


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
def validate_handed_in() -> int:
    """Ask agreement about each task with a new answer; return how many answers it accepted.

    Several may work at once: so whatever a killed worker leaves behind keeps nobody waiting.
    """
    accepted, failed = 0, 0
    with db.transaction() as session:
        due = validation.due(session, limit=SWEPT)
    for task_id in due:
        try:
            with db.transaction() as session:
                accepted += validation.by_agreement_if_due(session, task_id, at=now())
        except Exception:
            # The others are not to wait for it; this job asks once more when it is tried again.
            log.exception("agreement about task %s could not be asked", task_id)
            failed += 1
    if failed:
        raise RuntimeError(f"agreement about {failed} tasks could not be asked")
    return accepted


@tasks.task()
def validate_pending() -> int:
    """Ask agreement about all tasks that it may decide and has not; return answers accepted.

    It takes long where experts disagree much; what was handed in is asked about at once elsewhere.
    """
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
    """End the leases whose time ran out, and those nobody comes for; return how many."""
    for number in range(SWEPT):
        with db.transaction() as session:
            ended = assignment.expire_next(session, at=now())
            if ended is None and ahead.give_back_next(session, at=now()) is None:
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
    """Bring answers, each once, until none is left; return how many."""
    tried: set[int] = set()
    while len(tried) < limit:
        with db.transaction() as session:
            left = set(pushing.annotations_left(session, project_id, limit=AT_ONCE)) - tried
        if not left:
            break
        for annotation_id in sorted(left):
            _push(annotation_id)
        tried |= left
    return len(tried)


def _push_project(project_id: int) -> int:
    """Bring a project and its tasks; return how many tasks went."""
    backend = ports().labelling
    with db.transaction() as session:
        project = session.get_one(Project, project_id)
    there = mirror_jobs.ensure_project(backend, project)
    address = current_settings().label_studio_hook_url
    if address and not backend.watch(there, address, hints.headers(project)):
        log.warning("Label Studio will not call %s: it is looked at by the clock alone", address)
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


def _push_predictions(project_id: int, *, limit: int) -> int:
    with db.transaction() as session:
        project = session.get_one(Project, project_id)
        there = pushing.project_there(session, project_id)
    if there is None or not project.uses_models:
        return 0
    try:
        return mirror_prediction_jobs.bring(ports().labelling, project_id, there, limit=limit)
    except LabellingLost:
        _repair(project_id)
        return 0


def _push_verdicts(project_id: int, *, limit: int) -> int:
    with db.transaction() as session:
        there = pushing.project_there(session, project_id)
        takes_reviews = backend_checks.takes_reviews(session)
    if there is None:
        return 0
    try:
        return mirror_verdict_jobs.bring(
            ports().labelling, project_id, there, takes_reviews=takes_reviews, limit=limit
        )
    except LabellingLost:
        _repair(project_id)
        return 0


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
            **_began_with(answer),
        )
    except LabellingLost:
        return _repair(answer.project_id)
    except LabellingRefused as refusal:
        with db.transaction() as session:
            pushing.record_refusal(session, annotation_id, str(refusal))
        return "refused"
    with db.transaction() as session:
        pushing.record_annotation(session, annotation_id, there, at=now())
    return "pushed"


def _began_with(answer: pushing.Unpushed) -> dict[str, int]:
    """Say which prediction there an answer began with, brought there where it is not yet."""
    number = answer.prediction_there
    if answer.prediction_id is not None and number is None:
        with db.transaction() as session:
            project = pushing.project_there(session, answer.project_id)
        if project is None or answer.task_there is None:
            return {}
        number = mirror_prediction_jobs.bring_one(
            ports().labelling, project, answer.prediction_id, answer.task_there
        )
    return {} if number is None else {"began_with": number}


def _repair(project_id: int) -> str:
    """Begin to repair the mirror of a project that Label Studio has lost something of."""
    with db.transaction() as session:
        mirror_runs.begin(session, project_id, mends=True, by=None, at=now())
    return "lost there: a repair has begun"


def _push_extras(project_id: int, *, limit: int) -> int:
    with db.transaction() as session:
        left = mirror_extras.left(session, project_id, limit=limit)
    return len([_push_extra(one) for one in left])


def _push_extra(extra: mirror_extras.Unpushed) -> str:
    backend = ports().labelling
    try:
        if extra.pseudonym is None:
            there = backend.push_known(extra.task_there, extra.result, unique_id=extra.unique_id)
        else:
            by = backend.ensure_shadow_user(extra.pseudonym)
            with db.transaction() as session:
                pushing.record_shadow_user(session, extra.expert_id or 0, by, at=now())
            there = backend.push_skip(
                extra.task_there,
                by=by,
                unique_id=extra.unique_id,
                lead_seconds=extra.lead_seconds,
            )
    except LabellingLost:
        return _repair(extra.project_id)
    except LabellingRefused as refusal:
        with db.transaction() as session:
            mirror_extras.record(session, extra, None, str(refusal), at=now())
        return "refused"
    with db.transaction() as session:
        mirror_extras.record(session, extra, there, None, at=now())
    return "pushed"
