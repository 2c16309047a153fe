"""Many experts and their earnings, paid through the real SDK while everything goes wrong.

The rail is our sandbox: requests are refused, lost, answered late or never, asked twice at once,
and a day passes over questions without an answer, so that their keys die. Its webhooks come twice,
in the wrong order, or never. In the end both sides are equal to the cent.
"""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import stripe
from sqlmodel import col, func, select
from werkzeug.serving import WSGIRequestHandler, make_server

from core.clock import now
from core.money import Money
from payouts import (
    budgets,
    ledger,
    ledger_audit,
    news,
    payees,
    policy,
    reconciliation,
    requests,
    sending,
)
from payouts import earnings as earned
from payouts.models import (
    OPEN_STATES,
    AccountKind,
    Payee,
    Payout,
    RailEvent,
    RailEventState,
    ReconciliationState,
)
from payouts.sandbox.settings import Webhook
from tests.conftest import Live
from tests.factories.accounts import make_organisation, make_user
from tests.factories.payouts import make_budget
from tests.payouts.conftest import Desk, a_desk

SEED = 20261126
HANDS = 4
PROJECTS = 10
AT_ONCE = 50  # earnings in a transaction
KINDS = ("429", "500", "500_after", "lose_request", "lose_answer", "slow")
TOLD = ["checkout.session.completed", "transfer.created", "charge.succeeded", "balance.available"]


@dataclass
class Counts:
    """What was paid and what went wrong on the way."""

    experts: int = 0
    earnings: int = 0
    paid: Money = field(default_factory=lambda: Money(0, "eur"))
    transfers: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    webhooks: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    gaps: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.experts} experts and {self.earnings} earnings, {self.paid.decimal} EUR in"
            f" {self.transfers} transfers over {self.faults.total()} faults"
            f" ({_said(self.faults)}), webhooks {_said(self.webhooks)}, {self.attempts} attempts"
        )


class Trouble:
    """Sets faults before requests, by chance that a seed decides."""

    def __init__(self, desk: Desk, counts: Counts) -> None:
        self.desk, self.counts = desk, counts
        self.chance = random.Random(SEED)  # noqa: S311 - not a secret
        self.lock = threading.Lock()
        self.web = httpx.Client(timeout=30)

    def maybe(self, method: str, share: float) -> None:
        """Let one of the next requests for transfers meet a fault."""
        with self.lock:
            if self.chance.random() > share:
                return
            kind = self.chance.choice(KINDS)
            self.counts.faults[kind] += 1
        body = {"kind": kind, "path": "/v1/transfers", "method": method, "seconds": 0.05}
        self.web.post(f"{self.desk.bench.url}/_sandbox/faults", json=body).raise_for_status()


def prove_in(live: Live, folder: Path, *, experts: int, earnings: int) -> Counts:
    """Pay so many experts so many earnings, and compare both sides."""
    counts = Counts(experts=experts, earnings=earnings)
    with _hearing(live, counts) as address:
        hooks = {
            "platform_webhooks": (Webhook(f"{address}/webhooks/stripe", "whsec_platform"),),
            "connect_webhooks": (Webhook(f"{address}/webhooks/stripe-connect", "whsec_connect"),),
        }
        with a_desk(live.app, folder, instant_settlement=True, **hooks) as desk:
            desk.rail.client = desk.bench.client(stripe.RequestsClient(timeout=10), retries=0)
            _listen_to(desk)
            _wait_for_payday(desk)
            with _told("experts"):
                people = _experts(live, desk, experts)
            with _told("earnings"):
                owed = _earn(live, desk, people, earnings)
            trouble = Trouble(desk, counts)
            with _told("payouts"):
                _pay(live, desk, people, trouble)
            trouble.web.close()
            with _told("webhooks"):
                _hear_out(live, desk)
            _compare(live, desk, owed, counts)
    return counts


def _listen_to(desk: Desk) -> None:
    """Subscribe to what is worth hearing, and let it come twice and in the wrong order."""
    names: Any = {"enabled_events": TOLD}
    for endpoint in ("we_platform_1", "we_connect_1"):
        desk.bench.v1.webhook_endpoints.update(endpoint, names)
    desk.bench.control("/webhooks/switch", duplicate=True, reorder=True)


def _wait_for_payday(desk: Desk) -> None:
    with desk.app.app_context():
        if not policy.is_payday(now()):
            desk.pass_time(policy.next_payday(now()) - now() + timedelta(minutes=1))


def _experts(live: Live, desk: Desk, count: int) -> list[int]:
    """Make experts with accounts at the sandbox, through the same calls as their pages."""
    with live.transaction() as session:
        people = [make_user(session, "expert").id or 0 for _ in range(count)]

    def open_account(expert_id: int) -> None:
        payees.onboarding_url(
            expert_id, desk.rail, country="FR", refresh_url="http://a/r", return_url="http://a/d"
        )
        with live.transaction() as session:
            account_id = payees.known(session, expert_id).stripe_account_id
        desk.bench.control(f"/accounts/{account_id}/onboard")
        payees.reread(expert_id, desk.rail)

    _in_hands(live, open_account, people)
    return people


