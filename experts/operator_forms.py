"""Forms of operators about an expert: proposals against them, licences not recognised."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from experts.models import AccountStanding
from experts.restrictions import REASONS, WORDS_AT_LEAST, Proposal

ENOUGH = Length(
    min=WORDS_AT_LEAST, max=4000, message=_l("Write 20 to 4,000 characters: the expert reads it.")
)


def _trimmed(words: str | None) -> str:
    return (words or "").strip()


class ProposalForm(FlaskForm):  # type: ignore[misc]
    """What is proposed against an expert, with all reasons."""

    standing = RadioField(
        _l("What do you propose?"),
        choices=[
            SelectChoice(
                AccountStanding.RESTRICTED.value, _l("Restrict: no new invitations and tasks")
            ),
            SelectChoice(AccountStanding.REMOVED.value, _l("Remove: no work here any more")),
        ],
        validators=[InputRequired(_l("Choose one of the two."))],
    )
    reason_code = SelectField(
        _l("Reason"), choices=[SelectChoice(code, words) for code, words in REASONS.items()]
    )
    words = TextAreaField(_l("Why"), filters=[_trimmed], validators=[ENOUGH])
    evidence = TextAreaField(_l("Evidence"), filters=[_trimmed], validators=[ENOUGH])
    would_change = TextAreaField(
        _l("What would have changed it"), filters=[_trimmed], validators=[ENOUGH]
    )

    def proposal(self) -> Proposal:
        """Return what was said, for the domain."""
        return Proposal(
            AccountStanding(self.standing.data),
            self.reason_code.data,
            self.words.data,
            self.evidence.data,
            self.would_change.data,
        )


class RefusalForm(FlaskForm):  # type: ignore[misc]
    """Why a licence is not recognised."""

    words = TextAreaField(_l("Why"), filters=[_trimmed], validators=[ENOUGH])
    evidence = TextAreaField(_l("Evidence"), filters=[_trimmed], validators=[ENOUGH])
