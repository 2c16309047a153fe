"""What Stripe asks of an expert, in plain words: what, how to give it, by when, why it has stopped.

Stripe names its requirements differently in its two APIs (`individual.verification.document`,
`identity.individual.documents...`) and adds new ones, so they are read by their parts; one that
nobody knows is shown as what it is. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Ask:
    """One thing that Stripe asks for; `code` only where we have no words of our own."""

    what: Any
    how: Any
    is_overdue: bool = False
    code: str = ""


OTHER = Ask(
    _l("something else"),
    _l("Stripe’s page says what it is and how to give it."),
)
# The first that fits counts, so the narrower stand above.
KNOWN: tuple[tuple[str, Ask], ...] = (
    (
        r"additional_document|secondary_verification|proof_of_address",
        Ask(
            _l("a document that shows where you live"),
            _l("A bill or a letter of a bank or an authority, not older than six months."),
        ),
    ),
    (
        r"liveness|selfie",
        Ask(_l("a photo of yourself"), _l("Stripe’s page takes it with your camera.")),
    ),
    (
        r"bank_account_ownership|ownership_verification",
        Ask(
            _l("a proof that the bank account is yours"),
            _l("A bank statement or a letter of your bank with your name and account number."),
        ),
    ),
    (
        r"verification|documents?\b",
        Ask(
            _l("a document that shows who you are"),
            _l("A photo of your passport or identity card, in colour, both sides, unexpired."),
        ),
    ),
    (
        r"external_account|outbound_destination|bank_account|payout_method",
        Ask(
            _l("your bank account"),
            _l("An account in your own name: its IBAN, or account and sort code."),
        ),
    ),
    (
        r"tos_acceptance|terms_of_service|attestation",
        Ask(_l("your agreement to Stripe’s terms"), _l("A tick at the end of Stripe’s page.")),
    ),
    (
        r"\bdob\b|date_of_birth",
        Ask(_l("your date of birth"), _l("As on your identity papers.")),
    ),
    (
        r"nationalit|political_exposure",
        Ask(_l("your nationality or public offices"), _l("A question on Stripe’s page.")),
    ),
    (
        r"interv_|inquiry|form\b|questionnaire",
        Ask(_l("answers to questions of Stripe"), _l("A short form on Stripe’s page.")),
    ),
    (
        r"address",
        Ask(_l("your address"), _l("Where you live, without a post office box.")),
    ),
    (
        r"email|phone",
        Ask(
            _l("your e-mail address and telephone number"),
            _l("A telephone that you have at hand: Stripe may send a code to it."),
        ),
    ),
    (
        r"ssn_last_4|id_number|tax_id|identification",
        Ask(
            _l("your tax or identity number"),
            _l("It stands on letters of your tax office, or on your identity papers."),
        ),
    ),
    (
        r"business_profile|business_type|entity_type|\bmcc\b|product_description|profile|\burl\b",
        Ask(
            _l("what you do"),
            _l("Choose “individual” and describe the work in a sentence: data annotation."),
        ),
    ),
    (
        r"owners|directors|executives|representative|authorizer|company|structure|relationship",
        Ask(
            _l("details of your company"),
            _l("Only where you chose “company”. For yourself, “individual” is enough."),
        ),
    ),
    (
        r"name",
        Ask(_l("your name"), _l("All first and last names, as on your identity papers.")),
    ),
)

# By `requirements.disabled_reason` of the first API and the codes of the second, which write _
# where the first writes a full stop. Whether the expert can do something about it.
STOPPED: dict[str, tuple[Any, bool]] = {
    "action_required_requested_capabilities": (
        _l("Stripe needs more details before it can turn on payouts."),
        True,
    ),
    "requirements_past_due": (
        _l("Details that Stripe asked for are overdue. Payouts start again once they are there."),
        True,
    ),
    "requirements_pending_verification": (
        _l("Stripe checks what you gave. You need not do anything; it takes up to two days."),
        False,
    ),
    "under_review": (
        _l("Stripe reviews the account. You need not do anything; it writes to you if it does."),
        False,
    ),
    "listed": (
        _l("Your name resembles one on a list that Stripe must check. It compares the two."),
        False,
    ),
    "platform_paused": (
        _l("The operator of this site has paused the account at Stripe. Write to the operator."),
        False,
    ),
    "rejected_fraud": (
        _l(
            "Stripe has closed the account because it suspects a fraud. You may contest that with "
            "Stripe; the operator can tell you how."
        ),
        False,
    ),
    "rejected_incomplete_verification": (
        _l(
            "Stripe has closed the account because details were never completed. Write to the "
            "operator, who can have it opened again."
        ),
        False,
    ),
    "rejected_listed": (
        _l(
            "Stripe has closed the account because your name stands on a list of people whom it "
            "may not pay. You may contest that with Stripe."
        ),
        False,
    ),
    "rejected_terms_of_service": (
        _l("Stripe has closed the account because of its terms. You may contest that with Stripe."),
        False,
    ),
    "rejected_other": (
        _l("Stripe has closed the account. Its letter to you says why; you may contest it there."),
        False,
    ),
    "rejected_platform_fraud": (
        _l(
            "The operator has closed the account at Stripe and suspects a fraud. You may contest "
            "that with the operator."
        ),
        False,
    ),
    "rejected_platform_terms_of_service": (
        _l(
            "The operator has closed the account at Stripe because of its terms. You may contest "
            "that with the operator."
        ),
        False,
    ),
    "rejected_platform_other": (
        _l("The operator has closed the account at Stripe. Ask the operator for the reason."),
        False,
    ),
    "other": (
        _l("Stripe has stopped the account and gives no reason. Write to the operator."),
        False,
    ),
}
ANOTHER_REASON = _l("Stripe has stopped the account for now. Its page says what it needs.")


def asks(missing: Iterable[str], overdue: Iterable[str] = ()) -> list[Ask]:
    """Return what Stripe asks for, each thing once, what is overdue first."""
    late = set(overdue)
    found: dict[str, Ask] = {}
    for code in sorted(missing, key=lambda one: one not in late):
        known = _known(code)
        is_other = known is OTHER
        key = code if is_other else str(known.what)
        found.setdefault(
            key, Ask(known.what, known.how, code in late, code[:80] if is_other else "")
        )
    return list(found.values())


def stopped(code: str | None) -> tuple[Any, bool] | None:
    """Return why an account is stopped, and whether its holder can do something about it."""
    if not code:
        return None
    found: tuple[Any, bool] = STOPPED.get(code.replace(".", "_"), (ANOTHER_REASON, True))
    return found


def _known(code: str) -> Ask:
    return next((ask for pattern, ask in KNOWN if re.search(pattern, code)), OTHER)
