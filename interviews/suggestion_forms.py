"""What a person makes of a suggestion before it goes into their profile: the words are theirs.

The fields are those of the profile, so that the same is allowed here as there.
"""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from experts.forms import LicenceForm, ProfileForm
from interviews.suggestions import ABOUT_AT_MOST
from interviews.talk_models import ProfilePart, Suggestion


def tidy(words: str | None) -> str:
    """Return what was typed with line ends as they were said, without the spaces around it."""
    return (words or "").replace("\r\n", "\n").strip()


class PartForm(FlaskForm):  # type: ignore[misc]
    """A part of a profile, filled with what is suggested for it."""

    def value(self) -> dict[str, Any]:
        """Return what was made of it, as a suggestion holds it."""
        return {name: field.data for name, field in self._fields.items() if name != "csrf_token"}


class HeadlineForm(PartForm):
    """One line about somebody's work."""

    text = ProfileForm.headline


class AboutForm(PartForm):
    """Words that are added to those about somebody's experience."""

    text = TextAreaField(
        _l("Words to add to “About your experience”"),
        filters=[tidy],
        validators=[
            DataRequired(_l("Write what should stand in your profile, or leave it out.")),
            Length(max=ABOUT_AT_MOST, message=_l("Use 4,000 characters at most.")),
        ],
    )


class YearsForm(PartForm):
    """How many years somebody has practised."""

    years = ProfileForm.years


class HeldForm(PartForm):
    """A licence, diploma or membership."""

    title = LicenceForm.title
    issuer = LicenceForm.issuer


FORMS: dict[ProfilePart, type[PartForm]] = {
    ProfilePart.HEADLINE: HeadlineForm,
    ProfilePart.ABOUT: AboutForm,
    ProfilePart.YEARS: YearsForm,
    ProfilePart.LICENCE: HeldForm,
}


def prefix(one: Suggestion) -> str:
    """Return what the names of the fields of a suggestion begin with; several share a page."""
    return f"s{one.id}"


def form_for(one: Suggestion) -> PartForm:
    """Return the form of a suggestion, filled with what was found."""
    return FORMS[one.part](formdata=None, prefix=prefix(one), data=one.value)
