"""Disputes: a payer's bank asks a payment back, and the rail takes it from us until it decides.

    inquiry → to answer → under review → won (the money comes back) / lost (it stays away)

News of a dispute is a hint: it is read again, and its state only goes forward. What the rail moves
for it is booked line by line. Meanwhile the project is frozen: no new claims, no refunds; work in
hand goes on, and pay that was earned is never taken back. A lost dispute is borne by the project's
unspent budget as far as that reaches, the rest by the platform.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import operators, organisations, webhooks
from accounts.models import User
from core import audit, messages
from core.clock import now
from core.db import transaction
from core.errors import NotFound
from core.money import Money
from core.ports import DisputeRail, ForeignMoney, RailDispute
from payouts import charges, ledger, rail_lines, references
from payouts.dispute_models import CONTESTED, OPEN, Dispute, DisputeState
from payouts.models import Account, AccountKind, Deposit, Move, ProjectBudget

LOOK_BACK = timedelta(days=180)
DUE_SOON = timedelta(days=3)
# States only go forward; a lost dispute may still be won, by a late word of the bank.
ORDER = (
    DisputeState.INQUIRY,
    DisputeState.INQUIRY_REVIEWED,
    DisputeState.INQUIRY_CLOSED,
    DisputeState.TO_ANSWER,
    DisputeState.REVIEWED,
    DisputeState.PREVENTED,
    DisputeState.LOST,
    DisputeState.WON,
)
GONE = (DisputeState.LOST, DisputeState.PREVENTED)


def reread(dispute_id: str, rail: DisputeRail) -> Dispute:
    """Read a dispute again and record what it says."""
    told = rail.dispute(dispute_id)
    with transaction() as session:
        return record(session, told, at=now())


def sweep(rail: DisputeRail) -> int:
    """Read all disputes of the last months, so that none is missed; return how many."""
    count = 0
    for told in rail.disputes(now() - LOOK_BACK):
        # One that a person has to look at keeps none of the others from being read.
        with suppress(ForeignMoney), transaction() as session:
            record(session, told, at=now())
        count += 1
    return count


def record(session: Session, told: RailDispute, *, at: datetime) -> Dispute:
    """Record what the rail says of a dispute, and book what it has moved, once.

    Raises `ForeignMoney` where it is in another currency than the payment, and then notes nothing.
    """
    _check_currency(session, told)
    row, before = _row(session, told, at)
    for entry in told.entries:
        rail_lines.book(
            session,
            rail_lines.line_of(entry),
            ledger.disputes(row.currency),
            narration="payment disputed" if entry.net.minor < 0 else "disputed payment given back",
            cause=_cause(row),
        )
    state = DisputeState(told.state)
    if before is None or ORDER.index(state) >= ORDER.index(row.state):
        row.state, row.amount_minor = state, told.amount.minor
        row.has_evidence, row.due_at = told.has_evidence, told.due_at
    row.read_at = at
    row.closed_at = None if row.is_open else row.closed_at or at
    session.flush()
    _share(session, row, at)
    freeze(session, row.project_id, at=at)
    if row.state is not before:
        audit.record(session, f"dispute.{row.state}", by=None, subject=f"dispute:{row.id}")
        if row.deposit_id is not None and charges.known(session, row.deposit_id) is not None:
            charges.defer_reread(session, row.deposit_id)  # nothing is drawn from it meanwhile
        _tell(session, row, before)
    return row


def of(session: Session, dispute_id: int) -> Dispute:
    """Return a dispute, or raise `NotFound`."""
    found = session.get(Dispute, dispute_id)
    if found is None:
        raise NotFound
    return found


def of_project(session: Session, project_id: int) -> list[Dispute]:
    """Return the disputes of a project, newest first."""
    question = select(Dispute).where(Dispute.project_id == project_id)
    return list(session.exec(question.order_by(col(Dispute.opened_at).desc())))


def contested(session: Session, budget: ProjectBudget) -> Money:
    """What banks ask back of a project at present."""
    rows = of_project(session, budget.project_id)
    minor = sum(row.amount_minor for row in rows if row.state in CONTESTED)
    return Money(minor, budget.currency)


def to_answer(session: Session, *, until: datetime | None = None) -> list[Dispute]:
    """Return disputes that wait for evidence, the soonest first."""
    question = select(Dispute).where(
        col(Dispute.state).in_((DisputeState.TO_ANSWER, DisputeState.INQUIRY)),
        col(Dispute.has_evidence).is_(False),
    )
    if until is not None:
        question = question.where(col(Dispute.due_at) <= until)
    return list(session.exec(question.order_by(col(Dispute.due_at).nulls_last())))


def count_open(session: Session) -> int:
    """How many disputes no bank has decided yet."""
    question = select(func.count()).select_from(Dispute).where(col(Dispute.state).in_(OPEN))
    return session.exec(question).one()


def freeze(session: Session, project_id: int | None, *, at: datetime) -> None:
    """Freeze a project while a payment of it is contested, and let it go on after."""
    if project_id is None:
        return
    budget = session.get(
        ProjectBudget, project_id, with_for_update={"key_share": True}, populate_existing=True
    )
    contested = select(Dispute.id).where(
        Dispute.project_id == project_id, col(Dispute.state).in_(CONTESTED)
    )
    is_contested = session.exec(contested.limit(1)).first() is not None
    if budget is None or is_contested is (budget.frozen_at is not None):
        return
    budget.frozen_at = at if is_contested else None
    act = "budget.frozen" if is_contested else "budget.unfrozen"
    audit.record(session, act, by=None, subject=f"project:{project_id}")
    event = "project.frozen" if is_contested else "project.unfrozen"
    webhooks.emit(session, budget.organisation_id, event, {"project_id": project_id})


def outstanding(session: Session, row: Dispute) -> Money:
    """What of a dispute stands in the account of disputes: below nothing while it is contested."""
    account = (
        select(Account.id)
        .where(
            Account.kind == AccountKind.DISPUTES,
            Account.owner_id == 0,
            Account.currency == row.currency,
        )
        .scalar_subquery()
    )
    of_it: Any = Move.cause == _cause(row)
    into = select(func.coalesce(func.sum(Move.amount), 0)).where(
        of_it, Move.credit_account_id == account
    )
    out = select(func.coalesce(func.sum(Move.amount), 0)).where(
        of_it, Move.debit_account_id == account
    )
    return Money(int(session.exec(into).one() - session.exec(out).one()), row.currency)


def _row(session: Session, told: RailDispute, at: datetime) -> tuple[Dispute, DisputeState | None]:
    """Return our row of a dispute, locked, and its state before; None when it is new."""
    deposit = _deposit(session, told)
    made = session.execute(
        insert(Dispute)
        .values(
            stripe_dispute_id=told.id,
            stripe_charge_id=told.charge_id,
            deposit_id=deposit.id if deposit else None,
            project_id=deposit.project_id if deposit else None,
            amount_minor=told.amount.minor,
            currency=told.amount.currency,
            reason=told.reason,
            state=DisputeState(told.state),
            has_evidence=told.has_evidence,
            due_at=told.due_at,
            opened_at=told.opened_at,
            read_at=at,
            borne_minor=0,
            lost_minor=0,
        )
        .on_conflict_do_nothing()
        .returning(col(Dispute.id))
    ).first()
    question = select(Dispute).where(Dispute.stripe_dispute_id == told.id).with_for_update()
    row = session.exec(question.execution_options(populate_existing=True)).one()
    return row, None if made else row.state


def _check_currency(session: Session, told: RailDispute) -> None:
    deposit = _deposit(session, told)
    known = deposit.currency if deposit else told.amount.currency
    moved = [told.amount, *(entry.net for entry in told.entries)]
    for other in (amount.currency for amount in moved if amount.currency != known):
        raise ForeignMoney(other)


def _deposit(session: Session, told: RailDispute) -> Deposit | None:
    """Return the payment that is disputed, be it booked here or not."""
    question = select(Deposit).where(Deposit.stripe_charge_id == told.charge_id)
    found = session.exec(question).first()
    named = found or references.row_of(session, told.reference)
    return named if isinstance(named, Deposit) else None


def _share(session: Session, row: Dispute, at: datetime) -> None:
    """Let somebody bear what is lost for good, and give back what came after all."""
    standing = outstanding(session, row)
    if row.state in GONE and standing.minor < 0:
        _bear(session, row, -standing, at)
    elif standing.minor > 0:
        _give_back(session, row, standing, at)


def _bear(session: Session, row: Dispute, amount: Money, at: datetime) -> None:
    """Take a loss from the project's unspent budget as far as it reaches, the rest from us."""
    borne = Money(0, row.currency)
    entries = []
    contested = ledger.disputes(row.currency)
    if row.project_id is not None:
        budget = ledger.budget(row.project_id, row.currency)
        # The accounts are held from here on, so that the budget cannot be spent meanwhile.
        ledger.open_accounts(session, [budget, contested, ledger.losses(row.currency)])
        borne = min(amount, ledger.balance(session, budget))
        if borne:
            entries.append(ledger.Entry("budget", budget, contested, borne))
    lost = amount - borne
    if lost:
        entries.append(ledger.Entry("loss", ledger.losses(row.currency), contested, lost))
    _post(session, row, "lost", entries, "lost dispute", at)
    row.borne_minor += borne.minor
    row.lost_minor += lost.minor


