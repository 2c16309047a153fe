"""Links to the hosted onboarding page and to the account holder's own page.

The one rule: an onboarding link opens the page for five minutes and is used once.
"""

from payouts.sandbox import accounts, accounts_v2
from payouts.sandbox.calls import Call, Routes
from payouts.sandbox.errors import Refusal
from payouts.sandbox.params import EXPAND
from payouts.sandbox.store import Doc, Tx, new_id
from payouts.sandbox.urls import web_address

routes = Routes()

LINK_SECONDS = 300  # to open the page
FORM_SECONDS = 3600  # to fill it in
_FIELDS = {
    "fields": {"currently_due", "eventually_due"},
    "future_requirements": {"include", "omit"},
}

CREATE = {
    "account!": str,
    "type!": {"account_onboarding", "account_update"},
    "refresh_url": str,
    "return_url": str,
    "collect": {"currently_due", "eventually_due"},
    "collection_options": _FIELDS,
    **EXPAND,
}


@routes.post("/v1/account_links", CREATE)
def create(call: Call) -> Doc:
    """Make a link for API v1."""
    account = accounts.find(call.tx, call.params["account"])
    link = _make(call.tx, account, call.params, path="")
    return {
        "object": "account_link",
        "created": link["created"],
        "expires_at": link["expires_at"],
        "url": _url(call, link),
    }


_CASE = {
    "collection_options": _FIELDS,
    "configurations!": [{"recipient"}],
    "refresh_url!": str,
    "return_url": str,
}
CREATE_V2 = {
    "account!": str,
    "use_case!": {
        "type!": {"account_onboarding", "account_update"},
        "account_onboarding": _CASE,
        "account_update": _CASE,
    },
}


@routes.post("/v2/core/account_links", CREATE_V2)
def create_v2(call: Call) -> Doc:
    """Make a link for API v2."""
    account = accounts_v2.find(call, call.params["account"])
    use_case = call.params["use_case"]
    asked = use_case.get(use_case["type"])
    if asked is None:
        name = f"use_case.{use_case['type']}"
        raise Refusal(f"Missing required param: {name}.", code="parameter_missing", param=name)
    link = _make(call.tx, account, asked, path=f"use_case.{use_case['type']}.")
    return {
        "object": "v2.core.account_link",
        "account": account["id"],
        "created": accounts_v2.moment(link["created"]),
        "expires_at": accounts_v2.moment(link["expires_at"]),
        "livemode": False,
        "url": _url(call, link),
        "use_case": use_case,
    }


def _make(tx: Tx, account: Doc, asked: Doc, *, path: str) -> Doc:
    needed = ("refresh_url",) if path else ("refresh_url", "return_url")  # v2 needs only one
    for name in ("refresh_url", "return_url"):
        if asked.get(name):
            web_address(asked[name], path + name)
        elif name in needed:
            param = path + name
            raise Refusal(
                f"Missing required param: {param}.", code="parameter_missing", param=param
            )
    return tx.add(
        {
            "id": new_id("link_"),
            "account": account["id"],
            "created": tx.now,
            "expires_at": tx.now + LINK_SECONDS,
            "refresh_url": asked["refresh_url"],
            "return_url": asked.get("return_url"),
            "used": False,
        },
        kind="account_link",
    )


def _url(call: Call, link: Doc) -> str:
    return f"{call.base_url}/onboard/{link['account']}?link={link['id']}"


@routes.post("/v1/accounts/<id_>/login_links", EXPAND)
def login(call: Call, id_: str) -> Doc:
    """Make a link to the account holder's own page."""
    account = accounts.find(call.tx, id_)
    if account["dashboard"] != "express":
        raise Refusal("Login links can only be created for Express Dashboard accounts.")
    if not account["details_submitted"]:
        raise Refusal(
            "Cannot create a login link for an account that has not completed onboarding."
        )
    link = {"id": new_id("login_"), "account": id_, "expires_at": call.tx.now + LINK_SECONDS}
    call.tx.add(link, kind="login_link")
    url = f"{call.base_url}/express/{id_}?link={link['id']}"
    return {"object": "login_link", "created": call.tx.now, "url": url}
