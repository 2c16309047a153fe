"""Asks for the password once more, where a sign-in is too long ago for what somebody wants to do.

Opening a page leads to /verify and back. Sending a form is answered by a page that holds what was
typed: with the right password the form goes on to where it was sent, and nothing is typed twice.
"""

import time

from flask import redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_security.utils import url_for_security

from accounts import attempts
from core.db import db_session
from core.settings import current_settings
from core.web import json_problem, wants_json

FIELD = "confirm_with_password"
NOT_KEPT = ("csrf_token", FIELD)


def is_recent() -> bool:
    """Return whether the person has shown lately that it is them."""
    shown = session.get("fs_paa", 0)
    age = time.time() - float(shown or 0)
    return -60 < age < current_settings().recent_sign_in.total_seconds()


def confirm() -> ResponseReturnValue | None:
    """Return what stands in the way of a view; nothing when the sign-in is recent."""
    if is_recent():
        return None
    if wants_json():
        return json_problem(401, _("Sign in again to do this."))
    if request.method in ("GET", "HEAD"):
        return redirect(url_for_security("verify", next=request.full_path.rstrip("?")))
    wrong = ""
    if FIELD in request.form:
        db_session().rollback()  # nothing was done yet; the count is written beside this request
        attempts.count_password()
        if current_user.verify_and_update_password(request.form[FIELD]):
            session["fs_paa"] = time.time()
            return None
        wrong = _("This is not your password.")
    kept = [(name, text) for name, text in request.form.items(multi=True) if name not in NOT_KEPT]
    page = render_template("security/confirm_again.html", kept=kept, wrong=wrong, field=FIELD)
    return page, 422
