"""Flask-Security, set up once: signing in, confirming, recovering, two factors.

Whatever it wants to send becomes a letter of ours, in the transaction of what it tells.
"""

from datetime import timedelta
from typing import Any

from flask import Flask, redirect, request
from flask import session as cookie
from flask_babel import get_locale
from flask_security import MailUtil, user_not_registered, user_registered
from flask_security.utils import url_for_security
from sqlalchemy import text
from werkzeug.wrappers.response import Response as BaseResponse

from accounts import (
    attempts,
    organisations,
    passkeys,
    second_factor,
    second_factor_routes,
    security_forms,
    session_routes,
    sign_in_words,
)
from accounts.forms import RegisterForm
from accounts.models import OrganisationKind, Passkey, Role, RoleName, User
from accounts.passwords import Passwords
from core import audit, languages, messages
from core.clock import now
from core.db import Database, db_session
from core.settings import Settings

ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended(:email, 7220147))")


class LetterMail(MailUtil):
    """Turns Flask-Security's mails into letters, and addresses into one lower-case form."""

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],
        body: str | None,
        html: str | None,
        **context: Any,
    ) -> None:
        """Write a letter; its words were rendered in the language of the request."""
        user = context.get("user")
        messages.post(
            db_session(),
            address=str(recipient),
            user_id=getattr(user, "id", None),
            language=str(get_locale() or "en"),
            template=f"security/{template.rpartition('/')[2]}",
            subject=str(subject),
            body=(body or "").strip() + "\n",
        )

    def normalize(self, email: str) -> str:
        """Return an address in the form that we look it up by."""
        return str(super().normalize(email)).lower()

    def validate(self, email: str) -> str:
        """Return an address in the form that we keep."""
        return str(super().validate(email)).lower()


def init_app(app: Flask, database: Database, settings: Settings) -> None:
    """Give an app its sign-in pages."""
    app.config.update(_config(settings))
    attempts.init_app(app, settings)
    app.before_request(_one_registration_at_a_time)
    library = passkeys.SecurityWithPasskeys(
        app,
        second_factor.Datastore(database.scoped, User, Role, Passkey),
        register_form=RegisterForm,
        login_form=security_forms.SignInForm,
        forgot_password_form=security_forms.AskNewPasswordForm,
        send_confirmation_form=security_forms.AskConfirmationForm,
        reset_password_form=security_forms.SetPasswordForm,
        change_password_form=security_forms.NewPasswordForm,
        verify_form=security_forms.ConfirmItIsYouForm,
        two_factor_verify_code_form=security_forms.CodeForm,
        mf_recovery_form=security_forms.RecoveryCodeForm,
        wan_register_form=security_forms.NewPasskeyForm,
        wan_register_response_form=security_forms.NewPasskeyAnswerForm,
        wan_signin_response_form=security_forms.PasskeyAnswerForm,
        mail_util_cls=LetterMail,
        password_util_cls=Passwords,
        totp_cls=second_factor.OneTimeTotp,
        webauthn_util_cls=passkeys.PasskeyOptions,
    )
    # Its pages are for people: to programs it would tell of a known address in other words.
    library.want_json(lambda _request: False)
    library.context_processor(_address)
    session_routes.init_app(app)
    second_factor_routes.init_app(app)
    # Nobody signs in by a token in a request's body or address. The library would read the body of
    # every stranger for one, before anything has looked at its size or depth.
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    user_registered.connect(_registered, app)
    user_registered.connect(_said_by_page, app)
    user_not_registered.connect(_said_by_page, app)


def to_sign_in() -> BaseResponse:
    """Lead to the sign-in page, and back here afterwards."""
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for_security("login", next=back))


def _one_registration_at_a_time() -> None:
    """Let the second click on registration wait for the first, and find what it made."""
    if request.endpoint == "security.register" and request.method == "POST":
        email = request.form.get("email", "").strip().lower()
        db_session().execute(ONE_AT_A_TIME, {"email": email[:254]})


