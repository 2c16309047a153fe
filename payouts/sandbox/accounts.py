"""Connected accounts: one state, whichever of Stripe's two account APIs made or asks for them.

The one rule: an account can receive transfers only while `capability` says "active".
"""

import re
from typing import Any

from payouts.sandbox import events
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import words
from payouts.sandbox.store import Doc, Tx, new_id, public

# Where a European platform may open recipient accounts by itself: UK, EEA, CA, CH, US.
COUNTRIES = words(
    "AT BE BG CA CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE"
    " SI SK US"
)
_CURRENCIES = {
    "CA": "cad",
    "CH": "chf",
    "CZ": "czk",
    "DK": "dkk",
    "GB": "gbp",
    "LI": "chf",
    "NO": "nok",
    "PL": "pln",
    "SE": "sek",
    "US": "usd",
}
CAPABILITIES = ("card_payments", "transfers")
RESTRICTIONS = {  # the account's disabled_reason, and the capability's
    "requirements.past_due": "requirements.fields_needed",
    "requirements.pending_verification": "pending.review",
    "under_review": "pending.review",
    "platform_paused": "platform_paused",
    "listed": "other",
    "other": "other",
    "rejected.fraud": "rejected.other",
    "rejected.other": "rejected.other",
    "rejected.terms_of_service": "rejected.other",
}
ASKED_FIRST = [
    "external_account",
    "individual.first_name",
    "individual.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
]

# Test bank numbers whose last four digits decide how a payout to them ends (an assumption).
BANK_OUTCOMES = {"3001": "account_closed", "3002": "no_account", "3003": "could_not_process"}


def create(tx: Tx, **given: Any) -> Doc:
    """Open an account that has still to be onboarded."""
    country = (given.get("country") or tx.settings.country).upper()
    if country not in COUNTRIES:
        raise Refusal(
            f"{country} is not currently supported by Stripe for a platform in"
            f" {tx.settings.country}.",
            code="country_unsupported",
            param="country",
        )
    return tx.add(
        {
            "id": new_id("acct_")[:21],
            "created": tx.now,
            "country": country,
            "currency": _CURRENCIES.get(country, "eur"),
            "email": given.get("email"),
            "display_name": given.get("display_name"),
            "entity_type": given.get("entity_type"),
            "dashboard": given.get("dashboard", "express"),
            "fees": given.get("fees", "application"),
            "losses": given.get("losses", "application"),
            "agreement": given.get("agreement", "full"),
            "requested": given.get("requested", {}),
            "configurations": given.get("configurations", []),
            "schedule": given.get("schedule", {"interval": "daily"}),
            "debit_negative_balances": True,
            "metadata": given.get("metadata", {}),
            "legal_name": None,
            "bank": None,
            "details_submitted": False,
            "accepted_at": None,
            "restricted": None,
        },
        kind="account",
    )


def find(tx: Tx, id_: str) -> Doc:
    """Return an account, or refuse as Stripe does for one that is none of ours."""
    found = tx.get("account", id_)
    if found is None:
        raise Refusal(
            f"The provided key does not have access to account '{id_}' (or that account does not"
            " exist). Application access may have been revoked.",
            code="account_invalid",
            status=403,
        )
    return found


def capability(account: Doc, name: str = "transfers") -> str:
    """Return `unrequested`, `inactive`, `pending` or `active`."""
    if not account["requested"].get(name):
        return "unrequested"
    if account["restricted"] in ("under_review", "requirements.pending_verification"):
        return "pending"
    ready = account["details_submitted"] and not account["restricted"]
    return "active" if ready else "inactive"


def payouts_enabled(account: Doc) -> bool:
    """Return whether money may leave the account for its bank."""
    works = account["bank"] and account["bank"].get("status") != "errored"
    return bool(account["details_submitted"] and works and not account["restricted"])


def change(tx: Tx, account: Doc, **new: Any) -> Doc:
    """Keep a new state of an account and tell the platform what it means."""
    before = capability(account)
    account.update(new)
    tx.save(account)
    events.emit(tx, "account.updated", shown(account), account=account["id"])
    if capability(account) != before:
        events.emit(
            tx,
            "capability.updated",
            shown_capability(account, "transfers"),
            account=account["id"],
            before={"status": before},
        )
    return account


def onboard(tx: Tx, account: Doc, *, legal_name: str, number: str) -> Doc:
    """Take what a person told about themselves and their bank."""
    bank = _bank(account, legal_name, number)
    tx.add(bank, kind="bank_account", account=account["id"])
    events.emit(tx, "account.external_account.created", bank, account=account["id"])
    asked_for_more = account["restricted"] == "requirements.past_due"
    return change(
        tx,
        account,
        legal_name=legal_name,
        entity_type=account["entity_type"] or "individual",
        details_submitted=True,
        bank=public(bank),
        accepted_at=tx.now,
        restricted=None if asked_for_more else account["restricted"],
    )


