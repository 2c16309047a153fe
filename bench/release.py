"""A release of a million tasks with three answers each, against Arrow writing the same rows.

Ours is the whole build, in a process of its own as a worker has it: reading from Debian's
PostgreSQL under one snapshot, votes, agreement, splits, duplicates, the search for personal data,
Parquet, card, manifest and hashes. Arrow's part is `Table.from_pylist` and `ParquetWriter` on the
rows that are in the release, already in memory as Python has them, in the same sizes of groups,
and nothing else: no database, no votes, no splits, no search, no hashes.

The bar is held against the clock, so the machine must be quiet: the median of some builds against
that of Arrow's runs between them. PostgreSQL works on another core at the same time, which Arrow
has no use for; so processor seconds are printed beside, without PostgreSQL's for the build and
with them. Where others use the machine these say more. Last the export of Label Studio of a
smaller number, by task: it could not be given a million in the time. `BENCH_SIZES` says another
number of tasks, `BENCH_OURS_ONLY` leaves Label Studio out.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import psutil
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from app import ROOT, create_app
from bench import debian_postgres, label_studio_server
from core import commands
from core.clock import now
from core.db import Database, make_engine
from releases import builds, storage
from releases.formats import ROWS_AT_ONCE, WRITER, paths_of
from releases.models import Release, State
from tests.conftest import Live, make_settings
from tests.factories.annotation import CLAUSES, Desk, choice, make_desk
from tests.factories.releases import wish

BAR, MEMORY = 3.0, 500
SIZES = (1_000_000,)
RUNS = 3
EXPERTS = 30
# Label Studio's import of a million tasks would take hours; so many are exported instead.
THEIRS, IMPORTED = 5_000, 1_000

TASKS = """
    insert into task (project_id, external_id, data, group_key, slots, slots_left, priority,
                      position, created_at)
    select %(project)s, 't' || n, jsonb_build_object(
             'text', 'Clause ' || n || '. ' || repeat('The licensor grants to you ', 4)
                     || md5(n::text) || ' rights under this licence.', 'number', n),
           'document ' || n / 10, 3, 0, 0, n, now()
    from generate_series(1, %(size)s) n
"""
ANSWERS = """
    with made as (
        insert into assignment (task_id, project_id, expert_id, state, verdict, pay_minor,
            fee_minor, currency, terms, extended, claimed_at, due_at, submitted_at, review_by,
            decided_at, decided_rule, lead_seconds)
        select t.id, t.project_id, (%(experts)s::int[])[1 + (t.id + n * 7) %% %(count)s],
            'accepted', 'accepted', 420, 42, 'eur', '{}', 0, now(), now(), now(), now(),
            now() - interval '1 day', 'AG-1', 60
        from task t, generate_series(1, 3) n
        where t.project_id = %(project)s and t.id between %(first)s and %(last)s
        returning id, task_id, project_id, expert_id
    )
    insert into annotation (assignment_id, task_id, project_id, expert_id, result, unique_id,
        submitted_at)
    select id, task_id, project_id, expert_id,
        jsonb_build_array(jsonb_build_object('id', substr(md5(id::text), 1, 10),
            'type', 'choices', 'from_name', 'clause', 'to_name', 'text', 'value',
            jsonb_build_object('choices', jsonb_build_array(
                (array['grant', 'warranty', 'liability'])[
                    1 + (task_id + (hashint8(id) %% 10 = 0)::int) %% 3])))),
        gen_random_uuid(), now()
    from made
"""
WORKER = """
import json, re, sys, time
from pathlib import Path
from app import serve
from releases import jobs
with serve().app_context():
    began, used = time.perf_counter(), time.process_time()
    said = jobs.build(int(sys.argv[1]))
    took, used = time.perf_counter() - began, time.process_time() - used
