"""Webhooks of organisations: who is told what, and `emit`, by which every package tells something.

A message is written in the transaction of what it tells, so nothing is told that did not happen,
and nothing that happened is forgotten. Endpoints that are paused get theirs when they go on.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import insert
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts import organisations, webhook_events, webhook_signing
from accounts.models import (
    DeliveryState,
    Organisation,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookPause,
    WebhookState,
)
from core import audit, jobs, messages
from core.clock import now
from core.errors import Conflict, Invalid
from core.ports import WebhookRefused, WebhookSender
from core.settings import current_settings

MOST = 20
OVERLAP = timedelta(hours=24)
WHY = {
    "not_https": _l("it does not begin with https"),
    "credentials": _l("it holds a name or a password"),
    "fragment": _l("it holds a #"),
    "port": _l("its port is neither 443 nor 8443"),
    "private": _l("it leads into a private network"),
    "unknown_host": _l("its host cannot be found"),
    "unreadable": _l("it cannot be read as an address"),
}


class AddressRefused(Invalid):
    """Webhooks cannot go to this address: %(why)s."""

    problem = "address-refused"


class EventUnknown(Invalid):
    """Your organisation cannot be told of: %(events)s."""


class TooMany(Conflict):
    """An organisation has at most %(most)s webhooks. End one first."""


class Ended(Conflict):
    """This webhook has ended. Make another one."""


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to be told, and where."""

    url: str
    events: Sequence[str]
    name: str = ""


@dataclass(frozen=True)
class By:
    """Who acts: a person, or a token of the organisation."""

    user_id: int | None


def of(session: Session, organisation_id: int) -> list[WebhookEndpoint]:
    """Return the endpoints of an organisation that have not ended, the first made first."""
    return list(session.exec(standing(organisation_id).order_by(col(WebhookEndpoint.id))))


def standing(organisation_id: int) -> SelectOfScalar[WebhookEndpoint]:
    """Return the query of the endpoints of an organisation that have not ended."""
    return select(WebhookEndpoint).where(
        WebhookEndpoint.organisation_id == organisation_id,
        WebhookEndpoint.state != WebhookState.ENDED,
    )


def require_address(sender: WebhookSender, url: str) -> None:
    """Refuse an address that webhooks may not go to; asks the network."""
    try:
        sender.check(url)
    except WebhookRefused as refusal:
        raise AddressRefused(why=WHY[str(refusal)]) from None


