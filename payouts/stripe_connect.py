"""Stripe as the payout rail: the only module that imports `stripe`. It translates and no more.

A client of its own with a fixed API version, our references as idempotency keys, and Stripe's
errors sorted into "moved nothing" and "we do not know". Objects leave here as our own types.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import stripe

from core.money import EXPONENTS, Money
from core.ports import (
    BankTransfer,
    CardSetup,
    Checkout,
    NotEnoughFunds,
    NotFromTheRail,
    OutcomeUnknown,
    PayeeNotReady,
    PayeeStatus,
    PayoutRefused,
    RailBalance,
    RailCharge,
    RailDispute,
    RailDown,
    RailEntry,
    RailNews,
    RailRefund,
    RailReversal,
)
from core.settings import Settings
from payouts import stripe_objects
from payouts.stripe_http import PatientHttp

API_VERSION = "2026-05-27.dahlia"
RETRIES = 2
PAGE = 100
SIGNATURE_AGE = 300
LIVE_KEYS = ("sk_live_", "rk_live_")

Answer = TypeVar("Answer")

NO_FUNDS = {"balance_insufficient"}
NOT_READY = {
    "insufficient_capabilities_for_transfer",
    "account_closed",
    "account_invalid",
    "account_country_invalid_address",
    "no_account",
    "payouts_not_allowed",
    "transfers_not_allowed",
}
# A platform, or an account, that lives in Stripe's first API for accounts.
ONLY_V1 = {
    "accounts_v2_access_blocked",
    "account_not_yet_compatible_with_v2",
    "v1_account_instead_of_v2_account",
}
INCLUDE = ["configuration.recipient", "requirements"]
# These take one currency only, and a checkout that names one for another is refused.
ONLY_IN = {"sepa_debit": "eur", "ideal": "eur", "bancontact": "eur", "bacs_debit": "gbp"}


class StripeConnect:
    """Implements `core.ports.PayoutRail`: separate charges and transfers of Stripe Connect."""

    def __init__(self, settings: Settings) -> None:
        stripe.enable_telemetry = False
        self.methods = settings.stripe_payment_methods
        key = settings.stripe_api_key.get_secret_value()
        self.is_live = key.startswith(LIVE_KEYS)
        base = settings.stripe_api_base
        # Every base is given, so that with a sandbox nothing can reach Stripe itself.
        bases: Any = {"api": base, "connect": base, "files": base} if base else {}
        self.client = stripe.StripeClient(
            key,
            base_addresses=bases,
            stripe_version=API_VERSION,
            max_network_retries=RETRIES,
            http_client=self.http(),
        )

    def http(self) -> stripe.RequestsClient:
        """Return what carries our questions to Stripe."""
        return PatientHttp()

    # Owners

    def open_checkout(self, amount: Money, *, reference: str, title: str, back_to: str) -> Checkout:
        """Open a hosted checkout; see `core.ports.CheckoutRail`."""
        marks = {"reference": reference}
        asked: Any = {
            "mode": "payment",
            "success_url": back_to,
            "cancel_url": back_to,
            "client_reference_id": reference,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": amount.currency,
                        "unit_amount": amount.minor,
                        "product_data": {"name": title},
                    },
                }
            ],
            "payment_intent_data": {"metadata": marks},
            "metadata": marks,
        }
        # Without names, Stripe offers what is switched on in its dashboard for the currency.
        methods = [m for m in self.methods if ONLY_IN.get(m, amount.currency) == amount.currency]
        if methods:
            asked["payment_method_types"] = methods
        with _asking():
            made = self.client.v1.checkout.sessions.create(asked, _keyed(reference))
        return stripe_objects.checkout(made.to_dict())

    def checkout(self, checkout_id: str) -> Checkout:
        """Read a hosted checkout with its charge and Stripe's fee."""
        expand: Any = {"expand": ["payment_intent.latest_charge.balance_transaction"]}
        with _asking():
            found = self.client.v1.checkout.sessions.retrieve(checkout_id, expand)
        return stripe_objects.checkout(found.to_dict())

    # Saved cards

    def open_card_setup(self, *, reference: str, name: str, email: str, back_to: str) -> CardSetup:
        """Open a hosted checkout that saves a card for a customer of its own."""
        marks = {"reference": reference}
        customer: Any = {"name": name, "email": email, "metadata": marks}
        with _asking():
            owner = self.client.v1.customers.create(customer, _keyed(f"{reference}-customer"))
            asked: Any = {
                "mode": "setup",
                "customer": owner.id,
                "payment_method_types": ["card"],
                "success_url": back_to,
                "cancel_url": back_to,
                "client_reference_id": reference,
                "setup_intent_data": {"metadata": marks},
                "metadata": marks,
            }
            made = self.client.v1.checkout.sessions.create(asked, _keyed(reference))
        return stripe_objects.card_setup(made.to_dict())

    def card_setup(self, setup_id: str) -> CardSetup:
        """Read such a checkout with the card that it saved."""
        expand: Any = {"expand": ["setup_intent.payment_method"]}
        with _asking():
            found = self.client.v1.checkout.sessions.retrieve(setup_id, expand)
        return stripe_objects.card_setup(found.to_dict())

    def charge_saved(
        self, amount: Money, *, customer_id: str, card_id: str, reference: str, title: str
    ) -> Checkout:
        """Charge a saved card off session; a declined one is an answer, not an error."""
        asked: Any = {
            "amount": amount.minor,
            "currency": amount.currency,
            "customer": customer_id,
            "payment_method": card_id,
            "payment_method_types": ["card"],
            "off_session": True,
            "confirm": True,
            "description": title,
            "metadata": {"reference": reference},
            "expand": ["latest_charge.balance_transaction"],
        }
        try:
            with _asking():
                made = self.client.v1.payment_intents.create(asked, _keyed(reference))
        except PayoutRefused as refusal:
            declined = refusal.__cause__
            if not isinstance(declined, stripe.CardError):
                raise
            body: Any = declined.json_body or {}
            return stripe_objects.declined(body.get("error") or {}, amount)
        return stripe_objects.saved_charge(made.to_dict())

    def find_saved_charge(
        self, *, customer_id: str, reference: str, since: datetime
    ) -> Checkout | None:
        """Look a charge up by the reference that we wrote on it."""
        # A day of grace, as for transfers.
        asked: Any = {
            "customer": customer_id,
            "created": _from(since - timedelta(days=1)),
            "limit": PAGE,
            "expand": ["data.latest_charge.balance_transaction"],
        }
        with _asking():
            for found in self.client.v1.payment_intents.list(asked).auto_paging_iter():
                doc = found.to_dict()
                if doc.get("metadata", {}).get("reference") == reference:
                    return stripe_objects.saved_charge(doc)
        return None

    def forget_card(self, card_id: str) -> None:
        """Detach a card from its customer; one that is detached already is done with."""
        with _asking():
            method = self.client.v1.payment_methods.retrieve(card_id)
            if method.customer is not None:
                self.client.v1.payment_methods.detach(card_id)

    # What became of owners' money

    def charge(self, charge_id: str) -> RailCharge:
        """Read a charge with its line in Stripe's books."""
        expand: Any = {"expand": ["balance_transaction"]}
        with _asking():
            found = self.client.v1.charges.retrieve(charge_id, expand)
        return stripe_objects.charge(found.to_dict())

    def give_back(self, charge_id: str, amount: Money, *, reference: str) -> RailRefund:
        """Refund a part of a charge; see `core.ports.RefundRail`."""
        asked: Any = {
            "charge": charge_id,
            "amount": amount.minor,
            "reason": "requested_by_customer",
            "metadata": {"reference": reference},
        }
        with _asking():
            made = self.client.v1.refunds.create(asked, _keyed(reference))
        return stripe_objects.refund(made.to_dict())

    def find_refund(self, charge_id: str, *, reference: str) -> RailRefund | None:
        """Look a refund up by the reference that we wrote on it."""
        asked: Any = {"charge": charge_id, "limit": PAGE}
        with _asking():
            for found in self.client.v1.refunds.list(asked).auto_paging_iter():
                doc = found.to_dict()
                if (doc.get("metadata") or {}).get("reference") == reference:
                    return stripe_objects.refund(doc)
        return None

    def refund(self, refund_id: str) -> RailRefund:
        """Read a refund again."""
        with _asking():
            found = self.client.v1.refunds.retrieve(refund_id)
        return stripe_objects.refund(found.to_dict())

    # Experts

    def open_payee(self, *, reference: str, email: str, country: str) -> str:
        """Open an account by Accounts v2, or by v1 where the platform has no v2."""
        return _v2_first(
            lambda: self._open_v2(reference, email, country),
            lambda: self._open_v1(reference, email, country),
        )

    def onboarding_url(self, account_id: str, *, refresh_url: str, return_url: str) -> str:
        """Return Stripe's hosted onboarding, good for one visit."""
        urls = {"refresh_url": refresh_url, "return_url": return_url}
        v2: Any = {
            "account": account_id,
            "use_case": {
                "type": "account_onboarding",
                "account_onboarding": {"configurations": ["recipient"], **urls},
            },
        }
        v1: Any = {"account": account_id, "type": "account_onboarding", **urls}
        return _v2_first(
            lambda: self.client.v2.core.account_links.create(v2).url,
            lambda: self.client.v1.account_links.create(v1).url,
        )

    def payee(self, account_id: str) -> PayeeStatus:
        """Read what an account may do and what it lacks."""
        include: Any = {"include": INCLUDE}
        return _v2_first(
            lambda: stripe_objects.payee_v2(
                self.client.v2.core.accounts.retrieve(account_id, include).to_dict()
            ),
            lambda: stripe_objects.payee_v1(self.client.v1.accounts.retrieve(account_id).to_dict()),
        )

    # Pay

    def send(self, amount: Money, *, to: str, reference: str) -> str:
        """Transfer to a connected account; see `core.ports.TransferRail`."""
        asked: Any = {**_transfer(amount, to, reference), "transfer_group": reference}
        with _asking():
            return self.client.v1.transfers.create(asked, _keyed(reference)).id

    def send_from(self, charge_id: str, amount: Money, *, to: str, reference: str) -> str:
        """Transfer from a charge: it settles when the charge does, and is of the charge's group."""
        asked: Any = {**_transfer(amount, to, reference), "source_transaction": charge_id}
        with _asking():
            return self.client.v1.transfers.create(asked, _keyed(reference)).id

    def find_sent(self, *, to: str, reference: str, since: datetime) -> str | None:
        """Look a transfer up by the reference that we wrote on it."""
        # A day of grace covers clocks that differ and a question that was asked late.
        asked: Any = {"destination": to, "created": _from(since - timedelta(days=1)), "limit": PAGE}
        with _asking():
            for found in self.client.v1.transfers.list(asked).auto_paging_iter():
                if found.to_dict().get("metadata", {}).get("reference") == reference:
                    return found.id
        return None

    def bank_transfer(self, account_id: str, bank_transfer_id: str) -> BankTransfer:
        """Read a payout of a connected account and which of our transfers it carries."""
        inside: Any = {"stripe_account": account_id}
        asked: Any = {"payout": bank_transfer_id, "limit": PAGE, "expand": ["data.source"]}
        with _asking():
            payout = self.client.v1.payouts.retrieve(bank_transfer_id, options=inside).to_dict()
            lines = self.client.v1.balance_transactions.list(asked, inside)
            carried = [line.to_dict() for line in lines.auto_paging_iter()]
        return stripe_objects.bank_transfer(payout, carried)

    def payee_balance(self, account_id: str, currency: str) -> Money:
        """Read what a connected account has; see `core.ports.PayeeBalanceRail`."""
        with _asking():
            found = self.client.v1.balance.retrieve(options={"stripe_account": account_id})
        return stripe_objects.balance_in(found.to_dict(), currency)

    def take_back(self, transfer_id: str, amount: Money, *, reference: str) -> RailReversal:
        """Reverse a transfer; see `core.ports.ReversalRail`."""
        asked: Any = {"amount": amount.minor, "metadata": {"reference": reference}}
        with _asking():
            made = self.client.v1.transfers.reversals.create(transfer_id, asked, _keyed(reference))
        return stripe_objects.reversal(made.to_dict())

    def taken_back(self, transfer_id: str) -> list[RailReversal]:
        """Read the reversals of a transfer."""
        asked: Any = {"limit": PAGE}
        with _asking():
            found = self.client.v1.transfers.reversals.list(transfer_id, asked)
            return [stripe_objects.reversal(one.to_dict()) for one in found.auto_paging_iter()]

    # Disputes

    def dispute(self, dispute_id: str) -> RailDispute:
        """Read a dispute with its charge, which bears our reference."""
        expand: Any = {"expand": ["charge"]}
        with _asking():
            found = self.client.v1.disputes.retrieve(dispute_id, expand)
        return stripe_objects.dispute(found.to_dict())

    def disputes(self, since: datetime) -> Iterable[RailDispute]:
        """Read the disputes that were opened since then."""
        asked: Any = {"created": _from(since), "limit": PAGE, "expand": ["data.charge"]}
        with _asking():
            for found in self.client.v1.disputes.list(asked).auto_paging_iter():
                doc = found.to_dict()
                if doc["currency"] in EXPONENTS:
                    yield stripe_objects.dispute(doc)

    # Books

    def balances(self) -> list[RailBalance]:
        """Read the platform's balance, available and pending, by currency."""
        with _asking():
            found = self.client.v1.balance.retrieve().to_dict()
        by_state = {
            state: {line["currency"]: line["amount"] for line in found[state]}
            for state in ("available", "pending")
        }
        codes = sorted((by_state["available"] | by_state["pending"]).keys() & EXPONENTS.keys())
        return [
            RailBalance(
                Money(by_state["available"].get(code, 0), code),
                Money(by_state["pending"].get(code, 0), code),
            )
            for code in codes
        ]

    def entries(self, since: datetime) -> Iterable[RailEntry]:
        """Read the platform's balance transactions, newest first."""
        asked: Any = {"created": _from(since), "limit": PAGE, "expand": ["data.source"]}
        with _asking():
            for found in self.client.v1.balance_transactions.list(asked).auto_paging_iter():
                line = found.to_dict()
                if line["currency"] in EXPONENTS:
                    yield stripe_objects.entry(line)

    # News

    def read_news(self, payload: bytes, signature: str, *, secret: str) -> RailNews:
        """Verify the raw body of a webhook and read it, be it a snapshot or a thin event."""
        if not secret:  # whoever knows that there is none could sign with it
            raise NotFromTheRail("no secret")
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret, SIGNATURE_AGE)
            return stripe_objects.news(json.loads(payload), is_live=self.is_live)
        except (stripe.SignatureVerificationError, ValueError, RecursionError) as problem:
            raise NotFromTheRail(type(problem).__name__) from problem

    def undelivered_news(self, since: datetime) -> Iterable[RailNews]:
        """Read the events that Stripe could not deliver to us."""
        asked: Any = {"created": _from(since), "delivery_success": False, "limit": PAGE}
        with _asking():
            for found in self.client.v1.events.list(asked).auto_paging_iter():
                yield stripe_objects.news(found.to_dict(), is_live=self.is_live)

    def _open_v2(self, reference: str, email: str, country: str) -> str:
        transfers = {"stripe_balance": {"stripe_transfers": {"requested": True}}}
        asked: Any = {
            "contact_email": email,
            "dashboard": "express",
            "identity": {"country": country.lower()},
            "configuration": {"recipient": {"capabilities": transfers}},
            "defaults": {
                "responsibilities": {
                    "fees_collector": "application",
                    "losses_collector": "application",
                }
            },
            "include": INCLUDE,
            "metadata": {"reference": reference},
        }
        return self.client.v2.core.accounts.create(asked, _keyed(reference)).id

    def _open_v1(self, reference: str, email: str, country: str) -> str:
        asked: Any = {
            "country": country.upper(),
            "email": email,
            "business_type": "individual",
            "capabilities": {"transfers": {"requested": True}},
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "stripe_dashboard": {"type": "express"},
                "requirement_collection": "stripe",
            },
            "metadata": {"reference": reference},
        }
        return self.client.v1.accounts.create(asked, _keyed(reference)).id


