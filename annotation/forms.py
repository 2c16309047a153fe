"""Forms of annotation: verdicts with their reasons, files of tasks."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileAllowed, FileField, FileRequired
from wtforms import (
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf

from annotation.models import Verdict
from annotation.review import ACCEPT, Ruling
from annotation.rules import REASONS, WORDS_AT_LEAST
from core.form_parts import WholeNumberField

TOO_SHORT = _l(
    "Write at least %(letters)s characters, so that the other side can follow you.",
    letters=WORDS_AT_LEAST,
)
CLAUSE_MOST, WORDS_MOST = 120, 4000
TOO_LONG = _l("Use 4,000 characters at most.")


def _trimmed(words: str | None) -> str:
    return (words or "").strip()


class VerdictForm(FlaskForm):  # type: ignore[misc]
    """A verdict on one answer; a refusal, also in part, needs a reason and words."""

    verdict = HiddenField(validators=[AnyOf(list(Verdict))])
    percent = WholeNumberField(
        _l("Share of the pay that is earned, in percent"),
        description=_l("From 1 to 99."),
        render_kw={"min": 1, "max": 99},
    )
    reason_code = SelectField(
        _l("Reason"),
        choices=[
            SelectChoice("", _l("Choose a reason")),
            *(SelectChoice(code, reason.words) for code, reason in REASONS.items()),
        ],
        default="",
        validate_choice=False,
    )
    clause = StringField(
        _l("Clause of the guidelines"),
        description=_l("Its number, or its first words."),
        filters=[_trimmed],
        render_kw={"autocomplete": "off"},
    )
    words = TextAreaField(_l("In your words"), filters=[_trimmed])

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for reason and words where the verdict is adverse."""
        whole = bool(super().validate(extra_validators))
        if self.verdict.data in ("", None, Verdict.ACCEPTED):
            return whole
        if self.verdict.data == Verdict.PARTLY_ACCEPTED and not self._has_share():
            self.percent.errors = [_l("Write a whole number of percent from 1 to 99.")]
            whole = False
        if self.reason_code.data not in REASONS:
            self.reason_code.errors = [_l("Choose the reason: the expert reads it.")]
            whole = False
        if not 0 < len(self.clause.data) <= CLAUSE_MOST:
            self.clause.errors = [_l("Name the clause that the work does not follow.")]
            whole = False
        if not WORDS_AT_LEAST <= len(self.words.data) <= WORDS_MOST:
            self.words.errors = [TOO_SHORT if len(self.words.data) < WORDS_MOST else TOO_LONG]
            whole = False
        return whole

    def _has_share(self) -> bool:
        return self.percent.data is not None and 0 < self.percent.data < 100

    @property
    def ruling(self) -> Ruling:
        """What was said, for the domain; an acceptance has no reason."""
        if self.verdict.data == Verdict.ACCEPTED:
            return ACCEPT
        verdict = Verdict(self.verdict.data)
        said = (self.reason_code.data, self.words.data, self.clause.data)
        in_part = verdict is Verdict.PARTLY_ACCEPTED
        return Ruling(verdict, *said, self.percent.data if in_part else None)


class TasksForm(FlaskForm):  # type: ignore[misc]
    """A file of tasks."""

    file = FileField(
        _l("File of tasks"),
        validators=[
            FileRequired(_l("Choose a file.")),
            FileAllowed(
                ["jsonl", "ndjson", "csv"], _l("Choose a file that ends in .jsonl or .csv.")
            ),
        ],
    )


def numbered(form: FlaskForm, number: int | str) -> FlaskForm:
    """Give the controls of a form ids of their own, for pages that hold the form many times."""
    for field in form:
        field.id = f"{field.id}-{number}"
        field.label.field_id = field.id
    return form
