"""The operator's pages of the books: ours against Stripe's, line by line, and stops of payouts."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import col, select

from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, find
from core.settings import current_settings
from core.web import Problems, page_of, read
from payouts import (
    books_chart,
    books_words,
    dashboard,
    payout_stops,
    policy,
    reconciliation,
    words,
)
from payouts.blueprint import bp
from payouts.books_forms import ExplainForm, ReleaseForm
from payouts.books_models import EntryState, KeptEntry, PayoutStop
from payouts.models import Reconciliation

CHARTED = 30


@bp.get("/operator/money/books")
@requires("money.see")
def books() -> ResponseReturnValue:
    """Show our books against Stripe's, today and over time."""
    return _books_page(None, None)


@bp.post("/operator/money/stops/<int:stop_id>/explain")
@requires("money.see")
@recently_signed_in
def explain_stop(stop_id: int) -> ResponseReturnValue:
    """Say what a difference is."""
    find(PayoutStop, stop_id)
    form = read(ExplainForm)
    if isinstance(form, Problems):
        return _books_page(stop_id, form.form), 422
    payout_stops.explain(db_session(), stop_id, form.words.data, by=current_user.id, at=now())
    flash(_("Explained. Payouts go out once another operator has read it and releases them."))
    return redirect(url_for(".books"))


@bp.post("/operator/money/stops/<int:stop_id>/release")
@requires("money.see")
@recently_signed_in
def release_stop(stop_id: int) -> ResponseReturnValue:
    """Let payouts go out again."""
    find(PayoutStop, stop_id)
    form = read(ReleaseForm)
    if isinstance(form, Problems):
        raise payout_stops.NotExplained
    payout_stops.release(db_session(), stop_id, read_at=form.at, by=current_user.id, at=now())
    flash(_("Released: payouts go out again. The difference stays listed as explained."))
    return redirect(url_for(".books"))


@bp.get("/operator/money/books/lines")
@requires("money.see")
def rail_lines() -> ResponseReturnValue:
    """Show every line of Stripe's books, with what knows it here."""
    chosen = {name: request.args.get(name, "") for name in ("state", "currency")}
    question = select(KeptEntry)
    if chosen["state"] in set(EntryState):
        question = question.where(KeptEntry.state == chosen["state"])
    if chosen["currency"] in policy.CURRENCIES:
        question = question.where(KeptEntry.currency == chosen["currency"])
    order = (col(KeptEntry.happened_at).desc(), col(KeptEntry.id))
    return render_template(
        "payouts/rail_lines.html",
        listing=page_of(question.order_by(*order)),
        chosen=chosen,
        words=books_words,
        currencies=policy.CURRENCIES,
    )


@bp.get("/operator/money/books/lines/<entry_id>")
@requires("money.see")
def rail_line(entry_id: str) -> ResponseReturnValue:
    """Show one line of Stripe's books."""
    found = find(KeptEntry, entry_id)
    return render_template(
        "payouts/rail_line.html",
        line=found,
        words=books_words,
        at_stripe=dashboard.address(current_settings(), found.source_id or found.id),
    )


def _books_page(failed_id: int | None, form: Any) -> str:
    session = db_session()
    newest = {row.currency: row for row in reconciliation.latest(session)}
    asked = request.args.get("currency", "")
    code = asked if asked in newest else next(iter(newest), "eur")
    history = (
        select(Reconciliation)
        .where(Reconciliation.currency == code)
        .order_by(col(Reconciliation.id).desc())
    )
    return render_template(
        "payouts/books.html",
        held=reconciliation.held(session),
        newest=newest,
        code=code,
        stops=payout_stops.standing(session),
        me=current_user.id,
        figure=books_chart.held_over_time(session.exec(history.limit(CHARTED)).all(), code),
        history=page_of(history),
        form=form or ExplainForm(formdata=None),
        failed_id=failed_id,
        words=books_words,
        minor=words.minor,
    )
