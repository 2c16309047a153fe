"""Refunds: unspent money of a budget goes back to the owner who paid it in, once.

    ready → sending → pending → succeeded ─┐
              ↓ ↑        ↓                 ├→ failed: back in the budget
            unknown   needs_person ────────┘

The budget is debited when the owner asks, so that nobody can spend the money meanwhile: it stands
in the reserve until the rail has taken it. Each part goes to one charge, under its own reference,
in three steps as in `sending`. A refund may fail even after it had succeeded. The rail keeps its
fee for the payment; the platform has borne that when the money came in, and bears it still.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, or_, select

from accounts.models import User
from core import audit, formats, jobs, messages
from core.clock import now
from core.db import transaction
from core.errors import Conflict, Invalid, NotFound
from core.money import Money
from core.ports import NotEnoughFunds, PayoutRefused, RailDown, RailRefund, RefundRail
from payouts import budgets, charges, ledger, policy, refundable
from payouts.charge_models import Charge
from payouts.refund_models import Refund, RefundPart, RefundState

ASKED = (RefundState.SENDING, RefundState.UNKNOWN)
OPEN = (*ASKED, RefundState.READY, RefundState.PENDING, RefundState.NEEDS_PERSON)
WAITING = (RefundState.PENDING, RefundState.NEEDS_PERSON)
FROZEN = "project_frozen"
NARRATIONS = {
    "asked": "refund asked for",
    "sent": "refunded to the owner",
    "returned": "refund did not arrive",
}
REREAD_AFTER = timedelta(hours=6)
# A bank may send money back after weeks; the rail tells by message, and this is the safety net.
REREAD_DONE_AFTER = timedelta(days=1)
REREAD_DONE_UNTIL = timedelta(days=45)


class MoreThanUnspent(Conflict):
    """At most %(most)s can be refunded now; the rest is reserved, spent or was refunded before."""


class Contested(Conflict):
    """A payment of this project is disputed. Nothing is refunded until the bank has decided."""


class NothingAsked(Invalid):
    """Say how much is to be refunded."""


class UsedForm(Conflict):
    """The form was already used for another refund. Load the page again and fill it in anew."""


@dataclass(frozen=True)
class Ask:
    """One attempt of a part as it is put to the rail."""

    part_id: int
    attempt: int
    amount: Money
    charge_id: str
    reference: str
    since: datetime


def ask(
    session: Session, project_id: int, amount: Money, *, key: str, by: int, at: datetime
) -> Refund:
    """Take an amount out of a budget and let it go back; the same form again is the first refund.

    Raises `MoreThanUnspent` when the budget or its payments hold less.
    """
    if amount.minor <= 0:
        raise NothingAsked
    code = budgets.of(session, project_id).currency
    # One refund of a project at a time, and no payout draws on its charges meanwhile.
    rows = charges.of_projects(session, [project_id], code, lock=True)
    known = session.exec(select(Refund).where(Refund.request_key == key)).first()
    if known is not None:
        if (known.project_id, known.amount) != (project_id, amount):
            raise UsedForm
        return known
    if budgets.is_frozen(session, project_id):
        raise Contested
    most = refundable.of(session, project_id, at=at).most
    if amount > most:
        raise MoreThanUnspent(most=formats.money(most))
    split = refundable.shares(rows, amount, at)
    made = _make(session, project_id, amount, key=key, by=by, at=at)
    found = [_part(session, made, row, share, n) for n, (row, share) in enumerate(split, start=1)]
    try:
        _set_aside(session, made, at)
    except ledger.Overdrawn as short:
        # Somebody has claimed a task at this very moment.
        left = ledger.balance(session, ledger.budget(project_id, code))
        raise MoreThanUnspent(most=formats.money(left)) from short
    details = {"amount_minor": amount.minor, "currency": amount.currency}
    audit.record(session, "refund.asked", by=by, subject=f"refund:{made.id}", details=details)
    for part in found:
        defer_send(session, part)
    _tell(session, made, "payouts/refund_asked", amount)
    return made


def send(part_id: int, rail: RefundRail) -> RefundState:
    """Claim a part, ask the rail, record what it said."""
    with transaction() as session:
        asking = claim(session, part_id, at=now())
    return _put(asking, rail) if asking else _state(part_id)


def look_up(part_id: int, rail: RefundRail) -> RefundState:
    """Find out what became of a part whose answer was lost, and finish it."""
    with transaction() as session:
        asking = claim_look(session, part_id, at=now())
    if asking is None:
        return _state(part_id)
    try:
        found = rail.find_refund(asking.charge_id, reference=asking.reference)
    except (RailDown, PayoutRefused):
        return RefundState.UNKNOWN  # the next look is already set
    if found is not None:
        with transaction() as session:
            return record(session, part_id, found, at=now())
    if policy.key_lives(asking.since, now()):
        return _put(asking, rail)
    with transaction() as session:
        return _never_arrived(session, asking)


def reread(part_id: int, rail: RefundRail) -> RefundState:
    """Read a refund again that the rail has; one whose answer was lost is looked up."""
    with transaction() as session:
        part = of(session, part_id)
    if part.stripe_refund_id is None:
        return look_up(part_id, rail)
    found = rail.refund(part.stripe_refund_id)
    with transaction() as session:
        return record(session, part_id, found, at=now())


def claim(session: Session, part_id: int, *, at: datetime) -> Ask | None:
    """Take a part in hand: a new attempt begins. None when there is nothing to ask.

    While a payment of the project is disputed nothing leaves: the part goes back to the budget.
    """
    charge, part = _locked(session, part_id)
    if part.state is not RefundState.READY or (part.try_at and part.try_at > at):
        return None
    if budgets.is_frozen(session, part.project_id):
        _fail(session, charge, part, FROZEN, at)
        return None
    part.attempt += 1
    part.state, part.sending_at, part.looks = RefundState.SENDING, at, 0
    part.try_at = at + policy.ANSWER_TIME
    return _asking(session, part)


def claim_look(session: Session, part_id: int, *, at: datetime) -> Ask | None:
    """Take a lost part in hand, and set when the next one looks, should this one crash."""
    part = of(session, part_id, lock=True)
    if part.state not in ASKED or (part.try_at and part.try_at > at):
        return None
    part.state = RefundState.UNKNOWN
    part.looks += 1
    part.try_at = at + policy.wait_after(part.looks)
    return _asking(session, part)


def record(session: Session, part_id: int, told: RailRefund, *, at: datetime) -> RefundState:
    """Record what the rail says of a part; what has failed goes back into the budget, once."""
    charge, part = _locked(session, part_id)
    part.read_at = at
    if part.state is RefundState.FAILED:
        return part.state
    part.stripe_refund_id = part.stripe_refund_id or told.id
    if told.id != part.stripe_refund_id or told.amount != part.amount:
        part.state, part.trouble = RefundState.NEEDS_PERSON, "not_as_asked"
        part.try_at = None
        return part.state
    if told.has_moved:
        _book(session, charge, part, at)
    if told.state == "failed":
        _fail(session, charge, part, told.trouble or "failed", at)
        return part.state
    if part.state is RefundState.SUCCEEDED:
        return part.state  # an older reading that came late
    part.trouble, part.try_at = told.trouble, None
    part.state = RefundState(told.state)
    if part.state is RefundState.SUCCEEDED:
        part.ended_at = at
        audit.record(session, "refund.succeeded", by=None, subject=f"refund:{part.refund_id}")
        _finish(session, part, at)
    return part.state


def record_refused(
    session: Session, part_id: int, attempt: int, refusal: PayoutRefused, *, at: datetime
) -> RefundState:
    """Record that the rail gave nothing back: later again, or never."""
    charge, part = _locked(session, part_id)
    if part.state not in ASKED or part.attempt != attempt:
        return part.state
    if isinstance(refusal, NotEnoughFunds):
        part.state, part.trouble = RefundState.READY, refusal.code
        part.try_at = at + policy.wait_after(part.attempt)
    else:
        if refusal.code == "charge_disputed":
            charge.is_disputed = True
        _fail(session, charge, part, refusal.code, at)
    return part.state


def of(session: Session, part_id: int, *, lock: bool = False) -> RefundPart:
    """Return a part of a refund, or raise `NotFound`."""
    found = session.get(RefundPart, part_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise NotFound
    return found


def of_project(session: Session, project_id: int, limit: int = 10) -> list[Refund]:
    """Return the refunds of a project, the newest first."""
    question = select(Refund).where(Refund.project_id == project_id)
    return list(session.exec(question.order_by(col(Refund.id).desc()).limit(limit)))


def parts(session: Session, refund_id: int) -> list[RefundPart]:
    """Return the parts of a refund."""
    question = select(RefundPart).where(RefundPart.refund_id == refund_id)
    return list(session.exec(question.order_by(col(RefundPart.number))))


def state_of(found: list[RefundPart]) -> str:
    """Say in one word how a refund stands, by its parts."""
    states = {part.state for part in found}
    if RefundState.NEEDS_PERSON in states:
        return "needs_person"
    if states & set(OPEN):
        return "pending"
    if states == {RefundState.FAILED}:
        return "failed"
    return "partly" if RefundState.FAILED in states else "succeeded"


def due(session: Session, at: datetime, limit: int = 200) -> list[int]:
    """Return parts that may be put to the rail now."""
    return _ids(session, (RefundState.READY,), at, limit)


def lost(session: Session, at: datetime, limit: int = 200) -> list[int]:
    """Return parts whose answer is overdue."""
    return _ids(session, ASKED, at, limit)


def to_reread(session: Session, at: datetime, limit: int = 200) -> list[int]:
    """Return parts on their way that were not read for a while, and done ones once a day."""
    read_at, state = col(RefundPart.read_at), col(RefundPart.state)
    waits = state.in_(WAITING) & (read_at < at - REREAD_AFTER)
    done = (
        (state == RefundState.SUCCEEDED)
        & (read_at < at - REREAD_DONE_AFTER)
        & (col(RefundPart.ended_at) > at - REREAD_DONE_UNTIL)
    )
    question = select(RefundPart.id).where(
        waits | done, col(RefundPart.stripe_refund_id).is_not(None)
    )
    found = session.exec(question.order_by(read_at).limit(limit))
    return [part_id for part_id in found if part_id is not None]


def _make(
    session: Session, project_id: int, amount: Money, *, key: str, by: int, at: datetime
) -> Refund:
    row = {"amount_minor": amount.minor, "currency": amount.currency}
    session.execute(
        insert(Refund)
        .values(project_id=project_id, request_key=key, asked_by=by, asked_at=at, **row)
        .on_conflict_do_nothing()
    )
    made = session.exec(select(Refund).where(Refund.request_key == key)).one()
    if made.project_id != project_id:
        raise UsedForm  # another project's form, sent at the same moment
    return made


def _part(session: Session, made: Refund, row: Charge, share: Money, number: int) -> RefundPart:
    row.refunded_minor += share.minor
    part = RefundPart(
        refund_id=made.id or 0,
        number=number,
        project_id=made.project_id,
        deposit_id=row.deposit_id,
        amount_minor=share.minor,
        currency=share.currency,
        request_key=uuid4().hex,
    )
    session.add(part)
    session.flush()  # the job needs its number
    return part


def defer_send(session: Session, part: RefundPart) -> None:
    """Let a job put a part to the rail, in the transaction that made it ready."""
    lock = f"refund:{part.id}"
    jobs.defer(session, "payouts.send_refund", queue="money", queueing_lock=lock, part_id=part.id)


def _set_aside(session: Session, made: Refund, at: datetime) -> None:
    source = ledger.budget(made.project_id, made.currency)
    target = ledger.reserve(made.project_id, made.currency)
    _post(session, made.id, f"refund:{made.id}:asked", (source, target), made.amount, at)


def _book(session: Session, charge: Charge, part: RefundPart, at: datetime) -> None:
    """Book that a part has left what the rail holds: from where the charge's money stands."""
    if part.booked_at is not None:
        return
    is_settled = charge.settled_at is not None
    if not is_settled:
        charge.pending_minor -= part.amount_minor
    part.booked_at = at
    source = ledger.reserve(part.project_id, part.currency)
    target = charges.purse(part.currency, is_settled=is_settled)
    event = f"refund-part:{part.id}:sent"
    _post(session, part.refund_id, event, (source, target), part.amount, at)


