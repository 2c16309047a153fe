"""Withdrawing an organisation's own bank: no new interview uses it until it is taken up again.

Interviews under way keep the edition that they began with. The projects that ask from it let nobody
new in meanwhile, since what a project asks for never becomes less by itself; their owners are told.
"""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import audit, jobs
from core.errors import Conflict, Invalid, NotFound
from interviews import banks
from interviews.bank_models import BankDraft
from interviews.gap_models import BankWithdrawal

WORDS_AT_LEAST, WORDS_AT_MOST = 10, 1000


class NothingInUse(Conflict):
    """No version of this bank is published, so there is nothing to withdraw."""


class SayWhy(Invalid):
    """Say in %(least)s to %(most)s characters why: the owners of the projects read it."""


def of(session: Session, draft: BankDraft) -> BankWithdrawal | None:
    """Return the withdrawal that is in force, if one is."""
    query = select(BankWithdrawal).where(
        BankWithdrawal.bank_id == draft.key, col(BankWithdrawal.ended_at).is_(None)
    )
    return session.exec(query).first()


def withdraw(session: Session, draft: BankDraft, words: str, *, by: int, at: datetime) -> bool:
    """Let no new interview use an own bank; False when it is withdrawn already.

    The caller holds its row.
    """
    if draft.organisation_id is None:
        raise NotFound  # a field keeps its bank: without one it had no interviews
    if banks.own_by_id(session, draft.key).version is None:
        raise NothingInUse
    said = words.strip()
    if not WORDS_AT_LEAST <= len(said) <= WORDS_AT_MOST:
        raise SayWhy(least=WORDS_AT_LEAST, most=WORDS_AT_MOST)
    made = session.execute(
        insert(BankWithdrawal)
        .values(bank_id=draft.key, words=said, withdrawn_by=by, withdrawn_at=at)
        .on_conflict_do_nothing()
        .returning(col(BankWithdrawal.id))
    ).scalar()
    if made is None:
        return False
    _record(session, draft, "withdrawn", by=by, words=said)
    tell_owners(session)
    return True


def end(session: Session, draft: BankDraft, *, by: int, at: datetime) -> bool:
    """Let new interviews use an own bank again; False when they do already."""
    found = of(session, draft)
    if found is None:
        return False
    found.ended_by, found.ended_at = by, at
    session.add(found)
    _record(session, draft, "taken_up", by=by)
    return True


def tell_owners(session: Session) -> None:
    """Let the owners hear soon what a change of a bank means for their projects."""
    jobs.defer(session, "interviews.tell_of_gaps", queueing_lock="interviews.tell_of_gaps")


def _record(session: Session, draft: BankDraft, what: str, *, by: int, **details: str) -> None:
    audit.record(
        session, f"item_bank.{what}", by=by, subject=f"item_bank:{draft.id}", details=details
    )
