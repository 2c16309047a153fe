"""The page of one's sessions, and what ties a request to one of them.

A remembered browser has a session cookie that lasts; there is no second cookie that could bring an
ended session back.
"""

import functools
from collections.abc import Mapping
from typing import Any

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, user_logged_in, user_logged_out
from flask_security import (
    password_changed,
    password_reset,
    tf_disabled,
    tf_profile_changed,
    wan_deleted,
    wan_registered,
)

from accounts import attempts, email_change, sign_ins, user_agents
from accounts.models import SignIn, SignInEnd, User
from core import audit, messages
from core.access import require, signed_in
from core.clock import now
from core.db import db_session, find
from core.settings import current_settings

SECRET = "sid"  # noqa: S105 - the name of a field in the cookie
KEEP = "keep"  # whether the person has asked to stay signed in
CHANGES = {
    password_changed: "account.password_changed",
    password_reset: "account.password_reset",
    tf_profile_changed: "account.second_factor_on",
    tf_disabled: "account.second_factor_off",
    wan_registered: "account.passkey_added",
    wan_deleted: "account.passkey_deleted",
}
LETTERS = {  # a new password has a letter of Flask-Security's
    "account.second_factor_on": "accounts/second_factor_on",
    "account.second_factor_off": "accounts/second_factor_off",
    "account.passkey_added": "accounts/passkey_added",
    "account.passkey_deleted": "accounts/passkey_deleted",
}
NEW_PASSWORD = ("account.password_changed", "account.password_reset")
bp = Blueprint("sessions", __name__)


@bp.get("/account/sessions")
@signed_in
def session_list() -> ResponseReturnValue:
    """Show where one is signed in."""
    lifetime = current_settings().session_lifetime
    found = sign_ins.of(db_session(), current_user.id, at=now(), lifetime=lifetime)
    here = sign_ins.hashed(session.get(SECRET, ""))
    return render_template(
        "accounts/session_list.html", found=found, here=here, days=lifetime.days, words=_words
    )


@bp.post("/account/sessions/<int:sign_in_id>/end")
@signed_in
def end_session(sign_in_id: int) -> ResponseReturnValue:
    """Sign out somewhere else."""
    row = find(SignIn, sign_in_id, lock=True)
    require("session.manage", row)
    sign_ins.end(db_session(), row, SignInEnd.REMOTE, at=now())
    flash(_("That device is signed out: its next request leads to the sign-in page."), "success")
    return redirect(url_for(".session_list"))


@bp.post("/account/sessions/end-others")
@signed_in
def end_other_sessions() -> ResponseReturnValue:
    """Sign out everywhere else."""
    _end_others(current_user.id, SignInEnd.REMOTE)
    flash(_("All other devices are signed out."), "success")
    return redirect(url_for(".session_list"))


def init_app(app: Flask) -> None:
    """Let an app know people by their sessions, and end these with what they rest on."""
    app.extensions["doyen.along"] = {}
    app.login_manager.user_loader(_person)  # type: ignore[attr-defined]
    user_logged_in.connect(_begin, app)
    user_logged_out.connect(_end, app)
    for signal, act in CHANGES.items():
        signal.connect(functools.partial(_changed, act), app, weak=False)


def read_along(app: Flask, along: Mapping[str, sign_ins.Along]) -> None:
    """Let the question of who asks read more for some endpoints; `g.doyen_along` is the answer."""
    app.extensions["doyen.along"].update(along)


def _person(uniquifier: str) -> User | None:
    secret = session.get(SECRET)
    if not secret:
        return None
    along = current_app.extensions["doyen.along"].get(request.endpoint or "")
    found = sign_ins.person_of(
        db_session(),
        secret,
        uniquifier,
        at=now(),
        lifetime=current_settings().session_lifetime,
        along=along,
        given=request.view_args if along else None,
    )
    if found is None:
        return None
    g.doyen_closing = found[1].closing
    g.doyen_along = found[1]
    # What Flask-Security's own loader leaves for its views.
    g.fs_authn_via, g.fs_paa = "session", session.get("fs_paa", 0)
    return found[0]


def _begin(_app: Flask, *, user: User, **_more: object) -> None:
    rows, at = db_session(), now()
    rows.flush()  # a person who has just registered needs an id
    was = sign_ins.end_secret(rows, session[SECRET], at=at) if SECRET in session else None
    # Somebody may have planted the cookie that this browser had: nothing in it stays known.
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
    session.permanent = bool(session.pop(KEEP, session.permanent))
    browser, system = user_agents.named(request.user_agent.string)
    here = sign_ins.Browser(request.remote_addr or "", browser, system)
    known = was == user.id or attempts.known_here(user)
    if not known and not sign_ins.is_first(rows, user, at=at):
        messages.write(
            rows, to=user, template="accounts/new_device", device=_words(here), at=at, here=here
        )
    session[SECRET] = sign_ins.begin(rows, user, here, at=at)


def _end(_app: Flask, **_more: object) -> None:
    secret = session.pop(SECRET, None)
    session.permanent = False
    if secret:
        sign_ins.end_secret(db_session(), secret, at=now())


def _changed(act: str, _app: Flask, *, user: User, name: str = "", **_more: object) -> None:
    assert user.id is not None
    audit.record(db_session(), act, by=user.id, subject=f"user:{user.id}")
    if act in LETTERS:
        messages.write(db_session(), to=user, template=LETTERS[act], name=name)
    if act == "account.passkey_added":
        return  # one way more, and no old one less
    if act in NEW_PASSWORD:
        email_change.forget(db_session(), user)
    _end_others(user.id, SignInEnd.SECURITY)


def _end_others(user_id: int, how: SignInEnd) -> None:
    """End all other sessions, and whatever has a copy of this one's cookie."""
    secret = session.get(SECRET, "")
    sign_ins.end_others(db_session(), user_id, secret, how, at=now())
    if secret:
        session[SECRET] = sign_ins.renew(db_session(), secret)


def _words(row: SignIn | sign_ins.Browser) -> Any:
    # Not said before it is known who reads: a page and a letter may be in two languages.
    if row.browser and row.system:
        return _l("%(browser)s on %(system)s", browser=row.browser, system=row.system)
    return row.browser or row.system or _l("A device that does not say what it is")
