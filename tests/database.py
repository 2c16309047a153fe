"""A real PostgreSQL for tests: one server a run, one migrated template, a copy for each need."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from weakref import WeakSet

import fasteners
import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine

from core import commands, embedded
from core.db import make_engine

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "doyen_template"
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
# One folder for all workers of a run, named for their parent. Not in pytest's own folder: the next
# run of pytest would close that to PostgreSQL's user.
FOLDER = Path(tempfile.gettempdir()) / f"doyen-tests-{os.getppid() if IS_WORKER else os.getpid()}"
_numbers = itertools.count()


def server(shared: Path) -> str:
    """Start the run's server, or join it; return the address of its maintenance database."""
    shared.mkdir(exist_ok=True)
    url = embedded.start(shared / "postgres")
    # Tests kill processes, never the machine, so nothing is lost; copies take a tenth of a second.
    _admin(url, "ALTER SYSTEM SET fsync = off")
    _admin(url, "SELECT pg_reload_conf()")
    return url


def migrated_template(url: str, shared: Path) -> None:
    """Migrate the template once a run, whichever worker comes first."""
    done = shared / "migrated"
    with fasteners.InterProcessLock(shared / "migrated.lock"):
        if not done.exists():
            _admin(url, f"CREATE DATABASE {TEMPLATE}")
            commands.migrate_to(address(url, TEMPLATE), ROOT)
            done.touch()


@contextmanager
def copy(url: str) -> Iterator[str]:
    """Make a database like the template; drop it at the end."""
    name = f"doyen_{os.getpid()}_{next(_numbers)}"
    _admin(url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    try:
        yield address(url, name)
    finally:
        _admin(url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def engine_for(url: str, pool_size: int = 5) -> Iterator[Engine]:
    """Open an engine, and close it with every connection that it ever opened.

    A request that still runs when the pool is disposed of gives its connection back to nobody,
    and the garbage collector complains about it in the middle of another test. One that asks for
    a connection after that is refused.
    """
    engine = make_engine(url, pool_size)
    opened: WeakSet[Any] = WeakSet()
    over = Event()

    def refuse_when_over(*_asked: Any) -> None:
        if over.is_set():
            raise psycopg.OperationalError("the test is over")

    def remember(connection: Any, _record: Any) -> None:
        opened.add(connection)
        if over.is_set():  # it was under way when the test ended
            connection.close()

    event.listen(engine, "do_connect", refuse_when_over)
    event.listen(engine, "connect", remember)
    try:
        yield engine
    finally:
        over.set()
        engine.dispose()
        for connection in list(opened):
            connection.close()


def address(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return url.replace("/postgres?", f"/{name}?")


def _admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]
