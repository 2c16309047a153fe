"""Claim and hand in through HTTP, against Label Studio's own next task and annotation create.

Both run under gunicorn with two workers, on Debian's PostgreSQL, and are loaded by `wrk`, one
connection and one person a client. Ours does all that it does for people: the session, the lease,
the reserve in the ledger, the checks of the answer, the jobs. A pair of theirs is two requests, of
ours one once an expert is at work, since the page asks for the next task with the hand-in.

At 1, 10 and 50 clients nobody pauses, so the time of a request is that of the queue before it. What
people wait is measured with 50 busy experts, each handing in about once a second.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from app import ROOT, create_app
from bench import debian_postgres, label_studio_server
from core import commands
from core.db import Database, make_engine
from tests import clients
from tests.conftest import Live, make_settings
from tests.factories.annotation import CLAUSES, choice, make_desk

BAR, FLAT, P99 = 30, 0.8, 100
CLIENTS = (1, 10, 50)
SIZES = (10_000, 1_000_000, 10_000_000)
SECONDS = 15
BUSY, PAUSE = 50, 1000  # experts, and milliseconds between two hand-ins of one
LUA = Path(__file__).with_name("lua")
FUNDS = 10**12

TASKS = """
    insert into task (project_id, external_id, data, slots, slots_left, priority, position,
                      created_at)
    select %(project)s, 't' || n, jsonb_build_object('text', repeat('The licensor grants. ', 10)),
           1, 1, 0, hashint8extended(n, 7), now()
    from generate_series(
        (select count(*) + 1 from task),
        (select count(*) + %(size)s - count(*) filter (where slots_left > 0) from task)) n
