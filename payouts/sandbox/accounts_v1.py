"""Accounts as API v1 has them: made with `controller`, asked by capability."""

from payouts.sandbox import accounts, lists
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import missing
from payouts.sandbox.params import CREATED, EXPAND, MAP, PAGE, merged
from payouts.sandbox.store import Doc

routes = Routes()

_ENTITY = {"company", "government_entity", "individual", "non_profit"}
_REQUESTED = {name: {"requested": bool} for name in accounts.CAPABILITIES}
_SCHEDULE = {"interval": {"daily", "manual", "monthly", "weekly"}}
_COMMON = {
    "business_type": _ENTITY,
    "capabilities": _REQUESTED,
    "email": str,
    "business_profile": {"name": str, "product_description": str, "url": str},
    "settings": {"payouts": {"debit_negative_balances": bool, "schedule": _SCHEDULE}},
    "tos_acceptance": {"service_agreement": str},
    "metadata": MAP,
    **EXPAND,
}
CREATE = {
    **_COMMON,
    "country": str,
    "controller": {
        "fees": {"payer": {"account", "application"}},
        "losses": {"payments": {"application", "stripe"}},
        "requirement_collection": {"application", "stripe"},
        "stripe_dashboard": {"type": {"express", "full", "none"}},
    },
    "type": {"custom", "express", "standard"},
}
_DASHBOARDS = {"express": "express", "standard": "full", "custom": "none"}


@routes.post("/v1/accounts", CREATE)
def create(call: Call) -> Doc:
    """Open an account, by `controller` or by the older `type`."""
    asked = call.params
    controller = asked.get("controller", {})
    dashboard = controller.get("stripe_dashboard", {}).get("type")
    payouts = asked.get("settings", {}).get("payouts", {})
    account = accounts.create(
        call.tx,
        country=asked.get("country"),
        email=asked.get("email"),
        display_name=asked.get("business_profile", {}).get("name"),
        entity_type=asked.get("business_type"),
        dashboard=dashboard or _DASHBOARDS.get(asked.get("type", ""), "full"),
        fees=controller.get("fees", {}).get("payer", "account"),
        losses=controller.get("losses", {}).get("payments", "stripe"),
        agreement=asked.get("tos_acceptance", {}).get("service_agreement", "full"),
        requested=_requested(asked),
        configurations=["recipient"] if "transfers" in _requested(asked) else [],
        schedule=payouts.get("schedule") or {"interval": "daily"},
        metadata=merged({}, asked.get("metadata", {})),
    )
    return accounts.shown(account)


def _requested(asked: Doc) -> dict[str, bool]:
    return {
        name: group.get("requested", False) for name, group in asked.get("capabilities", {}).items()
    }


@routes.post("/v1/accounts/<id_>", _COMMON)
def update(call: Call, id_: str) -> Doc:
    """Change what the platform may change."""
    asked, account = call.params, accounts.find(call.tx, id_)
    payouts = asked.get("settings", {}).get("payouts", {})
    changed = accounts.change(
        call.tx,
        account,
        email=asked.get("email", account["email"]),
        entity_type=asked.get("business_type", account["entity_type"]),
        display_name=asked.get("business_profile", {}).get("name", account["display_name"]),
        requested={**account["requested"], **_requested(asked)},
        schedule=payouts.get("schedule", account["schedule"]),
        metadata=merged(account["metadata"], asked.get("metadata", {})),
    )
    return accounts.shown(changed)


@routes.get("/v1/accounts/<id_>", EXPAND)
def retrieve(call: Call, id_: str) -> Doc:
    """Return one account."""
    return accounts.shown(accounts.find(call.tx, id_))


@routes.get("/v1/accounts", {"created": CREATED, **PAGE})
def listing(call: Call) -> Doc:
    """List the connected accounts."""
    return lists.page(call, "account", show=accounts.shown)


@routes.get("/v1/accounts/<id_>/capabilities", EXPAND)
def capabilities(call: Call, id_: str) -> Doc:
    """List what the account has asked to be able to do."""
    account = accounts.find(call.tx, id_)
    names = [name for name, on in account["requested"].items() if on]
    return lists.whole(call.path, [accounts.shown_capability(account, name) for name in names])


@routes.get("/v1/accounts/<id_>/capabilities/<name>", EXPAND)
def capability(call: Call, id_: str, name: str) -> Doc:
    """Return one capability."""
    account = accounts.find(call.tx, id_)
    if name not in accounts.CAPABILITIES:
        raise missing("capability", name)
    return accounts.shown_capability(account, name)


@routes.post("/v1/accounts/<id_>/capabilities/<name>", {"requested": bool, **EXPAND})
def request_capability(call: Call, id_: str, name: str) -> Doc:
    """Ask for a capability, or give it back."""
    account = accounts.find(call.tx, id_)
    if name not in accounts.CAPABILITIES:
        raise missing("capability", name)
    wanted = {**account["requested"], name: call.params.get("requested", True)}
    return accounts.shown_capability(accounts.change(call.tx, account, requested=wanted), name)