def _registered(_app: Flask, *, user: User, form_data: dict[str, Any], **_more: Any) -> None:
    session = db_session()
    session.flush()  # roles and organisations need the person's id
    user.locale = languages.choose()  # letters come in the language that they registered in
    role = RoleName(form_data["role"])
    if role is RoleName.EXPERT:
        organisations.give_role(session, user, role)
    else:
        kind = OrganisationKind(role.value)
        organisations.found(session, form_data["organisation"], kind, by=user, at=now())
    audit.record(session, "account.registered", by=user.id, subject=f"user:{user.id}")


def _said_by_page(_app: Flask, **_more: Any) -> None:
    cookie.pop("_flashes", None)  # the page after registering says it, known address or not


def _address() -> dict[str, Any]:
    return {"host_without_name": passkeys.without_name(request.host)}


def _config(settings: Settings) -> dict[str, Any]:
    salt = settings.security_password_salt.get_secret_value()
    secret = settings.secret_key.get_secret_value()
    return (
        second_factor.config(secret)
        | passkeys.config()
        | sign_in_words.config()
        | {
            "SECRET_KEY": secret,
            "SECURITY_PASSWORD_SALT": salt,
            "SECURITY_PASSWORD_HASH": "argon2",
            "SECURITY_PASSWORD_LENGTH_MIN": 10,
            "SECURITY_PASSWORD_COMPLEXITY_CHECKER": None,
            "SECURITY_DATETIME_FACTORY": now,
            "SECURITY_EMAIL_VALIDATOR_ARGS": {
                "check_deliverability": False,
                "test_environment": True,
            },
            "SECURITY_EMAIL_SENDER": settings.mail_from,
            "SECURITY_EMAIL_HTML": False,
            "SECURITY_REGISTERABLE": True,
            "SECURITY_USE_REGISTER_V2": True,
            "SECURITY_CONFIRMABLE": True,
            # The letters and pages say five days and one day.
            "SECURITY_CONFIRM_EMAIL_WITHIN": timedelta(days=5),
            "SECURITY_RESET_PASSWORD_WITHIN": timedelta(days=1),
            "SECURITY_AUTO_LOGIN_AFTER_CONFIRM": False,
            "SECURITY_RECOVERABLE": True,
            "SECURITY_CHANGEABLE": True,
            "SECURITY_RETURN_GENERIC_RESPONSES": True,
            "SECURITY_URL_PREFIX": None,
            "SECURITY_LOGIN_URL": "/sign-in",
            "SECURITY_LOGOUT_URL": "/sign-out",
            "SECURITY_LOGOUT_METHODS": ["POST"],
            "SECURITY_REGISTER_URL": "/register",
            "SECURITY_CONFIRM_URL": "/confirm",
            "SECURITY_RESET_URL": "/recover",
            "SECURITY_CHANGE_URL": "/account/password",
            "SECURITY_TWO_FACTOR_SETUP_URL": "/account/two-factor",
            "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL": "/two-factor",
            "SECURITY_TWO_FACTOR_SELECT_URL": "/two-factor/select",
            "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL": "/account/recovery-codes",
            "SECURITY_MULTI_FACTOR_RECOVERY_URL": "/two-factor/recovery",
            "SECURITY_VERIFY_URL": "/verify",
            "SECURITY_POST_LOGIN_VIEW": "/home",
            "SECURITY_POST_LOGOUT_VIEW": "/",
            "SECURITY_POST_REGISTER_VIEW": "/registered",
            "SECURITY_POST_CONFIRM_VIEW": "/sign-in",
            "SECURITY_POST_CHANGE_VIEW": "/account",
            "SECURITY_POST_VERIFY_VIEW": "/account",
            "SECURITY_POST_RESET_VIEW": "/sign-in",
            "SECURITY_FRESHNESS": settings.recent_sign_in,
            "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(0),
            "SECURITY_CSRF_COOKIE_NAME": None,
            "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": False,
            "SECURITY_API_ENABLED_METHODS": ["session"],
            "SECURITY_TOKEN_AUTHENTICATION_HEADER": "X-No-Such-Header",
            "SECURITY_REDIRECT_ALLOW_SUBDOMAINS": False,
            "PERMANENT_SESSION_LIFETIME": settings.session_lifetime,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": settings.cookie_secure,
            # With this beginning browsers take the cookie from this host alone, over HTTPS alone:
            # no other host of the same domain can plant one.
            "SESSION_COOKIE_NAME": "__Host-doyen" if settings.cookie_secure else "doyen",
        }
    )
