"""Forms of appeals: what a person says against a decision, and the answer to it."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import MultipleFileField, RadioField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from accounts.appeals import WORDS_AT_LEAST, WORDS_MOST, Answer, Asked
from accounts.decision_words import GROUNDS
from accounts.models import AppealGround, AppealOutcome
from core import uploads
from core.errors import Invalid


def _trimmed(words: str | None) -> str:
    return (words or "").strip()


def _said(_form: FlaskForm, field: TextAreaField) -> None:
    if len(field.data) < WORDS_AT_LEAST:
        words = _l(
            "Write at least %(letters)s characters, so that the other side can follow you.",
            letters=WORDS_AT_LEAST,
        )
        raise ValidationError(words)
    if len(field.data) > WORDS_MOST:
        raise ValidationError(_l("Use 4,000 characters at most."))


class AppealForm(FlaskForm):  # type: ignore[misc]
    """A person's words against a decision."""

    ground = RadioField(
        _l("What is wrong with it?"),
        choices=[SelectChoice(ground.value, words) for ground, words in GROUNDS.items()],
        validators=[InputRequired(_l("Choose what is wrong with it."))],
    )
    words = TextAreaField(_l("Your reasons"), filters=[_trimmed], validators=[_said])

    files = MultipleFileField(_l("Files"))
    checked: Sequence[uploads.Checked] = ()

    def validate_files(self, field: MultipleFileField) -> None:
        """Say beside the field what is wrong with a file; all that was typed stays."""
        try:
            self.checked = uploads.check(field.data or ())
        except Invalid as wrong:
            raise ValidationError(wrong.words) from wrong

    def asked(self, upload_ids: tuple[int, ...] = ()) -> Asked:
        """Return what was said, for the domain."""
        return Asked(AppealGround(self.ground.data), self.words.data, upload_ids)


class AnswerForm(FlaskForm):  # type: ignore[misc]
    """What a second look has come to."""

    outcome = RadioField(
        _l("After the second look"),
        choices=[
            SelectChoice(AppealOutcome.CHANGED.value, _l("The decision is changed")),
            SelectChoice(AppealOutcome.STANDS.value, _l("The decision stands")),
        ],
        validators=[InputRequired(_l("Choose one of the two."))],
    )
    words = TextAreaField(_l("Your reasons"), filters=[_trimmed], validators=[_said])

    def given(self) -> Answer:
        """Return the answer, for the domain."""
        return Answer(AppealOutcome(self.outcome.data), self.words.data)


def empty_of(kind: type[FlaskForm]) -> Any:
    """Return a form that nobody has filled in."""
    return kind(formdata=None)
