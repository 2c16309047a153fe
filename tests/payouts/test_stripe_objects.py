"""What Stripe's objects mean in our words; tables of cases, no server."""

import pytest
import stripe

from core.money import Money
from core.ports import (
    NotEnoughFunds,
    OutcomeUnknown,
    PayeeNotReady,
    PayoutRefused,
    RailDown,
)
from payouts import stripe_connect, stripe_objects
from tests.factories.payouts import eur

LINE = {"fee": 775, "currency": "eur"}
UNWRITTEN = {"status": "succeeded", "latest_charge": {"id": "ch_1", "balance_transaction": None}}


def session(status="complete", payment_status="paid", intent=None):
    return {
        "id": "cs_1",
        "url": None,
        "status": status,
        "payment_status": payment_status,
        "amount_total": 50_000,
        "currency": "eur",
        "payment_intent": intent,
    }


def charged(**line):
    return {"status": "succeeded", "latest_charge": {"id": "ch_1", "balance_transaction": line}}


@pytest.mark.parametrize(
    ("doc", "state"),
    [
        (session("open", "unpaid"), "open"),
        (session("expired", "unpaid"), "expired"),
        (session(intent=charged(**LINE)), "paid"),
        # Paid, but Stripe has not written its fee yet: not ours to book.
        (
            session(intent=UNWRITTEN),
            "processing",
        ),
        (session("complete", "unpaid", {"status": "processing"}), "processing"),
        (session("complete", "unpaid", {"status": "requires_payment_method"}), "failed"),
        (session("complete", "unpaid", {"status": "canceled"}), "failed"),
    ],
)
def test_the_state_of_a_checkout(doc, state):
    assert stripe_objects.checkout(doc).state == state


def test_a_paid_checkout_carries_the_charge_and_stripes_fee():
    found = stripe_objects.checkout(session(intent=charged(**LINE)))

    assert (found.amount, found.charge_id, found.fee) == (eur(50_000), "ch_1", eur(775))


def test_a_fee_in_another_currency_is_not_ours_to_book():
    found = stripe_objects.checkout(session(intent=charged(fee=800, currency="usd")))

    assert (found.state, found.fee) == ("paid", None)


def v2(status, *reasons, **more):
    entries = [
        {"description": "bank", "awaiting_action_from": "user", "requested_reasons": [{"code": r}]}
        for r in reasons
    ]
    transfers = {"stripe_balance": {"stripe_transfers": {"status": status}}}
    recipient = {"capabilities": transfers}
    return {
        "id": "acct_1",
        "configuration": {"recipient": recipient},
        "requirements": {"entries": entries},
        **more,
    }


@pytest.mark.parametrize(
    ("doc", "state", "missing"),
    [
        (v2("active"), "active", ()),
        (v2("pending"), "pending", ()),
        (v2("restricted", "routine_onboarding"), "started", ("bank",)),
        (v2("restricted", "routine_verification"), "restricted", ("bank",)),
        (v2("unsupported"), "restricted", ()),
        (v2("active", closed=True), "closed", ()),
        ({"id": "acct_1"}, "pending", ()),
    ],
)
def test_the_state_of_an_account(doc, state, missing):
    found = stripe_objects.payee_v2(doc)

    assert (found.state, found.missing) == (state, missing)


def v1(transfers, *, submitted=True, payouts=True, **more):
    return {
        "id": "acct_1",
        "capabilities": {"transfers": transfers},
        "details_submitted": submitted,
        "payouts_enabled": payouts,
        **more,
    }


@pytest.mark.parametrize(
    ("doc", "state"),
    [
        (v1("active"), "active"),
        (v1("active", payouts=False), "restricted"),
        (v1("pending"), "pending"),
        (v1("inactive"), "restricted"),
        (v1("inactive", submitted=False), "started"),
    ],
)
def test_the_state_of_an_account_of_the_first_api(doc, state):
    assert stripe_objects.payee_v1(doc).state == state


def test_the_last_digits_of_a_bank_account_are_kept():
    banks = {"external_accounts": {"data": [{"last4": "4471"}]}}

    assert stripe_objects.payee_v1(v1("active", **banks)).bank_last4 == "4471"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "on_its_way"),
        ("in_transit", "on_its_way"),
        ("paid", "paid"),
        ("failed", "refused"),
        ("canceled", "refused"),
        ("something new", "on_its_way"),
    ],
)
def test_the_way_to_the_bank(status, state):
    payout = {"id": "po_1", "status": status, "amount": 5, "currency": "eur", "created": 0}
    lines = [{"source": {"source_transfer": "tr_1"}}, {"source": "po_1"}, {"source": {}}]

    found = stripe_objects.bank_transfer(payout, lines)

    assert (found.state, found.transfer_ids, found.amount) == (state, ("tr_1",), Money(5, "eur"))


