"""The audit trail: who did what to which row. Rows are only ever added.

A row holds ids and never names or addresses of people: erasing a person cannot reach it. Words
for the acts stand in each package's `audit_words.py`.
"""

from datetime import timedelta
from typing import Any

from flask import has_request_context, request
from sqlalchemy import text
from sqlmodel import Session, col, select

from core.clock import now
from core.db import transaction
from core.models import AuditEvent

# Who opens the same thing again within this time has not read it twice.
SAME_READING = timedelta(minutes=10)
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended(:reading, 7220145))")


def record(
    session: Session,
    action: str,
    *,
    by: int | None,
    subject: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Add an event in the caller's transaction; `subject` is like `assignment:12`."""
    session.add(
        AuditEvent(
            at=now(),
            action=action,
            subject=subject,
            by_user_id=by,
            address=request.remote_addr if has_request_context() else None,
            details=details or {},
        )
    )


def record_reading(
    action: str, *, by: int | None, subject: str, of: int | None = None, **details: Any
) -> None:
    """Note that a person opens what is another's; call it before anything of it is shown.

    `of` is whose it is: reading one's own is nobody's business. The row is committed at once, in
    a transaction of its own, so that a page which fails half-way was opened all the same; the
    same reading within `SAME_READING` counts once, however often the page is loaded.
    """
    if by is None or by == of:
        return
    said = {**details, "of": of} if of is not None else details
    with transaction() as session:
        session.execute(ONE_AT_A_TIME, {"reading": f"{by} {action} {subject}"})
        seen = select(AuditEvent.id).where(
            AuditEvent.subject == subject,
            AuditEvent.action == action,
            AuditEvent.by_user_id == by,
            AuditEvent.details == said,
            col(AuditEvent.at) > now() - SAME_READING,
        )
        if session.exec(seen.limit(1)).first() is None:
            record(session, action, by=by, subject=subject, details=said)