def _give_back(session: Session, row: Dispute, amount: Money, at: datetime) -> None:
    """Give back what was lost and has come after all: to the project first."""
    to_project = min(amount, row.borne)
    to_platform = amount - to_project
    entries = []
    contested = ledger.disputes(row.currency)
    if to_project and row.project_id is not None:
        budget = ledger.budget(row.project_id, row.currency)
        entries.append(ledger.Entry("budget", contested, budget, to_project))
    if to_platform:
        entries.append(ledger.Entry("loss", contested, ledger.losses(row.currency), to_platform))
    _post(session, row, "returned", entries, "lost dispute won after all", at)
    row.borne_minor -= to_project.minor
    row.lost_minor = max(0, row.lost_minor - to_platform.minor)


def _post(
    session: Session,
    row: Dispute,
    act: str,
    entries: list[ledger.Entry],
    narration: str,
    at: datetime,
) -> None:
    # The row is locked, so the number is nobody else's.
    counted = select(func.count(func.distinct(Move.event))).where(Move.cause == _cause(row))
    number = session.exec(counted).one()
    event = f"dispute:{row.id}:{number}:{act}"
    ledger.post(session, event, entries, at=at, narration=narration, cause=_cause(row))


def _cause(row: Dispute) -> str:
    return f"dispute:{row.id}"


