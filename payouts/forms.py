"""What people type and choose about money. Rules that need the database are not here."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from core import formats, money
from core.money import Money
from experts import places
from payouts import payees, policy, words
from payouts.models import Rhythm

SPACES = re.compile(r"[\s\u00a0\u202f'’]")
PLAIN = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")
# A space stands between thousands and nowhere else: 12 50 may be twelve fifty to who typed it.
SPACED = re.compile(r"[0-9]{1,3}( [0-9]{3})+([.,][0-9]+)?")
COMMA_AND_TWO = re.compile(r",[0-9]{1,2}")


def amount_of(typed: str, currency: str) -> Money:
    """Read what a person typed, in the English or the French way; `ValueError` when unclear."""
    text = SPACES.sub(" ", typed).strip()
    for sign in (formats.currency_sign(currency), currency.upper()):
        text = text.removeprefix(sign).removesuffix(sign).strip()
    if " " in text and not SPACED.fullmatch(text):
        raise ValueError(typed)
    text = text.replace(" ", "")
    if "," in text:
        # 500,00 is French and 1,500.00 English; 1,500 alone could be either and is refused.
        after = text[text.rindex(",") :]
        grouped = re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+\.[0-9]+", text)
        if grouped:
            text = text.replace(",", "")
        elif text.count(",") == 1 and COMMA_AND_TWO.fullmatch(after):
            text = text.replace(",", ".")
    if not PLAIN.fullmatch(text):
        raise ValueError(typed)
    try:
        return money.from_decimal(Decimal(text), currency)
    except InvalidOperation as problem:
        raise ValueError(typed) from problem


class FundForm(FlaskForm):  # type: ignore[misc]
    """How much an owner pays into a budget."""

    amount = StringField(_l("Amount"), [InputRequired(_l("Say how much.")), Length(max=40)])
    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])

    def __init__(self, currency: str, **more: Any) -> None:
        super().__init__(**more)
        self.currency = currency

    def validate_amount(self, field: StringField) -> None:
        """Take an amount between the least and the most."""
        least, most = policy.least_deposit(self.currency), policy.most_deposit(self.currency)
        try:
            self.money = amount_of(field.data, self.currency)
        except ValueError:
            example = formats.number(Decimal("1234.50"), 2)
            raise ValidationError(
                _("Write an amount such as %(example)s.", example=example)
            ) from None
        if self.money < least:
            raise ValidationError(
                _("The smallest amount is %(least)s.", least=formats.money(least))
            )
        if self.money > most:
            raise ValidationError(
                _("The largest amount at once is %(most)s.", most=formats.money(most))
            )


class PayForm(FlaskForm):  # type: ignore[misc]
    """The button that names an amount: what it said is what is asked for."""

    minor = HiddenField(validators=[InputRequired(), Length(max=12)])
    currency = HiddenField(validators=[InputRequired(), Length(min=3, max=3)])
    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])

    def validate_minor(self, field: HiddenField) -> None:
        """Take a whole number of minor units above zero."""
        if not re.fullmatch("[0-9]{1,12}", field.data) or int(field.data) == 0:
            raise ValidationError(_("Load the page again, then press the button."))

    def validate_currency(self, field: HiddenField) -> None:
        """Take a currency that is handled here."""
        if field.data not in policy.CURRENCIES:
            raise ValidationError(_("Load the page again, then press the button."))

    @property
    def money(self) -> Money:
        """The amount that the button named."""
        return Money(int(self.minor.data), self.currency.data)


class RhythmForm(FlaskForm):  # type: ignore[misc]
    """How often an expert is paid."""

    rhythm = RadioField(
        _l("When you are paid"),
        [InputRequired(_l("Choose one."))],
        choices=[
            SelectChoice(Rhythm.WEEKLY.value, _l("Every week")),
            SelectChoice(Rhythm.ON_DEMAND.value, _l("When I ask for it")),
        ],
    )
    payday = SelectField(
        _l("On which day of the week"),
        coerce=int,
        choices=lambda: [SelectChoice(day, words.weekday(day)) for day in policy.PAYDAYS],
        default=policy.PAYDAY,
    )


class AccountForm(FlaskForm):  # type: ignore[misc]
    """Where an expert's bank account is; the rest is asked by the rail."""

    country = SelectField(_l("Country where you live and bank"), [InputRequired(_l("Choose one."))])

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        known = places.countries(formats.locale())
        self.country.choices = [
            SelectChoice("", _("Choose")),
            *(SelectChoice(code, name) for code, name in known if code in payees.COUNTRIES),
        ]
