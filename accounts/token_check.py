"""Checks the bearer token of a request; those that open nothing are counted by network."""

from accounts import attempts, tokens
from accounts.tokens import Principal, TokenRefused
from core.clock import now
from core.db import db_session


def now_or_refuse(header: str, scope: str) -> Principal:
    """Return whom a header speaks for, in the session of the request."""
    try:
        return tokens.check(db_session(), header, scope, at=now())
    except TokenRefused:
        db_session().rollback()  # the count is written beside this request, which has failed
        attempts.count_bad_token()
        raise
