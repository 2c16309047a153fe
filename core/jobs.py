"""Work outside a request: Procrastinate jobs, deferred in the transaction of what needs them.

Any job may run twice, at any moment, or stop half-way.
"""

import functools
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import procrastinate
from flask import Flask
from sqlalchemy import text
from sqlmodel import Session

log = logging.getLogger(__name__)

DEFER = text("""
    select procrastinate_defer_jobs_v1(ARRAY[ROW(
        :queue, :name, :priority, cast(:lock as text), cast(:queueing_lock as text),
        cast(:args as jsonb), cast(:schedule_at as timestamptz)
    )::procrastinate_job_to_defer_v1])
""")
ALREADY_WAITING = text("""
    select 1 from procrastinate_jobs where queueing_lock = :queueing_lock and status = 'todo'
""")
UNDER_WAY = text("""
    select exists (
        select 1 from procrastinate_jobs
        where queueing_lock = :queueing_lock and status in ('todo', 'doing')
    )
""")

# Jobs whose worker was killed: it has not shown itself for half a minute, or is forgotten already.
STALLED = text("""
    select job.id, job.queueing_lock is not null and exists (
        select 1 from procrastinate_jobs other
        where other.queueing_lock = job.queueing_lock and other.status = 'todo') as repeated
    from procrastinate_jobs job
    left join procrastinate_workers worker on worker.id = job.worker_id
    where job.status = 'doing'
      and (worker.id is null or worker.last_heartbeat < now() - interval '30 seconds')
    for update of job skip locked
""")
AGAIN = text("select procrastinate_retry_job_v2(:id, now(), null, null, null)")
FORGET = text("select procrastinate_finish_job_v1(:id, 'succeeded', true)")


@dataclass
class Task:
    """A function that a worker can run, under a name that rows in the database hold."""

    name: str
    run: Callable[..., Any]
    queue: str
    attempts: int
    longest_wait: int
    alone: bool = False

    @property
    def lock(self) -> str | None:
        """The lock of its jobs, where they are to run one after another."""
        return self.name if self.alone else None


@dataclass(frozen=True)
class Later(procrastinate.BaseRetryStrategy):
    """Try a failed job again 3, 9, 27 … seconds later, up to a longest wait."""

    attempts: int
    longest: int

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        """Say when a job is tried again, if it is."""
        if job.attempts >= self.attempts:
            return None
        return procrastinate.RetryDecision(
            retry_in={"seconds": min(3 ** (job.attempts + 1), self.longest)}
        )


class Manager(procrastinate.manager.JobManager):
    """Keeps the jobs' states; one to be tried again makes way for one of its kind that waits.

    Of jobs with a queueing lock only one may wait. Procrastinate would leave the failed one "under
    way" for as long as its worker lives, and its lock with it. Nor does it notice that a lock is
    free before it asks for jobs the next time: here the worker is told, as of a new job.
    """

    _tell: Callable[..., Awaitable[None]] | None = None
    _freed = 0

    async def listen_for_jobs(
        self,
        *,
        on_notification: Callable[..., Awaitable[None]],
        queues: Iterable[str] | None = None,
    ) -> None:
        """Tell the worker of new jobs, and keep at hand how it is told."""
        self._tell = on_notification
        await super().listen_for_jobs(on_notification=on_notification, queues=queues)

    async def fetch_job(self, *args: Any, **how: Any) -> procrastinate.jobs.Job | None:
        """Take the next job; the worker forgets what it is told while it asks, so ask again."""
        while True:
            freed = self._freed
            job = await super().fetch_job(*args, **how)
            if job is not None or freed == self._freed:
                return job

    async def finish_job(self, job: procrastinate.jobs.Job, *args: Any, **how: Any) -> None:
        """Set a job to its final state, and let the next one with its lock begin at once."""
        await super().finish_job(job, *args, **how)
        if job.lock is None:
            return
        self._freed += 1
        if self._tell is not None:
            freed = {"type": "job_inserted", "job_id": job.id}
            await self._tell(channel=job.queue, notification=freed)

    async def retry_job(self, job: procrastinate.jobs.Job, *args: Any, **how: Any) -> None:
        """Let a failed job run again later, or forget it where the next one waits already."""
        try:
            await super().retry_job(job, *args, **how)
        except procrastinate.exceptions.UniqueViolation:
            await self.finish_job(job, procrastinate.jobs.Status.SUCCEEDED, delete_job=True)


