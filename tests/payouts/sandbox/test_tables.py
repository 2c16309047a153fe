"""Each operation and each parameter that the sandbox knows is one of Stripe's."""

from typing import Any

import pytest

from payouts.sandbox import events
from payouts.sandbox.calls import Route
from payouts.sandbox.params import MAP
from payouts.sandbox.server import routes
from tests.payouts.sandbox import speccheck

# Required here though not by the description: Stripe asks for them one way or another.
STRICTER = {
    ("/v1/transfers", "amount"),
    ("/v1/checkout/sessions", "mode"),
    ("/v1/checkout/sessions", "unit_amount"),
    ("/v1/checkout/sessions", "product_data"),
}


def path_of(route: Route) -> str:
    return route.rule.replace("<", "{").replace(">", "}")


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.rule}")
def test_a_table_names_only_what_stripe_knows_and_requires_as_much(route):
    found = speccheck.operation(route.method, path_of(route))

    assert found, "Stripe has no such operation"
    schemas, required = speccheck.parameters(found)
    assert differences(route.table, schemas, required, route.rule) == []


def test_a_table_with_planted_faults_is_found():
    found = speccheck.operation("POST", "/v1/transfers")
    assert found is not None
    table = {"amount!": str, "currency": str, "destination!": str, "color": str}

    wrong = differences(table, *speccheck.parameters(found), "/v1/transfers")

    assert sorted(wrong) == [
        "amount is no str",
        "color is unknown",
        "currency must be required",
    ]


def test_events_that_are_said_are_events_of_stripe():
    endpoint = speccheck.operation("POST", "/v1/webhook_endpoints")
    assert endpoint is not None
    names = speccheck.parameters(endpoint)[0]["enabled_events"]["items"]["enum"]

    assert set(names) >= events.NAMES


def differences(table: Any, schemas: Any, required: set[str], rule: str) -> list[str]:
    """Return how a table differs from the description."""
    wrong = []
    for name, kind in table.items():
        bare = name.removesuffix("!")
        if bare not in schemas:
            wrong.append(f"{bare} is unknown")
            continue
        if (bare in required) != name.endswith("!") and (rule, bare) not in STRICTER:
            wrong.append(f"{bare} must {'' if bare in required else 'not '}be required")
        wrong += [f"{bare} {each}" for each in mismatch(kind, schemas[bare], rule)]
    return wrong


def mismatch(kind: Any, schema: Any, rule: str) -> list[str]:
    """Return how one kind of value differs from its schema."""
    options = schema.get("anyOf", [schema])
    if isinstance(kind, tuple):
        return [each for part in kind for each in mismatch(part, schema, rule)]
    if isinstance(kind, dict):
        group = next((each for each in options if each.get("properties")), None)
        if group is None:
            return ["is no group"]
        return differences(kind, group["properties"], set(group.get("required", [])), rule)
    if isinstance(kind, list):
        many = next((each for each in options if each.get("type") == "array"), None)
        return mismatch(kind[0], many["items"], rule) if many else ["is no list"]
    if isinstance(kind, set | frozenset):
        words = {word for each in options for word in each.get("enum", [])}
        return [f"cannot be {word}" for word in kind - words]
    wanted = {str: "string", int: "integer", bool: "boolean"}.get(kind, "object")
    name = "MAP" if kind is MAP else getattr(kind, "__name__", kind)
    return [] if wanted in {each.get("type") for each in options} else [f"is no {name}"]
