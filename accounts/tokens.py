"""Tokens for programs. A token is shown once; only its hash is kept.

A personal token speaks for its person and ends with their account. An organisation's token belongs
to the organisation: it goes on when the person who made it leaves, and any admin can end it.

The hash is a plain SHA-256: a secret of 256 random bits cannot be guessed, so nothing is won by the
slow hashes that passwords need, and each request would pay for one.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts import organisations, scopes
from accounts.models import ApiToken, Organisation, TokenKind, User
from core import audit, messages, once
from core.errors import Conflict, Invalid, NotAllowed
from core.settings import current_settings

PREFIX = "dy_"  # scanners of leaked secrets look for dy_ and 43 letters, digits, - and _
LIFETIMES = {30: _l("30 days"), 90: _l("90 days"), 365: _l("one year")}
USE_NOTED_EVERY = timedelta(minutes=1)
AGAIN_WITHIN = timedelta(minutes=10)  # a form that was sent twice


class TokenNeeded(NotAllowed):
    """Send a token: `Authorization: Bearer dy_...`."""

    status = 401


class TokenRefused(NotAllowed):
    """Invalid credentials in Authorization header."""

    status = 401
    problem = "token-refused"

    @property
    def challenge(self) -> str:
        """Tell programs that another token is needed (RFC 6750)."""
        return 'error="invalid_token"'


class ScopeMissing(NotAllowed):
    """This token may not do this: it lacks the scope %(scope)s."""

    problem = "scope-missing"

    @property
    def challenge(self) -> str:
        """Tell programs which scope it takes (RFC 6750)."""
        return f'error="insufficient_scope", scope="{self.facts["scope"]}"'


class ScopeUnfit(Invalid):
    """A token of this kind cannot hold: %(scopes)s."""


class TokenInUse(Conflict):
    """This token was made already, and a program uses it. Its secret cannot be shown again."""


@dataclass(frozen=True)
class Principal:
    """Whom a token speaks for: a person or an organisation, never both."""

    token_id: int
    kind: TokenKind
    user_id: int | None
    organisation_id: int | None
    scopes: frozenset[str]

    @property
    def holder(self) -> str:
        """Whose keys of repeated requests are told apart."""
        if self.kind is TokenKind.PERSONAL:
            return f"user:{self.user_id}"
        return f"organisation:{self.organisation_id}"


@dataclass(frozen=True)
class Asked:
    """What somebody asks for: what it is for, what it may do, how long it lives."""

    name: str
    scopes: Sequence[str]
    days: int


def make(
    session: Session,
    asked: Asked,
    *,
    by: User,
    organisation: Organisation | None = None,
    key: str = "",
    at: datetime,
) -> tuple[ApiToken, str]:
    """Make a token; the second value is the secret, which nobody can show again.

    Without an organisation it speaks for the person. `key` is the form's own: sent a second
    time, it leads to the same token with a new secret, as long as no program uses it.
    """
    assert by.id is not None
    if key and not once.first_use(session, key, user_id=by.id, at=at):
        return _again(session, key, by.id, organisation, at=at)
    kind = TokenKind.ORGANISATION if organisation else TokenKind.PERSONAL
    if unfit := scopes.unfit(kind, asked.scopes):
        raise ScopeUnfit(scopes=", ".join(unfit))
    secret = _new_secret()
    token = ApiToken(
        kind=kind,
        user_id=None if organisation else by.id,
        organisation_id=organisation.id if organisation else None,
        made_by=by.id,
        name=asked.name.strip(),
        token_hash=_hash(secret),
        shown=secret[: ApiToken.SHOWN],
        scopes=sorted(asked.scopes),
        created_at=at,
        expires_at=at + timedelta(days=asked.days),
    )
    session.add(token)
    session.flush()  # the audit trail names the row
    if key:
        once.remember(session, key, f"token:{token.id}", user_id=by.id)
    audit.record(session, "token.made", by=by.id, subject=f"token:{token.id}")
    _tell(session, token, by, organisation)
    return token, secret


def of_person(user_id: int) -> SelectOfScalar[ApiToken]:
    """Return the query of a person's own tokens, the newest first."""
    return _newest_first().where(ApiToken.user_id == user_id)


def of_organisation(organisation_id: int) -> SelectOfScalar[ApiToken]:
    """Return the query of an organisation's tokens, the newest first."""
    return _newest_first().where(ApiToken.organisation_id == organisation_id)