@dataclass(frozen=True)
class Job:
    """A job to defer among others; see `defer`."""

    name: str
    args: dict[str, Any]
    lock: str | None = None
    queueing_lock: str | None = None
    queue: str = "default"


@dataclass
class Tasks:
    """The tasks of one package; `app.py` knows which packages have some."""

    package: str
    all: list[Task] = field(default_factory=list)

    def task(
        self,
        *,
        queue: str = "default",
        attempts: int = 8,
        longest_wait: int = 7200,
        alone: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function; a failing one is tried again, later each time.

        While a job with a lock waits for its next try, every later one with that lock waits too,
        but for one that goes `first`. No pause between two tries is longer than `longest_wait`
        seconds; all pauses together may be. Sweeps of a task that is `alone` have its name as
        their lock.
        """

        def keep(run: Callable[..., Any]) -> Callable[..., Any]:
            name = f"{self.package}.{run.__name__}"
            self.all.append(Task(name, run, queue, attempts, longest_wait, alone))
            return run

        return keep


def init_app(app: Flask, packages: Iterable[Tasks]) -> None:
    """Tell an app which tasks there are."""
    tasks = {task.name: task for package in packages for task in package.all}
    app.extensions["doyen.tasks"] = tasks


def defer(
    session: Session,
    name: str,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    schedule_at: datetime | None = None,
    queue: str = "default",
    first: bool = False,
    **args: Any,
) -> None:
    """Add a job in the caller's transaction; `first` goes before others that wait for its lock.

    Jobs with the same `lock` run one after another. Of jobs with the same `queueing_lock`
    only one waits at a time: deferring a second one does nothing.
    """
    waiting = {"queueing_lock": queueing_lock}
    if queueing_lock and session.execute(ALREADY_WAITING, waiting).first():
        return
    values = {
        "queue": queue,
        "name": name,
        "priority": 10 if first else 0,
        "lock": lock,
        "args": json.dumps(args),
        "schedule_at": schedule_at,
        **waiting,
    }
    if queueing_lock is None:
        session.execute(DEFER, values)
        return
    _defer_if_alone(session, values)


def as_json(listed: Iterable[Job]) -> str:
    """Return jobs as `defer_unless_waiting` in the database reads them."""
    rows = [
        {
            "queue_name": job.queue,
            "task_name": job.name,
            "priority": 0,
            "lock": job.lock,
            "queueing_lock": job.queueing_lock,
            "args": job.args,
        }
        for job in listed
    ]
    return json.dumps(rows)


def worker_app(app: Flask, conninfo: str) -> procrastinate.App:
    """Return the Procrastinate app that runs an app's tasks."""
    connector = procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4)
    worker = procrastinate.App(connector=connector)
    worker.job_manager = Manager(connector)
    for task in app.extensions["doyen.tasks"].values():
        retry = Later(task.attempts, task.longest_wait)
        register: Any = worker.task(name=task.name, queue=task.queue, retry=retry)
        register(_in_app(app, task))
    return worker


def is_under_way(session: Session, queueing_lock: str) -> bool:
    """Return whether a job with this lock waits or runs, or was begun by a worker that is gone."""
    return bool(session.execute(UNDER_WAY, {"queueing_lock": queueing_lock}).scalar_one())


def take_up_stalled(session: Session) -> int:
    """Let the jobs of killed workers run again; until then they hold their locks for ever."""
    stalled = session.execute(STALLED).all()
    for job in stalled:
        session.execute(FORGET if job.repeated else AGAIN, {"id": job.id})
    return len(stalled)


def run(app: Flask, name: str, **args: Any) -> Any:
    """Run one task here and now, as a worker would."""
    return _in_app(app, app.extensions["doyen.tasks"][name])(**args)


def _defer_if_alone(session: Session, values: dict[str, Any]) -> None:
    # Two transactions may both have seen nobody waiting; the unique index lets one through.
    # The savepoint is the connection's own, so that unflushed rows of ours are not touched.
    connection = session.connection()
    savepoint = connection.begin_nested()
    try:
        connection.execute(DEFER, values)
        savepoint.commit()
    except Exception as problem:
        savepoint.rollback()
        if "queueing_lock" not in str(problem):
            raise


def _in_app(app: Flask, task: Task) -> Callable[..., Any]:
    @functools.wraps(task.run)
    def inside(**args: Any) -> Any:
        with app.app_context():
            done = task.run(**args)
        log.info("%s %s: %s", task.name, args, done)
        return done

    return inside
