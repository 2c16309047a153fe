"""The API's description: what flask-openapi3 makes of the models, with what all resources share.

Scopes, the answers of a refusal, the header that lets a write count once and the headers of answers
are the same everywhere, so they are added here and not at each address.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from flask_babel import force_locale

from core import problems
from core.api import KEY_HEADER, WRITES

METHODS = ("get", "post", "put", "patch", "delete")
ALL = (401, 429, 500)
WITH_BODY = (400, 413, 415)
STATUS_WORDS = {
    400: "The body cannot be read.",
    401: "No token, or one that is wrong or over.",
    403: "The token lacks the scope.",
    404: "There is no such thing, or it is not yours.",
    409: "It cannot be done as things stand, or the first request with this key is not finished.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The file has no such part.",
    422: "A value cannot be used.",
    429: "Too many requests.",
    500: "Something failed on our side.",
}
HEADERS = {
    401: {"WWW-Authenticate": "How to send a token."},
    403: {"WWW-Authenticate": "Which scope is needed."},
}
KEY_PARAMETER = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "A name of your own for this write. Sent again within 24 hours with the same request, the "
        "first answer comes back and nothing is done twice."
    ),
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "minLength": 1, "maxLength": 255},
    "example": "4f6d2c1e-8f0b-4e56-9d1c-2f9f3f1a7b10",
}
INTRODUCTION = (
    "Send a token with each request: `Authorization: Bearer dy_…`. Cookies count for nothing. "
    "Lists come in pages: follow `next` until it is null. Refusals are `application/problem+json`."
)


@dataclass(frozen=True)
class Shown:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    scope: str
    parameters: list[dict[str, Any]]
    body: dict[str, Any] | None
    example: str
    answers: list[tuple[str, str, str]]


def document(app: Flask | None = None) -> dict[str, Any]:
    """Return the API's description as OpenAPI 3.1."""
    app = app or current_app
    kept: dict[str, Any] | None = app.extensions.get("doyen.api_document")
    if kept is None:
        made = copy.deepcopy(app.api_doc)  # type: ignore[attr-defined]
        with force_locale("en"):  # it is kept for everybody
            kept = app.extensions["doyen.api_document"] = _whole(app, made)
    return kept


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation with its path and its method."""
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def shown(described: dict[str, Any]) -> list[Shown]:
    """Return the operations as the page shows them, in the order of their addresses."""
    found = []
    for path, method, operation in operations(described):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        found.append(
            Shown(
                id=operation["operationId"],
                method=method.upper(),
                path=path,
                tag=operation.get("tags", [""])[0],
                summary=operation.get("summary", ""),
                description=operation.get("description", ""),
                scope=_scope_of(operation),
                parameters=operation.get("parameters", []),
                body=_resolved(described, body["schema"]) if body else None,
                example=_example(operation),
                answers=list(_answers(described, operation)),
            )
        )
    return found


def fields(described: dict[str, Any], schema: dict[str, Any]) -> list[tuple[str, str, bool, str]]:
    """Return the fields of a schema: name, kind, whether it must be there, words."""
    found = _resolved(described, schema)
    needed = found.get("required", [])
    return [
        (name, kind_of(described, field), name in needed, field.get("description", ""))
        for name, field in found.get("properties", {}).items()
    ]


def kind_of(described: dict[str, Any], field: dict[str, Any]) -> str:
    """Return what a field holds, in a few words."""
    if "$ref" in field:
        found = _resolved(described, field)
        return " | ".join(map(str, found["enum"])) if "enum" in found else _name(field["$ref"])
    if "anyOf" in field:
        return " | ".join(kind_of(described, one) for one in field["anyOf"])
    if field.get("type") == "array":
        return f"[{kind_of(described, field.get('items', {}))}]"
    return str(field.get("format") or field.get("type") or "any")


def _whole(app: Flask, made: dict[str, Any]) -> dict[str, Any]:
    made["info"]["description"] = INTRODUCTION
    scheme = made["components"]["securitySchemes"]["token"]
    scheme["description"] = "A token of a person or an organisation, made on the page “Tokens”."
    made["components"].setdefault("parameters", {})["IdempotencyKey"] = KEY_PARAMETER
    scopes = _scopes(app)
    for path, method, operation in operations(made):
        scope = scopes[path, method.upper()]
        operation["security"] = [{"token": [scope] if scope else []}]
        _add_answers(path, method.upper(), operation, scope)
        if method.upper() in WRITES:
            key = {"$ref": "#/components/parameters/IdempotencyKey"}
            operation.setdefault("parameters", []).append(key)
    return made


def _scopes(app: Flask) -> dict[tuple[str, str], str]:
    """Return the scope that each address asks for, by its path as OpenAPI writes it."""
    found = {}
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "__access__", "")
        if str(rule).startswith(problems.PREFIX) and access.startswith("token:"):
            path = re.sub(r"<(?:[^<:]+:)?([^>]+)>", r"{\1}", str(rule))
            for method in rule.methods or ():
                found[path, method] = access.removeprefix("token:")
    return found


def _add_answers(path: str, method: str, operation: dict[str, Any], scope: str) -> None:
    given = operation["responses"]
    statuses = {*ALL, 422, *(int(one) for one in given if int(one) >= 400)}
    if scope:
        statuses.add(403)
    if "{" in path:
        statuses.add(404)
    if method in WRITES:
        statuses.add(409)
    if "requestBody" in operation:
        statuses.update(WITH_BODY)
    for status in sorted(statuses):
        given[str(status)] = _refusal(status)
    for answer in given.values():
        words = {"description": "Names this request in our log.", "schema": {"type": "string"}}
        answer.setdefault("headers", {})["X-Request-Id"] = words


def _refusal(status: int) -> dict[str, Any]:
    slug = next(slug for slug, kind in problems.KINDS.items() if kind.status == status)
    example = {
        "type": f"https://doyen.example/api/docs#{slug}",
        "title": str(problems.KINDS[slug].title),
        "status": status,
        "detail": STATUS_WORDS[status],
        "request_id": "9f86d081884c7d65",
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    headers: dict[str, Any] = {
        name: {"description": words, "schema": {"type": "string"}}
        for name, words in HEADERS.get(status, {}).items()
    }
    if status == 429:
        headers["Retry-After"] = {"description": "Seconds", "schema": {"type": "string"}}
    return {
        "description": STATUS_WORDS[status],
        "headers": headers,
        "content": {problems.MEDIA_TYPE: {"schema": schema, "example": example}},
    }


def _scope_of(operation: dict[str, Any]) -> str:
    return " ".join(operation["security"][0]["token"])


def _example(operation: dict[str, Any]) -> str:
    """Return the first example of a body, as it stands in its schema."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return str(content.get("example", ""))


def _answers(
    described: dict[str, Any], operation: dict[str, Any]
) -> Iterator[tuple[str, str, str]]:
    for status, answer in sorted(operation["responses"].items()):
        content: dict[str, Any] = next(iter(answer.get("content", {}).values()), {})
        ref = content.get("schema", {}).get("$ref", "")
        yield status, answer["description"] or "Done.", _name(ref)


def _resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = described["components"]["schemas"][_name(schema["$ref"])]
        return found
    return schema


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]
