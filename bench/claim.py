"""Claim and hand in through HTTP, against Label Studio's own next task and annotation create.

Both run under gunicorn with two workers, on Debian's PostgreSQL, and are loaded by `wrk`, one
connection and one person a client. Ours does all that it does for people: the session, the lease,
the reserve in the ledger, the checks of the answer, the jobs. A pair of theirs is two requests, of
ours one once an expert is at work, since the page asks for the next task with the hand-in.

At 1, 10 and 50 clients nobody pauses, so the time of a request is that of the queue before it. What
people wait is measured with 50 busy experts, each handing in about once a second.

A machine that is shared changes its speed by a third within minutes. So what is held against a bar
is measured in turns, ours and theirs, a larger size and the first one, and the middle of the ratios
counts.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
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
ROUNDS = 5
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


Load = Callable[..., Figures]


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
    result = Result()
    with debian_postgres.running() as url, _ours(url, sizes[0]) as first:
        mine = f"ours, {sizes[0]:,} tasks"
        if os.environ.get("BENCH_OURS_ONLY"):
            for count in CLIENTS:
                result.add(mine, count, first(count))
        else:
            with label_studio_server.running(url, max(CLIENTS), CLAUSES, choice("grant")) as theirs:
                result.against_theirs = _against_theirs(result, mine, first, theirs)
        result.add(f"ours, {sizes[0]:,}, busy experts", BUSY, first(BUSY, PAUSE))
        for size in sizes[1:]:
            with _ours(url, size) as load:
                name = f"ours, {size:,} tasks"
                result.flat = _in_turns(10, (name, load), (mine, first), result)
                result.add(name, 50, load(50))
                result.add(f"ours, {size:,}, busy experts", BUSY, load(BUSY, PAUSE))
    return result.verdict()


def _against_theirs(result: "Result", mine: str, ours: Load, theirs: Any) -> float:
    """Load both with each number of clients; return how many times theirs ours is at 10."""

    def load_theirs(count: int) -> Figures:
        return _wrk(theirs.url, count, *theirs.load())

    middle = 0.0
    for count in CLIENTS:
        rounds = ROUNDS if count == 10 else 1
        both = ((mine, ours), ("Label Studio, 10,000", load_theirs))
        ratio = _in_turns(count, *both, result, rounds=rounds)
        middle = ratio if count == 10 else middle
    return middle


def _in_turns(
    count: int,
    one: tuple[str, Load],
    other: tuple[str, Load],
    result: "Result",
    rounds: int = ROUNDS,
) -> float:
    """Load two by turns with so many clients; return the middle of what one is of the other."""
    ratios = []
    for _round in range(rounds):
        pairs = [result.add(name, count, load(count)).pairs for name, load in (one, other)]
        ratios.append(pairs[0] / pairs[1])
    return statistics.median(ratios)


@dataclass
class Result:
    """What was measured, and the two ratios that are held against bars."""

    against_theirs: float = 0.0
    flat: float = 1.0
    p99: float = 0.0
    failed: int = 0

    def add(self, name: str, count: int, one: Figures) -> Figures:
        """Print a line, and keep what counts of it."""
        print(
            f"{name:<30} {count:>3} clients {one.pairs:>8.1f} pairs/s"
            f" {one.half:>8.1f} ms half {one.p99:>8.1f} ms p99 {one.failed:>4} failed",
            flush=True,
        )
        if name.startswith("ours"):
            self.failed += one.failed
        if "busy" in name:
            self.p99 = max(self.p99, one.p99)
        return one

    def verdict(self) -> bool:
        """Print the last line; say whether the bars were reached."""
        print(
            f"claim: {self.against_theirs:.1f} times at 10 clients (bar {BAR}), {self.flat:.2f} at"
            f" the largest (bar {FLAT}), p99 of {BUSY} busy experts {self.p99:.0f} ms (bar {P99}),"
            f" {self.failed} failed"
        )
        is_quick = self.against_theirs >= BAR and self.p99 < P99
        return is_quick and self.flat >= FLAT and not self.failed


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
