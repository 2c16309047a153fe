"""The operator's pages of what Stripe told: each message, what came of it, and looking again."""

from datetime import UTC, datetime, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from core import audit
from core.access import requires
from core.clock import now
from core.db import db_session, find, transaction
from core.ports import PayoutRefused, RailDown, ports
from core.web import page_of
from payouts import news
from payouts.blueprint import bp
from payouts.models import RailEvent, RailEventState

LATELY = timedelta(days=30)


@bp.get("/operator/money/messages")
@requires("money.see")
def messages() -> ResponseReturnValue:
    """List the messages of the rail, filtered, newest first."""
    chosen = {name: request.args.get(name, "").strip()[:100] for name in FILTERS}
    state = chosen["state"]
    query = news.log(
        kind=chosen["kind"],
        state=RailEventState(state) if state in list(RailEventState) else None,
        account_id=chosen["account"],
        since=_day(chosen["since"]),
    )
    return render_template(
        "payouts/message_list.html",
        listing=page_of(query),
        chosen=chosen,
        states=list(RailEventState),
        given_up=_given_up(),
    )


@bp.get("/operator/money/messages/<event_id>")
@requires("money.see")
def message(event_id: str) -> ResponseReturnValue:
    """Show one message, and what came of it."""
    found = find(RailEvent, event_id)
    return render_template(
        "payouts/message.html",
        event=found,
        most=news.MOST_TRIES,
        next_look=news.next_look(found) if found.state is RailEventState.WAITING else None,
    )


@bp.post("/operator/money/messages/<event_id>/again")
@requires("money.see")
def replay(event_id: str) -> ResponseReturnValue:
    """Look once more into what a message is about."""
    if news.replay(db_session(), find(RailEvent, event_id, lock=True), by=current_user.id):
        flash(_("It is looked into again. Nothing is ever booked twice."), "success")
    else:
        flash(_("Messages of this kind are kept and not acted upon."), "info")
    return redirect(url_for(".message", event_id=event_id))


@bp.post("/operator/money/messages/again")
@requires("money.see")
def replay_failed() -> ResponseReturnValue:
    """Look once more into all that was given up lately."""
    count = news.replay_failed(db_session(), now() - LATELY, by=current_user.id)
    words = ngettext(
        "One message is looked into again.", "%(num)s messages are looked into again.", count
    )
    flash(words if count else _("No message was given up."), "success" if count else "info")
    return redirect(url_for(".messages"))


@bp.post("/operator/money/messages/collect")
@requires("money.see")
def collect() -> ResponseReturnValue:
    """Fetch what Stripe could not bring to us."""
    me = current_user.id
    db_session().close()  # nothing stays open while the rail is asked
    try:
        new = news.collect(ports().payout_rail)
    except (RailDown, PayoutRefused):
        flash(_("Stripe cannot be reached at the moment. Nothing was fetched."), "error")
        return redirect(url_for(".messages"))
    with transaction() as session:
        audit.record(
            session,
            "rail_event.collected",
            by=me,
            subject="rail_event:all",
            details={"count": new},
        )
    words = ngettext("One new message was fetched.", "%(num)s new messages were fetched.", new)
    flash(words if new else _("Stripe has nothing that we do not know."), "success")
    return redirect(url_for(".messages"))


FILTERS = ("kind", "state", "account", "since")


def _given_up() -> int:
    return page_of(news.log(state=RailEventState.FAILED, since=now() - LATELY), per=1).total


def _day(words: str) -> datetime | None:
    try:
        return datetime.fromisoformat(words).replace(tzinfo=UTC) if words else None
    except ValueError:
        return None
