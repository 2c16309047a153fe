"""Banks as files: the JSON of `interviews/bank/`, and a table for questions of choice.

Pure. A file is read whole or not at all: every mistake is told with the item or line it is in.
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, NoReturn

from flask_babel import gettext as _

from interviews import bank_check
from interviews.bank_check import Content, Problem
from interviews.bank_forms import OPTION_KEYS, new_item
from interviews.forms import number_of

LARGEST = 8 * 1024 * 1024
MOST_OPTIONS = 8
DEEPEST = 12
TEXTS = ("title", "prompt", "passage", "passage_source", "explanation")
COLUMNS = (
    "id",
    "competency",
    "core",
    "kind",
    "difficulty",
    "seconds",
    *(f"{name}_{language}" for name in TEXTS for language in ("en", "fr")),
    *(f"option_{n}_{language}" for n in range(1, MOST_OPTIONS + 1) for language in ("en", "fr")),
    "right",
    "source",
)
PARTS = ("template", "rule", "retakes", "competencies", "items")
# A cell that begins so is read as a formula by spreadsheets.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class NotRead(Exception):
    """A file that cannot be read as a bank: what is wrong with it, by item or line."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems


def to_json(content: Content) -> str:
    """Return a bank as a file."""
    kept = {name: value for name, value in content.items() if name != "retired" or value}
    return json.dumps(_short(kept), ensure_ascii=False, indent=1) + "\n"


