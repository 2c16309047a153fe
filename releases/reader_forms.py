"""What owners say of who may read, and what teams say when they ask."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from core.clock import now
from releases.catalogue_models import Use
from releases.forms import WORDS_MAX
from releases.grants import DayIsOver, DayTooFar, Terms, check_day
from releases.models import Visibility

USES = {
    Use.TRAINING: _l("To train models"),
    Use.EVALUATION: _l("To test models"),
    Use.RESEARCH: _l("For research that is published"),
    Use.OTHER: _l("For something else"),
}
VISIBILITIES = {
    Visibility.PRIVATE: _l("Private"),
    Visibility.LISTED: _l("Listed: others ask to read it"),
    Visibility.OPEN: _l("Open to every organisation here"),
}
ABOUT = {
    Visibility.PRIVATE: _l("Only your organisation and those that you let in find it."),
    Visibility.LISTED: _l(
        "Everybody of an organisation here finds its title, description, labels, numbers and"
        " licence, but no row. They can ask you to let them in."
    ),
    Visibility.OPEN: _l("Everybody of an organisation here finds it and reads all its versions."),
}


class VisibilityForm(FlaskForm):  # type: ignore[misc]
    """Who finds the releases of a project, and what they read first."""

    visibility = RadioField(
        _l("Who finds it in the catalogue"),
        choices=[SelectChoice(value, words) for value, words in VISIBILITIES.items()],
        default=Visibility.PRIVATE,
    )
    description = TextAreaField(
        _l("Description in the catalogue"),
        description=_l("What it holds and what it is good for, in a few sentences."),
        validators=[Length(max=WORDS_MAX)],
    )


class AskForm(FlaskForm):  # type: ignore[misc]
    """A team asks to read a dataset."""

    organisation_id = SelectField(
        _l("For which organisation"), coerce=int, validators=[InputRequired()]
    )
    use = SelectField(
        _l("What you want to use it for"),
        choices=[SelectChoice(value, words) for value, words in USES.items()],
    )
    purpose = TextAreaField(
        _l("Purpose"),
        description=_l("What you build, for whom, and who will have access. The owner reads it."),
        validators=[
            DataRequired(_l("Say in a few sentences what you need it for.")),
            Length(max=WORDS_MAX),
        ],
    )
    accept = BooleanField(
        _l("We accept the terms of the licence"),
        validators=[InputRequired(_l("Without accepting the licence it cannot be asked for."))],
    )


class _Ticks(SelectMultipleField):  # type: ignore[misc]
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class TermsForm(FlaskForm):  # type: ignore[misc]
    """On what terms an organisation may read."""

    until = DateField(
        _l("Until, that day included"),
        description=_l("Empty is until you take it back. Days end at midnight, UTC."),
        validators=[Optional()],
    )
    versions = _Ticks(
        _l("Only these versions"),
        description=_l("None chosen is all, those to come too."),
        validators=[Optional()],
    )

    def offer(self, versions: Sequence[str]) -> "TermsForm":
        """Offer the versions that there are."""
        self.versions.choices = [SelectChoice(one, one) for one in versions]
        return self

    def validate_until(self, field: DateField) -> None:
        """Refuse a day that is over, or far beyond."""
        if field.data is None:
            return
        try:
            check_day(field.data, today=now().date())
        except (DayIsOver, DayTooFar) as problem:
            raise ValidationError(problem.words) from problem

    @property
    def terms(self) -> Terms:
        """What was chosen, as grants read it."""
        return Terms.through(self.until.data, self.versions.data or ())


class ReaderForm(TermsForm):
    """An organisation that may read, and on what terms."""

    slug = StringField(
        _l("Name of the organisation in addresses"),
        description=_l("Like “northlight-labs”. Its people see it on the organisation’s page."),
        validators=[DataRequired(_l("Write the name of the organisation.")), Length(max=80)],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """Why a request is refused, or a grant taken back."""

    reason = TextAreaField(
        _l("Reason"),
        description=_l("The other side reads it, word for word."),
        validators=[DataRequired(_l("Say why; the other side reads it.")), Length(max=WORDS_MAX)],
    )
