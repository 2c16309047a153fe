"""Forms of work samples: what an owner asks, a decision near the line, letting somebody in."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange

from annotation.sample import LEAST, MOST, Asked
from annotation.sample_models import GrantKind, SampleRule
from annotation.sample_outcome import WORDS_AT_LEAST
from core.form_parts import WholeNumberField


def _trimmed(words: str | None) -> str:
    return (words or "").strip()


def _between(least: int, most: int) -> list[Any]:
    words = _l("Write a whole number from %(least)s to %(most)s.", least=least, most=most)
    return [InputRequired(words), NumberRange(least, most, words)]


class SampleForm(FlaskForm):  # type: ignore[misc]
    """What experts are asked before their first task."""

    tasks = WholeNumberField(
        _l("Tasks"),
        _between(LEAST, MOST),
        description=_l("3 to 8 tasks with a known answer, chosen by lot for each expert."),
        default=5,
        render_kw={"min": LEAST, "max": MOST},
    )
    pass_percent = WholeNumberField(
        _l("Mean that passes, in percent"),
        _between(1, 100),
        description=_l("How far the answers meet the known ones, in the mean of the tasks."),
        default=70,
        render_kw={"min": 1, "max": 100},
    )
    floor_percent = WholeNumberField(
        _l("Least mean of each question of the form, in percent"),
        _between(0, 100),
        description=_l("Below it a person looks, also where the mean passes. 0 asks for none."),
        default=0,
        render_kw={"min": 0, "max": 100},
    )
    minutes = WholeNumberField(
        _l("Minutes for all tasks"),
        _between(5, 480),
        default=60,
        render_kw={"min": 5, "max": 480},
    )
    attempts = WholeNumberField(
        _l("Attempts allowed"), _between(1, 10), default=2, render_kw={"min": 1, "max": 10}
    )
    delay_days = WholeNumberField(
        _l("Days between attempts"),
        _between(0, 365),
        default=7,
        render_kw={"min": 0, "max": 365},
    )
    valid_days = WholeNumberField(
        _l("Days that a pass counts"),
        _between(30, 1825),
        default=365,
        render_kw={"min": 30, "max": 1825},
    )
    reveals = BooleanField(
        _l("Show the known answers at the end"),
        description=_l(
            "Experts learn most from them. Without it they see scores and which part differed."
        ),
    )
    paid = BooleanField(
        _l("Pay for it as for qualification tasks"),
        description=_l(
            "Each task handed in pays what your paid qualification says, whatever the result, from"
            " the budget; a later attempt pays nothing."
        ),
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask that no floor is above the mark."""
        whole = bool(super().validate(extra_validators))
        if whole and (self.floor_percent.data or 0) > (self.pass_percent.data or 0):
            self.floor_percent.errors = [_l("The floor cannot be above the mean that passes.")]
            return False
        return whole

    def asked(self) -> Asked:
        """Return what was written."""
        return Asked(
            tasks=self.tasks.data or 0,
            pass_share=(self.pass_percent.data or 0) / 100,
            floor_share=(self.floor_percent.data or 0) / 100,
            attempts=self.attempts.data or 0,
            delay_days=self.delay_days.data or 0,
            minutes=self.minutes.data or 0,
            valid_days=self.valid_days.data or 0,
            reveals=self.reveals.data,
            paid=self.paid.data,
        )


def filled_with(rule: SampleRule | None) -> SampleForm:
    """Return the form as a rule stands."""
    if rule is None:
        return SampleForm(formdata=None)
    values = {name: getattr(rule, name) for name in Asked.__dataclass_fields__}
    return SampleForm(
        formdata=None,
        data=values
        | {
            "pass_percent": round(rule.pass_share * 100),
            "floor_percent": round(rule.floor_share * 100),
        },
    )


class SampleVerdictForm(FlaskForm):  # type: ignore[misc]
    """A decision of a person near the line; a refusal has reasons."""

    verdict = RadioField(
        _l("Decision"),
        choices=[SelectChoice("passed", _l("Passed")), SelectChoice("failed", _l("Not passed"))],
        validators=[InputRequired(_l("Choose one."))],
    )
    why = TextAreaField(
        _l("Why"),
        description=_l("Where it is not passed: the expert reads it, and may contest it."),
        filters=[_trimmed],
        validators=[Length(max=4000, message=_l("Use 4,000 characters at most."))],
    )
    change = TextAreaField(
        _l("What would have changed it"),
        filters=[_trimmed],
        validators=[Length(max=4000, message=_l("Use 4,000 characters at most."))],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for words where the decision is adverse."""
        whole = bool(super().validate(extra_validators))
        if self.verdict.data != "failed":
            return whole
        short = _l(
            "Write at least %(letters)s characters, so that the other side can follow you.",
            letters=WORDS_AT_LEAST,
        )
        for field in (self.why, self.change):
            if len(field.data) < WORDS_AT_LEAST:
                field.errors = [short]
                whole = False
        return whole


class GrantForm(FlaskForm):  # type: ignore[misc]
    """Letting an expert in by hand, or another try."""

    kind = RadioField(
        _l("What you grant"),
        choices=[
            SelectChoice(GrantKind.LET_IN.value, _l("Let in without a work sample")),
            SelectChoice(GrantKind.ANOTHER_TRY.value, _l("Another try, at once")),
        ],
        validators=[AnyOf(list(GrantKind), _l("Choose one."))],
    )
    words = TextAreaField(
        _l("Why"),
        description=_l("It stands in the audit trail under your name."),
        filters=[_trimmed],
        validators=[
            Length(min=5, max=1000, message=_l("Say why in 5 to 1,000 characters.")),
        ],
    )
