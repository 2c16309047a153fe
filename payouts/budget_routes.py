"""Owners' pages of money: budgets, paying in by hosted checkout, every amount that moved."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import Session, col, select

from accounts import organisations
from core import once
from core.access import recently_signed_in, require, requires
from core.clock import now
from core.db import db_session, find, transaction
from core.errors import NotFound
from core.ports import PayoutRefused, RailDown, ports
from core.web import Problems, page_of, read
from payouts import (
    budget_history,
    budgets,
    charges,
    deposits,
    disputes,
    forecast,
    ledger,
    move_filters,
    outlook,
    policy,
    refunds,
    words,
)
from payouts.blueprint import bp
from payouts.forms import FundForm
from payouts.models import Account, Deposit, DepositOrigin, DepositState, Move, ProjectBudget
from payouts.refund_models import Refund


@bp.get("/budget")
@requires("budget.see")
def budgets_list() -> ResponseReturnValue:
    """Show the budgets of all one's projects."""
    mine = col(ProjectBudget.organisation_id).in_(
        organisations.ids_of(db_session(), current_user.id)
    )
    page = page_of(select(ProjectBudget).where(mine).order_by(col(ProjectBudget.project_id).desc()))
    summaries = budgets.summaries(db_session(), list(page.rows))
    every = list(db_session().exec(select(ProjectBudget).where(mine)))
    sums = budgets.together(budgets.summaries(db_session(), every).values())
    return render_template("payouts/budgets_list.html", found=page, summaries=summaries, sums=sums)


@bp.get("/projects/<int:project_id>/budget")
@requires("budget.see")
def budget(project_id: int) -> ResponseReturnValue:
    """Show where a project's money is, and every amount that moved."""
    row = _budget(project_id)
    session = db_session()
    summary = budgets.summary(session, project_id)
    wanted = move_filters.read(request.args)
    days = budget_history.of(session, row, summary.available, summary.reserved, at=now())
    return render_template(
        "payouts/budget.html",
        budget=row,
        summary=summary,
        forecast=forecast.of(session, row, at=now()),
        outlook=outlook.of(session, project_id, summary.available),
        chart_of_days=budget_history.figure(days) if summary.funded else None,
        wanted=wanted,
        move_kinds=[(name, kind[0]) for name, kind in move_filters.KINDS.items()],
        deposits=_deposits(session, project_id),
        refunds=_refunds(session, project_id),
        moves=page_of(move_filters.narrowed(ledger.moves_of(_purses(row)), wanted)),
        kinds=_kinds(session, row),
        contested=disputes.contested(session, row) if row.frozen_at else None,
        words=words,
    )


@bp.get("/projects/<int:project_id>/budget.csv")
@requires("budget.see")
def budget_csv(project_id: int) -> ResponseReturnValue:
    """Give every amount that moved, for a spreadsheet."""
    row = _budget(project_id)
    kinds = _kinds(db_session(), row)
    wanted = move_filters.read(request.args)
    moves = db_session().exec(move_filters.narrowed(ledger.moves_of(_purses(row)), wanted)).all()
    headers = {"Content-Disposition": f'attachment; filename="budget-{project_id}.csv"'}
    return Response(_csv(moves, kinds), mimetype="text/csv", headers=headers)


@bp.get("/projects/<int:project_id>/budget/fund")
@requires("budget.fund")
def fund(project_id: int) -> ResponseReturnValue:
    """Show the form to pay in."""
    row = _budget(project_id, "budget.fund")
    if row.closed_at is not None:
        raise budgets.BudgetClosed
    return _fund_page(row, FundForm(row.currency, data={"key": once.new_key()}))


@bp.post("/projects/<int:project_id>/budget/fund")
@requires("budget.fund")
@recently_signed_in
def begin_deposit(project_id: int) -> ResponseReturnValue:
    """Begin a payment and lead to its checkout; the second click leads to the same one."""
    row = _budget(project_id, "budget.fund")
    form = read(FundForm, currency=row.currency)
    if isinstance(form, Problems):
        return _fund_page(row, form.form), 422
    me = current_user.id
    db_session().close()  # nothing stays open while the rail is asked
    with transaction() as session:
        deposit = deposits.open(session, project_id, form.money, key=form.key.data, by=me, at=now())
    return _to_checkout(deposit, row)


