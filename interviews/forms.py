"""What experts and readers send.

The names of the fields of a question are stable; programs that walk the pages rely on them:

- `position`: the number of the question, from the page.
- `answer`: a radio or checkbox whose value is the option's key in the bank (single, multiple,
  sentence), a number (numeric), or words (short).
- `rank_<option>`: the place of an option, from 1 (ordering).
- `answer_<part>`: the same as `answer`, for each part of a case.
- `remark`: what is wrong with the question, if anything.
- `measured`: counts of how an answer in words was written, from the page (`interviews.signals`).
- `unknown`: the button "I do not know this one"; nothing else needs to be filled in.

The `<form>` carries `data-item` with the item's id. `filled(item, language)` gives a right answer.
"""

import re
from collections.abc import Iterable
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields import SelectChoice
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from experts.fields import Field as Knowledge
from interviews import modes, untrusted
from interviews.items import (
    Case,
    Item,
    Multiple,
    Numeric,
    Ordering,
    Question,
    Sentence,
    Short,
    Single,
)
from interviews.models import Mode, State
from interviews.plan import WHOLE, Step

LETTERS_AT_MOST = 4000
NUMBER = re.compile(r"^[+-]?\d+(?:\.\d+)?$")
THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2}(?:[.,]\d{3})+$")
AROUND = re.compile(r"[\s€$£%]|'|\N{RIGHT SINGLE QUOTATION MARK}")


class StartForm(FlaskForm):  # type: ignore[misc]
    """The start of an interview, with the agreement to its terms."""

    field = HiddenField(validators=[AnyOf([field.value for field in Knowledge])])
    project = HiddenField()  # its number, where it is the interview of a project
    consent = BooleanField(
        _l("I have read what to expect, and I agree to be interviewed on these terms."),
        validators=[DataRequired(_l("Tick the box if you agree; without it nothing starts."))],
    )
    mode = RadioField(
        _l("How you want to take it"),
        choices=[SelectChoice(mode.value, words) for mode, words in modes.NAMES.items()],
        default=Mode.STRUCTURED.value,
    )
    ai_consent = BooleanField(_l("I agree to this, for interviews with the language model."))
    ai_version = HiddenField()

    def validate(self, extra_validators: Any = None) -> bool:
        """Take the way without a language model where none is chosen."""
        self.mode.data = self.mode.data or Mode.STRUCTURED.value
        return bool(super().validate(extra_validators))

    def offer(self, ways: Iterable[Mode]) -> None:
        """Show only the ways that there are."""
        self.mode.choices = [SelectChoice(one.value, modes.NAMES[one]) for one in ways]


class CorrectionForm(FlaskForm):  # type: ignore[misc]
    """What somebody corrects in an answer of theirs."""

    words = TextAreaField(
        _l("Your correction"),
        description=_l(
            "Your answer stays as you sent it; this stands beside it, with its time. It does not"
            " change your points by itself."
        ),
        validators=[
            DataRequired(_l("Write what is to be corrected.")),
            Length(max=LETTERS_AT_MOST, message=_l("Use at most 4,000 characters.")),
        ],
    )


class NumberField(StringField):  # type: ignore[misc]
    """A number as people write it, in either language."""

    def pre_validate(self, form: FlaskForm) -> None:
        """Refuse what is no number."""
        if (self.data or "").strip() and number_of(self.data) is None:
            raise ValidationError(_("Write a number in figures, such as 12 or 3.5."))


class TicksField(SelectMultipleField):  # type: ignore[misc]
    """Several options, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: FlaskForm) -> None:
        """Refuse what the page does not offer, without saying it again."""
        try:
            super().pre_validate(form)
        except ValidationError:
            raise ValidationError(_("Choose among the answers that the page shows.")) from None


class AnswerForm(FlaskForm):  # type: ignore[misc]
    """The answer to one question; `form_for` adds the fields of its kind."""

    position = HiddenField(validators=[DataRequired()])
    remark = TextAreaField(
        _l("What is wrong with it?"),
        description=_l("A person reads this. It does not change your points by itself."),
        validators=[Length(max=1000, message=_l("Use at most 1,000 characters."))],
    )

    measured = HiddenField()

    item: Item
    step: Step

    @property
    def is_unknown(self) -> bool:
        """Whether the person says that they do not know."""
        return "unknown" in request.form

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for an answer, unless the person says that they have none."""
        if self.is_unknown:
            return bool(self.position.validate(self) and self.remark.validate(self))
        return bool(super().validate(extra_validators)) and self._check_places()

    def given(self) -> dict[str, Any] | None:
        """Return the answer as it is stored; nothing for "I do not know"."""
        if self.is_unknown:
            return None
        question = self.item.question
        if isinstance(question, Case):
            parts = {
                key: _given(part, self[f"answer_{key}"]) for key, part in question.parts.items()
            }
            return {"parts": parts}
        if isinstance(question, Ordering):
            places = sorted(question.options, key=lambda key: int(self[f"rank_{key}"].data))
            return {"order": places}
        return _given(question, self["answer"])

    def ranks(self) -> list[Field]:
        """Return the places of an ordering, in the order of the page."""
        return [self[f"rank_{key}"] for key in self.step.order[WHOLE]]

    def _check_places(self) -> bool:
        if not isinstance(self.item.question, Ordering):
            return True
        used = [field.data for field in self.ranks()]
        for field in self.ranks():
            if used.count(field.data) > 1:
                words = _("Give each place once: %(place)s is given twice.", place=field.data)
                field.errors = [*field.errors, words]
        return len(set(used)) == len(used)


