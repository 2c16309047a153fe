"""Pages on which an admin withdraws the own bank of their organisation, or takes it up again."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core.access import requires
from core.clock import now
from core.db import db_session
from core.errors import NotFound
from interviews import bank_routes, bank_withdrawals, gaps
from interviews.bank_models import BankDraft

bp = Blueprint("bank_withdrawals", __name__)


@bp.get("/item-banks/<int:bank_id>/withdraw")
@requires("item_bank.edit")
def withdraw(bank_id: int) -> ResponseReturnValue:
    """Show which projects ask from an own bank, and what withdrawing it means for them."""
    return _page(_own(bank_id))


@bp.post("/item-banks/<int:bank_id>/withdraw")
@requires("item_bank.edit")
def withdraw_now(bank_id: int) -> ResponseReturnValue:
    """Let no new interview use an own bank."""
    draft, words = _own(bank_id, lock=True), request.form.get("words", "")
    try:
        made = bank_withdrawals.withdraw(db_session(), draft, words, by=current_user.id, at=now())
    except (bank_withdrawals.SayWhy, bank_withdrawals.NothingInUse) as refused:
        return _page(draft, words=words, refused=refused.words), refused.status
    if made:
        flash(_("Out of use. New interviews do not use it; the owners of projects are told."))
    return redirect(url_for(".withdraw", bank_id=bank_id))


@bp.post("/item-banks/<int:bank_id>/take-up")
@requires("item_bank.edit")
def take_up(bank_id: int) -> ResponseReturnValue:
    """Let new interviews use an own bank again."""
    draft = _own(bank_id, lock=True)
    if bank_withdrawals.end(db_session(), draft, by=current_user.id, at=now()):
        flash(_("Taken up again. New interviews use it from now on."), "success")
    return redirect(url_for("item_banks.bank", bank_id=bank_id))


def _own(bank_id: int, *, lock: bool = False) -> BankDraft:
    draft = bank_routes.mine(bank_id, lock=lock)
    if draft.organisation_id is None:
        raise NotFound  # the bank of a field is changed, not withdrawn
    return draft


def _page(draft: BankDraft, *, words: str = "", refused: str = "") -> str:
    session = db_session()
    return render_template(
        "interviews/bank_withdraw.html",
        **bank_routes.frame(draft),
        projects=gaps.from_bank(session, draft),
        words=words,
        refused=refused,
        most=bank_withdrawals.WORDS_AT_MOST,
    )
