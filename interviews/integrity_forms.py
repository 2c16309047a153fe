"""What candidates say of signals, and what people find who look at them."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length

from interviews.signal_models import WORDS_AT_MOST, Finding


class ExplainForm(FlaskForm):  # type: ignore[misc]
    """What a candidate says of how they wrote."""

    explanation = TextAreaField(
        _l("Your explanation"),
        description=_l("Whoever looks at it reads this first. You may leave it empty."),
        validators=[
            DataRequired(_l("Write what you want to explain.")),
            Length(max=WORDS_AT_MOST, message=_l("Use at most 2,000 characters.")),
        ],
    )


class FindingForm(FlaskForm):  # type: ignore[misc]
    """What a person found."""

    finding = RadioField(
        _l("What you found"),
        choices=[
            SelectChoice(Finding.NOTHING.value, _l("Nothing: the answers may well be their own")),
            SelectChoice(Finding.SOMETHING.value, _l("Something that speaks against it")),
        ],
        validators=[InputRequired(_l("Choose what you found."))],
    )
