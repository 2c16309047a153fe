"""What the API answers when it cannot do something: RFC 9457, with one table of types.

A type is an address on this instance that never changes and leads to its words; `title` says the
same for every problem of a type, `detail` is about this one.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from flask import Response, g, jsonify, request
from flask_babel import lazy_gettext as _l

from core.settings import current_settings

PREFIX = "/api/v1"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A type of problem: its status and its words."""

    status: int
    title: Any
    help: Any = ""


KINDS = {
    "unreadable": Kind(400, _l("The request cannot be read"), _l("Send one JSON object.")),
    "token-needed": Kind(
        401, _l("A token is needed"), _l("Send the header Authorization with “Bearer dy_…”.")
    ),
    "token-refused": Kind(
        401, _l("The token is refused"), _l("It is wrong, over, or was ended. Make another one.")
    ),
    "not-allowed": Kind(403, _l("This is not allowed")),
    "scope-missing": Kind(
        403, _l("The token lacks a scope"), _l("Make a token with the scope that is named.")
    ),
    "not-found": Kind(
        404,
        _l("There is no such thing"),
        _l("What belongs to others is answered in the same way as what does not exist."),
    ),
    "method-not-allowed": Kind(
        405,
        _l("The address does not take this method"),
        _l("The header Allow names those it takes."),
    ),
    "conflict": Kind(409, _l("This cannot be done as things stand")),
    "key-in-use": Kind(
        409,
        _l("The first request with this key is not finished"),
        _l("Send it again after the seconds in Retry-After."),
    ),
    "too-large": Kind(413, _l("The request is too large")),
    "not-json": Kind(
        415, _l("The body is not JSON"), _l("Send the header Content-Type with application/json.")
    ),
    "no-such-part": Kind(416, _l("The file has no such part")),
    "invalid": Kind(
        422, _l("A value cannot be used"), _l("“errors” names each field and what is wrong.")
    ),
    "bad-cursor": Kind(422, _l("The cursor is not ours"), _l("Begin the list without one.")),
    "key-reused": Kind(
        422,
        _l("The key was used for another request"),
        _l("Make a new Idempotency-Key for each new request."),
    ),
    "address-refused": Kind(
        422,
        _l("Webhooks do not go to this address"),
        _l("Use https and a host whose addresses are all public."),
    ),
    "too-many-requests": Kind(
        429, _l("Too many requests"), _l("Send it again after the seconds in Retry-After.")
    ),
    "our-fault": Kind(
        500,
        _l("Something failed on our side"),
        _l("Nothing was done. Quote “request_id” to the operator if it fails again."),
    ),
    "unavailable": Kind(503, _l("A part that this needs is not there"), _l("Try again later.")),
}
_BY_STATUS = {kind.status: slug for slug, kind in reversed(KINDS.items())}


def is_api() -> bool:
    """Return whether the request is one of the API's."""
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def request_id() -> str:
    """Return the name of this request, in the log and in the answer."""
    if "doyen_request_id" not in g:
        g.doyen_request_id = secrets.token_hex(8)
    return str(g.doyen_request_id)


def answer(
    status: int, detail: str, *, slug: str = "", challenge: str = "", **more: Any
) -> Response:
    """Return an answer of a type: the one that is named, or the one of the status."""
    slug = slug or _BY_STATUS.get(status) or ("our-fault" if status >= 500 else "invalid")
    response = jsonify(
        {
            "type": f"{current_settings().public_url}/api/docs#{slug}",
            "title": str(KINDS[slug].title),
            "status": status,
            "detail": detail,
            "request_id": request_id(),
            **more,
        }
    )
    response.status_code = status
    response.content_type = MEDIA_TYPE
    if status == 401 or challenge:
        said = f'Bearer realm="Doyen"{", " if challenge else ""}{challenge}'
        response.headers["WWW-Authenticate"] = said
    if slug == "key-in-use":
        response.headers["Retry-After"] = "1"
    return response
