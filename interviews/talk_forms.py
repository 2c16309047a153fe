"""What candidates send in an interview with a language model."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import Length

from core.formats import locale
from experts import places
from interviews.forms import LETTERS_AT_MOST, shown


class ReplyForm(FlaskForm):  # type: ignore[misc]
    """What is answered to the interviewer; `nothing` is the button of who has nothing to say."""

    number = HiddenField()
    text = TextAreaField(
        _l("Your answer"),
        filters=[shown],
        validators=[Length(max=LETTERS_AT_MOST, message=_l("Use at most 4,000 characters."))],
    )
    nothing = HiddenField()
    # How it was written: counts from the page, read by `interviews.signals`.
    measured = HiddenField()

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for words, unless there is nothing to say."""
        if not super().validate(extra_validators):
            return False
        if self.said is None and not self.nothing.data:
            self.text.errors = [_l("Write your answer, or say that you have nothing to add.")]
            return False
        return True

    @property
    def said(self) -> str | None:
        """What was said, if anything."""
        return (self.text.data or "").strip() or None


class LanguageForm(FlaskForm):  # type: ignore[misc]
    """The language in which the model writes."""

    language = SelectField(_l("Language in which the model writes"))

    def offer(self, languages: list[str]) -> None:
        """Show the languages that there are, by name."""
        self.language.choices = [
            SelectChoice(one, places.language_name(one, locale())) for one in languages
        ]
