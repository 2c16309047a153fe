"""What people need for their interviews, and how an operator answers."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from interviews import accommodations
from interviews.accommodation_models import EXTRA, WORDS_AT_MOST, Need

NO_MORE = SelectChoice("", _l("no more time"))
MORE = [SelectChoice(str(n), _l("%(share)s%% more time", share=n)) for n in EXTRA]


class NeedForm(FlaskForm):  # type: ignore[misc]
    """What somebody needs; nobody is asked why."""

    need = RadioField(
        _l("What you need"),
        choices=[SelectChoice(need.value, words) for need, words in accommodations.NAMES.items()],
        validators=[InputRequired(_l("Choose what you need."))],
    )
    extra_time = SelectField(_l("How much more time"), choices=[NO_MORE, *MORE], default="")
    words = TextAreaField(
        _l("What else you need"),
        description=_l("Say what would help, not why you need it. No diagnosis, no certificate."),
        validators=[Length(max=WORDS_AT_MOST, message=_l("Use at most 1,000 characters."))],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for the time or the words where they belong to what is needed."""
        sound = bool(super().validate(extra_validators))
        if self.need.data == Need.MORE_TIME and not self.extra_time.data:
            self.extra_time.errors = [_("Choose how much more time you need.")]
            sound = False
        if self.need.data == Need.OTHER and not (self.words.data or "").strip():
            self.words.errors = [_("Write what would help.")]
            sound = False
        return sound

    @property
    def extra(self) -> int | None:
        """Return the per cent of time, if any."""
        return int(self.extra_time.data) if self.extra_time.data else None


class AnswerNeedForm(FlaskForm):  # type: ignore[misc]
    """How an operator answers."""

    answer = RadioField(
        _l("Your answer"),
        choices=[
            SelectChoice("granted", _l("It is done, as the reply says")),
            SelectChoice("declined", _l("It cannot be done, for the reasons in the reply")),
        ],
        validators=[InputRequired(_l("Choose an answer."))],
    )
    extra_time = SelectField(
        _l("More time, if that is part of it"), choices=[NO_MORE, *MORE], default=""
    )
    reply = TextAreaField(
        _l("Reply"),
        description=_l("The person reads it in a letter. At least 20 characters."),
        validators=[Length(max=2000, message=_l("Use at most 2,000 characters."))],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for words, whichever the answer is."""
        sound = bool(super().validate(extra_validators))
        if len((self.reply.data or "").strip()) < accommodations.REASONS_AT_LEAST:
            self.reply.errors = [*self.reply.errors, _("Write at least 20 characters.")]
            sound = False
        return sound