@bp.post("/projects/<int:project_id>/budget/deposits/<int:deposit_id>/checkout")
@requires("budget.fund")
@recently_signed_in
def go_on_paying(project_id: int, deposit_id: int) -> ResponseReturnValue:
    """Lead to the checkout of a payment that was begun."""
    row, found = _budget(project_id, "budget.fund"), _deposit(project_id, deposit_id)
    db_session().close()  # nothing stays open while the rail is asked
    return _to_checkout(found, row)


@bp.get("/projects/<int:project_id>/budget/deposits/<int:deposit_id>")
@requires("budget.see")
def deposit(project_id: int, deposit_id: int) -> ResponseReturnValue:
    """Show where a payment is. Stripe leads back here; what counts is what it answers now."""
    row = _budget(project_id)
    found = _deposit(project_id, deposit_id)
    is_away = False
    if found.state in deposits.UNDECIDED:
        db_session().close()  # nothing stays open while the rail is asked
        try:
            found = deposits.reread(deposit_id, ports().payout_rail)
        except (RailDown, PayoutRefused):
            is_away = True
    return render_template(
        "payouts/deposit.html",
        budget=row,
        deposit=found,
        charge=charges.known(db_session(), deposit_id),
        is_away=is_away,
        words=words,
    )


def _to_checkout(deposit: Deposit, row: ProjectBudget) -> ResponseReturnValue:
    here: dict[str, Any] = {"project_id": row.project_id, "deposit_id": deposit.id}
    page = url_for(".deposit", **here)
    if deposit.state is not DepositState.OPEN or deposit.origin is not DepositOrigin.CHECKOUT:
        return redirect(page)
    back_to, title = (
        url_for(".deposit", **here, _external=True),
        _("Budget: %(title)s", title=row.title),
    )
    db_session().close()  # nothing stays open while the rail is asked
    try:
        return redirect(
            deposits.begin(deposit.id or 0, ports().payout_rail, title=title, back_to=back_to)
        )
    except (RailDown, PayoutRefused):
        flash(_("Stripe cannot be reached at the moment. Nothing was charged."), "error")
        return redirect(page)


def _fund_page(row: ProjectBudget, form: FundForm) -> str:
    return render_template(
        "payouts/fund.html",
        budget=row,
        form=form,
        summary=budgets.summary(db_session(), row.project_id),
        least=policy.least_deposit(row.currency),
    )


def _budget(project_id: int, permission: str = "budget.see") -> ProjectBudget:
    row = find(ProjectBudget, project_id)
    require(permission, row)
    return row


def _deposit(project_id: int, deposit_id: int) -> Deposit:
    found = find(Deposit, deposit_id)
    if found.project_id != project_id:
        raise NotFound
    return found


def _deposits(session: Session, project_id: int) -> list[Deposit]:
    question = select(Deposit).where(Deposit.project_id == project_id)
    return list(session.exec(question.order_by(col(Deposit.id).desc()).limit(10)))


def _refunds(session: Session, project_id: int) -> list[tuple[Refund, str]]:
    rows = refunds.of_project(session, project_id)
    return [(row, refunds.state_of(refunds.parts(session, row.id or 0))) for row in rows]


def _purses(row: ProjectBudget) -> list[ledger.Purse]:
    return [
        ledger.budget(row.project_id, row.currency),
        ledger.reserve(row.project_id, row.currency),
    ]


def _kinds(session: Session, row: ProjectBudget) -> dict[int, str]:
    """Return what each account is that a project's money comes from or goes to."""
    purses = _purses(row)
    accounts = select(Account.id, Account.kind).where(Account.currency == row.currency)
    of_project = accounts.where(
        (Account.owner_id == row.project_id) | (Account.owner_id == 0),
        col(Account.kind).in_(
            [*(purse.kind for purse in purses), "platform_fees", "clearing", "pending", "disputes"]
        ),
    )
    return {account_id or 0: kind for account_id, kind in session.exec(of_project)}


def _csv(moves: list[Move], kinds: dict[int, str]) -> Iterator[str]:
    yield _line("time", "what", "from", "to", "amount", "currency", "reference")
    for move in moves:
        amount = ledger.amount(move)
        yield _line(
            move.happened_at.isoformat(),
            move.narration,
            kinds.get(move.debit_account_id, "expert"),
            kinds.get(move.credit_account_id, "expert"),
            str(amount.decimal),
            move.currency,
            move.reference,
        )


def _line(*cells: str) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
