"""SEPA debits, refunds that wait or come back, and receipts: days pass on the sandbox's clock."""

import pytest
import stripe

from tests.payouts.sandbox.test_pages import page

PAYS, FAILS = "DE89 3704 0044 0532 0130 00", "DE62 3704 0044 0532 0130 01"
CHARGE = {"expand": ["payment_intent.latest_charge.balance_transaction"]}


def read(bench, session):
    return bench.v1.checkout.sessions.retrieve(session.id, CHARGE)


def test_a_debit_is_processing_for_days_then_paid_then_settled(bench):
    session = bench.session(10_000)

    answer = page(bench, session.url, "POST", data={"iban": PAYS})

    assert answer.status_code == 303
    found = read(bench, session)
    charge = found.payment_intent.latest_charge
    assert (found.status, found.payment_status) == ("complete", "unpaid")
    assert (found.payment_intent.status, charge.status, charge.paid) == (
        "processing",
        "pending",
        False,
    )
    assert charge.payment_method_details.sepa_debit.last4 == "3000"
    assert charge.balance_transaction is None
    bench.control("/clock/advance", days=5)
    found = read(bench, session)
    line = found.payment_intent.latest_charge.balance_transaction
    assert found.payment_status == "paid"
    assert (line.type, line.status, line.net) == ("payment", "pending", 9825)
    bench.control("/clock/advance", days=2)
    assert bench.balance() == (9825, 0)


def test_a_debit_without_funds_fails_after_days_and_takes_nothing(told, receiver):
    session = told.session(10_000)
    told.control(f"/checkout/{session.id}/pay", iban=FAILS)

    told.control("/clock/tick")
    told.control("/webhooks/deliver")

    found = read(told, session)
    assert (found.status, found.payment_status) == ("complete", "unpaid")
    assert found.payment_intent.status == "requires_payment_method"
    assert found.payment_intent.latest_charge.failure_code == "insufficient_funds"
    assert told.moves() == []
    kinds = set(receiver.names())
    assert {"charge.pending", "payment_intent.processing", "charge.failed"} <= kinds
    assert "checkout.session.async_payment_failed" in kinds
    with pytest.raises(stripe.InvalidRequestError, match="open"):
        told.v1.checkout.sessions.expire(session.id)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("DE89 3704 0044 0532 0130 01", "not a bank account number"),
        ("GB82 WEST 1234 5698 7654 32", "not a test account"),
        ("", "not a bank account number"),
    ],
)
def test_other_accounts_are_refused_in_words_and_nothing_begins(bench, typed, words):
    session = bench.session()

    answer = page(bench, session.url, "POST", data={"iban": typed})

    assert answer.status_code == 422
    assert words in answer.text
    assert bench.v1.charges.list().data == []


def test_only_euros_are_debited_and_only_where_the_session_says_so(bench):
    with pytest.raises(stripe.InvalidRequestError, match="eur"):
        bench.session(
            payment_method_types=["card", "sepa_debit"],
            line_items=[
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 900,
                        "product_data": {"name": "B"},
                    },
                }
            ],
        )
    session = bench.session(payment_method_types=["card"])
    assert "SEPA" not in page(bench, session.url).text
    assert page(bench, session.url, "POST", data={"iban": PAYS}).status_code == 404


def test_two_clicks_debit_once(bench):
    session = bench.session()

    for _ in range(2):
        assert page(bench, session.url, "POST", data={"iban": PAYS}).status_code == 303

    assert len(bench.v1.charges.list().data) == 1


def test_a_receipt_can_be_read_once_it_is_paid(bench):
    session = bench.session(10_000)
    bench.control(f"/checkout/{session.id}/pay")

    charge = read(bench, session).payment_intent.latest_charge

    shown = bench.web.get(charge.receipt_url)
    assert shown.status_code == 200
    assert "€100.00 was paid" in shown.text
    assert bench.web.get(f"{bench.url}/receipt/ch_other").status_code == 404


def test_a_refund_can_be_pending_for_a_day(bench):
    charge = bench.paid(10_000, "pm_card_pendingRefund").latest_charge.id

    refund = bench.v1.refunds.create({"charge": charge, "amount": 4000})

    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert refund.balance_transaction
    bench.control("/clock/advance", days=1)
    assert bench.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_a_bank_can_send_a_refund_back_once(bench):
    charge = bench.paid(10_000).latest_charge.id
    refund = bench.v1.refunds.create({"charge": charge, "amount": 4000})

    for _ in range(2):
        bench.control(f"/refunds/{refund.id}/fail", reason="lost_or_stolen_card")

    found = bench.v1.refunds.retrieve(refund.id)
    assert (found.status, found.failure_reason) == ("failed", "lost_or_stolen_card")
    assert bench.available() == 9825
