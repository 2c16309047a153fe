"""Builds, their storage and the web are killed, cut off and filled up; what is left is looked at.

Real workers (`app.py worker`) build releases into moto's S3 and are ended by SIGKILL at calls that
a seeded generator picks in each phase, or at a moment that it picks. After each the pages, the API,
the Hub and both storages are asked for anything half. In the end every release must have the
hashes of one that nothing disturbed, built forty days later by the clock in a copy of the database.
"""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from pyarrow.fs import FileSelector, S3FileSystem
from sqlalchemy import text
from sqlmodel import col, select

from accounts.models import User
from app import ROOT
from bench import debian_postgres
from bench.release import ANSWERS, TASKS
from core import jobs as queue
from core.clock import now
from core.settings import Settings
from proofs import served
from proofs.fused_worker import PHASES
from releases import builds, storage
from releases.models import Release, ReleaseSeries, State
from releases.recipe import Recipe
from tests import database
from tests.conftest import Live
from tests.factories.annotation import make_desk
from tests.factories.releases import make_grant, make_ml_team, wish
from tests.factories.tokens import make_token

SEED = 7
BUCKET = "releases"
ROWS, WIDE_ROWS = 300, 900
MANY_ROWS = 2_600  # more than are read at once, so that a change falls in between
BUILD_PHASES = PHASES[:6]
AFTER = PHASES[6:]
# What follows is done for all releases that wait: of one alone it makes at least so many calls.
CALLS_AFTER = {"signing": 100, "formats": 20_000}
AT_ANY_MOMENT = "at any moment"
TIMES_EACH = 4  # kills of each phase of a build; a release is given up at the sixth attempt
FEWEST = 20
DAYS = 40
OTHER = "update annotation set result = replace(result::text, 'grant', 'patent')::jsonb"
WIDE = """
    update task set data = data || jsonb_build_object('pages', (
        select string_agg(md5(n::text || '-' || task.id), '') from generate_series(1, 640) n))
    where project_id = %s
"""


class Cut:
    """A way to a server that can be closed, at once or after some bytes have gone up."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.left: int | None = None
        self.heard = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.heard.getsockname()[1])
        self.open: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                here, _ = self.heard.accept()
            except OSError:
                return
            if self.left is not None and self.left <= 0:
                here.close()
                continue
            there = socket.create_connection(("127.0.0.1", self.to))
            self.open += [here, there]
            for one, other, up in ((here, there, True), (there, here, False)):
                threading.Thread(target=self._carry, args=(one, other, up), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, up: bool) -> None:
        with suppress(OSError):
            while part := one.recv(65536):
                if up and self.left is not None:
                    self.left -= len(part)
                    if self.left <= 0:
                        self.cut()
                other.sendall(part)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Close every way, and let nobody in."""
        self.left = 0
        for one in self.open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.open = []

    def mend(self) -> None:
        """Let everybody in again."""
        self.left = None

    def close(self) -> None:
        """End it."""
        self.cut()
        self.heard.close()


@dataclass
class Killed:
    """What is killed: releases that are asked for, and what undisturbed ones came to."""

    live: Live
    address: str
    settings: Settings
    way: Cut
    s3: S3FileSystem
    maintenance: str
    reader: str = ""
    reader_id: int = 0
    owner_id: int = 0
    releases: list[int] = field(default_factory=list)
    changing: int = 0
    wide: int = 0
    full: int = 0
    unreachable: int = 0
    expected: dict[int, dict[str, Any]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    gaps: list[str] = field(default_factory=list)
    looks: int = 0

    def release(self, release_id: int) -> Release:
        """Return a release as it is now."""
        with self.live.transaction() as session:
            return session.get_one(Release, release_id)

    @property
    def told(self) -> Path:
        """The file in which a worker says where it is."""
        return self.settings.data_dir / "fuse.json"


def kill(moto: Path) -> tuple[str, list[str]]:
    """Run all of it; return what was done and what was wrong."""
    chosen = random.Random(SEED)  # noqa: S311  # the same kills each time
    with _world(moto) as world:
        _undisturbed(world)
        if world.gaps:
            return "no undisturbed build", world.gaps
        plan = [phase for phase in [*BUILD_PHASES, AT_ANY_MOMENT] for _ in range(TIMES_EACH)]
        chosen.shuffle(plan)
        for number, release_id in enumerate(world.releases):
            mine = plan[number * TIMES_EACH : (number + 1) * TIMES_EACH]
            _kill_until_built(world, release_id, mine, chosen)
        _change(world)
        _cut_off(world)
        _fill_up(world)
        _same(world)
        web = _web(world, chosen)
    world.gaps += [f"nothing was killed in {one}" for one in PHASES if not world.kills[one]]
    if sum(world.kills.values()) < FEWEST:
        world.gaps.append(f"only {sum(world.kills.values())} workers were killed")
    spread = ", ".join(f"{phase} {world.kills[phase]}" for phase in [*PHASES, AT_ANY_MOMENT])
    said = (
        f"{sum(world.kills.values())} workers killed ({spread}), {world.looks} looks at what there"
        f" is, {len(world.expected)} releases with the hashes of {DAYS} days later;"
        f" storage full, storage cut off, answers changed in mid-build; {web}"
    )
    return said, world.gaps


@contextmanager
def _world(moto: Path) -> Iterator[Killed]:
    """Make S3, a way to it, and releases that are asked for and not yet built."""
    with _folder() as folder, _moto(moto) as port, closing(Cut(port)) as way:
        options = {
            "endpoint_override": f"http://127.0.0.1:{way.port}",
            "access_key": "key",
            "secret_key": "secret",
            "region": "us-east-1",
            "connect_timeout": 2.0,
            "request_timeout": 5.0,
        }
        there = {"releases_url": f"s3://{BUCKET}/here", "releases_options": json.dumps(options)}
        with served.instance(folder, **there) as made:
            maintenance = database.server(database.FOLDER)
            world = Killed(
                made.live, made.address, made.settings, way, S3FileSystem(**options), maintenance
            )
            _fill(world)
            yield world


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="doyen-killed-") as name:
        yield Path(name)


