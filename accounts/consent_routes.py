"""Pages of consents: what one may agree to, giving it, and withdrawing it with its effects."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import consent_texts, consent_words, consents, withdrawals
from accounts.models import Purpose, RoleName
from core import formats
from core.access import signed_in
from core.clock import now
from core.db import db_session
from core.errors import NotFound

bp = Blueprint("consents", __name__)


@bp.get("/account/consents")
@signed_in
def mine() -> ResponseReturnValue:
    """Show each purpose with its words, where one stands, and what was said before."""
    language = str(formats.locale().language)
    standings = consents.standings(db_session(), current_user.id)
    concerned = current_user.has(RoleName.EXPERT) or any(one.history for one in standings)
    texts = {one: consent_texts.current(one) for one in Purpose}
    return render_template(
        "accounts/consents.html",
        # All of them are about the work of experts: others have nothing to agree to.
        standings=standings if concerned else [],
        texts=texts,
        words={one: text.in_(language) for one, text in texts.items()},
        titles=consent_words.TITLES,
        without=consent_words.WITHOUT,
    )


@bp.post("/account/consents/<purpose>/give")
@signed_in
def give(purpose: str) -> ResponseReturnValue:
    """Agree to the words that the page showed."""
    found = _purpose(purpose)
    made = consents.give(
        db_session(),
        current_user.id,
        found,
        version=request.form.get("version", ""),
        language=str(formats.locale().language),
        address=request.remote_addr,
        at=now(),
    )
    if made:
        flash(_("You agree. You can withdraw it here at any time."), "success")
    return _back(found)


@bp.get("/account/consents/<purpose>/withdraw")
@signed_in
def confirm(purpose: str) -> ResponseReturnValue:
    """Show what withdrawing does, before anything is done."""
    found, session = _purpose(purpose), db_session()
    if not consents.can_be_withdrawn(session, current_user.id, found):
        return _back(found)
    lines = withdrawals.described(session, withdrawals.of_app(), current_user.id, found, now())
    return render_template(
        "accounts/withdraw_consent.html",
        purpose=found,
        lines=lines,
        title=consent_words.TITLES[found],
        without=consent_words.WITHOUT[found],
    )


@bp.post("/account/consents/<purpose>/withdraw")
@signed_in
def withdraw(purpose: str) -> ResponseReturnValue:
    """Withdraw, and do what the page before said."""
    found = _purpose(purpose)
    done = withdrawals.withdraw(
        db_session(),
        withdrawals.of_app(),
        current_user,
        found,
        address=request.remote_addr,
        at=now(),
    )
    if done:
        flash(_("Withdrawn. A letter says what was done."), "success")
    return _back(found)


def _purpose(name: str) -> Purpose:
    try:
        return Purpose(name)
    except ValueError:
        raise NotFound from None


def _back(purpose: Purpose) -> ResponseReturnValue:
    return redirect(url_for(".mine", _anchor=purpose.value))
