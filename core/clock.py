"""What time it is, always aware and in UTC; an app may be given another clock."""

from datetime import UTC, datetime

from flask import current_app, has_app_context


def now() -> datetime:
    """Return the current time in UTC."""
    if has_app_context():
        clock = current_app.extensions.get("doyen.clock")
        if clock is not None:
            told: datetime = clock()
            return told
    return datetime.now(UTC)
