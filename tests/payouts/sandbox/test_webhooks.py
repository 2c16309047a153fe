"""Events and their deliveries: signed, repeated until heard, in any order a test wants."""

import time

import pytest
import stripe

from payouts.sandbox import delivery, server
from payouts.sandbox.settings import Settings, Webhook
from tests.payouts.sandbox.bench import Bench


def topup(bench):
    return bench.v1.topups.create({"amount": 5, "currency": "eur"})


def test_deliveries_are_signed_with_the_real_time_even_when_the_clock_is_ahead(told, receiver):
    told.control("/clock/advance", days=20)

    topup(told)

    receiver.wait(lambda names: "topup.succeeded" in names)  # the receiver verified each
    assert receiver.heard[0].event["created"] > time.time() + 19 * 86400


def test_a_delivery_that_is_not_taken_is_tried_again_until_it_is(told, receiver):
    receiver.status = 500
    made = topup(told)
    receiver.wait(lambda names: names.count("topup.created") >= 2)

    (event,) = told.v1.events.list({"type": "topup.created", "delivery_success": False}).data
    assert event.pending_webhooks == 1
    assert event.data.object.id == made.id
    receiver.status = 200
    told.control("/webhooks/deliver")

    assert told.look("/health")["pending_webhooks"] == 0
    assert told.v1.events.list({"delivery_success": False}).data == []
    assert told.v1.events.retrieve(event.id).pending_webhooks == 0


def test_a_delivery_is_tried_for_three_days_each_time_the_same_event_signed_anew(told, receiver):
    receiver.status = 500
    begun = told.look("/health")["now"]
    topup(told)
    for number, wait in enumerate(delivery.BACK_OFF, start=1):
        receiver.wait(lambda names, so_far=number: names.count("topup.created") == so_far)
        settled(told, lambda health, so_far=number: health["attempts"] == 2 * so_far)
        told.control("/clock/advance", seconds=wait + 1)
    settled(told, lambda health: health["given_up_webhooks"] == 2)

    tries = [each for each in receiver.heard if each.event["type"] == "topup.created"]
    assert len(tries) == len(delivery.BACK_OFF) + 1
    assert len({each.event["id"] for each in tries}) == 1
    assert {each.event["created"] - begun for each in tries} <= {0, 1}
    assert 2.5 * 86400 < told.look("/health")["now"] - begun < 3 * 86400
    for each in tries:  # by the real clock, which the receiver goes by
        signed = int(each.signature.split(",")[0].removeprefix("t="))
        assert abs(each.at - signed) < 5
    told.control("/clock/advance", days=1)
    told.control("/webhooks/deliver")
    assert len([each for each in receiver.heard if each.event["type"] == "topup.created"]) == len(
        tries
    )
    lost = told.v1.events.list({"type": "topup.created", "delivery_success": False}).data
    assert [each.id for each in lost] == [tries[0].event["id"]]


def settled(bench, so):
    """Wait until the sandbox has noted what came of its deliveries."""
    for _ in range(200):
        if so(bench.look("/health")):
            return
        time.sleep(0.02)
    raise AssertionError(bench.look("/health"))


def test_a_redirect_is_no_delivery_and_is_not_followed(told, receiver):
    receiver.status = 302
    topup(told)
    receiver.wait(lambda names: len(names) >= 2)

    settled(told, lambda health: health["attempts"] >= 2)
    assert told.look("/health")["pending_webhooks"] == 2
    assert receiver.names("/elsewhere") == []


def test_an_endpoint_that_hangs_is_left_alone_and_hears_the_event_again(tmp_path, web, receiver):
    hook = Webhook(f"{receiver.url}/platform", receiver.secret)
    settings = Settings(tmp_path / "s", platform_webhooks=(hook,), webhook_timeout=0.2)
    with server.running(settings) as found:
        bench = Bench(found.url, web)
        receiver.sleeps = 1.0
        made = topup(bench)
        settled(bench, lambda health: health["attempts"] >= 1)
        assert bench.v1.topups.retrieve(made.id).id == made.id  # nobody else waits for it
        receiver.sleeps = 0.0
        bench.control("/webhooks/deliver")

        assert bench.look("/health")["pending_webhooks"] == 0
    ids = [each.event["id"] for each in receiver.heard if each.event["type"] == "topup.created"]
    assert len(ids) >= 2
    assert len(set(ids)) == 1


def test_deliveries_can_be_late_by_the_sandboxs_clock(told, receiver):
    told.control("/webhooks/switch", delay=7200)
    topup(told)
    told.control("/clock/advance", seconds=7000)
    time.sleep(0.2)
    assert receiver.names() == []

    told.control("/clock/advance", seconds=300)

    receiver.wait(lambda names: names == ["topup.created", "topup.succeeded"])


@pytest.mark.parametrize(("how", "lost"), [("drop", 2), ("swallow", 0)])
def test_deliveries_can_be_lost_with_stripes_knowledge_or_without(told, receiver, how, lost):
    told.control("/webhooks/switch", **{how: True})
    topup(told)
    settled(told, lambda health: health["pending_webhooks"] == 0)

    assert receiver.names() == []
    assert told.look("/health")["given_up_webhooks"] == lost
    assert len(told.v1.events.list({"delivery_success": False}).data) == lost
    told.control("/webhooks/switch", **{how: False})
    topup(told)
    receiver.wait(lambda names: "topup.created" in names)


