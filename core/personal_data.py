"""The register of personal data: what each table holds of people, and what becomes of it.

Each package declares its tables in its `personal_data.py`; the app brings them together. Export,
erasure and the page that lists both before anybody confirms are all made from these declarations,
so that none of them can know a table that another does not. `problems` finds what nobody declared.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

from flask import Flask, current_app
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, Column, LargeBinary, MetaData, String
from sqlalchemy import Table as SqlTable
from sqlmodel import Session, SQLModel

from core.models import TextEnum

# Columns that hold the id of a person, though no foreign key says so.
NAMES_A_PERSON = re.compile(r"(^|_)(user|expert|person|owner)_id$")


@dataclass(frozen=True)
class Keep:
    """At erasure the rows stay as they are, for a reason that the person reads."""

    why: LazyString


@dataclass(frozen=True)
class Delete:
    """At erasure the rows go. `where` names other rows than those of the person."""

    where: str = ""
    why: LazyString | None = None


@dataclass(frozen=True)
class Blank:
    """At erasure the rows stay, and some columns take a value (SQL) that says nothing of anybody.

    With `function`, that database function does it instead: the rows are append-only.
    """

    to: Mapping[str, str]
    why: LazyString
    where: str = ""
    function: str = ""


@dataclass(frozen=True)
class Table:
    """What a table holds of people.

    `whose` is an SQL condition on its rows that picks those of a person by `:person` (their id)
    and `:email` (their address). `acts` are columns that name people who did something in a row
    about others. Every text or JSON column is in `words` (somebody typed it, or it tells of
    somebody), in `codes` (states, keys, references) or in `hidden` (not exported, such as a hash).
    Of a row that a person only acted in, they are given no `words` but `own_words`; of a row
    about them in which somebody else acted, nothing of `actor_words`.
    """

    name: str
    about: LazyString
    whose: str = ""
    acts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    own_words: tuple[str, ...] = ()
    actor_words: tuple[str, ...] = ()
    opened: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)  # encrypted: how read
    subject: str = ""  # how audit rows name a row of it: "assignment" for "assignment:12"
    erase: Keep | Delete | Blank | None = None

    @property
    def of_people(self) -> bool:
        """Whether a person may have rows in it."""
        return bool(self.whose or self.acts)


def nobody(name: str, about: LazyString, *codes: str) -> Table:
    """Declare a table that holds nothing of people; its text columns are all codes or content."""
    return Table(name, about, codes=codes)


@dataclass(frozen=True)
class Blocker:
    """What somebody has to solve before they can be erased, and where."""

    words: str
    url: str | None = None
    link: str = ""


@dataclass(frozen=True)
class Line:
    """What becomes of one table's rows, for the page that is read before confirming."""

    about: LazyString
    count: int
    why: LazyString | None


@dataclass(frozen=True)
class Rule:
    """What goes after a time: rows that `find` (FROM … WHERE …, with `:before`) names.

    `act` is the SQL that does it, or a function that returns how many it did.
    """

    name: str
    words: LazyString
    find: str
    act: str | Callable[[Session, datetime], int]


Blockers = Callable[[Session, int], Iterable[Blocker]]
Closing = Callable[[Session, int, datetime], None]


