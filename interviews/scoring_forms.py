"""What a person sends who reads an answer: the checks that it makes, with its words or none."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, Length

from experts.fields import Field
from interviews import quotes, rubrics
from interviews.items import Item


class ReadingForm(FlaskForm):  # type: ignore[misc]
    """A reading of one answer; `for_item` adds a box and a line of words for each check."""

    keys: tuple[str, ...] = ()
    text = ""

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask that each quote stands in the answer."""
        sound = bool(super().validate(extra_validators))
        for key in self.keys:
            field = self[f"quote_{key}"]
            quote = (field.data or "").strip()
            if quote and not field.errors and quotes.verified(quote, self.text) is None:
                words = _("Select words of the answer: these do not stand in it.")
                field.errors = [*field.errors, words]
                sound = False
        return sound

    def said(self) -> dict[str, str]:
        """Return the checks that are met, with their words."""
        return {
            key: (self[f"quote_{key}"].data or "").strip()
            for key in self.keys
            if self[f"met_{key}"].data
        }

    def rows(self) -> list[tuple[Any, Any]]:
        """Return the two fields of each check."""
        return [(self[f"met_{key}"], self[f"quote_{key}"]) for key in self.keys]

    @classmethod
    def for_item(cls, item: Item, text: str, language: str) -> type["ReadingForm"]:
        """Return the form of an answer to an item."""
        checks = rubrics.short(item).checks
        fields: dict[str, Any] = {"keys": tuple(checks), "text": text}
        for key, check in checks.items():
            fields[f"met_{key}"] = BooleanField(check.words.in_(language))
            fields[f"quote_{key}"] = StringField(
                _l("Words of the answer that make it"),
                validators=[
                    Length(max=quotes.QUOTE_AT_MOST, message=_l("Select 400 characters at most."))
                ],
            )
        return type("ReadingForm", (cls,), fields)


class FrozenForm(FlaskForm):  # type: ignore[misc]
    """A reading of an answer of the frozen set: which checks are met, and no more."""

    keys: tuple[str, ...] = ()

    def met(self) -> list[str]:
        """Return the checks that are met."""
        return [key for key in self.keys if self[f"met_{key}"].data]

    def boxes(self) -> list[Any]:
        """Return the box of each check."""
        return [self[f"met_{key}"] for key in self.keys]

    @classmethod
    def for_item(cls, item: Item, language: str) -> type["FrozenForm"]:
        """Return the form of an answer to an item."""
        checks = rubrics.short(item).checks
        fields: dict[str, Any] = {"keys": tuple(checks)}
        for key, check in checks.items():
            fields[f"met_{key}"] = BooleanField(check.words.in_(language))
        return type("FrozenForm", (cls,), fields)


class CloseForm(FlaskForm):  # type: ignore[misc]
    """Why an operator closes the gate of the judges in a field."""

    version = HiddenField(validators=[DataRequired()])
    field = HiddenField(validators=[AnyOf([field.value for field in Field])])
    words = TextAreaField(
        _l("Why you close it"),
        description=_l("Whoever runs this instance reads it on this page."),
        validators=[
            DataRequired(_l("Say why you close it.")),
            Length(min=10, max=1000, message=_l("Use 10 to 1,000 characters.")),
        ],
    )
