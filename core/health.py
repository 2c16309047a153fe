"""What the operator page shows of each part of the instance.

A package adds its own checks by a function in its `health.py`; the app knows which.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, select

from core import formats, seals
from core.clock import now
from core.models import Heartbeat
from core.settings import current_settings

SILENT_AFTER = timedelta(minutes=2)
STUCK_AFTER = timedelta(minutes=10)
VERIFIED_WITHIN = timedelta(days=2)


@dataclass(frozen=True)
class Finding:
    """How one part is: `ok`, `wait` (look soon) or `stop` (somebody must act)."""

    part: str
    tone: str
    words: str
    page: str = ""  # the endpoint of the page where somebody looks closer, if there is one


# What a check of the audit trail may find, by `core.seals.Breach`.
BREACHES = {
    "changed": _l("a row was changed"),
    "missing": _l("a row is missing"),
    "inserted": _l("a row was slipped in"),
}
Check = Callable[[Session], list[Finding]]


def init_app(app: Flask, checks: Iterable[Check]) -> None:
    """Tell an app which checks there are."""
    app.extensions["doyen.checks"] = [processes, jobs, letters, audit_trail, *checks]


def findings(session: Session) -> list[Finding]:
    """Return all findings, what somebody must act on first."""
    found = [one for check in current_app.extensions["doyen.checks"] for one in check(session)]
    return sorted(found, key=lambda one: ["stop", "wait", "ok"].index(one.tone))


def beat(session: Session, part: str, *, at: datetime) -> None:
    """Note that a part is alive."""
    row = insert(Heartbeat).values(part=part, seen_at=at)
    session.execute(row.on_conflict_do_update(index_elements=["part"], set_={"seen_at": at}))


def processes(session: Session) -> list[Finding]:
    """Whether the clock ticks and a worker takes up what it defers."""
    seen = {row.part: row.seen_at for row in session.exec(select(Heartbeat))}
    parts = {"clock": _("The clock"), "worker": _("The worker")}
    return [_process(name, seen.get(part)) for part, name in parts.items()]


def jobs(session: Session) -> list[Finding]:
    """Whether jobs wait for long, or have failed for good."""
    waiting, failed = session.execute(
        text("""
            select count(*) filter (where status = 'todo'
                       and coalesce(scheduled_at, now()) < now() - interval '10 minutes'),
                   count(*) filter (where status = 'failed')
            from procrastinate_jobs
        """)
    ).one()
    name = _("Jobs")
    if failed:
        words = _("%(count)s have failed for good. See the worker's log.", count=failed)
        return [Finding(name, "stop", words)]
    if waiting:
        words = _("%(count)s have waited for over ten minutes.", count=waiting)
        return [Finding(name, "wait", words)]
    return [Finding(name, "ok", _("Nothing waits for long."))]


def letters(session: Session) -> list[Finding]:
    """Whether letters leave."""
    values: dict[str, Any] = {"before": now() - STUCK_AFTER}
    stuck, refused = session.execute(
        text("""
            select count(*) filter (where state = 'waiting' and written_at < :before),
                   count(*) filter (where state = 'refused')
            from letter
        """),
        values,
    ).one()
    name = _("Letters")
    way = current_settings().mail_url.get_secret_value().partition(":")[0]
    if stuck:
        words = _("%(count)s have waited for over ten minutes.", count=stuck)
        return [Finding(name, "stop", words)]
    if refused:
        words = _("All sent (by %(way)s); %(count)s were refused.", way=way, count=refused)
        return [Finding(name, "wait", words)]
    return [Finding(name, "ok", _("All sent (by %(way)s).", way=way))]


def audit_trail(session: Session) -> list[Finding]:
    """Whether the audit trail is whole, when that was last read, and how many rows wait."""
    name = _("Audit trail")
    last = seals.last_check(session)
    waiting, oldest = seals.unsealed(session)
    if last is not None and last.breach:
        words = _(
            "Broken: %(what)s. Run “doyen audit verify”, keep a copy of the database, and find"
            " out who could write to it.",
            what=BREACHES[last.breach],
        )
        return [Finding(name, "stop", words)]
    if oldest is not None and now() - oldest > STUCK_AFTER:
        words = ngettext(
            "One row has waited for its seal for over ten minutes.",
            "%(num)s rows have waited for their seals for over ten minutes.",
            waiting,
        )
        return [Finding(name, "wait", words)]
    if last is None:
        return [Finding(name, "ok", _("Verified for the first time once the clock runs."))]
    values = {
        "at": formats.date_time(last.checked_at),
        "sealed": formats.number(last.sealed),
        "waiting": formats.number(waiting),
    }
    if now() - last.checked_at > VERIFIED_WITHIN:
        return [Finding(name, "wait", _("Last verified %(at)s; it should be every day.", **values))]
    words = _(
        "Whole when verified %(at)s: %(sealed)s rows. %(waiting)s wait to be sealed.", **values
    )
    return [Finding(name, "ok", words)]


def _process(name: str, seen_at: datetime | None) -> Finding:
    if seen_at is None:
        return Finding(name, "stop", _("Has never been seen. Start it; nothing is lost."))
    if now() - seen_at > SILENT_AFTER:
        minutes = int((now() - seen_at).total_seconds() // 60)
        words = _("Not seen for %(minutes)s minutes. Start it; nothing is lost.", minutes=minutes)
        return Finding(name, "stop", words)
    return Finding(name, "ok", _("Alive."))
