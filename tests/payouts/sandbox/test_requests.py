"""How requests are read and refused: keys, versions, parameters, unknown addresses."""

import pytest
import stripe

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def said(answer):
    return answer.json()["error"]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer sk_live_0123456789", "Bearer pk_test_0123456789", "x"]
)
def test_only_test_keys_are_let_in(bench, authorization):
    answer = bench.raw("GET", "/v1/balance", headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert said(answer)["type"] == "invalid_request_error"
    assert "0123456789" not in answer.text
    assert answer.headers["Request-Id"].startswith("req_")


def test_a_key_may_come_as_the_name_of_basic_auth(bench):
    answer = bench.web.get(f"{bench.url}/v1/balance", auth=("sk_test_0123456789", ""))

    assert answer.status_code == 200


def test_another_version_of_the_api_is_refused(bench):
    headers = {"Stripe-Version": "2026-10-28.endive"}
    answer = bench.raw("GET", "/v1/balance", headers=headers)

    assert answer.status_code == 400
    assert "2026-05-27.dahlia" in said(answer)["message"]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("amount=5&currency=eur&destination=a&colour=blue", "parameter_unknown", "colour"),
        ("amount=5&currency=eur", "parameter_missing", "destination"),
        ("amount=1.5&currency=eur&destination=a", "parameter_invalid_integer", "amount"),
        ("amount=5&currency=eur&destination=a&source_type=gold", None, "source_type"),
        ("amount=5&currency=eur&destination[a]=a", None, "destination"),
        ("amount=5&currency=eur&destination=a&expand=x", None, "expand"),
        ("amount=5&currency=eur&destination=a&metadata=x", None, "metadata"),
        ("amount=5&amount[a]=1&currency=eur&destination=a", None, "amount"),
        (f"amount=5&currency=eur&destination=a&metadata[k]={'x' * 501}", None, "metadata[k]"),
        (f"amount={'9' * 40}&currency=eur&destination=a", "parameter_invalid_integer", "amount"),
    ],
)
def test_what_stripe_would_refuse_is_refused(bench, body, code, param):
    answer = bench.raw("POST", "/v1/transfers", content=body, headers=FORM)

    assert answer.status_code == 400
    assert (said(answer).get("code"), said(answer)["param"]) == (code, param)


def test_nothing_is_kept_of_a_request_that_could_not_be_read(bench):
    headers = {**FORM, "Idempotency-Key": "k"}
    bench.raw("POST", "/v1/topups", content="amount=5", headers=headers)

    again = bench.raw("POST", "/v1/topups", content="amount=5&currency=eur", headers=headers)

    assert again.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/customers"), ("PUT", "/v1/transfers"), ("GET", "/v2/nothing")]
)
def test_an_unknown_address_is_refused_in_stripes_form(bench, method, path):
    answer = bench.raw(method, path)

    assert answer.status_code == 404
    assert "Unrecognized request URL" in said(answer)["message"]


@pytest.mark.parametrize("body", ["{", "[]", '{"colour": "blue"}', '{"dashboard": 5}'])
def test_a_wrong_v2_body_is_refused(bench, body):
    answer = bench.raw("POST", "/v2/core/accounts", content=body)

    assert answer.status_code == 400
    assert said(answer)["code"]


def test_a_property_that_cannot_be_expanded_is_refused(bench):
    bench.v1.topups.create({"amount": 5, "currency": "eur"})

    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        bench.v1.topups.list({"expand": ["data.colour"]})


def test_a_body_that_is_too_large_is_refused(bench):
    answer = bench.raw("POST", "/v1/topups", content="a" * 2_000_000, headers=FORM)

    assert answer.status_code == 413
    assert said(answer)["type"] == "api_error"


def test_metadata_is_merged_and_an_empty_value_takes_its_key_away(bench):
    account = bench.account()
    bench.paid(5000)
    made = bench.v1.transfers.create(
        {
            "amount": 5,
            "currency": "eur",
            "destination": account,
            "metadata": {"a": "1", "b": "2"},
        }
    )

    changed = bench.v1.transfers.update(made.id, {"metadata": {"a": "", "c": "3"}})

    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}


def test_lists_are_paged_both_ways(bench):
    made = [bench.v1.topups.create({"amount": n, "currency": "eur"}).id for n in range(1, 8)]
    newest = made[::-1]

    first = bench.v1.topups.list({"limit": 3})
    second = bench.v1.topups.list({"limit": 3, "starting_after": first.data[-1].id})
    back = bench.v1.topups.list({"limit": 2, "ending_before": second.data[-1].id})

    assert [each.id for each in first.data] == newest[:3]
    assert [each.id for each in second.data] == newest[3:6]
    assert (first.has_more, second.has_more) == (True, True)
    assert [each.id for each in back.data] == newest[3:5]
    walked = bench.v1.topups.list({"limit": 2}).auto_paging_iter()
    assert [each.id for each in walked] == newest


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 101}, {"starting_after": "tu_nothing"}])
def test_a_page_that_makes_no_sense_is_refused(bench, asked):
    with pytest.raises(stripe.InvalidRequestError):
        bench.v1.topups.list(asked)
