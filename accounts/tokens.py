"""Tokens for programs. A token is shown once; only its hash is kept."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from accounts.models import ApiToken, Membership, User
from core import audit
from core.errors import NotAllowed

SCOPES = {"releases:read": _l("read and download releases")}
LIFETIMES = {30: _l("30 days"), 90: _l("90 days"), 365: _l("one year")}
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenNeeded(NotAllowed):
    """Send a token: `Authorization: Bearer dy_...`."""

    status = 401


class TokenRefused(NotAllowed):
    """Invalid credentials in Authorization header."""

    status = 401


class ScopeMissing(NotAllowed):
    """This token may not do this: it lacks the scope %(scope)s."""


@dataclass(frozen=True)
class Principal:
    """Whom a token speaks for."""

    user_id: int
    organisation_id: int
    token_id: int
    scopes: frozenset[str]


def make(
    session: Session,
    *,
    user: User,
    organisation_id: int,
    name: str,
    scopes: list[str],
    days: int,
    at: datetime,
) -> tuple[ApiToken, str]:
    """Make a token; the second value is the secret, which nobody can show again."""
    assert user.id is not None
    secret = f"dy_{secrets.token_urlsafe(32)}"
    token = ApiToken(
        user_id=user.id,
        organisation_id=organisation_id,
        name=name.strip(),
        token_hash=_hash(secret),
        shown=secret[: ApiToken.SHOWN],
        scopes=sorted(scopes),
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    session.add(token)
    session.flush()  # the audit trail names the row
    audit.record(session, "token.made", by=user.id, subject=f"token:{token.id}")
    return token, secret


def of(session: Session, user_id: int) -> list[ApiToken]:
    """Return a person's tokens, the newest first."""
    query = select(ApiToken).where(ApiToken.user_id == user_id).order_by(col(ApiToken.id).desc())
    return list(session.exec(query))


def revoke(session: Session, token: ApiToken, *, at: datetime) -> None:
    """End a token now; ending it twice changes nothing."""
    if token.revoked_at is None:
        token.revoked_at = at
        audit.record(session, "token.revoked", by=token.user_id, subject=f"token:{token.id}")


def check(session: Session, header: str, scope: str, *, at: datetime) -> Principal:
    """Return whom an `Authorization` header speaks for, or say what is wrong with it.

    A token ends with its date, with its person's account and with their place in the
    organisation.
    """
    kind, _, secret = header.partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise TokenNeeded
    token = session.exec(
        select(ApiToken)
        .join(User, col(User.id) == col(ApiToken.user_id))
        .join(
            Membership,
            (col(Membership.user_id) == col(ApiToken.user_id))
            & (col(Membership.organisation_id) == col(ApiToken.organisation_id)),
        )
        .where(ApiToken.token_hash == _hash(secret.strip()), col(User.active))
    ).first()
    if token is None or token.revoked_at is not None or token.expires_at <= at:
        raise TokenRefused
    if scope not in token.scopes:
        raise ScopeMissing(scope=scope)
    if token.last_used_at is None or at - token.last_used_at > USE_NOTED_EVERY:
        token.last_used_at = at
    assert token.id is not None
    return Principal(
        token.user_id, token.organisation_id, token.id, frozenset(map(str, token.scopes))
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
