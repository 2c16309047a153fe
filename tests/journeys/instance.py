"""A whole instance for a story: pages, jobs, sweeps, Label Studio and the Stripe sandbox."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from annotation.labelling import labelling_backend
from app import SCHEDULE, create_app
from core import ticking
from core.db import Database
from demo.processes import free_port
from payouts.sandbox import server as sandbox_server
from payouts.sandbox.settings import Settings as SandboxSettings
from tests import clients, database
from tests.browser import served
from tests.conftest import Live, make_settings
from tests.label_studio_server import Server


@dataclass
class Instance:
    """An instance that works by itself while a story is told."""

    live: Live
    home: str
    sandbox: str
    label_studio: Server
    faults: list[str] = field(default_factory=list)

    def work(self, stopped: threading.Event) -> None:
        """Be the worker and the clock."""
        ticked = 0.0
        while not stopped.is_set():
            try:
                if time.monotonic() - ticked > 2:
                    # From Friday to Sunday the weekly payout would come before the person asks.
                    for name in SCHEDULE.keys() - {"payouts.make_weekly_payouts"}:
                        ticking.tick(self.live.app, name)
                    ticked = time.monotonic()
                self.live.run_jobs()
            except Exception as problem:  # noqa: BLE001 - the story's end shows every fault
                self.faults.append(repr(problem))
            stopped.wait(0.2)


@contextmanager
def running(postgres: str, folder: Path, label_studio: Server) -> Iterator[Instance]:
    """Run an instance with everything that it needs."""
    wish = SandboxSettings(data=folder / "sandbox", instant_settlement=True)
    with (
        sandbox_server.running(wish) as sandbox,
        database.copy(postgres) as url,
        database.engine_for(url, pool_size=20) as engine,
    ):
        port = free_port(18_000)
        changes: dict[str, Any] = {
            "public_url": f"http://localhost:{port}",
            "label_studio_url": label_studio.url,
            "label_studio_token": SecretStr(label_studio.token),
            "stripe_api_base": sandbox.url,
            "stripe_api_key": SecretStr("sk_test_0123456789"),
            "letters_page_open": True,
        }
        app = create_app(make_settings(folder, **changes), Database(engine))
        app.config["TESTING"] = True
        clients.use_in(app)
        labelling = labelling_backend(app.extensions["doyen.settings"])
        app.extensions["doyen.ports"] = replace(app.extensions["doyen.ports"], labelling=labelling)
        stopped = threading.Event()
        with served(app, port) as home:
            told = Instance(Live(app, url, engine), home, sandbox.url, label_studio)
            worker = threading.Thread(target=told.work, args=(stopped,))
            worker.start()
            try:
                yield told
            finally:
                stopped.set()
                worker.join()
        assert told.faults == []
