"""Writes of the API that count once: the same key with the same request gets the first answer.

The answer is kept in the transaction of what it tells, so a crash leaves both or neither. Only what
was done is kept: a refusal has changed nothing, and may be tried again with the same key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, text
from sqlmodel import Session, col

from core import cipher
from core.errors import Conflict, Invalid
from core.models import KeptAnswer

KEPT = timedelta(hours=24)
PURPOSE = "kept answers"
TAKE = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 4417302))")


class KeyInUse(Conflict):
    """The first request with this Idempotency-Key is still being answered. Try again shortly."""

    problem = "key-in-use"


class KeyReused(Invalid):
    """This Idempotency-Key was sent with another request before. Make a new one."""

    problem = "key-reused"


@dataclass(frozen=True)
class Answer:
    """What a request was answered."""

    status: int
    body: str
    location: str | None = None


@dataclass(frozen=True)
class Request:
    """A request with a key: whose it is, and a hash of all that was asked."""

    holder: str
    key: str
    fingerprint: str


def first_answer(session: Session, asked: Request, *, at: datetime) -> Answer | None:
    """Return the answer that this request was given before, or None when it is the first.

    Two at once: the second is refused, not kept waiting.
    """
    name = {"name": f"{asked.holder} {asked.key}"}
    if not session.execute(TAKE, name).scalar_one():
        raise KeyInUse
    kept = session.get(KeptAnswer, (asked.holder, asked.key), populate_existing=True)
    if kept is None:
        return None
    if kept.expires_at <= at:
        session.delete(kept)
        session.flush()  # the row that takes its place has the same key
        return None
    if kept.fingerprint != asked.fingerprint:
        raise KeyReused
    return Answer(kept.status, cipher.decrypt(PURPOSE, kept.body), kept.location)


def keep(session: Session, asked: Request, answer: Answer, *, at: datetime) -> None:
    """Keep an answer in the caller's transaction."""
    session.add(
        KeptAnswer(
            holder=asked.holder,
            key=asked.key,
            fingerprint=asked.fingerprint,
            status=answer.status,
            location=answer.location,
            body=cipher.encrypt(PURPOSE, answer.body),
            made_at=at,
            expires_at=at + KEPT,
        )
    )


def forget(session: Session, *, at: datetime) -> int:
    """Delete what has expired; return how many."""
    gone = session.execute(delete(KeptAnswer).where(col(KeptAnswer.expires_at) <= at))
    return int(gone.rowcount)  # type: ignore[attr-defined]
