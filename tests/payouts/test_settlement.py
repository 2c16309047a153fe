"""Owners' money is pending until Stripe says that it has settled; debits take days, or fail."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core.clock import now
from core.models import Letter
from core.money import Money
from core.ports import RailCharge
from payouts import charges, deposits, ledger
from payouts import jobs as money_jobs
from payouts.charge_models import Charge
from payouts.models import Deposit, DepositState
from tests.factories.payouts import eur, make_budget
from tests.factories.refunds import make_charge
from tests.payouts.test_sending import equal_to_stripe

PAYS, FAILS = "DE89370400440532013000", "DE62370400440532013001"


def pending(session):
    return -ledger.balance(session, ledger.pending("eur")).minor


def clearing(session):
    return -ledger.balance(session, ledger.clearing("eur")).minor


def test_a_payment_is_pending_until_stripe_has_settled_it(slow_desk, session, jobs):
    budget = make_budget(session)
    deposit_id = slow_desk.deposit(session, budget, 10_000)

    assert (pending(session), clearing(session)) == (9_825, 0)
    assert ledger.balance(session, ledger.budget(budget.project_id, "eur")) == eur(10_000)
    slow_desk.pass_time(timedelta(days=1))
    assert money_jobs.settle_charges() == 0
    slow_desk.pass_time(timedelta(days=1, minutes=1))
    assert money_jobs.settle_charges() == 1
    jobs()

    session.expire_all()
    assert (pending(session), clearing(session)) == (0, 9_825)
    assert session.get(Charge, deposit_id).settled_at is not None
    assert money_jobs.settle_charges() == 0
    assert equal_to_stripe(slow_desk, session)


def test_a_payment_that_is_settled_when_it_is_read_goes_to_clearing_at_once(desk, session):
    deposit_id = desk.deposit(session, make_budget(session), 10_000)

    assert (pending(session), clearing(session)) == (0, 9_825)
    assert session.get(Charge, deposit_id).settled_at is not None


def test_a_day_that_has_come_settles_nothing_while_stripe_says_pending(slow_desk, session):
    deposit_id = slow_desk.deposit(session, make_budget(session), 10_000)
    slow_desk.ahead = timedelta(days=3)  # our clock alone

    assert charges.to_reread(session, now()) == [deposit_id]
    assert charges.reread(deposit_id, slow_desk.rail).settled_at is None

    assert pending(session) == 9_825
    assert charges.to_reread(session, now()) == []  # read a moment ago
    slow_desk.ahead += timedelta(hours=2)
    assert charges.to_reread(session, now()) == [deposit_id]


def test_reading_twice_settles_once(slow_desk, session):
    deposit_id = slow_desk.deposit(session, make_budget(session), 10_000)
    slow_desk.pass_time(timedelta(days=3))

    for _ in range(2):
        charges.reread(deposit_id, slow_desk.rail)

    assert clearing(session) == 9_825
    assert ledger.problems(session) == []


def test_an_answer_about_another_amount_or_currency_changes_nothing(session):
    row = make_charge(session, make_budget(session), settled_at=None, pending_minor=49_225)
    known = {"is_disputed": True, "is_settled": True}

    for amount, back in [
        (Money(1, "eur"), eur(0)),
        (Money(50_000, "usd"), Money(0, "usd")),
        (Money(-50_000, "eur"), eur(0)),
        (eur(50_000), Money(7, "usd")),
    ]:
        told = RailCharge(row.stripe_charge_id, amount, back, **known)
        charges.record(session, row.deposit_id, told, at=now())

    assert (row.settled_at, row.is_disputed) == (None, False)


def test_more_given_back_by_hand_than_there_is_leaves_no_room_and_breaks_nothing(session):
    row = make_charge(session, make_budget(session), amount=1_000)
    told = RailCharge(
        row.stripe_charge_id, eur(1_000), eur(99_999_999), is_disputed=False, is_settled=True
    )

    charges.record(session, row.deposit_id, told, at=now())
    session.flush()

    assert row.room == eur(0)


def test_the_database_lets_no_charge_give_more_than_it_is(session):
    from sqlalchemy.exc import IntegrityError

    row = make_charge(session, make_budget(session), amount=1_000)
    row.drawn_minor, row.refunded_minor = 600, 401

    with pytest.raises(IntegrityError, match="never_more_than_it_is"), session.begin_nested():
        session.flush()


def test_a_debit_is_processing_for_days_is_booked_once_and_settles(slow_desk, session, jobs):
    desk, budget = slow_desk, make_budget(session)
    deposit_id = desk.deposit(session, budget, 10_000, iban=PAYS)
    deposit = session.get(Deposit, deposit_id)
    assert (deposit.state, deposit.method) == (DepositState.PROCESSING, "sepa_debit")
    assert ledger.balance(session, ledger.budget(budget.project_id, "eur")) == eur(0)

    desk.pass_time(timedelta(days=5, minutes=1))
    money_jobs.reread_deposits()
    jobs()

    session.expire_all()
    assert session.get(Deposit, deposit_id).state is DepositState.PAID
    assert (pending(session), clearing(session)) == (9_825, 0)
    assert session.get(Charge, deposit_id).receipt_url.endswith(
        "/receipt/" + deposit.stripe_charge_id
    )
    desk.pass_time(timedelta(days=2, minutes=1))
    money_jobs.settle_charges()
    jobs()
    session.expire_all()
    assert (pending(session), clearing(session)) == (0, 9_825)
    assert equal_to_stripe(desk, session)


def test_a_debit_that_fails_after_days_is_told_once_and_leaves_no_money(slow_desk, session, jobs):
    desk, budget = slow_desk, make_budget(session)
    deposit_id = desk.deposit(session, budget, 10_000, iban=FAILS)
    desk.pass_time(timedelta(days=5, minutes=1))

    for _ in range(2):
        deposits.reread(deposit_id, desk.rail)

    session.expire_all()
    assert session.get(Deposit, deposit_id).state is DepositState.FAILED
    assert ledger.balance(session, ledger.budget(budget.project_id, "eur")) == eur(0)
    question = select(Letter).where(Letter.template == "payouts/deposit_failed")
    [letter] = session.exec(question).all()
    assert "did not arrive" in letter.subject
    assert session.get(Charge, deposit_id) is None


def test_a_checkout_that_was_left_expires_and_one_that_is_paid_cannot_be_paid_again(
    slow_desk, session
):
    desk, budget = slow_desk, make_budget(session)
    paid = session.get(Deposit, desk.deposit(session, budget, 10_000))
    again = desk.bench.web.post(paid.stripe_checkout_url, data={"card_number": "4242424242424242"})
    assert again.status_code == 303

    left = deposits.open(
        session, budget.project_id, eur(500), key="k" * 20, by=paid.opened_by, at=now()
    )
    session.commit()
    deposits.begin(left.id, desk.rail, title="Budget", back_to="http://localhost/back")
    desk.pass_time(timedelta(days=1, minutes=1))
    deposits.reread(left.id, desk.rail)

    session.expire_all()
    assert session.get(Deposit, left.id).state is DepositState.EXPIRED
    assert ledger.balance(session, ledger.budget(budget.project_id, "eur")) == eur(10_000)


def test_only_methods_of_the_currency_are_asked_for(slow_desk, session):
    slow_desk.rail.methods = ("card", "sepa_debit", "bacs_debit")

    euros = slow_desk.rail.open_checkout(
        eur(500), reference="deposit-1-a", title="B", back_to="http://localhost/"
    )
    dollars = slow_desk.rail.open_checkout(
        Money(500, "usd"), reference="deposit-2-a", title="B", back_to="http://localhost/"
    )

    asked = slow_desk.bench.v1.checkout.sessions.retrieve
    assert asked(euros.id).payment_method_types == ["card", "sepa_debit"]
    assert asked(dollars.id).payment_method_types == ["card"]
