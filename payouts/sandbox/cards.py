"""Test cards, as Stripe documents them, and what becomes of a payment with each."""

import re
from dataclasses import dataclass, replace

from payouts.sandbox.errors import Declined


@dataclass(frozen=True)
class Card:
    """A test card."""

    brand: str = "visa"
    refused: str | None = None  # Stripe's error code
    decline_code: str | None = None
    at_once: bool = False  # its funds are available at once, whatever the settlement time
    disputed: bool = False
    refund_fails: bool = False
    refund_waits: bool = False
    # What a saved card answers when it is charged while nobody is there.
    refused_later: str | None = None


_DECLINED = "card_declined"
CARDS = {
    "4242424242424242": Card(),
    "5555555555554444": Card("mastercard"),
    "378282246310005": Card("amex"),
    "4000000000000077": Card(at_once=True),
    "4000000000000259": Card(disputed=True),
    "4000000000005126": Card(refund_fails=True),
    "4000000000007726": Card(refund_waits=True),
    "4000000000000002": Card(refused=_DECLINED, decline_code="generic_decline"),
    "4000000000009995": Card(refused=_DECLINED, decline_code="insufficient_funds"),
    "4000000000009987": Card(refused=_DECLINED, decline_code="lost_card"),
    "4000000000009979": Card(refused=_DECLINED, decline_code="stolen_card"),
    "4000000000000069": Card(refused="expired_card"),
    "4000000000000127": Card(refused="incorrect_cvc"),
    "4000000000000119": Card(refused="processing_error"),
    "4000002500003155": Card(),  # asks for authentication unless it was saved with it
    "4000002760003184": Card(refused_later="authentication_required"),
    "4000000000000341": Card(refused_later="generic_decline"),
    "4000008260003178": Card(refused_later="insufficient_funds"),
}
METHODS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_bypassPending": "4000000000000077",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_refundFail": "4000000000005126",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
}
MESSAGES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "test_mode_live_card": "Your card was declined. Your request was in test mode, but used a"
    " non test card.",
}


def number(text: str) -> str:
    """Return a card number without the spaces that people put in."""
    return re.sub(r"[\s-]", "", text)


def find(digits: str) -> Card:
    """Return the test card with this number; any other number is refused when it is charged."""
    if digits in CARDS:
        return CARDS[digits]
    if re.fullmatch(r"[0-9]{12,19}", digits) and _checked(digits):
        return Card(refused=_DECLINED, decline_code="test_mode_live_card")
    return Card(refused="incorrect_number")


def off_session(card: Card) -> Card:
    """Return a saved card as it answers while nobody is there."""
    if card.refused_later is None:
        return card
    asks = card.refused_later == "authentication_required"
    code = card.refused_later if asks else _DECLINED
    return replace(card, refused=code, decline_code=card.refused_later)


def _checked(digits: str) -> bool:
    """Return whether the last digit is right, by Luhn's rule."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def declined(card: Card, **more: object) -> Declined:
    """Return what a refused card is answered with."""
    code = card.refused or _DECLINED
    message = MESSAGES.get(card.decline_code or "", MESSAGES[code])
    return Declined(message, code=code, decline_code=card.decline_code, **more)
