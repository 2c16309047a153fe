"""Which passwords are taken: long enough, not common, not made of one's own name, not breached.

Commonness is looked up offline, in zxcvbn's lists. Where a setting names a service of the range
protocol, the first five digits of the SHA-1 go there and nothing else; when it does not answer the
password is taken, and the health page says so.
"""

import hashlib
import logging
import re
from typing import Any

import httpx
from flask_babel import gettext as _
from flask_security import PasswordUtil
from zxcvbn import zxcvbn  # type: ignore[import-untyped]

from core import health
from core.clock import now
from core.db import transaction
from core.settings import current_settings

GUESSES = 10**6  # fewer, and it falls to somebody who tries on our page for long enough
LOOKED_AT = 72  # more than that costs time and decides nothing
TIMEOUT = 2.0
ANSWERS, AWAY = "breached_passwords", "breached_passwords_away"
log = logging.getLogger(__name__)


class Passwords(PasswordUtil):
    """The check of Flask-Security, with ours after it: on registering, changing and resetting."""

    def validate(
        self, password: str, is_register: bool, **kwargs: Any
    ) -> tuple[list[str] | None, str]:
        """Return what is wrong with a password, and the form in which it is kept."""
        wrong, kept = super().validate(password, is_register, **kwargs)
        if wrong:
            return wrong, kept
        about = kwargs.get("user")
        email = kwargs.get("email") or getattr(about, "email", "")
        name = kwargs.get("name") or getattr(about, "name", "")
        if is_guessable(kept, email=str(email), name=str(name)):
            words = _(
                "This password is easily guessed. Choose a few words that do not belong together."
            )
            return [words], kept
        if is_breached(kept, current_settings().breached_passwords_url):
            words = _("This password is in lists of stolen passwords. Choose another.")
            return [words], kept
        return None, kept


def is_guessable(password: str, *, email: str = "", name: str = "") -> bool:
    """Return whether a password falls to few guesses, of somebody who knows the person as well."""
    own = [part for part in re.split(r"\W+", f"{email} {name}") if len(part) > 2]
    found = zxcvbn(password[:LOOKED_AT], user_inputs=[*own, email, "doyen"])
    return int(found["guesses"]) < GUESSES


def is_breached(password: str, service: str) -> bool:
    """Return whether a service knows a password as stolen; without one, or an answer, it is not."""
    if not service:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        answer = httpx.get(
            f"{service}{digest[:5]}", timeout=TIMEOUT, headers={"Add-Padding": "true"}
        )
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        log.warning("the service of breached passwords does not answer: %s", type(problem).__name__)
        _noted(AWAY)
        return False
    _noted(ANSWERS)
    return _counts(answer.text).get(digest[5:], 0) > 0


def _counts(text: str) -> dict[str, int]:
    pairs = (line.strip().partition(":") for line in text.splitlines())
    return {rest.upper(): int(count) for rest, _, count in pairs if count.strip().isdecimal()}


def _noted(part: str) -> None:
    with transaction() as session:
        health.beat(session, part, at=now())
