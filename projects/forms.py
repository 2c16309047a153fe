"""What owners send about their projects, and experts about invitations."""

import re
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DecimalField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import TextInput

from core import formats, money
from core.form_parts import WholeNumberField
from core.money import Money
from core.once import new_key
from experts.fields import Field
from experts.forms import country_choices, language_choices, stripped
from payouts.policy import CURRENCIES
from projects import config, label_config, lifecycle
from projects.config import Kind
from projects.models import Project, Validation

LEASES = {
    30: _l("30 minutes"),
    60: _l("1 hour"),
    120: _l("2 hours"),
    240: _l("4 hours"),
    480: _l("8 hours"),
    1440: _l("24 hours"),
    4320: _l("3 days"),
    10080: _l("7 days"),
}
LEVELS = (50, 60, 70, 80, 90)
NONE = SelectChoice("", "–")
WORDS_MOST = 20_000
LINES_MOST, LINE_MOST = 200, 200
BOTH = _l("Write both: how many tasks, and how much for each.")


class AmountField(DecimalField):  # type: ignore[misc]
    """An amount of money, with a point or a comma; what was typed is kept when it is wrong."""

    # A browser's number field would take the comma or the point, but not both.
    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        plain = f"{self.data:.2f}"
        return plain.replace(".", ",") if formats.locale().language == "fr" else plain

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the amount without going through a float."""
        if not valuelist:
            return
        self.data: Decimal | None = None
        plain = re.sub(r"[\s\u00a0\u202f]", " ", valuelist[0]).strip()
        # "1,000" is a thousand to some and one to others, "4 20" four twenty or hundreds: nobody's
        # pay is guessed.
        if not re.fullmatch(r"([0-9]{1,9}|[0-9]{1,3}( [0-9]{3}){1,2})([.,][0-9]{1,2})?", plain):
            raise ValueError(_("Write an amount such as 4.20."))
        self.data = Decimal(plain.replace(" ", "").replace(",", "."))


class StepForm(FlaskForm):  # type: ignore[misc]
    """A step of a draft. `seen` says how the step stood when the page was opened."""

    seen = HiddenField()

    def values(self, project: Project) -> dict[str, Any]:
        """Return the columns that the step writes."""
        raise NotImplementedError


class BriefForm(StepForm):
    """What the work is, and what the experts shall do."""

    title = StringField(
        _l("Title"),
        description=_l("Experts see it in the invitation."),
        filters=[stripped],
        validators=[
            DataRequired(_l("Write a title.")),
            Length(max=120, message=_l("Use 120 characters at most.")),
        ],
        render_kw={"autocomplete": "off"},
    )
    field = SelectField(
        _l("Field"), choices=[SelectChoice(field.value, field.label) for field in Field]
    )
    language = SelectField(_l("Language of the texts"), choices=language_choices)
    brief = TextAreaField(
        _l("Brief"),
        description=_l("What the work is and what it is for. Experts read it before they answer."),
        filters=[stripped],
        validators=[Length(max=WORDS_MOST, message=_l("Use 20,000 characters at most."))],
    )
    guidelines = TextAreaField(
        _l("Guidelines"),
        description=_l(
            "How each case is to be decided. Number the clauses: a refusal must name one."
        ),
        filters=[stripped],
        validators=[Length(max=WORDS_MOST, message=_l("Use 20,000 characters at most."))],
    )

    def values(self, project: Project) -> dict[str, Any]:
        """Return the columns; a language that was named first is also asked of experts."""
        names = ("title", "field", "language", "brief", "guidelines")
        found: dict[str, Any] = {name: self[name].data for name in names}
        if not project.languages or project.languages == [project.language]:
            found["languages"] = [self.language.data]
        return found


class NewProjectForm(BriefForm):
    """The first step, which makes the draft."""

    once = HiddenField(default=new_key)
    organisation = SelectField(_l("Organisation"), coerce=int)
    currency = SelectField(
        _l("Currency"),
        description=_l("Of the budget and of the pay. It cannot be changed later."),
        choices=[SelectChoice(code, code.upper()) for code in CURRENCIES],
        default="eur",
    )


class LabelsForm(StepForm):
    """What experts answer with: a template filled with words, or a config of one's own."""

    template = HiddenField(default=Kind.CLAUSES.value)
    choices = TextAreaField(_l("Answers to choose from"), description=_l("One on each line."))
    spans = TextAreaField(_l("Marks for passages"), description=_l("One on each line."))
    config = TextAreaField(
        _l("Config"), description=_l("Label Studio’s XML. Each $name is a field of the tasks.")
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project

    @property
    def kind(self) -> Kind:
        """Return the template that the form fills."""
        known = self.template.data in tuple(Kind)
        return Kind(self.template.data) if known else Kind.OWN

    @property
    def built(self) -> str:
        """Return the config that the form stands for."""
        if self.kind is Kind.OWN:
            return (self.config.data or "").replace("\r\n", "\n").strip()
        choices, spans = self.choices.data or "", self.spans.data or ""
        return config.build(self.kind, config.lines(choices), config.lines(spans))

    def validate_choices(self, field: TextAreaField) -> None:
        """Ask for two answers at least, each named once."""
        if config.TEMPLATES[self.kind].choices:
            _check_list(config.lines(field.data or ""), least=2)

    def validate_spans(self, field: TextAreaField) -> None:
        """Ask for one mark at least, each named once."""
        if config.TEMPLATES[self.kind].spans:
            _check_list(config.lines(field.data or ""), least=1)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check the config that the whole form stands for, where each part of it is right."""
        if not super().validate(extra_validators):
            return False
        wrong = self._problems()
        # Where the config is written the words stand beside it, else above the form.
        (self.config.errors if self.kind is Kind.OWN else self.form_errors).extend(wrong)
        return not wrong

    def _problems(self) -> list[str]:
        problems = label_config.config_problems(self.built)
        if problems:
            return problems
        lacking = lifecycle.fields_lacking(self.project, self.built)
        if not lacking:
            return []
        words = _(
            "The tasks in this project were not checked for: %(fields)s. Use the fields that they "
            "have.",
            fields=", ".join(lacking),
        )
        return [words]

    def values(self, project: Project) -> dict[str, Any]:
        """Return the column."""
        return {"label_config": self.built}


class PayForm(StepForm):
    """Price and rules."""

    price = AmountField(
        _l("Pay for a task"),
        description=_l("What an expert receives for each accepted answer. The fee comes on top."),
        validators=[InputRequired(_l("Write what an expert receives for a task."))],
    )
    usual_minutes = WholeNumberField(
        _l("Usual time of a task, in minutes"),
        description=_l("Your estimate. Experts see it with the rate by the hour."),
        validators=[
            InputRequired(_l("Write a whole number of minutes.")),
            NumberRange(1, 2880, _l("Write a number of minutes from 1 to 2,880.")),
        ],
        render_kw={"min": 1, "max": 2880},
    )
    overlap = WholeNumberField(
        _l("Experts on each task"),
        description=_l("With two or more their agreement can be measured."),
        validators=[
            InputRequired(_l("Write a whole number.")),
            NumberRange(1, 20, _l("Write a number from 1 to 20.")),
        ],
        render_kw={"min": 1, "max": 20},
    )
    validation = RadioField(
        _l("What decides whether work is accepted"),
        choices=[SelectChoice(rule.value, rule.label) for rule in Validation],
        validators=[InputRequired(_l("Choose one of the two."))],
    )
    lease_minutes = SelectField(
        _l("Deadline of a task, from its start"),
        coerce=int,
        choices=[SelectChoice(minutes, words) for minutes, words in LEASES.items()],
    )
    review_days = WholeNumberField(
        _l("Days for your review"),
        description=_l("If you say nothing within them, the work is accepted and paid."),
        validators=[
            InputRequired(_l("Write a whole number of days.")),
            NumberRange(1, 21, _l("Write a number of days from 1 to 21.")),
        ],
        render_kw={"min": 1, "max": 21},
    )

    qualification_tasks = WholeNumberField(
        _l("Qualification tasks of each expert"),
        description=_l("So many first tasks are paid on handing in, whatever becomes of them."),
        validators=[
            Optional(),
            NumberRange(0, 20, _l("Write a number from 0 to 20.")),
        ],
        render_kw={"min": 0, "max": 20},
    )
    qualification = AmountField(
        _l("Pay for a qualification task"),
        description=_l("The pay for the task comes on top if it is accepted. The fee on both."),
        validators=[Optional()],
    )
    review = AmountField(
        _l("Pay for a review"),
        description=_l(
            "For members of your organisation who are experts here too, for each verdict. "
            "Empty: reviews are not paid."
        ),
        validators=[Optional()],
    )

    most_a_day = WholeNumberField(
        _l("Tasks that one expert may take in 24 hours"),
        description=_l("Empty: as many as they want."),
        validators=[Optional(), NumberRange(1, 10_000, _l("Write a number from 1 to 10,000."))],
        render_kw={"min": 1, "max": 10_000},
    )
    most_each = WholeNumberField(
        _l("Tasks that one expert may take in all"),
        description=_l("So that answers come from several people. Empty: as many as they want."),
        validators=[
            Optional(),
            NumberRange(1, 1_000_000, _l("Write a number from 1 to 1,000,000.")),
        ],
        render_kw={"min": 1, "max": 1_000_000},
    )

    tasks_in_hand = WholeNumberField(
        _l("Tasks that one expert may have in hand at a time"),
        description=_l(
            "With 1 the next task comes when one is handed in. With more, the next ones wait for "
            "the expert already, unseen, so that work goes on without a pause. Their time begins "
            "when they are shown; they go back to all when the expert is away, and none wait when "
            "few tasks are left."
        ),
        validators=[Optional(), NumberRange(1, 5, _l("Write a number from 1 to 5."))],
        render_kw={"min": 1, "max": 5},
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def validate_qualification_tasks(self, field: WholeNumberField) -> None:
        """Ask for an amount where there is a number."""
        if field.data and not self.qualification.data:
            raise ValidationError(BOTH)

    def validate_qualification(self, field: AmountField) -> None:
        """Ask for a number where there is an amount, in whole cents."""
        if field.data and not self.qualification_tasks.data:
            raise ValidationError(BOTH)
        if field.data:
            self.validate_price(field)

    def validate_review(self, field: AmountField) -> None:
        """Ask for whole cents."""
        if field.data:
            self.validate_price(field)

    def validate_price(self, field: AmountField) -> None:
        """Ask for whole cents, and for a pay that the budget can be paid in for."""
        if field.data is None:
            return  # it could not be read, and says so
        try:
            pay = money.from_decimal(field.data, self.currency)
        except ValueError:
            raise ValidationError(_("Write an amount in whole cents, such as 4.20.")) from None
        most = Money(1_000_000, self.currency)
        if not Money(0, self.currency) < pay <= most:
            words = _("Write an amount above zero, up to %(most)s.", most=formats.money(most))
            raise ValidationError(words)

    def values(self, project: Project) -> dict[str, Any]:
        """Return the columns."""
        names = ("usual_minutes", "overlap", "validation", "lease_minutes", "review_days")
        return {
            "price_minor": self._minor(self.price),
            "qualification_tasks": self.qualification_tasks.data or 0,
            "qualification_minor": self._minor(self.qualification),
            "review_minor": self._minor(self.review),
            "most_a_day": self.most_a_day.data,
            "most_each": self.most_each.data,
            "tasks_in_hand": self.tasks_in_hand.data or project.tasks_in_hand,
            **{name: self[name].data for name in names},
        }

    def _minor(self, field: AmountField) -> int:
        return money.from_decimal(Decimal(field.data or 0), self.currency).minor


class CriteriaForm(StepForm):
    """Whom the project is offered to."""

    experts_needed = WholeNumberField(
        _l("Experts to find"),
        description=_l("So many are invited; where one says no, the next is asked."),
        validators=[
            InputRequired(_l("Write a whole number.")),
            NumberRange(1, 10_000, _l("Write a number from 1 to 10,000.")),
        ],
        render_kw={"min": 1, "max": 10_000},
    )
    level = SelectField(
        _l("Level of the interview, at least"),
        coerce=int,
        choices=[SelectChoice(level, _l("%(level)s of 100", level=level)) for level in LEVELS],
    )
    min_years = WholeNumberField(
        _l("Years of practice, at least"),
        validators=[
            InputRequired(_l("Write a whole number of years; 0 is fine.")),
            NumberRange(0, 70, _l("Write a number of years from 0 to 70.")),
        ],
        render_kw={"min": 0, "max": 70},
    )
    language_1 = SelectField(
        _l("Language"),
        choices=language_choices,
        validators=[DataRequired(_l("Choose a language that the experts must know."))],
    )
    language_2 = SelectField(_l("Second language"), choices=lambda: [NONE, *language_choices()])
    country_1 = SelectField(
        _l("Country of practice"),
        choices=lambda: [SelectChoice("", _l("Any country")), *country_choices()],
    )
    country_2 = SelectField(_l("Or this country"), choices=lambda: [NONE, *country_choices()])
    country_3 = SelectField(_l("Or this country"), choices=lambda: [NONE, *country_choices()])

    def __init__(self, *args: Any, level_most: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.level_most = level_most

    def validate_level(self, field: SelectField) -> None:
        """Keep the door open for those who take part already."""
        if self.level_most is not None and field.data > self.level_most:
            raise ValidationError(
                _(
                    "Choose %(level)s or less: those who take part were asked for that.",
                    level=self.level_most,
                )
            )

    def values(self, project: Project) -> dict[str, Any]:
        """Return the columns; a language or country that is named twice counts once."""
        return {
            "experts_needed": self.experts_needed.data,
            "min_level": self.level.data / 100,
            "min_years": self.min_years.data,
            "languages": _named(self.language_1, self.language_2),
            "countries": _named(self.country_1, self.country_2, self.country_3),
        }


class GuidelinesForm(FlaskForm):  # type: ignore[misc]
    """A new version of the guidelines of a published project."""

    text = TextAreaField(
        _l("Guidelines"),
        description=_l("How each case is to be decided. Number the clauses."),
        filters=[stripped],
        validators=[
            DataRequired(_l("Write what the experts shall do.")),
            Length(max=WORDS_MOST, message=_l("Use 20,000 characters at most.")),
        ],
    )


class DeclineForm(FlaskForm):  # type: ignore[misc]
    """A no, with a reason or without."""

    words = TextAreaField(
        _l("Why not"),
        description=_l("The owner reads it. It counts nowhere."),
        filters=[stripped],
        validators=[Length(max=1000, message=_l("Use 1,000 characters at most."))],
    )


def _check_list(values: list[str], *, least: int) -> None:
    if len(values) < least:
        raise ValidationError(_("Write at least %(least)s, one on each line.", least=least))
    if len(values) > LINES_MOST:
        raise ValidationError(_("Write %(most)s lines at most.", most=LINES_MOST))
    if any(len(value) > LINE_MOST for value in values):
        raise ValidationError(_("Use %(most)s characters at most on a line.", most=LINE_MOST))
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValidationError(
            _(
                "Write “%(value)s” only once. Two that are alike cannot be told apart.",
                value=twice[0],
            )
        )


def _named(*fields: SelectField) -> list[str]:
    return list(dict.fromkeys(field.data for field in fields if field.data))