"""


@dataclass(frozen=True)
class Figures:
    """What a load came to: pairs a second, half-time and 99th percentile of a request in ms."""

    pairs: float
    half: float
    p99: float
    failed: int


def run() -> bool:
    """Measure all, print the table, and last whether the bars were reached."""
    try:
        debian_postgres.needs("wrk", "wrk")
        return _run()
    except debian_postgres.NotInstalled as missing:
        print(f"claim: not run ({missing})")
        return False


def _run() -> bool:
    sizes = tuple(int(size) for size in os.environ.get("BENCH_SIZES", "").split()) or SIZES
    figures: dict[tuple[str, int], Figures] = {}
    with debian_postgres.running() as url:
        for size in sizes:
            with _ours(url, size) as load:
                for count in CLIENTS if size == sizes[0] else (10, 50):
                    figures[(f"{size:,}", count)] = load(count)
                    _row(f"ours, {size:,} tasks", count, figures[(f"{size:,}", count)])
                figures[(f"{size:,}", 0)] = load(BUSY, PAUSE)
                _row(f"ours, {size:,}, busy experts", BUSY, figures[(f"{size:,}", 0)])
        if not os.environ.get("BENCH_OURS_ONLY"):
            with label_studio_server.running(url, max(CLIENTS), CLAUSES, choice("grant")) as theirs:
                for count in CLIENTS:
                    figures[("Label Studio", count)] = _wrk(theirs.url, count, *theirs.load())
                    _row("Label Studio, 10,000", count, figures[("Label Studio", count)])
    return _verdict(figures, [f"{size:,}" for size in sizes])


def _row(name: str, count: int, one: Figures) -> None:
    print(
        f"{name:<30} {count:>3} clients {one.pairs:>8.1f} pairs/s"
        f" {one.half:>8.1f} ms half {one.p99:>8.1f} ms p99 {one.failed:>4} failed",
        flush=True,
    )


def _verdict(figures: dict[tuple[str, int], Figures], sizes: list[str]) -> bool:
    first, last = figures[(sizes[0], 10)], figures[(sizes[-1], 10)]
    theirs = figures.get(("Label Studio", 10))
    ratio = first.pairs / theirs.pairs if theirs else 0.0
    flat = last.pairs / first.pairs
    p99 = max(figures[(size, 0)].p99 for size in sizes)
    failed = sum(one.failed for (name, _), one in figures.items() if name != "Label Studio")
    held = ratio >= BAR and flat >= FLAT and p99 < P99 and not failed
    print(
        f"claim: {ratio:.1f} times at 10 clients (bar {BAR}), {flat:.2f} at the largest"
        f" (bar {FLAT}), p99 of {BUSY} busy experts {p99:.0f} ms (bar {P99}), {failed} failed"
    )
    return held


@contextmanager
def _ours(url: str, size: int) -> Iterator[Any]:
    """Run our web server on a database with so many tasks; yield what loads it."""
    name = f"ours_{size}"
    _admin(url, f"CREATE DATABASE {name}")
    address = url.removesuffix("postgres") + name
    folder = Path(tempfile.mkdtemp(prefix="doyen-bench-"))
    engine = make_engine(address, 5)
    try:
        commands.migrate_to(address, ROOT)
        settings = make_settings(folder)
        app = create_app(settings, Database(engine))
        clients.use_in(app)
        project_id = _fill(Live(app, address, engine), address, size, folder)
        with _gunicorn(address, settings, folder) as served:
            files = (folder / "accounts", project_id, folder / "answer")

            def load(count: int, pause: int = 0) -> Figures:
                _put_tasks(address, project_id, size)
                return _wrk(served, count, LUA / "ours.lua", *files, pause)

            yield load
    finally:
        engine.dispose()
        _admin(url, f"DROP DATABASE {name} WITH (FORCE)")
        shutil.rmtree(folder, ignore_errors=True)


def _fill(live: Live, address: str, size: int, folder: Path) -> int:
    """Make a project with its tasks, and experts who are signed in; return the project."""
    with live.transaction() as session:
        desk = make_desk(session, experts=max(CLIENTS), tasks=0, funds=FUNDS, overlap=1)
        project_id = desk.project_id
        users = [expert.user_id for expert in desk.experts]
    _put_tasks(address, project_id, size)
    (folder / "accounts").write_text("".join(_account(live, user) for user in users))
    answer = {"result": choice("grant"), "next": True, "base": ""}  # as the page sends it
    (folder / "answer").write_text(json.dumps(answer))
    return project_id


def _put_tasks(address: str, project_id: int, size: int) -> None:
    """Let so many tasks be open, also after earlier loads."""
    count = "update project set task_count = (select count(*) from task) where id = %s"
    with psycopg.connect(address, autocommit=True) as connection:
        # Foreign keys of ten million rows of one project say nothing here.
        connection.execute("set session_replication_role = replica")
        connection.execute(TASKS, {"project": project_id, "size": size})
        connection.execute(count, [project_id])
        connection.execute("vacuum analyze task")


def _account(live: Live, user_id: int) -> str:
    from accounts.models import User

    with live.transaction() as session:
        client: Any = live.client(session.get_one(User, user_id))
    token = client._csrf_token()
    client.get("/account/sessions")  # whose answer sets the cookie that a browser goes on with
    cookie = client.get_cookie("doyen")
    return f"doyen={cookie.value}\t{token}\n"


@contextmanager
def _gunicorn(address: str, settings: Any, folder: Path) -> Iterator[str]:
    port = debian_postgres.free_port()
    environment = {
        **os.environ,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SECURITY_PASSWORD_SALT": settings.security_password_salt.get_secret_value(),
        "DATABASE_URL": address,
        "DATA_DIR": str(folder),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "gunicorn", "app:serve()", "--bind", f"127.0.0.1:{port}"]
    command += [
        "--workers",
        os.environ.get("W", "2"),
        "--threads",
        os.environ.get("T", "4"),
        "--no-control-socket",
        "--chdir",
        str(ROOT),
    ]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        debian_postgres.wait_for(port)
        httpx.get(
            f"http://127.0.0.1:{port}/sign-in", timeout=300
        )  # the port is open before the app
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wrk(url: str, count: int, script: Path, *arguments: object) -> Figures:
    """Load an address; a thread a client, so that each has its own state."""
    command = ["wrk", "-t", count, "-c", count, "-d", f"{SECONDS}s", "--timeout", "30s"]
    command += ["-s", script, url, "--", *arguments]
    said = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    line = next((one for one in said.stdout.splitlines() if one.startswith("RESULT")), None)
    if line is None:
        raise RuntimeError(f"wrk said nothing: {said.stdout}{said.stderr}")
    pairs, failed, micro, half, p99, errors = (float(word) for word in line.split()[1:])
    return Figures(pairs / (micro / 1e6), half, p99, int(failed + errors))


def _admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]
