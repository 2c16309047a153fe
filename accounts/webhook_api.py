"""The API of webhooks, for tokens of an organisation."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask import Response, g
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import col

from accounts import webhook_deliveries, webhook_events, webhooks
from accounts.models import (
    DeliveryState,
    Organisation,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookPause,
    WebhookState,
)
from accounts.tokens import Principal
from accounts.webhooks import By, Wanted
from core import api as base
from core.access import by_token
from core.api import LARGEST_ID, ListAnswer, ListQuery, Problem, Sent
from core.clock import now
from core.db import db_session
from core.errors import NotFound
from core.ports import ports
from core.settings import current_settings

READ, WRITE = "webhooks:read", "webhooks:write"
PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
URL = (
    r"^https?://[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
    rf"(:({PORT}))?(/[!\"$-\[\]-~]*)?$"
)
URL_FIELD = Field(
    pattern=URL,
    max_length=2000,
    description="Where messages go: https, and a host whose addresses are all public",
    examples=["https://hooks.example.org/doyen"],
)
EVENTS_FIELD = Field(
    min_length=1,
    max_length=50,
    description="What to tell",
    examples=[["release.published"]],
)
EXAMPLE: dict[str, Any] = {
    "url": "https://hooks.example.org/doyen",
    "events": ["release.published"],
    "name": "training pipeline",
}
api = base.blueprint("webhooks_api", __name__, "webhooks", "Messages to your own servers")


EventName = StrEnum("EventName", {name: name for name in webhook_events.EVENTS})  # type: ignore[misc]


class NewWebhook(Sent):
    """Where to send messages, and about what."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    url: str = URL_FIELD
    events: list[EventName] = EVENTS_FIELD
    name: str = Field("", max_length=80, description="For your own list")


class WebhookChange(Sent):
    """What to change; what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"paused": True}]})

    url: str | None = Field(None, pattern=URL, max_length=2000)
    events: list[EventName] | None = Field(None, min_length=1, max_length=50)
    name: str | None = Field(None, max_length=80)
    paused: bool | None = Field(None, description="True to send nothing for now, false to go on")


class Replay(Sent):
    """Which messages to send again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-11-20T00:00:00Z"}]})

    since: AwareDatetime = Field(description="Those of things that happened since then")
    state: DeliveryState | None = Field(
        DeliveryState.FAILED, description="Only those; null for all that do not wait already"
    )


class WebhookInfo(BaseModel):
    """A webhook of the organisation."""

    id: int
    name: str
    url: str
    events: list[str]
    state: WebhookState
    paused_for: WebhookPause | None
    failing_since: datetime | None = Field(description="No message was taken since then")
    created_at: datetime
    two_secrets_until: datetime | None = Field(
        description="Until then the secret before signs as well"
    )


class WebhookWithSecret(WebhookInfo):
    """A webhook with its secret, which is shown this once."""

    secret: str = Field(description="Verify signatures with it; keep it like a password")


class WebhookList(ListAnswer):
    """Some webhooks."""

    data: list[WebhookInfo]


class AttemptInfo(BaseModel):
    """One try to deliver a message."""

    number: int
    started_at: datetime
    ended_at: datetime | None = Field(description="None when it stopped half-way")
    status: int | None
    trouble: str | None
    excerpt: str | None


class DeliveryInfo(BaseModel):
    """A message on its way to a webhook."""

    id: int
    message_id: str = Field(description="The header webhook-id, the same at each attempt")
    type: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime | None = Field(description="When it is tried next")


class DeliveryDetails(DeliveryInfo):
    """A delivery with its message and each attempt."""

    body: str
    tried: list[AttemptInfo]


class DeliveryList(ListAnswer):
    """Some deliveries."""

    data: list[DeliveryInfo]


class Replayed(BaseModel):
    """How many messages are sent again."""

    count: int


class WebhookPath(BaseModel):
    """A webhook by its number."""

    webhook_id: int


class DeliveryPath(WebhookPath):
    """A delivery of a webhook by its number."""

    delivery_id: int


class DeliveryQuery(ListQuery):
    """Which deliveries to list."""

    state: DeliveryState | None = Field(None, description="Only those in this state")
    type: str | None = Field(None, max_length=80, description="Only those of this event")


