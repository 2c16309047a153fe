"""Forms that count once: a second click, or a retry, is led to where the first one went."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from core.models import OnceKey


def new_key() -> str:
    """Return a key for the hidden field `once` of a form."""
    return uuid4().hex


def first_use(session: Session, key: str, *, user_id: int | None, at: datetime) -> bool:
    """Claim a key; False when this person's form was handed in before.

    Two at once: the second waits here until the first has committed or failed.
    """
    made = session.execute(
        insert(OnceKey)
        .values(key=_scoped(key, user_id), user_id=user_id, used_at=at)
        .on_conflict_do_nothing()
        .returning(col(OnceKey.key))
    )
    return made.first() is not None


def led_to(session: Session, key: str, *, user_id: int | None) -> str | None:
    """Return the address where the first use ended, if it told one."""
    row = session.get(OnceKey, _scoped(key, user_id))
    return row.location if row else None


def remember(session: Session, key: str, location: str, *, user_id: int | None) -> str:
    """Store where the first use leads, and return it."""
    row = session.get(OnceKey, _scoped(key, user_id))
    if row is not None:
        row.location = location
    return location


def _scoped(key: str, user_id: int | None) -> str:
    # A key is a person's own: nobody learns anything by sending another's.
    return f"{user_id or 0}:{key[:64]}"