def _fail(session: Session, charge: Charge, part: RefundPart, why: str, at: datetime) -> None:
    """Give a part back to the budget, be it from the reserve or from the rail, and say so."""
    target = ledger.budget(part.project_id, part.currency)
    if part.booked_at is None:
        source = ledger.reserve(part.project_id, part.currency)
    else:
        source = ledger.clearing(part.currency)  # what comes back from a bank can be used at once
    event = f"refund-part:{part.id}:returned"
    _post(session, part.refund_id, event, (source, target), part.amount, at)
    charge.refunded_minor -= part.amount_minor
    part.state, part.trouble, part.try_at, part.ended_at = RefundState.FAILED, why, None, at
    made = session.get_one(Refund, part.refund_id)
    subject = f"refund:{part.refund_id}"
    audit.record(session, "refund.failed", by=None, subject=subject, details={"reason": why})
    _tell(session, made, "payouts/refund_failed", part.amount)
    _finish(session, part, at, is_told=True)


def _finish(session: Session, part: RefundPart, at: datetime, *, is_told: bool = False) -> None:
    """End a refund with its last part, and tell who asked."""
    session.flush()
    made = session.get_one(Refund, part.refund_id, with_for_update=True, populate_existing=True)
    found = parts(session, part.refund_id)
    if any(one.state in OPEN for one in found) or made.ended_at is not None:
        return
    made.ended_at = at
    if not is_told:
        done = [one.amount for one in found if one.state is RefundState.SUCCEEDED]
        _tell(session, made, "payouts/refund_done", sum(done, Money(0, made.currency)))


