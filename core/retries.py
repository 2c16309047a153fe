"""A request that lost a deadlock is done once more, as long as nothing of it has happened.

Two who open an account of the ledger in the middle of crossing work, say, wait for each other:
PostgreSQL undoes one of them, and that one begins anew. Whatever the request did stands in its own
transaction, which is undone; one that has opened another (and so may have committed something, or
asked the outside) is not done again, and ends as any other fault.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, g, request, session
from sqlalchemy.exc import DBAPIError

from core import db

log = logging.getLogger(__name__)
# In seconds: the one that was waited for has the time to end, or both would meet again.
PAUSE = 0.2
READING = ("GET", "HEAD", "OPTIONS")
# PostgreSQL has undone one of those that waited for each other: deadlock_detected, and
# serialization_failure.
LOST = ("40P01", "40001")


def init_app(app: Flask) -> None:
    """Let an app do a request once more that has lost."""
    dispatch = app.dispatch_request

    def at_most_twice() -> Response:
        # To look at the session of a page that is only read would keep it out of caches.
        kept = None if request.method in READING else dict(session)
        try:
            return _done(dispatch)
        except DBAPIError as lost:
            if not _may_begin_anew(lost):
                raise
        log.warning("begun anew after a deadlock: %s %s", request.method, request.url_rule)
        db.db_session().rollback()
        time.sleep(PAUSE)
        if kept is not None:  # what it was about to say, and to whom, is undone as well
            session.clear()
            session.update(kept)
        answered = app.preprocess_request()
        return _done(dispatch) if answered is None else app.make_response(answered)

    app.dispatch_request = at_most_twice  # type: ignore[method-assign]


def _done(dispatch: Callable[[], Any]) -> Response:
    """Do it, and bring what will be committed to the database, where it may still lose."""
    response = current_app.make_response(dispatch())
    if response.status_code < 400:
        db.flush()
    return response


def _may_begin_anew(lost: DBAPIError) -> bool:
    return getattr(lost.orig, "sqlstate", None) in LOST and not g.get("doyen_apart", False)
