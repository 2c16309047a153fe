"""Owners' pages of refunds: how much can go back and why not more, asking, and how it stands."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from core import once
from core.access import recently_signed_in, require, requires
from core.clock import now
from core.db import db_session, find, transaction
from core.errors import NotFound
from core.ports import PayoutRefused, RailDown, ports
from core.web import Problems, read
from payouts import charges, refundable, refunds, words
from payouts.blueprint import bp
from payouts.models import ProjectBudget
from payouts.refund_forms import RefundForm
from payouts.refund_models import Refund

READ_FIRST = 20


@bp.get("/projects/<int:project_id>/budget/refund")
@requires("budget.refund")
def ask_refund(project_id: int) -> ResponseReturnValue:
    """Show what can go back, and the form to ask for it."""
    row = _budget(project_id, "budget.refund")
    can = refundable.of(db_session(), project_id, at=now())
    typed = {"key": once.new_key(), "amount": str(can.most.decimal) if can.most else ""}
    return _page(row, RefundForm(row.currency, data=typed), can)


@bp.post("/projects/<int:project_id>/budget/refund")
@requires("budget.refund")
@recently_signed_in
def make_refund(project_id: int) -> ResponseReturnValue:
    """Take an amount out of the budget and let it go back; the second click leads to the same."""
    row = _budget(project_id, "budget.refund")
    form = read(RefundForm, currency=row.currency)
    if isinstance(form, Problems):
        can = refundable.of(db_session(), project_id, at=now())
        return _page(row, form.form, can), 422
    me = current_user.id
    _read_first(project_id, row.currency)
    try:
        with transaction() as session:
            made = refunds.ask(session, project_id, form.money, key=form.key.data, by=me, at=now())
    except refunds.MoreThanUnspent as short:
        form.amount.errors = [str(short)]
        row = _budget(project_id, "budget.refund")
        return _page(row, form, refundable.of(db_session(), project_id, at=now())), 422
    return redirect(url_for(".refund", project_id=project_id, refund_id=made.id))


@bp.get("/projects/<int:project_id>/budget/refunds/<int:refund_id>")
@requires("budget.see")
def refund(project_id: int, refund_id: int) -> ResponseReturnValue:
    """Show how a refund stands, payment by payment."""
    row = _budget(project_id, "budget.see")
    found = find(Refund, refund_id)
    if found.project_id != project_id:
        raise NotFound
    parts = refunds.parts(db_session(), refund_id)
    return render_template(
        "payouts/refund.html",
        budget=row,
        refund=found,
        parts=parts,
        state=refunds.state_of(parts),
        words=words,
    )


def _page(row: ProjectBudget, form: RefundForm, can: refundable.Refundable) -> str:
    return render_template("payouts/ask_refund.html", budget=row, form=form, can=can)


def _read_first(project_id: int, currency: str) -> None:
    """Read payments again, so that what was disputed or refunded elsewhere is known; else later."""
    rows = charges.of_projects(db_session(), [project_id], currency)
    newest = [row.deposit_id for row in reversed(rows) if row.room][:READ_FIRST]
    db_session().close()  # nothing stays open while the rail is asked
    for deposit_id in newest:
        try:
            charges.reread(deposit_id, ports().payout_rail)
        except (RailDown, PayoutRefused):
            return  # the refund itself is asked later, and refused where it must be


def _budget(project_id: int, permission: str) -> ProjectBudget:
    row = find(ProjectBudget, project_id)
    require(permission, row)
    return row