@dataclass
class Register:
    """The declarations of all packages together, with what they ask for around an erasure."""

    tables: dict[str, Table] = field(default_factory=dict)
    blockers: list[Blockers] = field(default_factory=list)
    closing: list[Closing] = field(default_factory=list)
    # Rows of one package's tables that another one knows to tell of a person: table, condition.
    also_delete: list[tuple[str, str]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    # What stays although no table of theirs says so; told where there is some of it.
    kept: list[Callable[[Session, int], Line]] = field(default_factory=list)

    def of_people(self) -> list[Table]:
        """Return the tables that hold something of people, those that others refer to first."""
        order = [table.name for table in SQLModel.metadata.sorted_tables]
        named = [one for one in self.tables.values() if one.of_people]
        return sorted(named, key=lambda one: order.index(one.name))


TABLES = (
    Table(
        "letter",
        _l("Letters that this instance wrote to you"),
        # An address passes on; what was written to somebody stays theirs.
        whose="user_id = :person OR (user_id IS NULL AND address = :email)",
        words=("address", "subject", "body", "trouble"),
        codes=("language", "template"),
        subject="letter",
        erase=Delete(),
    ),
    Table(
        "audit_event",
        _l("What you did here, and what others did to your rows"),
        whose="details @> jsonb_build_object('of', cast(:person AS int))"
        " OR details @> jsonb_build_object('user_id', cast(:person AS int))"
        " OR subject IN ('user:' || :person, 'expert:' || :person)",
        acts=("by_user_id",),
        words=("address", "details"),
        codes=("action", "subject"),
        own_words=("address", "details"),
        actor_words=("address", "details"),
        erase=Keep(
            _l(
                "Each entry is sealed by the one after it, so that nobody can change it unseen. It"
                " holds numbers and internet addresses, no names and no words; after the erasure"
                " the numbers lead to nobody."
            )
        ),
    ),
    nobody("rate_count", _l("How often something was tried; who did is a keyed hash"), "key"),
    Table(
        "kept_answer",
        _l("What programs of yours were answered, for a repeated request (kept one day)"),
        whose="holder = 'user:' || :person",
        codes=("location",),
        hidden=("holder", "key", "fingerprint", "body"),
        erase=Delete(),
    ),
    Table(
        "once_key",
        _l("Forms that you sent, so that a second click counts once (kept two days)"),
        whose="user_id = :person",
        codes=("location",),
        hidden=("key",),
        erase=Delete(),
    ),
    Table(
        "upload",
        _l("Files that you handed in"),
        whose="by_user_id = :person",
        words=("name",),
        codes=("kind", "sha256", "purpose"),
        hidden=("key",),
        erase=Delete(),
    ),
    nobody("heartbeat", _l("When the parts of the instance were last alive"), "part"),
    nobody("audit_unsealed", _l("Numbers of audit entries that wait for their seal")),
    nobody("audit_seal", _l("Seals of the audit trail"), "content", "previous", "hash"),
    nobody("audit_check", _l("Checks of the audit trail"), "breach"),
    nobody(
        "model_call",
        _l("What language models were asked for, and what it cost; no texts"),
        "purpose",
        "subject",
        "model",
        "currency",
    ),
    nobody("retention_run", _l("When retention ran, and how much went by each rule"), "counts"),
)

OLD_LETTERS = "FROM letter WHERE state <> 'waiting' AND written_at < :before"
FAILED_JOBS = (
    "FROM procrastinate_jobs WHERE status IN ('failed', 'cancelled', 'aborted') AND NOT EXISTS"
    " (SELECT 1 FROM procrastinate_events WHERE job_id = procrastinate_jobs.id AND at >= :before)"
)
RETENTION = (
    Rule("letters", _l("Letters that were sent"), OLD_LETTERS, f"DELETE {OLD_LETTERS}"),
    Rule("jobs", _l("Jobs that failed for good"), FAILED_JOBS, f"DELETE {FAILED_JOBS}"),
)

# What is not among our tables, and why no export holds it.
OUTSIDE: tuple[tuple[LazyString, LazyString], ...] = (
    (
        _l("The job queue"),
        _l(
            "A job holds the numbers of the rows that it works on. An address that was typed for a"
            " letter is encrypted in it."
            " Finished jobs go by themselves; see the retention periods."
        ),
    ),
    (
        _l("The Stripe sandbox"),
        _l(
            "A server of its own, with a store of its own, for demonstrations and tests. Nobody is"
            " paid by it, and what is typed into its pages is invented."
        ),
    ),
    (
        _l("Datasets that were delivered"),
        _l(
            "Each answer in them stands under a random key of the dataset. Your name is in their"
            " credits only where you agreed to it before they were built."
        ),
    ),
    (
        _l("Label Studio"),
        _l("It holds answers under a pseudonym and an address that belongs to nobody."),
    ),
)


def init_app(app: Flask, modules: Iterable[ModuleType]) -> None:
    """Tell an app what its packages declare."""
    register = Register({table.name: table for table in TABLES}, rules=list(RETENTION))
    for module in modules:
        register.tables |= {table.name: table for table in module.TABLES}
        register.blockers += getattr(module, "BLOCKERS", ())
        register.closing += getattr(module, "CLOSING", ())
        register.rules += getattr(module, "RETENTION", ())
        register.also_delete += getattr(module, "ALSO_DELETE", ())
        register.kept += getattr(module, "KEPT", ())
    app.extensions["doyen.personal_data"] = register


def of_app() -> Register:
    """Return the register of the running app."""
    register: Register = current_app.extensions["doyen.personal_data"]
    return register


def whose(register: Register, table: Table) -> str:
    """Return the condition that picks every row in which a person is, as owner or as actor."""
    parts = [f"({about(register, table)})"] if table.whose else []
    parts += [f"{column} = :person" for column in table.acts]
    return " OR ".join(parts)


def about(register: Register, table: Table) -> str:
    """Return the condition that picks the rows about a person."""
    if table.name != "audit_event":
        return table.whose
    return " OR ".join([f"({table.whose})", *_of_subjects(register)])


def problems(register: Register, metadata: MetaData) -> Iterator[str]:
    """Say what nobody has declared, each with what to write."""
    for name, sql in sorted(metadata.tables.items()):
        declared = register.tables.get(name)
        if declared is None:
            yield _undeclared(sql)
        else:
            yield from _column_problems(declared, sql)
    for name in sorted(register.tables.keys() - metadata.tables.keys()):
        yield f"{name} is declared in a personal_data.py, and there is no such table: take it out."


def _of_subjects(register: Register) -> Iterator[str]:
    for table in register.tables.values():
        if table.subject and table.whose:
            yield (
                f"subject IN (SELECT '{table.subject}:' || id FROM {table.name}"  # noqa: S608
                f" WHERE {table.whose})"
            )


def _column_problems(declared: Table, sql: SqlTable) -> Iterator[str]:
    said = {*declared.words, *declared.codes, *declared.hidden}
    for column in sql.columns:
        if _holds_text(column) and column.name not in said:
            yield (
                f"{sql.name}.{column.name} holds text or JSON and is not declared. In the table's"
                f' declaration add "{column.name}" to words (somebody typed it or it tells of'
                " somebody; say under erase what becomes of it), to codes (states, keys,"
                " references) or to hidden (not exported, such as a hash)."
            )
        if names_person(column) and not _is_used(declared, column.name):
            yield (
                f"{sql.name}.{column.name} names a person and is not declared. Add"
                f' "{column.name} = :person" to whose if the rows are theirs, or "{column.name}"'
                " to acts if it says who did something in a row about others."
            )
    more = [*said, *declared.acts, *declared.own_words, *declared.actor_words]
    if isinstance(declared.erase, Blank):
        more += declared.erase.to
    for name in sorted(set(more) - {column.name for column in sql.columns}):
        yield f"{sql.name} has no column {name}: take it out of the declaration."
    if declared.whose and declared.erase is None:
        yield f"{sql.name} has rows of people: say what becomes of them with erase=…"


def names_person(column: Column[Any]) -> bool:
    """Return whether a column holds the id of a person."""
    keys = {key.target_fullname for key in column.foreign_keys}
    if keys:
        return bool(keys & {"user_account.id", "expert.user_id"})
    return NAMES_A_PERSON.search(column.name) is not None and not column.name.startswith(
        "label_studio"
    )


def _is_used(declared: Table, column: str) -> bool:
    return column in declared.acts or re.search(rf"\b{column}\b", declared.whose) is not None


def _holds_text(column: Column[Any]) -> bool:
    if isinstance(column.type, TextEnum):
        return False
    return isinstance(column.type, String | JSON | LargeBinary)


def _undeclared(sql: SqlTable) -> str:
    people = [column.name for column in sql.columns if names_person(column)]
    texts = [column.name for column in sql.columns if _holds_text(column)]
    names = ", ".join(f'"{name}"' for name in texts)
    if not people:
        listed = f", {names}" if texts else ""
        return (
            f"{sql.name} is declared by nobody. If it holds nothing of people, write in the"
            f" package's personal_data.py, in TABLES:\n"
            f'    nobody("{sql.name}", _l("What it is, in a few words"){listed}),\n'
            "and else a Table(...) with whose=, words= and erase=, as its neighbours have."
        )
    whose_ = " OR ".join(f"{name} = :person" for name in people)
    comma = "," if len(texts) == 1 else ""
    return (
        f"{sql.name} is declared by nobody. Write in the package's personal_data.py, in TABLES:\n"
        f'    Table("{sql.name}", _l("What it holds of you, in a few words"),\n'
        f'        whose="{whose_}",  # a column that only says who acted goes to acts=\n'
        f"        words=({names}{comma}),  # move codes and states to codes=, secrets to hidden=\n"
        "        erase=Delete()),  # or Blank({column: SQL}, why) or Keep(why)"
    )