def make(
    session: Session, organisation: Organisation, wanted: Wanted, *, by: By, at: datetime
) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint; the second value is its secret, which is shown this once."""
    assert organisation.id is not None
    # Two at once would both see room.
    session.get(Organisation, organisation.id, with_for_update=True)
    if len(of(session, organisation.id)) >= MOST:
        raise TooMany(most=MOST)
    _require_events(organisation, wanted.events)
    secret = webhook_signing.new_secret()
    endpoint = WebhookEndpoint(
        organisation_id=organisation.id,
        name=wanted.name.strip(),
        url=wanted.url,
        events=sorted(set(wanted.events)),
        secret=webhook_signing.sealed(secret),
        state_at=at,
        made_by=by.user_id,
        created_at=at,
    )
    session.add(endpoint)
    session.flush()  # the audit trail names the row
    _record(session, endpoint, "made", by)
    return endpoint, secret


def change(
    session: Session,
    endpoint: WebhookEndpoint,
    organisation: Organisation,
    wanted: Wanted,
    *,
    by: By,
) -> None:
    """Send to another address, or tell of other events."""
    _require_standing(endpoint)
    _require_events(organisation, wanted.events)
    endpoint.url, endpoint.name = wanted.url, wanted.name.strip()
    endpoint.events = sorted(set(wanted.events))
    _record(session, endpoint, "changed", by)


def rotate(session: Session, endpoint: WebhookEndpoint, *, by: By, at: datetime) -> str:
    """Give an endpoint a new secret and return it; for a day the one before signs as well."""
    _require_standing(endpoint)
    secret = webhook_signing.new_secret()
    endpoint.previous_secret, endpoint.previous_until = endpoint.secret, at + OVERLAP
    endpoint.secret = webhook_signing.sealed(secret)
    _record(session, endpoint, "rotated", by)
    return secret


def signing(endpoint: WebhookEndpoint, *, at: datetime) -> list[str]:
    """Return the secrets that sign now, as they are kept: two within a day of a change."""
    if endpoint.previous_secret and endpoint.previous_until and at < endpoint.previous_until:
        return [endpoint.secret, endpoint.previous_secret]
    return [endpoint.secret]


def pause(session: Session, endpoint: WebhookEndpoint, *, by: By, at: datetime) -> None:
    """Send nothing for now; what happens meanwhile is kept and sent later."""
    _require_standing(endpoint)
    if endpoint.state is WebhookState.ACTIVE:
        _pause(endpoint, WebhookPause.BY_HAND, at)
        _record(session, endpoint, "paused", by)


def pause_by_itself(
    session: Session, endpoint: WebhookEndpoint, reason: WebhookPause, *, at: datetime
) -> None:
    """Pause an endpoint that does not answer, and tell the admins; once."""
    if endpoint.state is not WebhookState.ACTIVE:
        return
    _pause(endpoint, reason, at)
    _record(session, endpoint, "paused", By(None))
    organisation = session.get_one(Organisation, endpoint.organisation_id)
    for admin in organisations.admins(session, endpoint.organisation_id):
        messages.write(
            session,
            to=admin,
            template="accounts/webhook_paused",
            endpoint=endpoint,
            organisation=organisation,
            url=f"{current_settings().public_url}/webhooks/{endpoint.id}",
        )


def resume(session: Session, endpoint: WebhookEndpoint, *, by: By, at: datetime) -> int:
    """Send again, first of all what waited; return how much that is."""
    _require_standing(endpoint)
    if endpoint.state is WebhookState.ACTIVE:
        return 0
    endpoint.state, endpoint.paused_for, endpoint.state_at = WebhookState.ACTIVE, None, at
    endpoint.failing_since = None
    _record(session, endpoint, "resumed", by)
    waiting = session.exec(
        select(WebhookDelivery)
        .where(
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.state == DeliveryState.WAITING,
        )
        .with_for_update(skip_locked=True)
    ).all()
    for delivery in waiting:
        delivery.tries, delivery.next_at = 0, at
        defer(session, delivery.key)
    return len(waiting)


def end(session: Session, endpoint: WebhookEndpoint, *, by: By, at: datetime) -> None:
    """Never send anything there again; ending it twice changes nothing."""
    if endpoint.state is WebhookState.ENDED:
        return
    endpoint.state, endpoint.paused_for, endpoint.state_at = WebhookState.ENDED, None, at
    _record(session, endpoint, "ended", by)


def listening(session: Session, type: str) -> list[int]:
    """Return the organisations that chose an event, for what is open to all of them."""
    chosen = select(WebhookEndpoint.organisation_id).where(
        col(WebhookEndpoint.events).contains([type])
    )
    return sorted(set(session.exec(chosen)))


def emit(session: Session, organisation_id: int, type: str, data: dict[str, Any]) -> int:
    """Tell the endpoints of an organisation that chose an event; return how many there are.

    Call it from the function that does what is told, in its transaction. `data` is thin: ids and
    states, nothing about a person.
    """
    if type not in webhook_events.EVENTS:
        raise KeyError(type)
    # The caller's rows may be half written: nothing of theirs is flushed here.
    with session.no_autoflush:
        chosen = standing(organisation_id).where(col(WebhookEndpoint.events).contains([type]))
        endpoints = list(session.exec(chosen))
        if endpoints:
            _write(session, endpoints, type, data)
    return len(endpoints)


def test(session: Session, endpoint: WebhookEndpoint, *, by: By) -> WebhookDelivery:
    """Send a test to one endpoint, also while it is paused."""
    _require_standing(endpoint)
    _record(session, endpoint, "tested", by)
    data = {"webhook_id": endpoint.id}
    [delivery] = _write(session, [endpoint], webhook_events.TEST, data)
    return delivery


def defer(session: Session, delivery_id: int, *, at: datetime | None = None) -> None:
    """Let a job try a delivery, at a time or at once; of two jobs, one finds nothing to do."""
    jobs.defer(
        session,
        "accounts.deliver_webhook",
        queue="webhooks",
        schedule_at=at,
        delivery_id=delivery_id,
    )


def count_waiting(session: Session, endpoint_ids: Sequence[int]) -> dict[int, int]:
    """Return how many deliveries wait, by endpoint."""
    query = (
        select(WebhookDelivery.endpoint_id, func.count())
        .where(
            col(WebhookDelivery.endpoint_id).in_(endpoint_ids),
            WebhookDelivery.state == DeliveryState.WAITING,
        )
        .group_by(col(WebhookDelivery.endpoint_id))
    )
    return dict(session.exec(query).all())


def _write(
    session: Session, endpoints: Sequence[WebhookEndpoint], type: str, data: dict[str, Any]
) -> list[WebhookDelivery]:
    at = now()
    told = {"type": type, "timestamp": _stamp(at), "data": data}
    message = {
        "uid": f"msg_{secrets.token_urlsafe(18)}",
        "organisation_id": endpoints[0].organisation_id,
        "type": type,
        "body": json.dumps(told, ensure_ascii=False, separators=(",", ":")),
        "created_at": at,
    }
    with session.no_autoflush:
        made = session.scalars(insert(WebhookMessage).returning(WebhookMessage), [message]).one()
        rows = [
            {
                "endpoint_id": one.id,
                "message_id": made.id,
                "state": DeliveryState.WAITING,
                "attempts": 0,
                "tries": 0,
                "next_at": at,
            }
            for one in endpoints
        ]
        deliveries = session.scalars(insert(WebhookDelivery).returning(WebhookDelivery), rows).all()
    for delivery in deliveries:
        defer(session, delivery.key)
    return list(deliveries)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _pause(endpoint: WebhookEndpoint, reason: WebhookPause, at: datetime) -> None:
    endpoint.state, endpoint.paused_for, endpoint.state_at = WebhookState.PAUSED, reason, at


def _require_events(organisation: Organisation, events: Sequence[str]) -> None:
    if unfit := webhook_events.unfit(organisation.kind, events):
        raise EventUnknown(events=", ".join(unfit))


def _require_standing(endpoint: WebhookEndpoint) -> None:
    if endpoint.state is WebhookState.ENDED:
        raise Ended


def _record(session: Session, endpoint: WebhookEndpoint, act: str, by: By) -> None:
    audit.record(session, f"webhook.{act}", by=by.user_id, subject=f"webhook:{endpoint.id}")