ERRORS: dict[Any, Any] = {422: Problem}


@api.get("/webhooks", responses={200: WebhookList, **ERRORS}, summary="Webhooks, newest first")
@by_token(READ)
def list_webhooks(query: ListQuery) -> Response:
    """Those of the organisation that have not ended."""
    part = base.part(webhooks.standing(_organisation_id()), col(WebhookEndpoint.id), query)
    data = [_info(one) for one in part.rows]
    return base.answer(WebhookList(data=data, next_cursor=part.next_cursor, next=part.next))


@api.post("/webhooks", responses={201: WebhookWithSecret, **ERRORS}, summary="Make a webhook")
@by_token(WRITE)
@base.write
def make_webhook(body: NewWebhook) -> Response:
    """The answer holds its secret, which is shown this once."""
    webhooks.require_address(ports().webhooks, body.url)
    wanted = Wanted(body.url, [str(one) for one in body.events], body.name)
    made, secret = webhooks.make(db_session(), _organisation(), wanted, by=By(None), at=now())
    location = f"{current_settings().public_url}/api/v1/webhooks/{made.id}"
    shown = WebhookWithSecret(**_info(made).model_dump(), secret=secret)
    return base.answer(shown, 201, location=location)


@api.get(
    "/webhooks/<int:webhook_id>", responses={200: WebhookInfo, **ERRORS}, summary="One webhook"
)
@by_token(READ)
def get_webhook(path: WebhookPath) -> Response:
    """Without its secret, which nobody can see again."""
    return base.answer(_info(_own(path.webhook_id)))


@api.patch(
    "/webhooks/<int:webhook_id>", responses={200: WebhookInfo, **ERRORS}, summary="Change a webhook"
)
@by_token(WRITE)
@base.write
def change_webhook(path: WebhookPath, body: WebhookChange) -> Response:
    """Its address, its events, its name; or pause it and let it go on."""
    _own(path.webhook_id)
    if body.url is not None:  # asks a name server, so before the row is locked
        webhooks.require_address(ports().webhooks, body.url)
    found = _own(path.webhook_id, lock=True)
    wanted = Wanted(
        found.url if body.url is None else body.url,
        [str(one) for one in (found.events if body.events is None else body.events)],
        found.name if body.name is None else body.name,
    )
    webhooks.change(db_session(), found, _organisation(), wanted, by=By(None))
    if body.paused is not None:
        act = webhooks.pause if body.paused else webhooks.resume
        act(db_session(), found, by=By(None), at=now())
    return base.answer(_info(found))


@api.delete("/webhooks/<int:webhook_id>", responses={204: None, **ERRORS}, summary="End a webhook")
@by_token(WRITE)
@base.write
def end_webhook(path: WebhookPath) -> Response:
    """Nothing is sent there any more, nor what still waits."""
    webhooks.end(db_session(), _own(path.webhook_id, lock=True), by=By(None), at=now())
    return base.nothing()


@api.post(
    "/webhooks/<int:webhook_id>/secret",
    responses={200: WebhookWithSecret, **ERRORS},
    summary="Change the secret",
)
@by_token(WRITE)
@base.write
def rotate_secret(path: WebhookPath) -> Response:
    """For 24 hours both secrets sign, so that receivers can follow. The new one is shown once."""
    found = _own(path.webhook_id, lock=True)
    secret = webhooks.rotate(db_session(), found, by=By(None), at=now())
    return base.answer(WebhookWithSecret(**_info(found).model_dump(), secret=secret))


@api.post(
    "/webhooks/<int:webhook_id>/test",
    responses={202: DeliveryInfo, **ERRORS},
    summary="Send a test",
)
@by_token(WRITE)
@base.write
def test_webhook(path: WebhookPath) -> Response:
    """A message of the type “webhook.test”, tried once, also while the webhook is paused."""
    made = webhooks.test(db_session(), _own(path.webhook_id, lock=True), by=By(None))
    return base.answer(_delivery(made, _message(made)), 202)


@api.post(
    "/webhooks/<int:webhook_id>/replay",
    responses={202: Replayed, **ERRORS},
    summary="Send messages again",
)
@by_token(WRITE)
@base.write
def replay(path: WebhookPath, body: Replay) -> Response:
    """Receivers see the same webhook-id as before, so they can drop what they have."""
    found = _own(path.webhook_id, lock=True)
    count = webhook_deliveries.again_since(
        db_session(), found, body.since, state=body.state, by=None, at=now()
    )
    return base.answer(Replayed(count=count), 202)


