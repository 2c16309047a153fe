"""The audit trail: who did what to which row. Rows are only ever added."""

from typing import Any

from flask import has_request_context, request
from sqlmodel import Session

from core.clock import now
from core.models import AuditEvent


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
