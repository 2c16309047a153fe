"""What people send about their account, their organisation and their tokens."""

import re
from typing import Any, ClassVar

from flask import current_app, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security.forms import RegisterFormV2
from flask_wtf import FlaskForm
from wtforms import (
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Email, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from accounts import scopes
from accounts.models import MemberRole, RoleName, TokenKind
from accounts.scopes import SCOPES
from accounts.security_forms import InOurWords
from accounts.tokens import LIFETIMES
from core.once import new_key

NAME_MAX = 120
# Control characters, separators of lines, and those that turn the direction of a text.
_BREAKS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str | None) -> str | None:
    """Return a name as one line: it stands in letters, where a line break begins another text."""
    return " ".join(_BREAKS.sub(" ", text).split()) if text else text


def no_link(_form: object, field: StringField) -> None:
    """Refuse a name that holds an address: it would be sent to strangers in our letters."""
    if "://" in (field.data or "") or "www." in (field.data or "").lower():
        raise ValidationError(_l("Write a name, without an address of the web."))


def _wished_role() -> str:
    """Return the role that the link to this page named."""
    wish = request.args.get("role", "")
    return wish if wish in {"owner", "ml_team"} else RoleName.EXPERT.value


class RegisterForm(InOurWords, RegisterFormV2):
    """Registration: who you are here for decides what is asked next."""

    labels: ClassVar[dict[str, Any]] = {"name": _l("Your name")}

    role = RadioField(
        _l("What brings you here?"),
        choices=[
            SelectChoice(
                RoleName.EXPERT.value, _l("I am a professional and want to label for pay")
            ),
            SelectChoice(RoleName.OWNER.value, _l("I want experts to label our data")),
            SelectChoice(RoleName.ML_TEAM.value, _l("We train models on finished datasets")),
        ],
        default=_wished_role,
        validators=[DataRequired(_l("Choose one of the three."))],
    )
    name = StringField(
        _l("Your name"),
        description=_l("As on letters and statements. Other people see a pseudonym."),
        filters=[one_line],
        validators=[DataRequired(_l("Write your name.")), Length(max=NAME_MAX), no_link],
        render_kw={"autocomplete": "name"},
    )
    organisation = StringField(
        _l("Your organisation"),
        description=_l("Asked of owners and ML teams. Experts leave it empty."),
        filters=[one_line],
        validators=[Length(max=NAME_MAX), no_link],
        render_kw={"autocomplete": "organization"},
    )

    def validate_organisation(self, field: StringField) -> None:
        """Owners and ML teams act for an organisation."""
        if self.role.data != RoleName.EXPERT.value and not (field.data or "").strip():
            raise ValidationError(_l("Write the name of your organisation."))


class EmailChangeForm(FlaskForm):  # type: ignore[misc]
    """Another address, brought into the form that registration keeps."""

    email = StringField(
        _l("New e-mail address"),
        description=_l("A letter with a link goes there. Your address changes when you follow it."),
        filters=[lambda typed: (typed or "").strip()],
        validators=[DataRequired(_l("Write the new address."))],
        render_kw={"type": "email", "autocomplete": "email"},
    )
    ask = SubmitField(_l("Send the link"))

    def validate_email(self, field: StringField) -> None:
        """Take an address that letters can go to, in its one spelling."""
        try:
            field.data = current_app.extensions["security"]._mail_util.validate(field.data)
        except ValueError:
            raise ValidationError(_("Write an address like name@example.org.")) from None


class AccountForm(FlaskForm):  # type: ignore[misc]
    """Name and language."""

    name = StringField(
        _l("Your name"),
        filters=[one_line],
        validators=[DataRequired(_l("Write your name.")), Length(max=NAME_MAX), no_link],
        render_kw={"autocomplete": "name"},
    )
    locale = SelectField(
        _l("Language of pages and letters"),
        choices=[SelectChoice("en", "English"), SelectChoice("fr", "Français")],
    )
    save = SubmitField(_l("Save"))


class InviteMemberForm(FlaskForm):  # type: ignore[misc]
    """An address to invite, and what its owner may do."""

    email = StringField(
        _l("E-mail address"),
        validators=[
            DataRequired(_l("Write the address of the person to invite.")),
            Email(_l("Write an address like name@example.org.")),
            Length(max=254),
        ],
        render_kw={"type": "email", "autocomplete": "off"},
    )
    role = SelectField(
        _l("May"),
        choices=[
            SelectChoice(MemberRole.MEMBER.value, _l("work in the organisation")),
            SelectChoice(MemberRole.ADMIN.value, _l("also choose its members")),
        ],
    )
    send = SubmitField(_l("Send the invitation"))


class MemberRoleForm(FlaskForm):  # type: ignore[misc]
    """What a member may do."""

    role = SelectField(
        _l("May"),
        choices=[
            SelectChoice(MemberRole.MEMBER.value, _l("work in the organisation")),
            SelectChoice(MemberRole.ADMIN.value, _l("also choose its members")),
        ],
    )


class OrganisationForm(FlaskForm):  # type: ignore[misc]
    """The name of an organisation."""

    name = StringField(
        _l("Name of the organisation"),
        filters=[one_line],
        validators=[DataRequired(_l("Write a name.")), Length(max=NAME_MAX), no_link],
        render_kw={"autocomplete": "organization"},
    )
    save = SubmitField(_l("Save"))


class TokenForm(FlaskForm):  # type: ignore[misc]
    """A new token: what it is for, whom it speaks for, what it may do, how long it lives."""

    once = HiddenField(default=new_key)
    name = StringField(
        _l("What the token is for"),
        description=_l("For example “training pipeline”. You see this name in the list."),
        filters=[one_line],
        validators=[DataRequired(_l("Write what the token is for.")), Length(max=80)],
        render_kw={"autocomplete": "off"},
    )
    organisation = SelectField(
        _l("Speaks for"),
        description=_l(
            "One of an organisation goes on when you leave, and any admin can end it. Your own "
            "ends with your account."
        ),
        coerce=int,
        default=0,
    )
    scopes = SelectMultipleField(
        _l("May"),
        choices=[SelectChoice(name, scope.words) for name, scope in SCOPES.items()],
        default=["releases:read"],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[DataRequired(_l("Choose at least one."))],
    )
    days = SelectField(
        _l("Ends after"),
        coerce=int,
        choices=[SelectChoice(*life) for life in LIFETIMES.items()],
        default=90,
    )
    make = SubmitField(_l("Make the token"))

    def validate_scopes(self, field: SelectMultipleField) -> None:
        """Some acts are a person's, some an organisation's."""
        kind = TokenKind.ORGANISATION if self.organisation.data else TokenKind.PERSONAL
        if unfit := scopes.unfit(kind, field.data or ()):
            words = ", ".join(str(SCOPES[one].words) for one in unfit if one in SCOPES)
            raise ValidationError(
                _("Take away what such a token cannot do: %(words)s.", words=words)
            )
