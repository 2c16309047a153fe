"""Accounts as API v2 has them: configurations, and parts that are shown only when asked for."""

from datetime import UTC, datetime

from payouts.sandbox import accounts
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import MAP, merged
from payouts.sandbox.store import Doc

routes = Routes()

_INCLUDE = [
    {
        "configuration.customer",
        "configuration.merchant",
        "configuration.recipient",
        "defaults",
        "future_requirements",
        "identity",
        "requirements",
    }
]
_COLLECTORS = {"application", "application_custom", "application_express", "stripe"}
_TRANSFERS = {"stripe_balance": {"stripe_transfers": {"requested!": bool}}}
COMMON = {
    "contact_email": str,
    "contact_phone": str,
    "dashboard": {"express", "full", "none"},
    "defaults": {
        "currency": str,
        "locales": [str],
        "responsibilities": {
            "fees_collector!": _COLLECTORS,
            "losses_collector!": {"application", "stripe"},
        },
    },
    "display_name": str,
    "identity": {
        "country": str,
        "entity_type": {"company", "government_entity", "individual", "non_profit"},
    },
    "include": _INCLUDE,
    "metadata": MAP,
}
CREATE = {**COMMON, "configuration": {"recipient": {"capabilities": _TRANSFERS}}}
_CHANGED = {"stripe_balance": {"stripe_transfers": {"requested": bool}}}
UPDATE = {**COMMON, "configuration": {"recipient": {"applied": bool, "capabilities": _CHANGED}}}


def moment(at: int) -> str:
    """Return a time as API v2 writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@routes.post("/v2/core/accounts", CREATE)
def create(call: Call) -> Doc:
    """Open an account with the configurations asked for."""
    asked = call.params
    identity = asked.get("identity", {})
    wants_transfers = _transfers(asked)
    duties = asked.get("defaults", {}).get("responsibilities", {})
    if wants_transfers and not identity.get("country"):
        raise Refusal(
            "identity.country is required to request a capability.",
            code="identity_country_required",
        )
    _check_express(asked.get("dashboard", "express"), duties)
    account = accounts.create(
        call.tx,
        country=identity.get("country"),
        email=asked.get("contact_email"),
        display_name=asked.get("display_name"),
        entity_type=identity.get("entity_type"),
        dashboard=asked.get("dashboard", "express"),
        fees=duties.get("fees_collector", "application"),
        losses=duties.get("losses_collector", "application"),
        requested={"transfers": wants_transfers} if wants_transfers is not None else {},
        configurations=sorted(asked.get("configuration", {})),
        metadata=merged({}, asked.get("metadata", {})),
    )
    return shown(account, asked.get("include", []))


def _check_express(dashboard: str, duties: Doc) -> None:
    if dashboard == "express" and set(duties.values()) - {"application"}:
        raise Refusal(
            "Accounts with the Express dashboard need the application to collect fees and losses.",
            code="account_controller_express_dash_without_application_losses_or_fees",
        )


def _transfers(asked: Doc) -> bool | None:
    capabilities = asked.get("configuration", {}).get("recipient", {}).get("capabilities", {})
    wanted = capabilities.get("stripe_balance", {}).get("stripe_transfers", {}).get("requested")
    return None if wanted is None else bool(wanted)


@routes.post("/v2/core/accounts/<id_>", UPDATE)
def update(call: Call, id_: str) -> Doc:
    """Change an account."""
    asked, account = call.params, find(call, id_)
    wanted = _transfers(asked)
    identity = asked.get("identity", {})
    if identity.get("country", account["country"]).upper() != account["country"]:
        raise Refusal("identity.country cannot be changed.", code="identity_country_immutable")
    changed = accounts.change(
        call.tx,
        account,
        email=asked.get("contact_email", account["email"]),
        display_name=asked.get("display_name", account["display_name"]),
        entity_type=identity.get("entity_type", account["entity_type"]),
        dashboard=asked.get("dashboard", account["dashboard"]),
        configurations=sorted({*account["configurations"], *asked.get("configuration", {})}),
        requested=account["requested"] | ({} if wanted is None else {"transfers": wanted}),
        metadata=merged(account["metadata"], asked.get("metadata", {})),
    )
    return shown(changed, asked.get("include", []))


@routes.get("/v2/core/accounts/<id_>", {"include": _INCLUDE})
def retrieve(call: Call, id_: str) -> Doc:
    """Return one account, with the parts asked for."""
    return shown(find(call, id_), call.params.get("include", []))


def find(call: Call, id_: str) -> Doc:
    """Return an account, or refuse as API v2 does."""
    found = call.tx.get("account", id_)
    if found is None:
        raise Refusal(f"No such account: '{id_}'", code="not_found", status=404)
    return found


def shown(account: Doc, include: list[str]) -> Doc:
    """Return the account; a part that was not asked for is left out."""
    parts = {
        "defaults": _defaults(account),
        "identity": {
            "country": account["country"].lower(),
            **({"entity_type": account["entity_type"]} if account["entity_type"] else {}),
        },
        "requirements": _requirements(account),
        "future_requirements": {"entries": []},
    }
    doc: Doc = {
        "id": account["id"],
        "object": "v2.core.account",
        "applied_configurations": account["configurations"],
        "closed": False,
        "created": moment(account["created"]),
        "dashboard": account["dashboard"],
        "livemode": False,
        "metadata": account["metadata"],
        **{name: part for name, part in parts.items() if name in include},
    }
    if "configuration.recipient" in include:
        doc["configuration"] = {"recipient": _recipient(account)}
    for name, value in (("contact_email", "email"), ("display_name", "display_name")):
        if account[value] is not None:
            doc[name] = account[value]
    return doc


def _defaults(account: Doc) -> Doc:
    return {
        "currency": account["currency"],
        "responsibilities": {
            "fees_collector": "application" if account["fees"] == "application" else "stripe",
            "losses_collector": account["losses"],
            "requirements_collector": "stripe",
        },
    }


def _recipient(account: Doc) -> Doc:
    state = accounts.capability(account)
    doc: Doc = {"applied": "recipient" in account["configurations"]}
    if state != "unrequested":
        transfers = {
            "status": "restricted" if state == "inactive" else state,
            "status_details": _details(account, state),
        }
        doc["capabilities"] = {"stripe_balance": {"stripe_transfers": transfers}}
    return doc


def _details(account: Doc, state: str) -> list[Doc]:
    if state == "active":
        return []
    if state == "pending":
        return [{"code": "requirements_pending_verification", "resolution": "no_resolution"}]
    if accounts.due(account):
        return [{"code": "requirements_past_due", "resolution": "provide_info"}]
    return [{"code": "restricted_other", "resolution": "contact_stripe"}]


def _requirements(account: Doc) -> Doc:
    due = {"status": "past_due" if account["details_submitted"] else "currently_due"}
    impact = {
        "capability": "stripe_balance.stripe_transfers",
        "configuration": "recipient",
        "deadline": due,
    }
    entries = [
        {
            "awaiting_action_from": "user",
            "description": name,
            "errors": [],
            "impact": {"restricts_capabilities": [impact]},
            "minimum_deadline": due,
            "requested_reasons": [{"code": "routine_onboarding"}],
        }
        for name in accounts.due(account)
    ]
    return {"entries": entries, **({"summary": {"minimum_deadline": due}} if entries else {})}
