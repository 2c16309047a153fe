"""Payouts as a whole: a machine of acts, crashes, double clicks, a thousand experts and faults.

Every part prints what it counted and all gaps; the last line says whether all held.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app import create_app
from core.db import Database
from proofs import money_forms, news_killed, payout_crashes, payouts_at_scale
from proofs.trust import Part
from tests import clients, database
from tests.conftest import Live, make_settings
from tests.payouts import machine
from tests.payouts.conftest import a_desk

STEPS = 10_000
# A machine's runs share a database, and each step reads all of it: so it is a small one.
RUNS, LENGTH = 20, 50
EXPERTS, EARNINGS = 1_000, 10_000


def prove() -> bool:
    """Run all parts on a server of their own; print what each came to."""
    parts: dict[str, Callable[[str], Part]] = {
        "machine": _machine,
        "crashes": _crashes,
        "news": _news,
        "double clicks": _double_clicks,
        "lost commits": _lost_commits,
        "scale": _scale,
    }
    url = database.server(database.FOLDER)
    database.migrated_template(url, database.FOLDER)
    found = {name: _told(name, prove_part, url) for name, prove_part in parts.items()}
    failed = [name for name, part in found.items() if part.gaps]
    if failed:
        print(f"payouts: failed: {', '.join(failed)}")
        return False
    print(f"payouts: held ({'; '.join(part.said for part in found.values())})")
    return True


def _told(name: str, prove_part: Callable[[str], Part], url: str) -> Part:
    begun = time.monotonic()
    part = prove_part(url)
    print(f"  {name}: {part.said} ({time.monotonic() - begun:.0f} s)", flush=True)
    for gap in part.gaps:
        print(f"    gap: {gap}", flush=True)
    return part


def _machine(url: str) -> Part:
    done: Counter[str] = Counter()
    while done["steps"] < STEPS:
        with _app(url) as live:
            try:
                done += machine.run(live, runs=RUNS, steps=LENGTH)
            except AssertionError as broken:
                return Part(f"{done['steps']} steps", [str(broken), *broken.__notes__])
        print(f"    {done['steps']} steps", flush=True)
    acts = sorted((act, count) for act, count in done.items() if act not in ("steps", "checks"))
    print("    " + ", ".join(f"{act} {count}" for act, count in acts))
    return Part(f"{done['steps']} steps, {done['checks']} times every promise checked")


def _crashes(url: str) -> Part:
    with _app(url) as live, tempfile.TemporaryDirectory() as folder:
        counts = payout_crashes.prove_in(live, Path(folder))
    return Part(str(counts), counts.gaps)


def _news(url: str) -> Part:
    with _app(url) as live, tempfile.TemporaryDirectory() as folder:
        counts = news_killed.prove_in(live, Path(folder), every=6)
    return Part(str(counts), counts.gaps)


def _double_clicks(url: str) -> Part:
    with (
        _app(url) as live,
        tempfile.TemporaryDirectory() as folder,
        a_desk(live.app, Path(folder), instant_settlement=True) as desk,
    ):
        counts = money_forms.walk(live, desk, Path(folder), rounds=2)
    return Part(str(counts), counts.gaps)


def _lost_commits(url: str) -> Part:
    with (
        _app(url) as live,
        tempfile.TemporaryDirectory() as folder,
        a_desk(live.app, Path(folder), instant_settlement=True) as desk,
    ):
        forms = money_forms.FORMS.keys() - money_forms.QUIET
        lost = money_forms.lose_commits(live, desk, Path(folder), forms)
    return Part(str(lost), lost.gaps)


def _scale(url: str) -> Part:
    with _app(url) as live, tempfile.TemporaryDirectory() as folder:
        counts = payouts_at_scale.prove_in(live, Path(folder), experts=EXPERTS, earnings=EARNINGS)
    return Part(str(counts), counts.gaps)


@contextmanager
def _app(url: str) -> Iterator[Live]:
    """Run an app on a database of its own, where commits are commits."""
    with (
        tempfile.TemporaryDirectory() as folder,
        database.copy(url) as mine,
        database.engine_for(mine, pool_size=20) as engine,
    ):
        app = create_app(make_settings(Path(folder)), Database(engine))
        app.config["TESTING"] = True
        clients.use_in(app)
        yield Live(app, mine, engine)