def of_holder(principal: Principal) -> SelectOfScalar[ApiToken]:
    """Return the query of the tokens that speak for the same as this one."""
    return _newest_first().where(
        ApiToken.user_id == principal.user_id
        if principal.user_id is not None
        else ApiToken.organisation_id == principal.organisation_id
    )


def left_behind(session: Session, organisation_id: int, user_id: int, *, at: datetime) -> int:
    """Count the working tokens of an organisation that a person made, and may have kept."""
    made = of_organisation(organisation_id).where(ApiToken.made_by == user_id)
    return sum(not one.is_over(at) for one in session.exec(made))


def revoke(session: Session, token: ApiToken, *, by: int | None, at: datetime) -> None:
    """End a token now; ending it twice changes nothing. No `by` means that a token did it."""
    if token.revoked_at is None:
        token.revoked_at = at
        audit.record(session, "token.revoked", by=by, subject=f"token:{token.id}")


def check(session: Session, header: str, scope: str, *, at: datetime) -> Principal:
    """Return whom an `Authorization` header speaks for, or say what is wrong with it.

    No scope means that any token will do. A token ends with its date, and a personal one with its
    person's account.
    """
    kind, _, secret = header.partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise TokenNeeded
    token = session.exec(
        select(ApiToken)
        .outerjoin(User, col(User.id) == col(ApiToken.user_id))
        .where(
            ApiToken.token_hash == _hash(secret.strip()),
            or_(ApiToken.kind == TokenKind.ORGANISATION, col(User.active)),
        )
    ).first()
    if token is None or token.is_over(at):
        raise TokenRefused
    if scope and scope not in token.scopes:
        raise ScopeMissing(scope=scope)
    if token.last_used_at is None or at - token.last_used_at > USE_NOTED_EVERY:
        _note_use(session, token, at)
    assert token.id is not None
    return Principal(
        token.id,
        token.kind,
        token.user_id,
        token.organisation_id,
        frozenset(map(str, token.scopes)),
    )


def organisation_ids(session: Session, principal: Principal) -> set[int]:
    """Return the organisations whose datasets a token may read."""
    if principal.organisation_id is not None:
        return {principal.organisation_id}
    return organisations.ids_of(session, principal.user_id)


def _newest_first() -> SelectOfScalar[ApiToken]:
    return select(ApiToken).order_by(col(ApiToken.id).desc())


def _again(
    session: Session, key: str, user_id: int, organisation: Organisation | None, *, at: datetime
) -> tuple[ApiToken, str]:
    """Give the token of a form that was just sent before a new secret, in place of the first.

    Only for whom it was made: the caller has asked whether the person may act for them now.
    """
    led_to = once.led_to(session, key, user_id=user_id) or ""
    number = int(led_to.removeprefix("token:") or 0)
    token = session.get(ApiToken, number, with_for_update=True, populate_existing=True)
    if token is None or token.revoked_at is not None or token.last_used_at is not None:
        raise TokenInUse
    is_theirs = token.organisation_id == (organisation.id if organisation else None)
    if not is_theirs or token.created_at < at - AGAIN_WITHIN:
        raise TokenInUse
    secret = _new_secret()
    token.token_hash, token.shown = _hash(secret), secret[: ApiToken.SHOWN]
    audit.record(session, "token.renewed", by=user_id, subject=f"token:{token.id}")
    return token, secret


def _note_use(session: Session, token: ApiToken, at: datetime) -> None:
    # Where another request of the same token is noting it, this one does not wait for that.
    free = select(ApiToken).where(ApiToken.id == token.id).with_for_update(skip_locked=True)
    if session.exec(free).first() is not None:
        token.last_used_at = at


def _tell(session: Session, token: ApiToken, by: User, organisation: Organisation | None) -> None:
    """Write to the person, and to the admins: who did not make it wants to know."""
    admins = organisations.admins(session, organisation.id or 0) if organisation else []
    path = f"organisations/{organisation.id}" if organisation else "tokens"
    for person in {one.id: one for one in [by, *admins]}.values():
        messages.write(
            session,
            to=person,
            template="accounts/token_made",
            token=token,
            maker=by,
            organisation=organisation,
            scopes=[scopes.SCOPES[one].words for one in token.scopes],
            url=f"{current_settings().public_url}/{path}",
        )


def _new_secret() -> str:
    return f"{PREFIX}{secrets.token_urlsafe(32)}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
