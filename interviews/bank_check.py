"""What stands against publishing a bank, in plain words and beside the field that it is about.

Pure. A bank under work may lack anything; `interviews.items` says what a whole one is, and here
its checks are put into words, all of them at once. A path like `question.options.a.en` names a
place in an item, the same as the field of the form.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, ValidationError

from interviews import evidence, reach, scoring
from interviews.items import Bank, Competency, Item, Retakes, Rule, Short, Template

Content = dict[str, Any]
KINDS = ("single", "multiple", "ordering", "numeric", "sentence", "short", "case")
NUMBERS = ("float_parsing", "float_type", "finite_number")
WHOLE_NUMBERS = ("int_parsing", "int_type", "int_from_float", "int_parsing_size")
LETTERS_AT_MOST = 10_000
SURELY_REACHED = 0.7  # by the shortest interview that a bank may have
# Kept as shares, typed in per cent.
SHARES = ("exposure_cap", "pass_mark", "floor", "certainty")
# What the checks of `interviews.items` say, and which field it is about.
SAID: tuple[tuple[str, str, LazyString], ...] = (
    ("three to eight options", "", _l("A question has three to eight options.")),
    ("read the same in en", "", _l("Two options read the same in English.")),
    ("read the same in fr", "", _l("Two options read the same in French.")),
    ("one option must be wrong", ".answer", _l("At least one option must be wrong.")),
    ("name every option once", ".answer", _l("Give every option its place.")),
    ("give the order away", ".answer", _l("The names of the options give the order away.")),
    ("option that is not there", ".answer", _l("Say which answer is right.")),
    ("names an option twice", ".answer", _l("An option is named twice.")),
    ("more checks are needed", ".needed", _l("More points are needed than there are checks.")),
    ("longest interview is shorter", ".least", _l("The longest is shorter than the shortest.")),
)


@dataclass(frozen=True)
class Problem:
    """Something to put right: where, in which item if in one, and in words."""

    path: str
    words: str
    item: str | None = None


def of_item(content: Content, competencies: Iterable[str]) -> list[Problem]:
    """Return what is wrong with an item by itself."""
    try:
        item = Item.model_validate(content)
    except ValidationError as wrong:
        found = list(_problems(wrong))
    else:
        found = list(_of_examples(item))
    if content.get("competency") not in set(competencies):
        found = [one for one in found if one.path != "competency"]
        found.insert(0, Problem("competency", _("Choose a competency.")))
    found += [
        Problem(path, _("Use at most %(number)s characters.", number=LETTERS_AT_MOST))
        for path, value in leaves(content)
        if isinstance(value, str) and len(value) > LETTERS_AT_MOST
    ]
    return found


def of_rules(content: Content) -> list[Problem]:
    """Return what is wrong with the competencies, the rule, the retakes and the template."""
    parts: tuple[tuple[str, type[BaseModel]], ...] = (
        ("template", Template),
        ("rule", Rule),
        ("retakes", Retakes),
    )
    found = [one for name, kind in parts for one in _of_part(name, kind, content.get(name))]
    competencies = content.get("competencies") or {}
    for key, competency in competencies.items():
        found += _of_part(f"competencies.{key}", Competency, competency)
    if len(competencies) < 2:
        found.append(Problem("competencies", _("A bank has at least two competencies.")))
    return found


def of_bank(content: Content) -> list[Problem]:
    """Return everything that stands against publishing a bank."""
    found = of_rules(content)
    for item in content["items"]:
        wrong_in = of_item(item, content["competencies"])
        found += [replace(one, item=item.get("id")) for one in wrong_in]
    for item in content["retired"]:
        # Its competency may be gone.
        wrong_in = of_item(item, [item.get("competency", "")])
        found += [replace(one, item=item.get("id")) for one in wrong_in]
    found += [*_same(content), *_of_competencies(content)]
    if not found:
        try:
            bank = Bank.model_validate(content)
        except ValidationError as wrong:
            found = list(_problems(wrong))
        else:
            found = list(_out_of_reach(bank))
    return found


def whole(content: Content) -> Bank | None:
    """Return the bank that a content is, if it is one."""
    return None if of_bank(content) else Bank.model_validate(content)


def leaves(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through all values of a content, each with its path."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(content, list) and any(isinstance(one, dict | list) for one in content):
        for number, value in enumerate(content):
            yield from leaves(value, f"{path}.{number}")
    else:
        yield path, content


def row_keys(node: Content, name: str) -> list[str]:
    """Return the keys of a list of a question, in the order of the page."""
    found = node.get(name)
    keys = list(found) if isinstance(found, dict) else []
    if name == "options" and node.get("kind") == "ordering":
        order = [key for key in node.get("answer") or [] if key in keys]
        return [*order, *(key for key in keys if key not in order)]
    return keys


def form_of_words(form: str) -> str:
    """Return a form as the reader of answers compares it: small, without accents and signs."""
    parts = re.split(r"([*+!])", form)
    plain = "".join(part if part in ("*", "+", "!") else evidence.plain(part) for part in parts)
    close = re.sub(r"\s*\*\s*", "* ", re.sub(r"\s*([+!])\s*", r" \1 ", plain))
    return " ".join(close.split()).replace("! ", "!").strip()


def _of_part(name: str, kind: type[BaseModel], content: Any) -> list[Problem]:
    try:
        kind.model_validate(content)
    except ValidationError as wrong:
        return [replace(one, path=f"{name}.{one.path}".strip(".")) for one in _problems(wrong)]
    return []


def _problems(wrong: ValidationError) -> Iterator[Problem]:
    for error in wrong.errors(include_url=False):
        yield _problem(dict(error))


def _problem(error: dict[str, Any]) -> Problem:
    path, kind = _path(error["loc"]), error["type"]
    if kind == "value_error":
        for part, where, words in SAID:
            if part in error["msg"]:
                return Problem(path + where, str(words))
        return Problem(path, str(error["msg"]).removeprefix("Value error, "))
    if path.endswith("answer") and kind not in NUMBERS:
        return Problem(path, _("Say which answer is right."))
    return Problem(path, str(_words(kind, error.get("ctx") or {}, path)))


def _words(kind: str, ctx: dict[str, Any], path: str) -> Any:
    if kind in NUMBERS or (kind == "missing" and path.endswith("answer")):
        return _("Write a number in figures, such as 12 or 3.5.")
    if kind in WHOLE_NUMBERS:
        return _("Write a whole number.")
    if kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        bound = next(iter(ctx.values()))
        return _bounds(kind, bound * 100 if path.rpartition(".")[2] in SHARES else bound)
    if kind == "too_short":
        return ngettext(
            "At least %(num)s is needed.", "At least %(num)s are needed.", ctx["min_length"]
        )
    if kind == "too_long":
        return _("At most %(number)s can be used.", number=ctx["max_length"])
    if kind == "string_pattern_mismatch":
        return _("Use small letters without accents, figures and underscores, a letter first.")
    if kind == "extra_forbidden":
        return _("There is no such part here: %(name)s.", name=path.rsplit(".", 1)[-1])
    if kind in ("missing", "string_too_short", "string_type"):
        return _("Write this.")
    return _("Choose one of the list.") if "literal" in kind else _("This cannot be used as it is.")


def _bounds(kind: str, bound: Any) -> Any:
    number = f"{bound:g}"
    match kind:
        case "greater_than_equal":
            return _("At least %(number)s.", number=number)
        case "less_than_equal":
            return _("At most %(number)s.", number=number)
        case "greater_than":
            return _("More than %(number)s.", number=number)
        case _:
            return _("Less than %(number)s.", number=number)


def _path(loc: tuple[Any, ...]) -> str:
    """Return the path of an error, without the kinds of questions that pydantic puts into it."""
    kept: list[str] = []
    for part in loc:
        is_tag = part in KINDS and (kept[-1:] == ["question"] or kept[-2:-1] == ["parts"])
        if not is_tag:
            kept.append(str(part))
    return ".".join(kept)


def _of_examples(item: Item) -> Iterator[Problem]:
    """Find examples of answers in words that the checks of their question read otherwise."""
    question = item.question
    if not isinstance(question, Short):
        return
    for language in ("en", "fr"):
        accepted = scoring.mark(question, {"text": question.accepted.in_(language)})
        refused = scoring.mark(question, {"text": question.refused.in_(language)})
        if accepted.points < 1:
            words = _("By its checks, this answer does not earn the full point.")
            yield Problem(f"question.accepted.{language}", words)
        if refused.points >= 1:
            words = _("By its checks, this answer earns the full point.")
            yield Problem(f"question.refused.{language}", words)


def _out_of_reach(bank: Bank) -> Iterator[Problem]:
    """Find levels that nobody comes to, however many answers are right."""
    if max(bank.rule.pass_mark, bank.rule.floor) <= SURELY_REACHED:
        return
    highest = reach.highest(bank)
    lowest = min(most for key, most in highest.items() if key is not None)
    for name, most in (("pass_mark", highest[None]), ("floor", lowest)):
        if getattr(bank.rule, name) * 100 > most:
            words = _("At most %(most)s: who answers everything right comes to it.", most=most)
            yield Problem(f"rule.{name}", words)


def _same(content: Content) -> Iterator[Problem]:
    ids: set[Any] = set()
    for item in [*content["items"], *content["retired"]]:
        if item.get("id") in ids:
            words = _("Two items have the number %(id)s.", id=item.get("id"))
            yield Problem("id", words, item.get("id"))
        ids.add(item.get("id"))
    for language in ("en", "fr"):
        asked: dict[str, Any] = {}
        for item in content["items"]:
            words_asked = _asked(item, language)
            if words_asked and words_asked in asked:
                words = _("Asks the same as item %(id)s.", id=asked[words_asked])
                yield Problem(f"question.prompt.{language}", words, item.get("id"))
            asked.setdefault(words_asked, item.get("id"))


def _asked(item: Content, language: str) -> str:
    passage = ((item.get("passage") or {}).get("text") or {}).get(language) or ""
    prompt = ((item.get("question") or {}).get("prompt") or {}).get(language) or ""
    return " ".join(f"{passage} {prompt}".casefold().split()) if prompt else ""


def _of_competencies(content: Content) -> Iterator[Problem]:
    template = content.get("template") or {}
    needed = template.get("per_competency")
    for key in content["competencies"]:
        there = [item for item in content["items"] if item.get("competency") == key]
        if isinstance(needed, int) and len(there) - 1 < needed:
            words = _(
                "This competency needs at least %(needed)s items; it has %(count)s.",
                needed=needed + 1,
                count=len(there),
            )
            yield Problem(f"competencies.{key}", words)
        for series in ("A", "B"):
            count = sum(item.get("core") == series for item in there)
            if count != 1:
                words = _(
                    "This competency needs one core item of series %(series)s; it has %(count)s.",
                    series=series,
                    count=count,
                )
                yield Problem(f"competencies.{key}", words)
    yield from _of_length(content, template.get("adaptive"))


def _of_length(content: Content, adaptive: Any) -> Iterator[Problem]:
    least = adaptive.get("least") if isinstance(adaptive, dict) else None
    fewest, most = len(content["competencies"]), len(content["items"]) // 2
    if isinstance(least, int) and not fewest <= least <= most:
        words = _(
            "The shortest interview asks at least once in each competency, so %(fewest)s, and at"
            " most half of the items, so %(most)s.",
            fewest=fewest,
            most=most,
        )
        yield Problem("template.adaptive.least", words)
