"""Transfers and reversals: both sides by the same amount, or neither."""

import threading

import pytest
import stripe


def transfer(bench, account, amount=1000, key=None, **more):
    asked = {"amount": amount, "currency": "eur", "destination": account, **more}
    return bench.v1.transfers.create(asked, {"idempotency_key": key} if key else {})


def test_a_transfer_moves_the_same_amount_on_both_sides(bench):
    account = bench.account()
    bench.paid(50000)
    before = bench.available()

    made = transfer(bench, account, 1234, transfer_group="g")

    assert bench.available() == before - 1234
    assert bench.available(account) == 1234
    (into,) = bench.moves(account)
    assert (into.type, into.source) == ("payment", made.destination_payment)
    out = bench.v1.balance_transactions.retrieve(made.balance_transaction, {"expand": ["source"]})
    assert (out.type, out.net, out.source.id) == ("transfer", -1234, made.id)


def test_a_transfer_over_the_available_balance_is_refused_and_moves_nothing(bench):
    account = bench.account()
    bench.paid(50000, "pm_card_visa")  # pending for two days

    with pytest.raises(stripe.InvalidRequestError) as refused:
        transfer(bench, account)

    assert refused.value.code == "balance_insufficient"
    assert bench.moves(account) == []
    bench.control("/clock/advance", days=2)
    assert transfer(bench, account).amount == 1000


def test_a_transfer_from_a_pending_charge_settles_with_it(bench):
    account = bench.account()
    charge = bench.paid(50000, "pm_card_visa", transfer_group="project:5").latest_charge

    made = transfer(bench, account, 3000, source_transaction=charge.id)

    assert made.transfer_group == "project:5"
    assert bench.balance(account) == (0, 3000)
    bench.control("/clock/advance", days=2)
    assert bench.balance(account) == (3000, 0)
    assert bench.balance() == (50000 - 775 - 3000, 0)


def test_transfers_from_one_charge_never_exceed_it(bench):
    account = bench.account()
    charge = bench.paid(5000, "pm_card_visa").latest_charge.id
    transfer(bench, account, 3000, source_transaction=charge)

    with pytest.raises(stripe.InvalidRequestError, match="must not exceed"):
        transfer(bench, account, 2001, source_transaction=charge)

    transfer(bench, account, 2000, source_transaction=charge)
    assert bench.balance(account) == (0, 5000)


def test_a_charge_that_was_refunded_carries_less(bench):
    account = bench.account()
    charge = bench.paid(5000, "pm_card_visa").latest_charge.id
    bench.v1.refunds.create({"charge": charge, "amount": 4000})

    with pytest.raises(stripe.InvalidRequestError, match="must not exceed"):
        transfer(bench, account, 1001, source_transaction=charge)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": -5}, "parameter_invalid_integer", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"destination": "acct_nobody"}, "resource_missing", "destination"),
        ({"source_transaction": "pi_1"}, "resource_missing", "source_transaction"),
    ],
)
def test_a_transfer_that_makes_no_sense_is_refused(bench, change, code, param):
    bench.paid(50000)
    asked = {"amount": 10, "currency": "eur", "destination": bench.account(), **change}

    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.transfers.create(asked)

    assert (refused.value.code, refused.value.param) == (code, param)


def test_an_account_without_the_capability_receives_nothing(bench):
    bench.paid(50000)
    new, restricted = bench.account(onboarded=False), bench.account()
    bench.control(f"/accounts/{restricted}/restrict", reason="requirements.past_due")

    for account in (new, restricted):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            transfer(bench, account)
        assert refused.value.code == "insufficient_capabilities_for_transfer"


def test_transfers_are_found_by_group_destination_and_time(bench):
    bench.paid(50000)
    one, two = bench.account(), bench.account()
    first = transfer(bench, one, 100, transfer_group="a")
    bench.control("/clock/advance", seconds=100)
    second = transfer(bench, two, 200, transfer_group="a")
    third = transfer(bench, two, 300, transfer_group="b")

    def found(**asked):
        return [each.id for each in bench.v1.transfers.list(asked).data]

    assert found() == [third.id, second.id, first.id]
    assert found(transfer_group="a") == [second.id, first.id]
    assert found(transfer_group="a", destination=two) == [second.id]
    assert found(created={"gt": first.created}) == [third.id, second.id]
    assert found(created={"lte": first.created}) == [first.id]
    assert found(created=first.created) == [first.id]


def test_a_transfer_can_be_reversed_in_parts_and_never_beyond(bench):
    bench.paid(50000)
    account = bench.account()
    before = bench.available()
    made = transfer(bench, account, 1000)

    bench.v1.transfers.reversals.create(made.id, {"amount": 400, "metadata": {"why": "typo"}})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed"):
        bench.v1.transfers.reversals.create(made.id, {"amount": 601})
    rest = bench.v1.transfers.reversals.create(made.id)

    found = bench.v1.transfers.retrieve(made.id)
    assert rest.amount == 600
    assert (found.amount_reversed, found.reversed) == (1000, True)
    assert bench.available() == before
    assert bench.available(account) == 0
    listed = bench.v1.transfers.reversals.list(made.id)
    assert [each.amount for each in listed.data] == [600, 400]
    assert bench.v1.transfers.reversals.retrieve(made.id, rest.id).amount == 600
    with pytest.raises(stripe.InvalidRequestError):
        bench.v1.transfers.reversals.create(made.id, {"amount": 0})


def test_what_an_account_has_paid_out_cannot_be_reversed_without_its_charge(bench):
    account = bench.account()
    charge = bench.paid(50000).latest_charge.id
    loose, tied = (
        transfer(bench, account, 1000),
        transfer(bench, account, 500, source_transaction=charge),
    )
    bench.v1.payouts.create({"amount": 1500, "currency": "eur"}, {"stripe_account": account})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.transfers.reversals.create(loose.id)
    bench.v1.transfers.reversals.create(tied.id)

    assert refused.value.code == "balance_insufficient"
    assert bench.available(account) == -500


def test_threads_that_race_for_the_last_funds_cannot_overdraw(bench):
    account = bench.account()
    bench.paid(1025 + 41)  # leaves 1025 after the fee
    outcomes = []

    def race():
        try:
            outcomes.append(transfer(bench, account, 500).amount)
        except stripe.InvalidRequestError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=race) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(map(str, outcomes)) == ["500"] * 2 + ["balance_insufficient"] * 6
    assert bench.available() == 25
    assert bench.available(account) == 1000
