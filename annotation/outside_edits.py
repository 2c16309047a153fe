"""Edits made in Label Studio: kept as seen, beside our answer, which they never touch.

What is there is hostile until it has passed the checks that every answer passes. An edit that is
no answer to the task is refused, with the reason. Nobody's pay or verdict follows from an edit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import organisations
from accounts.models import User
from annotation import mirror, results, shown
from annotation.label_config import parse
from annotation.mirror_models import EditKind, EditState, OutsideEdit
from annotation.models import Annotation, Assignment, Task
from annotation.shown import Shown
from core import audit, jobs
from core.errors import Conflict
from core.ports import AnswerThere
from experts.models import Expert
from projects.models import Project, id_of

NAME_AT_MOST = 200
NOT_READABLE = "What stands there is too large, or holds signs that cannot be kept."


class EditDecided(Conflict):
    """Somebody has decided about this edit already."""


class NothingToPutBack(Conflict):
    """There is no answer of ours that could be put back here."""


@dataclass(frozen=True)
class Beside:
    """An edit as a page shows it: ours, theirs, and what differs."""

    edit: OutsideEdit
    task: Task
    text: str
    pseudonym: str | None
    assignment_id: int | None
    ours: Shown | None
    theirs: Shown | None
    troubles: tuple[Any, ...]


def record(
    session: Session,
    project: Project,
    found: mirror.Found,
    *,
    people: Mapping[int, str],
    removed: Iterable[tuple[Annotation, Any]] = (),
    at: datetime,
) -> int:
    """Keep what somebody did there and is not kept yet; return how many edits are new."""
    rows = [
        _row(EditKind.CHANGED, answer.task_id, answer.id, there, there.result)
        for answer, there in found.changed
    ]
    rows += [
        _row(EditKind.ADDED, task_id, None, there, there.result)
        for task_id, there in found.added
        if not there.is_skip
    ]
    for answer, task in removed:
        gone = AnswerThere(
            id=answer.label_studio_annotation_id or 0,
            result=None,
            by=None,
            changed_by=task.changed_by,
            changed_at=task.changed_at,
        )
        rows.append(_row(EditKind.REMOVED, answer.task_id, answer.id, gone, None))
    emails = _members(session, project)
    return sum(_keep(session, project, row, people, emails, at) for row in rows)


def of_project(project_id: int) -> Any:
    """Select the edits of a project, what waits for the owner first."""
    return (
        select(OutsideEdit)
        .where(OutsideEdit.project_id == project_id)
        .order_by((col(OutsideEdit.state) == EditState.OPEN).desc(), col(OutsideEdit.id).desc())
    )


def count_open(session: Session, project_id: int) -> int:
    """Count the edits that the owner has not decided about."""
    return session.exec(
        select(func.count()).where(
            OutsideEdit.project_id == project_id, col(OutsideEdit.state) == EditState.OPEN
        )
    ).one()


def edited(session: Session, assignment_ids: Sequence[int]) -> dict[int, OutsideEdit]:
    """Return the newest edit of each of some answers, by assignment."""
    rows = session.execute(
        select(Annotation.assignment_id, OutsideEdit)
        .join(OutsideEdit, col(OutsideEdit.annotation_id) == col(Annotation.id))
        .where(
            col(Annotation.assignment_id).in_(assignment_ids),
            col(OutsideEdit.state) != EditState.PUT_BACK,
        )
        .order_by(col(OutsideEdit.id))
    )
    return {row[0]: row[1] for row in rows}


def beside(session: Session, project: Project, edits: Sequence[OutsideEdit]) -> list[Beside]:
    """Set edits beside our answers, for a page."""
    config = parse(project.label_config)
    rows = session.execute(
        select(Annotation, Expert.pseudonym)
        .join(Expert, col(Expert.user_id) == col(Annotation.expert_id))
        .where(col(Annotation.id).in_([one.annotation_id for one in edits if one.annotation_id]))
    )
    answers = {row.id: (row, pseudonym) for row, pseudonym in rows}
    found = []
    for edit in edits:
        task = session.get_one(Task, edit.task_id)
        ours, pseudonym = answers.get(edit.annotation_id, (None, None))
        is_readable = edit.result is not None and not edit.troubles
        found.append(
            Beside(
                edit=edit,
                task=task,
                text=shown.text_of(config, task.data),
                pseudonym=pseudonym,
                assignment_id=ours.assignment_id if ours else None,
                ours=shown.answer(config, task.data, ours.result) if ours else None,
                theirs=shown.answer(config, task.data, edit.result or []) if is_readable else None,
                troubles=_said(project, task, edit),
            )
        )
    return found


def note(session: Session, edit: OutsideEdit, *, by: User, at: datetime) -> None:
    """Keep an edit on record as it is; `edit` is locked by the caller."""
    if edit.state is EditState.NOTED:
        return
    if edit.state is not EditState.OPEN:
        raise EditDecided
    _decide(session, edit, EditState.NOTED, by=by, at=at)


def put_back(session: Session, edit: OutsideEdit, *, by: User, at: datetime) -> None:
    """Let our answer stand there again; `edit` is locked by the caller. A job does it."""
    if edit.state is EditState.PUT_BACK:
        return
    if edit.annotation_id is None:
        raise NothingToPutBack
    _decide(session, edit, EditState.PUT_BACK, by=by, at=at)
    put_back_later(session, edit)


def put_back_later(session: Session, edit: OutsideEdit) -> None:
    """Let a job put our answer back."""
    jobs.defer(
        session,
        "annotation.put_back",
        queue="labelling",
        lock=f"label-studio:{edit.project_id}",
        queueing_lock=f"put-back:{edit.id}",
        edit_id=edit.id,
    )


def to_put_back(session: Session, *, limit: int = 100) -> list[OutsideEdit]:
    """Return edits that are still to be undone there."""
    return list(
        session.exec(
            select(OutsideEdit)
            .where(col(OutsideEdit.state) == EditState.PUT_BACK, col(OutsideEdit.done_at).is_(None))
            .order_by(col(OutsideEdit.id))
            .limit(limit)
        )
    )


def _decide(
    session: Session, edit: OutsideEdit, state: EditState, *, by: User, at: datetime
) -> None:
    edit.state, edit.decided_by, edit.decided_at = state, by.id, at
    session.add(edit)
    audit.record(
        session,
        f"outside_edit.{state}",
        by=by.id,
        subject=f"outside_edit:{edit.id}",
        details={"annotation_id": edit.annotation_id},
    )


def _row(
    kind: EditKind, task_id: int, annotation_id: int | None, there: AnswerThere, result: Any
) -> dict[str, Any]:
    return {
        "kind": kind,
        "task_id": task_id,
        "annotation_id": annotation_id,
        "there": there,
        "result": result,
    }


def _keep(
    session: Session,
    project: Project,
    row: dict[str, Any],
    people: Mapping[int, str],
    emails: Mapping[str, int],
    at: datetime,
) -> int:
    there: AnswerThere = row.pop("there")
    troubles: list[str] = []
    if row["kind"] is not EditKind.REMOVED:
        troubles = _troubles(project, session.get_one(Task, row["task_id"]), row["result"])
    if not _is_storable(row["result"]):
        row["result"] = None
    name = people.get(there.changed_by or 0, "")[:NAME_AT_MOST]
    values = {
        **row,
        "project_id": id_of(project),
        "label_studio_annotation_id": there.id,
        "troubles": troubles,
        "author_name": name,
        "author_id": emails.get(name.lower()),
        "edited_at": there.changed_at,
        "seen_at": at,
        "state": EditState.REFUSED if troubles else EditState.OPEN,
    }
    if _is_known(session, values):
        return 0
    made = session.execute(
        insert(OutsideEdit).values(**values).on_conflict_do_nothing().returning(col(OutsideEdit.id))
    ).scalar()
    if made is None:
        return 0
    audit.record(
        session,
        "outside_edit.seen",
        by=values["author_id"],
        subject=f"outside_edit:{made}",
        details={"kind": str(row["kind"]), "troubles": len(troubles)},
    )
    return 1


def _is_known(session: Session, values: Mapping[str, Any]) -> bool:
    """Return whether the newest edit of this answer left it as it is now."""
    last = session.exec(
        select(OutsideEdit)
        .where(
            OutsideEdit.project_id == values["project_id"],
            OutsideEdit.task_id == values["task_id"],
            OutsideEdit.label_studio_annotation_id == values["label_studio_annotation_id"],
        )
        .order_by(col(OutsideEdit.id).desc())
        .limit(1)
    ).first()
    if last is None or last.kind is not values["kind"]:
        return False
    if last.kind is EditKind.REMOVED:
        return False  # it was there in between, or the time is the same and the key refuses it
    # Once undone, the same words again are somebody's new edit.
    is_undone = last.state is EditState.PUT_BACK and last.done_at is not None
    return not is_undone and last.result == values["result"]


def _troubles(project: Project, task: Task, result: Any) -> list[str]:
    if not _is_storable(result):
        return [NOT_READABLE]
    with force_locale("en"):
        return [
            str(one)[:500] for one in results.problems(project.label_config, task.data, result)
        ][:20]


def _is_storable(result: Any) -> bool:
    return (
        isinstance(result, list)
        and all(isinstance(part, dict) for part in result)
        and results.is_storable(result)
    )


def _said(project: Project, task: Task, edit: OutsideEdit) -> tuple[Any, ...]:
    """Return why an edit is refused, in the reader's language where it can still be worked out."""
    if not edit.troubles or edit.result is None:
        return tuple(edit.troubles)
    found = results.problems(project.label_config, task.data, edit.result)
    return tuple(one.words for one in found[:20]) or tuple(edit.troubles)


def _members(session: Session, project: Project) -> dict[str, int]:
    found = organisations.members(session, project.organisation_id)
    return {person.email.lower(): id_of(person) for _one, person in found}


def assignment_of(session: Session, edit: OutsideEdit) -> Assignment | None:
    """Return the work that an edit is about."""
    if edit.annotation_id is None:
        return None
    answer = session.get_one(Annotation, edit.annotation_id)
    return session.get_one(Assignment, answer.assignment_id)
