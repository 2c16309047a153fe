"""Banks as they were, and the answers: an interview is scored by the words that it began with."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from interviews import items
from interviews.items import Bank, Item
from interviews.models import BankEdition, Interview, Response
from interviews.plan import Step


def freeze(session: Session, bank: Bank, at: datetime) -> str:
    """Keep a bank as it is now, once; return its digest."""
    session.execute(
        insert(BankEdition)
        .values(
            digest=bank.digest,
            field=bank.field,
            version=bank.version,
            content=bank.model_dump_json(),
            first_used_at=at,
        )
        .on_conflict_do_nothing()
    )
    return bank.digest


def of(session: Session, interview: Interview) -> Bank:
    """Return the bank that an interview was planned from."""
    current = items.banks().get(interview.field)
    if current is not None and current.digest == interview.edition:
        return current
    return by_digest(session, interview.edition)


def by_digest(session: Session, digest: str) -> Bank:
    """Return a bank that was kept; one that was read lately is not read again."""
    if digest not in _KNOWN:
        while len(_KNOWN) >= KNOWN_AT_MOST:
            _KNOWN.pop(next(iter(_KNOWN)), None)
        content = session.get_one(BankEdition, digest).content
        _KNOWN[digest] = Bank.model_validate_json(content)
    return _KNOWN[digest]


def responses(session: Session, interview: Interview) -> Sequence[Response]:
    """Return the answers of an interview so far, in order."""
    query = select(Response).where(Response.interview_id == interview.id)
    return session.exec(query.order_by(col(Response.position))).all()


def steps(interview: Interview) -> list[Step]:
    """Return the plan of an interview."""
    return [Step.model_validate(step) for step in interview.plan]


def asked(bank: Bank, interview: Interview, position: int) -> tuple[Step, Item]:
    """Return the question at a position, and in which order its options stand."""
    step = steps(interview)[position - 1]
    return step, bank.item(step.item)


# An edition is named by the hash of its words, so what is known of it never becomes wrong.
KNOWN_AT_MOST = 64
_KNOWN: dict[str, Bank] = {}