def bank_failed(tx: Tx, bank_id: str) -> None:
    """Stop paying to a bank account that sent money back, until another one is given."""
    bank = tx.get("bank_account", bank_id)
    if bank is None:  # the platform's own
        return
    tx.save({**bank, "status": "errored"})
    account = find(tx, bank["account"])
    if account["bank"]["id"] == bank_id:
        events.emit(
            tx,
            "account.external_account.updated",
            {**bank, "status": "errored"},
            account=account["id"],
            before={"status": bank["status"]},
        )
        change(tx, account, bank={**account["bank"], "status": "errored"})


def _bank(account: Doc, legal_name: str, number: str) -> Doc:
    return {
        "id": new_id("ba_"),
        "object": "bank_account",
        "account": account["id"],
        "account_holder_name": legal_name,
        "account_holder_type": "individual",
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": account["country"],
        "currency": account["currency"],
        "default_for_currency": True,
        "fingerprint": new_id("")[:16],
        "last4": number[-4:],
        "metadata": {},
        "routing_number": None,
        "status": "new",
        "_": {"outcome": BANK_OUTCOMES.get(number[-4:])},
    }


def bank_number(text: str, country: str) -> str | None:
    """Return a usable bank number, or None: an IBAN, or digits in the United States and Canada."""
    number = re.sub(r"[\s-]", "", text).upper()
    if country in ("US", "CA"):
        return number if re.fullmatch(r"\d{6,17}", number) else None
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}", number):
        return None
    turned = "".join(str(int(letter, 36)) for letter in number[4:] + number[:4])
    return number if int(turned) % 97 == 1 else None


def due(account: Doc) -> list[str]:
    """Return what the account holder has still to give."""
    if not account["details_submitted"]:
        return ASKED_FIRST
    if account["restricted"] == "requirements.past_due":
        return ["individual.verification.document"]
    return ["external_account"] if account["bank"]["status"] == "errored" else []


def disabled_reason(account: Doc) -> str | None:
    """Return why the account may not do what it asked for."""
    if account["restricted"]:
        return str(account["restricted"])
    return None if account["details_submitted"] else "requirements.past_due"


def shown_capability(account: Doc, name: str) -> Doc:
    """Return a capability as API v1 answers it."""
    reason = disabled_reason(account)
    first = not account["details_submitted"]
    why = RESTRICTIONS[reason] if reason else None
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": _requirements([], None),
        "requested": bool(account["requested"].get(name)),
        "requested_at": account["created"] if account["requested"].get(name) else None,
        "requirements": _requirements(due(account), "pending.onboarding" if first else why),
        "status": capability(account, name),
    }


def _requirements(names: list[str], reason: str | None) -> Doc:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": names,
        "disabled_reason": reason,
        "errors": [],
        "eventually_due": names,
        "past_due": names,
        "pending_verification": [],
    }


def shown(account: Doc) -> Doc:
    """Return an account as API v1 answers it."""
    id_, bank = account["id"], account["bank"]
    return {
        "id": id_,
        "object": "account",
        "business_profile": {
            "mcc": None,
            "name": account["display_name"],
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": account["entity_type"],
        "capabilities": {
            name: capability(account, name) for name, on in account["requested"].items() if on
        },
        "charges_enabled": capability(account, "card_payments") == "active",
        "controller": _controller(account),
        "country": account["country"],
        "created": account["created"],
        "default_currency": account["currency"],
        "details_submitted": account["details_submitted"],
        "email": account["email"],
        "external_accounts": {
            "object": "list",
            "url": f"/v1/accounts/{id_}/external_accounts",
            "has_more": False,
            "data": [bank] if bank else [],
        },
        "future_requirements": _requirements([], None),
        "metadata": account["metadata"],
        "payouts_enabled": payouts_enabled(account),
        "requirements": _requirements(due(account), disabled_reason(account)),
        "settings": _settings(account),
        "tos_acceptance": {
            "date": account["accepted_at"],
            "service_agreement": account["agreement"],
        },
        "type": {"express": "express", "full": "standard"}.get(account["dashboard"], "custom"),
    }


def _controller(account: Doc) -> Doc:
    return {
        "type": "application",
        "is_controller": True,
        "fees": {"payer": "application" if account["fees"] == "application" else "account"},
        "losses": {"payments": account["losses"]},
        "requirement_collection": "stripe",
        "stripe_dashboard": {"type": account["dashboard"]},
    }


def _settings(account: Doc) -> Doc:
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": account["display_name"], "timezone": "Etc/UTC"},
        "payments": {
            "statement_descriptor": None,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": account["debit_negative_balances"],
            "schedule": {"delay_days": 2, **account["schedule"]},
            "statement_descriptor": None,
        },
    }
