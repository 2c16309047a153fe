"""The page of automatic top-ups: agree, save a card, see what is charged, turn it off."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import col, select

from accounts.models import Organisation
from core import once
from core.access import recently_signed_in, require, requires
from core.clock import now
from core.db import db_session, find, transaction
from core.ports import PayoutRefused, RailDown, ports
from core.web import Problems, read
from payouts import auto_topups, budgets, forecast, topup_words
from payouts.blueprint import bp
from payouts.models import Deposit, DepositOrigin, ProjectBudget
from payouts.topup_forms import TopUpForm
from payouts.topup_models import AutoTopUp, TopUpState

SHOWN = 12


@bp.get("/projects/<int:project_id>/budget/top-up")
@requires("budget.see")
def top_up(project_id: int) -> ResponseReturnValue:
    """Show whether a budget is topped up by itself. Stripe leads back here from saving a card."""
    row = _budget(project_id)
    latest = auto_topups.latest(db_session(), project_id)
    is_away = False
    if latest is not None and latest.state is TopUpState.SETTING_UP:
        db_session().close()  # nothing stays open while the rail is asked
        try:
            auto_topups.reread(latest.id or 0, ports().payout_rail)
        except (RailDown, PayoutRefused):
            is_away = True
    form = TopUpForm(row.currency, data={"key": once.new_key()})
    return _page(project_id, form, is_away=is_away)


@bp.post("/projects/<int:project_id>/budget/top-up")
@requires("budget.fund")
@recently_signed_in
def agree_top_up(project_id: int) -> ResponseReturnValue:
    """Store the agreement and lead to the page where a card is saved; twice leads there twice."""
    row = _budget(project_id, "budget.fund")
    form = read(TopUpForm, currency=row.currency)
    if isinstance(form, Problems):
        return _page(project_id, form.form), 422
    name = find(Organisation, row.organisation_id).name
    me = current_user._get_current_object()
    db_session().close()  # nothing stays open while the rail is asked
    with transaction() as session:
        found = auto_topups.agree(
            session,
            budgets.of(session, project_id),
            auto_topups.Terms(**form.money, days=form.days.data),
            key=form.key.data,
            by=me,
            at=now(),
        )
    return _to_saving(found, name, me.email)


@bp.post("/projects/<int:project_id>/budget/top-up/off")
@requires("budget.fund")
def end_top_up(project_id: int) -> ResponseReturnValue:
    """Turn it off: no recent sign-in is asked of who wants to be charged no more."""
    _budget(project_id, "budget.fund")
    auto_topups.turn_off(db_session(), project_id, by=current_user, at=now())
    flash(_("It is off: no card is charged from now on, and the card is deleted."), "success")
    return redirect(url_for(".top_up", project_id=project_id))


def _to_saving(row: AutoTopUp, name: str, email: str) -> ResponseReturnValue:
    page = url_for(".top_up", project_id=row.project_id)
    if row.state is not TopUpState.SETTING_UP:
        return redirect(page)
    back_to = url_for(".top_up", project_id=row.project_id, _external=True)
    try:
        url = auto_topups.begin(
            row.id or 0, ports().payout_rail, name=name, email=email, back_to=back_to
        )
    except (RailDown, PayoutRefused):
        flash(_("Stripe cannot be reached at the moment. Nothing was charged."), "error")
        return redirect(page)
    return redirect(url)


def _page(project_id: int, form: TopUpForm, *, is_away: bool = False) -> str:
    session, row = db_session(), _budget(project_id)
    shown: dict[str, Any] = {
        "budget": row,
        "summary": budgets.summary(session, project_id),
        "latest": auto_topups.latest(session, project_id),
        "current": auto_topups.is_on(session, project_id),
        "charged": auto_topups.charged_in_month(session, project_id, now()),
        "charges": _charges(project_id),
        "ends": topup_words.ENDS,
        "days_left": forecast.of(session, row, at=now()).days_left(now()),
    }
    return render_template("payouts/top_up.html", form=form, is_away=is_away, **shown)


def _charges(project_id: int) -> list[Deposit]:
    question = select(Deposit).where(
        Deposit.project_id == project_id, Deposit.origin == DepositOrigin.TOP_UP
    )
    return list(db_session().exec(question.order_by(col(Deposit.id).desc()).limit(SHOWN)))


def _budget(project_id: int, permission: str = "budget.see") -> ProjectBudget:
    row = find(ProjectBudget, project_id)
    require(permission, row)
    return row
