"""Owners' money arrives once, and only when Stripe, asked again, says so."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core.clock import now
from core.models import Letter
from core.money import Money
from core.ports import Checkout
from payouts import budgets, deposits, ledger
from payouts import jobs as payout_jobs
from payouts.models import AccountKind, Deposit, DepositState
from tests.factories.accounts import make_owner
from tests.factories.payouts import eur, make_budget, make_deposit
from tests.payouts.conftest import new_key


def paid(deposit, **changes):
    values = {
        "id": deposit.stripe_checkout_id,
        "url": "",
        "state": "paid",
        "amount": deposit.amount,
        "charge_id": "ch_1",
        "fee": eur(775),
    }
    return Checkout(**(values | changes))


def test_a_paid_checkout_is_booked_with_stripes_fee_apart(desk, session):
    budget = make_budget(session)

    deposit_id = desk.deposit(session, budget, 50_000)

    deposit = session.get(Deposit, deposit_id)
    assert deposit.state is DepositState.PAID
    assert deposit.fee_minor == 775
    assert budgets.available(session, budget.project_id) == eur(50_000)
    totals = ledger.totals(session)["eur"]
    assert totals[AccountKind.CLEARING] == eur(-49_225)
    assert desk.bench.available() == 49_225
    letters = session.exec(select(Letter).where(Letter.template == "payouts/deposit_paid")).all()
    assert len(letters) == 1


def test_a_closed_budget_takes_no_more_money_and_keeps_what_is_in_it(desk, session, sign_in):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    desk.deposit(session, budget, 50_000)
    budgets.close(session, budget.project_id, at=now())
    client, where = sign_in(owner), f"/projects/{budget.project_id}/budget"

    page = client.get(where).text
    form = client.get(f"{where}/fund")

    assert "This budget takes no more money" in page
    assert f"{where}/fund" not in page
    assert form.status_code == 409
    assert budgets.available(session, budget.project_id) == eur(50_000)
    with pytest.raises(budgets.BudgetClosed):
        deposits.open(session, budget.project_id, eur(1000), key="late", by=owner.id, at=now())


def test_reading_again_books_nothing_again(desk, session):
    budget = make_budget(session)
    deposit_id = desk.deposit(session, budget, 50_000)

    for _ in range(3):
        deposits.reread(deposit_id, desk.rail)

    assert budgets.available(session, budget.project_id) == eur(50_000)


def test_beginning_again_leads_to_the_same_checkout(desk, session):
    budget = make_budget(session)
    deposit = make_deposit(session, budget, state="open")
    deposit.stripe_checkout_id = deposit.stripe_checkout_url = None
    session.commit()

    urls = {
        deposits.begin(deposit.id, desk.rail, title="B", back_to="http://localhost/b")
        for _ in range(2)
    }

    assert len(urls) == 1


def test_a_crash_after_the_checkout_was_opened_leads_to_the_same_one(desk, session):
    budget = make_budget(session)
    deposit = make_deposit(session, budget, state="open")
    deposit.stripe_checkout_id = deposit.stripe_checkout_url = None
    session.commit()
    first = desk.rail.open_checkout(
        deposit.amount, reference=deposit.reference, title="B", back_to="http://localhost/b"
    )

    url = deposits.begin(deposit.id, desk.rail, title="B", back_to="http://localhost/b")

    assert url == first.url


@pytest.mark.parametrize("state", ["open", "processing", "failed", "expired"])
def test_what_is_not_paid_is_not_booked(session, state):
    budget = make_budget(session)

    deposit = make_deposit(session, budget, state=state)

    assert deposit.state == state
    assert budgets.available(session, budget.project_id) == eur(0)


@pytest.mark.parametrize(
    "changes",
    [{"amount": eur(49_999)}, {"amount": Money(50_000, "usd")}, {"fee": None}],
    ids=["another amount", "another currency", "converted"],
)
def test_a_payment_that_is_not_as_asked_waits_for_a_person(session, changes):
    budget = make_budget(session)
    deposit = make_deposit(session, budget, state="open")

    deposits.record(session, deposit.id, paid(deposit, **changes), at=now())

    assert deposit.state is DepositState.UNCLEAR
    assert budgets.available(session, budget.project_id) == eur(0)


def test_late_news_does_not_unpay(session):
    budget = make_budget(session)
    deposit = make_deposit(session, budget)

    deposits.record(session, deposit.id, paid(deposit, state="expired"), at=now())

    assert deposit.state is DepositState.PAID


def test_a_payment_that_was_given_up_may_still_arrive(session):
    budget = make_budget(session)
    deposit = make_deposit(session, budget, state="expired")

    deposits.record(session, deposit.id, paid(deposit), at=now())

    assert budgets.available(session, budget.project_id) == eur(50_000)


def test_the_same_form_begins_one_payment(session):
    budget, key = make_budget(session), new_key()
    how = {"key": key, "by": None, "at": now()}

    first = deposits.open(session, budget.project_id, eur(1000), **how)
    second = deposits.open(session, budget.project_id, eur(1000), **how)

    assert first.id == second.id
    with pytest.raises(deposits.UsedForm):
        deposits.open(session, budget.project_id, eur(2000), **how)


@pytest.mark.parametrize(
    ("minor", "error"), [(499, deposits.TooSmall), (100_000_000, deposits.TooLarge)]
)
def test_amounts_beyond_the_limits_are_refused_in_words(session, minor, error):
    budget = make_budget(session)

    with pytest.raises(error) as refusal:
        deposits.open(session, budget.project_id, eur(minor), key=new_key(), by=None, at=now())

    assert "€" in refusal.value.words


def test_the_sweep_finds_a_payment_whose_news_never_came(desk, session, jobs):
    budget = make_budget(session)
    deposit = make_deposit(session, budget, state="open")
    deposit.stripe_checkout_id = deposit.stripe_checkout_url = None
    session.commit()
    deposits.begin(deposit.id, desk.rail, title="B", back_to="http://localhost/b")
    session.refresh(deposit)
    desk.bench.control(f"/checkout/{deposit.stripe_checkout_id}/pay")
    desk.ahead = timedelta(minutes=5)

    assert payout_jobs.reread_deposits() == 1
    jobs()

    assert budgets.available(session, budget.project_id) == eur(50_000)
    assert payout_jobs.reread_deposits() == 0


def test_a_payment_that_nobody_was_led_to_is_closed_in_the_end(session):
    budget = make_budget(session)
    deposit = make_deposit(
        session,
        budget,
        state="open",
        opened_at=now() - timedelta(hours=26),
        stripe_checkout_id=None,
        stripe_checkout_url=None,
    )

    assert deposits.forget_unopened(session, now()) == 1
    assert deposit.state is DepositState.EXPIRED
