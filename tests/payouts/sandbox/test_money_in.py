"""Payments, refunds, disputes and top-ups on the platform."""

import pytest
import stripe

from payouts.sandbox import server
from payouts.sandbox.settings import Settings
from tests.payouts.sandbox.bench import Bench, told_wrongly


def test_a_payment_is_pending_for_two_days_with_the_fee_taken(bench):
    intent = bench.paid(10000, "pm_card_visa", metadata={"deposit_id": "9"})

    moved = intent.latest_charge.balance_transaction
    assert (moved.amount, moved.fee, moved.net, moved.status) == (10000, 175, 9825, "pending")
    assert bench.balance() == (0, 9825)
    bench.control("/clock/advance", seconds=2 * 86400 - 5)
    assert bench.balance() == (0, 9825)
    bench.control("/clock/advance", seconds=10)
    assert bench.balance() == (9825, 0)


def test_a_card_that_says_no_takes_nothing_and_leaves_a_failed_charge(bench):
    with pytest.raises(stripe.CardError) as refused:
        bench.paid(10000, "pm_card_chargeDeclined")

    assert refused.value.code == "card_declined"
    (charge,) = bench.v1.charges.list().data
    assert (charge.status, charge.failure_code) == ("failed", "card_declined")
    assert charge.id == refused.value.error.charge
    intent = bench.v1.payment_intents.retrieve(charge.payment_intent)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.decline_code == "generic_decline"
    assert bench.moves() == []


def test_an_intent_that_failed_can_be_paid_by_another_card_once(bench):
    intent = bench.v1.payment_intents.create(
        {"amount": 500, "currency": "eur", "automatic_payment_methods": {"enabled": True}}
    )
    declined = {"payment_method": "pm_card_chargeDeclined"}
    with pytest.raises(stripe.CardError):
        bench.v1.payment_intents.confirm(intent.id, declined)

    paid = bench.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    assert paid.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        bench.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        bench.v1.payment_intents.cancel(intent.id)
    assert len(bench.moves()) == 1


def test_an_intent_can_be_given_up(bench):
    intent = bench.v1.payment_intents.create({"amount": 500, "currency": "eur"})

    gone = bench.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})

    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")


