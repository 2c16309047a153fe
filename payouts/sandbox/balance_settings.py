"""Balance settings: when an account's balance is paid out.

The platform of a sandbox pays nothing out by itself, so that its balance stays where it is.
"""

from payouts.sandbox import accounts
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.params import EXPAND
from payouts.sandbox.store import Doc

routes = Routes()

_DAYS = {"friday", "monday", "thursday", "tuesday", "wednesday"}
UPDATE = {
    "payments": {
        "debit_negative_balances": bool,
        "payouts": {
            "schedule": {
                "interval": {"daily", "manual", "monthly", "weekly"},
                "monthly_payout_days": [int],
                "weekly_payout_days": [_DAYS],
            },
            "statement_descriptor": str,
        },
    },
    **EXPAND,
}


@routes.get("/v1/balance_settings", EXPAND)
def retrieve(call: Call) -> Doc:
    """Return the settings of the platform or of a connected account."""
    if call.account:
        return shown(accounts.find(call.tx, call.account))
    return shown(call.tx.fact("platform", _PLATFORM))


_PLATFORM = {
    "schedule": {"interval": "manual"},
    "debit_negative_balances": True,
    "details_submitted": True,
    "bank": {"status": "new"},
    "restricted": None,
}


@routes.post("/v1/balance_settings", UPDATE)
def update(call: Call) -> Doc:
    """Change them; days belong to a weekly or monthly schedule."""
    asked = call.params.get("payments", {})
    held = (
        accounts.find(call.tx, call.account)
        if call.account
        else call.tx.fact("platform", _PLATFORM)
    )
    held["schedule"] = asked.get("payouts", {}).get("schedule", held["schedule"])
    held["debit_negative_balances"] = asked.get(
        "debit_negative_balances", held["debit_negative_balances"]
    )
    if call.account:
        call.tx.save(held)
    else:
        call.tx.remember("platform", held)
    return shown(held)


def shown(held: Doc) -> Doc:
    """Return the settings as the API answers them."""
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": held["debit_negative_balances"],
            "payouts": {
                "minimum_balance_by_currency": None,
                "schedule": held["schedule"],
                "statement_descriptor": None,
                "status": "enabled" if accounts.payouts_enabled(held) else "disabled",
            },
            "settlement_timing": {"delay_days": 2},
        },
    }
