"""Tokens, webhooks and the page of the API in a real Chromium, in both languages."""

from typing import Any

import pytest

from accounts import webhook_deliveries, webhooks
from accounts.models import User, WebhookPause
from core.clock import now
from tests.browser import Window
from tests.conftest import Live
from tests.factories.accounts import make_owner
from tests.factories.tokens import make_token
from tests.factories.webhooks import make_delivery, make_endpoint

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_admin_sees_tokens_webhooks_and_the_api(
    live: Live, browser_page: Window, language: str
) -> None:
    with live.transaction() as session:
        user, organisation = make_owner(session, locale=language, name="Ada Nguyen")
        organisation.name = "Northlight Registry"
        make_token(session, user, organisation, name="training pipeline")
        token, _ = make_token(session, user, name="my own script", scopes=["account:read"])
        token.revoked_at = now()
        endpoint = make_endpoint(session, organisation, name="training pipeline")
        other = make_endpoint(session, organisation)
        webhooks.pause_by_itself(session, other, WebhookPause.FAILING, at=now())
        delivery = _tried(session, endpoint)
        for _ in range(3):
            make_delivery(session, endpoint)
        ids = endpoint.id, other.id, organisation.id, delivery
        session.expunge_all()
    window = _signed_in(browser_page, live, user)

    endpoint_id, other_id, organisation_id, delivery_id = ids
    for name, (path, words) in {
        "tokens": ("/tokens", "my own script"),
        "organisation": (f"/organisations/{organisation_id}", "Northlight Registry"),
        "webhooks": ("/webhooks", "training pipeline"),
        "webhook": (f"/webhooks/{endpoint_id}", "training pipeline"),
        "webhook-none": (f"/webhooks/{endpoint_id}?type=budget.low", "training pipeline"),
        "webhook-paused": (f"/webhooks/{other_id}", "Northlight Registry"),
        "delivery": (f"/webhooks/{endpoint_id}/deliveries/{delivery_id}", "the database is away"),
        "docs": ("/api/docs", "/api/v1"),
    }.items():
        page = window.open(path)
        window.look(f"api-{name}-{language}")
        assert words in page.locator("main").inner_text(), name


def test_a_token_is_made_in_the_browser_and_its_mistakes_are_told(
    live: Live, browser_page: Window
) -> None:
    with live.transaction() as session:
        user, _organisation = make_owner(session)
        session.expunge_all()
    window = _signed_in(browser_page, live, user)
    window.open("/tokens")
    window.choose("see webhooks and their deliveries")
    window.press("Make the token", role="button")
    assert window.page.title().startswith("Error:")
    window.look("api-token-errors")

    window.fill("What the token is for", "my script")
    window.page.get_by_label("see webhooks and their deliveries").uncheck()
    window.press("Make the token", role="button")

    assert window.page.get_by_text("dy_").first.is_visible()
    window.look("api-token-made")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_webhook_secret_is_shown_after_a_change(
    live: Live, browser_page: Window, language: str
) -> None:
    with live.transaction() as session:
        user, organisation = make_owner(session, locale=language)
        endpoint_id = make_endpoint(session, organisation).id
        session.expunge_all()
    window = _signed_in(browser_page, live, user)
    window.open(f"/webhooks/{endpoint_id}")
    window.page.locator("form[action$='/secret'] button").click()
    window.check()

    assert window.page.get_by_text("whsec_").first.is_visible()
    window.look(f"api-secret-{language}")


def _tried(session: Any, endpoint: Any) -> int:
    """Make a delivery with an attempt of each kind."""
    delivery = make_delivery(session, endpoint)
    outcomes = [
        webhook_deliveries.Outcome(status=500, excerpt='{"error": "the database is away"}'),
        None,
        webhook_deliveries.Outcome(trouble="private"),
        webhook_deliveries.Outcome(status=204, excerpt=""),
    ]
    for outcome in outcomes:
        delivery.next_at, delivery.held_until = now(), None
        session.flush()
        package = webhook_deliveries.claim(session, delivery.key, at=now())
        session.flush()
        if outcome is not None and package is not None:
            webhook_deliveries.record(session, package, outcome, at=now())
    return delivery.key


def _signed_in(window: Window, live: Live, user: User) -> Window:
    client = live.client(user)
    cookie = client.get_cookie("doyen")
    assert cookie is not None
    window.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": window.home}])
    return window
