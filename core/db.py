"""The database: one engine, one session a request or job, committed here and nowhere else.

A response below 400 commits; anything else rolls back. Work outside a request uses
`transaction()`.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import psycopg
from flask import Flask, Response, current_app, g, has_request_context
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DataError, DisconnectionError
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlmodel import Session

from core.errors import NotFound

Row = TypeVar("Row")
Answer = TypeVar("Answer")
SNAPSHOT = "REPEATABLE READ"
IDLE = 1.0  # seconds after which a connection is asked whether it is still there


class Database:
    """What an app knows of its database; tests bind it to one connection."""

    def __init__(self, bind: Engine | Connection) -> None:
        self.bind = bind
        savepoints: dict[str, Any] = (
            {"join_transaction_mode": "create_savepoint"} if isinstance(bind, Connection) else {}
        )
        self.make_session = sessionmaker(
            bind, class_=Session, autoflush=True, expire_on_commit=False, **savepoints
        )
        self.scoped = scoped_session(self.make_session, scopefunc=_scope)


def make_engine(url: str, pool_size: int = 5) -> Engine:
    """Return an engine for a PostgreSQL address."""
    address = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(
        address,
        pool_size=pool_size,
        max_overflow=pool_size,
        hide_parameters=True,  # values of people do not belong into errors, and so into logs
        connect_args={"options": "-c timezone=UTC", "application_name": "doyen"},
    )
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ask_if_idle)
    return engine


def _note_use(_connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _ask_if_idle(connection: Any, record: Any, _proxy: Any) -> None:
    """Ask a connection whether it is still there, unless it was in use just now.

    SQLAlchemy's own `pool_pre_ping` asks each time, which costs a busy server a question a request.
    """
    if time.monotonic() < record.info.get("used", -IDLE) + IDLE:
        return
    try:
        connection.execute("select 1")
        connection.rollback()
    except psycopg.Error as gone:
        raise DisconnectionError from gone  # the pool makes another one


def init_app(app: Flask, database: Database) -> None:
    """Give an app its database, and commit or roll back at the end of each request."""
    app.extensions["doyen.db"] = database
    app.after_request(_finish)
    app.teardown_appcontext(_close)


def db_session() -> Session:
    """Return the session of this request or job."""
    session: Session = _database().scoped()
    return session


def flush() -> None:
    """Bring what this request has changed to the database, without committing it."""
    scoped = _database().scoped
    if scoped.registry.has():
        scoped().flush()


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a session of its own, and commit it at the end unless an error leaves the block."""
    if has_request_context():
        g.doyen_apart = True  # what it commits stays, whatever becomes of the request
    session = _database().make_session()
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


def committed(session: Session) -> None:
    """Commit a session whose last question travelled with its commit (`core.asking`)."""
    session.commit()


@contextmanager
def snapshot() -> Iterator[Session]:
    """Open a session that only reads, and sees the database as it is at its first question.

    Whatever others commit meanwhile is not seen, however many questions it asks.
    """
    session = _database().make_session()
    bind = session.get_bind()
    if isinstance(bind, Engine):
        session.bind = bind.execution_options(isolation_level=SNAPSHOT, postgresql_readonly=True)
    try:
        yield session
    finally:
        session.expunge_all()  # what was read stays readable
        session.rollback()
        session.close()


def is_snapshot(session: Session) -> bool:
    """Say whether a session is that of a snapshot, with a connection for itself."""
    bind = session.get_bind()
    if not isinstance(bind, Engine):
        return False
    return bool(bind.get_execution_options().get("isolation_level") == SNAPSHOT)


@contextmanager
def beside(session: Session) -> Iterator[Connection]:
    """Open another connection that sees the database as the session of a snapshot sees it.

    PostgreSQL works for both at the same time.
    """
    name = session.execute(text("select pg_export_snapshot()")).scalar_one()
    bind = session.get_bind()
    assert isinstance(bind, Engine)
    with bind.connect() as connection:
        connection.exec_driver_sql(f"set transaction snapshot '{name}'")
        yield connection


def meanwhile(session: Session, ask: Callable[[Session], Answer]) -> Callable[[], Answer]:
    """Let a thread ask what a snapshot's session would be told; what is returned waits for it.

    It is asked at once where others use the same connection, as in a test's transaction.
    """
    if not is_snapshot(session):
        found = ask(session)
        return lambda: found
    held = ExitStack()
    connection = held.enter_context(beside(session))

    def asked() -> Answer:
        with held, Session(connection) as own:
            return ask(own)

    pool = ThreadPoolExecutor(1)
    coming = pool.submit(asked)
    pool.shutdown(wait=False)
    return coming.result


def find(model: type[Row], key: Any, *, lock: bool = False) -> Row:
    """Return a row by its key, or raise `NotFound`; with `lock`, hold it until the end."""
    try:
        row = db_session().get(model, key, with_for_update=lock, populate_existing=lock)
    except DataError:  # a number that no column holds names no row
        raise NotFound from None
    if row is None:
        raise NotFound
    return row


def _database() -> Database:
    database: Database = current_app.extensions["doyen.db"]
    return database


def _scope() -> int:
    # An app context lives as long as a request or a job, and no two live at one address.
    known = g._get_current_object().__dict__
    mark = known.get("doyen_session_scope") or known.setdefault("doyen_session_scope", object())
    return id(mark)


def _finish(response: Response) -> Response:
    scoped = _database().scoped
    session = scoped() if scoped.registry.has() else None
    if session is not None and session.in_transaction():  # the last question may have committed
        if response.status_code < 400:
            session.commit()
        else:
            session.rollback()
    return response


def _close(_error: BaseException | None) -> None:
    _database().scoped.remove()
