"""The chain of hashes over the audit trail, and its check. Seals are only ever added.

Business transactions write audit rows and nothing waits for anybody. A trigger notes each row
as unsealed; a sweep, one at a time under an advisory lock, gives it the next place in the chain:
the hash of what the row says, and a hash over that and the hash before. See
docs/decisions/0016a-audit-chain.md for what this shows and what it cannot.
"""

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, insert, text
from sqlmodel import Session, col, func, select

from core.clock import now
from core.db import transaction
from core.errors import Invalid
from core.models import AuditCheck, AuditEvent, AuditSeal, AuditUnsealed

# Any number of our own; those who seal wait for each other, nobody else does.
LOCK = text("select pg_advisory_xact_lock(7220144)")
BEGINNING = "0" * 64
AT_ONCE = 1000

_EVENT = "e.id, e.at, e.action, e.subject, e.by_user_id, e.address, e.details::text as details"
WAITING = text(f"""
    select {_EVENT} from audit_unsealed q join audit_event e on e.id = q.event_id
    order by e.id limit :limit
""")  # noqa: S608 - a constant
# One statement sees one moment, whatever is written meanwhile.
EVERYTHING = text(f"""
    select s.position, s.event_id as sealed_id, s.content, s.previous, s.hash, s.sealed_at,
           {_EVENT}, q.event_id as waiting_id, q.event_id is not null as waits
    from audit_seal s
    full join audit_event e on e.id = s.event_id
    full join audit_unsealed q on q.event_id = coalesce(e.id, s.event_id)
    where s.position is null or s.position > :after
    order by s.position nulls last, coalesce(e.id, q.event_id)
""")  # noqa: S608 - a constant


class BadAnchor(Invalid):
    """An anchor is the number of a seal, a colon and its hash of 64 letters and digits."""


