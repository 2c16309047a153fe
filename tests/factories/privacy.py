"""Rows of copies of data, of erasures and of retention runs."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from accounts.models import User
from accounts.privacy_models import DataExport, Erasure, ExportState
from core.clock import now
from core.models import RetentionRun


def make_export(session: Session, user: User, **changes: Any) -> DataExport:
    """Make the row of a copy that is ready; its file is the caller's."""
    at = now()
    values: dict[str, Any] = {
        "user_id": user.id,
        "key": uuid4().hex,
        "state": ExportState.READY,
        "language": "en",
        "asked_at": at,
        "ready_at": at,
        "expires_at": at + timedelta(days=7),
        "size_bytes": 14,
    }
    export = DataExport(**(values | changes))
    session.add(export)
    session.flush()
    return export


def make_erasure(session: Session, user: User, **changes: Any) -> Erasure:
    """Make an erasure that waits."""
    at = now()
    values = {"user_id": user.id, "language": "en", "asked_at": at, "due_at": at}
    row = Erasure(**(values | changes))
    session.add(row)
    session.flush()
    return row


def make_retention_run(session: Session, **changes: Any) -> RetentionRun:
    """Make a pass of retention."""
    row = RetentionRun(**({"at": now(), "counts": {"letters": 3}} | changes))
    session.add(row)
    session.flush()
    return row
