"""How a Label Studio is set up, as it can be seen from outside; nothing there is changed by asking.

Some of it has no address of its own and is read from the pages that everybody may open.
"""

import ipaddress
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx

from core.ports import BackendFacts

_ANALYTICS = re.compile(r"collect_analytics\s*[=:]\s*(true|false)")


def ask(client: httpx.Client, url: str, token: str, *, legacy: bool | None) -> BackendFacts:
    """Ask the server; `legacy` is what it said of tokens of the older kind."""
    home = url.rstrip("/")
    told: dict[str, Any] = client.get(f"{home}/api/version").raise_for_status().json()
    return BackendFacts(
        version=str(told.get("release", "")),
        edition=str(told.get("edition", "")),
        has_closed_signup=_closed_signup(client, home),
        has_telemetry=_telemetry(client, home),
        takes_legacy_tokens=legacy,
        is_private=is_private(url),
        token_kind="personal" if token.count(".") == 2 else "legacy",
    )


def is_private(url: str) -> bool:
    """Return whether an address leads only to this machine or into private networks."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname or "", None)
    except OSError:
        return False
    addresses = {ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found}
    return all(address.is_private for address in addresses)


def _closed_signup(client: httpx.Client, home: str) -> bool | None:
    """Send an empty form: closed, it is refused before it is read; open, its fields are missed."""
    page = f"{home}/user/signup/"
    client.get(page)
    empty = {"csrfmiddlewaretoken": client.cookies.get("csrftoken") or ""}
    answer = client.post(page, data=empty, headers={"Referer": page})
    if answer.status_code in (403, 404):
        return True
    return False if answer.status_code == 200 else None


def _telemetry(client: httpx.Client, home: str) -> bool | None:
    found = _ANALYTICS.search(client.get(f"{home}/user/login/").text)
    return None if found is None else found[1] == "true"
