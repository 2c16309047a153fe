"""The ledger's speed: moves a second against bare inserts, and claims of many at once.

The reference inserts the very rows that the ledger has written, in the same groups, one statement
and one commit a group, through the same session, driver and server, into a table with the same
columns and nothing else: no key, index, constraint, trigger, balance or lock.
"""

import statistics
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from annotation import assignment
from annotation.models import Assignment, Task
from app import create_app
from core.clock import now
from core.db import Database
from core.money import Money
from payouts import budgets, ledger
from projects.models import Project
from tests import database
from tests.conftest import Live, make_settings
from tests.factories.annotation import make_desk

BAR = 0.5
PROJECTS = 20
ROUNDS = 5
# Moves in one transaction, and transactions in one round. What counts is the first: pay and fee,
# the group that a claim, an acceptance and a return post.
SHAPES = ((2, 400), (1, 400), (20, 60))
CLAIMERS = 50
EXPERTS = 400
FUNDED = 385  # the last claims find the budget empty

COLUMNS = (
    "id, reference, event, debit_account_id, credit_account_id, currency, amount, happened_at,"
    " recorded_at, narration, cause"
)
BARE = text(f"""
    insert into bare_move ({COLUMNS}) select * from unnest(
        cast(:id as bigint[]), cast(:reference as text[]), cast(:event as text[]),
        cast(:debit_account_id as int[]), cast(:credit_account_id as int[]),
        cast(:currency as text[]), cast(:amount as bigint[]),
        cast(:happened_at as timestamptz[]), cast(:recorded_at as timestamptz[]),
        cast(:narration as text[]), cast(:cause as text[])
    )
""")  # noqa: S608 - our own constant

Group = dict[str, list[Any]]


@dataclass(frozen=True)
class Claims:
    """What came of many claims at once."""

    seconds: float
    waits: list[float]
    refused: int
    wrong: list[str]


def run() -> bool:
    """Measure both, print a table, and last whether the bar was reached."""
    url = database.server(database.FOLDER)
    database.migrated_template(url, database.FOLDER)
    ratios = _against_bare(url)
    claims = _claims(url)
    held = not claims.wrong
    print(f"\n{CLAIMERS} claimers at once, one project, each claim with its reserve")
    waits = sorted(claims.waits)
    print(f"  {'pairs/s':>10} {'half-time ms':>13} {'p99 ms':>8} {'claimed':>8} {'refused':>8}")
    print(
        f"  {len(waits) / claims.seconds:10.0f} {statistics.median(waits) * 1000:13.1f}"
        f" {waits[int(len(waits) * 0.99)] * 1000:8.1f} {len(waits):8} {claims.refused:8}"
    )
    print(f"  {'no double lease, budget and reserve exact' if held else 'WRONG'}")
    for wrong in claims.wrong:
        print(f"    {wrong}")
    ratio = ratios[SHAPES[0][0]]
    print(f"ledger: {ratio:.2f} (bar {BAR})")
    return held and ratio >= BAR


def _against_bare(url: str) -> dict[int, float]:
    print("Moves a second: payouts.ledger.post against bare inserts of the same rows")
    print(f"  {'moves a commit':>14} {'ledger':>9} {'bare':>9} {'ratio':>6}   of each round")
    with database.copy(url) as mine, database.engine_for(mine) as engine:
        with engine.begin() as connection:
            connection.execute(text("create table bare_move (like ledger_move)"))
        _fund(engine)
        found = {size: _shape(engine, size, count) for size, count in SHAPES}
        with Session(engine) as session:
            problems = ledger.problems(session)
        assert not problems, problems
    return found


def _shape(engine: Engine, size: int, count: int) -> float:
    """Return the middle of the rounds' ratios; each round alternates who goes first."""
    groups = _post(engine, f"warm-up:{size}", size, count)[1]
    _insert(engine, groups)
    ours, bare, ratios = [], [], []
    for number in range(ROUNDS):
        first_bare = number % 2
        if first_bare:
            bare.append(_insert(engine, groups))
        seconds, groups = _post(engine, f"round:{size}:{number}", size, count)
        ours.append(seconds)
        if not first_bare:
            bare.append(_insert(engine, groups))
        ratios.append(bare[-1] / ours[-1])
    moves = size * count
    ratio = statistics.median(ratios)
    print(
        f"  {size:14} {moves / statistics.median(ours):9.0f} {moves / statistics.median(bare):9.0f}"
        f" {ratio:6.2f}   {' '.join(f'{one:.2f}' for one in ratios)}"
    )
    return ratio


def _post(engine: Engine, name: str, size: int, count: int) -> tuple[float, list[Group]]:
    """Post events as reserves are posted; return the seconds it took, and the rows by event."""
    begun = time.perf_counter()
    for number in range(count):
        project = 1 + number % PROJECTS
        source, target = ledger.budget(project, "eur"), ledger.reserve(project, "eur")
        entries = [
            ledger.Entry(f"part-{part}", source, target, Money(400 + part, "eur"))
            for part in range(size)
        ]
        with Session(engine) as session:
            ledger.post(
                session,
                f"{name}:{number}",
                entries,
                at=now(),
                narration="pay and fee reserved",
                cause=f"assignment:{number}",
            )
            session.commit()
    seconds = time.perf_counter() - begun
    return seconds, _rows(engine, name)


