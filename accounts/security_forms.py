"""Flask-Security's forms: our words for its fields, and our ways where its own tell too much."""

from typing import Any, ClassVar

from flask import g, session
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_security.forms import (
    ChangePasswordForm,
    EmailValidation,
    ForgotPasswordForm,
    Form,
    LoginForm,
    ResetPasswordForm,
    SendConfirmationForm,
    TwoFactorVerifyCodeForm,
    VerifyForm,
)
from flask_security.recovery_codes import MfRecoveryForm
from flask_security.utils import get_message, validate_redirect_url
from flask_security.webauthn import (
    WebAuthnRegisterForm,
    WebAuthnRegisterResponseForm,
    WebAuthnSigninResponseForm,
)
from wtforms import EmailField, HiddenField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from accounts import account_letters, passkeys, session_routes
from core.db import db_session

LABELS = {
    "email": _l("E-mail address"),
    "password": _l("Password"),
    "password_confirm": _l("The password again"),
    "new_password": _l("New password"),
    "new_password_confirm": _l("The new password again"),
    "remember": _l("Stay signed in on this device"),
    "code": _l("Code"),
    "name": _l("Name"),
    "usage": _l("How it is used"),
}
USAGES = {
    "first": _l("To sign in without the password; the device asks who you are"),
    "secondary": _l("As a second factor, after the password"),
}


DEEPEST = 40


class InOurWords:
    """Gives fields that Flask-Security made the labels that the rest of our pages have."""

    labels: ClassVar[dict[str, Any]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self:  # type: ignore[attr-defined]
            words = self.labels.get(field.name, LABELS.get(field.name))
            if words is not None:
                field.label.text = words


class StaysHere:
    """Where an address of somewhere else is to follow, home does."""

    def validate_next(self, field: HiddenField) -> None:
        """Forget a way back that leads away from here: it is no reason to keep somebody out."""
        if field.data and not validate_redirect_url(field.data):
            field.data = ""


class SignInForm(InOurWords, StaysHere, LoginForm):
    """Address and password."""

    def validate(self, **kwargs: Any) -> bool:
        """Note the wish to stay signed in for our own session; there is no second cookie."""
        right = bool(super().validate(**kwargs))
        if right:
            session[session_routes.KEEP] = bool(self.remember.data)
        self.remember.data = False if right else self.remember.data
        return right


class _AskedByLetter(InOurWords, Form):
    """An address, known or not: both leave the same job, and the page says the same."""

    letter: ClassVar[str]
    email = EmailField(
        LABELS["email"],
        validators=[DataRequired(_l("Write your e-mail address.")), EmailValidation(verify=False)],
    )

    def validate(self, **kwargs: Any) -> bool:
        """Leave the job; then say no without an error, which Flask-Security answers generically."""
        if Form.validate(self, **kwargs):
            language = str(get_locale() or "en")
            account_letters.ask(db_session(), self.letter, self.email.data or "", language)
        return False


class AskNewPasswordForm(_AskedByLetter, ForgotPasswordForm):
    """Asks for the letter with which a new password is chosen."""

    letter = account_letters.RECOVER
    email = _AskedByLetter.email


class AskConfirmationForm(_AskedByLetter, SendConfirmationForm):
    """Asks for another letter that confirms the address."""

    letter = account_letters.CONFIRM
    email = _AskedByLetter.email


class SetPasswordForm(InOurWords, ResetPasswordForm):
    """A new password, by the link of a letter."""


class NewPasswordForm(InOurWords, ChangePasswordForm):
    """A new password in place of the old one."""

    labels: ClassVar[dict[str, Any]] = {"password": _l("Your password now")}

    def validate(self, **kwargs: Any) -> bool:
        """Say at the new password's field that it is the old one."""
        right = bool(super().validate(**kwargs))
        said = list(self.password.errors)
        if said and self.password.data == self.new_password.data:
            same = get_message("PASSWORD_IS_THE_SAME")[0]
            self.password.errors = [words for words in said if words != same]
            self.new_password.errors = [words for words in said if words == same]
        return right


class ConfirmItIsYouForm(InOurWords, StaysHere, VerifyForm):
    """The password once more."""


class CodeForm(InOurWords, TwoFactorVerifyCodeForm):
    """Six digits; a wrong first code leaves the set-up as it stands."""

    def validate(self, **kwargs: Any) -> bool:
        """Note a wrong code of a set-up for the view."""
        right = bool(super().validate(**kwargs))
        if not right:
            g.wrong_code = self
        return right


class RecoveryCodeForm(InOurWords, MfRecoveryForm):
    """One of the codes that were kept."""


class NewPasskeyForm(InOurWords, WebAuthnRegisterForm):
    """A name for a passkey, and what it is for."""

    usage = RadioField(
        LABELS["usage"],
        choices=[SelectChoice(value, words) for value, words in USAGES.items()],
        default="first",
    )


class NewPasskeyAnswerForm(WebAuthnRegisterResponseForm):
    """What the browser answers when a passkey is made, taken once."""

    def validate(self, **kwargs: Any) -> bool:
        """Refuse a challenge that was answered before."""
        return _flat(self) and bool(super().validate(**kwargs)) and _first(self, 0)


class PasskeyAnswerForm(StaysHere, WebAuthnSigninResponseForm):
    """What the browser answers when a passkey is shown, taken once."""

    def validate(self, **kwargs: Any) -> bool:
        """Refuse a challenge that was answered before."""
        return (
            _flat(self) and bool(super().validate(**kwargs)) and _first(self, self.user.id)  # type: ignore[union-attr]
        )


def _flat(form: Any) -> bool:
    """Return whether an answer is no deeper than a browser's: the library reads it as JSON."""
    sent = form.credential.data or ""
    if sent.count("[") + sent.count("{") <= DEEPEST:
        return True
    form.credential.errors = [_l("Your browser sent something that cannot be read.")]
    return False


def _first(form: Any, user_id: int) -> bool:
    if passkeys.first_answer(form.challenge, user_id):
        return True
    form.credential.errors = [_l("This was used before. Please begin again.")]
    return False
