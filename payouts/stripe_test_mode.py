"""Stripe in test mode: the real adapter, and what only a rehearsal does beside it.

The one rule: no key but a test key gets past the door, so that nothing here can move real money.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import stripe

from core.money import Money
from core.ports import RailNews
from core.settings import Settings
from payouts import stripe_objects
from payouts.stripe_connect import PAGE, StripeConnect, _asking
from payouts.stripe_http import TIMEOUT

TEST_KEY = "sk_test_"


class NotATestKey(Exception):
    """A rehearsal moves money about, and takes a secret test key (sk_test_…) only."""


class Losing(stripe.RequestsClient):
    """Carries questions to Stripe, and throws the next answers away when told to."""

    to_lose = 0

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **how: Any
    ) -> Any:
        """Ask; what is lost has happened all the same."""
        answer = super().request(method, url, headers, post_data, **how)
        if method == "post" and self.to_lose:
            self.to_lose -= 1
            lost: Any = stripe.APIConnectionError
            raise lost("The answer was thrown away.")
        return answer


class StripeTestMode(StripeConnect):
    """`StripeConnect` with a test key, test cards, and answers that can be lost."""

    def __init__(self, settings: Settings) -> None:
        if not settings.stripe_api_key.get_secret_value().startswith(TEST_KEY):
            raise NotATestKey
        self.wire = self.losing()
        super().__init__(settings)

    def http(self) -> stripe.RequestsClient:
        """Carry questions over a wire that can lose answers."""
        return self.wire

    def losing(self) -> Losing:
        """Return such a wire."""
        return Losing(timeout=TIMEOUT)

    def pay_by_test_card(self, amount: Money, card: str, *, reference: str) -> str:
        """Take a payment by a test card such as pm_card_visa and return its charge's id.

        Stands in for the hosted page, which only a person can click.
        """
        asked: Any = {
            "amount": amount.minor,
            "currency": amount.currency,
            "confirm": True,
            "payment_method": card,
            "payment_method_types": ["card"],
            "metadata": {"reference": reference},
        }
        with _asking():
            made = self.client.v1.payment_intents.create(asked, _key(reference))
        return str(made.to_dict()["latest_charge"])

    def save_test_card(self, card: str, *, reference: str) -> tuple[str, str]:
        """Save a test card for a customer of its own; return the ids of both."""
        owner: Any = {"name": "Rehearsal", "metadata": {"reference": reference}}
        with _asking():
            customer = self.client.v1.customers.create(owner, _key(f"{reference}:customer"))
            whose: Any = {"customer": customer.id}
            saved = self.client.v1.payment_methods.attach(card, whose, _key(f"{reference}:card"))
        return customer.id, saved.id

    def open_payee_by_v1(self, *, reference: str, email: str, country: str) -> str:
        """Open an account by the first API, as where a platform has no v2."""
        with _asking():
            return self._open_v1(reference, email, country)

    def count_sent(self, reference: str) -> int:
        """Count the transfers under a reference that `send` wrote."""
        asked: Any = {"transfer_group": reference, "limit": PAGE}
        with _asking():
            return sum(1 for _ in self.client.v1.transfers.list(asked).auto_paging_iter())

    def send_to_bank(self, account_id: str, currency: str, *, reference: str) -> Money:
        """Send all that a payee has available to their bank; return how much that was."""
        inside: Any = {"stripe_account": account_id}
        with _asking():
            held = self.client.v1.balance.retrieve(options=inside).to_dict()["available"]
            amount = sum(line["amount"] for line in held if line["currency"] == currency)
            if amount > 0:
                asked: Any = {"amount": amount, "currency": currency}
                options: Any = {**inside, **_key(reference)}
                self.client.v1.payouts.create(asked, options)
        return Money(amount, currency)

    def told(self, since: datetime) -> Iterator[RailNews]:
        """Read the events since then, newest first, those of the platform."""
        asked: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        with _asking():
            for found in self.client.v1.events.list(asked).auto_paging_iter():
                yield stripe_objects.news(found.to_dict())


def _key(reference: str) -> Any:
    return {"idempotency_key": reference}
