"""What every resource of the API stands on: who asks, what was sent, lists in pages, writes once.

A request is taken in one order: the token, then the body, then the fields, then the row. Nothing
that was sent is read for somebody without a token.
"""

import functools
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, request
from flask_babel import gettext as _
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from itsdangerous import BadData, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from core import idempotency, problems
from core.access import check_token
from core.clock import now
from core.db import db_session
from core.errors import Invalid
from core.settings import current_settings

KEY_HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
LARGEST_BODY = 1024 * 1024
LARGEST_ID = 2**31 - 1
WRITES = ("POST", "PUT", "PATCH", "DELETE")
View = TypeVar("View", bound=Callable[..., Any])


class BadCursor(Invalid):
    """The cursor is not one that this list gave. Begin without one."""

    problem = "bad-cursor"


class BadKey(Invalid):
    """An Idempotency-Key has 1 to 255 printable characters without spaces."""


class NotAnObject(Invalid):
    """Send one JSON object."""


class BadText(Invalid):
    """Text must not hold NUL or half a character."""


class Sent(BaseModel):
    """What a program sends: nothing that is not known here."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What went wrong, as RFC 9457 writes it."""

    type: str = Field(description="An address that names the type and never changes")
    title: str = Field(description="The same words for every problem of this type")
    status: int
    detail: str = Field(description="What went wrong this time")
    request_id: str = Field(description="The same as in the header X-Request-Id")
    errors: list[dict[str, str]] | None = Field(
        None, description="With “invalid”: each field and what is wrong with it"
    )


class ListQuery(BaseModel):
    """Which part of a list."""

    limit: int = Field(50, ge=1, le=200, description="How many at most")
    cursor: str | None = Field(None, max_length=300, description="`next_cursor` of the page before")


class ListAnswer(BaseModel):
    """A part of a list, and where it goes on."""

    next_cursor: str | None = Field(description="None at the end")
    next: str | None = Field(description="The address of the next page")


@dataclass(frozen=True)
class Part:
    """The rows of one page of a list."""

    rows: Sequence[Any]
    next_cursor: str | None
    next: str | None


def blueprint(name: str, module: str, tag: str, words: str) -> APIBlueprint:
    """Return a blueprint of the API for one kind of thing."""
    made = APIBlueprint(
        name,
        module,
        url_prefix=problems.PREFIX,
        abp_tags=[Tag(name=tag, description=words)],
        abp_security=[{"token": []}],
    )
    made.before_request(_take_in)
    return made


def init_app(app: Flask) -> None:
    """Give an app what every answer of the API carries."""
    app.validation_error_callback = unreadable  # type: ignore[attr-defined]
    app.validation_error_model = Problem  # type: ignore[attr-defined]
    app.after_request(_headers)


def write(view: View) -> View:
    """Let a write count once for each `Idempotency-Key`; stands under `@by_token`."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(KEY_HEADER)
        if key is None:
            return view(*args, **kwargs)
        asked = idempotency.Request(g.principal.holder, key, _fingerprint())
        session, at = db_session(), now()
        before = idempotency.first_answer(session, asked, at=at)
        if before is not None:
            return _replayed(before)
        response = current_app.make_response(view(*args, **kwargs))
        if response.status_code < 400:
            location = response.headers.get("Location")
            kept = idempotency.Answer(response.status_code, response.get_data(True), location)
            idempotency.keep(session, asked, kept, at=at)
        return response

    return guarded  # type: ignore[return-value]


def answer(model: BaseModel, status: int = 200, *, location: str | None = None) -> Response:
    """Return a model as JSON."""
    response = Response(model.model_dump_json(), status=status, mimetype="application/json")
    if location:
        response.headers["Location"] = location
    return response


def nothing() -> Response:
    """Return the answer to what has no answer."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def part(query: Any, key: Any, asked: ListQuery) -> Part:
    """Return the page of a list that is asked for, newest first by `key`.

    The cursor names the last row that was seen, so rows that come meanwhile move nothing.
    """
    if asked.cursor is not None:
        query = query.where(key < _read_cursor(asked.cursor))
    found = list(
        db_session().exec(query.order_by(None).order_by(key.desc()).limit(asked.limit + 1))
    )
    rows = found[: asked.limit]
    if len(found) <= asked.limit:
        return Part(rows, None, None)
    cursor = str(_cursors().dumps([_list_name(), getattr(rows[-1], key.key)]))
    return Part(rows, cursor, _address(cursor))


def unreadable(error: ValidationError) -> Response:
    """Answer fields that cannot be used."""
    errors = [
        {"field": ".".join(map(str, one["loc"])), "problem": _problem(one)}
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return problems.answer(422, _("What was sent cannot be used."), errors=errors)


def _problem(error: Any) -> str:
    """Say what is wrong; a pattern is no words."""
    if error["type"] == "string_pattern_mismatch":
        return str(_("It does not have the form that the description gives."))
    return str(error["msg"])


def _take_in() -> None:
    """Find out who asks, and read what was sent, before a view is reached."""
    view = current_app.view_functions[request.endpoint or ""]
    access = getattr(view, "__access__", "")
    if access.startswith("token:"):
        check_token(access.removeprefix("token:"))
    if request.method in WRITES:
        request.max_content_length = LARGEST_BODY
        key = request.headers.get(KEY_HEADER)
        if key is not None and not KEY.fullmatch(key):
            raise BadKey
        if "body" in inspect.signature(view).parameters:
            _read_body()


def _read_body() -> None:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        sent = json.loads(request.get_data(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadRequest from None
    if not isinstance(sent, dict):
        raise NotAnObject
    try:
        _check_text(sent)
    except RecursionError:
        raise BadRequest from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_text(sent: Any) -> None:
    """Refuse text that no database and no letter can hold."""
    if isinstance(sent, str):
        if "\0" in sent or any("\ud800" <= sign <= "\udfff" for sign in sent):
            raise BadText
    elif isinstance(sent, dict):
        for name, value in sent.items():
            _check_text(name)
            _check_text(value)
    elif isinstance(sent, list):
        for value in sent:
            _check_text(value)


def _fingerprint() -> str:
    asked = [request.method, request.path, request.query_string.decode("latin-1")]
    body = request.get_data()
    return hashlib.sha256(json.dumps(asked).encode() + b"\n" + body).hexdigest()


def _replayed(before: idempotency.Answer) -> Response:
    response = Response(before.body, status=before.status, mimetype="application/json")
    if before.status == 204:
        response = nothing()
    if before.location:
        response.headers["Location"] = before.location
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _headers(response: Response) -> Response:
    if problems.is_api():
        response.headers["X-Request-Id"] = problems.request_id()
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _cursors() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="cursor")


def _list_name() -> str:
    return f"{request.endpoint} {request.view_args or {}}"


def _read_cursor(cursor: str) -> int:
    try:
        name, last = _cursors().loads(cursor)
    except (BadData, ValueError, TypeError):
        raise BadCursor from None
    if name != _list_name():
        raise BadCursor
    return int(last)


def _address(cursor: str) -> str:
    asked = [(k, v) for k, v in request.args.items(multi=True) if k != "cursor"]
    query = urlencode([*asked, ("cursor", cursor)])
    return f"{current_settings().public_url}{request.path}?{query}"
