"""A person with rows everywhere: the copy of their data read again, and a search after the erasure.

What the copy holds is compared with a search of every table by id, name, address and typed words;
after the erasure, every table of the schema and every file of the instance are searched for them.
"""

import json
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, SQLModel, select

from accounts import erasure
from accounts.models import User
from accounts.privacy_models import DataExport, ExportState
from core import jobs, personal_data
from tests.conftest import Live
from tests.factories.everywhere import Everywhere, make_everywhere


@dataclass
class Outcome:
    """What was looked at, what was found and should not be, and what was said to stay."""

    tables: int = 0
    rows: int = 0
    words: int = 0
    searched: int = 0
    files: int = 0
    gaps: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"a copy with {self.rows} rows of all {self.tables} tables the person was in; "
            f"after the erasure {self.words} names, addresses and typed words not found in "
            f"{self.searched} tables and {self.files} files"
        )


def everywhere(live: Live) -> Everywhere:
    """Make and commit a person with rows everywhere."""
    with live.transaction() as session:
        made = make_everywhere(live.app, session, folder(live))
        session.flush()
        for user in (made.user, made.operator, made.reviewer, made.desk.owner):
            session.refresh(user)
        session.expunge_all()
    return made


def prove_in(live: Live) -> Outcome:
    """Make a person, take the copy, erase them, and search."""
    found, made = Outcome(), everywhere(live)
    _read_again(live, made, found)
    live.run_jobs()
    with live.transaction() as session:
        user = session.get_one(User, made.id)
        planned = erasure.plan(session, live.app.extensions["doyen.personal_data"], user)
        found.kept = [
            f"{line.about}{f' ({line.count})' if line.count else ''}: {line.why}"
            for line in [*planned.blanked, *planned.kept]
        ]
    said = live.client(made.user).post("/account/erase")
    if said.status_code != 302:
        found.gaps.append(f"the erasure was not taken: {said.status_code}")
    before = money(live)  # asking has given tasks in hand back, and their reserve with them
    carry_out(live)
    found.words = len(made.words)
    with live.transaction() as session:
        found.searched = len(_tables(session))
        found.gaps += search(session, made.words)
    found.files = sum(1 for file in folder(live).rglob("*") if file.is_file())
    found.gaps += in_files(live, made.words)
    if money(live) != before:
        found.gaps.append("the erasure changed moves, payouts or balances")
    return found


def _read_again(live: Live, made: Everywhere, found: Outcome) -> None:
    archive = copy(live, made.user)
    tables = json.loads(archive.read("data.json"))["tables"]
    with live.transaction() as session:
        lead = tables_with(session, made)
    found.tables = len(lead)
    found.rows = sum(len(rows) for rows in tables.values())
    lacking = lead - {name for name, rows in tables.items() if rows}
    found.gaps += [f"the copy lacks the table {name}" for name in sorted(lacking)]
    told = b"".join(archive.read(name) for name in archive.namelist()).decode()
    found.gaps += [f"the copy lacks {words!r}" for words in made.words if words not in told]


def tables_with(session: Session, made: Everywhere) -> set[str]:
    """Search every column of every table for the person: their id, address, name and words."""
    found = set()
    for name, table in SQLModel.metadata.tables.items():
        ids = [c.name for c in table.columns if personal_data.names_person(c)]
        if name == "user_account":
            ids.append("id")
        if name == "ledger_account":
            ids = []  # its owner may be a project with the same number
        wheres = [f'"{column}" = {made.id}' for column in ids]
        wheres += [f"t::text ILIKE '%{words}%'" for words in made.words]
        question = f"select 1 from {name} t where {' or '.join(wheres)} limit 1"  # noqa: S608
        if session.execute(text(question)).first():
            found.add(name)
    return found


def search(session: Session, words: list[str]) -> list[str]:
    """Return where in the whole public schema some words stand, jobs included."""
    found = []
    for table in _tables(session):
        question = text(f"select t::text from {table} t where t::text ILIKE :words limit 1")  # noqa: S608
        for one in words:
            hit = session.execute(question, {"words": f"%{one}%"}).scalar()
            if hit:
                found.append(f"{table}: {one}: {hit[:300]}")
    return found


def in_files(live: Live, words: list[str]) -> list[str]:
    """Return the files of the instance in which some words stand."""
    needles = [word.encode() for word in words]
    return [
        f"{file}"
        for file in folder(live).rglob("*")
        if file.is_file() and any(word in file.read_bytes() for word in needles)
    ]


def money(live: Live) -> list[Any]:
    """Return what an erasure leaves as it is: moves, payouts and balances."""
    with live.transaction() as session:
        return [
            list(session.execute(text(sql)))
            for sql in (
                "select id, reference, amount, currency from ledger_move order by id",
                "select id, expert_id, amount_minor, state from payout order by id",
                "select id, balance from ledger_account order by id",
            )
        ]


def copy(live: Live, user: User) -> zipfile.ZipFile:
    """Ask for a copy as its person does, and open it."""
    live.client(user).post("/account/data")
    live.run_jobs()
    with live.transaction() as session:
        export = session.exec(select(DataExport)).one()
    assert export.state is ExportState.READY
    return archive_of(live, export)


def archive_of(live: Live, export: DataExport) -> zipfile.ZipFile:
    """Open a copy that is ready."""
    return zipfile.ZipFile(BytesIO((folder(live) / "exports" / f"{export.key}.zip").read_bytes()))


def carry_out(live: Live, *, finish: bool = True) -> None:
    """Let the days pass and the jobs run, until an erasure is done."""
    days_pass(live)
    jobs.run(live.app, "accounts.erase_due")
    live.run_jobs()
    if finish:
        jobs.run(live.app, "accounts.erase_due")


def days_pass(live: Live) -> None:
    """Let the time to undo an erasure be over."""
    with live.transaction() as session:
        session.execute(
            text(
                "update erasure set asked_at = asked_at - interval '8 days',"
                " due_at = due_at - interval '8 days'"
            )
        )


def folder(live: Live) -> Path:
    """Return where the instance keeps its files."""
    found: Path = live.app.extensions["doyen.settings"].data_dir
    return found


def _tables(session: Session) -> list[str]:
    question = text("select tablename from pg_tables where schemaname = 'public'")
    return list(session.execute(question).scalars())