@contextmanager
def _moto(program: Path) -> Iterator[int]:
    port = debian_postgres.free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([str(program), "-H", "127.0.0.1", "-p", str(port)], **quiet)  # type: ignore[call-overload]
    try:
        debian_postgres.wait_for(port)
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")
        with closing(urllib.request.urlopen(asked)):
            pass
        yield port
    finally:
        server.terminate()
        server.wait()


def _fill(world: Killed) -> None:
    made: list[int] = []
    count = len(BUILD_PHASES) + 1
    for number in range(count + 4):
        rows = {count: MANY_ROWS, count + 1: WIDE_ROWS}.get(number, ROWS)
        with world.live.transaction() as session:
            desk = make_desk(session, experts=4, tasks=0, overlap=3)
            project_id, experts = desk.project_id, [one.user_id for one in desk.experts]
            if not world.reader_id:
                user, team = make_ml_team(session, name="Ada")
                _, world.reader = make_token(session, user, team)
                world.reader_id = user.id or 0
            make_grant(session, desk, team)
        with psycopg.connect(world.address, autocommit=True) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(TASKS, {"project": project_id, "size": rows})
            if number == count + 1:
                connection.execute(WIDE, [project_id])
            values = {"project": project_id, "experts": experts, "count": len(experts)}
            connection.execute(ANSWERS, values | {"first": 0, "last": 10**9})
        recipe = Recipe(votes=True, jsonl=True, csv=number % 2 == 0)
        with world.live.app.app_context(), world.live.transaction() as session:
            asked = wish(recipe=recipe)
            release = builds.ask(session, desk.project, asked, by=desk.owner, at=now())
            made.append(release.id or 0)
            world.owner_id = desk.owner.id or 0
    world.releases = made[:count]
    world.changing, world.wide, world.full, world.unreachable = made[count:]