def _tell(session: Session, row: Dispute, before: DisputeState | None) -> None:
    """Write to the owner and the operators when a dispute begins to matter and when it ends."""
    was_contested, is_contested = before in CONTESTED, row.state in CONTESTED
    budget = session.get(ProjectBudget, row.project_id) if row.project_id else None
    said = {"dispute": row, "budget": budget}
    begins = before is None or (is_contested and not was_contested)
    if row.is_open and begins:
        for operator in operators.besides(session):
            messages.write(session, to=operator, template="payouts/dispute_to_answer", **said)
        if is_contested:
            _write_owners(session, row, "payouts/dispute_opened", **said)
    elif not row.is_open and row.state is not DisputeState.INQUIRY_CLOSED:
        for operator in operators.besides(session):
            messages.write(session, to=operator, template="payouts/dispute_decided", **said)
        _write_owners(session, row, "payouts/dispute_closed", **said)


def _write_owners(session: Session, row: Dispute, template: str, **said: Any) -> None:
    deposit = session.get(Deposit, row.deposit_id) if row.deposit_id else None
    budget = said["budget"]
    if deposit is None or budget is None:
        return
    payer = session.get(User, deposit.opened_by) if deposit.opened_by else None
    people = {user.id: user for user in organisations.admins(session, budget.organisation_id)}
    if payer is not None:
        people[payer.id] = payer
    for person in people.values():
        messages.write(session, to=person, template=template, **said)
