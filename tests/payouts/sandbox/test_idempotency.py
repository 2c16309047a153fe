"""The same question twice is one act; trouble on the way changes nothing of that."""

import threading

import httpx
import pytest
import stripe

from tests.payouts.sandbox.bench import CheckedHttp


def send(bench, account, key, amount=1000, v1=None):
    asked = {"amount": amount, "currency": "eur", "destination": account}
    return (v1 or bench.v1).transfers.create(asked, {"idempotency_key": key})


@pytest.fixture
def account(bench):
    bench.paid(100_000)
    return bench.account()


def count(bench):
    return len(bench.v1.transfers.list({"limit": 100}).data)


def test_a_key_that_is_asked_again_gets_the_first_answer(bench, account):
    first = send(bench, account, "payout:3")
    assert "Idempotent-Replayed" not in bench.http.last_headers

    again = send(bench, account, "payout:3")

    assert again.to_dict() == first.to_dict()
    assert bench.http.last_headers["Idempotent-Replayed"] == "true"
    original = bench.http.last_headers["Original-Request"]
    assert original != bench.http.last_headers["Request-Id"]
    assert count(bench) == 1


def test_a_refusal_is_replayed_too(bench, account):
    with pytest.raises(stripe.InvalidRequestError) as first:
        send(bench, account, "k", amount=900_000)
    bench.paid(2_000_000)

    with pytest.raises(stripe.InvalidRequestError) as again:
        send(bench, account, "k", amount=900_000)

    assert first.value.code == again.value.code == "balance_insufficient"
    assert send(bench, account, "k:2", amount=900_000).amount == 900_000


def test_a_key_belongs_to_its_parameters_and_its_endpoint(bench, account):
    send(bench, account, "k")

    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refusal:
        send(bench, account, "k", amount=1001)
    assert refusal.value.http_status == 400
    assert refusal.value.json_body["error"]["type"] == "idempotency_error"
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        bench.v1.topups.create({"amount": 5, "currency": "eur"}, {"idempotency_key": "k"})
    assert count(bench) == 1


def test_a_key_of_one_account_is_not_that_of_another(bench, account):
    other = bench.account()
    for each in (account, other):
        send(bench, each, f"t:{each}")

    made = [
        bench.v1.payouts.create(
            {"amount": 5, "currency": "eur"}, {"stripe_account": each, "idempotency_key": "same"}
        )
        for each in (account, other)
    ]

    assert made[0].id != made[1].id


def test_a_key_is_forgotten_after_a_day_and_then_pays_again(bench, account):
    first = send(bench, account, "k")
    bench.control("/clock/advance", seconds=86400 - 60)
    assert send(bench, account, "k").id == first.id

    bench.control("/clock/advance", seconds=120)

    assert send(bench, account, "k").id != first.id


def test_keys_of_v2_live_for_thirty_days(bench):
    asked = {"identity": {"country": "FR"}, "display_name": "Ada"}
    options = {"idempotency_key": "expert:7"}
    first = bench.v2.core.accounts.create(asked, options)
    bench.control("/clock/advance", days=29)
    assert bench.v2.core.accounts.create(asked, options).id == first.id

    with pytest.raises(stripe.IdempotencyError):
        bench.v2.core.accounts.create({**asked, "display_name": "Bob"}, options)
    bench.control("/clock/advance", days=2)
    assert bench.v2.core.accounts.create(asked, options).id != first.id


def test_eight_threads_with_one_key_make_one_transfer(bench, account):
    outcomes = []

    def ask():
        try:
            outcomes.append(send(bench, account, "k").id)
        except stripe.APIError as error:  # what the SDK makes of 409
            outcomes.append(error.http_status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    made = {each for each in outcomes if each != 409}
    assert len(made) == 1
    assert count(bench) == 1


def test_a_key_that_is_being_worked_on_is_refused(bench, account):
    bench.control("/faults", kind="slow", path="/v1/transfers", seconds=1)
    statuses, codes = [], []

    def ask():
        try:
            statuses.append(send(bench, account, "k").amount)
        except stripe.APIError as error:
            statuses.append(error.http_status)
            codes.append(error.json_body["error"]["code"])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert sorted(statuses) == [409, 1000]
    assert codes == ["idempotency_key_in_use"]
    assert send(bench, account, "k").amount == 1000
    assert count(bench) == 1


@pytest.mark.parametrize("trouble", ["lose_answer", "500_after", "lose_request", "500"])
def test_an_answer_that_is_lost_and_asked_again_is_one_transfer(bench, account, trouble):
    bench.control("/faults", kind=trouble, method="POST", path="/v1/transfers")
    retrying = bench.client(CheckedHttp(timeout=10), retries=2)

    made = send(bench, account, "k", v1=retrying.v1)

    assert made.amount == 1000
    assert count(bench) == 1
    assert bench.available(account) == 1000


@pytest.mark.parametrize(("trouble", "happened"), [("lose_answer", 1), ("lose_request", 0)])
def test_without_a_retry_nobody_knows_what_happened(bench, account, trouble, happened):
    bench.control("/faults", kind=trouble, method="POST", path="/v1/transfers")

    with pytest.raises(stripe.APIConnectionError):
        send(bench, account, "k")

    assert count(bench) == happened
    send(bench, account, "k")
    assert count(bench) == 1


def test_too_many_requests_are_refused_and_not_tried_again_by_the_sdk(bench, account):
    bench.control("/faults", kind="429", times=1)

    with pytest.raises(stripe.RateLimitError):
        send(bench, account, "k")

    assert count(bench) == 0


def test_a_fault_strikes_only_what_it_was_asked_for(bench, account):
    bench.control("/faults", kind="500", method="POST", path="/v1/refunds", times=5)

    assert send(bench, account, "k").amount == 1000
    bench.control("/faults/clear")
    answer = bench.raw("POST", "/v1/refunds", content="charge=ch_nothing")
    assert answer.status_code == 404


def test_a_fault_that_nobody_knows_is_refused(bench):
    answer = httpx.post(f"{bench.url}/_sandbox/faults", json={"kind": "meteor"})

    assert answer.status_code == 400


def test_a_declined_card_is_replayed_and_charged_once(bench):
    asked = {
        "amount": 500,
        "currency": "eur",
        "confirm": True,
        "payment_method": "pm_card_chargeDeclined",
    }
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            bench.v1.payment_intents.create(asked, {"idempotency_key": "k"})

    assert len(bench.v1.charges.list().data) == 1
