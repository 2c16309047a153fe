"""How much an owner asks back of a budget."""

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from core import formats
from core.money import Money
from payouts.forms import amount_of


class RefundForm(FlaskForm):  # type: ignore[misc]
    """An amount that goes back; that it is there, the budget says."""

    amount = StringField(_l("Amount"), [InputRequired(_l("Say how much.")), Length(max=40)])
    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])

    def __init__(self, currency: str, **more: Any) -> None:
        super().__init__(**more)
        self.currency = currency

    def validate_amount(self, field: StringField) -> None:
        """Take an amount above nothing."""
        try:
            self.money: Money = amount_of(field.data, self.currency)
        except ValueError:
            example = formats.number(Decimal("1234.50"), 2)
            raise ValidationError(
                _("Write an amount such as %(example)s.", example=example)
            ) from None
        if self.money.minor <= 0:
            raise ValidationError(_("Say how much."))
