"""Pages of webhooks: those of one's organisations, one with its log, one delivery."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from accounts import (
    organisations,
    webhook_deliveries,
    webhook_events,
    webhook_signing,
    webhooks,
)
from accounts.models import (
    DeliveryState,
    Organisation,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookState,
)
from accounts.webhook_forms import AgainForm, NewWebhookForm, WebhookForm
from accounts.webhooks import By
from core import once
from core.access import recently_signed_in, require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.ports import ports
from core.web import Problems, page_of, read

bp = Blueprint("webhooks", __name__)
SHOWN_AGAIN = timedelta(minutes=10)  # to a second click on the same form


@bp.get("/webhooks")
@requires("webhook.manage")
def mine() -> ResponseReturnValue:
    """Show the webhooks of one's organisations, and the form for a new one."""
    return _list_page(_new_form())


@bp.post("/webhooks")
@requires("webhook.manage")
@recently_signed_in
def make() -> ResponseReturnValue:
    """Make a webhook and show its secret, this once."""
    form = _new_form()
    if not form.validate_on_submit() or not _address_is_good(form):
        return _list_page(form), 422
    # Locked, so that nobody is taken out of it between the question and the webhook.
    organisation = find(Organisation, form.organisation.data, lock=True)
    require("organisation.manage", organisation)
    key, me = form.once.data or "", current_user.id
    if not once.first_use(db_session(), key, user_id=me, at=now()):
        return _made_before(once.led_to(db_session(), key, user_id=me) or "")
    endpoint, secret = webhooks.make(db_session(), organisation, form.wanted(), by=By(me), at=now())
    once.remember(db_session(), key, f"webhook:{endpoint.id}", user_id=me)
    return _secret_page(endpoint, secret)


@bp.get("/webhooks/<int:webhook_id>")
@requires("webhook.manage")
def one(webhook_id: int) -> ResponseReturnValue:
    """Show a webhook, and what was sent to it."""
    found = _own(webhook_id)
    return _one_page(found)


@bp.post("/webhooks/<int:webhook_id>")
@requires("webhook.manage")
@recently_signed_in
def change(webhook_id: int) -> ResponseReturnValue:
    """Send to another address, or tell of other events."""
    found = _own(webhook_id)
    form = _change_form(found)
    if not form.validate_on_submit() or not _address_is_good(form):
        return _one_page(found, form), 422
    found = _own(webhook_id, lock=True)
    webhooks.change(
        db_session(), found, _organisation(found), form.wanted(), by=By(current_user.id)
    )
    flash(_("Saved."), "success")
    return redirect(url_for(".one", webhook_id=webhook_id))


@bp.post("/webhooks/<int:webhook_id>/<any(pause, resume):act>")
@requires("webhook.manage")
@recently_signed_in
def turn(webhook_id: int, act: str) -> ResponseReturnValue:
    """Send nothing for now, or go on."""
    found = _own(webhook_id, lock=True)
    by = By(current_user.id)
    if act == "pause":
        webhooks.pause(db_session(), found, by=by, at=now())
        flash(_("Paused. What happens meanwhile is kept for 30 days and sent when you go on."))
    else:
        count = webhooks.resume(db_session(), found, by=by, at=now())
        words = ngettext("One message waited.", "%(num)s messages waited.", count) if count else ""
        flash(f"{_('It goes on.')} {words}".strip(), "success")
    return redirect(url_for(".one", webhook_id=webhook_id))


@bp.post("/webhooks/<int:webhook_id>/test")
@requires("webhook.manage")
def send_test(webhook_id: int) -> ResponseReturnValue:
    """Send a test."""
    made = webhooks.test(db_session(), _own(webhook_id, lock=True), by=By(current_user.id))
    flash(_("A test is on its way. Open this page again to see what came of it."))
    return redirect(url_for(".delivery", webhook_id=webhook_id, delivery_id=made.id))


@bp.post("/webhooks/<int:webhook_id>/secret")
@requires("webhook.manage")
@recently_signed_in
def rotate(webhook_id: int) -> ResponseReturnValue:
    """Change the secret and show the new one, this once."""
    found = _own(webhook_id, lock=True)
    secret = webhooks.rotate(db_session(), found, by=By(current_user.id), at=now())
    return _secret_page(found, secret)


@bp.post("/webhooks/<int:webhook_id>/end")
@requires("webhook.manage")
@recently_signed_in
def end(webhook_id: int) -> ResponseReturnValue:
    """Never send anything there again."""
    webhooks.end(db_session(), _own(webhook_id, lock=True), by=By(current_user.id), at=now())
    flash(_("The webhook has ended. Nothing is sent there any more."), "success")
    return redirect(url_for(".mine"))


@bp.post("/webhooks/<int:webhook_id>/again")
@requires("webhook.manage")
def again_since(webhook_id: int) -> ResponseReturnValue:
    """Send again what was told since a day."""
    found = _own(webhook_id, lock=True)
    form = read(AgainForm)
    if isinstance(form, Problems):
        return _one_page(found, again=form.form), 422
    count = webhook_deliveries.again_since(
        db_session(),
        found,
        form.from_when,
        state=form.state,
        by=current_user.id,
        at=now(),
    )
    words = ngettext("One message is sent again.", "%(num)s messages are sent again.", count)
    flash(words if count else _("There is none like that since then."), "success")
    return redirect(url_for(".one", webhook_id=webhook_id))


