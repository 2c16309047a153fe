"""Which bank counts now: the latest that was published, the starter bank where none was.

What is published is kept word for word and read once by each process, so asking costs one look at
an index.
"""

from sqlmodel import Session, col, select

from core.errors import Conflict
from experts.fields import Field
from interviews import items, kept
from interviews.bank_models import BankDraft, BankPublication
from interviews.items import Bank


class NoBank(Conflict):
    """There is no published item bank for this."""


def current(session: Session, field: Field) -> Bank | None:
    """Return the bank of a field; a field without one has no open interview."""
    digest = _latest(session, field, None)
    return items.banks().get(field) if digest is None else kept.by_digest(session, digest)


def every(session: Session) -> dict[Field, Bank]:
    """Return the bank of each field that has one."""
    found = {field: current(session, field) for field in Field}
    return {field: bank for field, bank in found.items() if bank is not None}


def of_organisation(session: Session, organisation_id: int) -> dict[Field, Bank]:
    """Return the banks that an organisation has published for its projects, by field."""
    found = {}
    for field in Field:
        digest = _latest(session, field, organisation_id)
        if digest is not None:
            found[field] = kept.by_digest(session, digest)
    return found


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
        digest = _latest(session, field, organisation_id) if organisation_id is not None else None
        bank = kept.by_digest(session, digest) if digest is not None else None
    if bank is None:
        raise NoBank
    return bank


def now_of(session: Session, field: Field, organisation_id: int | None) -> Bank | None:
    """Return what counts now of a bank that is edited; an organisation's may not be out yet."""
    if organisation_id is None:
        return current(session, field)
    digest = _latest(session, field, organisation_id)
    return kept.by_digest(session, digest) if digest is not None else None


def _latest(session: Session, field: Field, organisation_id: int | None) -> str | None:
    query = (
        select(BankPublication.digest)
        .join(BankDraft, col(BankDraft.id) == BankPublication.bank_id)
        .where(BankDraft.field == field, col(BankDraft.organisation_id) == organisation_id)
        .order_by(col(BankPublication.version).desc())
    )
    return session.exec(query.limit(1)).first()
