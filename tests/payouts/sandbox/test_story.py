"""The whole way of the money, through the SDK, told to both webhook endpoints."""

from tests.payouts.sandbox import speccheck
from tests.payouts.sandbox.bench import RECIPIENT


def test_money_goes_from_a_budget_to_an_experts_bank_and_every_cent_is_accounted_for(
    told, receiver
):
    account = told.v2.core.accounts.create(
        {
            "contact_email": "ada@example.org",
            "dashboard": "express",
            "identity": {"country": "DE"},
            "configuration": {"recipient": RECIPIENT},
            "include": ["configuration.recipient", "identity", "requirements", "defaults"],
        }
    )
    told.control(f"/accounts/{account.id}/onboard")
    session = told.session(50000, payment_intent_data={"transfer_group": "project:5"})
    told.control(f"/checkout/{session.id}/pay")
    paid = told.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items"]}
    )
    charge = paid.payment_intent.latest_charge
    transfer = told.v1.transfers.create(
        {
            "amount": 1234,
            "currency": "eur",
            "destination": account.id,
            "source_transaction": charge.id,
            "metadata": {"payout_id": "3"},
        },
        {"idempotency_key": "payout:3"},
    )
    payout = told.v1.payouts.create(
        {"amount": 1000, "currency": "eur"}, {"stripe_account": account.id}
    )

    assert (paid.status, paid.payment_status) == ("complete", "paid")
    assert charge.balance_transaction.fee == 775  # 1.5 % of 500.00 and 0.25
    assert transfer.transfer_group == "project:5"
    assert told.available() == 50000 - 775 - 1234
    assert told.available(account.id) == 234
    assert sum(move.net for move in told.moves()) == told.available()
    receiver.wait(lambda names: "payout.paid" in names)
    told.control("/webhooks/deliver")
    assert told.v1.payouts.retrieve(payout.id, {}, {"stripe_account": account.id}).status == "paid"
    assert receiver.names("/platform") == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "transfer.created",
    ]
    assert receiver.names("/connect") == [
        "account.external_account.created",
        "account.updated",
        "capability.updated",
        "payout.created",
        "payout.updated",
        "payout.paid",
    ]
    for heard in receiver.heard:
        assert speccheck.object_faults(heard.event["data"]["object"]) == []
        assert speccheck.object_faults(heard.event) == []
        assert heard.event.get("account") == (account.id if heard.path == "/connect" else None)
