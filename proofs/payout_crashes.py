"""A payout whose process dies at each boundary, and whose database is lost at each commit.

After each death the sweeps find the payout and finish it: one transfer, sound books.
"""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import stripe
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.clock import now
from core.money import Money
from payouts import ledger_audit, reconciliation, requests, sending
from payouts.models import Payout, PayoutState, ReconciliationState
from tests.conftest import Live
from tests.factories.payouts import make_earning
from tests.payouts.conftest import Desk, a_desk, new_key

EACH = 700
# What a look meets: the rail has done it, or was never asked.
LOST = ("lose_answer", "lose_request")
LATER = timedelta(minutes=10)


@dataclass
class Counts:
    """How often a process died, where, and what was wrong after it."""

    kills: int = 0
    kills_in_looks: int = 0
    lost_commits: int = 0
    transfers: int = 0
    gaps: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in sending, {self.kills_in_looks} in looking up,"
            f" {self.lost_commits} lost commits, {self.transfers} payouts: one transfer each"
        )


class Story:
    """One expert with one payout after another, each of which meets its death."""

    def __init__(self, live: Live, desk: Desk, counts: Counts) -> None:
        self.live, self.desk, self.counts = live, desk, counts
        with live.transaction() as session:
            self.expert_id = desk.expert(session).id
            self.budget = desk.budget(session, amount=900_000)

    def payout(self) -> int:
        """Make a payout that is ready, of money that was earned."""
        with self.live.transaction() as session:
            make_earning(session, self.budget, self.expert_id, pay=EACH)
            money = Money(EACH, "eur")
            made = requests.on_demand(session, self.expert_id, money, key=new_key(), at=now())
            self.counts.transfers += 1
            return made.id or 0

    def sweep(self, payout_id: int, what: str) -> None:
        """Let the sweeps find it, as often as they need, and see that it was sent once."""
        for _ in range(4):
            self.desk.ahead += LATER  # our clock; the sandbox's keys are as old as they are
            with self.live.app.app_context():
                with self.live.transaction() as session:
                    lost, due = sending.lost(session, now()), sending.due(session, now())
                for found in lost:
                    sending.look_up(found, self.desk.rail)
                for found in due:
                    sending.send(found, self.desk.rail)
        with self.live.transaction() as session:
            payout = session.get_one(Payout, payout_id)
            sent = [
                transfer.id
                for transfer in self.desk.transfers()
                if transfer.metadata["reference"].startswith(f"payout-{payout_id}-")
            ]
            if payout.state is not PayoutState.SENT or sent != [payout.stripe_transfer_id]:
                self.counts.gaps.append(f"{what}: {payout.state}, transfers {sent}")
            self.counts.gaps += [f"{what}: {one}" for one in ledger_audit.problems(session)]


def prove_in(live: Live, folder: Path, *, every: int = 1, looks: tuple[str, ...] = LOST) -> Counts:
    """Let a payout die at every boundary, or at every so many."""
    counts = Counts()
    with a_desk(live.app, folder, instant_settlement=True) as desk:
        desk.rail.client = desk.bench.client(stripe.RequestsClient(timeout=10), retries=0)
        story = Story(live, desk, counts)
        with victims(live.url, desk.bench.url) as kill:
            counts.kills = _kills(story, kill, "send", every)
            for fault in looks:
                counts.kills_in_looks += _kills(story, kill, fault, every)
        for act in ("send", *looks):
            for way in (terminated, unheard):
                counts.lost_commits += _lose_commits(story, act, way)
        with live.app.app_context():
            compared = [row.state for row in reconciliation.run(desk.rail)]
        if compared != [ReconciliationState.EQUAL]:
            counts.gaps.append(f"ledger and sandbox: {compared}")
        with live.transaction() as session:
            made = len(session.exec(select(Payout)).all())
        if len(desk.transfers()) != made or made != counts.transfers:
            counts.gaps.append(f"{len(desk.transfers())} transfers for {made} payouts")
    return counts


def _kills(story: Story, kill: Callable[[str, int, int], str], act: str, every: int) -> int:
    for killed in itertools.count():
        boundary = 1 + killed * every
        payout_id = story.payout()
        if act in LOST:
            _lose_the_answer(story, payout_id, act)
        said = kill("look" if act in LOST else act, payout_id, boundary)
        story.sweep(payout_id, f"{act} killed at boundary {boundary}")
        if said != "killed":
            return killed
    raise AssertionError


def _lose_the_answer(story: Story, payout_id: int, fault: str) -> None:
    """Let the rail have done it, or not, and nobody know; its look is due."""
    story.desk.fault(fault)
    with story.live.app.app_context():
        sending.send(payout_id, story.desk.rail)
    with story.live.transaction() as session:
        session.get_one(Payout, payout_id).try_at = None


def terminated(engine: Engine, connection: Any, commit: Callable[[Any], None]) -> None:
    """End the server's side of a connection just before it commits: nothing was written."""
    pid = connection.info.backend_pid
    with psycopg.connect(
        engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        autocommit=True,
    ) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [pid])
    commit(connection)


def unheard(engine: Engine, connection: Any, commit: Callable[[Any], None]) -> None:
    """Commit, and end the connection before anybody has heard of it: all was written."""
    commit(connection)
    connection.close()
    raise psycopg.OperationalError("the connection was lost at commit")


def _lose_commits(story: Story, act: str, way: Callable[..., None]) -> int:
    """Lose each commit of an act in turn."""
    for number in itertools.count(1):
        payout_id = story.payout()
        if act in LOST:
            _lose_the_answer(story, payout_id, act)
        do = sending.send if act == "send" else sending.look_up
        with (
            losing(story.live.engine, number, way) as lost,
            story.live.app.app_context(),
            suppress(DBAPIError),  # the job fails; the sweeps find what was left
        ):
            do(payout_id, story.desk.rail)
        story.sweep(payout_id, f"{act}: commit {number} {way.__name__}")
        if not lost:
            return number - 1
    raise AssertionError


@contextmanager
def losing(engine: Engine, number: int, way: Callable[..., None]) -> Iterator[list[int]]:
    """Lose the commit of a number; yield a list that is filled when it was lost."""
    lost: list[int] = []
    seen = itertools.count(1)
    commit = engine.dialect.do_commit

    def losing(connection: Any) -> None:
        if next(seen) != number:
            return commit(connection)
        lost.append(number)
        return way(engine, getattr(connection, "driver_connection", connection), commit)

    engine.dialect.do_commit = losing  # type: ignore[method-assign]
    try:
        yield lost
    finally:
        engine.dialect.do_commit = commit  # type: ignore[method-assign]


@contextmanager
def victims(database_url: str, stripe_url: str) -> Iterator[Callable[[str, int, int], str]]:
    """Start the process that starts those who die."""
    command = [sys.executable, "-W", "ignore", "-m", "proofs.payout_killed"]
    with subprocess.Popen(
        [*command, database_url, stripe_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        say, hear = process.stdin, process.stdout

        def kill(act: str, payout_id: int, boundary: int) -> str:
            say.write(f"{act} {payout_id} {boundary}\n")
            say.flush()
            said = hear.readline().strip()
            assert said, "the process that starts those who die has died itself"
            return said.split()[0]

        yield kill
        say.close()