@pytest.mark.parametrize(
    ("amount", "code"), [(49, "amount_too_small"), (100_000_000, "amount_too_large")]
)
def test_amounts_have_bounds(bench, amount, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.paid(amount)
    assert refused.value.code == code


def test_a_refund_takes_from_the_balance_and_keeps_the_fee(bench):
    charge = bench.paid(10000).latest_charge

    refund = bench.v1.refunds.create(
        {
            "payment_intent": charge.payment_intent,
            "amount": 2500,
            "reason": "requested_by_customer",
            "metadata": {"refund_id": "1"},
        }
    )

    assert refund.status == "succeeded"
    assert bench.available() == 9825 - 2500
    again = bench.v1.charges.retrieve(charge.id)
    assert (again.amount_refunded, again.refunded) == (2500, False)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        bench.v1.refunds.create({"charge": charge.id, "amount": 7501})


def test_a_refund_that_the_balance_does_not_cover_waits_until_it_does(bench):
    charge = bench.paid(10000).latest_charge.id

    refund = bench.v1.refunds.create({"charge": charge})  # the fee is missing
    assert (refund.status, refund.pending_reason) == ("pending", "insufficient_funds")
    assert bench.available() == 9825
    bench.v1.topups.create({"amount": 175, "currency": "eur", "description": "fees"})
    bench.control("/clock/advance", days=2)

    assert bench.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert bench.available() == 0
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.refunds.create({"charge": charge})
    assert refused.value.code == "charge_already_refunded"


def test_the_refund_of_a_pending_payment_comes_out_of_pending_funds(bench):
    charge = bench.paid(10000, "pm_card_visa").latest_charge.id

    bench.v1.refunds.create({"charge": charge, "amount": 4000})

    assert bench.balance() == (0, 5825)


def test_a_refund_can_fail_a_day_later_and_the_money_comes_back(bench):
    charge = bench.paid(10000, "pm_card_refundFail").latest_charge.id
    bench.control("/clock/advance", days=2)
    refund = bench.v1.refunds.create({"charge": charge, "amount": 1000})
    assert (refund.status, bench.available()) == ("succeeded", 8825)

    bench.control("/clock/advance", days=1)

    failed = bench.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert failed.status == "failed"
    assert failed.failure_balance_transaction.type == "refund_failure"
    assert bench.available() == 9825
    assert bench.v1.charges.retrieve(charge).amount_refunded == 0


def test_a_dispute_takes_amount_and_fee_and_gives_the_amount_back_when_won(bench):
    charge = bench.paid(10000).latest_charge.id

    bench.control(f"/charges/{charge}/dispute", reason="product_not_received")

    (dispute,) = bench.v1.disputes.list({"charge": charge}).data
    assert bench.available() == 9825 - 10000 - 1500
    assert (dispute.status, dispute.balance_transactions[0].fee) == ("needs_response", 1500)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bench.v1.refunds.create({"charge": charge})
    assert refused.value.code == "charge_disputed"
    bench.control(f"/disputes/{dispute.id}/close", outcome="won")
    assert bench.available() == 9825 - 1500
    assert bench.v1.disputes.retrieve(dispute.id).status == "won"


def test_a_card_can_dispute_at_once_and_the_platform_can_accept_that(bench):
    charge = bench.paid(10000, "pm_card_createDispute").latest_charge

    (dispute,) = bench.v1.disputes.list({"payment_intent": charge.payment_intent}).data
    lost = bench.v1.disputes.close(dispute.id)

    assert (lost.status, dispute.reason) == ("lost", "fraudulent")
    assert bench.v1.charges.retrieve(charge.id).disputed


def test_a_top_up_arrives_after_the_settlement_time(bench):
    topup = bench.v1.topups.create({"amount": 700, "currency": "eur", "metadata": {"a": "b"}})
    assert (topup.status, bench.available()) == ("pending", 0)

    bench.control("/clock/advance", days=2)

    assert bench.v1.topups.retrieve(topup.id).status == "succeeded"
    assert bench.available() == 700


def test_each_currency_has_its_own_balance(bench):
    bench.paid(10000)
    bench.paid(20000, currency="usd")

    found = bench.v1.balance.retrieve()

    assert {line.currency: line.amount for line in found.available} == {"eur": 9825, "usd": 19675}


def test_the_balance_is_the_sum_of_what_moved(bench):
    account = bench.account()
    charge = bench.paid(10000).latest_charge.id
    bench.paid(7777, "pm_card_visa")
    made = bench.v1.transfers.create({"amount": 99, "currency": "eur", "destination": account})
    bench.v1.transfers.reversals.create(made.id, {"amount": 9})
    bench.v1.refunds.create({"charge": charge, "amount": 1})
    bench.control(f"/charges/{charge}/dispute", amount=100)
    bench.v1.topups.create({"amount": 5, "currency": "eur"})
    bench.v1.payouts.create({"amount": 3, "currency": "eur"})

    for whose in (None, account):
        available, pending = bench.balance(whose)
        assert sum(move.net for move in bench.moves(whose)) == available + pending
        assert all(move.net == move.amount - move.fee for move in bench.moves(whose))
    books = bench.look("/books")
    assert sum(each["net"] for each in books["moves"] if not each["account"]) == sum(
        bench.balance()
    )


def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(bench):
    charge = bench.paid(10000).latest_charge.id

    asked = bench.control(f"/charges/{charge}/dispute", inquiry=True)
    found = bench.v1.disputes.retrieve(asked["id"], {"expand": ["charge"]})
    assert (found.status, list(found.balance_transactions)) == ("warning_needs_response", [])
    assert (found.charge.id, bench.available()) == (charge, 9825)

    bench.control(f"/disputes/{found.id}/answer")
    bench.control(f"/disputes/{found.id}/escalate")
    assert bench.v1.disputes.retrieve(found.id).status == "needs_response"
    assert bench.available() == 9825 - 11500
    bench.control(f"/disputes/{found.id}/answer")
    assert bench.v1.disputes.retrieve(found.id).evidence_details.has_evidence
    bench.control(f"/disputes/{found.id}/close", outcome="lost")
    bench.control(f"/disputes/{found.id}/close", outcome="won")  # late
    assert bench.available() == 9825 - 1500


def test_an_inquiry_that_is_closed_stays_one_and_a_charge_is_disputed_as_far_as_it_reaches(bench):
    charge = bench.paid(10000).latest_charge.id
    asked = bench.control(f"/charges/{charge}/dispute", amount=4000, inquiry=True)
    bench.control(f"/disputes/{asked['id']}/close", outcome="won")
    assert bench.v1.disputes.retrieve(asked["id"]).status == "warning_closed"

    bench.control(f"/charges/{charge}/dispute", amount=6000)
    both = bench.v1.disputes.list({"charge": charge, "expand": ["data.charge"]}).data
    assert {one.amount for one in both} == {4000, 6000}
    again = bench.web.post(f"{bench.url}/_sandbox/charges/{charge}/dispute", json={"amount": 1})
    assert again.status_code == 400


@pytest.mark.parametrize(
    ("kind", "amount"),
    [("stripe_fee", -20), ("reserve_hold", -500), ("connect_collection_transfer", -70)],
)
def test_a_line_that_nobody_asked_for_changes_the_balance(bench, kind, amount):
    bench.paid(10000)

    bench.control("/lines", type=kind, amount=amount)

    [line] = bench.v1.balance_transactions.list({"type": kind}).data
    assert (line.net, line.source, bench.available()) == (amount, None, 9825 + amount)


def test_an_account_can_be_below_nothing_and_swallows_what_comes(bench):
    account = bench.account()
    bench.paid(10000)
    bench.control("/lines", type="adjustment", amount=-300, account=account)

    assert bench.balance(account) == (-300, 0)
    bench.v1.transfers.create({"amount": 200, "currency": "eur", "destination": account})
    bench.control("/clock/advance", days=3)

    assert bench.v1.payouts.list({}, {"stripe_account": account}).data == []
    assert bench.balance(account) == (-100, 0)


@pytest.fixture
def slow(tmp_path, web):
    """A sandbox that writes the line of a card payment a minute later, as Stripe does at times."""
    with server.running(Settings(tmp_path / "slow", capture_seconds=60)) as found:
        yield Bench(found.url, web)
        assert told_wrongly(found.sandbox.store) == []


def test_the_line_of_a_payment_can_come_a_moment_later_and_is_told(slow):
    charge = slow.paid(1000).latest_charge
    assert (charge.status, charge.captured, charge.balance_transaction) == ("succeeded", True, None)
    assert slow.balance() == (0, 0)

    slow.control("/clock/advance", seconds=61)

    found = slow.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]})
    assert found.balance_transaction.net == slow.available() == 1000 - 40
    (event,) = slow.v1.events.list({"type": "charge.updated"}).data
    assert event.data.previous_attributes.to_dict() == {"balance_transaction": None}
    slow.control("/clock/advance", seconds=61)
    assert len(slow.moves()) == 1


def test_what_happens_to_a_payment_before_its_line_writes_it_first(slow):
    account = slow.account()
    for act in (
        lambda id_: slow.v1.refunds.create({"charge": id_, "amount": 10}),
        lambda id_: slow.control(f"/charges/{id_}/dispute", amount=10),
        lambda id_: slow.v1.transfers.create(
            {
                "amount": 10,
                "currency": "eur",
                "destination": account,
                "source_transaction": id_,
            }
        ),
    ):
        id_ = slow.paid(1000).latest_charge.id
        act(id_)
        assert slow.v1.charges.retrieve(id_).balance_transaction

    kinds = [move.type for move in slow.moves()][::-1]
    assert kinds == ["charge", "refund", "charge", "adjustment", "charge", "transfer"]
