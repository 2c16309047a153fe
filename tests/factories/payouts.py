"""Rows of money, valid by default; amounts are in minor units."""

import itertools
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import uuid4

from sqlalchemy import func
from sqlmodel import Session, select

from accounts import decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import DecisionKind
from core.clock import now
from core.money import Money
from core.ports import Checkout
from payouts import budgets, deposits, earnings, extra_pay
from payouts.extra_pay import Extra
from payouts.extra_pay_models import ExtraKind, ExtraPay
from payouts.invoice_models import BillingDetails, Invoice
from payouts.ledger_models import LedgerCheck
from payouts.models import (
    Deposit,
    Payee,
    PayeeState,
    Payout,
    ProjectBudget,
    RailEvent,
    Reservation,
)
from payouts.news_models import RailEventTry
from payouts.outage_models import RailOutage
from payouts.run_models import ApprovalCause, PayoutApproval, PayoutRun, RunState
from tests.factories.accounts import make_organisation, make_user

_numbers = itertools.count(1)


def eur(minor: int) -> Money:
    """Euro cents."""
    return Money(minor, "eur")


def make_budget(session: Session, *, funded: int = 0, **changes: Any) -> ProjectBudget:
    """Make the budget of a project, with money in it when `funded` is given."""
    values: dict[str, Any] = {"project_id": 100_000 + next(_numbers), "title": "Licence clauses"}
    values |= {"currency": "eur"} | changes
    if "organisation_id" not in values:
        values["organisation_id"] = make_organisation(session).id
    budget = budgets.open(session, **values)
    if funded:
        make_deposit(session, budget, amount=funded)
    return budget


def make_deposit(
    session: Session,
    budget: ProjectBudget,
    *,
    amount: int = 50_000,
    fee: int = 775,
    state: str = "paid",
    **changes: Any,
) -> Deposit:
    """Make a deposit; a paid one is booked as the real one is."""
    number = next(_numbers)
    values: dict[str, Any] = {"key": uuid4().hex, "by": changes.pop("opened_by", None), "at": now()}
    if values["by"] is None:
        values["by"] = make_user(session, "owner").id
    deposit = deposits.open(session, budget.project_id, Money(amount, budget.currency), **values)
    deposit.stripe_checkout_id = f"cs_test_{number}"
    deposit.stripe_checkout_url = f"https://checkout.example/{number}"
    found = Checkout(
        id=deposit.stripe_checkout_id,
        url=deposit.stripe_checkout_url,
        state=state,  # type: ignore[arg-type]
        amount=deposit.amount,
        charge_id=f"ch_{number}",
        fee=Money(fee, budget.currency),
        is_settled=changes.pop("is_settled", True),
    )
    deposits.record(session, deposit.id or 0, found, at=now())
    for name, value in changes.items():
        setattr(deposit, name, value)
    session.flush()
    return deposit


def make_expert(session: Session, *, payee: str | None = "active", **changes: Any) -> Any:
    """Make an expert who can be paid, or is as far as `payee` says."""
    user = make_user(session, "expert", **changes)
    if payee is not None:
        make_payee(session, user.id, state=PayeeState(payee))
    return user


def make_payee(session: Session, expert_id: int, **changes: Any) -> Payee:
    """Make the payee row of an expert, with an account."""
    values: dict[str, Any] = {
        "state": PayeeState.ACTIVE,
        "request_key": uuid4().hex,
        "stripe_account_id": f"acct_{next(_numbers)}",
        "country": "FR",
        "missing": [],
        "opened_at": now(),
        "read_at": now(),
    }
    payee = Payee(expert_id=expert_id, **(values | changes))
    session.add(payee)
    session.flush()
    return payee


def make_reservation(
    session: Session, budget: ProjectBudget, *, pay: int = 420, fee: int = 63, **changes: Any
) -> Reservation:
    """Reserve the pay of an assignment that is only a number here."""
    assignment_id = changes.pop("assignment_id", None) or 500_000 + next(_numbers)
    at: datetime = changes.pop("at", None) or now()
    budgets.reserve(
        session,
        budget.project_id,
        assignment_id,
        Money(pay, budget.currency),
        Money(fee, budget.currency),
        at,
        expert_id=changes.pop("expert_id", None),
    )
    found = session.get_one(Reservation, assignment_id)
    for name, value in changes.items():
        setattr(found, name, value)
    session.flush()
    return found


def make_earning(
    session: Session, budget: ProjectBudget, expert_id: int, *, pay: int = 420, **changes: Any
) -> Reservation:
    """Let an expert have earned something."""
    at = changes.pop("at", None) or now()
    row = make_reservation(session, budget, pay=pay, expert_id=expert_id, at=at, **changes)
    earnings.earn(session, budget.project_id, row.assignment_id, expert_id, at)
    session.flush()
    return row


