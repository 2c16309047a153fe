"""Banks as they were, and the answers: an interview is scored by the words that it began with."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from interviews import items, kept, templates
from interviews.items import Bank, Item
from interviews.models import BankEdition, Interview, Response
from interviews.plan import Step


def freeze(session: Session, bank: Bank, at: datetime) -> str:
    """Keep a bank as it is now, once, without what a template lays over it; return its digest."""
    if bank.origin != bank.digest:
        starter = items.banks().get(bank.field)
        if starter is None or starter.digest != bank.origin:
            return bank.origin  # it was published, so it is kept already
        bank = starter
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
    """Return the bank that an interview was planned from, as its template asks it."""
    current = items.banks().get(interview.field)
    if current is None or current.digest != interview.edition:
        current = kept.by_digest(session, interview.edition)
    return templates.laid_over(session, interview, current)


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
