"""Amounts in a currency that nobody asked for: nothing is booked by them, and a person is told."""

import pytest
from sqlmodel import func, select

from core.clock import now
from core.money import Money
from core.ports import BankTransfer, ForeignMoney, RailReversal
from payouts import (
    answers,
    attention,
    deposits,
    ledger,
    ledger_audit,
    payees,
    reconciliation,
    reversals,
    sending,
    stripe_objects,
)
from payouts import jobs as payout_jobs
from payouts.dispute_models import Dispute, Reversal
from payouts.models import (
    Deposit,
    DepositState,
    Move,
    Payout,
    PayoutState,
    RailEvent,
    RailEventState,
    ReconciliationState,
)
from tests.factories.payouts import (
    eur,
    make_budget,
    make_deposit,
    make_expert,
    make_payout,
    make_rail_event,
)


def moves(session):
    return session.exec(select(func.count()).select_from(Move)).one()


def paid_in(desk, session, currency):
    """Let a payment of ours be paid in another currency than asked."""
    deposit = make_deposit(session, make_budget(session), amount=5000, state="open")
    price = {"currency": currency, "unit_amount": 5000, "product_data": {"name": "Budget"}}
    made = desk.bench.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "http://localhost:9/x",
            "line_items": [{"quantity": 1, "price_data": price}],
            "metadata": {"reference": deposit.reference},
        }
    )
    desk.bench.control(f"/checkout/{made.id}/pay")
    deposit.stripe_checkout_id = made.id
    session.commit()
    return deposit


def test_a_payment_in_another_currency_is_left_to_a_person(desk, session):
    deposit = paid_in(desk, session, "usd")
    event = make_rail_event(
        session, object_id=deposit.stripe_checkout_id, reference=deposit.reference
    )
    session.commit()

    payout_jobs.look_into(event.id)
    payout_jobs.reread_deposit(deposit.id)

    session.expire_all()
    found = session.get(Deposit, deposit.id)
    assert found.state is DepositState.UNCLEAR
    assert "usd" in found.trouble
    assert session.get(RailEvent, event.id).state is RailEventState.HANDLED
    assert moves(session) == 0
    assert [need.kind for need in attention.needed(session, at=now())] == ["deposit"]


def test_a_payment_in_a_currency_that_is_not_handled_is_left_to_a_person(session):
    deposit = make_deposit(session, make_budget(session), amount=5000, state="open")
    session.commit()

    class Rail:
        def checkout(self, _checkout):
            raise ForeignMoney("brl")

    found = deposits.reread(deposit.id, Rail())

    assert (found.state, found.trouble) == (
        DepositState.UNCLEAR,
        "foreign_currency: an amount in brl",
    )
    assert moves(session) == 0


def test_a_dispute_in_another_currency_than_its_payment_freezes_and_books_nothing(desk, session):
    budget = desk.budget(session, 5000)
    deposit = session.exec(select(Deposit)).one()
    charged = desk.bench.paid(700, currency="usd", metadata={"reference": deposit.reference})
    dispute = desk.bench.control(f"/charges/{charged.latest_charge.id}/dispute")["id"]
    event = make_rail_event(session, kind="charge.dispute.created", object_id=dispute)
    before = moves(session)
    session.commit()

    payout_jobs.look_into(event.id)
    assert "read" in payout_jobs.reread_disputes()  # it keeps no other from being read
    rows = {row.currency: row.state for row in reconciliation.run(desk.rail)}

    session.expire_all()
    assert session.get(RailEvent, event.id).state is RailEventState.FAILED
    assert "usd" in session.get(RailEvent, event.id).outcome
    assert session.exec(select(Dispute)).all() == []
    assert budget.frozen_at is None
    assert moves(session) == before
    assert rows == {"eur": ReconciliationState.EQUAL, "usd": ReconciliationState.ALARM}
    assert {"news", "reconciliation"} <= {need.kind for need in attention.needed(session, at=now())}


def test_a_transfer_in_another_currency_stops_payouts_in_both(desk, session, jobs):
    payout = desk.payout(session, amount=1000)
    desk.fault("lose_request")
    sending.send(payout.id, desk.rail)
    session.refresh(payout)
    desk.bench.paid(9000, currency="usd")
    desk.bench.v1.transfers.create(
        {
            "amount": 1000,
            "currency": "usd",
            "destination": payees.known(session, payout.expert_id).stripe_account_id,
            "metadata": {"reference": payout.reference},
        }
    )
    session.get(Payout, payout.id).try_at = None
    session.commit()

    sending.look_up(payout.id, desk.rail)
    rows = {row.currency: row.state for row in reconciliation.run(desk.rail)}

    assert rows == {"eur": ReconciliationState.ALARM, "usd": ReconciliationState.ALARM}
    assert len(desk.transfers()) == 1  # and no second one was made
    assert ledger_audit.problems(session) == []


def test_a_reversal_in_another_currency_is_not_kept_as_ours(session):
    payout = make_payout(
        session, desk_expert(session), state=PayoutState.SENT, stripe_transfer_id="tr_1"
    )
    told = RailReversal("trr_1", "txn_1", Money(1000, "usd"), None, now())

    class Rail:
        def taken_back(self, _transfer):
            return [told]

    with pytest.raises(ForeignMoney):
        reversals.look_for("tr_1", Rail())
    assert not reversals.keep_found(session, "tr_1", told)
    assert session.exec(select(Reversal)).all() == []
    assert reversals.left_of(session, payout) == payout.amount


def test_a_bank_that_is_paid_in_its_own_currency_has_what_the_transfers_say(session):
    """Stripe changes money on its way to a bank of another currency; it names our transfers."""
    expert = desk_expert(session)
    named = make_payout(
        session, expert, state=PayoutState.SENT, stripe_transfer_id="tr_1", sent_at=now()
    )
    told = BankTransfer("po_1", "paid", Money(870, "gbp"), now(), ("tr_1",))

    assert answers.record_bank(session, expert, told, at=now()) == 1
    assert named.state is PayoutState.PAID
    assert named.amount == eur(1000)
    other = make_payout(session, expert, state=PayoutState.SENT, sending_at=now())
    unnamed = BankTransfer("po_2", "paid", Money(87_000, "gbp"), now(), ())
    assert answers.record_bank(session, expert, unnamed, at=now()) == 0
    assert other.state is PayoutState.SENT
    assert moves(session) == 0


def test_a_currency_that_is_not_handled_is_said_and_not_an_error_of_ours():
    with pytest.raises(ForeignMoney, match="brl"):
        stripe_objects.saved_charge({"id": "pi", "amount": 1, "currency": "brl", "status": "x"})
    with pytest.raises(ForeignMoney, match="xyz"):
        stripe_objects.entry({"id": "t", "type": "x", "net": 1, "currency": "xyz", "created": 1})


def test_the_ledger_takes_no_move_across_currencies(session):
    budget = make_budget(session)
    entries = [
        ledger.Entry("x", ledger.clearing("usd"), ledger.budget(budget.project_id, "eur"), eur(5))
    ]

    with pytest.raises(ValueError, match="one currency"):
        ledger.post(session, "x:1", entries, at=now(), narration="x", cause="x")


def desk_expert(session):
    return make_expert(session).id
