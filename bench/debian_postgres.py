"""Debian's PostgreSQL in a folder of its own, with its default settings, gone at the end."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSIONS = Path("/usr/lib/postgresql")
PACKAGES = "postgresql"


class NotInstalled(Exception):
    """What the benchmark needs of Debian is not there."""


@contextmanager
def running() -> Iterator[str]:
    """Run a server; yield the address of its maintenance database."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="doyen-bench-pg-"))
    data, port = folder / "data", free_port()
    _own(folder)
    try:
        _as_postgres(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c max_connections=200"
        log = folder / "log"
        _as_postgres(programs / "pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            _as_postgres(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 60) -> None:
    """Wait until something listens on a port."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}")


def needs(program: str, package: str) -> str:
    """Return a program's path, or say which of Debian's packages has it."""
    found = shutil.which(program)
    if found is None:
        raise NotInstalled(f"{program} is not there: apt-get install {package}")
    return found


def _programs() -> Path:
    found = sorted(VERSIONS.glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise NotInstalled(f"PostgreSQL is not there: apt-get install {PACKAGES}")
    return found[-1]


def _own(folder: Path) -> None:
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)


def _as_postgres(*command: object) -> None:
    """Run a program of the server's; it refuses to run as root."""
    words = [str(word) for word in command]
    if os.getuid() == 0:
        words = ["runuser", "-u", "postgres", "--", *words]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd="/")
