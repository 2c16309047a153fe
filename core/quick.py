"""Questions that every request asks, put to the driver itself: SQLAlchemy takes longer than the answer.

They stand in the transaction of the session, their errors are those of SQLAlchemy, and rows made of
what they read are rows of the session like any other: what was not read comes when it is asked for.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session

Row = TypeVar("Row")
# The locks go with a commit that nothing waits for; then what it has written is waited for, together
# with what others have. The message is nobody's: a transaction that writes nothing waits for nothing.
COMMIT = """;
    set local synchronous_commit = off;
    commit;
    select pg_logical_emit_message(true, 'doyen', '')
"""


def ask(session: Session, question: str, values: Mapping[str, Any]) -> Any:
    """Return the first row of an answer, if there is one; what waits in the session is not sent."""
    return _asked(session.connection(), psycopg.Cursor, question, values)


def ask_and_commit(session: Session, question: str, values: Mapping[str, Any]) -> Any:
    """Ask the last question of a request, and commit with it; return the first row of the answer.

    Both travel together, so that what the question locks is held for as long as the server thinks,
    and not until a busy process has read the answer or a disk has written it. Nothing is answered
    before it is on the disk, and nothing that rests on it gets there before it. For a request that
    may be done again as a whole: whatever fails after this, it has happened.
    """
    session.flush()
    connection = session.connection()
    if connection.in_nested_transaction():  # of somebody who commits later, or never: a test
        found = _asked(connection, psycopg.Cursor, question, values)
    else:
        found = _asked(connection, psycopg.ClientCursor, question + COMMIT, values)
    session.commit()
    return found


@dataclass(frozen=True)
class Part(Generic[Row]):
    """Some columns of a table as they stand in a question, and the row that is made of them."""

    kind: type[Row]
    alias: str
    names: tuple[str, ...]

    @property
    def columns(self) -> str:
        """The columns for the question; the key of the table comes first."""
        return ", ".join(f"{self.alias}.{name} as {self.alias}_{name}" for name in self.names)

    def row(self, session: Session, found: Any) -> Row:
        """Return the row of the session that an answer holds."""
        return self.made(session, [getattr(found, label) for label in _labels(self)])

    def made(self, session: Session, values: Sequence[Any]) -> Row:
        """Return the row of the session with these values: a new one, or the known one as it is."""
        read = [
            (name, value if how is None else how(value))
            for name, how, value in zip(self.names, _readers(self), values, strict=True)
        ]
        mapper = _mapper(self.kind)
        row = session.identity_map.get(mapper.identity_key_from_primary_key([read[0][1]]))
        if row is None:
            row = mapper.class_manager.new_instance()
            row.__dict__.update(read)
            make_transient_to_detached(row)
            session.add(row)
        else:
            for name, value in read:
                set_committed_value(row, name, value)
        return row  # type: ignore[no-any-return]


def _asked(
    connection: Connection, kind: type[Any], question: str, values: Mapping[str, Any]
) -> Any:
    driver: Any = connection.connection.driver_connection
    try:
        return kind(driver, row_factory=namedtuple_row).execute(question, values).fetchone()
    except psycopg.Error as failed:
        if driver.closed:
            connection.invalidate(failed)
        raise DBAPIError.instance(
            question,
            None,
            failed,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=driver.closed,
            dialect=connection.dialect,
        ) from failed


@functools.cache
def _mapper(kind: type[Any]) -> Any:
    return inspect(kind)


@functools.cache
def _labels(part: Part[Any]) -> tuple[str, ...]:
    return tuple(f"{part.alias}_{name}" for name in part.names)


@functools.cache
def _readers(part: Part[Any]) -> tuple[Any, ...]:
    """Return how the type of each column reads a value, where it does not stay what it is."""
    return tuple(_reader(_mapper(part.kind).columns[name].type) for name in part.names)


def _reader(column_type: Any) -> Any:
    process = getattr(column_type, "process_result_value", None)
    return functools.partial(process, dialect=None) if process is not None else None
