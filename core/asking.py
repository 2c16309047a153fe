"""Questions that go to the driver itself: SQLAlchemy would take longer than the answer does."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from core import db
from core.together import ALONE, Together

Answer = TypeVar("Answer")
Run = Callable[[Any], Answer]
# The locks go with a commit that does not wait for the disk; then the disk is waited for, together
# with others. The message is for nobody: whoever writes nothing waits for nothing.
BEGIN = "begin;"
COMMIT = ";set local synchronous_commit = off;commit;"
WAIT = "select pg_logical_emit_message(true, 'doyen', '')"
AFTER_AN_ANSWER = 3  # what the server says more of each transaction: set, commit, begin or the end
TOGETHER = Together()


def ask(session: Session, question: str, values: Mapping[str, Any], *, reads: bool = False) -> Any:
    """Return the first row of an answer, if there is one; what waits in the session is not sent.

    A connection that has died while nobody used it is found here, by the first question of a
    request: it is asked once more, over another. One that only `reads` begins no transaction; a
    later one does, which sees whatever is there by then, as it would in any case.
    """
    is_first = not session.in_transaction()
    first = _first(psycopg.Cursor, question, values)
    try:
        return _done(session.connection(), question, first, begins=not reads)
    except DBAPIError as lost:
        bind = session.get_bind()
        if not is_first or not lost.connection_invalidated or not isinstance(bind, Engine):
            raise
        session.rollback()
        bind.dispose()  # those beside it are no younger
        return _done(session.connection(), question, first, begins=not reads)


def ask_and_commit(
    session: Session, question: str, values: Mapping[str, Any], *, queue: Hashable = None
) -> Any:
    """Ask the last question of a request, and commit with it; return the first row of the answer.

    Both travel together, so that what the question locks is held for as long as the server thinks,
    and not until a busy process has read the answer or a disk has written it. Nothing is answered
    before it is on the disk, and nothing that rests on it gets there before it. For a request that
    may be done again as a whole: whatever fails after this, it has happened. The question is one
    statement. What would wait for the same lock names the same `queue`: of other requests such
    questions may travel along, each in a transaction of its own.
    """
    session.flush()
    connection = session.connection()
    if connection.in_nested_transaction():  # of somebody who commits later, or never: a test
        found = _done(connection, question, _first(psycopg.Cursor, question, values))
    elif _is_idle(connection):  # nothing has been begun: that travels along as well
        found = ALONE if queue is None else _together(connection, question, values, queue)
        if found is ALONE:
            found = _sent(connection, question, [_written(connection, question, values)])[0]
    else:
        whole = question + COMMIT + WAIT
        found = _done(connection, question, _first(psycopg.ClientCursor, whole, values))
    db.committed(session)
    return found


def _together(
    connection: Connection, question: str, values: Mapping[str, Any], queue: Hashable
) -> Any:
    sent: list[str] = []

    def send(questions: Sequence[str]) -> Sequence[Any]:
        sent.extend(questions)
        return _sent(connection, question, questions)

    written = _written(connection, question, values)
    try:
        return TOGETHER.ask((connection.engine, queue), written, send)
    except DBAPIError as failed:
        if len(sent) == 1 or failed.connection_invalidated:
            raise
        return ALONE  # one of those that travelled along may be what has failed


def _written(connection: Connection, question: str, values: Mapping[str, Any]) -> str:
    """Return a question with its values in it, as the driver quotes them."""

    def write(driver: Any) -> str:
        return psycopg.ClientCursor(driver).mogrify(question, values)

    return _done(connection, question, write)


def _sent(connection: Connection, question: str, written: Sequence[str]) -> list[Any]:
    """Ask several questions in one message, each committed for itself; return their first rows."""
    whole = "".join(BEGIN + one + COMMIT for one in written) + WAIT

    def all_first(driver: Any) -> list[Any]:
        cursor = _cursor(psycopg.ClientCursor, driver).execute(whole)
        found = []
        for _one in written:
            cursor.nextset()  # from what was said to the begin
            found.append(cursor.fetchone())
            for _more in range(AFTER_AN_ANSWER):
                cursor.nextset()
        return found

    return _done(connection, question, all_first, begins=False)


def _is_idle(connection: Connection) -> bool:
    driver: Any = connection.connection.driver_connection
    return bool(driver.info.transaction_status == TransactionStatus.IDLE)


def _done(
    connection: Connection, question: str, run: Run[Answer], *, begins: bool = True
) -> Answer:
    """Run something at the driver; an error is SQLAlchemy's, and knows the question only."""
    driver: Any = connection.connection.driver_connection
    try:
        if begins or not _is_idle(connection):
            return run(driver)
        driver.autocommit = True
        try:
            return run(driver)
        finally:
            if not driver.closed:
                if not _is_idle(connection):
                    driver.rollback()  # what has failed half-way
                driver.autocommit = False
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


def _first(kind: type[Any], question: str, values: Mapping[str, Any]) -> Run[Any]:
    def run(driver: Any) -> Any:
        return _cursor(kind, driver).execute(question, values).fetchone()

    return run


def _cursor(kind: type[Any], driver: Any) -> Any:
    return kind(driver, row_factory=namedtuple_row)
