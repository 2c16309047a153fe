"""What an owner sends about releases."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from core.once import new_key
from releases.builds import Wish
from releases.licences import LICENCES
from releases.models import Release

WORDS_MAX = 4000


class ReleaseForm(FlaskForm):  # type: ignore[misc]
    """What is new in a release, and on what terms it is read."""

    once = HiddenField(default=new_key)
    changelog = TextAreaField(
        _l("What is new"),
        description=_l("For those who train models on it. It stands on the card for good."),
        validators=[
            DataRequired(_l("Say in a sentence what is new; “First release” will do.")),
            Length(max=WORDS_MAX),
        ],
    )
    licence = SelectField(
        _l("Licence"),
        choices=[SelectChoice(value, words) for value, words in LICENCES.items()],
        default="other",
    )
    limits = TextAreaField(
        _l("Limits that readers should know"),
        description=_l("What it does not cover, and what it should not be used for."),
        validators=[Length(max=WORDS_MAX)],
    )
    with_gold = BooleanField(
        _l("Include the tasks with known answers"),
        description=_l("Usually they are kept out, so that they can go on testing experts."),
    )

    def begin_with(self, before: Release) -> None:
        """Set what readers were told of the version before; what is new is written anew."""
        self.licence.data, self.limits.data = before.licence, before.limits
        self.with_gold.data = before.with_gold

    @property
    def wish(self) -> Wish:
        """What was sent, as builds read it."""
        return Wish(
            changelog=self.changelog.data or "",
            licence=self.licence.data,
            limits=self.limits.data or "",
            with_gold=bool(self.with_gold.data),
        )