def _rows(engine: Engine, name: str) -> list[Group]:
    question = text(f"select {COLUMNS} from ledger_move where event like :name order by id")  # noqa: S608
    groups: dict[str, Group] = defaultdict(lambda: defaultdict(list))
    with engine.connect() as connection:
        for row in connection.execute(question, {"name": f"{name}:%"}).mappings():
            for column, value in row.items():
                groups[row["event"]][column].append(value)
    return [dict(group) for group in groups.values()]


def _insert(engine: Engine, groups: list[Group]) -> float:
    begun = time.perf_counter()
    for group in groups:
        with Session(engine) as session:
            session.execute(BARE, group)
            session.commit()
    return time.perf_counter() - begun


def _fund(engine: Engine) -> None:
    with Session(engine) as session:
        for project in range(1, PROJECTS + 1):
            whole = Money(10**12, "eur")
            entry = ledger.Entry("a", ledger.clearing("eur"), ledger.budget(project, "eur"), whole)
            ledger.post(
                session, f"fund:{project}", [entry], at=now(), narration="funds", cause="bench"
            )
        session.commit()


def _claims(url: str) -> Claims:
    with _app(url) as live:
        with live.transaction() as session:
            desk = make_desk(session, experts=EXPERTS, tasks=EXPERTS // 2, funds=0)
            project = desk.project
            cost = _cost(project)
            _pay_in(session, project, FUNDED * cost)
            project_id, experts = desk.project_id, [expert.user_id for expert in desk.experts]
        claim = _claimer(live, project_id)
        gate = threading.Barrier(CLAIMERS)

        def work(mine: list[int]) -> list[float | None]:
            gate.wait()
            return [claim(expert) for expert in mine]

        begun = time.perf_counter()
        with ThreadPoolExecutor(CLAIMERS) as pool:
            took = list(pool.map(work, [experts[n::CLAIMERS] for n in range(CLAIMERS)]))
        seconds = time.perf_counter() - begun
        waits = [wait for mine in took for wait in mine if wait is not None]
        with live.transaction() as session:
            wrong = _audit(session, project_id, cost, len(waits))
    return Claims(seconds, waits, EXPERTS - len(waits), wrong)


def _claimer(live: Live, project_id: int) -> Callable[[int], float | None]:
    def claim(expert_id: int) -> float | None:
        begun = time.perf_counter()
        try:
            with live.transaction() as session:
                project = session.get_one(Project, project_id)
                assignment.claim(session, project, expert_id, at=now())
        except budgets.OutOfBudget:
            return None
        return time.perf_counter() - begun

    return claim


def _audit(session: Session, project_id: int, cost: int, claimed: int) -> list[str]:
    """Say what is wrong after the claims."""
    leases = session.exec(select(Assignment).where(Assignment.project_id == project_id)).all()
    pairs = Counter((lease.task_id, lease.expert_id) for lease in leases)
    taken = Counter(lease.task_id for lease in leases)
    left = ledger.balance(session, ledger.budget(project_id, "eur")).minor
    held = ledger.balance(session, ledger.reserve(project_id, "eur")).minor
    found = ledger.problems(session)
    if claimed != FUNDED or len(leases) != FUNDED:
        found.append(f"{claimed} claims and {len(leases)} leases, funded were {FUNDED}")
    if any(count > 1 for count in pairs.values()):
        found.append("a task was leased twice to one expert")
    found += [
        f"task {task.id}: {task.slots - task.slots_left} slots taken, {taken[task.id]} leases"
        for task in session.exec(select(Task).where(col(Task.project_id) == project_id))
        if task.slots - task.slots_left != taken[task.id]
    ]
    if (left, held) != (0, FUNDED * cost):
        found.append(f"budget {left}, reserve {held}, not 0 and {FUNDED * cost}")
    return found


def _cost(project: Project) -> int:
    return project.price.minor + project.price.share_bps(project.fee_bps).minor


def _pay_in(session: Session, project: Project, minor: int) -> None:
    project_id = project.id or 0
    entry = ledger.Entry(
        "a",
        ledger.clearing(project.currency),
        ledger.budget(project_id, project.currency),
        Money(minor, project.currency),
    )
    ledger.post(session, "bench:fund", [entry], at=now(), narration="funds", cause="bench")


@contextmanager
def _app(url: str) -> Iterator[Live]:
    with (
        tempfile.TemporaryDirectory() as folder,
        database.copy(url) as mine,
        database.engine_for(mine, pool_size=CLAIMERS) as engine,
    ):
        yield Live(create_app(make_settings(Path(folder)), Database(engine)), mine, engine)
