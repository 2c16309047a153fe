"""Whether the media files are on the disk as they came in, looked at in turn.

A run asks the disk for some files (is it there, is it as long?), and reads a few whole, so that it
costs the same whatever lies here. What was found wrong is looked at first, until it is right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, takewhile

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from annotation import media
from annotation.media_models import MediaTrouble, MediaWatch, TaskMedia
from core import content
from core.settings import Settings

LOOKED = 5000
READ = 256 * media.MEGABYTE
NOTE = text("""
    update task_media set trouble = :trouble
    where id = :id and sha256 = :sha256 and removed_at is null and trouble is distinct from :trouble
""")


@dataclass(frozen=True)
class File:
    """A content that ought to be on the disk."""

    media_id: int
    organisation_id: int
    sha256: str
    size: int


@dataclass(frozen=True)
class Batch:
    """What one run looks at: `whole` is read, the others are only asked for."""

    again: Sequence[File]
    there: Sequence[File]
    whole: Sequence[File]


@dataclass(frozen=True)
class Lost:
    """How many files are not as they came in, and the name of the first."""

    files: int
    first: str


def next_up(session: Session) -> Batch:
    """Return what is looked at next."""
    at = session.get_one(MediaWatch, 1)
    files = (
        select(TaskMedia.id, TaskMedia.organisation_id, TaskMedia.sha256, TaskMedia.size)
        .where(col(TaskMedia.removed_at).is_(None))
        .order_by(col(TaskMedia.id))
    )
    asked = {
        "again": files.where(col(TaskMedia.trouble).is_not(None)),
        "there": files.where(col(TaskMedia.id) > at.last_id),
        "whole": files.where(col(TaskMedia.id) > at.read_id),
    }
    found = {
        name: [File(row[0] or 0, *row[1:]) for row in session.exec(query.limit(LOOKED))]
        for name, query in asked.items()
    }
    sums = accumulate(one.size for one in found["whole"])
    fits = sum(1 for _ in takewhile(lambda size: size <= READ, sums))
    return Batch(found["again"], found["there"], found["whole"][: max(1, fits)])


def examine(batch: Batch, settings: Settings) -> Mapping[File, MediaTrouble | None]:
    """Look at the disk; nothing of the database is held meanwhile."""
    whole = {*batch.again, *batch.whole}
    return {one: _trouble(one, settings, reads=one in whole) for one in {*whole, *batch.there}}


def note(
    session: Session,
    batch: Batch,
    found: Mapping[File, MediaTrouble | None],
    *,
    at: datetime,
) -> int:
    """Note what was found, and go on behind it; return how many files are not as they came in."""
    read = {*batch.again, *batch.whole}
    for file, trouble in sorted(found.items(), key=lambda pair: pair[0].media_id):
        if trouble is not None or file in read:
            values = {"id": file.media_id, "sha256": file.sha256, "trouble": trouble}
            session.execute(NOTE, values)
    watch = session.get_one(MediaWatch, 1, with_for_update=True, populate_existing=True)
    watch.last_id = _last(batch.there)
    watch.read_id = _last(batch.whole)
    if not watch.last_id:
        watch.round_at = at
    session.add(watch)
    return lost(session).files


def lost(session: Session) -> Lost:
    """Count the files that are not as they came in."""
    wrong = col(TaskMedia.trouble).is_not(None)
    files = session.exec(select(func.count()).where(wrong)).one()
    first = session.exec(
        select(TaskMedia.name).where(wrong).order_by(col(TaskMedia.id)).limit(1)
    ).first()
    return Lost(files, first or "")


def listed(session: Session) -> Sequence[TaskMedia]:
    """Return the files that are not as they came in."""
    wrong = select(TaskMedia).where(col(TaskMedia.trouble).is_not(None))
    return session.exec(wrong.order_by(col(TaskMedia.project_id), col(TaskMedia.name))).all()


def absent(files: Iterable[TaskMedia], settings: Settings) -> list[str]:
    """Return the names of those of some files that cannot be shown now."""
    return [
        file.name
        for file in files
        if file.removed_at or _trouble(_of(file), settings, reads=False) is not None
    ]


def _of(file: TaskMedia) -> File:
    return File(file.id or 0, file.organisation_id, file.sha256, file.size)


def _last(files: Sequence[File]) -> int:
    """Return behind which file the next run begins: behind the last one of all it is the first."""
    return files[-1].media_id if files else 0


def _trouble(file: File, settings: Settings, *, reads: bool) -> MediaTrouble | None:
    path = content.place(media.root(settings), str(file.organisation_id), file.sha256)
    try:
        if path.stat().st_size != file.size:
            return MediaTrouble.LENGTH
        if reads and content.digest(path) != file.sha256:
            return MediaTrouble.CONTENT
    except FileNotFoundError:
        return MediaTrouble.MISSING
    except OSError:
        return MediaTrouble.UNREADABLE
    return None
