"""Retention: what goes after a time, by rules with periods that the operator sets.

Each rule is a transaction of its own, so that one that fails holds up no other.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import LazyString
from sqlalchemy import text
from sqlmodel import Session, col, select

from accounts import erasure
from accounts.models import User
from core import periods, personal_data
from core.db import transaction
from core.models import RetentionRun
from core.personal_data import Register, Rule


@dataclass(frozen=True)
class Foreseen:
    """A rule with its period, and how many rows would go now."""

    name: str
    words: LazyString
    days: int
    least: int
    count: int


def foresee(
    session: Session, register: Register, days: Mapping[str, int], *, at: datetime
) -> list[Foreseen]:
    """Say what each rule would do now."""
    return [
        Foreseen(
            rule.name,
            rule.words,
            periods.days(days, rule.name),
            periods.PERIODS[rule.name].least,
            _count(session, rule, before) if (before := _before(rule, days, at)) else 0,
        )
        for rule in register.rules
    ]


def apply(register: Register, days: Mapping[str, int], *, at: datetime) -> dict[str, int]:
    """Apply each rule that has a period, and note what it came to."""
    done = {}
    for rule in register.rules:
        before = _before(rule, days, at)
        if before is not None:
            with transaction() as session:
                done[rule.name] = _act(session, rule, before)
    with transaction() as session:
        session.add(RetentionRun(at=at, counts=done))
    return done


def last_run(session: Session) -> RetentionRun | None:
    """Return the last pass."""
    return session.exec(select(RetentionRun).order_by(col(RetentionRun.id).desc()).limit(1)).first()


def erase_unconfirmed(session: Session, before: datetime) -> int:
    """Erase accounts whose address nobody ever confirmed."""
    query = select(User).where(
        col(User.confirmed_at).is_(None), col(User.active), col(User.created_at) < before
    )
    found = list(session.exec(query.with_for_update(skip_locked=True)))
    for user in found:
        erasure.erase_rows(session, personal_data.of_app(), user, key=secrets.token_hex(8))
    return len(found)


def _before(rule: Rule, days: Mapping[str, int], at: datetime) -> datetime | None:
    kept = periods.days(days, rule.name)
    return at - timedelta(days=kept) if kept else None


def _count(session: Session, rule: Rule, before: datetime) -> int:
    question = text(f"SELECT count(*) {rule.find}")  # a rule is ours
    return int(session.execute(question, {"before": before}).scalar_one())


def _act(session: Session, rule: Rule, before: datetime) -> int:
    if callable(rule.act):
        return rule.act(session, before)
    return int(session.execute(text(rule.act), {"before": before}).rowcount)  # type: ignore[attr-defined]
