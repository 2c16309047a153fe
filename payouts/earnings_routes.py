"""Experts' pages of money: where it is, how they are paid, their account, their statements."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import once
from core.access import recently_signed_in, require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.money import Money
from core.ports import PayoutRefused, RailDown, ports
from core.web import Problems, page_of, read
from experts import profile
from payouts import (
    bank_words,
    charges,
    csv_lines,
    holds,
    ledger,
    overview,
    payees,
    payout_stops,
    policy,
    requests,
    requirements,
    sending,
    sources,
    standstills,
    statements,
    tax_holds,
    week_chart,
    words,
)
from payouts.blueprint import bp
from payouts.forms import AccountForm, PayForm, RhythmForm
from payouts.models import PayeeState, Payout, PayoutState, Rhythm


@bp.get("/earnings")
@requires("earnings.see")
def earnings_page() -> ResponseReturnValue:
    """Show where one's money is, how it is paid, and every amount."""
    session, me, at = db_session(), current_user.id, now()
    codes = overview.currencies(session, me)
    code = request.args.get("currency", "")
    code = code if code in codes else codes[0]
    chosen = _filters()
    worked_in = overview.projects(session, me)
    title = next((one.title for one in worked_in if one.project_id == chosen["project_id"]), "")
    months = request.args.get("period") == "year"
    drawn = overview.weeks(
        session, me, code, at=at, project_id=chosen["project_id"] if title else None, months=months
    )
    return render_template(
        "payouts/earnings_page.html",
        currencies=codes,
        standing=overview.standing(session, me, code, at=at),
        figure=week_chart.figure(drawn, of_project=title, months=months),
        period="year" if months else "",
        by_project=overview.by_project(session, me, code),
        standstills=standstills.of(session, me, code),
        is_stopped=payout_stops.of(session, code) is not None,
        tax_asked=tax_holds.open_request(session, me),
        found=page_of(overview.amounts(me, currency=code, **chosen), per=20, scalars=False),
        chosen=chosen,
        projects=worked_in,
        money_of=lambda row: Money(row.minor, row.currency),
        words=words,
        **_how_paid(code),
    )


@bp.get("/earnings.csv")
@requires("earnings.see")
def earnings_csv() -> ResponseReturnValue:
    """Give every amount, for a spreadsheet."""
    rows = db_session().execute(overview.amounts(current_user.id, **_filters())).all()
    headers = {"Content-Disposition": 'attachment; filename="earnings.csv"'}
    return Response(_csv(rows), mimetype="text/csv", headers=headers)


@bp.get("/earnings/statements/<int:payout_id>")
@requires("earnings.see")
def statement(payout_id: int) -> ResponseReturnValue:
    """Show what one payout was made of, as a sheet to keep or print."""
    payout = find(Payout, payout_id)
    require("earnings.see", payout)
    if not statements.has_one(payout):
        raise NotFound
    session = db_session()
    return render_template(
        "payouts/statement.html",
        it=statements.of(session, payout),
        words=words,
        expert=profile.of(session, payout.expert_id),
        payee=payees.known(session, payout.expert_id),
    )


@bp.post("/earnings/payouts")
@requires("payout.request")
@recently_signed_in
def request_payout() -> ResponseReturnValue:
    """Make the payout that the button named, once."""
    form = read(PayForm)
    if isinstance(form, Problems):
        flash(_("Nothing was sent. Load the page again, then press the button."), "error")
        return redirect(url_for(".earnings_page"))
    payout = requests.on_demand(
        db_session(), current_user.id, form.money, key=form.key.data, at=now()
    )
    if payout.amount == form.money:
        flash(_("Your payout is on its way. You get a letter when it has left."), "success")
    else:
        flash(_("Another payout of yours is on its way already. Wait until it has left."), "info")
    return redirect(url_for(".earnings_page", currency=payout.currency))


@bp.get("/earnings/rhythm")
@requires("payout.request")
def rhythm() -> ResponseReturnValue:
    """Show how often one is paid."""
    payee = payees.known(db_session(), current_user.id)
    return _rhythm_page(RhythmForm(data={"rhythm": payee.rhythm.value, "payday": payee.payday}))


@bp.post("/earnings/rhythm")
@requires("payout.request")
@recently_signed_in
def choose_rhythm() -> ResponseReturnValue:
    """Change how often one is paid."""
    form = read(RhythmForm)
    if isinstance(form, Problems):
        return _rhythm_page(form.form), 422
    session, me, at = db_session(), current_user.id, now()
    payees.choose_rhythm(session, me, Rhythm(form.rhythm.data), at=at, payday=form.payday.data)
    flash(_("Saved."), "success")
    return redirect(url_for(".earnings_page"))


@bp.get("/earnings/account")
@requires("payout.request")
def account() -> ResponseReturnValue:
    """Show how far one's account is, and the way to Stripe's page for details."""
    country = profile.of(db_session(), current_user.id).country
    return _account_page(AccountForm(data={"country": country}))


