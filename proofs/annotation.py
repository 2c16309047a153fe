"""The bench under attack: two hundred experts on one project while its processes are killed.

A whole instance runs as it does in production: gunicorn with two workers, the worker of the jobs,
the clock, PostgreSQL and a Label Studio. Meanwhile one process after another is killed with SIGKILL
at random. In the end nobody may have held what another held, nothing confirmed may be missing, the
shares are even, the ledger holds, and Label Studio has all of it, also after it was put back to an
older state.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import text
from sqlmodel import Session, col, select, update

from accounts.models import User
from annotation import mirror_extras, pushing
from annotation.mirror_models import Extra, MirrorRun
from annotation.mirror_verdict_models import MirrorVerdict
from annotation.models import IN_HAND as STILL_OUT
from annotation.models import Annotation, Assignment, Draft, State
from app import ROOT, create_app
from core.clock import now
from core.db import Database, make_engine
from core.settings import Settings
from demo import label_studio
from demo.processes import stop_leftovers
from demo.stack import AlreadyRunning, Stack, only_one, started
from payouts import ledger_audit
from projects.models import Project
from proofs.annotation_crowd import Book, Worker
from tests import clients, label_studio_server
from tests.conftest import Live
from tests.factories.annotation import make_desk

# A smaller crowd is quicker: PROOF_EXPERTS=6 PROOF_TASKS=12 make prove P=annotation
EXPERTS = int(os.environ.get("PROOF_EXPERTS", "200"))
TASKS = int(os.environ.get("PROOF_TASKS", str(3 * EXPERTS)))
OVERLAP = 2
IN_HAND = 3  # tasks of one expert at a time: two of three let some wait
ANSWERS = TASKS * OVERLAP
SEED = 20261127
ALL_WITHIN = 900  # seconds for all answers
LEFT_WITHIN = 900  # seconds for Label Studio to have them all
TELL_EVERY = 10
PREFIX = "doyen-proof-"
KILL_EVERY = (6.0, 14.0)  # a part needs some seconds to come up: it should also work in between
AGAIN_AFTER = (0.2, 1.0)  # seconds, as a service manager starts again what has died
WEB, WORKER, CLOCK = "web", "worker", "clock"

LEASED_TWICE = text("""
    select count(*) from (
        select from assignment where state not in ('returned', 'expired')
        group by task_id, expert_id having count(*) > 1) as twice
""")
SLOTS_WRONG = text("""
    select count(*) from task where slots - slots_left <> (
        select count(*) from assignment a where a.task_id = task.id
        and a.state in
            ('active', 'waiting', 'submitted', 'accepted', 'rejected', 'partly_accepted'))
""")
PUSHED = text("select count(*) from annotation where pushed_at is not null")
# Nobody works on two tasks at a time, and no more wait beside it than the project lets.
TOO_MANY = text("""
    select count(*) from (
        select from assignment where state in ('active', 'waiting') group by expert_id
        having count(*) > :most or count(*) filter (where state = 'active') > 1) as those
""")
EXPIRED_UNSEEN = text("""
    select count(*) from assignment where taken_ahead and opened_at is null
    and state not in ('waiting', 'returned')
