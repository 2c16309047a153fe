"""Forms of questions on tasks: asking, answering, hiding."""

from uuid import UUID

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from annotation.question_models import WORDS_MOST, About, AnswerFor

REASON_LEAST, REASON_MOST = 20, 1000


def _trimmed(words: str | None) -> str:
    # A browser sends a line end as two signs and counts it as one.
    return (words or "").replace("\r\n", "\n").strip()


class WordsForm(FlaskForm):  # type: ignore[misc]
    """A question in other words."""

    words = TextAreaField(
        _l("Your question"),
        filters=[_trimmed],
        validators=[
            Length(1, WORDS_MOST, _l("Write your question in 2,000 characters at most.")),
        ],
        render_kw={"maxlength": WORDS_MOST},
    )


class QuestionForm(WordsForm):
    """A question from the page of a task."""

    about = RadioField(
        _l("About"),
        choices=[
            SelectChoice(About.TASK, _l("This task")),
            SelectChoice(About.GUIDELINES, _l("The guidelines")),
        ],
        default=About.TASK,
    )
    reference = HiddenField()

    def validate_reference(self, field: HiddenField) -> None:
        """Take only what our own page has written."""
        try:
            UUID(field.data or "")
        except ValueError:
            raise ValidationError(_l("Load the page again, then ask once more.")) from None


class AnswerForm(FlaskForm):  # type: ignore[misc]
    """An owner's answer."""

    answer = TextAreaField(
        _l("Your answer"),
        filters=[_trimmed],
        validators=[Length(1, WORDS_MOST, _l("Write your answer in 2,000 characters at most."))],
        render_kw={"maxlength": WORDS_MOST},
    )
    answer_for = RadioField(
        _l("Who reads the answer"),
        choices=[
            SelectChoice(AnswerFor.ASKER, _l("Only the expert who asked")),
            SelectChoice(AnswerFor.ALL, _l("All experts of this project, with the question")),
        ],
        default=AnswerFor.ASKER,
    )


class HideForm(FlaskForm):  # type: ignore[misc]
    """Why a question is kept from the other experts."""

    reason = TextAreaField(
        _l("Reason, which the expert who asked reads"),
        filters=[_trimmed],
        validators=[
            Length(
                REASON_LEAST,
                REASON_MOST,
                _l("Give the reason in 20 to 1,000 characters: the expert who asked reads it."),
            )
        ],
        render_kw={"maxlength": REASON_MOST},
    )
