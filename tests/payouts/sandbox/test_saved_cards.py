"""Cards that are saved on a page and charged while nobody is there."""

import pytest
import stripe

CARD = "4242424242424242"
BACK = {"success_url": "http://localhost:9/done", "cancel_url": "http://localhost:9/back"}


@pytest.fixture
def customer(bench):
    return bench.v1.customers.create({"name": "Acme", "email": "acme@example.org"}).id


def setup(bench, customer, **more):
    return bench.v1.checkout.sessions.create(
        {"mode": "setup", "customer": customer, "payment_method_types": ["card"], **BACK, **more}
    )


def saved(bench, customer, card=CARD):
    made = setup(bench, customer)
    bench.control(f"/checkout/{made.id}/pay", card=card)
    found = bench.v1.checkout.sessions.retrieve(
        made.id, {"expand": ["setup_intent.payment_method", "customer"]}
    )
    return found.setup_intent.payment_method


def charge(bench, customer, method, **more):
    return bench.v1.payment_intents.create(
        {
            "amount": 20_000,
            "currency": "eur",
            "customer": customer,
            "payment_method": method,
            "payment_method_types": ["card"],
            "off_session": True,
            "confirm": True,
            "metadata": {"reference": "r"},
            "expand": ["latest_charge.balance_transaction"],
            **more,
        }
    )


def test_a_card_is_saved_without_a_payment_and_charged_later(bench, customer):
    method = saved(bench, customer)

    paid = charge(bench, customer, method.id)

    assert (method.card.last4, method.customer) == ("4242", customer)
    assert (paid.status, paid.customer) == ("succeeded", customer)
    assert paid.latest_charge.balance_transaction.net == 20_000 - 325
    listed = bench.v1.payment_intents.list(
        {"customer": customer, "expand": ["data.latest_charge.balance_transaction"]}
    )
    assert [one.id for one in listed] == [paid.id]
    assert bench.v1.payment_intents.list({"customer": "cus_other"}).data == []


@pytest.mark.parametrize(
    ("card", "code", "why"),
    [
        ("4000000000000341", "card_declined", "generic_decline"),
        ("4000008260003178", "card_declined", "insufficient_funds"),
        ("4000002760003184", "authentication_required", "authentication_required"),
    ],
)
def test_a_saved_card_may_say_no_later(bench, customer, card, code, why):
    method = saved(bench, customer, card)

    with pytest.raises(stripe.CardError) as refusal:
        charge(bench, customer, method.id)

    assert refusal.value.code == code
    error = refusal.value.json_body["error"]
    assert (error["decline_code"], error["payment_intent"]["status"]) == (
        why,
        "requires_payment_method",
    )
    assert bench.available() == 0


def test_a_card_that_was_saved_with_authentication_is_not_asked_again(bench, customer):
    method = saved(bench, customer, "4000002500003155")

    assert charge(bench, customer, method.id).status == "succeeded"


def test_a_card_without_funds_cannot_be_saved(bench, customer):
    made = setup(bench, customer)

    answer = bench.control(f"/checkout/{made.id}/pay", card="4000000000009995")

    found = bench.v1.checkout.sessions.retrieve(made.id, {"expand": ["setup_intent"]})
    assert "insufficient funds" in answer["declined"]
    assert (found.status, found.setup_intent.status) == ("open", "requires_payment_method")


def test_a_detached_card_and_a_foreign_one_are_refused(bench, customer):
    mine, other = saved(bench, customer), bench.v1.customers.create().id

    with pytest.raises(stripe.InvalidRequestError, match="another Customer"):
        charge(bench, other, mine.id)
    bench.v1.payment_methods.detach(mine.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        charge(bench, customer, mine.id)
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        bench.v1.payment_methods.detach(mine.id)
    assert bench.v1.payment_methods.retrieve(mine.id).customer is None


def test_a_session_that_saves_a_card_asks_for_what_it_needs(bench, customer):
    price = {"currency": "eur", "unit_amount": 5, "product_data": {"name": "x"}}

    with pytest.raises(stripe.InvalidRequestError, match="line_items"):
        setup(bench, customer, line_items=[{"quantity": 1, "price_data": price}])
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        setup(bench, "cus_nobody")
    with pytest.raises(stripe.InvalidRequestError, match="currency"):
        bench.v1.checkout.sessions.create({"mode": "setup", "customer": customer, **BACK})
    assert setup(bench, customer, setup_intent_data={"metadata": {"a": "b"}}).setup_intent


def test_the_page_saves_a_card_and_leads_back(bench, customer):
    made = setup(bench, customer)

    page = bench.web.get(made.url)
    refused = bench.web.post(made.url, data={"card_number": "4000 0000 0000 0002"})
    done = bench.web.post(made.url, data={"card_number": "4242 4242 4242 4242"})
    again = bench.web.get(made.url)

    assert "Save the card" in page.text
    assert "Nothing is paid now" in page.text
    assert refused.status_code == 402
    assert done.headers["Location"] == again.headers["Location"] == BACK["success_url"]
    assert bench.v1.customers.retrieve(customer).name == "Acme"
