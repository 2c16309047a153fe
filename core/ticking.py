"""The clock: APScheduler ticks, and each tick only defers a sweep.

Any number of clocks may run: of the sweeps that wait, the database keeps one of a kind.
"""

import logging
from collections.abc import Mapping

from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from core import health, jobs
from core.clock import now
from core.db import transaction

log = logging.getLogger(__name__)


def run(app: Flask, schedule: Mapping[str, int]) -> None:
    """Tick for ever; `schedule` says after how many seconds each sweep is due again."""
    scheduler = BlockingScheduler(timezone="UTC")
    for name, seconds in schedule.items():
        scheduler.add_job(
            tick,
            "interval",
            (app, name),
            seconds=seconds,
            next_run_time=now(),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    scheduler.start()


def tick(app: Flask, name: str) -> None:
    """Defer one sweep, unless one of its kind waits already."""
    try:
        with app.app_context(), transaction() as session:
            health.beat(session, "clock", at=now())
            task: jobs.Task = app.extensions["doyen.tasks"][name]
            jobs.defer(session, name, queue=task.queue, queueing_lock=name, lock=task.lock)
    except Exception:
        # The database may be away for a while; the next tick tries again.
        log.exception("the tick of %s failed", name)