class VerdictForm(FlaskForm):  # type: ignore[misc]
    """What a person decides on an interview near the line."""

    verdict = RadioField(
        _l("Your decision"),
        choices=[
            SelectChoice(State.PASSED.value, _l("Passed")),
            SelectChoice(State.FAILED.value, _l("Not passed")),
        ],
        validators=[InputRequired(_l("Choose a decision."))],
    )
    met = TicksField(_l("Points that you find in the answer"), choices=[])
    why = TextAreaField(
        _l("Reasons"),
        description=_l("Only for “not passed”. The expert reads them."),
        validators=[Length(max=LETTERS_AT_MOST, message=_l("Use at most 4,000 characters."))],
    )
    change = TextAreaField(
        _l("What would have changed it"),
        description=_l("Only for “not passed”. The expert reads it."),
        validators=[Length(max=LETTERS_AT_MOST, message=_l("Use at most 4,000 characters."))],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for words where the decision is against the person."""
        sound = bool(super().validate(extra_validators))
        if self.verdict.data != State.FAILED:
            return sound
        for field in (self.why, self.change):
            if len((field.data or "").strip()) < 20:
                field.errors = [*field.errors, _("Write at least 20 characters.")]
                sound = False
        return sound

    @classmethod
    def with_missing(cls, missing: list[tuple[str, str]]) -> type["VerdictForm"]:
        """Return the form with the checks that nobody has found met yet."""
        choices = [SelectChoice(value, words) for value, words in missing]
        met = TicksField(_l("Points that you find in the answer"), choices=choices)
        return type("VerdictForm", (cls,), {"met": met})

    def found(self) -> set[tuple[int, str]]:
        """Return the checks that the person finds met."""
        pairs = (value.partition(":") for value in self.met.data or ())
        return {(int(position), check) for position, _colon, check in pairs}


def form_for(item: Item, step: Step, language: str) -> type[AnswerForm]:
    """Return the form of a question, with the options in the order of the plan."""
    fields: dict[str, Any] = {"item": item, "step": step}
    question = item.question
    if isinstance(question, Case):
        for key, part in question.parts.items():
            fields[f"answer_{key}"] = _field(part, step.order.get(key, []), language)
    elif isinstance(question, Ordering):
        for key in step.order[WHOLE]:
            fields[f"rank_{key}"] = _rank(question, key, language)
    else:
        fields["answer"] = _field(question, step.order.get(WHOLE, []), language)
    return type("AnswerForm", (AnswerForm,), fields)


def shown(text: str | None) -> str:
    """Return an answer in words; one that shows nothing is none."""
    return "" if untrusted.is_blank(text or "") else text or ""


def number_of(text: str | None) -> float | None:
    """Return a number that somebody wrote: 12, 3.5, 3,5, 12 000, 12,000 or 12.000,50."""
    bare = AROUND.sub("", text or "")
    if THOUSANDS.match(bare):
        bare = bare.replace(",", "").replace(".", "")
    elif "," in bare and "." in bare:
        decimal = max(",", ".", key=bare.rfind)
        bare = bare.replace("." if decimal == "," else ",", "").replace(decimal, ".")
    else:
        bare = bare.replace(",", ".")
    return float(bare) if NUMBER.match(bare) else None


def filled(item: Item, language: str = "en") -> dict[str, Any]:
    """Return the fields of a right answer, as a browser would send them."""
    question = item.question
    if isinstance(question, Case):
        return {f"answer_{key}": _filled(part, language) for key, part in question.parts.items()}
    if isinstance(question, Ordering):
        return {f"rank_{key}": str(place) for place, key in enumerate(question.answer, 1)}
    return {"answer": _filled(question, language)}


def _filled(question: Question, language: str) -> Any:
    if isinstance(question, Short):
        return question.accepted.in_(language)
    if isinstance(question, Numeric):
        return f"{question.answer:g}" if question.answer < 1e5 else f"{question.answer:.0f}"
    if isinstance(question, Single | Multiple | Sentence):
        return question.answer
    raise TypeError(question.kind)


def _field(question: Question, order: list[str], language: str) -> Field:
    label = question.prompt.in_(language)
    if isinstance(question, Numeric):
        return NumberField(label, validators=[DataRequired(_l("Write a number."))])
    if isinstance(question, Short):
        asked = _l("Write your answer, or say that you do not know.")
        most = Length(max=LETTERS_AT_MOST, message=_l("Use at most 4,000 characters."))
        return TextAreaField(label, filters=[shown], validators=[DataRequired(asked), most])
    if isinstance(question, Single | Multiple | Sentence):
        keys = order or list(question.options)
        choices = [SelectChoice(key, question.options[key].in_(language)) for key in keys]
        if isinstance(question, Multiple):
            asked = _l("Choose at least one answer.")
            return TicksField(label, choices=choices, validators=[DataRequired(asked)])
        return RadioField(
            label, choices=choices, validators=[InputRequired(_l("Choose one answer."))]
        )
    raise TypeError(question.kind)


def _rank(question: Ordering, key: str, language: str) -> Field:
    places = [SelectChoice(str(n), str(n)) for n in range(1, len(question.options) + 1)]
    return SelectField(
        question.options[key].in_(language),
        choices=[SelectChoice("", _l("Choose its place")), *places],
        validators=[InputRequired(_l("Choose a place."))],
    )


def _given(question: Question, field: Field) -> dict[str, Any]:
    if isinstance(question, Numeric):
        return {"number": number_of(field.data), "text": field.data.strip()}
    if isinstance(question, Multiple):
        return {"choices": sorted(field.data)}
    if isinstance(question, Short):
        return {"text": field.data.strip()}
    return {"choice": field.data}
