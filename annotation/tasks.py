"""Tasks of a project: brought in from a file as a whole or not at all, and listed.

The same file sent twice adds nothing the second time. What is in does not change any more.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, Any

from flask_babel import gettext as _
from sqlalchemy import func, text
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from accounts import webhooks
from accounts.models import User
from annotation import media, tally, task_files
from annotation.models import Task
from annotation.task_files import Line, Trouble
from core import audit, jobs
from core.errors import Conflict, Invalid
from projects.models import Project, State, id_of

MAX_TASKS = 1_000_000
SHOWN = 100
TROUBLED_AT_MOST = 10_000


class LabelsMissing(Conflict):
    """First choose the labels of this project: its tasks are checked against them."""


class Closed(Conflict):
    """This project is completed, so it takes no more tasks."""


class BadFile(Invalid):
    """Nothing was added: some lines of the file need your attention."""

    def __init__(self, troubles: list[Trouble], more: int = 0) -> None:
        super().__init__()
        self.troubles = troubles
        self.more = more


@dataclass(frozen=True)
class Imported:
    """What a file has brought."""

    added: int
    known: int


def require_labels(project: Project) -> None:
    """Refuse what depends on the labels while a draft has none."""
    if not project.label_config:
        raise LabelsMissing


def import_file(
    session: Session, project: Project, name: str, stream: IO[bytes], *, by: User, at: datetime
) -> Imported:
    """Add the tasks of a file, all or none; raise `BadFile` with what is wrong, by line.

    Tasks that are in already, with the same content, are counted and left alone. `project` is
    locked by the caller, so that two files come in one after the other.
    """
    if project.state is State.COMPLETED:
        raise Closed
    require_labels(project)
    files = media.known(session, project)
    _stage(session, task_files.read(name, stream, project.label_config, files), id_of(project))
    _check_against_project(session, id_of(project))
    staged = session.execute(text("select count(*) from task_upload")).scalar_one()
    added = _take_in(session, project, at)
    media.note_uses(session, project)
    project.task_count += added
    session.add(project)
    done = Imported(added=added, known=staged - added)
    audit.record(
        session,
        "tasks.imported",
        by=by.id,
        subject=f"project:{project.id}",
        details={"file": name[:200], "added": done.added, "known": done.known},
    )
    if added:
        data = {"project_id": project.id, "added": added}
        webhooks.emit(session, project.organisation_id, "tasks.imported", data)
    if added and not project.is_draft:
        push_later(session, id_of(project))
    return done


def push_later(session: Session, project_id: int) -> None:
    """Let a job bring a project and its tasks to the labelling backend."""
    jobs.defer(
        session,
        "annotation.push_project",
        queue="labelling",
        lock=f"label-studio:{project_id}",
        queueing_lock=f"push-project:{project_id}",
        project_id=project_id,
    )


def listed(project_id: int) -> Any:
    """Select the tasks of a project in the order in which they came."""
    return select(Task).where(Task.project_id == project_id).order_by(col(Task.id))


def counts(session: Session, project_id: int) -> tuple[int, int]:
    """Return how many tasks a project has, and how many of them have a known answer."""
    question = select_columns(func.count()).where(
        col(Task.project_id) == project_id, col(Task.gold).is_not(None)
    )
    return tally.of(session, project_id).tasks, int(session.execute(question).scalar_one())


STAGING = text("""
    create temp table task_upload (
        line bigint, external_id text, data jsonb, gold jsonb, group_key text,
        priority integer, position bigint
    ) on commit drop
""")
COPY = """
    copy task_upload (line, external_id, data, gold, group_key, priority, position) from stdin
"""
REPEATED = text("""
    select min(line), max(line), external_id from task_upload
    group by external_id having count(*) > 1 order by 2 limit :most
""")
OTHER_CONTENT = text("""
    select line, external_id from task_upload join task using (external_id)
    where project_id = :project_id
    and (task.data, task.gold) is distinct from (task_upload.data, task_upload.gold)
    order by line limit :most
""")
TAKE_IN = text("""
    insert into task (project_id, external_id, data, gold, group_key, slots, slots_left,
                      priority, position, created_at)
    select :project_id, external_id, data, gold, group_key, :slots, :slots, priority, position, :at
    from task_upload order by line
    on conflict (project_id, external_id) do nothing
""")


def _stage(session: Session, lines: Iterator[Line | Trouble], project_id: int) -> None:
    """Copy the lines into a table of this transaction, or raise with what is wrong in them."""
    session.execute(text("drop table if exists pg_temp.task_upload"))
    session.execute(STAGING)
    troubles: list[Trouble] = []
    number = 0
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(COPY) as copy:
        for line in lines:
            number += 1
            if isinstance(line, Trouble):
                troubles.append(line)
            elif not troubles:
                copy.write_row(_row(line, project_id))
            if number > MAX_TASKS or len(troubles) > TROUBLED_AT_MOST:
                break
    if number > MAX_TASKS:
        most = f"{MAX_TASKS:,}"
        troubles.insert(
            0, Trouble(number, _("Split the file: it may hold %(most)s tasks.", most=most))
        )
    if number == 0:
        troubles.append(Trouble(1, _("Add at least one task: the file is empty.")))
    _raise_if(troubles)


def _row(line: Line, project_id: int) -> tuple[Any, ...]:
    gold = json.dumps(line.gold, ensure_ascii=False) if line.gold is not None else None
    data = json.dumps(line.data, ensure_ascii=False)
    place = _position(project_id, line.external_id)
    return (line.number, line.external_id, data, gold, line.group, line.priority, place)


def _position(project_id: int, external_id: str) -> int:
    """Return the place of a task in the order of claims.

    Shuffled, always in the same way: tasks with a known answer, wherever they stand in the file,
    come like any other.
    """
    digest = hashlib.blake2b(f"{project_id}/{external_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _check_against_project(session: Session, project_id: int) -> None:
    found = {"most": SHOWN, "project_id": project_id}
    troubles = [
        Trouble(
            last,
            _(
                "Give this task an id of its own: “%(id)s” is used on line %(first)s already.",
                id=external_id,
                first=first,
            ),
        )
        for first, last, external_id in session.execute(REPEATED, found)
    ]
    troubles += [
        Trouble(
            line,
            _(
                "Give this task a new id: “%(id)s” is in the project with other content, "
                "and tasks do not change once they are in.",
                id=external_id,
            ),
        )
        for line, external_id in session.execute(OTHER_CONTENT, found)
    ]
    _raise_if(troubles)


def _take_in(session: Session, project: Project, at: datetime) -> int:
    values = {"project_id": project.id, "slots": project.overlap, "at": at}
    made: Any = session.execute(TAKE_IN, values)
    return int(made.rowcount)


def _raise_if(troubles: list[Trouble]) -> None:
    if troubles:
        troubles.sort(key=lambda trouble: trouble.number)
        raise BadFile(list(islice(troubles, SHOWN)), max(0, len(troubles) - SHOWN))