@bp.post("/earnings/account")
@requires("payout.request")
@recently_signed_in
def open_account() -> ResponseReturnValue:
    """Open one's account at Stripe, once, and lead to its page for details."""
    form = read(AccountForm)
    if isinstance(form, Problems):
        return _account_page(form.form), 422
    return _to_onboarding(form.country.data)


@bp.get("/earnings/account/refresh")
@requires("payout.request")
@recently_signed_in
def refresh_account() -> ResponseReturnValue:
    """Lead to a fresh page for details; Stripe sends people here when theirs is too old."""
    payee = payees.known(db_session(), current_user.id)
    if payee.stripe_account_id is None:
        return redirect(url_for(".account"))
    return _to_onboarding(payee.country or "")


@bp.get("/earnings/account/return")
@requires("payout.request")
def return_from_account() -> ResponseReturnValue:
    """Read the account again; that somebody comes back says nothing about what they did."""
    me = current_user.id
    db_session().close()  # nothing stays open while the rail is asked
    try:
        payee = payees.reread(me, ports().payout_rail)
    except (RailDown, PayoutRefused):
        flash(_("Stripe cannot be reached at the moment. We look again by ourselves."), "info")
        return redirect(url_for(".account"))
    sending.resume(db_session(), payee)
    if payee.state is PayeeState.ACTIVE:
        flash(_("Your account can receive money."), "success")
        return redirect(url_for(".earnings_page"))
    if payee.state is PayeeState.STARTED:
        flash(
            _("You came back before Stripe had everything. Nothing is lost; go on below."), "info"
        )
    return redirect(url_for(".account"))


def _how_paid(code: str) -> dict[str, Any]:
    """What the side panel shows: the account, the rhythm, and what can be asked for now."""
    session, me = db_session(), current_user.id
    owed = ledger.balance(session, ledger.owed(me, code))
    current = overview.open_payout(session, me, code)
    payable = policy.payable(owed)
    keyed = {"minor": payable.minor, "currency": code, "key": once.new_key()}
    return {
        "payee": (payee := payees.known(session, me)),
        "current": current,
        "settles_at": charges.settles_next(session, code),
        "rest_of": sources.before(session, current) if current else None,
        "held": holds.of(session, me),
        "refused": (refused := overview.refused_by_bank(session, me, code)),
        "bank_says": bank_words.why(refused.reason) if refused else "",
        "payable": payable,
        "pay_form": PayForm(formdata=None, data=keyed),
        "least": policy.least_payout(code),
        "next_payday": payees.next_payday(session, payee, at=now()),
        "PayoutState": PayoutState,
    }


def _rhythm_page(form: RhythmForm) -> str:
    session, at = db_session(), now()
    payee = payees.known(session, current_user.id)
    return render_template(
        "payouts/rhythm.html",
        form=form,
        payee=payee,
        next_payday=payees.next_payday(session, payee, at=at),
        words=words,
    )


def _account_page(form: AccountForm) -> str:
    payee = payees.known(db_session(), current_user.id)
    return render_template(
        "payouts/account.html",
        form=form,
        payee=payee,
        asks=[_as_check(one) for one in requirements.asks(payee.missing, payee.overdue)],
        later=[_as_check(one) for one in requirements.asks(payee.due_later)],
        stopped=requirements.stopped(payee.stopped_for),
    )


def _as_check(one: requirements.Ask) -> dict[str, Any]:
    words = str(one.what).capitalize()
    note = f"{one.how} ({one.code})" if one.code else one.how
    if one.is_overdue:
        overdue = _("Overdue.")
        return {"words": words, "note": f"{overdue} {note}", "tone": "wait"}
    return {"words": words, "note": note}


def _to_onboarding(country: str) -> ResponseReturnValue:
    me = current_user.id
    db_session().close()  # nothing stays open while the rail is asked
    try:
        url = payees.onboarding_url(
            me,
            ports().payout_rail,
            country=country,
            refresh_url=url_for(".refresh_account", _external=True),
            return_url=url_for(".return_from_account", _external=True),
        )
    except PayoutRefused:
        flash(_("Stripe does not open accounts there yet. Nothing was changed."), "error")
        return redirect(url_for(".account"))
    except RailDown:
        flash(_("Stripe cannot be reached at the moment. Try again in a few minutes."), "error")
        return redirect(url_for(".account"))
    return redirect(url)


def _filters() -> dict[str, Any]:
    """Read the filters; what cannot be read is as if it were not there."""
    state = request.args.get("state", "")
    since: date | None = None
    with suppress(ValueError):
        since = date.fromisoformat(request.args.get("since", ""))
    return {
        "state": state if state in words.NEXT else None,
        "project_id": _project_wish(),
        "since": since,
    }


def _project_wish() -> int | None:
    wish = request.args.get("project", type=int)
    return wish if wish is not None and 0 < wish < 2**31 else None


def _csv(rows: Any) -> Iterator[str]:
    heads = ("time", "what", "number", "project", "state", "amount", "currency")
    yield csv_lines.line(*heads)
    for row in rows:
        amount = str(Money(row.minor, row.currency).decimal)
        cells = (row.at.isoformat(), row.what, str(row.row_id), row.title or "", row.state)
        yield csv_lines.line(*cells, amount, row.currency)