""")
OPEN_SLOTS = text("select sum(slots_left) from task")


@dataclass
class Killer:
    """Kills one process of the instance after another, until told to stop."""

    stack: Stack
    over: threading.Event
    killed: Counter[str]

    def run(self) -> None:
        """Kill every few seconds."""
        chance = random.Random(SEED)  # noqa: S311 - it guards nothing
        while not self.over.wait(chance.uniform(*KILL_EVERY)):
            name = chance.choices((WEB, "a web process", WORKER, CLOCK), (1, 6, 3, 1))[0]
            for pid in self._pids(name, chance):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.killed[name] += 1

    def _pids(self, name: str, chance: random.Random) -> list[int]:
        part = next(one for one in self.stack.watch.parts if one.name in name.split())
        if part.process is None or not part.is_alive():
            return []
        if name == part.name:
            return [part.process.pid]
        children = _children(part.process.pid)
        return [chance.choice(children)] if children else []


@dataclass
class Mirror:
    """The instance's Label Studio, stopped, kept and put back to what was kept."""

    stack: Stack
    kept: int | None = None

    @property
    def port(self) -> str:
        """Where it listens."""
        assert self.stack.addresses is not None
        return self.stack.addresses.label_studio.rpartition(":")[2]

    @property
    def data(self) -> Path:
        """Where its database and files are."""
        return self.stack.label_studio_home / "data"

    def keep(self) -> None:
        """Stop it, copy its data, and start it again."""
        with self._stopped():
            shutil.copytree(self.data, self.data.with_name("yesterday"))
            self.kept = len(self.answers())

    def put_back(self) -> None:
        """Stop it, put the copy in place of its data, and start it again."""
        with self._stopped():
            shutil.rmtree(self.data)
            shutil.copytree(self.data.with_name("yesterday"), self.data)

    def refill(self) -> None:
        """Do what an operator does then."""
        lines = (self.stack.folder / "doyen.env").read_text().splitlines()
        environment = os.environ | dict(line.split("=", 1) for line in lines)
        command = [sys.executable, str(ROOT / "app.py"), "label-studio", "refill"]
        subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=LEFT_WITHIN)

    def answers(self) -> dict[str, list[Any]]:
        """Return what its answers say, by what makes each arrive once."""
        found: dict[str, list[Any]] = {}
        for name, result in self._rows("select unique_id, result from task_completion"):
            found.setdefault(str(name).replace("-", ""), []).append(json.loads(result))
        return found

    def verdicts(self) -> dict[str, str]:
        """Return what its tasks say of the verdicts on answers, by the answers."""
        told = [json.loads(meta or "{}") for (meta,) in self._rows("select meta from task")]
        return {
            one["annotation"].replace("-", ""): one["verdict"]
            for meta in told
            for one in meta.get("doyen_verdicts", ())
        }

    def _rows(self, query: str) -> list[Any]:
        file = f"file:{self.data / 'label_studio.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as connection:
            return connection.execute(query).fetchall()

    @contextmanager
    def _stopped(self) -> Iterator[None]:
        parts = self.stack.watch.parts
        part = next(one for one in parts if one.name == "label-studio")
        parts.remove(part)  # nobody starts it again meanwhile
        part.stop()
        try:
            yield
        finally:
            part.start()
            assert part.process is not None
            home, port = self.stack.label_studio_home, int(self.port)
            label_studio.wait_ready(part.process, self.stack.var, port, home=home, say=_nothing)
            parts.append(part)


def _nothing(_words: str) -> None:
    """Say nothing of a part that starts."""


def _children(pid: int) -> list[int]:
    ps = ["ps", "-A", "-o", "pid=,ppid="]
    listed = subprocess.run(ps, capture_output=True, text=True, check=False).stdout
    pairs = [line.split() for line in listed.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def prove() -> bool:
    """Run the campaign; print what it came to."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stop_earlier()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    # What is installed is used; the data is the proof's own.
    shutil.copytree(label_studio_server.pristine(), folder / "proof" / "label-studio")
    (folder / "label-studio").mkdir()
    (folder / "label-studio" / "venv").symlink_to(ROOT / "var" / "label-studio" / "venv")
    try:
        with _instance(folder) as (live, stack):
            gaps, said = _campaign(live, stack)
    finally:
        _remove(folder)
    for gap in gaps[:50]:
        print(f"  gap: {gap}")
    print(f"annotation: {'failed' if gaps else 'held'} ({said})")
    return not gaps


def stop_earlier() -> None:
    """Stop and remove what proofs left that were killed; one that still runs holds its lock."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/proof/running.lock"):
        folder = lock.parent.parent
        with suppress(AlreadyRunning), only_one(folder / "proof"):
            stop_leftovers(folder / "proof" / "processes.json", print)
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a proof's data; its PostgreSQL would not be found any more by whoever stops it."""
    with suppress(OSError, ValueError, psutil.Error):
        pid = (folder / "proof" / "postgres" / "postmaster.pid").read_text().split()[0]
        os.kill(int(pid), signal.SIGINT)
        psutil.Process(int(pid)).wait(10)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _instance(folder: Path) -> Iterator[tuple[Live, Stack]]:
    """Run a whole instance; what a part says when it starts again is not of interest."""
    with started(folder, _nothing, "proof") as stack:
        stack.watch.pauses = AGAIN_AFTER
        settings = _settings_of(stack)
        url = settings.database_url.get_secret_value()
        engine = make_engine(url, 10)
        app = create_app(settings, Database(engine))
        clients.use_in(app)
        try:
            yield Live(app, url, engine), stack
        finally:
            engine.dispose()