@bp.get("/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>")
@requires("webhook.manage")
def delivery(webhook_id: int, delivery_id: int) -> ResponseReturnValue:
    """Show a message with each attempt to deliver it."""
    found = _delivery(webhook_id, delivery_id)
    return render_template(
        "accounts/webhook_delivery.html",
        endpoint=_own(webhook_id),
        delivery=found,
        message=find(WebhookMessage, found.message_id),
        attempts=webhook_deliveries.attempts(db_session(), found.key),
        words=webhook_events.WORDS,
        troubles=webhook_deliveries.TROUBLES,
        now=now(),
    )


@bp.post("/webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/again")
@requires("webhook.manage")
def again(webhook_id: int, delivery_id: int) -> ResponseReturnValue:
    """Send one message once more."""
    found = _delivery(webhook_id, delivery_id, lock=True)
    webhook_deliveries.again(db_session(), found, by=current_user.id, at=now())
    flash(_("It is sent again, with the same webhook-id."), "success")
    return redirect(url_for(".delivery", webhook_id=webhook_id, delivery_id=delivery_id))


def _own(webhook_id: int, *, lock: bool = False) -> WebhookEndpoint:
    found = find(WebhookEndpoint, webhook_id, lock=lock)
    require("webhook.manage", found)
    return found


def _organisation(endpoint: WebhookEndpoint) -> Organisation:
    return find(Organisation, endpoint.organisation_id)


def _delivery(webhook_id: int, delivery_id: int, *, lock: bool = False) -> WebhookDelivery:
    endpoint = _own(webhook_id)
    found = find(WebhookDelivery, delivery_id, lock=lock)
    if found.endpoint_id != endpoint.id:
        raise NotFound
    return found


def _new_form() -> NewWebhookForm:
    form = NewWebhookForm()
    mine = organisations.administered(db_session(), current_user.id)
    form.organisation.choices = [SelectChoice(one.id, one.name) for one in mine]
    offered = {name for one in mine for name in webhook_events.offered(one.kind)}
    form.events.choices = _choices(offered)
    return form


def _change_form(endpoint: WebhookEndpoint) -> WebhookForm:
    form = WebhookForm(obj=endpoint)
    form.events.choices = _choices(set(webhook_events.offered(_organisation(endpoint).kind)))
    return form


def _choices(names: set[str]) -> list[SelectChoice]:
    return [
        SelectChoice(name, event.words)
        for name, event in webhook_events.EVENTS.items()
        if name in names
    ]


def _address_is_good(form: WebhookForm) -> bool:
    """Ask where the address leads; what is wrong with it stands at its field."""
    db_session().close()  # nothing stays open while a name server is asked
    try:
        webhooks.require_address(ports().webhooks, form.wanted().url)
    except webhooks.AddressRefused as refusal:
        form.url.errors = [refusal.words]
        return False
    return True


def _made_before(led_to: str) -> ResponseReturnValue:
    """Lead a second click to where the first one went; just now, that showed the secret."""
    endpoint = _own(int(led_to.removeprefix("webhook:") or 0))
    if now() - endpoint.created_at > SHOWN_AGAIN or endpoint.previous_secret:
        return redirect(url_for(".one", webhook_id=endpoint.id))
    return _secret_page(endpoint, webhook_signing.opened(endpoint.secret))


def _secret_page(endpoint: WebhookEndpoint, secret: str) -> str:
    return render_template("accounts/webhook_secret.html", endpoint=endpoint, secret=secret)


def _list_page(form: NewWebhookForm) -> str:
    session = db_session()
    found = [
        (one, webhooks.of(session, one.id or 0))
        for one in organisations.administered(db_session(), current_user.id)
    ]
    ids = [endpoint.id or 0 for _organisation, endpoints in found for endpoint in endpoints]
    return render_template(
        "accounts/webhook_list.html",
        form=form,
        found=found,
        waiting=webhooks.count_waiting(session, ids),
        any=bool(ids),
    )


def _one_page(
    endpoint: WebhookEndpoint, form: WebhookForm | None = None, again: AgainForm | None = None
) -> str:
    session = db_session()
    state, kind = request.args.get("state", ""), request.args.get("type", "")
    since = request.args.get("since", type=_day)
    known = DeliveryState(state) if state in set(DeliveryState) else None
    listing = page_of(webhook_deliveries.log(endpoint.id or 0, state=known, type=kind, since=since))
    return render_template(
        "accounts/webhook.html",
        endpoint=endpoint,
        organisation=_organisation(endpoint),
        form=form or _as_it_is(endpoint),
        again=again or AgainForm(formdata=None),
        listing=listing,
        messages=webhook_deliveries.messages_of(session, listing.rows),
        waiting=webhooks.count_waiting(session, [endpoint.id or 0]).get(endpoint.id or 0, 0),
        words=webhook_events.WORDS,
        chosen={"state": state, "type": kind, "since": request.args.get("since", "")},
        ended=endpoint.state is WebhookState.ENDED,
        now=now(),
    )


def _as_it_is(endpoint: WebhookEndpoint) -> WebhookForm:
    form = WebhookForm(formdata=None, obj=endpoint)
    form.events.choices = _choices(set(webhook_events.offered(_organisation(endpoint).kind)))
    return form


def _day(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=UTC)
