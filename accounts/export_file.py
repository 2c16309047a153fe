"""What stands in a copy of somebody's data: a ZIP with the same rows for programs and for people.

`data.json` holds every row with the words for each table and column, `index.html` the same for
reading, `letters/` each letter as text, `files/` what was handed in. Other people in the same rows
are not named. Everything is read in one pass, so that both hold the same.
"""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import text
from sqlmodel import Session, SQLModel

from accounts.decisions import in_language, reviewer
from core import audit_words, column_words, languages, personal_data, uploads
from core.clock import now
from core.personal_data import Register, Table

AT_ONCE = 500
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
OPERATORS = text("""
    SELECT user_id FROM user_role JOIN role ON role.id = role_id WHERE role.name = 'operator'
""")
STYLE = (
    "body{font:17px/1.55 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "h1,h2{font-family:serif}dl{display:grid;grid-template-columns:14rem 1fr;gap:.2rem 1rem;"
    "border-top:1px solid #bbb;padding:.8rem 0;margin:0}dt{color:#555}"
    "dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}"
    "@media(max-width:40rem){dl{grid-template-columns:1fr}}"
)


@dataclass(frozen=True)
class Person:
    """Whose data it is."""

    id: int
    email: str
    name: str
    language: str

    @property
    def values(self) -> dict[str, Any]:
        """What the conditions of the register ask for."""
        return {"person": self.id, "email": self.email}


@dataclass
class _Out:
    """Where the parts of a copy go."""

    archive: zipfile.ZipFile
    data: IO[bytes]
    page: IO[str]
    letters: list[int] = field(default_factory=list)
    rows: int = 0


def write(
    session: Session, register: Register, person: Person, place: Path, *, uploads: Path
) -> int:
    """Write the copy of a person to a file that only this process's owner reads; return its rows.

    `uploads` is the data directory, where the files that they handed in lie.
    """
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    page_place = place.with_suffix(f"{place.suffix}-page")
    with force_locale(person.language), ExitStack() as stack:
        stack.callback(page_place.unlink, missing_ok=True)
        file = stack.enter_context(_private(place))
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            with (
                os.fdopen(_opened(page_place), "w", encoding="utf-8") as page,
                archive.open("data.json", "w", force_zip64=True) as data,
            ):
                out = _Out(archive, data, page)
                _tables(session, register, person, out)
            archive.write(page_place, "index.html")
            _letters(session, person, archive)
            _files(session, person, archive, uploads)
        file.flush()
        os.fsync(file.fileno())
    return out.rows


def rows(
    session: Session, register: Register, table: Table, person: Person, operators: set[int]
) -> Iterator[dict[str, Any]]:
    """Return the rows of a table in which a person is, as they may have them."""
    sql = SQLModel.metadata.tables[table.name]
    shown = [column.name for column in sql.columns if column.name not in table.hidden]
    order = ", ".join(f'"{column.name}"' for column in sql.primary_key.columns)
    listed = ", ".join(f'"{name}"' for name in shown)
    mine = personal_data.about(register, table) or "false"
    question = (
        f"SELECT {listed}, coalesce(({mine}), false) AS about_them FROM {table.name}"  # noqa: S608
        f" WHERE {personal_data.whose(register, table)} ORDER BY {order}"
    )
    found = session.execute(text(question), person.values, execution_options={"yield_per": AT_ONCE})
    for row in found.mappings():
        yield _shown(table, dict(row), person, operators)


def _shown(
    table: Table, row: dict[str, Any], person: Person, operators: set[int]
) -> dict[str, Any]:
    """Return a row without what is another's: their words, and who they are."""
    is_about = row.pop("about_them")
    acted = any(row.get(column) == person.id for column in table.acts)
    gone = set() if is_about else set(table.words) - set(table.own_words if acted else ())
    if table.acts and not acted:
        gone |= set(table.actor_words)
    if not is_about:
        columns = SQLModel.metadata.tables[table.name].columns
        gone |= {one.name for one in columns if personal_data.names_person(one)} - {*table.acts}
    shown = {name: value for name, value in row.items() if name not in gone}
    for column, read in table.opened.items():
        if column in shown:
            shown[column] = read(shown[column])
    for column in table.acts:
        if column in shown:
            shown[column] = _who(shown[column], column, person, operators)
    return shown


def _who(value: int | None, column: str, person: Person, operators: set[int]) -> str | None:
    if value is None:
        return None
    if value == person.id:
        return str(_("you"))
    if column in ("decided_by", "second_by", "answered_by"):
        return str(_("Reviewer %(reviewer)s", reviewer=reviewer(value)))
    return str(_("an operator")) if value in operators else str(_("another person"))


def _tables(session: Session, register: Register, person: Person, out: _Out) -> None:
    operators = set(session.execute(OPERATORS).scalars())
    head = {
        "format": "doyen-personal-data",
        "version": 1,
        "made_at": now().isoformat(),
        "language": person.language,
        "person": person.id,
        "schema": {table.name: _schema(table) for table in register.of_people()},
        "not_in_tables": {str(name): str(words) for name, words in personal_data.OUTSIDE},
    }
    out.data.write(_json(head)[:-1].encode() + b',"tables":{')
    _begin_page(out.page, person)
    for number, table in enumerate(_in_order(register)):
        out.data.write(b"," * bool(number) + f'"{table.name}":['.encode())
        _table(rows(session, register, table, person, operators), table, out)
        out.data.write(b"]")
    out.data.write(b"}}")
    out.page.write("</main></body></html>")


def _in_order(register: Register) -> list[Table]:
    """Return the tables as a person reads them: the account first, the audit trail last."""
    return sorted(
        register.of_people(),
        key=lambda one: (one.name != "user_account", one.name == "audit_event"),
    )


def _table(found: Iterable[Mapping[str, Any]], table: Table, out: _Out) -> None:
    begun = False
    columns = SQLModel.metadata.tables[table.name].columns
    labels = {column.name: column_words.of(column.name) for column in columns}
    for row in found:
        out.data.write((b",\n" if begun else b"\n") + _json(row).encode())
        if not begun:
            out.page.write(Markup('<section id="{0}"><h2>{1}</h2>').format(table.name, table.about))
        out.page.write(_row(row, labels))
        begun = True
        out.rows += 1
    if begun:
        out.page.write("</section>")


def _schema(table: Table) -> dict[str, Any]:
    """Return a table in words: what it is, its columns with their kinds, what is left out."""
    sql = SQLModel.metadata.tables[table.name]
    return {
        "about": str(table.about),
        "columns": {
            column.name: {
                "type": "text" if column.name in table.acts else str(column.type).lower(),
                "about": column_words.of(column.name),
            }
            for column in sql.columns
            if column.name not in table.hidden
        },
        "left_out": list(table.hidden),
    }


def _begin_page(page: IO[str], person: Person) -> None:
    title = _("All that is held about you")
    lead = _(
        "Made on %(at)s for %(email)s. The same rows are in data.json, for programs; your letters"
        " and files are in the folders beside it. Keys and password hashes are left out, and other"
        " people are not named.",
        at=f"{now():%Y-%m-%d %H:%M} UTC",
        email=person.email,
    )
    page.write(
        Markup(  # noqa: S704  # our own words; what is given is escaped by format
            '<!doctype html><html lang="{0}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>{1}</title>'
            "<style>" + STYLE.replace("{", "{{").replace("}", "}}") + "</style></head>"
            "<body><main><h1>{1}</h1><p>{2}</p>"
        ).format(person.language, title, lead)
    )


def _row(row: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    cells = [
        f"<dt>{escape(labels[name])}</dt><dd>{_named(name, value)}</dd>"
        for name, value in row.items()
        if value not in (None, "", [], {})
    ]
    return f"<dl>{''.join(cells)}</dl>"


def _named(column: str, value: Any) -> Markup:
    return escape(audit_words.act(value)) if column == "action" else _cell(value)


def _cell(value: Any) -> Markup:
    if isinstance(value, bool):
        return escape(_("yes") if value else _("no"))
    if isinstance(value, datetime):
        return escape(f"{value:%Y-%m-%d %H:%M:%S} UTC")
    if isinstance(value, dict) and value.keys() <= set(languages.offered()):
        return escape(in_language(value, str(get_locale()))[0])  # the same words by language
    if isinstance(value, dict | list):
        return escape(json.dumps(value, ensure_ascii=False, indent=1, default=_plain))
    return escape(str(value))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | memoryview | bytes):
        return str(value) if isinstance(value, UUID) else bytes(value).hex()
    return str(value)


def _letters(session: Session, person: Person, archive: zipfile.ZipFile) -> None:
    found = session.execute(
        text(
            "SELECT id, written_at, address, subject, body FROM letter"
            " WHERE user_id = :person OR (user_id IS NULL AND address = :email) ORDER BY id"
        ),
        person.values,
        execution_options={"yield_per": AT_ONCE},
    )
    for id_, written_at, address, subject, body in found:
        said = f"{written_at:%Y-%m-%d %H:%M} UTC\n{address}\n{subject}\n\n{body}"
        archive.writestr(f"letters/{written_at:%Y-%m-%d}-{id_}.txt", said)


def _files(session: Session, person: Person, archive: zipfile.ZipFile, folder: Path) -> None:
    found = session.execute(
        text("SELECT id, key, name FROM upload WHERE by_user_id = :person ORDER BY id"),
        person.values,
    )
    for id_, key, name in found:
        safe = UNSAFE.sub("_", name).lstrip(".") or "file"
        place = uploads.place(folder, key)
        if not place.exists():
            continue
        with place.open("rb") as given, archive.open(f"files/{id_}-{safe}", "w") as kept:
            shutil.copyfileobj(given, kept)


def _private(place: Path) -> IO[bytes]:
    return os.fdopen(_opened(place), "w+b")


def _opened(place: Path) -> int:
    place.unlink(missing_ok=True)  # what a killed attempt left
    return os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