def _tell(session: Session, made: Refund, template: str, amount: Money) -> None:
    person = session.get(User, made.asked_by) if made.asked_by else None
    if person is not None:
        budget = budgets.of(session, made.project_id)
        said = {"refund": made, "amount": amount, "budget": budget}
        messages.write(session, to=person, template=template, **said)


def _post(
    session: Session,
    refund_id: int | None,
    event: str,
    way: tuple[ledger.Purse, ledger.Purse],
    amount: Money,
    at: datetime,
) -> None:
    entries = [ledger.Entry("amount", *way, amount)]
    narration = NARRATIONS[event.rpartition(":")[2]]
    cause = f"refund:{refund_id}"
    ledger.post(session, event, entries, at=at, narration=narration, cause=cause)


def _put(asking: Ask, rail: RefundRail) -> RefundState:
    try:
        found = rail.give_back(asking.charge_id, asking.amount, reference=asking.reference)
    except PayoutRefused as refusal:
        with transaction() as session:
            return record_refused(session, asking.part_id, asking.attempt, refusal, at=now())
    except RailDown:
        with transaction() as session:
            return _unknown(session, asking)
    with transaction() as session:
        return record(session, asking.part_id, found, at=now())


def _unknown(session: Session, asking: Ask) -> RefundState:
    part = of(session, asking.part_id, lock=True)
    if part.state in ASKED and part.attempt == asking.attempt:
        part.state = RefundState.UNKNOWN
        part.try_at = now() + policy.wait_after(part.looks)
    return part.state


