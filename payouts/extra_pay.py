"""Pay beside the price of tasks: bonuses at once, reviews and qualification reserved before.

All of it comes from the project's budget with the project's usual fee on top, is credited whole,
and is never taken back. Each act counts once for its reference.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core.errors import Conflict, NotAllowed
from core.money import Money
from payouts import budgets, ledger
from payouts.extra_pay_models import ExtraKind, ExtraPay, ExtraState
from payouts.models import Reservation


class OtherUse(Conflict):
    """This form was used before, for another amount or another person. Load the page again."""


class OwnReview(NotAllowed):
    """Nobody is paid for reviewing their own work."""


@dataclass(frozen=True)
class Extra:
    """What is paid beside a task: for what, to whom, how much, and the fee on top."""

    kind: ExtraKind
    project_id: int
    expert_id: int
    pay: Money
    fee: Money
    assignment_id: int | None = None
    words: str = ""
    given_by: int | None = None


def review_reference(assignment_id: int, reviewer_id: int) -> str:
    """Name the pay of one reviewer for one answer."""
    return f"review:{assignment_id}:{reviewer_id}"


def qualification_reference(assignment_id: int) -> str:
    """Name the pay of one qualification task."""
    return f"qualification:{assignment_id}"


def sample_reference(sample_id: int, position: int) -> str:
    """Name the pay of one task of a work sample."""
    return f"sample:{sample_id}:{position}"


def is_known(session: Session, reference: str) -> bool:
    """Say whether a pay stands under a reference, whatever became of it."""
    query = select(ExtraPay.id).where(ExtraPay.reference == reference)
    return session.exec(query).first() is not None


def give(session: Session, extra: Extra, reference: str, *, at: datetime) -> ExtraPay | None:
    """Credit a pay at once, from the budget; None when its reference was used before.

    Raises `budgets.OutOfBudget`, or `budgets.Frozen` while a payment is disputed, and then nothing
    is left of it.
    """
    budgets.check_not_frozen(session, extra.project_id)
    with session.begin_nested():
        made = _insert(session, extra, reference, ExtraState.EARNED, at)
        if made is not None:
            source = ledger.budget(extra.project_id, extra.pay.currency)
            _post(session, made, "given", _to_expert(made, source), at)
    return made


def reserve(session: Session, extra: Extra, reference: str, *, at: datetime) -> ExtraPay:
    """Set a pay aside before its work starts, once; raises `budgets.OutOfBudget`."""
    if extra.kind is ExtraKind.REVIEW:
        _check_not_own(session, extra)
    with session.begin_nested():
        made = _insert(session, extra, reference, ExtraState.HELD, at)
        if made is not None:
            source = ledger.budget(extra.project_id, extra.pay.currency)
            target = ledger.reserve(extra.project_id, extra.pay.currency)
            _post(session, made, "reserved", _both(made, source, target, target), at)
    found = made or of(session, reference)
    if found.state is ExtraState.RELEASED:
        raise budgets.NotReserved
    return found


def earn(session: Session, reference: str, *, at: datetime) -> Money:
    """Credit what was set aside; earning again changes nothing and returns the same."""
    row = of(session, reference)
    if row.state is ExtraState.RELEASED:
        raise budgets.NotReserved
    if row.state is ExtraState.HELD:
        source = ledger.reserve(row.project_id, row.currency)
        _post(session, row, "earned", _to_expert(row, source), at)
        row.state, row.ended_at = ExtraState.EARNED, at
    return row.pay


def release(session: Session, reference: str, *, at: datetime) -> None:
    """Give back what was set aside and not earned; raises `AlreadyEarned` when it was."""
    row = of(session, reference)
    if row.state is ExtraState.EARNED:
        raise budgets.AlreadyEarned
    if row.state is ExtraState.HELD:
        source = ledger.reserve(row.project_id, row.currency)
        target = ledger.budget(row.project_id, row.currency)
        _post(session, row, "released", _both(row, source, target, target), at)
        row.state, row.ended_at = ExtraState.RELEASED, at


def of(session: Session, reference: str) -> ExtraPay:
    """Return a pay by its reference, locked; raise `NotReserved` when there is none."""
    found = session.exec(
        select(ExtraPay)
        .where(ExtraPay.reference == reference)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise budgets.NotReserved
    return found


def of_project(project_id: int, kind: ExtraKind) -> Any:
    """Select the pays of one kind of a project, newest first."""
    question = select(ExtraPay).where(ExtraPay.project_id == project_id, ExtraPay.kind == kind)
    return question.order_by(col(ExtraPay.id).desc())


def _check_not_own(session: Session, extra: Extra) -> None:
    work = session.get(Reservation, extra.assignment_id)
    if work is not None and work.expert_id == extra.expert_id:
        raise OwnReview


def _insert(
    session: Session, extra: Extra, reference: str, state: ExtraState, at: datetime
) -> ExtraPay | None:
    row = {
        "kind": extra.kind,
        "project_id": extra.project_id,
        "expert_id": extra.expert_id,
        "assignment_id": extra.assignment_id,
        "pay_minor": extra.pay.minor,
        "fee_minor": extra.fee.minor,
        "currency": (extra.pay + extra.fee).currency,
        "state": state,
        "reference": reference,
        "words": extra.words,
        "given_by": extra.given_by,
        "held_at": at,
        "ended_at": None if state is ExtraState.HELD else at,
    }
    made = session.execute(
        insert(ExtraPay)
        .values(row)
        .on_conflict_do_nothing(index_elements=["reference"])
        .returning(col(ExtraPay.id))
    ).scalar()
    if made is not None:
        return session.get_one(ExtraPay, made)
    known = of(session, reference)
    if any(getattr(known, name) != row[name] for name in ("expert_id", "pay_minor", "words")):
        raise OtherUse
    return None


def _post(
    session: Session, row: ExtraPay, act: str, entries: list[ledger.Entry], at: datetime
) -> None:
    try:
        ledger.post(
            session,
            row.event(act),
            entries,
            at=at,
            narration=f"{row.kind} {act}",
            cause=row.cause,
        )
    except ledger.Overdrawn as short:
        raise budgets.OutOfBudget from short


def _to_expert(row: ExtraPay, source: ledger.Purse) -> list[ledger.Entry]:
    owed = ledger.owed(row.expert_id, row.currency)
    return _both(row, source, owed, ledger.fees(row.project_id, row.currency))


def _both(
    row: ExtraPay, source: ledger.Purse, pay_to: ledger.Purse, fee_to: ledger.Purse
) -> list[ledger.Entry]:
    moves = [
        ledger.Entry("pay", source, pay_to, row.pay),
        ledger.Entry("fee", source, fee_to, row.fee),
    ]
    return [move for move in moves if move.amount]
