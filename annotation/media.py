"""Media files of a project: taken in piece by piece, listed, replaced and deleted.

A content is stored once for an organisation, whatever its names. A file that somebody has worked
with stays as it is. See docs/media.md.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from sqlalchemy import delete, func, text, update
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from annotation import media_kinds
from annotation.media_models import NAME_MOST, MediaUpload, TaskMedia, TaskMediaUse
from annotation.models import Assignment, Task
from annotation.sample_models import SampleAnswer
from core import audit, content, formats
from core.errors import Conflict, Invalid, NotFound
from core.settings import Settings
from projects.models import Project, State, id_of

MEGABYTE = 1_000_000
FILES_MOST = 200_000  # of one project
PARTS_KEPT = timedelta(days=2)
CONTENTS_KEPT = timedelta(days=1)
_NAME = re.compile(r"[^\x00-\x1f\x7f\\/:*?\"<>|]+(/[^\x00-\x1f\x7f\\/:*?\"<>|]+)*")
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(7220197, :organisation_id)")


class BadName(Invalid):
    """Rename “%(name)s”: letters, digits, spaces, “.”, “-”, “_”, and “/” between folders."""


class WrongKind(Invalid):
    """“%(name)s” is no picture, sound, film, PDF, CSV, JSON or text that browsers show.

    Pictures: PNG, JPEG, WebP, GIF, AVIF, BMP. Sounds and films: MP3, M4A, WAV, FLAC, Ogg, MP4,
    WebM.
    """


class TooLarge(Invalid):
    """“%(name)s” is too large: such a file may have %(most)s MB here."""


class Empty(Invalid):
    """“%(name)s” is empty."""


class QuotaFull(Conflict):
    """“%(name)s” finds no room: your organisation may keep %(most)s MB. Delete some files first."""


class TooMany(Conflict):
    """This project has 200,000 files already, and takes no more."""


class NameTaken(Conflict):
    """“%(name)s” is here with another content. Say that it is to be replaced, or rename it."""


class WorkedWith(Conflict):
    """“%(name)s” stays as it is: experts have worked with it. Send the other one by a new name."""


class InUse(Conflict):
    """“%(name)s” stays: tasks show it."""


class ProjectClosed(Conflict):
    """This project is completed, so it takes no more files."""


class Lost(NotFound):
    """“%(name)s” is missing on this instance. Its operator sees that; nothing else was changed."""


class Gone(NotFound):
    """“%(name)s” was removed %(when)s, as announced. Its fingerprint stays: SHA-256 %(sha256)s."""

    status = 410


class OutOfStep(Conflict):
    """This piece does not follow on what is here. Begin again: it goes on where it stopped."""


class NoRoom(Invalid):
    """The instance cannot keep more files now. Try again later, or write to its operator."""

    status = 507


@dataclass(frozen=True)
class Wanted:
    """A file that somebody wants to send, as its browser describes it."""

    name: str
    size: int
    stamp: str = ""


@dataclass(frozen=True)
class Room:
    """How much an organisation keeps, and may keep, in bytes."""

    kept: int
    most: int


@dataclass(frozen=True)
class Listed:
    """A file of a project, and in how many tasks it is shown."""

    file: TaskMedia
    tasks: int


def root(settings: Settings) -> Path:
    """Return where files lie."""
    return settings.data_dir / "media"


def begin(
    session: Session, project: Project, wanted: Wanted, *, by: int, settings: Settings, at: datetime
) -> MediaUpload:
    """Begin to take a file in, or go on with what was begun; refuse what cannot end well."""
    name = checked_name(wanted.name)
    _check_open(session, project, name)
    if wanted.size <= 0:
        raise Empty(name=name)
    largest = max(settings.media_most_mb.values(), default=0)
    if wanted.size > largest * MEGABYTE:
        raise TooLarge(name=name, most=largest)
    row = {
        "key": secrets.token_hex(24),
        "project_id": project.id,
        "organisation_id": project.organisation_id,
        "by_user_id": by,
        "name": name,
        "size": wanted.size,
        "stamp": wanted.stamp[:40],
        "received": 0,
        "begun_at": at,
        "touched_at": at,
    }
    same = ["project_id", "by_user_id", "name", "size", "stamp"]
    session.execute(insert(MediaUpload).values(row).on_conflict_do_nothing(index_elements=same))
    found = session.exec(
        select(MediaUpload)
        .where(*(getattr(MediaUpload, part) == row[part] for part in same))
        .with_for_update()
    ).one()
    # What a request has moved away whose end was never kept is to be sent anew.
    found.received = min(found.received, content.length(root(settings), found.key))
    _check_room(session, found, settings)
    return found


def receive(
    session: Session,
    upload: MediaUpload,
    stream: IO[bytes],
    *,
    start: int,
    store: Path,
    at: datetime,
) -> int:
    """Write a piece; return how much is here now. `upload` is locked by the caller.

    A piece that came in twice is known by where it begins.
    """
    if start != upload.received:
        if start < upload.received:
            return upload.received
        raise OutOfStep
    try:
        upload.received = content.append(store, upload.key, stream, at=start, most=upload.size)
    except OSError as trouble:
        raise NoRoom from trouble
    upload.touched_at = at
    session.add(upload)
    return upload.received


def finish(
    session: Session,
    project: Project,
    upload: MediaUpload,
    *,
    replaces: bool,
    settings: Settings,
    at: datetime,
) -> TaskMedia:
    """Make a file of the project from what came in, whole.

    The same name with the same content is the file that is there already.
    """
    _check_open(session, project, upload.name)
    store, path = root(settings), content.part(root(settings), upload.key)
    if upload.received != upload.size or not path.is_file():
        raise OutOfStep
    kind = _checked_kind(path, upload, settings)
    sha256 = content.digest(path)  # before others are kept waiting for what follows
    _check_room(session, upload, settings)
    found = session.exec(
        select(TaskMedia)
        .where(TaskMedia.project_id == project.id, TaskMedia.name == upload.name)
        .with_for_update()
    ).first()
    action = "media.added"
    if found is None:
        _check_count(session, project)
        found = TaskMedia(
            project_id=id_of(project),
            organisation_id=project.organisation_id,
            name=upload.name,
            kind=kind,
            size=upload.size,
            sha256=sha256,
            added_by=upload.by_user_id,
            added_at=at,
        )
    elif found.sha256 != sha256:
        if not replaces:
            raise NameTaken(name=found.name)
        _check_untouched(session, found)
        action = "media.replaced"
        found.kind, found.size, found.sha256 = kind, upload.size, sha256
        found.replaced_at = at
    else:
        action = ""
    was_lost = _heal(session, project.organisation_id, sha256)
    try:
        content.take_in(store, upload.key, str(project.organisation_id), sha256, anew=was_lost)
    except OSError as trouble:
        raise NoRoom from trouble
    found.upload_key = upload.key
    session.add(found)
    session.delete(upload)
    session.flush()
    if action:
        _record(session, action, found, by=upload.by_user_id)
    return found


def remove(session: Session, media_id: int, *, by: int) -> None:
    """Delete a file that no task shows; the sweep takes its content away a day later.

    An import holds its project: it ends before, and its tasks are seen, or begins after, and says
    that the file is not there.
    """
    held = select(TaskMedia.project_id).where(TaskMedia.id == media_id).scalar_subquery()
    session.exec(select(Project.id).where(Project.id == held).with_for_update(key_share=True))
    file = session.get(TaskMedia, media_id, with_for_update=True, populate_existing=True)
    if file is None:
        raise NotFound
    if uses(session, [file]).get(file.id or 0):
        raise InUse(name=file.name)
    _record(session, "media.deleted", file, by=by)
    session.delete(file)
    session.flush()


def begun(session: Session, key: str) -> MediaUpload | None:
    """Return a file on its way in."""
    return session.exec(select(MediaUpload).where(MediaUpload.key == key)).first()


def finished(session: Session, key: str) -> TaskMedia | None:
    """Return the file that came in last under a key: whoever missed the answer asks again."""
    return session.exec(select(TaskMedia).where(TaskMedia.upload_key == key)).first()


def coming(session: Session, key: str) -> MediaUpload | None:
    """Return a file on its way in, locked."""
    query = select(MediaUpload).where(MediaUpload.key == key).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).first()


def give_up(session: Session, upload: MediaUpload, store: Path) -> None:
    """Forget a file on its way in that can never become one."""
    content.part(store, upload.key).unlink(missing_ok=True)
    session.delete(upload)


def checked_name(name: str) -> str:
    """Return a name under which a file may be kept, or raise `BadName`."""
    plain = " ".join(name.replace("\\", "/").split()).strip("/ ")
    parts = plain.split("/")
    is_odd = any(part in ("", ".", "..") or part != part.strip() for part in parts)
    if is_odd or len(plain) > NAME_MOST or not _NAME.fullmatch(plain):
        raise BadName(name=plain[:80])
    return plain


def listed(project_id: int, words: str = "") -> Any:
    """Select the files of a project by their names, those whose name holds some words."""
    query = select(TaskMedia).where(TaskMedia.project_id == project_id)
    if words.strip():
        query = query.where(func.strpos(func.lower(TaskMedia.name), words.strip().lower()) > 0)
    return query.order_by(col(TaskMedia.name))


def uses(session: Session, files: Iterable[TaskMedia]) -> dict[int, int]:
    """Count the tasks that show each of some files."""
    ids = [file.id for file in files]
    rows = session.execute(
        select_columns(col(TaskMediaUse.media_id), func.count())
        .where(col(TaskMediaUse.media_id).in_(ids))
        .group_by(col(TaskMediaUse.media_id))
    )
    return {row[0]: row[1] for row in rows}


def known(session: Session, project: Project) -> Mapping[str, media_kinds.Family]:
    """Return what each file of a project is, for an import that names files; else nothing."""
    if not media_kinds.fields(project.label_config):
        return {}
    rows = session.execute(
        select_columns(col(TaskMedia.name), col(TaskMedia.kind)).where(
            col(TaskMedia.project_id) == project.id
        )
    )
    return {name: media_kinds.family(kind) for name, kind in rows}


def of_task(session: Session, task_id: int) -> list[TaskMedia]:
    """Return the files that a task shows."""
    return list(
        session.exec(
            select(TaskMedia)
            .join(TaskMediaUse, col(TaskMediaUse.media_id) == col(TaskMedia.id))
            .where(TaskMediaUse.task_id == task_id)
            .order_by(col(TaskMedia.name))
        )
    )


def of_tasks(session: Session, task_ids: Iterable[int]) -> dict[int, list[TaskMedia]]:
    """Return the files that some tasks show, by task."""
    rows = session.exec(
        select(TaskMediaUse.task_id, TaskMedia)
        .join(TaskMedia, col(TaskMedia.id) == col(TaskMediaUse.media_id))
        .where(col(TaskMediaUse.task_id).in_(list(task_ids)))
        .order_by(col(TaskMedia.name))
    )
    found: dict[int, list[TaskMedia]] = {}
    for task_id, file in rows:
        found.setdefault(task_id, []).append(file)
    return found


NOTE_USES = text("""
    insert into task_media_use (media_id, task_id)
    select distinct m.id, t.id
    from task_upload u
    join task t on t.project_id = :project_id and t.external_id = u.external_id
    cross join lateral jsonb_path_query(t.data, 'strict $.**') as v
    join task_media m on m.project_id = :project_id and m.name = substr(v #>> '{}', 7)
    where jsonb_typeof(v) = 'string' and starts_with(v #>> '{}', 'media:')
    on conflict do nothing
""")


def note_uses(session: Session, project: Project) -> None:
    """Note which files the tasks show that an import has just brought."""
    if media_kinds.fields(project.label_config):
        session.execute(NOTE_USES, {"project_id": project.id})


def room(session: Session, organisation_id: int, settings: Settings) -> Room:
    """Return how much an organisation keeps; what is stored once counts once."""
    once = (
        select_columns(col(TaskMedia.sha256), func.max(TaskMedia.size).label("size"))
        .where(
            col(TaskMedia.organisation_id) == organisation_id, col(TaskMedia.removed_at).is_(None)
        )
        .group_by(col(TaskMedia.sha256))
        .subquery()
    )
    kept = session.execute(select_columns(func.coalesce(func.sum(once.c.size), 0))).scalar_one()
    return Room(int(kept), settings.media_quota_mb * MEGABYTE)


def hashes(session: Session, project_id: int) -> dict[str, str]:
    """Return the SHA-256 of each file of a project, by its name."""
    rows = session.execute(
        select_columns(col(TaskMedia.name), col(TaskMedia.sha256)).where(
            col(TaskMedia.project_id) == project_id
        )
    )
    return {row[0]: row[1] for row in rows}


def with_hashes(data: dict[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Return data that names each media file with a fingerprint of its content."""
    named = {name: f"{media_kinds.SCHEME}{name}#sha256={sha256}" for name, sha256 in files.items()}
    return {key: media_kinds.replaced(value, named) for key, value in data.items()}


def path_of(file: TaskMedia, settings: Settings) -> Path:
    """Return where the content of a file lies, or raise why it does not."""
    if file.removed_at:
        when = formats.date_time(file.removed_at)
        raise Gone(name=file.name, when=when, sha256=file.sha256)
    path = content.place(root(settings), str(file.organisation_id), file.sha256)
    if not path.is_file():
        raise Lost(name=file.name)
    return path


def sweep(session: Session, settings: Settings, *, at: datetime) -> int:
    """Delete contents that no file has, and what began to come in and never went on."""
    session.execute(delete(MediaUpload).where(col(MediaUpload.touched_at) < at - PARTS_KEPT))
    deleted = 0
    for path in _orphans(session, root(settings), at):
        path.unlink(missing_ok=True)
        deleted += 1
    return deleted


def _orphans(session: Session, store: Path, at: datetime) -> Iterator[Path]:
    for path in content.older(store, at - CONTENTS_KEPT):
        if path.parent.name == content.PARTS:
            begun = select(MediaUpload.id).where(MediaUpload.key == path.name)
            if session.exec(begun).first() is None:
                yield path
            continue
        shelf = path.parent.parent.name
        if not shelf.isdecimal():
            continue  # nothing of ours
        session.execute(ONE_AT_A_TIME, {"organisation_id": int(shelf)})
        wanted = select(TaskMedia.id).where(
            TaskMedia.organisation_id == int(shelf),
            TaskMedia.sha256 == path.name,
            col(TaskMedia.removed_at).is_(None),
        )
        if session.exec(wanted).first() is None and _is_older(path, at - CONTENTS_KEPT):
            yield path


def _is_older(path: Path, at: datetime) -> bool:
    return path.is_file() and path.stat().st_mtime < at.timestamp()


def _checked_kind(path: Path, upload: MediaUpload, settings: Settings) -> str:
    kind = media_kinds.sniff(path, upload.name)
    if kind is None:
        raise WrongKind(name=upload.name)
    most = settings.media_most_mb.get(media_kinds.family(kind), 0)
    if upload.size > most * MEGABYTE:
        raise TooLarge(name=upload.name, most=most)
    return kind


def _check_open(session: Session, project: Project, name: str) -> None:
    """Refuse files for a completed project, but for one that the disk has lost."""
    if project.state is not State.COMPLETED:
        return
    lost = select(TaskMedia.id).where(
        TaskMedia.project_id == project.id,
        TaskMedia.name == name,
        col(TaskMedia.trouble).is_not(None),
    )
    if session.exec(lost).first() is None:
        raise ProjectClosed


def _heal(session: Session, organisation_id: int, sha256: str) -> bool:
    """Say whether the disk has lost a content that is here again now."""
    its = (
        col(TaskMedia.organisation_id) == organisation_id,
        col(TaskMedia.sha256) == sha256,
        col(TaskMedia.trouble).is_not(None),
    )
    healed = session.execute(update(TaskMedia).where(*its).values(trouble=None))
    return bool(healed.rowcount)  # type: ignore[attr-defined]


def _check_room(session: Session, upload: MediaUpload, settings: Settings) -> None:
    """Refuse what would not fit, counting what others of the organisation are sending."""
    session.execute(ONE_AT_A_TIME, {"organisation_id": upload.organisation_id})
    coming = session.execute(
        select_columns(func.coalesce(func.sum(MediaUpload.size), 0)).where(
            col(MediaUpload.organisation_id) == upload.organisation_id
        )
    ).scalar_one()
    here = room(session, upload.organisation_id, settings)
    if here.kept + int(coming) > here.most:
        raise QuotaFull(name=upload.name, most=settings.media_quota_mb)


def _check_count(session: Session, project: Project) -> None:
    count = func.count()
    query = select_columns(count).where(col(TaskMedia.project_id) == project.id)
    if session.execute(query).scalar_one() >= FILES_MOST:
        raise TooMany


def _check_untouched(session: Session, file: TaskMedia) -> None:
    """Refuse where somebody has worked with a file; its tasks are held so that nobody begins."""
    its = select(TaskMediaUse.task_id).where(TaskMediaUse.media_id == file.id)
    session.execute(
        select_columns(col(Task.id))
        .where(col(Task.id).in_(its))
        .order_by(col(Task.id))
        .with_for_update()
    )
    for row in (Assignment, SampleAnswer):
        if session.exec(select(row.id).where(col(row.task_id).in_(its)).limit(1)).first():
            raise WorkedWith(name=file.name)


def _record(session: Session, action: str, file: TaskMedia, *, by: int) -> None:
    audit.record(
        session,
        action,
        by=by,
        subject=f"project:{file.project_id}",
        details={"file": file.name, "sha256": file.sha256, "size": file.size},
    )
