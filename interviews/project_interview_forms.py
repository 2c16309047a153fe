"""What an owner writes of a project's interview; asked for by GET, since looking saves nothing."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Form, HiddenField, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, NumberRange

from core.form_parts import WholeNumberField
from interviews import reach, terms
from interviews.forms import TicksField
from interviews.items import Adaptive, Bank, Retakes
from interviews.terms import MOST_MUST_COVER, MOST_QUESTIONS, Terms

HEAVIEST = 5
FROM_ONE = NumberRange(1, MOST_QUESTIONS, _l("Write a number from 1 to 60."))
PERCENT = NumberRange(0, 100, _l("Write a number from 0 to 100."))
ABOVE_NOTHING = NumberRange(1, 100, _l("Write a number from 1 to 100: at 0 everybody would pass."))
NEEDED = InputRequired(_l("Write a number."))


class TermsForm(Form):  # type: ignore[misc]
    """What a project asks; `form_of` adds a weight and a floor for each competency."""

    mark = WholeNumberField(_l("Level that is needed in all, in percent"), [NEEDED, ABOVE_NOTHING])
    least = WholeNumberField(_l("Questions at least"), [NEEDED, FROM_ONE])
    most = WholeNumberField(_l("Questions at most"), [NEEDED, FROM_ONE])
    follow_ups = SelectField(
        _l("Follow-up questions to an answer, at most"),
        choices=[SelectChoice(str(number), str(number)) for number in range(3)],
        description=_l("Only a language model that leads an interview asks them."),
    )
    must_cover = TicksField(_l("Questions that everybody gets"), choices=[])
    months = WholeNumberField(
        _l("Proofs count for so many months"),
        [NEEDED, NumberRange(1, 12, _l("Write a number from 1 to 12."))],
    )
    attempts = WholeNumberField(
        _l("Attempts in a year"), [NEEDED, NumberRange(1, 10, _l("Write a number from 1 to 10."))]
    )
    delay = WholeNumberField(
        _l("Days between two attempts"),
        [NEEDED, NumberRange(0, 90, _l("Write a number from 0 to 90."))],
    )

    bank: Bank

    def validate(self, extra_validators: Any = None) -> bool:
        """Ask for what fits together, and for what can be reached."""
        return self.fits_together(extra_validators) and self.is_within_reach()

    def fits_together(self, extra_validators: Any = None) -> bool:
        """Ask for what fits together."""
        sound = bool(super().validate(extra_validators))
        if any(self[f"w_{key}"].errors for key in self.bank.competencies):
            return False  # a program that sends what the page does not offer
        weights = self.weights()
        chosen: list[str] = self.must_cover.data or []
        if not weights:
            self[f"w_{next(iter(self.bank.competencies))}"].errors = [
                _("Let at least one competency count.")
            ]
            return False
        if not sound:
            return False
        wrong = [
            key for key in self.must_cover.data if self.bank.item(key).competency not in weights
        ]
        if wrong or len(self.must_cover.data) > MOST_MUST_COVER:
            self.must_cover.errors = [
                _("Choose at most %(most)s, in competencies that count.", most=MOST_MUST_COVER)
            ]
        first = max(len(weights) + len(chosen), self._number("least"))
        if self._number("most") < first:
            self.most.errors = [
                _(
                    "Write at least %(least)s: as many as at least, and one for each competency"
                    " and each question that everybody gets.",
                    least=first,
                )
            ]
        there = terms.there_are(weights, self.bank)
        if not self.most.errors and self._number("most") > there:
            self.most.errors = [
                _(
                    "Write at most %(there)s: so many questions there are for one interview in the"
                    " competencies that count.",
                    there=there,
                )
            ]
        return not (wrong or self.must_cover.errors or self.most.errors)

    def is_within_reach(self) -> bool:
        """Ask for levels that somebody who answers everything right comes to."""
        wanted = self.terms()
        highest, alone = reach.by_terms(wanted, self.bank), self.highest_alone(wanted)
        fields = {None: self.mark} | {key: self[f"f_{key}"] for key in wanted.weights}
        above = [key for key, one in fields.items() if (one.data or 0) > highest[key]]
        above_alone = [key for key, one in fields.items() if (one.data or 0) > alone.get(key, 100)]
        for key in above_alone:
            fields[key].errors = [
                _(
                    "Write at most %(most)s, or ask more questions: who has proven the rest before"
                    " is asked fewer, and comes to that level with all of them right.",
                    most=min(alone[key], highest[key]),
                )
            ]
        for key in set(above) - set(above_alone):
            fields[key].errors = [
                _(
                    "Write at most %(most)s, or ask more questions: who answers everything right"
                    " comes to that level.",
                    most=highest[key],
                )
            ]
        return not (above or above_alone)

    def highest_alone(self, wanted: Terms) -> dict[str | None, int]:
        """Return the levels that can be reached where one competency is left to ask."""
        return reach.alone(wanted, self.bank)

    def weights(self) -> dict[str, int]:
        """Return the weights of the competencies that count."""
        found = {key: int(self[f"w_{key}"].data or 0) for key in self.bank.competencies}
        return {key: weight for key, weight in found.items() if weight}

    def terms(self) -> Terms:
        """Return the terms as they were written."""
        weights, base = self.weights(), terms.of_bank(self.bank)
        narrowed = base.model_copy(update={"weights": weights})
        pool = [item for item in self.bank.items if item.competency in weights]
        seconds = sum(item.seconds for item in pool) / len(pool)
        return Terms(
            **narrowed.model_dump(
                include={"certainty", "open_hours", "contest_days", "weights"},
            ),
            floors={key: (self[f"f_{key}"].data or 0) / 100 for key in weights},
            pass_mark=self._number("mark") / 100,
            must_cover=sorted(self.must_cover.data or []),
            adaptive=Adaptive(least=self._number("least"), most=self._number("most")),
            follow_ups=int(self.follow_ups.data),
            minutes=max(1, round(seconds * self._number("most") / 60)),
            reuse_months=self._number("months"),
            retakes=Retakes(
                attempts=self._number("attempts"),
                within_days=365,
                delay_days=self._number("delay"),
                delay_days_unfinished=min(1, self._number("delay")),
            ),
        )

    def _number(self, name: str) -> int:
        return int(self[name].data or 0)

    def competencies(self) -> list[tuple[str, Any, Any]]:
        """Return the fields of each competency: its name, its weight, its floor."""
        return [(key, self[f"w_{key}"], self[f"f_{key}"]) for key in self.bank.competencies]


class SaveForm(FlaskForm):  # type: ignore[misc]
    """What the page has shown: the version that there was."""

    seen = HiddenField(validators=[InputRequired()])

    @property
    def version(self) -> int:
        """The version that the page was made from; nonsense is none."""
        return int(self.seen.data) if str(self.seen.data).isdecimal() else -1


def form_of(bank: Bank, language: str, base: type[TermsForm] = TermsForm) -> type[TermsForm]:
    """Return the form for the competencies and items of a bank."""
    fields: dict[str, Any] = {"bank": bank}
    choices = [SelectChoice("0", _l("Not asked"))]
    choices += [SelectChoice(str(n), _l("Weight %(number)s", number=n)) for n in range(1, 6)]
    for key, competency in bank.competencies.items():
        label = competency.label.in_(language)
        fields[f"w_{key}"] = SelectField(label, choices=choices, default="1")
        fields[f"f_{key}"] = WholeNumberField(
            _l("%(competency)s: level at least, in percent", competency=label), [NEEDED, PERCENT]
        )
    for_all = [
        SelectChoice(
            item.id,
            f"{bank.competencies[item.competency].label.in_(language)}: {item.title.in_(language)}",
        )
        for item in terms.for_all(terms.of_bank(bank), bank)
    ]
    fields["must_cover"] = TicksField(_l("Questions that everybody gets"), choices=for_all)
    return type("TermsForm", (base,), fields)


def filled(found: Terms, bank: Bank) -> dict[str, Any]:
    """Return what the form shows of some terms."""
    shown: dict[str, Any] = {
        "mark": round(found.pass_mark * 100),
        "least": found.adaptive.least,
        "most": found.adaptive.most,
        "follow_ups": str(found.follow_ups),
        "must_cover": found.must_cover,
        "months": found.reuse_months,
        "attempts": found.retakes.attempts,
        "delay": found.retakes.delay_days,
    }
    for key in bank.competencies:
        shown[f"w_{key}"] = str(min(found.weights.get(key, 0), HEAVIEST))
        shown[f"f_{key}"] = round(found.floors.get(key, bank.rule.floor) * 100)
    return shown
