"""What a template adds to the reasons of a result: weights, and what was proven before."""

from flask_babel import gettext as _

from core import formats
from interviews.items import Bank, Text
from interviews.terms import Applied, Terms


def asked(found: Terms, bank: Bank) -> str:
    """Name the competencies that count, with their weights."""
    return ", ".join(
        f"{_name(bank.competencies[key].label)} ({formats.number(found.weights[key])})"
        for key in bank.competencies
        if key in found.weights
    )


def floors(bank: Bank) -> str:
    """Say which level each competency needs by itself."""
    levels = {key: bank.rule.floor_of(key) for key in bank.competencies}
    if len(set(levels.values())) == 1:
        floor = formats.percent(next(iter(levels.values())))
        return str(_("and at least %(floor)s in each competency.", floor=floor))
    each = ", ".join(
        _pair(bank.competencies[key].label, formats.percent(floor)) for key, floor in levels.items()
    )
    return str(_("and at least in each competency: %(floors)s.", floors=each))


def beside(bank: Bank) -> list[str]:
    """Say what a template adds to the rule of a bank: weights, and what was proven before."""
    if not isinstance(bank, Applied):
        return []
    found = []
    if len(set(bank.weights.values())) > 1:
        counted = ", ".join(
            _pair(bank.called[key], formats.number(round(weight)))
            for key, weight in bank.weights.items()
        )
        found.append(_("The competencies count by their weight: %(weights)s.", weights=counted))
    if bank.part.reused:
        had = ", ".join(
            _pair(bank.called[key], formats.percent(level))
            for key, level in bank.part.reused.items()
        )
        words = _(
            "What was proven before counted as well: %(levels)s. So %(rest)s was needed of what was"
            " asked, for %(mark)s in all.",
            levels=had,
            rest=formats.percent(bank.rule.pass_mark),
            mark=formats.percent(bank.terms.pass_mark),
        )
        found.append(words)
    return [str(words) for words in found]


def _pair(label: Text, value: str) -> str:
    return str(_("%(name)s: %(value)s", name=_name(label), value=value))


def _name(label: Text) -> str:
    return label.in_(formats.locale().language)