class Breach(StrEnum):
    """What is wrong with a row: it says something else, it is gone, or it was slipped in."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"


@dataclass(frozen=True)
class Broken:
    """The first row that breaks the chain; `position` is its place, where it has one."""

    breach: Breach
    position: int | None
    event_id: int | None
    words: str


@dataclass(frozen=True)
class Anchor:
    """The last link of a chain, as it was told to somebody outside."""

    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"


@dataclass
class Verified:
    """What a reading of the chain came to."""

    sealed: int = 0
    unsealed: int = 0
    last: Anchor = field(default_factory=lambda: Anchor(0, BEGINNING))
    broken: Broken | None = None


def content_of(event: Any) -> str:
    """Return the hash of what an audit row says, in one canonical way of writing it.

    `details` is PostgreSQL's own text of a jsonb value, which is the same for equal values.
    """
    said = {
        "action": event.action,
        "address": event.address,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "by": event.by_user_id,
        "details": event.details,
        "id": event.id,
        "subject": event.subject,
    }
    return _sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def link(position: int, previous: str, content: str, sealed_at: datetime) -> str:
    """Return the hash of a link: its place, the link before, what the row says, and when."""
    at = sealed_at.astimezone(UTC).isoformat(timespec="microseconds")
    return _sha256(f"doyen-audit-1\n{position}\n{previous}\n{content}\n{at}")


def seal_waiting(session: Session, *, at: datetime, limit: int = AT_ONCE) -> int:
    """Seal audit rows that are committed, in the order of their ids; return how many were."""
    session.execute(LOCK)
    last = _last(session)
    made = []
    for event in session.execute(WAITING, {"limit": limit}):
        content = content_of(event)
        position = last.position + 1
        row = {
            "position": position,
            "event_id": event.id,
            "content": content,
            "previous": last.hash,
            "hash": link(position, last.hash, content, at),
            "sealed_at": at,
        }
        last = Anchor(position, row["hash"])
        made.append(row)
    if made:
        session.execute(insert(AuditSeal), made)
        ids = [row["event_id"] for row in made]
        session.execute(delete(AuditUnsealed).where(col(AuditUnsealed.event_id).in_(ids)))
    return len(made)


def seal_all() -> int:
    """Seal all that waits, in transactions of bounded size; return how many rows were sealed."""
    done = 0
    while True:
        with transaction() as session:
            sealed = seal_waiting(session, at=now())
        done += sealed
        if sealed < AT_ONCE:
            return done


def anchor(session: Session) -> Anchor:
    """Return the last link: kept elsewhere, it proves later that nothing before was rewritten."""
    return _last(session)


def parse_anchor(words: str) -> Anchor:
    """Read an anchor as `anchor` writes it."""
    position, _colon, hash_ = words.strip().partition(":")
    if not position.isdigit() or len(hash_) != len(BEGINNING) or not hash_.isalnum():
        raise BadAnchor
    return Anchor(int(position), hash_.lower())


def verify(
    session: Session, *, anchors: list[Anchor] | None = None, after: bool = False
) -> Verified:
    """Read the chain from its beginning, or after the last anchor, up to the first broken row.

    With `after` the chain up to the anchor is taken on trust: only the anchor's own link and
    those that follow are read.
    """
    known = {one.position: one.hash for one in anchors or ()}
    found = Verified()
    if after and known:
        found.broken = _wrong_start(session, max(known), known[max(known)])
        found.last = Anchor(max(known), known[max(known)])
        known = {}
    if found.broken is None:
        found.broken = _first_broken(session, found, known)
    return found


def check(session: Session, *, at: datetime) -> AuditCheck:
    """Verify the whole chain and note what came of it."""
    found = verify(session)
    row = AuditCheck(
        checked_at=at,
        sealed=found.sealed,
        unsealed=found.unsealed,
        breach=found.broken.breach if found.broken else None,
        position=found.broken.position if found.broken else None,
        event_id=found.broken.event_id if found.broken else None,
    )
    session.add(row)
    return row


def last_check(session: Session) -> AuditCheck | None:
    """Return the last check."""
    return session.exec(select(AuditCheck).order_by(col(AuditCheck.id).desc()).limit(1)).first()


def unsealed(session: Session) -> tuple[int, datetime | None]:
    """Return how many audit rows wait for their seals, and since when the oldest does."""
    query = select(func.count(), func.min(col(AuditEvent.at))).join(
        AuditUnsealed, col(AuditUnsealed.event_id) == col(AuditEvent.id)
    )
    count, oldest = session.exec(query).one()
    return count, oldest


def _first_broken(session: Session, found: Verified, anchors: dict[int, str]) -> Broken | None:
    options = {"stream_results": True, "yield_per": AT_ONCE}
    after = {"after": found.last.position}
    with closing(session.execute(EVERYTHING, after, execution_options=options)) as rows:
        for row in rows:
            broken = _unsealed(row, found) if row.position is None else _link(row, found, anchors)
            if broken is not None:
                return broken
    left = [position for position in anchors if position > found.last.position]
    if left:
        words = "the chain ends before the anchor: its last links were removed"
        return Broken(Breach.MISSING, min(left), None, words)
    return None


def _link(row: Any, found: Verified, anchors: dict[int, str]) -> Broken | None:
    """Check one link against the one before and against its row, and count it."""
    position, before = row.position, found.last
    if position != before.position + 1:
        words = f"the links before {position} are gone"
        return Broken(Breach.MISSING, before.position + 1, None, words)
    if row.previous != before.hash:
        words = "the link does not follow the one before"
        return Broken(Breach.CHANGED, position, row.sealed_id, words)
    if row.hash != link(position, row.previous, row.content, row.sealed_at):
        return Broken(Breach.CHANGED, position, row.sealed_id, "the link itself was changed")
    if row.id is None:
        return Broken(Breach.MISSING, position, row.sealed_id, "the audit row is gone")
    if row.content != content_of(row):
        words = "the audit row says something else than when it was sealed"
        return Broken(Breach.CHANGED, position, row.sealed_id, words)
    if anchors.get(position, row.hash) != row.hash:
        words = "the chain up to here is not the one that the anchor was taken from"
        return Broken(Breach.CHANGED, position, row.sealed_id, words)
    found.sealed += 1
    found.last = Anchor(position, row.hash)
    return None


def _unsealed(row: Any, found: Verified) -> Broken | None:
    """Check a row that no link holds: it waits for one, or it came in by a side door."""
    if row.id is None:
        words = "an audit row went before it was sealed"
        return Broken(Breach.MISSING, None, row.waiting_id, words)
    if not row.waits:
        words = "an audit row came in without waiting for a seal"
        return Broken(Breach.INSERTED, None, row.id, words)
    found.unsealed += 1
    return None


def _wrong_start(session: Session, position: int, hash_: str) -> Broken | None:
    if position == 0:
        return None
    seal = session.get(AuditSeal, position)
    if seal is None:
        return Broken(Breach.MISSING, position, None, "the link of the anchor is gone")
    if seal.hash != hash_:
        words = "the chain up to here is not the one that the anchor was taken from"
        return Broken(Breach.CHANGED, position, seal.event_id, words)
    return None


def _last(session: Session) -> Anchor:
    query = select(AuditSeal.position, AuditSeal.hash).order_by(col(AuditSeal.position).desc())
    row = session.exec(query.limit(1)).first()
    return Anchor(*row) if row else Anchor(0, BEGINNING)


def _sha256(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
