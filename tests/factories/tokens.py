"""Tokens of people and of organisations."""

from typing import Any

from sqlmodel import Session

from accounts import tokens
from accounts.models import ApiToken, Organisation, User
from core.clock import now


def make_token(
    session: Session, by: User, organisation: Organisation | None = None, **changes: Any
) -> tuple[ApiToken, str]:
    """Make a token that reads releases; the second value is its secret."""
    given: dict[str, Any] = {"name": "pipeline", "scopes": ["releases:read"], "days": 30}
    at = changes.pop("at", now())
    asked = tokens.Asked(**(given | changes))
    return tokens.make(session, asked, by=by, organisation=organisation, at=at)
