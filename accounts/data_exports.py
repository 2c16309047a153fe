"""Copies of all that is held about a person: asked for, made by a job, kept for some days.

A copy is one ZIP, written row by row to the disk (never whole in memory), under a random name
that only its owner is led to. `accounts/export_file.py` says what stands in it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, or_, select

from accounts import export_file
from accounts.models import User
from accounts.privacy_models import DataExport, ExportState
from core import audit, jobs, messages
from core.clock import now
from core.db import transaction
from core.errors import NotFound
from core.personal_data import Register

# From the claim to the lock: while a copy is written its worker holds a lock, which is gone with
# the worker however it ends, so that a killed one's copy is taken up by the next sweep.
HOLD = timedelta(minutes=1)
LEFT_AFTER = timedelta(minutes=2)
ATTEMPTS = 5
LOCK, MAKING_LOCK = 7220146, 7220152


class NotThere(NotFound):
    """This copy is not there any more. You may ask for a new one."""


@dataclass(frozen=True)
class Claimed:
    """A copy that this worker makes now."""

    export_id: int
    person: export_file.Person
    key: str
    attempt: int


def ask(session: Session, user: User, *, language: str, at: datetime) -> DataExport:
    """Ask for a copy; while one is being made, asking again returns that one."""
    assert user.id is not None
    # A double click asks twice at once: the second waits here and finds the first one's row.
    session.execute(select_columns(func.pg_advisory_xact_lock(LOCK, user.id)))
    making = session.exec(
        select(DataExport).where(
            DataExport.user_id == user.id, DataExport.state == ExportState.MAKING
        )
    ).first()
    if making is not None:
        return making
    row = DataExport(user_id=user.id, key=secrets.token_hex(24), language=language, asked_at=at)
    session.add(row)
    session.flush()  # the job needs its id
    _defer(session, row.id or 0)
    audit.record(session, "data.asked", by=user.id, subject=f"user:{user.id}")
    return row


def of(session: Session, user_id: int) -> list[DataExport]:
    """Return the copies that somebody asked for lately, newest first."""
    query = select(DataExport).where(DataExport.user_id == user_id)
    return list(session.exec(query.order_by(col(DataExport.id).desc()).limit(10)))


def file_of(export: DataExport, folder: Path, *, at: datetime) -> Path:
    """Return the file of a copy that is there, or refuse."""
    place = _place(folder, export.key)
    is_over = export.expires_at is None or export.expires_at <= at
    if export.state is not ExportState.READY or is_over or not place.exists():
        raise NotThere
    return place


def make(export_id: int, register: Register, folder: Path, *, keep: timedelta) -> str:
    """Make a copy: claim it, write the file with no row held, record that it is there."""
    with transaction() as session:
        claimed = _claim(session, export_id, at=now())
    if claimed is None:
        return "nothing to do"
    place = _place(folder, claimed.key)
    part = place.with_suffix(f".part{claimed.attempt}")
    with transaction() as session:
        if not _is_free(session, export_id):
            return "another worker makes it"
        rows = export_file.write(session, register, claimed.person, part, uploads=folder)
        part.rename(place)
        return _record(session, claimed, place, rows, keep=keep, at=now())


def take_up(session: Session, *, at: datetime) -> int:
    """Let jobs make the copies whose worker was killed or whose job was lost."""
    left = select(DataExport.id).where(
        DataExport.state == ExportState.MAKING,
        or_(
            col(DataExport.held_until) < at,
            col(DataExport.held_until).is_(None) & (col(DataExport.asked_at) < at - LEFT_AFTER),
        ),
    )
    found = [one for one in session.exec(left) if one is not None]
    for export_id in found:
        _defer(session, export_id)
    return len(found)


def end(session: Session, folder: Path, *, at: datetime) -> int:
    """Delete the files of copies whose days are over, and files that no row knows."""
    over = select(DataExport).where(
        DataExport.state == ExportState.READY, col(DataExport.expires_at) <= at
    )
    ended = 0
    for row in session.exec(over.with_for_update(skip_locked=True)):
        _place(folder, row.key).unlink(missing_ok=True)
        row.state = ExportState.GONE
        session.add(row)
        ended += 1
    session.flush()  # so that their keys count as unknown below
    _sweep(session, folder, at)
    return ended


def paths(session: Session, user_id: int) -> list[str]:
    """Return where copies of somebody's data may lie, under the data directory."""
    keys = session.exec(select(DataExport.key).where(DataExport.user_id == user_id))
    return [f"exports/{key}.zip" for key in keys]


def _claim(session: Session, export_id: int, at: datetime) -> Claimed | None:
    row = session.exec(
        select(DataExport).where(DataExport.id == export_id).with_for_update(skip_locked=True)
    ).first()
    if row is None or row.state is not ExportState.MAKING:
        return None
    is_held = row.held_until is not None and row.held_until > at
    if is_held or not _is_free(session, export_id):
        return None
    if row.attempts >= ATTEMPTS:
        row.state, row.trouble = ExportState.FAILED, "given up after several attempts"
        session.add(row)
        return None
    row.held_until, row.attempts = at + HOLD, row.attempts + 1
    session.add(row)
    user = session.get_one(User, row.user_id)
    person = export_file.Person(row.user_id, user.email, user.name, row.language)
    return Claimed(export_id, person, row.key, row.attempts)


def _is_free(session: Session, export_id: int) -> bool:
    """Take the copy's lock until the end of the transaction; False while another makes it."""
    lock = func.pg_try_advisory_xact_lock(MAKING_LOCK, export_id)
    return bool(session.scalar(select_columns(lock)))


def _record(
    session: Session,
    claimed: Claimed,
    place: Path,
    rows: int,
    *,
    keep: timedelta,
    at: datetime,
) -> str:
    row = session.get(DataExport, claimed.export_id, with_for_update=True)
    if row is None:  # erased meanwhile
        place.unlink(missing_ok=True)
        return "nobody waits for it"
    if row.state is not ExportState.MAKING:
        return "made already"
    row.state, row.ready_at, row.expires_at = ExportState.READY, at, at + keep
    row.size_bytes, row.row_count, row.held_until = place.stat().st_size, rows, None
    session.add(row)
    user = session.get_one(User, row.user_id)
    messages.write(session, to=user, template="accounts/data_ready", until=row.expires_at)
    audit.record(session, "data.made", by=None, subject=f"user:{row.user_id}")
    return f"{rows} rows"


def _sweep(session: Session, folder: Path, at: datetime) -> None:
    for file in sorted((folder / "exports").glob("*")):
        key = file.name.partition(".")[0]
        known = session.exec(
            select(DataExport.id).where(
                DataExport.key == key, col(DataExport.state).in_(("making", "ready"))
            )
        ).first()
        is_old = file.stat().st_mtime < (at - timedelta(days=1)).timestamp()
        if is_old and (known is None or ".part" in file.name):
            file.unlink(missing_ok=True)


def _defer(session: Session, export_id: int) -> None:
    jobs.defer(
        session, "accounts.make_export", queueing_lock=f"export:{export_id}", export_id=export_id
    )


def _place(folder: Path, key: str) -> Path:
    return folder / "exports" / f"{key}.zip"
