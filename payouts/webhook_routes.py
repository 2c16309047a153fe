"""Where the rail brings its news: checked by signature, stored once, answered at once."""

import re

from flask import request
from flask.typing import ResponseReturnValue
from pydantic import SecretStr

from core.access import public, takes_json
from core.clock import now
from core.db import db_session
from core.ports import NotFromTheRail, ports
from core.settings import current_settings
from core.web import json_problem
from payouts import news
from payouts.blueprint import bp

LARGEST = 512 * 1024
AHEAD = 300  # seconds that a clock may be ahead of ours, as Stripe's library allows behind
SIGNED_AT = re.compile(r"(?:^|,)\s*t=(\d{1,15})(?:,|$)")


@bp.post("/webhooks/stripe")
@public
@takes_json
def platform_news() -> ResponseReturnValue:
    """Take news of our own account at the rail."""
    return _take(current_settings().stripe_webhook_secret)


@bp.post("/webhooks/stripe-connect")
@public
@takes_json
def payees_news() -> ResponseReturnValue:
    """Take news of the accounts of those whom we pay."""
    return _take(current_settings().stripe_connect_webhook_secret)


def _take(secret: SecretStr) -> ResponseReturnValue:
    if (request.content_length or 0) > LARGEST:
        return json_problem(413, "This is too large to be an event.")
    request.max_content_length = LARGEST  # also of a body that does not say how long it is
    signature = request.headers.get("Stripe-Signature", "")
    if _is_ahead(signature):
        return json_problem(400, "The signature is from the future.")
    try:
        told = ports().payout_rail.read_news(
            request.get_data(), signature, secret=secret.get_secret_value()
        )
    except NotFromTheRail:
        return json_problem(400, "The signature is not right, or too old.")
    is_new = news.store(db_session(), told, at=now())
    return {"received": True, "new": is_new}


def _is_ahead(signature: str) -> bool:
    found = SIGNED_AT.search(signature)
    return found is not None and int(found[1]) > now().timestamp() + AHEAD