def _undisturbed(world: Killed) -> None:
    """Build all of it in a copy of the database, forty days later, and count its calls."""
    world.live.engine.dispose()
    name = f"{world.address.partition('?')[0].rpartition('/')[2]}"
    copied = f"{name}_calm"
    with psycopg.connect(world.maintenance, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {copied} TEMPLATE {name}")  # type: ignore[call-overload]
    try:
        address = database.address(world.maintenance, copied)
        with _folder() as folder:
            calm = {"DATABASE_URL": address, "DATA_DIR": str(folder), "RELEASES_URL": ""}
            _worker(world, {"PROOF_DAYS": str(DAYS), **calm}).wait()
            world.calls = json.loads(world.told.read_text())["counts"]
            with psycopg.connect(address) as asked:
                found = asked.execute("select id, manifest from release where state = 'ready'")
                for number, manifest in found.fetchall():
                    place = f"{_place_of(asked, number)}"
                    text_ = (folder / "releases" / place / "manifest.json").read_bytes()
                    world.expected[number] = manifest | {
                        "_sha256": hashlib.sha256(text_).hexdigest(),
                        "_place": place,
                    }
    finally:
        with psycopg.connect(world.maintenance, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {copied} WITH (FORCE)")  # type: ignore[call-overload]
    lacking = set(_all(world)) - world.expected.keys()
    world.gaps += [f"release {one} was not built without any fault" for one in sorted(lacking)]
    world.gaps += [f"no call was seen in {one}" for one in PHASES if not world.calls.get(one)]
    with world.live.transaction() as session:  # the jobs are deferred again, one by one
        session.execute(text("delete from procrastinate_jobs where status = 'todo'"))
        session.execute(text("update release set held_until = now() + interval '1 day'"))


def _place_of(asked: Any, number: int) -> str:
    """Return where a release of a database is kept."""
    found = asked.execute("select project_id, commit from release where id = %s", [number])
    project_id, commit = found.fetchone()
    return f"{project_id}/{commit}"


def _all(world: Killed) -> list[int]:
    return [*world.releases, world.changing, world.wide, world.full, world.unreachable]


def _worker(
    world: Killed, more: dict[str, str], fuse: tuple[str, int, str] = ("-", 0, "KILL")
) -> "subprocess.Popen[bytes]":
    settings = world.settings
    world.told.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SECURITY_PASSWORD_SALT": settings.security_password_salt.get_secret_value(),
        "DATABASE_URL": world.address,
        "DATA_DIR": str(settings.data_dir),
        "RELEASES_URL": settings.releases_url,
        "RELEASES_OPTIONS": settings.releases_options.get_secret_value(),
    }
    command = [sys.executable, str(ROOT / "proofs" / "fused_worker.py"), str(world.told)]
    command += [fuse[0], str(fuse[1]), fuse[2]]
    with (settings.data_dir / "worker.log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment | more, stdout=log, stderr=subprocess.STDOUT
        )


def _time_passes(world: Killed, release_id: int) -> None:
    """Let the minutes pass for which the dead are waited for, and run the sweeps of the clock."""
    with world.live.transaction() as session:
        session.execute(
            text("update procrastinate_workers set last_heartbeat = now() - interval '1 hour'")
        )
        release = session.get_one(Release, release_id)
        if release.state is State.BUILDING:
            release.held_until = now() - timedelta(seconds=1)
    with world.live.transaction() as session:
        queue.take_up_stalled(session)
        builds.take_up(session, at=now())
        for name in ("releases.sign_waiting", "releases.make_formats"):
            queue.defer(session, name, queue="releases", queueing_lock=name)


def _kill_until_built(
    world: Killed, release_id: int, phases: list[str], chosen: random.Random
) -> None:
    """Kill the builds of a release one after another, then let it come to its end."""
    for phase in [*phases, *(AFTER if release_id in world.releases[:3] else [])]:
        _time_passes(world, release_id)
        if phase == AT_ANY_MOMENT:
            _at_a_moment(world, release_id, chosen)
        else:
            calls = CALLS_AFTER.get(phase) or int(world.calls[phase] * 0.9)
            at = chosen.randint(1, max(1, calls))
            _run(world, release_id, (phase, at, "KILL"), phase)
    _time_passes(world, release_id)
    _worker(world, {}).wait()
    _look(world, release_id, "at the end")


def _run(world: Killed, release_id: int, fuse: tuple[str, int, str], phase: str) -> None:
    """Run a worker until its fuse burns down, and look."""
    ended = _worker(world, {}, fuse).wait()
    if ended == -signal.SIGKILL:
        world.kills[phase] += 1
    _look(world, release_id, f"killed at call {fuse[1]} of {phase}")


def _at_a_moment(world: Killed, release_id: int, chosen: random.Random) -> None:
    """Kill a worker from outside, some moment after it has begun to build."""
    worker = _worker(world, {})
    while worker.poll() is None and not world.told.exists():
        time.sleep(0.005)
    time.sleep(chosen.uniform(0, 2.5))
    if worker.poll() is None:
        worker.kill()
        world.kills[AT_ANY_MOMENT] += 1
    worker.wait()
    _look(world, release_id, "killed at some moment")


def _look(world: Killed, release_id: int, when: str) -> None:
    """Ask everybody who could show a half release; what is shown must be whole."""
    world.looks += 1
    gaps = list(_half(world, release_id))
    world.gaps += [f"release {release_id}, {when}: {gap}" for gap in gaps]


def _half(world: Killed, release_id: int) -> Iterator[str]:
    release = world.release(release_id)
    with world.live.transaction() as session:
        series = session.get_one(ReleaseSeries, release.project_id)
        slug = _slug(session, series)
        reader = session.get_one(User, world.reader_id)
        owner = session.get_one(User, release.asked_by)
        is_made = bool(
            session.execute(
                text("select 1 from release_format where release_id = :id"), {"id": release_id}
            ).first()
        )
    name = f"{slug}/{series.name}"
    is_ready = release.state is State.READY
    wanted = 200 if is_ready else 404
    token = {"Authorization": f"Bearer {world.reader}"}
    api = world.live.client()
    asked = {
        "the Hub": f"/api/datasets/{name}",
        "the Hub's files": f"/datasets/{name}/resolve/main/README.md",
        "the Hub's tree": f"/api/datasets/{name}/tree/main?recursive=true",
        "the API": f"/api/v1/releases/{release_id}",
    }
    for who, path in asked.items():
        found = api.get(path, headers=token, buffered=True).status_code
        if found not in (wanted, 302 if is_ready else wanted):
            yield f"{who} answers {found} and not {wanted}"
    listed = [
        one["id"] for one in api.get("/api/v1/releases?limit=100", headers=token).json["data"]
    ]
    if (release_id in listed) is not is_ready:
        yield f"the API lists {listed}"
    page = world.live.client(reader).get(f"/releases/{release_id}").status_code
    if page != wanted and not (not is_ready and page == 403):
        yield f"the reader's page answers {page}"
    mine = world.live.client(owner).get(f"/releases/{release_id}")
    if mine.status_code != 200:
        yield f"the owner's page answers {mine.status_code}"
    if release.state is State.FAILED:
        yield f"it has failed: {release.trouble}"
    yield from _torn(world)
    root = world.settings.data_dir.resolve() / "releases"
    with world.live.app.app_context():
        if is_ready and not storage.is_whole(root, release):
            yield "it is published and not whole"
    if is_made and not is_ready:
        yield "a format was made of what is not there"


def _slug(session: Any, series: ReleaseSeries) -> str:
    """Return the slug of the organisation of a series."""
    found = session.execute(
        text("select slug from organisation where id = :id"), {"id": series.organisation_id}
    )
    return str(found.scalar_one())


def _torn(world: Killed) -> Iterator[str]:
    """Look whether what counts as whole, here and in S3, is whole by its own sums."""
    root = world.settings.data_dir.resolve() / "releases"
    for place in root.glob("[0-9]*/*"):
        yield from _by_sums(str(place), lambda path, at=place: (at / path).read_bytes())
    found = world.s3.get_file_info(
        FileSelector(f"{BUCKET}/here", recursive=True, allow_not_found=True)
    )
    for one in found:
        if one.base_name == "SHA256SUMS":
            base = one.path.rpartition("/")[0]
            yield from _by_sums(f"s3 {base}", lambda path, at=base: _from_s3(world, f"{at}/{path}"))


def _from_s3(world: Killed, path: str) -> bytes:
    with world.s3.open_input_stream(path) as opened:
        found: bytes = opened.read()
    return found


def _by_sums(place: str, read: Callable[[str], bytes]) -> Iterator[str]:
    try:
        sums = read("SHA256SUMS").decode()
        for line in sums.splitlines():
            digest, path = line.split("  ")
            if hashlib.sha256(read(path)).hexdigest() != digest:
                yield f"{place}/{path} is torn"
    except OSError as error:
        yield f"{place} is half: {error}"


def _change(world: Killed) -> None:
    """Change every answer of a project while a worker has read half of them."""
    release_id = world.changing
    _time_passes(world, release_id)
    worker = _worker(world, {}, ("gathering", world.calls["gathering"] // 3, "STOP"))
    _until(lambda: worker.poll() is not None or _is_stopped(worker.pid))
    with psycopg.connect(world.address, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        project = world.release(release_id).project_id
        changed = connection.execute(f"{OTHER} where project_id = {project}").rowcount
    if worker.poll() is not None or not changed:
        world.gaps.append("no answer was changed in mid-build")
    with suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGCONT)
    worker.wait()
    _look(world, release_id, "with answers changed in mid-build")


def _cut_off(world: Killed) -> None:
    """Cut the way to S3 in the middle of an upload; mend it later."""
    release_id = world.unreachable
    _time_passes(world, release_id)
    world.way.left = sum(one["size"] for one in world.expected[release_id]["files"]) // 2
    _worker(world, {}).wait()
    left = world.way.left
    world.way.mend()
    if left > 0:
        world.gaps.append("S3 was not cut off in the middle")
    _waits(world, release_id, "cut off")
    _time_passes(world, release_id)
    _worker(world, {}).wait()


def _fill_up(world: Killed) -> None:
    """Let the place run out of room in the middle of a release: the system says ENOSPC."""
    release_id, place = world.full, world.settings.data_dir / "disk"
    expected = world.expected[release_id]
    full = place / expected["_place"] / "manifest.json"
    full.parent.mkdir(parents=True)
    full.symlink_to("/dev/full")
    elsewhere = {"RELEASES_URL": f"file://{place}", "RELEASES_OPTIONS": ""}
    _time_passes(world, release_id)
    _worker(world, elsewhere).wait()
    _waits(world, release_id, "full")
    full.unlink()
    _time_passes(world, release_id)
    _worker(world, elsewhere).wait()
    for one in expected["files"]:
        kept = (place / expected["_place"] / one["path"]).read_bytes()
        if hashlib.sha256(kept).hexdigest() != one["sha256"]:
            world.gaps.append(f"{one['path']} is not whole where there was no room")


def _waits(world: Killed, release_id: int, why: str) -> None:
    release = world.release(release_id)
    if (release.state, release.waits_for) != (State.BUILDING, builds.STORAGE):
        world.gaps.append(f"{why}: it does not wait ({release.state}, {release.trouble})")
    with world.live.transaction() as session:
        owner = session.get_one(User, release.asked_by)
    if (
        "is tried again every five minutes"
        not in world.live.client(owner).get(f"/releases/{release_id}").text
    ):
        world.gaps.append(f"{why}: its page does not say that it waits")
    _look(world, release_id, why)


def _same(world: Killed) -> None:
    """Compare every release with the one that nothing disturbed; there is one of each."""
    _time_passes(world, world.wide)
    _worker(world, {}).wait()
    root = world.settings.data_dir.resolve() / "releases"
    with world.live.transaction() as session:
        found = session.exec(select(Release).order_by(col(Release.id))).all()
    if [one.id for one in found] != sorted(_all(world)):
        world.gaps.append(f"there are releases {[one.id for one in found]}")
    for one in found:
        expected = world.expected[one.id or 0]
        if not one.is_ready:
            world.gaps.append(f"release {one.id} was not built: {one.state} {one.trouble}")
            continue
        path = root / f"{one.project_id}/{one.commit}/manifest.json"
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected["_sha256"]:
            world.gaps.append(f"release {one.id} differs from the undisturbed one")
        kept = [path.name for path in (root / str(one.project_id)).iterdir()]
        if kept != [one.commit]:
            world.gaps.append(f"release {one.id} left {kept}")
    left = [path.name for path in (root / storage.UNFINISHED).iterdir()]
    world.gaps += [f"left behind: {one}" for one in left]


def _web(world: Killed, chosen: random.Random) -> str:
    """Kill the web's processes in the middle of downloads, which go on where they stopped."""
    release = world.release(world.wide)
    file = max(release.facts["files"], key=lambda one: one["size"])
    with world.live.transaction() as session:
        slug = _slug(session, session.get_one(ReleaseSeries, release.project_id))
    address = f"/datasets/{slug}/{release.facts['name']}/resolve/main/{file['path']}"
    got, kills = b"", 0
    with served.gunicorn(world.address, world.settings) as (url, master):
        while len(got) < file["size"]:
            part, cut = _some(f"{url}{address}", world.reader, got, file["sha256"])
            try:
                got += part.read(chosen.randint(1, file["size"] // 5))
                if kills < 5:
                    for child in _children(master):
                        os.kill(child, signal.SIGKILL)
                    kills += 1
                got += _rest(part)
            finally:
                cut.close()
    if hashlib.sha256(got).hexdigest() != file["sha256"] or kills < 3:
        world.gaps.append(f"a download of {file['path']} that was cut {kills} times differs")
    size = round(file["size"] / 1e6)
    return f"the web killed {kills} times in a download of {size} MB, the same bytes"


def _rest(part: Any) -> bytes:
    """Read what still comes, if anything does."""
    read = b""
    with suppress(OSError):
        while some := part.read1(65536):
            read += some
    return read


def _some(url: str, token: str, got: bytes, etag: str) -> tuple[Any, Any]:
    """Ask for what is not there yet, through a socket that holds little."""
    headers = {"Authorization": f"Bearer {token}"}
    if got:
        headers |= {"Range": f"bytes={len(got)}-", "If-Range": f'"{etag}"'}
    until = time.monotonic() + 60
    while True:
        try:
            answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers))
            break
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) or time.monotonic() > until:
                raise
            time.sleep(0.2)
    assert answer.status == (206 if got else 200), answer.status
    return answer, answer


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in found.split()]


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.01)
