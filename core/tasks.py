"""The jobs of core itself: letters leave, the worker shows that it lives, old rows go."""

from datetime import timedelta

from sqlalchemy import delete, text

from core import health, idempotency, jobs, messages, rate_limits, seals, uploads
from core.clock import now
from core.db import transaction
from core.jobs import Tasks
from core.models import OnceKey
from core.ports import ports
from core.settings import current_settings

ONCE_KEPT = timedelta(days=2)
tasks = Tasks("core")


@tasks.task(queue="letters", attempts=12)
def deliver_letter(letter_id: int) -> str:
    """Send one letter."""
    return messages.deliver(letter_id, ports().mailer, current_settings())


@tasks.task(queue="letters")
def deliver_waiting_letters() -> int:
    """Take up letters whose own job was lost or gave up."""
    with transaction() as session:
        left = messages.waiting(session)
        for letter_id in left:
            jobs.defer(
                session,
                "core.deliver_letter",
                queue="letters",
                queueing_lock=f"letter:{letter_id}",
                letter_id=letter_id,
            )
    return len(left)


@tasks.task(queue="letters")
def forget_keys_in_letters() -> int:
    """Take links out of letters once they open nothing any more."""
    with transaction() as session:
        return messages.forget_keys(session, at=now())


@tasks.task()
def beat() -> None:
    """Note that a worker takes jobs."""
    with transaction() as session:
        health.beat(session, "worker", at=now())


@tasks.task()
def take_up_stalled_jobs() -> int:
    """Let the jobs of killed workers run again."""
    with transaction() as session:
        return jobs.take_up_stalled(session)


@tasks.task()
def forget_once_keys() -> int:
    """Delete the keys of forms that nobody sends any more."""
    with transaction() as session:
        old = OnceKey.used_at < now() - ONCE_KEPT
        gone = session.execute(delete(OnceKey).where(old))  # type: ignore[arg-type]
    return int(gone.rowcount)  # type: ignore[attr-defined]


@tasks.task()
def forget_kept_answers() -> int:
    """Delete the answers of requests that nobody repeats any more."""
    with transaction() as session:
        return idempotency.forget(session, at=now())


@tasks.task()
def sweep_uploads() -> int:
    """Delete files whose row never came."""
    with transaction() as session:
        return uploads.sweep(session, current_settings().data_dir, at=now())


@tasks.task()
def forget_rate_counts() -> int:
    """Delete the counts of tries whose window is over."""
    return rate_limits.sweep()


@tasks.task()
def delete_finished_jobs() -> int:
    """Delete jobs that succeeded over a week ago."""
    with transaction() as session:
        gone = session.execute(
            text("""
                delete from procrastinate_jobs j
                where j.status = 'succeeded' and not exists (
                    select 1 from procrastinate_events e
                    where e.job_id = j.id and e.at > now() - interval '7 days')
            """)
        )
    return int(gone.rowcount)  # type: ignore[attr-defined]


@tasks.task()
def seal_audit() -> int:
    """Give the audit rows that wait their places in the chain."""
    return seals.seal_all()


@tasks.task()
def verify_audit() -> str:
    """Read the whole chain of the audit trail and note what came of it."""
    seals.seal_all()
    with transaction() as session:
        found = seals.check(session, at=now())
        return found.breach or "whole"
