"""Due process as a whole: who may, no refusal without reasons, appeals, copies, erasure, figures.

Every part prints a line of what it counted, and all gaps; the last line says whether all held.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlmodel import Session, select

from annotation.models import Assignment, State
from app import create_app
from core.db import Database
from payouts import ledger
from payouts.models import Payout, PayoutState
from proofs import access, impact_example, own_data, unreasoned
from tests import browser, clients, database
from tests.conftest import Live, make_settings
from tests.journeys import appeal
from tests.journeys.instance import running
from tests.label_studio_server import own_server


@dataclass
class Part:
    """What one part of the proof came to."""

    said: str
    gaps: list[str] = field(default_factory=list)


def prove() -> bool:
    """Run all parts on a server of their own; print what each came to."""
    parts: dict[str, Callable[[str], Part]] = {
        "access": _access,
        "reasons": _reasons,
        "appeal": _appeal,
        "own data": _own_data,
        "fair hiring": _fair_hiring,
    }
    url = database.server(database.FOLDER)
    database.migrated_template(url, database.FOLDER)
    found = {name: _told(name, prove_part, url) for name, prove_part in parts.items()}
    failed = [name for name, part in found.items() if part.gaps]
    if failed:
        print(f"trust: failed: {', '.join(failed)}")
        return False
    print(f"trust: held ({'; '.join(part.said for part in found.values())})")
    return True


def _told(name: str, prove_part: Callable[[str], Part], url: str) -> Part:
    begun = time.monotonic()
    part = prove_part(url)
    print(f"  {name}: {part.said} ({time.monotonic() - begun:.0f} s)", flush=True)
    for gap in part.gaps:
        print(f"    gap: {gap}", flush=True)
    return part


def _access(url: str) -> Part:
    with _app(url) as live:
        counts = access.matrix(live.app)
    return Part(str(counts), counts.gaps)


def _reasons(url: str) -> Part:
    with _app(url) as live, live.app.app_context(), Session(live.engine) as session:
        found = unreasoned.attempts(session)
        session.rollback()
    return Part(str(found), found.gaps)


def _appeal(url: str) -> Part:
    """Tell the story of an appeal in a browser, with a real Label Studio and the sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        label_studio = own_server(Path(folder) / "label-studio")
        try:
            with running(url, Path(folder), label_studio) as instance:
                for chromium in browser.launch():
                    appeal.tell(instance, chromium)
                with instance.live.transaction() as session:
                    return _paid(session)
        finally:
            label_studio.kill()


def _paid(session: Session) -> Part:
    [lease] = session.exec(select(Assignment)).all()
    [payout] = session.exec(select(Payout)).all()
    gaps = ledger.problems(session)
    if lease.state is not State.ACCEPTED:
        gaps.append(f"the contested work is {lease.state}")
    if payout.state not in (PayoutState.SENT, PayoutState.PAID) or payout.amount != lease.pay:
        gaps.append(f"the payout is {payout.state}: {payout.amount}, not {lease.pay}")
    said = f"refused work contested in a browser, answered by another, {_euros(lease)} paid"
    return Part(said, gaps)


def _euros(lease: Assignment) -> str:
    return f"{lease.pay.decimal} {lease.pay.currency.upper()}"


def _own_data(url: str) -> Part:
    with _app(url) as live:
        found = own_data.prove_in(live)
    for line in found.kept:
        print(f"    kept: {line}")
    return Part(str(found), found.gaps)


def _fair_hiring(_url: str) -> Part:
    compared, wrong = impact_example.differences()
    return Part(f"{compared} numbers of the impact-ratio tables equal those worked by hand", wrong)


@contextmanager
def _app(url: str) -> Iterator[Live]:
    """Run an app on a database of its own, where commits are commits."""
    with (
        tempfile.TemporaryDirectory() as folder,
        database.copy(url) as mine,
        database.engine_for(mine, pool_size=20) as engine,
    ):
        app: Flask = create_app(make_settings(Path(folder)), Database(engine))
        app.config["TESTING"] = True
        clients.use_in(app)
        yield Live(app, mine, engine)
