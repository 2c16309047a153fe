"""What operators type about differences to Stripe's books and about transfers taken back."""

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from core import formats
from payouts import payout_stops, reversals
from payouts.forms import amount_of

ENOUGH = Length(
    min=payout_stops.WORDS_AT_LEAST, max=4000, message=_l("Write 20 to 4,000 characters.")
)
READ = Length(
    min=reversals.WORDS_AT_LEAST,
    max=4000,
    message=_l("Write 20 to 4,000 characters: the expert reads it."),
)


class ExplainForm(FlaskForm):  # type: ignore[misc]
    """What a difference is."""

    words = TextAreaField(
        _l("What it is, and how you know"),
        [ENOUGH],
        description=_l("Another operator reads this before payouts go out again."),
    )


class ReleaseForm(FlaskForm):  # type: ignore[misc]
    """The explanation that was read before payouts are released."""

    read_at = HiddenField(validators=[InputRequired(), Length(max=40)])

    @property
    def at(self) -> datetime | None:
        """When the explanation was written."""
        try:
            return datetime.fromisoformat(self.read_at.data)
        except ValueError:
            return None


class SayForm(FlaskForm):  # type: ignore[misc]
    """Why a transfer is taken back."""

    code = SelectField(
        _l("What went wrong"),
        choices=[SelectChoice(code, said) for code, said in reversals.CAUSES.items()],
    )
    words = TextAreaField(_l("Why"), [READ])
    evidence = TextAreaField(_l("Evidence"), [READ])

    @property
    def cause(self) -> reversals.Cause:
        """The cause as it was given."""
        return reversals.Cause(self.code.data, self.words.data, self.evidence.data)


class TakeBackForm(SayForm):
    """How much of a transfer is taken back, and why."""

    amount = StringField(_l("Amount"), [InputRequired(_l("Say how much.")), Length(max=40)])
    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])

    def __init__(self, currency: str, **more: Any) -> None:
        super().__init__(**more)
        self.currency = currency

    def validate_amount(self, field: StringField) -> None:
        """Take an amount above nothing."""
        try:
            self.money = amount_of(field.data, self.currency)
        except ValueError:
            example = formats.number(12.5, 2)
            raise ValidationError(
                _("Write an amount such as %(example)s.", example=example)
            ) from None
        if not self.money:
            raise ValidationError(_("Say how much."))
