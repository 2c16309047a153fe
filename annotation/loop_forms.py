"""Forms about models: files of predictions and of answers, whom to ask, what experts see."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileAllowed, FileField, FileRequired
from wtforms import RadioField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Regexp, ValidationError

from annotation.loop_models import Shows
from annotation.prediction_files import MAX_VERSION
from annotation.prediction_rule import Wanted
from core.form_parts import WholeNumberField

MOST_TASKS = 1_000_000
MOST_ADDRESS = 500


def _stripped(words: str | None) -> str:
    return (words or "").strip()


def _file(words: Any, endings: list[str], wrong: Any) -> FileField:
    checks = [FileRequired(_l("Choose a file.")), FileAllowed(endings, wrong)]
    return FileField(words, validators=checks)


class PredictionsForm(FlaskForm):  # type: ignore[misc]
    """A file of predictions."""

    file = _file(
        _l("File of predictions"),
        ["json", "jsonl", "ndjson", "gz"],
        _l("Choose a file that ends in .json, .jsonl or .gz."),
    )
    model_version = StringField(
        _l("Model version"),
        [
            Length(
                max=MAX_VERSION,
                message=_l("Use %(most)s characters at most.", most=MAX_VERSION),
            )
        ],
        filters=[_stripped],
        description=_l("For predictions in the file that name none."),
    )


class AnswersForm(FlaskForm):  # type: ignore[misc]
    """A file of tasks with answers of models."""

    file = _file(
        _l("File of answers"), ["jsonl", "ndjson"], _l("Choose a file that ends in .jsonl.")
    )


class _AskForm(FlaskForm):  # type: ignore[misc]
    most_tasks = WholeNumberField(
        _l("Tasks at most"),
        [
            InputRequired(_l("Write a whole number from 1 to a million.")),
            NumberRange(1, MOST_TASKS, _l("Write a whole number from 1 to a million.")),
        ],
        default=1000,
        render_kw={"min": 1, "max": MOST_TASKS},
    )


class BackendForm(_AskForm):
    """An ML backend to ask."""

    address = StringField(
        _l("Address of the ML backend"),
        [
            InputRequired(_l("Write the address, such as https://ml.example.org.")),
            Length(max=MOST_ADDRESS, message=_l("Write a shorter address.")),
            Regexp(
                r"https?://[^\s?#@]+$",
                message=_l("Write the address alone, such as https://ml.example.org."),
            ),
        ],
        filters=[_stripped],
        description=_l("It is asked for /predict, in Label Studio’s protocol, over https."),
    )


class EndpointForm(_AskForm):
    """The language model of this instance, to ask."""


class _VersionForm(FlaskForm):  # type: ignore[misc]
    model_version = SelectField(_l("Model version"), validate_choice=False)

    def offer(self, versions: list[str]) -> "_VersionForm":
        """Offer the model versions that a project has."""
        self.model_version.choices = [SelectChoice(name, name) for name in versions]
        return self


class RuleForm(_VersionForm):
    """Whether experts see predictions."""

    shows = RadioField(
        _l("What experts see"),
        choices=[
            SelectChoice(Shows.HIDDEN, _l("Nothing: the form is blank")),
            SelectChoice(Shows.ALL, _l("The prediction, as a starting point")),
            SelectChoice(
                Shows.SHARE, _l("The prediction for a share of the tasks, to measure its pull")
            ),
        ],
        default=Shows.HIDDEN,
    )
    share_percent = WholeNumberField(
        _l("Share of the tasks, in percent"),
        description=_l("The tasks are drawn by lot, the same for all experts."),
        render_kw={"min": 1, "max": 99},
    )

    def validate_share_percent(self, field: WholeNumberField) -> None:
        """Ask for a share where one is meant."""
        if self.shows.data == Shows.SHARE and not 1 <= (field.data or 0) <= 99:
            raise ValidationError(_l("Write a whole number from 1 to 99."))

    def wanted(self) -> Wanted:
        """Return what was said, for the domain."""
        shows = Shows(self.shows.data)
        percent = self.share_percent.data if shows is Shows.SHARE else None
        return Wanted(shows, self.model_version.data or None, percent)


class OrderForm(_VersionForm):
    """The model version by whose doubt tasks are ordered."""
