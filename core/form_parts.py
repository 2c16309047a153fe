"""What the macros of `_fields.html` ask about a WTForms form, and a field of many forms.

No words of ours, no rules.
"""

import re
from collections.abc import Iterator
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from wtforms import Field, Form, IntegerField
from wtforms.fields import FieldList, FormField


class WholeNumberField(IntegerField):  # type: ignore[misc]
    """A whole number; where it cannot be read, the validators' words are the only ones."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read digits, with the spaces that some set between thousands."""
        self.data = None
        plain = "".join(valuelist[0].split()) if valuelist else ""
        if re.fullmatch(r"[+-]?[0-9]{1,9}", plain):
            self.data = int(plain)


def csrf_field() -> Markup:
    """Return the hidden field of a form that has no WTForms form behind it."""
    if "csrf" not in current_app.extensions:
        return Markup("")
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def hidden_fields(form: Form) -> Markup:
    """Return the hidden fields without ids, so that two forms may share a page."""
    found = [field for field in form if getattr(field.widget, "input_type", "") == "hidden"]
    shown = Markup("").join(field(id=False) for field in found)
    return shown if any(field.name == "csrf_token" for field in found) else csrf_field() + shown


def control_attributes(field: Field, hint: Any, base: str, more: dict[str, Any]) -> dict[str, Any]:
    """Return what ties a control to its hint and its error."""
    given = {name.rstrip("_").replace("_", "-"): value for name, value in more.items()}
    classes = [base, given.pop("class", ""), "is-invalid" if field.errors else ""]
    tied = f"{described_by(field, hint)} {given.pop('aria-describedby', '')}".strip()
    if field.errors:
        given["aria-invalid"] = "true"
    if tied:
        given["aria-describedby"] = tied
    return {"class_": " ".join(filter(None, classes)), **given}


def described_by(field: Field, hint: Any) -> str:
    """Return the ids of a field's hint and error, those of them that are shown."""
    words = field.description if hint is None else hint
    ids = [f"{field.id}-hint"] if words else []
    return " ".join([*ids, f"{field.id}-error"] if error_words(field) else ids)


def error_words(field: Field) -> str:
    """Return what is wrong with a field itself; its parts speak for themselves."""
    return " ".join(str(words) for words in field.errors if not isinstance(words, (list, dict)))


def field_errors(form: Form) -> list[tuple[str | None, str]]:
    """Return every error of a form with the id of the control to go to."""
    whole = [(None, str(words)) for words in getattr(form, "form_errors", ())]
    return whole + [found for field in form for found in _errors_of(field)]


def _errors_of(field: Field) -> Iterator[tuple[str | None, str]]:
    if isinstance(field, FormField):
        yield from field_errors(field.form)
        return
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from _errors_of(entry)
    hidden = getattr(field.widget, "input_type", "") == "hidden"
    words = error_words(field)
    if words:
        yield (None, words) if hidden else (_first_control(field), _named(field, words))


def _first_control(field: Field) -> str:
    options = field if field.type in ("RadioField", "SelectMultipleField") else ()
    first = next(iter(options), None)
    return str(first.id if first is not None else field.id)


def _named(field: Field, words: str) -> str:
    label = str(field.label.text)
    if label.endswith(("?", ".", ":", "!", "…")):  # a label that is a sentence ends by itself
        return f"{label} {words}"
    return str(_("%(label)s: %(problem)s", label=label, problem=words))