def _earn(live: Live, desk: Desk, people: list[int], count: int) -> dict[int, int]:
    """Fund projects by checkout and let everybody earn; return what each has earned."""
    chance = random.Random(SEED)  # noqa: S311 - not a secret
    with live.transaction() as session:
        organisation_id = make_organisation(session).id
        rows = [make_budget(session, organisation_id=organisation_id) for _ in range(PROJECTS)]
    each = -(-count // PROJECTS) * 1500
    for row in rows:
        for part in range(0, each, 90_000_000):
            with live.transaction() as session:
                desk.deposit(session, row, min(90_000_000, each - part))
    owed: dict[int, int] = defaultdict(int)
    plan = []
    for number in range(count):
        expert_id = people[number % len(people)]
        pay = 500 + chance.randrange(300) if number < len(people) else 1 + chance.randrange(900)
        owed[expert_id] += pay
        plan.append((number + 1, rows[number % PROJECTS].project_id, expert_id, pay))

    def book(project_id: int) -> None:
        # By expert, so that two hands at two projects never wait for each other in a circle.
        mine = sorted((one for one in plan if one[1] == project_id), key=lambda one: one[2])
        for first in range(0, len(mine), AT_ONCE):
            with live.transaction() as session:
                for number, _, expert_id, pay in mine[first : first + AT_ONCE]:
                    money, at = Money(pay, "eur"), now()
                    fee = money.share_bps(1500)
                    budgets.reserve(session, project_id, number, money, fee, at)
                    earned.earn(session, project_id, number, expert_id, at)

    _in_hands(live, book, [row.project_id for row in rows])
    return dict(owed)


def _pay(live: Live, desk: Desk, people: list[int], trouble: Trouble) -> None:
    """Make the weekly payouts and send them, each by two hands, until none is open."""
    for expert_id in people:
        with live.transaction() as session:
            requests.weekly(session, expert_id, "eur", at=now())

    def send(payout_id: int) -> None:
        trouble.maybe("POST", 0.3)
        sending.send(payout_id, desk.rail)

    def look(payout_id: int) -> None:
        trouble.maybe("GET", 0.15)
        trouble.maybe("POST", 0.15)
        sending.look_up(payout_id, desk.rail)

    for round_ in range(30):
        with live.transaction() as session:
            due, lost = sending.due(session, now(), 5000), sending.lost(session, now(), 5000)
            is_open = col(Payout.state).in_(OPEN_STATES)
            still = session.exec(select(func.count()).select_from(Payout).where(is_open)).one()
        if not still:
            return
        print(f"      round {round_}: {still} open, {len(due)} due, {len(lost)} lost", flush=True)
        _in_hands(live, send, [one for one in due for _ in range(2)])
        _in_hands(live, look, [one for one in lost for _ in range(2)])
        if round_ == 1:
            desk.pass_time(timedelta(hours=25))  # every key that has no answer yet is dead now
        else:
            desk.ahead += timedelta(minutes=30)
        if round_ == 12:
            desk.bench.control("/faults/clear")


def _hear_out(live: Live, desk: Desk) -> None:
    """Take up all news, the undelivered as well, until none waits."""
    desk.bench.control("/webhooks/deliver")
    with live.app.app_context():
        news.collect(desk.rail)
    waits = RailEvent.state == RailEventState.WAITING
    with live.transaction() as session:
        waiting = list(session.exec(select(RailEvent.id).where(waits)))
    _in_hands(live, lambda event_id: news.look_into(event_id, desk.rail), waiting)


def _compare(live: Live, desk: Desk, owed: dict[int, int], counts: Counts) -> None:
    """Say every difference between what was earned, what the ledger has and what was sent."""
    with live.app.app_context():
        compared = {row.currency: row.state for row in reconciliation.run(desk.rail)}
    if compared != {"eur": ReconciliationState.EQUAL}:
        counts.gaps.append(f"ledger and sandbox: {compared}")
    sent: dict[str, list[int]] = defaultdict(list)
    for transfer in desk.transfers():
        sent[str(transfer.destination)].append(transfer.amount)
        counts.transfers += 1
    with live.transaction() as session:
        accounts = {
            row.expert_id: row.stripe_account_id or "" for row in session.exec(select(Payee))
        }
        counts.gaps += [
            f"expert {expert_id} earned {minor} and was sent {sent[accounts[expert_id]]}"
            for expert_id, minor in owed.items()
            if sent[accounts[expert_id]] != [minor]
        ]
        still = ledger.totals(session)["eur"]
        for kind in (AccountKind.EXPERT_OWED, AccountKind.EXPERT_IN_FLIGHT):
            if still[kind]:
                counts.gaps.append(f"{kind}: {still[kind].minor} left")
        counts.gaps += ledger_audit.problems(session)
        counts.attempts = int(session.exec(select(func.sum(Payout.attempt))).one() or 0)
        counts.webhooks["stored"] = session.exec(select(func.count()).select_from(RailEvent)).one()
    counts.paid = Money(sum(sum(amounts) for amounts in sent.values()), "eur")


def _in_hands(live: Live, act: Callable[[Any], Any], things: Iterable[Any]) -> None:
    """Do something to each thing, several at a time."""

    def do(thing: Any) -> None:
        with live.app.app_context():
            act(thing)

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(do, things))


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def _hearing(live: Live, counts: Counts) -> Iterator[str]:
    """Serve our app for webhooks, on a bad line: some never arrive, some only the second time."""
    chance = random.Random(SEED)  # noqa: S311 - not a secret
    lock = threading.Lock()

    def line(environ: Any, start: Any) -> Iterable[bytes]:
        with lock:
            dice = chance.random()
            came = "dropped" if dice < 0.2 else "refused first" if dice < 0.3 else "taken"
            counts.webhooks[came] += 1
        if came == "taken":
            return live.app(environ, start)
        # Dropped: the sender thinks that it arrived, so that it never comes again.
        start("200 OK" if came == "dropped" else "503 Service Unavailable", [])
        return [b""]

    server = make_server("127.0.0.1", 0, line, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _told(what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    print(f"    {what} ({time.monotonic() - begun:.0f} s)", flush=True)


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
