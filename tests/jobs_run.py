"""Runs what waits in the job queue, in a test's own transaction or database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import text

from core import jobs
from core.db import transaction

NEXT = text("""
    select id, task_name, args from procrastinate_jobs
    where status = 'todo' and coalesce(scheduled_at, :until) <= :until
    order by id limit 1 for update skip locked
""")
DONE = text("update procrastinate_jobs set status = 'succeeded' where id = :id")


def run_jobs(app: Flask, *, ahead: timedelta = timedelta(0), limit: int = 500) -> list[str]:
    """Run waiting jobs, and those that they defer, until none waits; return their names."""
    ran: list[str] = []
    until = datetime.now(UTC) + ahead
    while len(ran) < limit:
        with app.app_context(), transaction() as session:
            found: Any = session.execute(NEXT, {"until": until}).first()
            if found is None:
                return ran
            session.execute(DONE, {"id": found.id})
        jobs.run(app, found.task_name, **found.args)
        ran.append(found.task_name)
    raise AssertionError(f"jobs defer each other without end: {ran[-5:]}")
