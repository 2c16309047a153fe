"""What may be tried only so often, and as whom it is counted.

Tries are counted before anything is looked up, so that a known and an unknown address are answered
alike. A browser in which the person has signed in before has a count of its own.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request, session
from flask_security import user_authenticated

from accounts import known_device
from accounts.models import User
from core import rate_limits
from core.settings import Settings, current_settings

# By name, so that the setting RATE_LIMITS can change one; several are divided by semicolons.
DEFAULTS = {
    "sign_in_account": "10 per 15 minutes",
    "sign_in_address": "100 per 15 minutes",
    "password_account": "10 per 15 minutes",
    "code_account": "10 per 15 minutes; 30 per day",
    "code_address": "100 per 15 minutes",
    "passkey_address": "60 per 15 minutes",
    "letter_account": "5 per hour",
    "letter_address": "60 per hour",
    "register_address": "60 per hour",
    "token_address": "60 per 5 minutes",
    "post_account": "60 per hour",
    "copy_account": "3 per day",
    "speech_account": "120 per hour",
}
KEEP = 365 * 86_400

Who = Callable[[], str]


@dataclass(frozen=True)
class Guard:
    """The limits of one address: one by account and one by network, where there are any."""

    account: str = ""
    who: Who = str
    address: str = ""


def _typed_email() -> str:
    email = request.form.get("email", "").strip()[:254]
    # One address has many spellings: what counts is the one that it is looked up by.
    with suppress(ValueError):
        email = current_app.extensions["security"]._mail_util.normalize(email)
    return f"email:{email.lower()}"


def _half_signed_in() -> str:
    return f"user:{session.get('tf_user_id') or session.get('_user_id') or ''}"


def _signed_in() -> str:
    return f"user:{session.get('_user_id', '')}"


_LETTER = Guard("letter_account", _typed_email, "letter_address")
_CODE = Guard("code_account", _half_signed_in, "code_address")
_PASSWORD = Guard("password_account", _signed_in)
_POST = Guard("post_account", _signed_in)
GUARDED = {
    "security.login": Guard("sign_in_account", _typed_email, "sign_in_address"),
    "security.two_factor_token_validation": _CODE,
    "security.two_factor_setup_validate": _CODE,
    "security.mf_recovery": _CODE,
    "security.forgot_password": _LETTER,
    "security.send_confirmation": _LETTER,
    "security.register": Guard("letter_account", _typed_email, "register_address"),
    "security.reset_password": Guard(address="code_address"),
    "security.verify": _PASSWORD,
    "security.change_password": _PASSWORD,
    "security.wan_signin_response": Guard(address="passkey_address"),
    "security.wan_verify_response": _PASSWORD,
    "accounts.invite_member": _POST,
    "consents.give": _POST,
    "consents.withdraw": _POST,
    "privacy.ask_for_copy": Guard("copy_account", _signed_in),
    "interview_voice.agree": _POST,
    "interview_voice.transcribe": Guard("speech_account", _signed_in),
    "tokens.make": _POST,
    "webhooks.make": _POST,
    "webhooks.change": _POST,
    "webhooks.turn": _POST,
    "webhooks.send_test": _POST,
    "webhooks.again": _POST,
    "webhooks.again_since": _POST,
    "email_change.ask": Guard("letter_account", _signed_in, "letter_address"),
    "email_change.confirm": Guard(address="code_address"),
    "decisions.file": _POST,
    "decisions.answer": _POST,
}


def init_app(app: Flask, settings: Settings) -> None:
    """Count tries of an app before they are looked at."""
    rate_limits.init_app(app, settings, DEFAULTS)
    app.before_request(_count)
    app.after_request(_know_device)
    app.teardown_request(_forget)
    user_authenticated.connect(_was_right, app)


def count_bad_token() -> None:
    """Count a bearer token that opens nothing; the session of the request must be at rest."""
    rate_limits.limits().count("token_address", rate_limits.network(request.remote_addr))


def count_password() -> None:
    """Count a password written on the way to something else."""
    rate_limits.limits().count("password_account", _signed_in())


def _count() -> None:
    guard = GUARDED.get(request.endpoint or "")
    if guard is None or request.method != "POST":
        return
    known = rate_limits.limits()
    who = guard.who() if guard.account else ""
    device = _device(who.removeprefix("email:")) if guard.account == "sign_in_account" else None
    if device:
        known.count(guard.account, f"device:{device}")
        g.tried = (guard.account, f"device:{device}")
        return
    if guard.address:
        known.count(guard.address, rate_limits.network(request.remote_addr))
    if guard.account:
        known.count(guard.account, who)
        g.tried = (guard.account, who)


def known_here(user: User) -> bool:
    """Return whether the person has signed in with this browser before."""
    return _device(user.email) is not None


def know_device_of(user: User) -> None:
    """Let this browser be one in which the person has signed in, by the address they have now."""
    g.was_right = user.email


def _device(email: str) -> str | None:
    cookie = request.cookies.get(known_device.COOKIE, "")
    return known_device.of(cookie, _secret(), email) if cookie else None


def _was_right(_app: Flask, *, user: User, **_more: object) -> None:
    g.was_right = user.email


def _know_device(response: Response) -> Response:
    email = g.get("was_right")
    if email and response.status_code < 400:
        before = request.cookies.get(known_device.COOKIE, "")
        response.set_cookie(
            known_device.COOKIE,
            known_device.with_person(before, _secret(), email),
            max_age=KEEP,
            httponly=True,
            samesite="Lax",
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        )
    return response


def _forget(_error: BaseException | None) -> None:
    # After the request has given its connection back: two at once would be one too many.
    tried = g.pop("tried", None)
    if g.pop("was_right", None) and tried:
        rate_limits.limits().forget(*tried)


def _secret() -> str:
    return current_settings().secret_key.get_secret_value()
