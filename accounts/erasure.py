"""Erasure: asked for, waiting (it can be undone), then done once, by what the register declares.

    asked → due → done        undone: at any time before
               ↘ blocked      something came up that must be solved first; looked at again

The database is changed in one transaction, so a job that is killed has done nothing. Files go
after it, by a list that stands in the erasure's own row until each of them is gone.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, text
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from accounts import data_exports, organisations
from accounts.models import User
from accounts.privacy_models import Erasure
from core import audit, jobs, messages, uploads
from core.clock import now
from core.db import transaction
from core.errors import Conflict
from core.models import Letter, LetterState
from core.personal_data import Blank, Blocker, Delete, Keep, Line, Register, Table

LOCK = 7220147
LAST_LETTER_KEPT = timedelta(days=7)


class SolveFirst(Conflict):
    """Something has to be solved before your account can be erased; the page says what."""


class AccountClosing(Conflict):
    """You asked for your account to be erased, so it is closed to work.

    You can still undo that: open “Your data” in your account.
    """


@dataclass(frozen=True)
class Plan:
    """All that an erasure would do: what goes, what loses its words, what stays and why."""

    deleted: list[Line]
    blanked: list[Line]
    kept: list[Line]


def blockers(session: Session, register: Register, person: int) -> list[Blocker]:
    """Return what has to be solved first."""
    return [one for ask in register.blockers for one in ask(session, person)]


def plan(session: Session, register: Register, user: User) -> Plan:
    """Say what an erasure would do to the rows of a person."""
    found: dict[type, list[Line]] = {Delete: [], Blank: [], Keep: []}
    for table in register.of_people():
        if table.erase is None:
            continue
        count = _count(session, table, _values(user))
        if count:
            found[type(table.erase)].append(Line(table.about, count, table.erase.why))
    kept = [line for ask in register.kept if (line := ask(session, user.id or 0)).count]
    return Plan(found[Delete], found[Blank], [*found[Keep], *kept, *_always_kept()])


def open_of(session: Session, user_id: int | None, *, lock: bool = False) -> Erasure | None:
    """Return the erasure that somebody asked for and that still waits."""
    query = select(Erasure).where(
        Erasure.user_id == user_id,
        col(Erasure.undone_at).is_(None),
        col(Erasure.done_at).is_(None),
    )
    return session.exec(query.with_for_update() if lock else query).first()


def ask(
    session: Session,
    register: Register,
    user: User,
    *,
    language: str,
    wait: timedelta,
    at: datetime,
) -> Erasure:
    """Ask for an erasure; asking again returns the one that waits. Work in hand is returned."""
    assert user.id is not None
    session.execute(select_columns(func.pg_advisory_xact_lock(LOCK, user.id)))
    waiting = open_of(session, user.id)
    if waiting is not None:
        return waiting
    if blockers(session, register, user.id):
        raise SolveFirst
    for close in register.closing:
        close(session, user.id, at)
    row = Erasure(user_id=user.id, language=language, asked_at=at, due_at=at + wait)
    session.add(row)
    messages.write(session, to=user, template="accounts/erasure_asked", due=row.due_at)
    audit.record(session, "erasure.asked", by=user.id, subject=f"user:{user.id}")
    return row


def undo(session: Session, user: User, *, at: datetime) -> bool:
    """Take an erasure back while it waits; False when none does."""
    row = open_of(session, user.id, lock=True)
    if row is None:
        return False
    row.undone_at = at
    session.add(row)
    messages.write(session, to=user, template="accounts/erasure_undone")
    audit.record(session, "erasure.undone", by=user.id, subject=f"user:{user.id}")
    return True


def due(session: Session, *, at: datetime) -> int:
    """Let a job do each erasure whose time has come."""
    query = select(Erasure).where(
        col(Erasure.undone_at).is_(None), col(Erasure.done_at).is_(None), Erasure.due_at <= at
    )
    found = list(session.exec(query))
    for row in found:
        jobs.defer(session, "accounts.erase", queueing_lock=f"erasure:{row.id}", erasure_id=row.id)
    return len(found)


def carry_out(erasure_id: int, register: Register, folder: Path) -> str:
    """Erase: the database in one transaction, then the files. Twice does no more than once."""
    with transaction() as session:
        said = _erase(session, register, erasure_id, folder, at=now())
    with transaction() as session:
        delete_files(session, erasure_id, folder)
    return said


def finish(session: Session, folder: Path, *, at: datetime) -> int:
    """Delete files that a killed job left, and last letters that have been sent."""
    left = select(Erasure.id).where(
        col(Erasure.done_at).is_not(None), func.jsonb_array_length(Erasure.files) > 0
    )
    done = 0
    for erasure_id in list(session.exec(left)):
        done += delete_files(session, erasure_id or 0, folder)
    query = select(Erasure).where(col(Erasure.letter_id).is_not(None))
    for row in session.exec(query.with_for_update(skip_locked=True)):
        done += _forget_letter(session, row, folder, at)
    return done


def pending(session: Session) -> list[Erasure]:
    """Return the erasures that wait, the next one first."""
    query = select(Erasure).where(col(Erasure.undone_at).is_(None), col(Erasure.done_at).is_(None))
    return list(session.exec(query.order_by(col(Erasure.due_at))))


def erase_rows(session: Session, register: Register, user: User, *, key: str) -> None:
    """Blank and delete the rows of a person, as the register declares, under a random key."""
    values = _values(user) | {"key": key, "uniquifier": secrets.token_hex(32)}
    session.flush()  # what follows is plain SQL
    tables = register.of_people()
    for name, where in register.also_delete:
        _run(session, f"DELETE FROM {name} WHERE {where}", values)  # noqa: S608
    for table in tables:
        if isinstance(table.erase, Blank) and not table.erase.function:
            _run(session, _update(table, table.erase), values)
    for function in sorted({one.erase.function for one in tables if isinstance(one.erase, Blank)}):
        if function:
            _run(session, f"SELECT {function}(:person)", values)
    for table in reversed(tables):
        if isinstance(table.erase, Delete):
            where = table.erase.where or table.whose
            _run(session, f"DELETE FROM {table.name} WHERE {where}", values)  # noqa: S608
    session.expire_all()


def delete_files(session: Session, erasure_id: int, folder: Path) -> int:
    """Delete the files that an erasure still names; return how many."""
    row = session.get(Erasure, erasure_id, with_for_update=True)
    if row is None or row.done_at is None or not row.files:
        return 0
    for path in row.files:
        (folder / path).unlink(missing_ok=True)
        for part in (folder / path).parent.glob(f"{Path(path).stem}.*"):
            part.unlink(missing_ok=True)
    gone, row.files = len(row.files), []
    session.add(row)
    return gone


def _erase(
    session: Session, register: Register, erasure_id: int, folder: Path, at: datetime
) -> str:
    row = session.get(Erasure, erasure_id, with_for_update=True)
    if row is None or not row.is_open or row.due_at > at:
        return "nothing to do"
    user = session.get_one(User, row.user_id, with_for_update=True)
    if blockers(session, register, row.user_id):
        row.blocked_at = at
        session.add(row)
        return "something has to be solved first"
    for close in register.closing:
        close(session, row.user_id, at)
    organisations.withdraw_all_of(session, row.user_id, at=at)
    address, key = user.email, secrets.token_hex(8)
    row.files = [
        *uploads.paths(session, row.user_id),
        *data_exports.paths(session, row.user_id),
        *_letter_files(session, register, user, folder),
    ]
    row.key, row.done_at, row.blocked_at = key, at, None
    session.add(row)
    erase_rows(session, register, user, key=key)
    last = messages.write_to(
        session,
        address=address,
        user_id=None,
        language=row.language,
        template="accounts/erasure_done",
    )
    row.letter_id = last.id
    audit.record(session, "erasure.done", by=None, subject=f"user:{row.user_id}")
    return "erased"


def _forget_letter(session: Session, row: Erasure, folder: Path, at: datetime) -> int:
    letter = session.get(Letter, row.letter_id)
    is_late = row.done_at is not None and row.done_at < at - LAST_LETTER_KEPT
    if letter is not None and letter.state is LetterState.WAITING and not is_late:
        return 0
    if letter is not None:
        for file in (folder / "letters").glob(f"letter-{letter.id}@*"):
            file.unlink(missing_ok=True)
        session.delete(letter)
    row.letter_id = None
    session.add(row)
    return 1


def _letter_files(session: Session, register: Register, user: User, folder: Path) -> list[str]:
    """Return the files of the letters that go, where letters are kept as files (demos)."""
    if not (folder / "letters").is_dir():
        return []
    wheres = [register.tables["letter"].whose]
    wheres += [where for name, where in register.also_delete if name == "letter"]
    question = "SELECT id FROM letter WHERE " + " OR ".join(f"({one})" for one in wheres)  # noqa: S608
    ids = _run(session, question, _values(user)).scalars()
    found = [file for id_ in ids for file in (folder / "letters").glob(f"letter-{id_}@*")]
    return [str(file.relative_to(folder)) for file in found]


def _count(session: Session, table: Table, values: dict[str, Any]) -> int:
    where = (table.erase.where if isinstance(table.erase, Delete | Blank) else "") or table.whose
    return int(
        _run(session, f"SELECT count(*) FROM {table.name} WHERE {where}", values).scalar_one()  # noqa: S608
    )


def _update(table: Table, blank: Blank) -> str:
    sets = ", ".join(f'"{column}" = {to}' for column, to in blank.to.items())
    return f"UPDATE {table.name} SET {sets} WHERE {blank.where or table.whose}"  # noqa: S608


def _run(session: Session, sql: str, values: dict[str, Any]) -> Any:
    return session.execute(text(sql), values)


def _values(user: User) -> dict[str, Any]:
    return {"person": user.id, "email": user.email}


def _always_kept() -> Iterable[Line]:
    return [
        Line(
            _l("Projects, guidelines and releases of your organisation"),
            0,
            _l("They belong to the organisation, and stay as they are."),
        ),
        Line(
            _l("Reasons that you wrote in decisions about others"),
            0,
            _l("They belong to those whom they are about; your name does not stand in them."),
        ),
        Line(
            _l("Datasets that were delivered"),
            0,
            _l("They hold answers under a random key, and are with those who loaded them."),
        ),
    ]
