"""What a token may do: one table of scopes, with words and the kinds that may hold each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from accounts.models import TokenKind

BOTH = frozenset(TokenKind)
PERSONAL = frozenset({TokenKind.PERSONAL})
ORGANISATION = frozenset({TokenKind.ORGANISATION})


@dataclass(frozen=True)
class Scope:
    """What a scope lets a program do, and which tokens may hold it."""

    words: Any
    kinds: frozenset[TokenKind]


SCOPES = {
    "releases:read": Scope(_l("read and download releases"), BOTH),
    "requests:read": Scope(_l("see requests to read datasets, and their answers"), BOTH),
    "requests:write": Scope(_l("ask to read datasets, accept their licences"), PERSONAL),
    "requests:answer": Scope(
        _l("let others read your organisation’s datasets, or refuse them with a reason"), PERSONAL
    ),
    "account:read": Scope(_l("read your own account: decisions about you"), PERSONAL),
    "tokens:read": Scope(_l("list tokens, without their secrets"), BOTH),
    "tokens:write": Scope(_l("end tokens"), BOTH),
    "webhooks:read": Scope(_l("see webhooks and their deliveries"), ORGANISATION),
    "webhooks:write": Scope(_l("make, change and end webhooks"), ORGANISATION),
}


def unfit(kind: TokenKind, scopes: Iterable[str]) -> list[str]:
    """Return the scopes that a token of a kind may not hold."""
    return [one for one in scopes if one not in SCOPES or kind not in SCOPES[one].kinds]
