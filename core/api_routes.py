"""The API's description: for programs as OpenAPI 3.1, for people as a page."""

import json
from typing import Any

from flask import Blueprint, Response, jsonify, render_template
from flask.typing import ResponseReturnValue

from core import api_document, problems
from core.access import public

bp = Blueprint("api_docs", __name__)


@bp.get("/api/v1/openapi.json")
@public
def openapi() -> Response:
    """Describe the API as OpenAPI 3.1."""
    return jsonify(api_document.document())


@bp.get("/api/docs")
@public
def page() -> ResponseReturnValue:
    """Show the API: how to ask, every address, every problem."""
    described = api_document.document()
    shown = api_document.shown(described)
    tags = [(tag["name"], tag.get("description", "")) for tag in described["tags"]]
    return render_template(
        "core/api_docs.html",
        tags=[(name, words, [one for one in shown if one.tag == name]) for name, words in tags],
        schemas=_schemas(described),
        fields=lambda schema: api_document.fields(described, schema),
        kind_of=lambda schema: api_document.kind_of(described, schema),
        parameter_of=lambda one: _parameter(described, one),
        problems=problems.KINDS,
        first_of={kind.status: slug for slug, kind in reversed(problems.KINDS.items())},
        body_example=_body_example,
    )


def _schemas(described: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found: dict[str, Any] = described["components"]["schemas"]
    return sorted((name, schema) for name, schema in found.items() if "properties" in schema)


def _parameter(described: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in one:
        found: dict[str, Any] = described["components"]["parameters"][
            one["$ref"].rpartition("/")[2]
        ]
        return found
    return one


def _body_example(schema: dict[str, Any]) -> str:
    examples = schema.get("examples") or []
    return json.dumps(examples[0], indent=2) if examples else ""
