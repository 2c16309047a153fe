"""Words for what a bank is made of: kinds, places in an item, how hard something is."""

from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core import formats
from interviews import bank_check
from interviews.bank_check import Content

ROWS = ("options", "checks", "parts", "competencies")
KINDS: dict[str, LazyString] = {
    "single": _l("One right option"),
    "multiple": _l("Several right options"),
    "ordering": _l("Putting in order"),
    "numeric": _l("A number"),
    "short": _l("Answer in words"),
    "sentence": _l("The wrong sentence"),
    "case": _l("Case with several questions"),
}
PLACES: dict[str, LazyString] = {
    "id": _l("Number"),
    "competency": _l("Competency"),
    "competencies": _l("Competencies"),
    "core": _l("Core series"),
    "difficulty": _l("Difficulty"),
    "discrimination": _l("How well it tells"),
    "exposure_cap": _l("Given to at most"),
    "sources_allowed": _l("Sources allowed"),
    "seconds": _l("Seconds"),
    "title": _l("Title"),
    "passage": _l("Passage"),
    "text": _l("Text"),
    "question": _l("Question"),
    "kind": _l("Kind"),
    "prompt": _l("Question"),
    "options": _l("Options"),
    "answer": _l("Right answer"),
    "unit": _l("Unit"),
    "tolerance": _l("Tolerance"),
    "checks": _l("Checks"),
    "words": _l("What the check asks"),
    "forms": _l("Forms"),
    "needed": _l("Checks for the full point"),
    "accepted": _l("Example that is accepted"),
    "refused": _l("Example that is refused"),
    "parts": _l("Parts"),
    "explanation": _l("Explanation"),
    "source": _l("Source"),
    "reveal": _l("Answer shown afterwards"),
    "rule": _l("Rule"),
    "pass_mark": _l("Pass mark"),
    "floor": _l("Floor of each competency"),
    "certainty": _l("Certainty"),
    "contest_days": _l("Days to contest"),
    "retakes": _l("Retakes"),
    "attempts": _l("Attempts"),
    "within_days": _l("Within so many days"),
    "delay_days": _l("Days between attempts"),
    "delay_days_unfinished": _l("Days after an unfinished one"),
    "template": _l("Interview"),
    "per_competency": _l("Questions in each competency"),
    "adaptive": _l("Questions that follow from the answers"),
    "least": _l("Fewest questions"),
    "most": _l("Most questions"),
    "minutes": _l("Minutes, about"),
    "open_hours": _l("Hours it stays open"),
    "label": _l("Name"),
    "about": _l("What it is about"),
    "en": _l("English"),
    "fr": _l("French"),
}


def place(path: str, content: Content | None = None) -> str:
    """Return where something is, in words: Options, b, French.

    With the item or the rules that it is in, rows have the numbers of the page: Option 2, French.
    """
    names, found, node = path.split("."), [], content
    while names:
        name = names.pop(0)
        inner = node.get(name) if isinstance(node, dict) else None
        if isinstance(inner, dict) and name in ROWS and names and names[0] in inner:
            assert node is not None
            key = names.pop(0)
            found.append(_row(node, name, key))
            inner = inner[key]
        elif name != "question" or path == "question":
            found.append(str(PLACES.get(name, name)))
        node = inner
    return ", ".join(found)


def _row(node: Content, name: str, key: str) -> str:
    if name == "competencies":
        label = (node[name][key].get("label") or {}).get(str(formats.locale().language))
        return str(label or key)
    number = bank_check.row_keys(node, name).index(key) + 1
    if name == "parts":
        words = _("question %(number)s", number=number)
    elif name == "checks":
        words = _("check %(number)s", number=number)
    elif node.get("kind") in ("ordering", "sentence"):
        words = _("line %(number)s", number=number)
    else:
        words = _("option %(number)s", number=number)
    return str(words[:1].upper() + words[1:])


def hardness(difficulty: Any) -> Any:
    """Return how hard a question is, in words."""
    if not isinstance(difficulty, int | float):
        return "–"
    if difficulty < -1:
        return _("very easy")
    if difficulty < -0.3:
        return _("easy")
    if difficulty <= 0.3:
        return _("middling")
    return _("hard") if difficulty <= 1 else _("very hard")


def value(found: Any) -> Any:
    """Return a value as a difference shows it."""
    if found is None or found == "" or found == []:
        return "–"
    if isinstance(found, bool):
        return _("yes") if found else _("no")
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)
