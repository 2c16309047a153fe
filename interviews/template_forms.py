"""What an operator writes of the interviews in a field; asked for by GET, as of a project."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField
from wtforms.validators import InputRequired, NumberRange

from core.form_parts import WholeNumberField
from interviews import project_interview_forms, terms
from interviews.items import Bank
from interviews.project_interview_forms import TermsForm
from interviews.terms import LONGEST_HOURS, LONGEST_MINUTES, Terms


def _between(least: int, most: int) -> list[Any]:
    words = _l("Write a whole number from %(least)s to %(most)s.", least=least, most=most)
    return [InputRequired(words), NumberRange(least, most, words)]


class FieldForm(TermsForm):
    """What interviews in a field ask, with all that a project takes from its field."""

    attempts = WholeNumberField(_l("Attempts at most"), _between(1, 10))
    certainty = WholeNumberField(
        _l("Certainty with which the rule decides, in percent"), _between(60, 99)
    )
    minutes = WholeNumberField(_l("Minutes at most"), _between(1, LONGEST_MINUTES))
    open_hours = WholeNumberField(_l("Hours that it stays open"), _between(1, LONGEST_HOURS))
    within = WholeNumberField(_l("Days in which attempts are counted"), _between(1, 1825))
    delay_unfinished = WholeNumberField(
        _l("Days after an attempt that was not finished"), _between(0, 90)
    )
    other_items = BooleanField(_l("Ask other questions at a retake, as far as there are any"))
    free_after_outage = BooleanField(
        _l("An interview that breaks off for a fault of ours does not count as an attempt")
    )
    contest_days = WholeNumberField(_l("Days to contest a result"), _between(7, 365))
    # A field's interview asks for no earlier proofs, so they have no age.
    months = WholeNumberField(default=terms.REUSE_MONTHS)

    def fits_together(self, extra_validators: Any = None) -> bool:
        """Ask that the time is enough for the questions, beside what a project is asked."""
        self.months.data = terms.REUSE_MONTHS
        if not super().fits_together(extra_validators):
            return False
        needed = self._minutes_of(self._number("most"))
        if self._number("minutes") < needed:
            self.minutes.errors = [
                _(
                    "So many questions take about %(needed)s minutes. Write at least as many, or"
                    " ask fewer questions.",
                    needed=needed,
                )
            ]
            return False
        return True

    def highest_alone(self, wanted: Terms) -> dict[str | None, int]:
        """Return nothing: a field's interview takes no earlier proofs, so it has no parts."""
        return {}

    def terms(self) -> Terms:
        """Return the terms as they were written."""
        base = super().terms().model_dump()
        return Terms.model_validate(
            base
            | {
                "certainty": self._number("certainty") / 100,
                "minutes": self._number("minutes"),
                "open_hours": self._number("open_hours"),
                "contest_days": self._number("contest_days"),
                "other_items": bool(self.other_items.data),
                "free_after_outage": bool(self.free_after_outage.data),
                "retakes": {
                    "attempts": self._number("attempts"),
                    "within_days": self._number("within"),
                    "delay_days": self._number("delay"),
                    "delay_days_unfinished": self._number("delay_unfinished"),
                },
            }
        )

    def _minutes_of(self, questions: int) -> int:
        pool = [item.seconds for item in self.bank.items if item.competency in self.weights()]
        return max(1, round(sum(pool) / len(pool) * questions / 60))


def form_of(bank: Bank, language: str) -> type[FieldForm]:
    """Return the form for the competencies and items of a bank."""
    kind = project_interview_forms.form_of(bank, language, FieldForm)
    assert issubclass(kind, FieldForm)
    return kind


def filled(found: Terms, bank: Bank) -> dict[str, Any]:
    """Return what the form shows of some terms."""
    return project_interview_forms.filled(found, bank) | {
        "certainty": round(found.certainty * 100),
        "minutes": found.minutes,
        "open_hours": found.open_hours,
        "within": found.retakes.within_days,
        "delay_unfinished": found.retakes.delay_days_unfinished,
        "other_items": found.other_items,
        "free_after_outage": found.free_after_outage,
        "contest_days": found.contest_days,
    }
