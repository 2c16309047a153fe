"""Which bank counts now: the latest that was published, the starter bank where none was.

What is published is kept word for word and read once by each process, so asking costs one look at
an index. An organisation may have a bank of its own in a field, for the projects of its own; while
it is withdrawn, no new interview uses it.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from core.errors import Conflict
from experts.fields import Field
from interviews import items, kept
from interviews.bank_models import BankDraft, BankPublication
from interviews.gap_models import BankWithdrawal
from interviews.items import Bank


class NoBank(Conflict):
    """There is no published item bank for this."""


@dataclass(frozen=True)
class OwnBank:
    """An organisation's own bank in a field, with its last version, and whether it is withdrawn.

    Nothing was published yet where there is no version.
    """

    draft: BankDraft
    version: BankPublication | None
    withdrawal: BankWithdrawal | None
    bank: Bank | None

    @property
    def in_use(self) -> Bank | None:
        """The bank that a new interview uses, if one may."""
        return None if self.withdrawal is not None else self.bank


def current(session: Session, field: Field) -> Bank | None:
    """Return the bank of a field; a field without one has no open interview."""
    digest = _latest(session, field, None)
    return items.banks().get(field) if digest is None else kept.by_digest(session, digest)


def every(session: Session) -> dict[Field, Bank]:
    """Return the bank of each field that has one."""
    found = {field: current(session, field) for field in Field}
    return {field: bank for field, bank in found.items() if bank is not None}


def of_organisation(session: Session, organisation_id: int) -> dict[Field, Bank]:
    """Return the banks that an organisation's projects may use now, by field."""
    found = {field: own_of(session, field, organisation_id) for field in Field}
    return {field: one.in_use for field, one in found.items() if one and one.in_use}


def own_of(session: Session, field: Field, organisation_id: int) -> OwnBank | None:
    """Return what an organisation has of an own bank in a field, in use or not."""
    query = select(BankDraft).where(
        BankDraft.field == field, col(BankDraft.organisation_id) == organisation_id
    )
    draft = session.exec(query).first()
    return _own(session, draft) if draft is not None else None


def own_by_id(session: Session, bank_id: int) -> OwnBank:
    """Return an organisation's own bank, in use or not."""
    return _own(session, session.get_one(BankDraft, bank_id))


def edition_to_use(
    session: Session, field: Field, *, organisation_id: int | None = None, own: bool = False
) -> Bank:
    """Return the bank that a new interview uses; `own` asks for that of the organisation.

    Whoever plans an interview from it keeps it with `editions.freeze`, which changes nothing where
    it is kept already.
    """
    if not own:
        bank = current(session, field)
    else:
        theirs = own_of(session, field, organisation_id) if organisation_id is not None else None
        bank = theirs.in_use if theirs is not None else None
    if bank is None:
        raise NoBank
    return bank


def now_of(session: Session, field: Field, organisation_id: int | None) -> Bank | None:
    """Return the last version of a bank that is edited; an organisation's may not be out yet."""
    if organisation_id is None:
        return current(session, field)
    digest = _latest(session, field, organisation_id)
    return kept.by_digest(session, digest) if digest is not None else None


def owning(session: Session, digest: str) -> int | None:
    """Return which organisation's bank an edition is of, by the bank's id; None for a field's."""
    query = (
        select(BankDraft.id)
        .join(BankPublication, col(BankPublication.bank_id) == col(BankDraft.id))
        .where(BankPublication.digest == digest, col(BankDraft.organisation_id).is_not(None))
    )
    return session.exec(query).first()


def _own(session: Session, draft: BankDraft) -> OwnBank:
    versions = select(BankPublication).where(BankPublication.bank_id == draft.key)
    last = session.exec(versions.order_by(col(BankPublication.version).desc()).limit(1)).first()
    away = select(BankWithdrawal).where(
        BankWithdrawal.bank_id == draft.key, col(BankWithdrawal.ended_at).is_(None)
    )
    bank = kept.by_digest(session, last.digest) if last is not None else None
    return OwnBank(draft, last, session.exec(away).first(), bank)


def _latest(session: Session, field: Field, organisation_id: int | None) -> str | None:
    query = (
        select(BankPublication.digest)
        .join(BankDraft, col(BankDraft.id) == BankPublication.bank_id)
        .where(BankDraft.field == field, col(BankDraft.organisation_id) == organisation_id)
        .order_by(col(BankPublication.version).desc())
    )
    return session.exec(query.limit(1)).first()
