"""Deliveries of webhooks: claimed, sent with no transaction open, recorded, tried again.

The schedule is the one that Standard Webhooks suggests, with some jitter. A delivery that was
claimed and never recorded is taken up by the sweep, under the same webhook-id: receivers that know
the id take it once.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts import webhook_events, webhook_signing, webhooks
from accounts.models import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookPause,
    WebhookState,
)
from core import audit, jobs
from core.cipher import CannotBeRead
from core.ports import WebhookAnswer, WebhookRefused, WebhookSender, WebhookUnanswered

AFTER = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
]
JITTER = 0.2
HELD = timedelta(minutes=2)  # more than a lookup and a message may take
PAUSE_AFTER = timedelta(days=3)
KEPT = timedelta(days=30)
AT_ONCE = 500
GONE = 410
AGENT = "Doyen-Webhooks/1"
TROUBLES = {
    **webhooks.WHY,
    "timeout": _l("no answer within 15 seconds"),
    "connection": _l("no connection"),
    "tls": _l("the certificate could not be trusted, or TLS failed"),
    "not_http": _l("what came was not HTTP"),
    "secret_unreadable": _l("the secret cannot be read any more; make a new one"),
}


@dataclass(frozen=True)
class Package:
    """A claimed delivery, with all that it takes to send it."""

    delivery_id: int
    number: int
    url: str
    uid: str
    body: str
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: an answer, or a trouble by its code."""

    status: int | None = None
    excerpt: str | None = None
    trouble: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the receiver took the message."""
        return self.status is not None and 200 <= self.status < 300


def claim(session: Session, delivery_id: int, *, at: datetime) -> Package | None:
    """Take a delivery that is due; None when another has it, or when there is nothing to send."""
    delivery = session.exec(
        _due(at).where(WebhookDelivery.id == delivery_id).with_for_update(skip_locked=True)
    ).first()
    if delivery is None:
        return None
    endpoint = session.get_one(WebhookEndpoint, delivery.endpoint_id)
    message = session.get_one(WebhookMessage, delivery.message_id)
    if endpoint.state is WebhookState.ENDED:
        _end(delivery, DeliveryState.FAILED, at)
        return None
    if endpoint.state is WebhookState.PAUSED and message.type != webhook_events.TEST:
        return None
    delivery.attempts += 1
    delivery.tries += 1
    delivery.held_until = at + HELD
    attempt = WebhookAttempt(delivery_id=delivery.key, number=delivery.attempts, started_at=at)
    session.add(attempt)
    return Package(
        delivery.key,
        attempt.number,
        endpoint.url,
        message.uid,
        message.body,
        tuple(webhooks.signing(endpoint, at=at)),
    )


def send(sender: WebhookSender, package: Package, *, at: datetime) -> Outcome:
    """Send a claimed delivery; no transaction is open."""
    try:
        signed = webhook_signing.headers(package.uid, package.body, package.secrets, at=at)
        headers = {"content-type": "application/json", "user-agent": AGENT, **signed}
        answer = sender.send(package.url, package.body.encode(), headers)
    except CannotBeRead:
        return Outcome(trouble="secret_unreadable")
    except (WebhookRefused, WebhookUnanswered) as trouble:
        return Outcome(trouble=str(trouble))
    return _outcome(answer)


def record(session: Session, package: Package, outcome: Outcome, *, at: datetime) -> str:
    """Write down what came of an attempt, and what comes next; doing it again changes nothing."""
    delivery = session.get(WebhookDelivery, package.delivery_id, with_for_update=True)
    if delivery is None:
        return "forgotten"
    attempt = session.exec(
        select(WebhookAttempt).where(
            WebhookAttempt.delivery_id == delivery.id, WebhookAttempt.number == package.number
        )
    ).one()
    if attempt.ended_at is not None:
        return "recorded before"
    attempt.ended_at, attempt.status = at, outcome.status
    attempt.trouble, attempt.excerpt = outcome.trouble, outcome.excerpt
    if delivery.state is not DeliveryState.WAITING:
        return str(delivery.state)
    if package.number == delivery.attempts:
        delivery.held_until = None
    endpoint = session.get_one(WebhookEndpoint, delivery.endpoint_id, with_for_update=True)
    is_test = session.get_one(WebhookMessage, delivery.message_id).type == webhook_events.TEST
    if outcome.is_good:
        _end(delivery, DeliveryState.DELIVERED, at)
        if not is_test:
            endpoint.failing_since = None
    elif is_test or outcome.status == GONE or delivery.tries > len(AFTER):
        _end(delivery, DeliveryState.FAILED, at)
    else:
        delivery.next_at = at + _wait(delivery.tries)
        webhooks.defer(session, delivery.key, at=delivery.next_at)
    if not outcome.is_good and not is_test:
        _note_failing(session, endpoint, outcome, at)
    return str(outcome.status or outcome.trouble)


def take_up(session: Session, *, at: datetime) -> int:
    """Defer deliveries that are due and that nobody has; return how many."""
    due = (
        _due(at)
        .join(WebhookEndpoint, col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id))
        .join(WebhookMessage, col(WebhookMessage.id) == col(WebhookDelivery.message_id))
        .where(
            or_(
                WebhookEndpoint.state != WebhookState.PAUSED,
                WebhookMessage.type == webhook_events.TEST,
            )
        )
        .order_by(col(WebhookDelivery.next_at))
        .limit(AT_ONCE)
    )
    found = session.exec(due).all()
    for delivery in found:
        jobs.defer(
            session,
            "accounts.deliver_webhook",
            queue="webhooks",
            queueing_lock=f"webhook:{delivery.id}",
            delivery_id=delivery.key,
        )
    return len(found)


def forget(session: Session, *, at: datetime) -> int:
    """Delete messages that are older than the log goes back, with their deliveries."""
    old = delete(WebhookMessage).where(col(WebhookMessage.created_at) < at - KEPT)
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]


def again(session: Session, delivery: WebhookDelivery, *, by: int | None, at: datetime) -> None:
    """Send a message once more, whatever came of it; receivers see the same webhook-id."""
    endpoint = session.get_one(WebhookEndpoint, delivery.endpoint_id)
    if endpoint.state is WebhookState.ENDED:
        raise webhooks.Ended
    _begin(session, delivery, at)
    _record(session, endpoint, by, deliveries=1)


def again_since(
    session: Session,
    endpoint: WebhookEndpoint,
    since: datetime,
    *,
    state: DeliveryState | None,
    by: int | None,
    at: datetime,
) -> int:
    """Send again what was told since a time, all or what has a state; return how much."""
    if endpoint.state is WebhookState.ENDED:
        raise webhooks.Ended
    wanted = log(endpoint.id or 0, since=since, state=state, type=None).where(
        WebhookDelivery.state != DeliveryState.WAITING
    )
    found = session.exec(wanted.order_by(None).with_for_update(of=WebhookDelivery)).all()
    for delivery in found:
        _begin(session, delivery, at)
    if found:
        _record(session, endpoint, by, deliveries=len(found))
    return len(found)


def log(
    endpoint_id: int,
    *,
    state: DeliveryState | None,
    type: str | None,
    since: datetime | None = None,
) -> SelectOfScalar[WebhookDelivery]:
    """Return the query of an endpoint's deliveries, newest first."""
    query = (
        select(WebhookDelivery)
        .join(WebhookMessage, col(WebhookMessage.id) == col(WebhookDelivery.message_id))
        .where(WebhookDelivery.endpoint_id == endpoint_id)
        .order_by(col(WebhookDelivery.id).desc())
    )
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    if type:
        query = query.where(WebhookMessage.type == type)
    if since is not None:
        query = query.where(col(WebhookMessage.created_at) >= since)
    return query


