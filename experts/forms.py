"""What experts send about themselves."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from core.form_parts import WholeNumberField
from core.formats import locale
from core.once import new_key
from experts import places
from experts.fields import Field, Fluency

NOT_CHOSEN = SelectChoice("", _l("Choose"))


def country_choices() -> list[SelectChoice]:
    """Return the countries, by name in the language of the page."""
    return [SelectChoice(code, name) for code, name in places.countries(locale())]


def language_choices() -> list[SelectChoice]:
    """Return the languages, by name in the language of the page."""
    return [SelectChoice(code, name) for code, name in places.languages(locale())]


def _zones() -> list[SelectChoice]:
    return [SelectChoice(zone, zone.replace("_", " ")) for zone in places.time_zones()]


def stripped(value: str | None) -> str:
    """Return what was typed without the spaces around it."""
    return (value or "").strip()


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """What matching reads of an expert, and owners where it is shared."""

    field = SelectField(
        _l("Your field"),
        choices=[NOT_CHOSEN, *(SelectChoice(field.value, field.label) for field in Field)],
        validators=[DataRequired(_l("Choose the field that you work in."))],
    )
    years = WholeNumberField(
        _l("Years of practice"),
        description=_l("Whole years in this field, training not counted."),
        validators=[
            InputRequired(_l("Write a whole number of years; 0 is fine.")),
            NumberRange(0, 70, _l("Write a number of years from 0 to 70.")),
        ],
        render_kw={"min": 0, "max": 70},
    )
    country = SelectField(
        _l("Country where you practise"),
        choices=lambda: [NOT_CHOSEN, *country_choices()],
        validators=[DataRequired(_l("Choose the country where you practise."))],
        render_kw={"autocomplete": "country"},
    )
    time_zone = SelectField(
        _l("Time zone"), choices=_zones, description=_l("Deadlines are shown in it.")
    )
    headline = StringField(
        _l("One line about your work"),
        description=_l(
            "For example “Lawyer, commercial contracts”. Owners read it only if you share your"
            " profile."
        ),
        filters=[stripped],
        validators=[
            DataRequired(_l("Write one line about your work.")),
            Length(max=120, message=_l("Use 120 characters at most.")),
        ],
        render_kw={"autocomplete": "off"},
    )
    about = TextAreaField(
        _l("About your experience"),
        description=_l(
            "What you have done, for how long, for what kind of clients. No names of clients."
        ),
        filters=[stripped],
        validators=[Length(max=4000, message=_l("Use 4,000 characters at most."))],
    )
    accepts_invitations = BooleanField(
        _l("Send me invitations to projects"),
        description=_l("You can stop them at any time; projects that you take part in go on."),
    )


class LanguageForm(FlaskForm):  # type: ignore[misc]
    """A language that somebody works in."""

    language = SelectField(
        _l("Language"),
        choices=lambda: [NOT_CHOSEN, *language_choices()],
        validators=[DataRequired(_l("Choose the language to add."))],
    )
    fluency = SelectField(
        _l("How well"),
        choices=[NOT_CHOSEN, *(SelectChoice(level.value, level.label) for level in Fluency)],
        validators=[DataRequired(_l("Choose how well you know it."))],
    )


class LicenceForm(FlaskForm):  # type: ignore[misc]
    """A licence, diploma or membership that somebody holds."""

    once = HiddenField(default=new_key)
    title = StringField(
        _l("Licence, diploma or membership"),
        description=_l("For example “Admitted to the Paris bar”."),
        filters=[stripped],
        validators=[
            DataRequired(_l("Write what the licence is called.")),
            Length(max=200, message=_l("Use 200 characters at most.")),
        ],
        render_kw={"autocomplete": "off"},
    )
    issuer = StringField(
        _l("Issued by"),
        filters=[stripped],
        validators=[
            DataRequired(_l("Write who issued it.")),
            Length(max=200, message=_l("Use 200 characters at most.")),
        ],
        render_kw={"autocomplete": "off"},
    )
    jurisdiction = SelectField(
        _l("Country where it is valid"),
        choices=lambda: [SelectChoice("", _l("Not bound to a country")), *country_choices()],
    )
    number = StringField(
        _l("Number in the register"),
        description=_l("Owners never see it. It helps whoever checks the licence."),
        filters=[stripped],
        validators=[Length(max=80, message=_l("Use 80 characters at most."))],
        render_kw={"autocomplete": "off"},
    )
    valid_until = DateField(_l("Valid until"), validators=[Optional()])
