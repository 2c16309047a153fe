"""The steps in which mirrors are looked at, compared and repaired, and edits are undone there.

Each asks Label Studio with no transaction open and records what it learnt in one. One at a time
works in a project: the jobs hold its lock. Each may be stopped anywhere and run again.
"""

from datetime import datetime, timedelta

from sqlmodel import col

from annotation import (
    backend_checks,
    mirror,
    mirror_predictions,
    mirror_runs,
    mirror_verdicts,
    outside_edits,
    pushing,
    tasks,
)
from annotation.mirror_models import EditState, MirrorLook, MirrorRun, OutsideEdit
from annotation.mirror_verdict_models import MirrorVerdict
from annotation.models import Annotation
from core.clock import now
from core.db import transaction
from core.ports import (
    AnswerThere,
    LabellingBackend,
    LabellingDown,
    LabellingLost,
    LabellingRefused,
    TaskThere,
)
from projects.models import Project, id_of

PAGE = 200
# A job ends after so many pages, so that pushes of the same project get their turn.
PAGES = 20
# A change may be stamped before it can be read: so far back is read again.
OVERLAP = timedelta(seconds=30)


def look(backend: LabellingBackend, project_id: int) -> str:
    """Read what has changed in the mirror of a project since the last look."""
    try:
        return _look(backend, project_id)
    except (LabellingDown, LabellingRefused) as trouble:
        with transaction() as session:
            row = session.get_one(MirrorLook, project_id, with_for_update=True)
            mirror_runs.record_failure(row, str(trouble), at=now())
        return "stopped; it is tried again later"
    except LabellingLost as trouble:
        # The project is gone: whatever happened there, it is brought again.
        with transaction() as session:
            row = session.get_one(MirrorLook, project_id, with_for_update=True)
            mirror_runs.record_failure(row, str(trouble), at=now())
            mirror_runs.begin(session, project_id, mends=True, by=None, at=now())
        return "lost there: a repair has begun"


def go_on(backend: LabellingBackend, run_id: int) -> str:
    """Go on with a comparison or a repair."""
    try:
        return _go_on(backend, run_id)
    except (LabellingDown, LabellingLost, LabellingRefused) as trouble:
        with transaction() as session:
            run = session.get_one(MirrorRun, run_id, with_for_update=True)
            mirror_runs.record_failure(run, str(trouble), at=now())
        return "stopped; a sweep goes on"


def put_back(backend: LabellingBackend, edit_id: int) -> str:
    """Let our answer stand in Label Studio again, unless somebody has changed it since."""
    with transaction() as session:
        edit = session.get_one(OutsideEdit, edit_id)
        ours = session.get_one(Annotation, edit.annotation_id)
    if edit.state is not EditState.PUT_BACK or edit.done_at is not None:
        return "nothing to do"
    there = backend.answer(edit.label_studio_annotation_id)
    is_newer = there is not None and there.changed_at > edit.edited_at
    if there is not None and not is_newer:
        backend.put_back(there.id, ours.result)
    with transaction() as session:
        edit = session.get_one(OutsideEdit, edit_id, with_for_update=True)
        edit.done_at = now()
        if there is None:
            mirror_runs.forget_answers(session, [ours])
            tasks.push_later(session, edit.project_id)
        if is_newer:  # the next look keeps what is there now beside this
            mirror_runs.look_later(session, edit.project_id)
    return "left: it was changed again" if is_newer else "put back"


def _look(backend: LabellingBackend, project_id: int) -> str:
    began = now()
    with transaction() as session:
        look = session.get_one(MirrorLook, project_id)
        there = pushing.project_there(session, project_id)
    if there is None:
        return "not there yet"
    since = look.seen_until - OVERLAP if look.seen_until else None
    seen, edits, number = look.seen_until, 0, 1
    for turn in range(PAGES):
        page = backend.tasks_changed(there, since, limit=PAGE, page=number)
        edits += _record_look(backend, project_id, page, began)
        last = page[-1].changed_at if page else seen
        is_done = len(page) < PAGE or turn == PAGES - 1
        # Many tasks may carry one time: then the next page of it is read.
        since, number = (since, number + 1) if last == since else (last, 1)
        seen = last
        if is_done:
            break
    with transaction() as session:
        project = session.get_one(Project, project_id)
        mirror_runs.record_look(session, project, until=seen, is_done=len(page) < PAGE, at=now())
    return f"{edits} edits"


def _record_look(
    backend: LabellingBackend, project_id: int, page: list[TaskThere], began: datetime
) -> int:
    with transaction() as session:
        found = mirror.examine(session, project_id, page)
        is_edited = bool(found.changed or found.added or found.lost)
    is_lacking = bool(found.predictions.lost or found.verdicts_lost)
    if not is_edited and not found.answers and not is_lacking:
        return 0
    people = backend.people() if is_edited else {}
    with transaction() as session:
        project = session.get_one(Project, project_id)
        found = mirror.examine(session, project_id, page)
        removed = [
            (row, task) for row, task in found.lost if row.pushed_at and row.pushed_at < began
        ]
        count = outside_edits.record(
            session, project, found, people=people, removed=removed, at=now()
        )
        mirror_runs.note_answers(session, found, at=now())
        if removed:
            mirror_runs.forget_answers(session, (row for row, _task in removed))
        if found.predictions.lost:
            mirror_predictions.mend(session, project_id, found.predictions, at=now())
        mirror_verdicts.mend(session, found.verdicts_lost)
        if removed or is_lacking:
            tasks.push_later(session, project_id)
    return count


