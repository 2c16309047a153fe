"""Pages of tokens: one's own, and new ones for oneself or for an organisation."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from accounts import organisations, scopes, tokens
from accounts.forms import TokenForm
from accounts.models import ApiToken, Organisation, TokenKind
from core.access import recently_signed_in, require, signed_in
from core.clock import now
from core.db import db_session, find

bp = Blueprint("tokens", __name__)


@bp.get("/tokens")
@signed_in
def mine() -> ResponseReturnValue:
    """Show one's own tokens, and the form for a new one."""
    return _page(_form())


@bp.post("/tokens")
@signed_in
@recently_signed_in
def make() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    form = _form()
    if not form.validate_on_submit():
        return _page(form), 422
    organisation, at = _organisation(form.organisation.data), now()
    token, secret = tokens.make(
        db_session(),
        tokens.Asked(form.name.data, form.scopes.data, form.days.data),
        by=current_user,
        organisation=organisation,
        key=form.once.data or "",
        at=at,
    )
    return render_template(
        "accounts/token_made.html",
        token=token,
        secret=secret,
        organisation=organisation,
        again=token.created_at < at,
    )


@bp.post("/tokens/<int:token_id>/revoke")
@signed_in
def revoke(token_id: int) -> ResponseReturnValue:
    """End a token."""
    token = find(ApiToken, token_id, lock=True)
    require("token.manage", token)
    tokens.revoke(db_session(), token, by=current_user.id, at=now())
    flash(_("The token has ended. Programs that use it are refused from now on."), "success")
    if token.organisation_id is not None:
        return redirect(url_for("accounts.organisation", organisation_id=token.organisation_id))
    return redirect(url_for(".mine"))


def _organisation(organisation_id: int | None) -> Organisation | None:
    if not organisation_id:
        return None
    # Locked, so that nobody is taken out of it between the question and the token.
    found = find(Organisation, organisation_id, lock=True)
    require("organisation.manage", found)
    return found


def _form() -> TokenForm:
    form, theirs = TokenForm(), organisations.administered(db_session(), current_user.id)
    form.organisation.choices = [
        SelectChoice(0, _("you: %(name)s", name=current_user.name or current_user.email)),
        *(SelectChoice(one.id, one.name) for one in theirs),
    ]
    kinds = set(TokenKind) if theirs else {TokenKind.PERSONAL}
    form.scopes.choices = [
        SelectChoice(name, scope.words)
        for name, scope in scopes.SCOPES.items()
        if scope.kinds & kinds
    ]
    return form


def _page(form: TokenForm) -> str:
    return render_template(
        "accounts/token_list.html",
        form=form,
        tokens=list(db_session().exec(tokens.of_person(current_user.id))),
        organisations=organisations.administered(db_session(), current_user.id),
        scopes=scopes.SCOPES,
        now=now(),
    )