def attempts(session: Session, delivery_id: int) -> list[WebhookAttempt]:
    """Return the attempts of a delivery, the first one first."""
    query = select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id)
    return list(session.exec(query.order_by(col(WebhookAttempt.number))))


def messages_of(
    session: Session, deliveries: Sequence[WebhookDelivery]
) -> dict[int, WebhookMessage]:
    """Return the messages of some deliveries, by their ids."""
    ids = [one.message_id for one in deliveries]
    found = session.exec(select(WebhookMessage).where(col(WebhookMessage.id).in_(ids)))
    return {one.id or 0: one for one in found}


def _due(at: datetime) -> SelectOfScalar[WebhookDelivery]:
    return select(WebhookDelivery).where(
        WebhookDelivery.state == DeliveryState.WAITING,
        WebhookDelivery.next_at <= at,
        or_(col(WebhookDelivery.held_until).is_(None), col(WebhookDelivery.held_until) < at),
    )


def _outcome(answer: WebhookAnswer) -> Outcome:
    if not 100 <= answer.status <= 599:
        return Outcome(trouble="not_http")
    return Outcome(status=answer.status, excerpt=answer.excerpt)


def _begin(session: Session, delivery: WebhookDelivery, at: datetime) -> None:
    delivery.state, delivery.ended_at = DeliveryState.WAITING, None
    delivery.tries, delivery.next_at = 0, at
    webhooks.defer(session, delivery.key)


def _end(delivery: WebhookDelivery, state: DeliveryState, at: datetime) -> None:
    delivery.state, delivery.ended_at, delivery.held_until = state, at, None


def _wait(tries: int) -> timedelta:
    """Return how long to wait: up to a fifth more than planned, so that not all come at once."""
    jitter = secrets.randbelow(1000) / 1000 * JITTER
    return AFTER[tries - 1] * (1 + jitter)


def _note_failing(
    session: Session, endpoint: WebhookEndpoint, outcome: Outcome, at: datetime
) -> None:
    endpoint.failing_since = endpoint.failing_since or at
    if outcome.status == GONE:
        webhooks.pause_by_itself(session, endpoint, WebhookPause.GONE, at=at)
    elif at - endpoint.failing_since >= PAUSE_AFTER:
        webhooks.pause_by_itself(session, endpoint, WebhookPause.FAILING, at=at)


def _record(session: Session, endpoint: WebhookEndpoint, by: int | None, **details: int) -> None:
    audit.record(
        session, "webhook.replayed", by=by, subject=f"webhook:{endpoint.id}", details=details
    )