# Not `ru_maxrss`: that of a new process begins with what the one had that started it.
peak = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print("RESULT " + json.dumps({"said": said, "took": took, "used": used, "peak": peak}))
"""


def run() -> bool:
    """Measure, print each size, and last whether the bars were reached."""
    try:
        with debian_postgres.running() as url:
            return _run(url)
    except debian_postgres.NotInstalled as missing:
        print(f"release: not run ({missing})")
        return False


def _run(url: str) -> bool:
    sizes = tuple(int(size) for size in os.environ.get("BENCH_SIZES", "").split()) or SIZES
    held, last = True, ""
    for size in sizes:
        with _filled(url, size) as built:
            runs = [_measured(url, built) for _ in range(RUNS)]
        middle = _Run(*np.median(np.array(runs), axis=0).tolist())
        peak = max(one.peak for one in runs)
        used = middle.used + middle.database
        print(
            f"{size:,} tasks of three answers      by the clock  processor   µs a task\n"
            + _line("ours, the whole build", middle.took, middle.used, size)
            + _line("  and PostgreSQL's for it", None, middle.database, size)
            + _line("  both together", None, used, size)
            + _line("Arrow, the same rows", middle.arrow, middle.arrow_used, size)
            + f"by the clock ours took {_listed(one.took for one in runs)} s, Arrow"
            f" {_listed(one.arrow for one in runs)} s; in processor seconds ours takes"
            f" {middle.used / middle.arrow_used:.1f} times Arrow's without PostgreSQL's and"
            f" {used / middle.arrow_used:.1f} with",
            flush=True,
        )
        ratio = middle.took / middle.arrow
        held = held and ratio <= BAR and peak <= MEMORY
        last = f"{ratio:.2f} times Arrow (bar {BAR:.0f}), {peak:.0f} MB (bar {MEMORY})"
        mine = middle.took / size
    if not os.environ.get("BENCH_OURS_ONLY"):
        theirs = _theirs(url) / THEIRS
        print(_line(f"Label Studio, {THEIRS:,} tasks", theirs * THEIRS, None, THEIRS), end="")
        last += f", Label Studio {theirs / mine:.0f} times ours by task"
    print(f"release: {last}")
    return held


class _Run(NamedTuple):
    """Seconds by the clock and of processors for one build and for Arrow's, and memory in MB."""

    took: float
    used: float
    database: float
    peak: float
    arrow: float
    arrow_used: float


class _Filled(NamedTuple):
    """A database with work to release."""

    live: Live
    address: str
    folder: Path
    desk: Desk


def _measured(url: str, filled: _Filled) -> _Run:
    """Build a release, write its rows with Arrow, and throw it away, so that the next is alike."""
    with filled.live.app.app_context(), filled.live.transaction() as session:
        wanted = wish(look_first=True)
        asked = builds.ask(session, filled.desk.project, wanted, by=filled.desk.owner, at=now())
        release_id = int(asked.id or 0)
    before = _database_seconds(url)
    ours = _ours(filled.address, filled.folder, release_id)
    database = _database_seconds(url) - before
    with filled.live.app.app_context(), filled.live.transaction() as session:
        release = session.get_one(Release, release_id)
        if release.state is not State.PROPOSED:
            raise RuntimeError(f"not built: {ours['said']}")
        arrow = _arrow(filled.folder, release)
        commit = builds.decline(session, release, by=filled.desk.owner, at=now())
        storage.remove(filled.folder / "releases", release.project_id, str(commit))
    return _Run(ours["took"], ours["used"], database, ours["peak"], *arrow)