def _settings_of(stack: Stack) -> Settings:
    lines = (stack.folder / "doyen.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines)
    return Settings(**{name.lower(): value for name, value in values.items()})  # type: ignore[arg-type]


def _campaign(live: Live, stack: Stack) -> tuple[list[str], str]:
    begun = time.monotonic()
    over, killed = threading.Event(), Counter[str]()
    book, crowd = _crowd(live, stack, over)
    killer = threading.Thread(target=Killer(stack, over, killed).run)
    mirror = Mirror(stack)
    with ThreadPoolExecutor(len(crowd)) as pool:
        working = [pool.submit(one.run) for one in crowd]
        killer.start()
        try:
            done = _until_done(live, book, mirror, begun + ALL_WITHIN)
        finally:
            over.set()
            killer.join()
        for one in working:
            one.result()
    gaps = list(book.gaps)
    if not done:
        gaps.append(f"not every task had its answers after {ALL_WITHIN} seconds")
    with live.transaction() as session:
        gaps += _rows(session, book)
        shares = _shares(session)
        print(
            f"  answers of an expert, and how many have so many: {sorted(Counter(shares).items())}"
        )
        gaps += _uneven(shares)
    seconds = time.monotonic() - begun
    print(f"  crowd: {dict(book.counts)}; killed {dict(killed)} ({seconds:.0f} s)", flush=True)
    begun = time.monotonic()
    gaps += list(_mirrored(live, mirror))
    print(
        f"  Label Studio: put back and filled again ({time.monotonic() - begun:.0f} s)", flush=True
    )
    said = (
        f"{EXPERTS} experts, {len(book.handed_in)} answers, {killed.total()} kills,"
        f" {book.counts['cut off']} cut off, shares {shares[0]} to {shares[-1]},"
        f" {_behind(shares)} under {_least(shares):.1f} and none over {_most(shares):.1f},"
        f" Label Studio put back to {mirror.kept} answers"
    )
    return gaps, said


def _mirrored(live: Live, mirror: Mirror) -> Iterator[str]:
    """Say what Label Studio lacks, first as it is, then after it was put back and filled again."""
    for when in ("at first", "after it was put back"):
        if when != "at first":
            mirror.put_back()
            mirror.refill()
        if not _until_pushed(live, time.monotonic() + LEFT_WITHIN):
            yield f"not every answer is in Label Studio {when}"
        with live.transaction() as session:
            ours, decided = _sent(session), _decided(session)
        theirs, told = mirror.answers(), mirror.verdicts()
        for unique_id, (lease, result) in ours.items():
            if unique_id not in theirs:
                yield f"lease {lease} is not in Label Studio {when}"
            elif theirs[unique_id] != [result]:
                yield f"lease {lease}: Label Studio has {theirs[unique_id]} {when}, not {result}"
        if strange := theirs.keys() - ours.keys():
            yield f"{len(strange)} answers in Label Studio are from nobody {when}"
        wrong = [one for one, verdict in decided.items() if told.get(one) != verdict]
        if wrong or not decided:
            yield f"{len(wrong)} of {len(decided)} verdicts are not in Label Studio {when}"
        print(
            f"  Label Studio {when}: {len(theirs)} answers and skips, ours {len(ours)};"
            f" {len(told)} verdicts, ours {len(decided)}"
        )


def _sent(session: Session) -> dict[str, tuple[int, Any]]:
    """Return what Label Studio should have, by what makes it arrive once: answers and skips."""
    rows = session.exec(select(Annotation))
    found = {one.unique_id.hex: (one.assignment_id, one.result) for one in rows}
    for lease in session.exec(select(Assignment).where(Assignment.state == State.SKIPPED)):
        project = session.get_one(Project, lease.project_id)
        number = mirror_extras.unique_id(project, Extra.SKIP, lease.id or 0)
        found[number.hex] = (lease.id or 0, [])
    return found


def _decided(session: Session) -> dict[str, str]:
    """Return the verdicts that Label Studio was told of, by the answers."""
    rows = session.exec(
        select(Annotation.unique_id, Assignment.verdict)
        .join(Assignment, col(Assignment.id) == col(Annotation.assignment_id))
        .join(MirrorVerdict, col(MirrorVerdict.assignment_id) == col(Assignment.id))
        .where(col(MirrorVerdict.pushed_at).is_not(None))
    )
    return {unique_id.hex: str(verdict) for unique_id, verdict in rows}


def _until_pushed(live: Live, until: float) -> bool:
    """Wait until nothing is left to bring, and no repair is under way."""
    repairing = select(MirrorRun.id).where(col(MirrorRun.ended_at).is_(None)).limit(1)
    said = time.monotonic()
    while time.monotonic() < until:
        with live.transaction() as session:
            if not pushing.projects_behind(session) and not session.exec(repairing).first():
                return True
        if time.monotonic() - said > TELL_EVERY:
            said = time.monotonic()
            print(f"  {_pushed(live)} answers in Label Studio", flush=True)
        time.sleep(1)
    return False


def _crowd(live: Live, stack: Stack, over: threading.Event) -> tuple[Book, list[Worker]]:
    book = Book()
    assert stack.addresses is not None
    with live.transaction() as session:
        funds = 1000 * ANSWERS
        desk = make_desk(
            session,
            experts=EXPERTS,
            tasks=TASKS,
            funds=funds,
            overlap=OVERLAP,
            tasks_in_hand=IN_HAND,
        )
        project_id, users = desk.project_id, [expert.user_id for expert in desk.experts]
    crowd = []
    for number, user_id in enumerate(users):
        with live.transaction() as session:
            client: Any = live.client(session.get_one(User, user_id))
        token = client._csrf_token()  # which changes the session, and with it the cookie
        cookie = f"doyen={client.get_cookie('doyen').value}"
        home = stack.addresses.web
        crowd.append(Worker(number, user_id, home, project_id, cookie, token, book, over))
    return book, crowd


def _until_done(live: Live, book: Book, mirror: Mirror, until: float) -> bool:
    """Wait until every slot has its answer; end the time of leases that were left alone.

    When Label Studio has a third of them it is stopped and its data copied: its state of yesterday.
    """
    begun, said = time.monotonic(), 0.0
    while time.monotonic() < until:
        if time.monotonic() - said > TELL_EVERY:
            said = time.monotonic()
            print(f"  {said - begun:4.0f} s: {_how_far(live, book)}", flush=True)
        if mirror.kept is None and _pushed(live) > ANSWERS / 3:
            mirror.keep()
            print(f"  Label Studio stopped with {mirror.kept} answers, kept, started", flush=True)
        with book.lock:
            left, book.abandoned[:] = list(book.abandoned), []
        with live.transaction() as session:
            _age(session, left)
            in_hand = select(Assignment.id).where(col(Assignment.state).in_(STILL_OUT)).limit(1)
            all_in = not session.execute(OPEN_SLOTS).scalar() and not session.exec(in_hand).first()
            if session.execute(TOO_MANY, {"most": IN_HAND}).scalar():
                book.gap("an expert has more in hand than the project lets")
        if all_in and mirror.kept is not None:
            return True
        if book.stopped:
            return False
        time.sleep(1)
    return False


def _how_far(live: Live, book: Book) -> str:
    with live.transaction() as session:
        states = Counter(session.exec(select(Assignment.state)))
        slots = session.execute(OPEN_SLOTS).scalar()
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{slots} slots open; {counted}; {_pushed(live)} in Label Studio; {dict(book.counts)}"


def _pushed(live: Live) -> int:
    with live.transaction() as session:
        return int(session.execute(PUSHED).scalar_one())


def _age(session: Session, leases: list[int]) -> None:
    session.execute(
        update(Assignment)
        .where(col(Assignment.id).in_(leases), col(Assignment.state) == State.ACTIVE)
        .values(due_at=now() - timedelta(seconds=1))
    )


def _rows(session: Session, book: Book) -> Iterator[str]:
    """Say what the rows have that they must not, or lack of what was confirmed."""
    if twice := session.execute(LEASED_TWICE).scalar_one():
        yield f"{twice} tasks were leased twice to one expert"
    if unseen := session.execute(EXPIRED_UNSEEN).scalar_one():
        yield f"{unseen} tasks that nobody had opened ended as if somebody had"
    if wrong := session.execute(SLOTS_WRONG).scalar_one():
        yield f"{wrong} tasks have other slots than leases"
    kept = {row.assignment_id: row for row in session.exec(select(Annotation))}
    for lease, (expert_id, result) in book.handed_in.items():
        row = kept.pop(lease, None)
        if row is None:
            yield f"lease {lease}: the answer is lost"
        elif (row.expert_id, row.result) != (expert_id, result):
            yield f"lease {lease}: {row.expert_id} {row.result} is kept, not {expert_id} {result}"
    if kept:
        yield f"{len(kept)} answers are kept that nobody has handed in"
    ended = select(Assignment.id).where(col(Assignment.state).in_((State.EXPIRED, State.RETURNED)))
    for lease in session.exec(ended):
        draft = session.get(Draft, lease)
        if lease in book.drafts and (draft is None or draft.result != book.drafts[lease]):
            yield f"lease {lease}: the draft is lost"
    yield from ledger_audit.problems(session)


def _shares(session: Session) -> list[int]:
    """Return how many answers each expert has handed in."""
    found = Counter(session.exec(select(Annotation.expert_id)))
    return sorted([*found.values(), *[0] * (EXPERTS - len(found))])


def _least(shares: list[int]) -> float:
    """Return half of the mean: some are four times as slow as others."""
    return sum(shares) / len(shares) / 2


def _behind(shares: list[int]) -> int:
    """Count who has less than that: all is done in a minute, and some are cut off for long."""
    return sum(one < _least(shares) for one in shares)


def _most(shares: list[int]) -> float:
    """Return one and a half times the mean: the rule OF-1 lets others come first in the end."""
    return sum(shares) / len(shares) * 1.5 + 1


def _uneven(shares: list[int]) -> Iterator[str]:
    if _behind(shares) * 20 > len(shares) or shares[-1] > _most(shares):
        yield f"shares are not even: {_behind(shares)} are far behind, the first has {shares[-1]}"