def error(kind, code=None, status=400):
    if kind is stripe.CardError or kind is stripe.InvalidRequestError:
        return kind("no", None, code=code, http_status=status)
    return kind("no", code=code, http_status=status)


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        (error(stripe.InvalidRequestError, "balance_insufficient"), NotEnoughFunds),
        (
            error(stripe.InvalidRequestError, "insufficient_capabilities_for_transfer"),
            PayeeNotReady,
        ),
        (error(stripe.InvalidRequestError, "parameter_unknown"), PayoutRefused),
        (error(stripe.CardError, "card_declined", 402), PayoutRefused),
        (error(stripe.PermissionError, "account_invalid", 403), PayeeNotReady),
        (error(stripe.InvalidRequestError, "lock_timeout", 409), OutcomeUnknown),
        (error(stripe.IdempotencyError, None, 400), OutcomeUnknown),
        (error(stripe.APIError, None, 500), OutcomeUnknown),
        (error(stripe.APIConnectionError, None, None), OutcomeUnknown),
        (error(stripe.RateLimitError, None, 429), RailDown),
        (error(stripe.AuthenticationError, None, 401), RailDown),
    ],
    ids=lambda one: getattr(one, "code", None) or type(one).__name__,
)
def test_what_is_certain_and_what_is_not(told, ours):
    found = stripe_connect._ours(told)

    assert type(found) is ours


def test_an_account_that_v2_does_not_know_is_asked_of_the_first_api():
    def v2():
        raise error(stripe.InvalidRequestError, "v1_account_instead_of_v2_account")

    assert stripe_connect._v2_first(v2, lambda: "first api") == "first api"


def test_another_trouble_of_v2_is_not_hidden_by_the_first_api():
    def v2():
        raise error(stripe.InvalidRequestError, "country_unsupported")

    with pytest.raises(PayoutRefused):
        stripe_connect._v2_first(v2, lambda: "first api")


def test_the_first_api_can_do_all_that_we_need(desk):
    reference = "payee-1-abcdefabcdef"
    account_id = desk.rail._open_v1(reference, "ada@example.org", "DE")
    urls = {"account": account_id, "type": "account_onboarding"}
    urls |= {"refresh_url": "http://localhost/r", "return_url": "http://localhost/d"}

    assert desk.rail._open_v1(reference, "ada@example.org", "DE") == account_id
    assert desk.bench.v1.account_links.create(urls).url
    assert (
        stripe_objects.payee_v1(desk.bench.v1.accounts.retrieve(account_id).to_dict()).state
        == "started"
    )
    desk.bench.control(f"/accounts/{account_id}/onboard")
    found = stripe_objects.payee_v1(desk.bench.v1.accounts.retrieve(account_id).to_dict())
    assert (found.state, bool(found.bank_last4)) == ("active", True)


def test_a_dispute_is_read_with_its_charge_its_deadline_and_what_it_has_moved():
    line = {"id": "txn_1", "type": "adjustment", "net": -11_500, "fee": 1500, "currency": "eur"}
    doc = {
        "id": "du_1",
        "charge": {"id": "ch_1", "metadata": {"reference": "deposit-1-abc"}},
        "amount": 10_000,
        "currency": "eur",
        "reason": "fraudulent",
        "status": "needs_response",
        "evidence_details": {"due_by": 1_780_000_000, "has_evidence": False},
        "balance_transactions": [{**line, "created": 1_780_000_000, "source": "du_1"}],
        "created": 1_780_000_000,
    }

    found = stripe_objects.dispute(doc)

    assert (found.charge_id, found.reference) == ("ch_1", "deposit-1-abc")
    assert (found.due_at.year, found.entries[0].fee) == (2026, eur(1500))
    bare = {**doc, "charge": "ch_1", "evidence_details": {"due_by": None}}
    assert stripe_objects.dispute(bare).due_at is None
    assert stripe_objects.dispute(bare).reference is None


def test_a_reversal_names_its_line_whether_it_is_expanded_or_not():
    doc = {"id": "trr_1", "amount": 5, "currency": "eur", "created": 1_780_000_000}
    for line in ("txn_1", {"id": "txn_1"}):
        found = stripe_objects.reversal({**doc, "balance_transaction": line, "metadata": {}})
        assert (found.entry_id, found.reference) == ("txn_1", None)


def test_what_an_account_has_is_settled_and_pending_in_one_currency():
    lines = [{"amount": -500, "currency": "eur"}, {"amount": 7, "currency": "usd"}]
    doc = {"available": lines, "pending": [{"amount": 200, "currency": "eur"}]}

    assert stripe_objects.balance_in(doc, "eur") == eur(-300)
