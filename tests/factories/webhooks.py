"""Rows of webhooks, valid by default."""

from typing import Any

from sqlmodel import Session, select

from accounts import webhook_signing, webhooks
from accounts.models import Organisation, WebhookDelivery, WebhookEndpoint
from core.clock import now

SECRET = webhook_signing.new_secret()


def make_endpoint(session: Session, organisation: Organisation, **changes: Any) -> WebhookEndpoint:
    """Make an endpoint that is told of releases."""
    values: dict[str, Any] = {
        "organisation_id": organisation.id,
        "url": "https://hooks.example.org/doyen",
        "events": ["release.published"],
        "secret": webhook_signing.sealed(SECRET),
        "state_at": now(),
        "created_at": now(),
    }
    endpoint = WebhookEndpoint(**(values | changes))
    session.add(endpoint)
    session.flush()
    return endpoint


def make_delivery(session: Session, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Tell an endpoint of a release."""
    data = {"release_id": 7, "project_id": 12}
    webhooks.emit(session, endpoint.organisation_id, "release.published", data)
    made = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    return session.exec(made.order_by(WebhookDelivery.id.desc())).first()  # type: ignore[return-value,union-attr]