def _listed(seconds: Iterable[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in seconds)


@contextmanager
def _filled(url: str, size: int) -> Iterator[_Filled]:
    """Make a database with so many tasks and their answers."""
    name = f"release_{size}"
    _admin(url, f"CREATE DATABASE {name}")
    address = url.removesuffix("postgres") + name
    folder = Path(tempfile.mkdtemp(prefix="doyen-bench-"))
    engine = make_engine(address, 3)
    try:
        commands.migrate_to(address, ROOT)
        live = Live(create_app(make_settings(folder), Database(engine)), address, engine)
        yield _Filled(live, address, folder, _fill(live, address, size))
    finally:
        engine.dispose()
        _admin(url, f"DROP DATABASE {name} WITH (FORCE)")
        shutil.rmtree(folder, ignore_errors=True)


def _fill(live: Live, address: str, size: int) -> Desk:
    with live.transaction() as session:
        desk = make_desk(session, experts=EXPERTS, tasks=0, overlap=3)
        project_id = desk.project_id
        experts = [one.user_id for one in desk.experts]
    with psycopg.connect(address, autocommit=True) as connection:
        # Foreign keys and triggers of millions of rows say nothing here.
        connection.execute("set session_replication_role = replica")
        connection.execute(TASKS, {"project": project_id, "size": size})
        first, last = connection.execute("select min(id), max(id) from task").fetchone() or (0, 0)
        for at in range(first, last + 1, 50_000):
            values = {"project": project_id, "experts": experts, "count": len(experts)}
            connection.execute(ANSWERS, values | {"first": at, "last": at + 49_999})
        for table in ("task", "assignment", "annotation"):
            connection.execute(f"vacuum analyze {table}")  # type: ignore[call-overload]
    return desk


def _ours(address: str, folder: Path, release_id: int) -> dict[str, Any]:
    settings = make_settings(folder)
    environment = {
        **os.environ,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SECURITY_PASSWORD_SALT": settings.security_password_salt.get_secret_value(),
        "DATABASE_URL": address,
        "DATA_DIR": str(folder),
    }
    command = [sys.executable, "-c", WORKER, str(release_id)]
    said = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    line = next((one for one in said.stdout.splitlines() if one.startswith("RESULT ")), None)
    if line is None:
        raise RuntimeError(f"the build said nothing: {said.stdout}{said.stderr}")
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return found


def _line(words: str, took: float | None, used: float | None, size: int) -> str:
    clock = f"{took:.1f} s" if took is not None else ""
    processor = f"{used:.1f} s" if used is not None else ""
    each = 1e6 * (used if used is not None else took or 0.0) / size
    return f"{words:<36}{clock:>10}{processor:>11}{each:>12.1f}\n"


def _database_seconds(url: str) -> float:
    """Return the processor seconds that PostgreSQL has used, with those of connections now gone.

    A connection that is about to go may be missed once: what is read twice is right.
    """
    last, found = -1.0, _database_seconds_now(url)
    while found - last > 0.05:
        time.sleep(0.2)
        last, found = found, _database_seconds_now(url)
    return found


def _database_seconds_now(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        own = psutil.Process(connection.info.backend_pid)
        server = own.parent()
        assert server is not None
        gone = server.cpu_times()
        living = [one.cpu_times() for one in server.children() if one.pid != own.pid]
    here = sum(one.user + one.system for one in [gone, *living])
    return float(here + gone.children_user + gone.children_system)


def _arrow(folder: Path, release: Release) -> tuple[float, float]:
    """Return how long Arrow takes to make tables of the release's rows and write them.

    By the clock, and in processor seconds.
    """
    place, took = storage.folder(folder.resolve() / "releases", release), np.zeros(2)
    for split in release.facts["splits"]:
        for path in paths_of(release.facts, split):
            with pq.ParquetFile(place / path) as file:
                schema = file.schema_arrow
                began = _clocks()
                writer = pq.ParquetWriter(folder / "same.parquet", schema, **WRITER)
                took += _clocks() - began
                for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                    rows = batch.to_pylist()
                    began = _clocks()
                    table = pa.Table.from_pylist(rows, schema=schema)
                    writer.write_table(table, row_group_size=ROWS_AT_ONCE)
                    took += _clocks() - began
                writer.close()
    return float(took[0]), float(took[1])


def _clocks() -> NDArray[np.float64]:
    return np.array([time.perf_counter(), time.process_time()])


def _theirs(url: str) -> float:
    """Return how long Label Studio takes to export some tasks with three annotations each."""
    with label_studio_server.running(url, 1, CLAUSES, choice("grant"), tasks=0) as theirs:
        token = (theirs.folder / "tokens").read_text().splitlines()[0]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=theirs.url, headers=headers, timeout=600) as client:
            project = f"/api/projects/{theirs.project_id}"
            task = {
                "data": {"text": "The licensor grants. " * 10},
                "annotations": [{"result": choice("grant")}] * 3,
            }
            for _ in range(THEIRS // IMPORTED):
                client.post(f"{project}/import", json=[task] * IMPORTED).raise_for_status()
            began = time.perf_counter()
            found = client.get(f"{project}/export?exportType=JSON")
            took = time.perf_counter() - began
            if len(found.raise_for_status().json()) != THEIRS:
                raise RuntimeError("Label Studio has not exported every task")
    return took


def _admin(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]
