"""Pages on which a person changes the e-mail address of their account."""

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import attempts, email_change, session_routes
from accounts.forms import EmailChangeForm
from core.access import recently_signed_in, signed_in
from core.clock import now
from core.db import db_session
from core.formats import locale
from core.web import Problems, read

bp = Blueprint("email_change", __name__)


@bp.get("/account/email")
@signed_in
@recently_signed_in
def form() -> ResponseReturnValue:
    """Show the address, and ask for another."""
    return _page(EmailChangeForm(formdata=None))


@bp.post("/account/email")
@signed_in
@recently_signed_in
def ask() -> ResponseReturnValue:
    """Ask for another address; whoever has it, the same happens here."""
    sent = read(EmailChangeForm)
    if isinstance(sent, Problems):
        return _page(sent.form), 422
    language = str(locale().language)
    email_change.ask(db_session(), current_user, sent.email.data, language=language, at=now())
    return redirect(url_for(".form"))


@bp.post("/account/email/take-back")
@signed_in
def take_back() -> ResponseReturnValue:
    """Take back what was asked for."""
    email_change.take_back(db_session(), current_user)
    flash(_("Taken back: the link in the letter opens nothing now."), "success")
    return redirect(url_for("accounts.account"))


@bp.get("/account/email/confirm/<token>")
@signed_in
def link(token: str) -> ResponseReturnValue:
    """Show what the button does: programs that read letters follow links, people press buttons."""
    change = email_change.by_link(db_session(), current_user, token, at=now())
    return render_template("accounts/email_confirm.html", change=change, token=token)


@bp.post("/account/email/confirm/<token>")
@signed_in
def confirm(token: str) -> ResponseReturnValue:
    """Change the address."""
    secret = session.get(session_routes.SECRET, "")
    email_change.confirm(db_session(), current_user, token, secret=secret, at=now())
    # After a second click as well: its answer may be the last to write the cookie.
    session["_user_id"] = current_user.fs_uniquifier
    attempts.know_device_of(current_user)
    flash(
        _("Your address is %(email)s now. Sign in with it from now on.", email=current_user.email),
        "success",
    )
    return redirect(url_for("accounts.account"))


def _page(shown: EmailChangeForm) -> str:
    waiting = email_change.of(db_session(), current_user, at=now())
    return render_template("accounts/email_change.html", form=shown, waiting=waiting)