def _never_arrived(session: Session, asking: Ask) -> RefundState:
    part = of(session, asking.part_id, lock=True)
    if part.state in ASKED and part.attempt == asking.attempt:
        part.state, part.try_at = RefundState.READY, None
        defer_send(session, part)
    return part.state


def _locked(session: Session, part_id: int) -> tuple[Charge, RefundPart]:
    """Return a part and its charge, the charge locked first, as everywhere."""
    charge = charges.of(session, of(session, part_id).deposit_id, lock=True)
    return charge, of(session, part_id, lock=True)


def _asking(session: Session, part: RefundPart) -> Ask:
    return Ask(
        part_id=part.id or 0,
        attempt=part.attempt,
        amount=part.amount,
        charge_id=charges.of(session, part.deposit_id).stripe_charge_id,
        reference=part.reference,
        since=part.sending_at or now(),
    )


def _state(part_id: int) -> RefundState:
    with transaction() as session:
        return of(session, part_id).state


def _ids(session: Session, states: tuple[RefundState, ...], at: datetime, limit: int) -> list[int]:
    try_at = col(RefundPart.try_at)
    question = (
        select(RefundPart.id)
        .where(col(RefundPart.state).in_(states), or_(try_at.is_(None), try_at <= at))
        .order_by(try_at.nulls_first(), col(RefundPart.id))
        .limit(limit)
    )
    return [part_id for part_id in session.exec(question) if part_id is not None]
