"""The operator's pages of transfers that are taken back: proposed by one, agreed to by another."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlmodel import col, select

from core import audit, formats, once
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, find
from core.money import EXPONENTS
from core.web import Problems, page_of, read
from experts.models import Expert
from payouts import bank_words, books_words, reversals
from payouts.blueprint import bp
from payouts.books_forms import SayForm, TakeBackForm
from payouts.dispute_models import Reversal
from payouts.models import Payout


@bp.get("/operator/money/reversals")
@requires("money.see")
def reversals_list() -> ResponseReturnValue:
    """Show what was taken back, or is to be."""
    return _list_page(None, None)


@bp.get("/operator/money/payouts/<int:payout_id>/take-back")
@requires("money.see")
def take_back(payout_id: int) -> ResponseReturnValue:
    """Show a sent payout and the form to propose that it is taken back."""
    found = find(Payout, payout_id)
    audit.record_reading(
        "money.read",
        by=current_user.id,
        subject=f"expert:{found.expert_id}",
        of=found.expert_id,
    )
    left = reversals.left_of(db_session(), found)
    typed = formats.number(left.decimal, EXPONENTS[left.currency])
    data = {"key": once.new_key(), "amount": typed}
    return _payout_page(found, TakeBackForm(found.currency, formdata=None, data=data))


@bp.post("/operator/money/payouts/<int:payout_id>/take-back")
@requires("money.see")
@recently_signed_in
def propose_take_back(payout_id: int) -> ResponseReturnValue:
    """Propose that a payout is taken back; nothing moves before another agrees."""
    found = find(Payout, payout_id)
    form = read(TakeBackForm, currency=found.currency)
    if isinstance(form, Problems):
        return _payout_page(found, form.form), 422
    reversals.propose(
        db_session(),
        payout_id,
        form.money,
        form.cause,
        key=form.key.data,
        by=current_user,
        at=now(),
    )
    flash(_("Proposed. Nothing moves before another operator has agreed."))
    return redirect(url_for(".reversals_list"))


@bp.post("/operator/money/reversals/<int:reversal_id>/agree")
@requires("money.see")
@recently_signed_in
def agree_to_reversal(reversal_id: int) -> ResponseReturnValue:
    """Agree as the second person."""
    reversals.agree(db_session(), reversal_id, by=current_user, at=now())
    flash(_("Agreed. The expert has a letter with the reasons and the way to contest."))
    return redirect(url_for(".reversals_list"))


@bp.post("/operator/money/reversals/<int:reversal_id>/withdraw")
@requires("money.see")
@recently_signed_in
def withdraw_reversal(reversal_id: int) -> ResponseReturnValue:
    """Let a proposal go."""
    reversals.withdraw(db_session(), reversal_id, by=current_user, at=now())
    flash(_("Withdrawn. Nothing was moved."))
    return redirect(url_for(".reversals_list"))


@bp.post("/operator/money/reversals/<int:reversal_id>/say")
@requires("money.see")
@recently_signed_in
def say_reversal(reversal_id: int) -> ResponseReturnValue:
    """Say what a reversal was that was made at Stripe by hand."""
    find(Reversal, reversal_id)
    form = read(SayForm)
    if isinstance(form, Problems):
        return _list_page(reversal_id, form.form), 422
    reversals.say(db_session(), reversal_id, form.cause, by=current_user, at=now())
    flash(_("Noted. It is booked once another operator has agreed."))
    return redirect(url_for(".reversals_list"))


def _payout_page(payout: Payout, form: Any) -> str:
    session = db_session()
    return render_template(
        "payouts/take_back.html",
        payout=payout,
        expert=session.get(Expert, payout.expert_id),
        left=reversals.left_of(session, payout),
        is_sent=payout.state in reversals.SENT,
        rows=(rows := reversals.of_payout(session, payout.id or 0)),
        is_open=any(row.state in ("proposed", "asking") for row in rows),
        why=bank_words.why(payout.reason) if payout.state == "bank_refused" else "",
        form=form,
        words=books_words,
    )


def _list_page(failed_id: int | None, form: Any) -> str:
    question = select(Reversal).order_by(
        col(Reversal.ended_at).desc().nulls_first(), col(Reversal.id).desc()
    )
    return render_template(
        "payouts/reversals_list.html",
        listing=page_of(question),
        form=form or SayForm(formdata=None),
        failed_id=failed_id,
        causes=reversals.CAUSES,
        me=current_user.id,
        words=books_words,
    )