@api.get(
    "/webhooks/<int:webhook_id>/deliveries",
    responses={200: DeliveryList, **ERRORS},
    summary="Deliveries, newest first",
)
@by_token(READ)
def list_deliveries(path: WebhookPath, query: DeliveryQuery) -> Response:
    """What was sent in the last 30 days, and what waits."""
    found = _own(path.webhook_id)
    wanted = webhook_deliveries.log(found.id or 0, state=query.state, type=query.type)
    part = base.part(wanted, col(WebhookDelivery.id), query)
    messages = webhook_deliveries.messages_of(db_session(), list(part.rows))
    data = [_delivery(one, messages[one.message_id]) for one in part.rows]
    return base.answer(DeliveryList(data=data, next_cursor=part.next_cursor, next=part.next))


@api.get(
    "/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>",
    responses={200: DeliveryDetails, **ERRORS},
    summary="One delivery",
)
@by_token(READ)
def get_delivery(path: DeliveryPath) -> Response:
    """With its message and each attempt."""
    found = _delivery_of(path)
    message = _message(found)
    tried = [_attempt(one) for one in webhook_deliveries.attempts(db_session(), found.key)]
    shown = _delivery(found, message).model_dump()
    return base.answer(DeliveryDetails(**shown, body=message.body, tried=tried))


@api.post(
    "/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/replay",
    responses={202: DeliveryInfo, **ERRORS},
    summary="Send one message again",
)
@by_token(WRITE)
@base.write
def replay_one(path: DeliveryPath) -> Response:
    """Whatever came of it before."""
    found = _delivery_of(path, lock=True)
    webhook_deliveries.again(db_session(), found, by=None, at=now())
    return base.answer(_delivery(found, _message(found)), 202)


def _organisation_id() -> int:
    principal: Principal = g.principal
    if principal.organisation_id is None:
        raise NotFound
    return principal.organisation_id


def _organisation() -> Organisation:
    return db_session().get_one(Organisation, _organisation_id())


def _own(webhook_id: int, *, lock: bool = False) -> WebhookEndpoint:
    """Return a webhook of the token's organisation; others are not there."""
    if webhook_id > LARGEST_ID:
        raise NotFound
    wanted = webhooks.standing(_organisation_id()).where(WebhookEndpoint.id == webhook_id)
    found = db_session().exec(wanted.with_for_update() if lock else wanted).first()
    if found is None:
        raise NotFound
    return found


def _delivery_of(path: DeliveryPath, *, lock: bool = False) -> WebhookDelivery:
    endpoint = _own(path.webhook_id)
    if path.delivery_id >= 2**63:
        raise NotFound
    found = db_session().get(WebhookDelivery, path.delivery_id, with_for_update=lock)
    if found is None or found.endpoint_id != endpoint.id:
        raise NotFound
    return found


def _message(delivery: WebhookDelivery) -> WebhookMessage:
    return db_session().get_one(WebhookMessage, delivery.message_id)


def _info(one: WebhookEndpoint) -> WebhookInfo:
    until = one.previous_until
    return WebhookInfo(
        id=one.id or 0,
        name=one.name,
        url=one.url,
        events=[str(event) for event in one.events],
        state=one.state,
        paused_for=one.paused_for,
        failing_since=one.failing_since,
        created_at=one.created_at,
        two_secrets_until=until if until and until > now() else None,
    )


def _delivery(one: WebhookDelivery, message: WebhookMessage) -> DeliveryInfo:
    return DeliveryInfo(
        id=one.key,
        message_id=message.uid,
        type=message.type,
        state=one.state,
        attempts=one.attempts,
        created_at=message.created_at,
        next_at=one.next_at if one.state is DeliveryState.WAITING else None,
    )


def _attempt(one: WebhookAttempt) -> AttemptInfo:
    return AttemptInfo(
        number=one.number,
        started_at=one.started_at,
        ended_at=one.ended_at,
        status=one.status,
        trouble=one.trouble,
        excerpt=one.excerpt,
    )
