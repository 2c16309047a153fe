"""Payouts of connected accounts to their banks."""

import pytest
import stripe


@pytest.fixture
def holder(bench):
    """An account with 50.00 that is paid out by hand."""
    return made_holder(bench)


def made_holder(bench, iban="DE89370400440532013000", interval="manual"):
    account = bench.account(onboarded=False)
    bench.control(f"/accounts/{account}/onboard", iban=iban)
    schedule = {"payments": {"payouts": {"schedule": {"interval": interval}}}}
    bench.v1.balance_settings.update(schedule, {"stripe_account": account})
    bench.paid(50000)
    bench.v1.transfers.create({"amount": 5000, "currency": "eur", "destination": account})
    return account


def pay_out(bench, account, amount=2000):
    return bench.v1.payouts.create(
        {"amount": amount, "currency": "eur", "method": "standard"}, {"stripe_account": account}
    )


def state(bench, account, payout):
    return bench.v1.payouts.retrieve(payout.id, {}, {"stripe_account": account})


def test_a_payout_leaves_after_an_hour_and_arrives_after_two_days(bench, holder):
    payout = pay_out(bench, holder)
    assert (payout.status, bench.available(holder)) == ("pending", 3000)

    bench.control("/clock/advance", seconds=3600)
    assert state(bench, holder, payout).status == "in_transit"
    bench.control("/clock/advance", days=2)

    assert state(bench, holder, payout).status == "paid"
    assert bench.available(holder) == 3000


def test_a_payout_over_the_balance_is_refused(bench, holder):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay_out(bench, holder, 5001)
    assert refused.value.code == "balance_insufficient"


def test_a_payout_can_be_canceled_while_it_is_pending(bench, holder):
    payout = pay_out(bench, holder)

    gone = bench.v1.payouts.cancel(payout.id, {}, {"stripe_account": holder})

    assert (gone.status, bench.available(holder)) == ("canceled", 5000)
    with pytest.raises(stripe.InvalidRequestError):
        bench.v1.payouts.cancel(payout.id, {}, {"stripe_account": holder})


def test_a_closed_bank_account_sends_the_money_back(bench):
    account = made_holder(bench, "DE62370400440532013001")
    payout = pay_out(bench, account)

    bench.control("/clock/advance", days=3)
    bench.control("/clock/tick")

    failed = state(bench, account, payout)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert bench.available(account) == 5000
    found = bench.v1.accounts.retrieve(account)
    assert not found.payouts_enabled
    assert found.capabilities.transfers == "active"
    assert found.requirements.currently_due == ["external_account"]
    bench.control(f"/accounts/{account}/onboard")
    assert bench.v1.accounts.retrieve(account).payouts_enabled


def test_a_payout_can_fail_after_it_was_shown_as_paid(bench, holder):
    payout = pay_out(bench, holder)
    bench.control("/clock/advance", days=3)
    bench.control("/clock/tick")
    assert state(bench, holder, payout).status == "paid"

    bench.control(f"/payouts/{payout.id}/fail", code="could_not_process")

    assert state(bench, holder, payout).failure_code == "could_not_process"
    assert bench.available(holder) == 5000


def test_an_automatic_schedule_pays_out_what_is_a_day_old_once(bench):
    account = made_holder(bench, interval="daily")
    bench.control("/clock/advance", seconds=23 * 3600)
    assert bench.available(account) == 5000

    bench.control("/clock/advance", seconds=2 * 3600)
    bench.control("/clock/advance", seconds=2 * 3600)

    (payout,) = bench.v1.payouts.list({}, {"stripe_account": account}).data
    assert (payout.amount, payout.automatic, bench.available(account)) == (5000, True, 0)


def test_an_automatic_payout_says_which_transfers_it_carried(bench):
    account = made_holder(bench, interval="daily")
    old = [each.id for each in bench.v1.transfers.list({"destination": account}).data]
    bench.control("/clock/advance", seconds=24 * 3600)
    young = {"amount": 70, "currency": "eur", "destination": account}
    bench.v1.transfers.create(young)
    bench.control("/clock/advance", seconds=3600)
    (payout,) = bench.v1.payouts.list({}, {"stripe_account": account}).data

    asked = {"payout": payout.id, "expand": ["data.source"]}
    carried = bench.v1.balance_transactions.list(asked, {"stripe_account": account}).data

    assert [each.type for each in carried] == ["payout", "payment"]
    assert [carried[1].source.source_transfer] == old
    assert sum(each.net for each in carried) == 0
    assert bench.available(account) == 70


def test_what_a_payout_by_hand_carried_nobody_knows(bench, holder):
    payout = pay_out(bench, holder)

    with pytest.raises(stripe.InvalidRequestError, match="automatic"):
        bench.v1.balance_transactions.list({"payout": payout.id}, {"stripe_account": holder})


def test_an_account_that_is_restricted_pays_nothing_out(bench, holder):
    bench.control(f"/accounts/{holder}/restrict", reason="under_review")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay_out(bench, holder)
    assert refused.value.code == "payouts_not_allowed"


def test_payouts_of_one_account_are_not_those_of_another(bench, holder):
    payout = pay_out(bench, holder)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.payouts.retrieve(payout.id)
    assert refused.value.code == "resource_missing"
    assert bench.v1.payouts.list().data == []
