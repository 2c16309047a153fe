"""What an owner types to let a budget be topped up by itself."""

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from core import formats
from core.form_parts import WholeNumberField
from core.money import Money
from payouts import policy
from payouts.forms import amount_of

HOW_MUCH = InputRequired(_l("Say how much."))


class TopUpForm(FlaskForm):  # type: ignore[misc]
    """When a card is charged, how much each time, and how much in a month at most."""

    below = StringField(_l("Charge when less than this is available"), [HOW_MUCH, Length(max=40)])
    amount = StringField(_l("Amount of each charge"), [HOW_MUCH, Length(max=40)])
    month_most = StringField(_l("At most in a calendar month"), [HOW_MUCH, Length(max=40)])
    days = WholeNumberField(
        _l("Charge also when it lasts less than this many days"),
        [
            Optional(),
            NumberRange(1, 60, _l("Write a number of days from 1 to 60.")),
        ],
    )
    agreed = BooleanField(
        _l(
            "I agree that the card which I save next is charged as I have written above, without"
            " being asked again, until I turn it off"
        ),
        [InputRequired(_l("Without your agreement nothing is charged by itself."))],
    )
    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])

    def __init__(self, currency: str, **more: Any) -> None:
        super().__init__(**more)
        self.currency = currency
        self.money: dict[str, Money] = {}

    def validate_below(self, field: StringField) -> None:
        """Take an amount above nothing."""
        if not self._read(field):
            raise ValidationError(_("Write an amount above nothing."))

    def validate_amount(self, field: StringField) -> None:
        """Take an amount that can be paid in at once."""
        found = self._read(field)
        least, most = policy.least_deposit(self.currency), policy.most_deposit(self.currency)
        if found < least:
            raise ValidationError(
                _("The smallest amount is %(least)s.", least=formats.money(least))
            )
        if found > most:
            raise ValidationError(
                _("The largest amount at once is %(most)s.", most=formats.money(most))
            )

    def validate_month_most(self, field: StringField) -> None:
        """Take an amount that covers one charge at least."""
        most, once = self._read(field), self.money.get("amount")
        if once is not None and most < once:
            raise ValidationError(_("The most in a month cannot be less than one charge."))

    def _read(self, field: StringField) -> Money:
        try:
            found = amount_of(field.data, self.currency)
        except ValueError:
            example = formats.number(Decimal("1234.50"), 2)
            raise ValidationError(
                _("Write an amount such as %(example)s.", example=example)
            ) from None
        self.money[field.short_name] = found
        return found