@contextmanager
def _asking() -> Iterator[None]:
    """Turn Stripe's errors into ours: refused for certain, or unknown."""
    try:
        yield
    except stripe.StripeError as error:
        raise _ours(error) from error


def _ours(error: stripe.StripeError) -> Exception:
    code, words = error.code or type(error).__name__, error.user_message or ""
    if isinstance(error, stripe.RateLimitError | stripe.AuthenticationError):
        return RailDown(code)
    # A key that was used for another question may have moved money: that is not a refusal.
    known = isinstance(
        error, stripe.InvalidRequestError | stripe.CardError | stripe.PermissionError
    )
    if not known or error.http_status == 409:
        return OutcomeUnknown(code)
    if code in NO_FUNDS:
        return NotEnoughFunds(code, words)
    return (PayeeNotReady if code in NOT_READY else PayoutRefused)(code, words)


def _v2_first(v2: Callable[[], Answer], v1: Callable[[], Answer]) -> Answer:
    with _asking():
        try:
            return v2()
        except stripe.StripeError as error:
            if error.code not in ONLY_V1:
                raise
            return v1()


def _transfer(amount: Money, to: str, reference: str) -> dict[str, Any]:
    return {
        "amount": amount.minor,
        "currency": amount.currency,
        "destination": to,
        "metadata": {"reference": reference},
    }


def _keyed(reference: str) -> Any:
    return {"idempotency_key": reference}


def _from(since: datetime) -> dict[str, int]:
    return {"gte": int(since.timestamp())}
