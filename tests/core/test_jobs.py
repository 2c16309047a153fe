"""Jobs are rows of the caller's transaction; a real worker runs them."""

import asyncio
import time
from contextlib import suppress
from threading import Barrier, Thread
from typing import Any

from flask import Flask
from sqlalchemy import text
from sqlmodel import Session

from core import health, jobs, ticking
from core.clock import now
from core.jobs import Tasks
from core.models import Heartbeat
from tests.conftest import Live

WAITING = text("select count(*) from procrastinate_jobs where status = 'todo'")


def waiting(live: Live) -> int:
    with live.transaction() as session:
        return int(session.execute(WAITING).scalar_one())


def work(live: Live) -> None:
    """Let a real worker run what waits."""
    worker = jobs.worker_app(live.app, live.url)
    with worker.open():
        # In a thread of its own: a browser test before may have left this one an event loop.
        how = {"wait": False, "install_signal_handlers": False, "listen_notify": False}
        thread = Thread(target=worker.run_worker, kwargs=how)
        thread.start()
        thread.join()


def test_a_job_is_there_once_its_transaction_is(live: Live) -> None:
    with live.transaction() as session:
        jobs.defer(session, "core.beat")
        within = session.execute(WAITING).scalar_one()
        session.rollback()

    assert within == 1
    assert waiting(live) == 0


def test_of_a_kind_with_a_queueing_lock_one_waits(live: Live) -> None:
    with live.transaction() as session:
        for _ in range(3):
            jobs.defer(session, "core.beat", queueing_lock="beat")

    assert waiting(live) == 1


def test_many_clocks_that_tick_at_once_defer_one_sweep(live: Live) -> None:
    start = Barrier(8)

    def tick() -> None:
        start.wait()
        ticking.tick(live.app, "core.deliver_waiting_letters")

    threads = [Thread(target=tick) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert waiting(live) == 1
    with live.transaction() as session:
        assert session.get(Heartbeat, "clock") is not None


def test_a_real_worker_runs_what_waits(live: Live) -> None:
    with live.transaction() as session:
        jobs.defer(session, "core.beat")

    work(live)

    with live.transaction() as session:
        assert session.get(Heartbeat, "worker") is not None
    assert waiting(live) == 0


def test_a_failed_job_makes_way_for_the_next_of_its_kind(live: Live) -> None:
    tasks = Tasks("stories")
    told = []

    def tell_later() -> None:
        with live.transaction() as session:
            jobs.defer(session, "stories.tell", lock="story", queueing_lock="tell")

    @tasks.task()
    def tell() -> None:
        told.append(now())
        if len(told) == 1:
            tell_later()
            raise ConnectionError("the next one was asked for while this one was under way")

    live.app.extensions["doyen.tasks"] |= {task.name: task for task in tasks.all}
    tell_later()
    work(live)

    with live.transaction() as session:
        states = session.execute(text("select status from procrastinate_jobs")).scalars().all()
    assert len(told) == 2
    assert states == ["succeeded"]


def test_a_task_has_its_packages_name_and_an_app_around_it(app: Flask) -> None:
    tasks = Tasks("stories")

    @tasks.task(queue="slow")
    def tell(who: str) -> str:
        return f"{who} at {now():%Y}"

    [task] = tasks.all
    known = app.extensions["doyen.tasks"]
    app.extensions["doyen.tasks"] = {task.name: task}
    try:
        assert jobs.run(app, "stories.tell", who="Ada").startswith("Ada at 2")
    finally:
        app.extensions["doyen.tasks"] = known
    assert task.queue == "slow"


def test_health_names_jobs_that_failed_for_good(session: Session, app: Flask) -> None:
    jobs.defer(session, "core.beat")
    session.execute(text("update procrastinate_jobs set status = 'failed'"))

    with app.test_request_context():
        [finding] = health.jobs(session)

    assert finding.tone == "stop"
    assert "1" in finding.words


def test_a_second_beat_moves_the_first(session: Session) -> None:
    earlier: Any = now()
    health.beat(session, "worker", at=earlier)
    health.beat(session, "worker", at=now())

    row = session.get(Heartbeat, "worker")
    assert row is not None
    assert row.seen_at > earlier


def test_jobs_with_one_lock_follow_each_other_without_a_pause(live: Live) -> None:
    with live.transaction() as session:
        for _each in range(4):
            jobs.defer(session, "core.beat", lock="one after another")

    left = Thread(target=lambda: asyncio.run(_work_for_a_while(live)))
    left.start()
    left.join()

    assert waiting(live) == 0


async def _work_for_a_while(live: Live) -> None:
    """Let a worker that never asks by itself run what waits, as long as there is something."""
    worker = jobs.worker_app(live.app, live.url)
    async with worker.open_async():
        how: dict[str, Any] = {"install_signal_handlers": False, "concurrency": 2}
        work = asyncio.create_task(worker.run_worker_async(fetch_job_polling_interval=3600, **how))
        until = time.monotonic() + 20
        while waiting(live) and time.monotonic() < until:
            await asyncio.sleep(0.1)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


def test_a_job_of_a_killed_worker_runs_again_and_its_lock_is_free(live: Live) -> None:
    with live.transaction() as session:
        jobs.defer(session, "core.beat", lock="one-at-a-time")
        jobs.defer(session, "core.beat", lock="one-at-a-time")
        # As a worker leaves it that is killed in the middle of the first one.
        session.execute(
            text("""
                with killed as (
                    insert into procrastinate_workers (last_heartbeat)
                    values (now() - interval '1 minute') returning id)
                update procrastinate_jobs set status = 'doing', worker_id = (select id from killed)
                where id = (select min(id) from procrastinate_jobs)
            """)
        )

    with live.transaction() as session:
        taken_up = jobs.take_up_stalled(session)
        again = jobs.take_up_stalled(session)

    assert (taken_up, again) == (1, 0)
    assert waiting(live) == 2


def test_a_stalled_sweep_whose_next_one_waits_is_forgotten(live: Live) -> None:
    with live.transaction() as session:
        jobs.defer(session, "core.beat", queueing_lock="beat")
        session.execute(text("update procrastinate_jobs set status = 'doing'"))
        jobs.defer(session, "core.beat", queueing_lock="beat")

    with live.transaction() as session:
        assert jobs.take_up_stalled(session) == 1

    assert waiting(live) == 1


def test_a_job_of_a_living_worker_is_left_alone(live: Live) -> None:
    with live.transaction() as session:
        jobs.defer(session, "core.beat")
        session.execute(
            text("""
                with alive as (
                    insert into procrastinate_workers default values returning id)
                update procrastinate_jobs set status = 'doing', worker_id = (select id from alive)
            """)
        )

    with live.transaction() as session:
        assert jobs.take_up_stalled(session) == 0