def from_json(sent: bytes, field: str) -> Content:
    """Read a file as a bank of a field; what is wrong with the bank as a whole is told later."""
    try:
        content = json.loads(sent.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        raise _no(_no_json(wrong)) from wrong
    if not isinstance(content, dict) or not _is_plain(content):
        raise _no(_("This file does not hold a bank: it is one object with texts and numbers."))
    lacking = [name for name in PARTS if name not in content]
    if lacking:
        raise _no(_("This file lacks these parts: %(names)s.", names=", ".join(lacking)))
    if content.get("field") != field:
        raise _no(_("This file is a bank of another field."))
    content.setdefault("retired", [])
    _check_shape(content)
    found = [one for one in bank_check.of_rules(content) if one.path != "competencies"]
    for item in [*content["items"], *content["retired"]]:
        name = item.get("id") if isinstance(item.get("id"), str) else "?"
        wrong_in = bank_check.of_item(item, content["competencies"])
        found += [Problem(one.path, one.words, name) for one in wrong_in]
    ids = [item.get("id") for item in [*content["items"], *content["retired"]]]
    twice = sorted({one for one in ids if ids.count(one) > 1 and isinstance(one, str)})
    found += [Problem("id", _("Two items have the number %(id)s.", id=one), one) for one in twice]
    if found:
        raise NotRead(found)
    return content


def to_csv(content: Content) -> str:
    """Return the questions of choice as a table."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS)
    table.writeheader()
    for item in content["items"]:
        if item["question"].get("kind") in ("single", "multiple"):
            table.writerow({name: _cell(value) for name, value in _row(item).items()})
    return out.getvalue()


def from_csv(sent: bytes, competencies: Content) -> list[Content]:
    """Read questions of choice from a table; those without a number are new."""
    try:
        text = sent.decode("utf-8-sig")
        first = text.split("\n", 1)[0]
        mark = ";" if first.count(";") > first.count(",") else ","
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        names = [name.strip() for name in table.fieldnames or []]
        table.fieldnames = names
        rows = [(table.line_num, row) for row in table]
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise _no(_("This is not a table in CSV, in UTF-8.")) from wrong
    unknown = [name for name in names if name not in COLUMNS]
    lacking = [name for name in ("competency", "kind", "title_en", "right") if name not in names]
    if unknown or lacking:
        words = _(
            "These columns are not known, or lacking: %(names)s.",
            names=", ".join([*unknown, *lacking]),
        )
        raise _no(words)
    items, found = [], []
    for line, row in rows:
        if not any(row.values()):
            continue
        item = _item(row)
        place = _("Line %(number)s", number=line)
        if None in row:
            found.append(Problem("", _("This line has more cells than the first one."), place))
        found += [
            Problem(one.path, one.words, place)
            for one in bank_check.of_item({**item, "id": item["id"] or "new-001"}, competencies)
        ]
        items.append(item)
    if not items:
        raise _no(_("This table has no questions."))
    if found:
        raise NotRead(found)
    return items


def _check_shape(content: Content) -> None:
    lists = [content["items"], content["retired"]]
    if not all(isinstance(one, list) and all(isinstance(i, dict) for i in one) for one in lists):
        raise _no(_("This file does not hold a bank: its items are a list of objects."))
    if not isinstance(content["competencies"], dict):
        raise _no(_("This file does not hold a bank: its competencies are an object."))
    for name in set(content) - {*PARTS, "field", "version", "retired"}:
        raise _no(_("There is no such part here: %(name)s.", name=name))


def _row(item: Content) -> dict[str, Any]:
    question, passage = item["question"], item.get("passage") or {}
    texts = {
        "title": item.get("title"),
        "prompt": question.get("prompt"),
        "passage": passage.get("text"),
        "passage_source": passage.get("source"),
        "explanation": item.get("explanation"),
    }
    answer = question.get("answer")
    right = answer if isinstance(answer, list) else [answer]
    keys = list(question.get("options") or {})
    row = {
        name: item.get(name)
        for name in ("id", "competency", "core", "difficulty", "seconds", "source")
    }
    row["kind"] = question.get("kind")
    for language in ("en", "fr"):
        row |= {f"{name}_{language}": (text or {}).get(language) for name, text in texts.items()}
        for number, key in enumerate(keys[:MOST_OPTIONS], 1):
            row[f"option_{number}_{language}"] = question["options"][key].get(language)
    row["right"] = ";".join(str(keys.index(key) + 1) for key in right if key in keys)
    return row


def _item(row: dict[str, Any]) -> Content:
    def of(name: str) -> str:
        value = str(row.get(name) or "").strip()
        return value[1:] if value[:1] == "'" and value[1:2] in FORMULAS else value

    def text(name: str) -> dict[str, str]:
        return {language: of(f"{name}_{language}") for language in ("en", "fr")}

    kind = of("kind") if of("kind") in ("single", "multiple") else ""
    item = new_item(of("id"), "single", of("competency"))
    item |= {"title": text("title"), "explanation": text("explanation"), "source": of("source")}
    item |= {"core": of("core") or None}
    for name, usual in (("difficulty", 0), ("seconds", 90)):
        found = number_of(of(name)) if of(name) else usual
        item[name] = of(name) if found is None else found
    passage = {"text": text("passage"), "source": text("passage_source")}
    item["passage"] = passage if any(passage["text"].values()) else None
    options = {
        key: text(f"option_{number}")
        for number, key in enumerate(OPTION_KEYS[:MOST_OPTIONS], 1)
        if any(text(f"option_{number}").values())
    }
    numbers = [one.strip() for one in of("right").replace(",", ";").split(";") if one.strip()]
    right = [OPTION_KEYS[int(n) - 1] for n in numbers if n.isdecimal() and 1 <= int(n) <= 8]
    answer: Any = right if kind == "multiple" else right[0] if len(right) == 1 else ""
    item["question"] = {
        "kind": kind,
        "prompt": text("prompt"),
        "options": options,
        "answer": answer,
    }
    return item


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def _short(value: Any) -> Any:
    """Leave out of a file what is nothing."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items() if one is not None}
    return [_short(one) for one in value] if isinstance(value, list) else value


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Return whether a value nests no deeper than a bank, with texts that can be kept."""
    if depth > DEEPEST:
        return False
    return all(_is_plain(one, depth + 1) for one in _within(value)) and (
        not isinstance(value, str)
        or not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)
    )


def _within(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _no_json(wrong: Exception) -> str:
    if not isinstance(wrong, json.JSONDecodeError):
        return str(_("This is not a file in JSON."))
    words = _(
        "This is not a file in JSON: it cannot be read from line %(line)s, column %(column)s on.",
        line=wrong.lineno,
        column=wrong.colno,
    )
    return str(words)


def _no(words: str) -> NotRead:
    return NotRead([Problem("", words)])