def _go_on(backend: LabellingBackend, run_id: int) -> str:
    with transaction() as session:
        run = session.get_one(MirrorRun, run_id)
        project = session.get_one(Project, run.project_id)
    if run.ended_at is not None:
        return "nothing to do"
    there = _project_there(backend, run, project)
    if there is None:
        return _all_lost(run_id)
    people = backend.people()
    if run.after_id == 0:
        _check_people(run, people)
        _check_reviews(backend, run, there)
    after = run.after_id
    for _turn in range(PAGES):
        page = backend.tasks_after(there, after, limit=PAGE)
        if _record_page(run_id, page, people):
            return "compared to the end"
        after = page[-1].id
    with transaction() as session:
        mirror_runs.go_on_later(session, session.get_one(MirrorRun, run_id))
    return f"compared to {after}"


def _project_there(backend: LabellingBackend, run: MirrorRun, project: Project) -> int | None:
    """Return the number of the project there; a repair makes it where it lacks."""
    reference = pushing.reference(project)
    if not run.mends:
        return backend.find_project(run.project_id, reference=reference)
    there = ensure_project(backend, project)
    with transaction() as session:
        pushing.record_project(session, run.project_id, there, at=now())
        if run.after_id == 0:
            mirror_runs.try_refused_again(session, run.project_id)
    return there


def ensure_project(backend: LabellingBackend, project: Project) -> int:
    """Make a project there, or bring it up to date."""
    return backend.ensure_project(
        id_of(project),
        project.title,
        reference=pushing.reference(project),
        label_config=project.label_config,
        overlap=project.overlap,
    )


def _check_people(run: MirrorRun, people: dict[int, str]) -> None:
    with transaction() as session:
        if run.mends:
            wrong = mirror_runs.forget_wrong_shadows(session, people)
        else:
            wrong = mirror_runs.count_wrong_shadows(session, people)
        row = session.get_one(MirrorRun, run.id, with_for_update=True)
        row.found = {"users_lost": wrong}


def _check_reviews(backend: LabellingBackend, run: MirrorRun, there: int) -> None:
    """Look for the reviews of a project, where the backend keeps any."""
    with transaction() as session:
        takes_reviews = backend_checks.takes_reviews(session)
    if not takes_reviews:
        return
    try:
        reviews = backend.reviews(there)
    except LabellingRefused:
        return  # the next check says so on the operator's page
    with transaction() as session:
        lost = mirror_verdicts.without_review(session, run.project_id, reviews)
        if run.mends:
            mirror_verdicts.forget(session, col(MirrorVerdict.assignment_id).in_(lost))
        row = session.get_one(MirrorRun, run.id, with_for_update=True)
        mirror_runs.add(row, {"reviews_lost": len(lost)})


def _all_lost(run_id: int) -> str:
    """End a comparison with a mirror that is not there."""
    with transaction() as session:
        run = session.get_one(MirrorRun, run_id, with_for_update=True)
        lost = mirror.is_lost(run.project_id, mirror.Found(), after=0, until=None)
        run.found = {"projects_lost": 1, "tasks_lost": mirror.count_lost(session, lost)}
        _end(run)
    return "the project is not there"


def _record_page(run_id: int, page: list[TaskThere], people: dict[int, str]) -> bool:
    """Record what a page shows; return whether it was the last."""
    is_last = len(page) < PAGE
    with transaction() as session:
        run = session.get_one(MirrorRun, run_id, with_for_update=True)
        project = session.get_one(Project, run.project_id)
        found = mirror.examine(session, run.project_id, page)
        until = None if is_last else page[-1].id
        lost = mirror.is_lost(run.project_id, found, after=run.after_id, until=until)
        outside_edits.record(session, project, found, people=people, at=now())
        mirror_runs.add(
            run,
            {
                "tasks": len(found.tasks),
                "tasks_lost": mirror.count_lost(session, lost),
                "tasks_unknown": len(found.strangers),
                "answers": len(found.answers),
                "answers_lost": len(found.lost),
                "answers_changed": len(found.changed),
                "answers_unknown": _count_real(found.added),
                "extras_lost": len(found.extras_lost),
                "predictions_lost": len(found.predictions.lost),
                "verdicts_lost": len(found.verdicts_lost),
            },
        )
        if run.mends:
            mirror_runs.mend(session, run.project_id, found, lost, at=now())
        run.after_id = page[-1].id if page else run.after_id
        run.failures, run.trouble = 0, None
        if is_last:
            _end(run)
            if run.mends:
                tasks.push_later(session, run.project_id)
    return is_last


def _count_real(added: list[tuple[int, AnswerThere]]) -> int:
    return len([there for _task, there in added if not there.is_skip])


def _end(run: MirrorRun) -> None:
    run.ended_at = now()
    run.failures, run.trouble = 0, None
