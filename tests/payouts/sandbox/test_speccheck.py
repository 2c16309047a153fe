"""The check is checked: what Stripe itself shows passes, and planted faults are found."""

import pytest

from tests.payouts.sandbox import speccheck

TRANSFER = {
    "id": "tr_1",
    "object": "transfer",
    "amount": 1100,
    "amount_reversed": 0,
    "balance_transaction": "txn_1",
    "created": 1234567890,
    "currency": "usd",
    "description": None,
    "destination": "acct_1",
    "destination_payment": "py_1",
    "livemode": False,
    "metadata": {},
    "reversals": {
        "data": [],
        "has_more": False,
        "object": "list",
        "url": "/v1/transfers/tr_1/reversals",
    },
    "reversed": False,
    "source_transaction": None,
    "source_type": "card",
    "transfer_group": None,
}


def test_stripes_own_sample_passes():
    assert speccheck.object_faults(TRANSFER) == []


@pytest.mark.parametrize(
    "change", [{"amount": "11.00"}, {"amount": None}, {"reversed": None}, {"ammount": 1}]
)
def test_a_wrong_field_is_found(change):
    assert speccheck.object_faults(TRANSFER | change)


def test_a_field_that_is_missing_is_found():
    assert speccheck.object_faults({k: v for k, v in TRANSFER.items() if k != "currency"})


@pytest.mark.parametrize(
    "body",
    [
        "amount=5&currency=eur",
        "amount=5&currency=eur&destination=a&colour=blue",
        "amount=five&currency=eur&destination=a",
        "amount=5&currency=eur&destination=a&source_type=gold",
    ],
)
def test_a_wrong_request_is_found(body):
    right = "amount=5&currency=eur&destination=a&metadata[n]=1&expand[0]=destination"
    assert speccheck.request_faults("post", "http://x/v1/transfers", right) == []
    assert speccheck.request_faults("post", "http://x/v1/transfers", body)


def test_an_unknown_field_in_a_v2_body_is_found():
    url = "http://x/v2/core/accounts"
    assert speccheck.request_faults("post", url, '{"identity": {"country": "de"}}') == []
    assert speccheck.request_faults("post", url, '{"identity": {"planet": "mars"}}')


def test_an_operation_that_stripe_does_not_have_is_found():
    assert speccheck.request_faults("post", "http://x/v1/tranfers", "")
