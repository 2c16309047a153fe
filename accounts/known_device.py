"""The cookie by which a browser shows that a person has signed in with it before. Pure.

It opens nothing. It gives the browser a count of its own, so that a stranger who tries passwords
for an account does not keep its person out; and it spares people a letter about a new device.
"""

import hashlib
import hmac
import secrets

from itsdangerous import BadData, URLSafeSerializer

COOKIE = "doyen_known"
PEOPLE = 5  # so many share a browser at most; the oldest is forgotten


def of(cookie: str, secret: str, email: str) -> str | None:
    """Return the number by which a browser is known to somebody, if it is."""
    return dict(_read(cookie, secret)).get(_person(secret, email))


def with_person(cookie: str, secret: str, email: str) -> str:
    """Return the cookie with somebody in it, the newest last."""
    person = _person(secret, email)
    others = [pair for pair in _read(cookie, secret) if pair[0] != person]
    number = of(cookie, secret, email) or secrets.token_urlsafe(12)
    return str(_signer(secret).dumps([*others, (person, number)][-PEOPLE:]))


def _read(cookie: str, secret: str) -> list[tuple[str, str]]:
    try:
        found = _signer(secret).loads(cookie)
        return [(str(person), str(number)) for person, number in found]
    except (BadData, TypeError, ValueError):
        return []


def _person(secret: str, email: str) -> str:
    key = hashlib.sha256(b"known device\0" + secret.encode()).digest()
    return hmac.new(key, email.strip().lower().encode(), hashlib.sha256).hexdigest()[:32]


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="known device")
