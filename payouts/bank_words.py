"""Why a bank has sent a payout back, in words: all of Stripe's failure codes.

The list is Stripe's (docs.stripe.com/api/payouts/failures); a code that is new is shown as it is.
"""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

NUMBER = _l("The account number is not right.")
HOLDER = _l("The name or the details of the account’s holder are not what the bank knows.")
CODES: dict[str, Any] = {
    "account_closed": _l("The bank account is closed."),
    "account_frozen": _l("The bank account is frozen."),
    "bank_account_restricted": _l("The bank account may not receive this kind of transfer."),
    "bank_ownership_changed": _l("The bank belongs to another one now, and its numbers changed."),
    "could_not_process": _l("The bank could not process the transfer."),
    "currency_not_allowed": _l("The bank account does not take this currency."),
    "debit_not_authorized": _l("The bank account does not allow what Stripe has asked of it."),
    "declined": _l("The bank has declined the transfer. It can tell you why."),
    "incorrect_account_address": _l("The address is not what the bank knows."),
    "incorrect_account_holder_address": _l("The address is not what the bank knows."),
    "incorrect_account_holder_details": HOLDER,
    "incorrect_account_holder_name": HOLDER,
    "incorrect_account_holder_tax_id": _l("The tax number is not what the bank knows."),
    "incorrect_account_type": _l("The kind of account is not what the bank knows."),
    "insufficient_funds": _l("Stripe’s account had too little money for the transfer."),
    "invalid_account_number": NUMBER,
    "invalid_account_number_length": NUMBER,
    "invalid_card": _l("The card cannot receive money."),
    "invalid_currency": _l("The bank account does not take this currency."),
    "invalid_transaction": _l("The bank does not allow this transfer."),
    "expired_card": _l("The card has expired."),
    "lost_or_stolen_card": _l("The card was reported lost or stolen."),
    "no_account": _l("The bank finds no account under this number."),
    "refer_to_customer": _l("The bank wishes to speak to you first."),
    "unsupported_card": _l("The card cannot receive money."),
    "method_not_supported": _l("The bank does not take this kind of transfer."),
}


class Why:
    """Why a bank has sent a payout back, said in the language of whoever reads it."""

    def __init__(self, code: str | None) -> None:
        self.code = code

    def __str__(self) -> str:
        return why(self.code)


def why(code: str | None) -> str:
    """Say why a bank has sent a payout back."""
    if not code:
        return str(_("The bank gave no reason."))
    return str(CODES.get(code) or _("The bank’s reason: %(code)s.", code=code))
