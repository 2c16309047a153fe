"""Secrets of webhooks and the signatures made with them, as Standard Webhooks writes them."""

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime

from standardwebhooks import Webhook

from core import cipher

PREFIX = "whsec_"
PURPOSE = "webhook secrets"


def new_secret() -> str:
    """Return a secret of 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sealed(secret: str) -> str:
    """Return a secret as the database keeps it."""
    return cipher.encrypt(PURPOSE, secret)


def opened(kept: str) -> str:
    """Return a secret that the database keeps, or raise `core.cipher.CannotBeRead`."""
    return cipher.decrypt(PURPOSE, kept)


def headers(uid: str, body: str, kept: Iterable[str], *, at: datetime) -> dict[str, str]:
    """Return the headers that prove who sends a message: one signature for each secret."""
    signatures = [Webhook(opened(one)).sign(uid, at, body) for one in kept]
    return {
        "webhook-id": uid,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
