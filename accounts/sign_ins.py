"""Where people are signed in: begun, seen, ended from afar. A row is the truth, the cookie a key.

The cookie holds a random secret and the row its hash. A session whose row has ended, or was not
seen for as long as the settings say, is out at its next request, whatever cookies it still has.
"""

import functools
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, text, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, or_, select

from accounts.models import Role, SignIn, SignInEnd, User
from core import asking, audit, quick

SEEN_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=90)  # rows that are over, so that a stranger's sign-in can still be looked up
# Another request of the same browser may hold the row: then that one says that it was seen.
SEEN = text("""
    update sign_in set seen_at = :at where id =
        (select id from sign_in where id = :id and seen_at < :before for update skip locked)
""")

# Every request asks this. What else is kept of a person comes when it is asked for.
USER = quick.Part(User, "u", ("id", "email", "name", "active", "fs_uniquifier", "locale", "theme"))
ROLE = quick.Part(Role, "r", ("id", "name"))
ROLES = """
    coalesce((select jsonb_object_agg(r.name, r.id) from user_role mine
              join role r on r.id = mine.role_id where mine.user_id = u.id), '{}')
"""


@dataclass(frozen=True)
class Along:
    """What else is read by the question of who asks: columns of tables that are joined to it.

    `joined` names `%(view argument)s` of the request. Nothing is let by it: the view asks whether
    whoever asks may have what was read.
    """

    columns: str
    joined: str


@functools.cache
def _question(along: Along | None) -> str:
    return f"""
    select {USER.columns}, s.id as sign_in_id, s.seen_at,
        exists (select from erasure e where e.user_id = u.id and e.undone_at is null
                and e.done_at is null) as closing,
        {ROLES} as roles {", " + along.columns if along else ""}
    from sign_in s join user_account u on u.id = s.user_id
        {"left join " + along.joined if along else ""}
    where s.secret_hash = %(hashed)s and s.ended_at is null and s.seen_at > %(since)s
        and u.fs_uniquifier = %(uniquifier)s and u.active
"""  # noqa: S608 - our own columns


@dataclass(frozen=True)
class Browser:
    """From where somebody signs in."""

    address: str
    browser: str
    system: str


def begin(session: Session, user: User, browser: Browser, *, at: datetime) -> str:
    """Begin a session; return the secret for its cookie."""
    assert user.id is not None
    secret = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            user_id=user.id,
            secret_hash=hashed(secret),
            begun_at=at,
            seen_at=at,
            address=browser.address,
            browser=browser.browser,
            system=browser.system,
        )
    )
    return secret


def person_of(
    session: Session,
    secret: str,
    uniquifier: str,
    *,
    at: datetime,
    lifetime: timedelta,
    along: Along | None = None,
    given: Mapping[str, Any] | None = None,
) -> tuple[User, Any] | None:
    """Return whose session a cookie opens, if it still does, and what was read with it.

    That is `closing`, whether their erasure waits, and the columns of `along`.
    """
    asked = {"hashed": hashed(secret), "since": at - lifetime, "uniquifier": uniquifier}
    found = asking.ask(session, _question(along), asked | dict(given or {}), reads=True)
    if found is None:
        return None
    user = USER.row(session, found)
    roles = [ROLE.made(session, [number, name]) for name, number in found.roles.items()]
    set_committed_value(user, "roles", roles)
    if at - found.seen_at > SEEN_EVERY:
        session.execute(SEEN, {"at": at, "id": found.sign_in_id, "before": at - SEEN_EVERY})
    return user, found


def of(session: Session, user_id: int, *, at: datetime, lifetime: timedelta) -> list[SignIn]:
    """Return where somebody is signed in, the last seen first."""
    query = (
        select(SignIn)
        .where(_open(user_id), SignIn.seen_at > at - lifetime)
        .order_by(col(SignIn.seen_at).desc(), col(SignIn.id).desc())
    )
    return list(session.exec(query))


def end(session: Session, row: SignIn, how: SignInEnd, *, at: datetime) -> None:
    """End a session; ending it twice changes nothing."""
    if row.ended_at is None:
        row.ended_at, row.how_ended = at, how
        if how is SignInEnd.REMOTE:
            audit.record(session, "sign_in.ended", by=row.user_id, subject=f"sign_in:{row.id}")


def end_secret(session: Session, secret: str, *, at: datetime) -> int | None:
    """End the session of a cookie, if there is one; return whose it was."""
    ended = session.execute(
        update(SignIn)
        .where(col(SignIn.secret_hash) == hashed(secret), col(SignIn.ended_at).is_(None))
        .values(ended_at=at, how_ended=SignInEnd.SIGNED_OUT)
        .returning(col(SignIn.user_id))
    )
    return ended.scalar_one_or_none()


def end_others(session: Session, user_id: int, secret: str, how: SignInEnd, *, at: datetime) -> int:
    """End all sessions of somebody but the one of a cookie; return how many."""
    session.flush()  # a session that has just begun is not in the database yet
    gone = session.execute(
        update(SignIn)
        .where(_open(user_id), col(SignIn.secret_hash) != hashed(secret))
        .values(ended_at=at, how_ended=how)
    )
    count = int(gone.rowcount)  # type: ignore[attr-defined]
    if count:
        audit.record(session, "sign_in.others_ended", by=user_id, subject=f"user:{user_id}")
    return count


def renew(session: Session, secret: str) -> str:
    """Give a session another secret: whoever has copied the cookie is out; return the new one."""
    session.flush()
    new = secrets.token_urlsafe(32)
    session.execute(
        update(SignIn)
        .where(col(SignIn.secret_hash) == hashed(secret))
        .values(secret_hash=hashed(new))
    )
    return new


def is_first(session: Session, user: User, *, at: datetime) -> bool:
    """Return whether somebody comes for the first time, on the way of their registration."""
    if user.confirmed_at is None or at - user.confirmed_at > timedelta(days=1):
        return False
    return session.exec(select(SignIn.id).where(SignIn.user_id == user.id)).first() is None


def sweep(session: Session, *, at: datetime, lifetime: timedelta) -> int:
    """Delete sessions that have been over for long; return how many."""
    over = or_(
        col(SignIn.ended_at) < at - KEPT,
        col(SignIn.seen_at) < at - lifetime - KEPT,
    )
    gone = session.execute(delete(SignIn).where(over))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def hashed(secret: str) -> str:
    """Return what is kept of a cookie's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _open(user_id: int) -> Any:
    return (col(SignIn.user_id) == user_id) & col(SignIn.ended_at).is_(None)