def make_bonus(
    session: Session, budget: ProjectBudget, expert_id: int, *, pay: int = 500, **changes: Any
) -> ExtraPay:
    """Give a bonus as the page does, whatever the expert has done there."""
    words = changes.pop("words", "The notes on clause 3 saved us a week of work.")
    extra = Extra(
        ExtraKind.BONUS,
        budget.project_id,
        expert_id,
        Money(pay, budget.currency),
        Money(pay * 15 // 100, budget.currency),
        words=words,
        given_by=changes.pop("by", None) or make_user(session, "owner").id,
    )
    made = extra_pay.give(session, extra, f"bonus:test:{next(_numbers)}", at=now())
    assert made is not None
    return made


def make_payout(session: Session, expert_id: int, *, amount: int = 1000, **changes: Any) -> Payout:
    """Make a payout row as it is; nothing is moved."""
    values: dict[str, Any] = {
        "amount_minor": amount,
        "currency": "eur",
        "request_key": uuid4().hex,
        "requested_at": now(),
    }
    payout = Payout(expert_id=expert_id, **(values | changes))
    session.add(payout)
    session.flush()
    return payout


def make_billing_details(session: Session, organisation_id: int, **changes: Any) -> BillingDetails:
    """Say to whom the invoices of an organisation are made out."""
    values: dict[str, Any] = {
        "legal_name": "Nordlicht GmbH",
        "address": "Hafenstrasse 3\n20457 Hamburg",
        "country": "DE",
        "vat_number": "DE123456789",
        "changed_at": now(),
    }
    details = BillingDetails(organisation_id=organisation_id, **(values | changes))
    session.add(details)
    session.flush()
    return details


def make_invoice(
    session: Session, organisation_id: int, *, buyer: str = "Nordlicht", **changes: Any
) -> Invoice:
    """Make an invoice as it was issued, the next of its year."""
    amounts = ("opening", "paid_in", "returned", "disputed", "pay", "fees", "closing")
    party = {"name": buyer, "address": "", "country": "", "vat_number": ""}
    year = changes.get("year", 2026)
    last = session.exec(select(func.max(Invoice.number)).where(Invoice.year == year)).one()
    values: dict[str, Any] = {
        "year": year,
        "number": 1 + (last or 0),
        "month": date(2026, 10, 1),
        "currency": "eur",
        "spent_minor": 0,
        "parties": {"issuer": party | {"name": "Doyen"}, "buyer": party, "note": ""},
        "figures": dict.fromkeys(amounts, 0) | {"projects": []},
        "issued_at": now(),
    }
    invoice = Invoice(organisation_id=organisation_id, **(values | changes))
    session.add(invoice)
    session.flush()
    return invoice


def make_rail_event(session: Session, **changes: Any) -> RailEvent:
    """Make a message of the rail."""
    values: dict[str, Any] = {
        "id": f"evt_{next(_numbers)}",
        "kind": "checkout.session.completed",
        "object_id": "cs_test_0",
        "created_at": now(),
        "received_at": now(),
    }
    event = RailEvent(**(values | changes))
    session.add(event)
    session.flush()
    return event


def make_run(session: Session, **changes: Any) -> PayoutRun:
    """Make a payout run as it is; nothing is paid."""
    values: dict[str, Any] = {"request_key": uuid4().hex, "begun_at": now(), "made_at": now()}
    run = PayoutRun(**(values | {"state": RunState.MADE, "totals": {}} | changes))
    session.add(run)
    session.flush()
    return run


def make_approval(session: Session, payout: Payout, **changes: Any) -> PayoutApproval:
    """Let a payout wait for a second person."""
    values: dict[str, Any] = {"cause": ApprovalCause.PAYOUT, "limit_minor": 1, "asked_at": now()}
    values |= {"amount_minor": payout.amount_minor, "currency": payout.currency}
    row = PayoutApproval(payout_id=payout.id, **(values | changes))
    session.add(row)
    session.flush()
    return row


def make_rail_event_try(session: Session, event: RailEvent, **changes: Any) -> RailEventTry:
    """Let a message have been looked into."""
    values: dict[str, Any] = {"event_id": event.id, "at": now(), "outcome": "not ours"}
    row = RailEventTry(**(values | changes))
    session.add(row)
    session.flush()
    return row


def make_rail_outage(session: Session, **changes: Any) -> RailOutage:
    """Make a time without the rail that lasts."""
    row = RailOutage(**({"began_at": now(), "trouble": "APIConnectionError"} | changes))
    session.add(row)
    session.flush()
    return row


def make_ledger_check(session: Session, **changes: Any) -> LedgerCheck:
    """Make a check of the ledger that found it sound."""
    row = LedgerCheck(**({"at": now(), "moves": 2, "problems": []} | changes))
    session.add(row)
    session.flush()
    return row


def earn_part(
    session: Session,
    project_id: int,
    assignment_id: int,
    expert_id: int,
    part: Fraction,
    *,
    at: datetime | None = None,
) -> Money:
    """Accept work in part, with the decision that the database asks for."""
    said = {"en": "Half of the parties are marked, so that half is paid."}
    at = at or now()
    decisions.record(
        session,
        DecisionKind.WORK_PARTLY_ACCEPTED,
        About(expert_id, f"assignment:{assignment_id}", said, f"/work/{assignment_id}"),
        taken=Taken(by=make_user(session, "owner").id),
        reason=Reason("incomplete", said, [Evidence(said)], said),
        at=at,
        contest_until=at + timedelta(days=14),
    )
    session.flush()
    return earnings.earn(session, project_id, assignment_id, expert_id, at, part=part)


def submitted(session: Session, assignment_id: int, *, review_by: datetime, at: datetime) -> None:
    """Show the pay of an assignment as in review, as a hand-in does."""
    row = session.get_one(Reservation, assignment_id)
    row.submitted_at, row.review_by = row.submitted_at or at, review_by
    session.flush()
