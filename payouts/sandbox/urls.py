"""Addresses that a person is sent to. The one rule: http or https, or refused."""

from urllib.parse import urlsplit

from payouts.sandbox.errors import Refusal


def web_address(url: str, param: str) -> str:
    """Return the address, or refuse what no browser should be sent to."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (raises for a port that is not a number)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in url):
        raise Refusal("Not a valid URL", code="url_invalid", param=param)
    return url


def origin(url: str) -> str:
    """Return scheme, host and port: what a content security policy names."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