@pytest.mark.parametrize("asked", [{"delay": -1}, {"delay": "soon"}, {"vanish": True}])
def test_a_switch_that_nobody_knows_is_refused(told, asked):
    answer = told.web.post(f"{told.url}/_sandbox/webhooks/switch", json=asked)

    assert answer.status_code == 400


def test_deliveries_can_be_held_back_doubled_and_turned_round(told, receiver):
    told.control("/webhooks/switch", paused=True, duplicate=True, reorder=True)
    topup(told)
    time.sleep(0.3)
    assert receiver.names() == []

    sent = told.control("/webhooks/deliver")["sent"]

    assert receiver.names() == ["topup.succeeded"] * 2 + ["topup.created"] * 2
    assert [each["said"] for each in sent] == ["200"] * 4
    ids = [heard.event["id"] for heard in receiver.heard]
    assert ids[0] == ids[1]


def test_an_event_can_be_sent_once_more(told, receiver):
    topup(told)
    receiver.wait(lambda names: "topup.succeeded" in names)
    event = next(each.event for each in receiver.heard if each.event["type"] == "topup.created")

    told.control("/webhooks/resend", event=event["id"])

    receiver.wait(lambda names: names.count("topup.created") == 2)
    ids = [each.event["id"] for each in receiver.heard if each.event["type"] == "topup.created"]
    assert ids == [event["id"]] * 2


def test_an_endpoint_made_by_the_api_hears_what_it_asked_for(bench, receiver):
    made = bench.v1.webhook_endpoints.create(
        {
            "url": f"{receiver.url}/mine",
            "enabled_events": ["topup.created"],
            "api_version": "2026-05-27.dahlia",
            "description": "mine",
        }
    )
    receiver.secret = made.secret

    topup(bench)

    receiver.wait(lambda names: names == ["topup.created"])
    assert "secret" not in bench.v1.webhook_endpoints.retrieve(made.id)
    (listed,) = bench.v1.webhook_endpoints.list().data
    assert listed.id == made.id


def test_an_endpoint_can_be_changed_disabled_and_removed(bench, receiver):
    made = bench.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})

    changed = bench.v1.webhook_endpoints.update(
        made.id, {"disabled": True, "metadata": {"a": "1"}, "enabled_events": ["payout.paid"]}
    )
    assert (changed.status, changed.enabled_events) == ("disabled", ["payout.paid"])
    topup(bench)
    assert bench.v1.webhook_endpoints.delete(made.id).deleted
    assert bench.v1.webhook_endpoints.list().data == []
    assert receiver.names() == []


def test_an_event_that_does_not_exist_cannot_be_asked_for(bench):
    answer = bench.raw(
        "POST",
        "/v1/webhook_endpoints",
        content="url=http://localhost:9&enabled_events[0]=transfer.paid",
    )

    assert answer.status_code == 400
    assert "transfer.paid" in answer.json()["error"]["message"]


def test_events_say_what_caused_them_and_are_found_by_type_and_time(bench):
    bench.v1.topups.create({"amount": 5, "currency": "eur"}, {"idempotency_key": "cause"})
    bench.control("/clock/advance", days=3)

    both = bench.v1.events.list({"types": ["topup.created", "topup.succeeded"]}).data
    late = bench.v1.events.list({"created": {"gt": both[1].created}}).data

    assert [each.type for each in both] == ["topup.succeeded", "topup.created"]
    assert both[1].request.idempotency_key == "cause"
    assert both[0].request.id is None
    assert "topup.created" not in [each.type for each in late]


def test_funds_that_settle_are_told_once(bench):
    bench.paid(500, "pm_card_visa")
    assert bench.v1.events.list({"type": "balance.available"}).data == []

    bench.control("/clock/advance", days=2)
    bench.control("/clock/advance", days=1)

    (event,) = bench.v1.events.list({"type": "balance.available"}).data
    assert event.data.object.available[0].amount == 500 - 33


def test_events_are_forgotten_after_thirty_days(bench):
    topup(bench)
    bench.control("/clock/advance", days=31)

    kinds = {each.type for each in bench.v1.events.list({"limit": 100}).data}
    assert "topup.created" not in kinds


def test_events_of_an_account_are_listed_for_that_account(bench):
    account = bench.account()

    platform = bench.v1.events.list().data
    own = bench.v1.events.list({}, {"stripe_account": account}).data

    assert platform == []
    assert {each.account for each in own} == {account}


def test_an_account_that_leaves_is_told(told, receiver):
    account = told.account()

    told.control(f"/accounts/{account}/deauthorize")

    receiver.wait(lambda names: "account.application.deauthorized" in names)
    with pytest.raises(stripe.InvalidRequestError):
        told.v1.transfers.create({"amount": 5, "currency": "eur", "destination": account})


def test_an_event_can_be_said_though_nothing_happened(told, receiver):
    made = topup(told)

    told.control("/events/emit", type="topup.failed", object=made.id)

    receiver.wait(lambda names: "topup.failed" in names)
    said = next(each.event for each in receiver.heard if each.event["type"] == "topup.failed")
    assert said["data"]["object"]["id"] == made.id
