"""The operator's pages of what the rail has told: each message, what became of it, once more."""

from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlmodel import col, select
from wtforms import DateField
from wtforms.validators import InputRequired

from core import audit
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, find, transaction
from core.ports import PayoutRefused, RailDown, ports
from core.web import Problems, page_of, read
from payouts import news, words
from payouts.blueprint import bp
from payouts.models import RailEvent, RailEventState
from payouts.news_models import RailEventTry


class SinceForm(FlaskForm):  # type: ignore[misc]
    """From which day on failed messages are looked into again."""

    since = DateField(_l("Failed since"), [InputRequired(_l("Choose a day."))])


@bp.get("/operator/money/events")
@requires("money.see")
def events_list() -> ResponseReturnValue:
    """Show the messages of the rail, newest first."""
    return _list_page(SinceForm(formdata=None))


@bp.get("/operator/money/events/<event_id>")
@requires("money.see")
def event_page(event_id: str) -> ResponseReturnValue:
    """Show one message, what became of it and each try."""
    found = find(RailEvent, event_id)
    tries = select(RailEventTry).where(RailEventTry.event_id == event_id)
    listing = page_of(tries.order_by(col(RailEventTry.id).desc()))
    return render_template("payouts/event_page.html", event=found, listing=listing, words=words)


@bp.post("/operator/money/events/<event_id>/replay")
@requires("money.see")
@recently_signed_in
def replay_event(event_id: str) -> ResponseReturnValue:
    """Look into a message again; twice does no harm."""
    session = db_session()
    if news.replay(session, event_id):
        by, subject = current_user.id, f"rail_event:{event_id}"
        audit.record(session, "rail_event.replayed", by=by, subject=subject)
    flash(_("It is looked into again now. Load the page again to see what came of it."))
    return redirect(url_for(".event_page", event_id=event_id))


@bp.post("/operator/money/events/replay-failed")
@requires("money.see")
@recently_signed_in
def replay_failed_events() -> ResponseReturnValue:
    """Look again into all that failed since a day."""
    form = read(SinceForm)
    if isinstance(form, Problems):
        return _list_page(form.form), 422
    session, day = db_session(), form.since.data
    count = news.replay_failed(session, datetime(day.year, day.month, day.day, tzinfo=UTC))
    if count:
        audit.record(
            session,
            "rail_event.replayed_since",
            by=current_user.id,
            subject="rail_event:failed",
            details={"since": day.isoformat(), "count": count},
        )
    said = ngettext("One message is looked into again.", "%(num)s are looked into again.", count)
    flash(said if count else _("No message has failed since then."))
    return redirect(url_for(".events_list"))


@bp.post("/operator/money/events/fetch")
@requires("money.see")
@recently_signed_in
def fetch_events() -> ResponseReturnValue:
    """Fetch what the rail could not deliver, now."""
    by = current_user.id
    db_session().close()  # nothing stays open while the rail is asked
    try:
        count = news.collect(ports().payout_rail)
    except (RailDown, PayoutRefused):
        flash(_("Stripe cannot be reached at the moment. Nothing was fetched."), "error")
        return redirect(url_for(".events_list"))
    with transaction() as session:
        subject, details = "rail_event:undelivered", {"count": count}
        audit.record(session, "rail_event.fetched", by=by, subject=subject, details=details)
    said = ngettext("One message was new.", "%(num)s messages were new.", count)
    flash(said if count else _("Stripe has nothing that we do not have."))
    return redirect(url_for(".events_list"))


def _list_page(form: SinceForm) -> str:
    given = {name: request.args.get(name, "").strip()[:100] for name in FILTERS}
    question: Any = select(RailEvent)
    if given["state"] in set(RailEventState):
        question = question.where(RailEvent.state == given["state"])
    if given["kind"]:
        question = question.where(col(RailEvent.kind).startswith(given["kind"], autoescape=True))
    if given["account"]:
        question = question.where(RailEvent.stripe_account_id == given["account"])
    before = _day(given["before"])
    if before is not None:
        question = question.where(col(RailEvent.received_at) < before)
    order = (col(RailEvent.received_at).desc(), col(RailEvent.id))
    return render_template(
        "payouts/events_list.html",
        listing=page_of(question.order_by(*order)),
        given=given,
        form=form,
        words=words,
        today=now(),
    )


FILTERS = ("state", "kind", "account", "before")


def _day(typed: str) -> datetime | None:
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=UTC) if typed else None
    except ValueError:
        return None
