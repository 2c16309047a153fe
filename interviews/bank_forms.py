"""What the editor of an item sends, read into the content of an item, whatever it lacks.

The names of the fields are the paths of `interviews.bank_check`: `question.options.a.en`. A list
(options, checks, parts) sends its keys in the order of the page under its own path. Nothing that
was typed is dropped but rows that are wholly empty: what cannot be used is kept as it is and told.
"""

import copy
import re
from collections.abc import Iterable
from typing import Any

from werkzeug.datastructures import MultiDict

from interviews import evidence
from interviews.bank_check import Content, Problem, form_of_words, row_keys
from interviews.forms import number_of

Sent = MultiDict[str, str]
KEY = re.compile(r"^[a-z][a-z0-9_]{0,19}$")
ROWS_AT_MOST = 20
OPTION_KEYS = "abcdefghijklmnopqrst"
LISTS = {"options": OPTION_KEYS, "checks": "c", "parts": "p"}
IN_PARTS = ("single", "multiple", "numeric")
OPTIONS = ("single", "multiple", "ordering", "sentence")


class Shown:
    """A content as a form shows it: its values and what is wrong, each by path."""

    def __init__(self, content: Content, problems: Iterable[Problem]) -> None:
        self.content = content
        self.problems = list(problems)

    def value(self, path: str) -> Any:
        """Return the value at a path, nothing where there is none."""
        node: Any = self.content
        for key in path.split("."):
            node = node.get(key) if isinstance(node, dict) else None
        return node

    def text(self, path: str) -> str:
        """Return the value at a path as it stands in a field."""
        found = self.value(path)
        if isinstance(found, float):
            return f"{found:.10g}"
        return "" if found is None or isinstance(found, dict | list) else str(found)

    def percent(self, path: str) -> str:
        """Return a share at a path, of a hundred."""
        found = self.value(path)
        is_number = isinstance(found, int | float)
        return f"{found * 100:.4g}" if is_number else self.text(path)

    def rows(self, path: str) -> list[str]:
        """Return the keys of a list, in the order of the page."""
        above, _dot, name = path.rpartition(".")
        node = self.value(above) if above else self.content
        return row_keys(node, name) if isinstance(node, dict) else []

    def errors(self, path: str) -> list[str]:
        """Return what is wrong at a path."""
        return [one.words for one in self.problems if one.path == path]


def new_item(item_id: str, kind: str, competency: str) -> Content:
    """Return an item of which nothing is written yet."""
    return {
        "id": item_id,
        "competency": competency,
        "core": None,
        "difficulty": 0.0,
        "discrimination": 1.0,
        "exposure_cap": 0.4,
        "sources_allowed": False,
        "seconds": 90,
        "title": _blank(),
        "passage": None,
        "question": new_question(kind),
        "explanation": _blank(),
        "source": "",
        "reveal": False,
    }


def new_question(kind: str) -> Content:
    """Return a question of a kind, with rows to fill in."""
    asked: Content = {"kind": kind, "prompt": _blank()}
    if kind in OPTIONS:
        keys = list(OPTION_KEYS[:4])
        asked["options"] = {key: _blank() for key in keys}
        asked["answer"] = keys[::-1] if kind == "ordering" else [] if kind == "multiple" else ""
    elif kind == "numeric":
        asked |= {"unit": _blank(), "answer": "", "tolerance": 0}
    elif kind == "short":
        checks = {key: {"words": _blank(), "forms": []} for key in ("c1", "c2")}
        asked |= {"checks": checks, "needed": 2, "accepted": _blank(), "refused": _blank()}
    else:
        asked["parts"] = {key: new_question("single") for key in ("p1", "p2")}
    return asked


def item_of(sent: Sent, before: Content) -> Content:
    """Return an item as it was sent, over what is kept of it."""
    item = copy.deepcopy(before)
    item["competency"] = sent.get("competency", "")
    item["core"] = sent.get("core") or None
    item["title"], item["explanation"] = _text(sent, "title"), _text(sent, "explanation")
    item["source"] = _line(sent, "source")
    for name in ("difficulty", "discrimination", "seconds"):
        item[name] = _number(sent, name)
    item["exposure_cap"] = _share(sent, "exposure_cap")
    item["sources_allowed"], item["reveal"] = "sources_allowed" in sent, "reveal" in sent
    passage = {"text": _text(sent, "passage.text"), "source": _text(sent, "passage.source")}
    has_passage = any(value for text in passage.values() for value in text.values())
    item["passage"] = passage if has_passage else None
    item["question"] = _question(sent, "question", before["question"])
    return item


def act(item: Content, wanted: str) -> Content:
    """Return an item with a row added, removed or moved up, as a button asks for."""
    what, _colon, where = wanted.partition(":")
    path, _colon, key = where.partition(":")
    node, last = _node(item, path)
    if node is None or last not in LISTS or not isinstance(node.get(last), dict):
        return item
    rows: Content = node[last]
    if what == "add" and len(rows) < ROWS_AT_MOST:
        _add(node, last, key)
    elif what == "remove" and key in rows:
        del rows[key]
        if isinstance(node.get("answer"), list):
            node["answer"] = [one for one in node["answer"] if one != key]
    elif what == "up" and key in rows:
        node[last] = _moved(rows, key)
        if node.get("kind") == "ordering":
            node["answer"] = list(node[last])
    _hide_order(node)
    return item


def rules_of(sent: Sent, before: Content) -> Content:
    """Return the rules of a bank as they were sent: competencies, rule, retakes, template."""
    content = copy.deepcopy(before)
    for name in ("pass_mark", "floor", "certainty"):
        content["rule"][name] = _share(sent, f"rule.{name}")
    content["rule"]["contest_days"] = _number(sent, "rule.contest_days")
    for name in ("attempts", "within_days", "delay_days", "delay_days_unfinished"):
        content["retakes"][name] = _number(sent, f"retakes.{name}")
    for name in ("per_competency", "minutes", "open_hours"):
        content["template"][name] = _number(sent, f"template.{name}")
    least, most = (_number(sent, f"template.adaptive.{name}") for name in ("least", "most"))
    planned = sent.get("course") == "planned"
    content["template"]["adaptive"] = None if planned else {"least": least, "most": most}
    kept = before["competencies"]
    found = {}
    for key in _keys(sent, "competencies"):
        path = f"competencies.{key}"
        words = {"label": _text(sent, f"{path}.label"), "about": _text(sent, f"{path}.about")}
        if key in kept or any(value for text in words.values() for value in text.values()):
            found[key] = {**kept.get(key, {}), **words}
    added = {"label": _text(sent, "new.label"), "about": _text(sent, "new.about")}
    if any(value for text in added.values() for value in text.values()):
        found[_key_of(added["label"]["en"], found)] = added
    content["competencies"] = found
    return content


def free_key(taken: Any, start: str) -> str:
    """Return the next key of a list: a letter, or a letter with a number."""
    if len(start) > 1:
        return next((key for key in start if key not in taken), f"o{len(taken) + 1}")
    return next(f"{start}{n}" for n in range(1, ROWS_AT_MOST + 2) if f"{start}{n}" not in taken)


def _key_of(label: str, taken: Content) -> str:
    """Return a key for a competency by its name."""
    words = re.sub(r"[^a-z]+", "_", evidence.plain(label)).strip("_")[:14] or "competency"
    tries = (words, *(f"{words}_{number}" for number in range(2, 100)))
    return next(key for key in tries if key not in taken)


def _question(sent: Sent, path: str, before: Content) -> Content:
    kind = before.get("kind")
    asked: Content = {**before, "prompt": _text(sent, f"{path}.prompt")}
    if kind in OPTIONS:
        asked["options"] = _options(sent, path)
        asked["answer"] = _answer(sent, path, str(kind), asked["options"])
        _hide_order(asked)
    elif kind == "numeric":
        asked["unit"] = _text(sent, f"{path}.unit")
        asked["answer"] = _number(sent, f"{path}.answer")
        asked["tolerance"] = _number(sent, f"{path}.tolerance")
    elif kind == "short":
        asked["checks"] = _checks(sent, path)
        asked["needed"] = _number(sent, f"{path}.needed")
        asked["accepted"] = _text(sent, f"{path}.accepted")
        asked["refused"] = _text(sent, f"{path}.refused")
    elif kind == "case":
        asked["parts"] = _parts(sent, path, before.get("parts") or {})
    return asked


def _options(sent: Sent, path: str) -> Content:
    found = {key: _text(sent, f"{path}.options.{key}") for key in _keys(sent, f"{path}.options")}
    return {key: text for key, text in found.items() if text["en"] or text["fr"]}


def _answer(sent: Sent, path: str, kind: str, options: Content) -> Any:
    if kind == "ordering":
        return list(options)
    if kind == "multiple":
        return [key for key in options if key in sent.getlist(f"{path}.answer")]
    chosen = sent.get(f"{path}.answer", "")
    return chosen if chosen in options else ""


def _hide_order(asked: Content) -> None:
    """Name the options of an ordering anew where their names tell the order."""
    if asked.get("kind") != "ordering" or asked["answer"] != sorted(asked["answer"]):
        return
    names = dict(zip(asked["answer"], reversed(asked["answer"]), strict=True))
    asked["options"] = {names[key]: asked["options"][key] for key in asked["answer"]}
    asked["answer"] = list(asked["options"])


def _checks(sent: Sent, path: str) -> Content:
    found = {}
    for key in _keys(sent, f"{path}.checks"):
        at = f"{path}.checks.{key}"
        words, lines = _text(sent, f"{at}.words"), sent.get(f"{at}.forms", "").splitlines()
        forms = [form for form in map(form_of_words, lines) if form]
        if words["en"] or words["fr"] or forms:
            found[key] = {"words": words, "forms": forms}
    return found


def _parts(sent: Sent, path: str, before: Content) -> Content:
    found = {}
    for key in _keys(sent, f"{path}.parts"):
        at = f"{path}.parts.{key}"
        kind = sent.get(f"{at}.kind", "single")
        kept = before.get(key) or {}
        part = kept if kept.get("kind") == kind else {"kind": kind if kind in IN_PARTS else ""}
        found[key] = _question(sent, at, part)
    return found


def _keys(sent: Sent, path: str) -> list[str]:
    seen = dict.fromkeys(key for key in sent.getlist(path) if KEY.match(key))
    return list(seen)[:ROWS_AT_MOST]


def _text(sent: Sent, path: str) -> dict[str, str]:
    return {language: _line(sent, f"{path}.{language}") for language in ("en", "fr")}


def _line(sent: Sent, name: str) -> str:
    return sent.get(name, "").replace("\r\n", "\n").strip()


def _number(sent: Sent, name: str) -> Any:
    """Return a number, or what was typed where it is none."""
    typed = sent.get(name, "").strip().replace("\N{MINUS SIGN}", "-")
    found = number_of(typed)
    if found is None:
        return typed
    return int(found) if found.is_integer() and abs(found) < 1e15 else found


def _share(sent: Sent, name: str) -> Any:
    found = _number(sent, name)
    return round(found / 100, 4) if isinstance(found, int | float) else found


def _node(item: Content, path: str) -> tuple[Content | None, str]:
    *way, last = path.split(".")
    node: Any = item
    for key in way:
        node = node.get(key) if isinstance(node, dict) else None
    return (node, last) if isinstance(node, dict) else (None, last)


def _add(node: Content, name: str, kind: str) -> None:
    rows = node[name]
    key = free_key(rows, LISTS[name])
    if name == "options":
        rows[key] = _blank()
        if node.get("kind") == "ordering":
            node["answer"] = [*node["answer"], key]
    elif name == "checks":
        rows[key] = {"words": _blank(), "forms": []}
    else:
        rows[key] = new_question(kind if kind in IN_PARTS else "single")


def _moved(rows: Content, key: str) -> Content:
    keys = list(rows)
    place = keys.index(key)
    keys.insert(max(0, place - 1), keys.pop(place))
    return {one: rows[one] for one in keys}


def _blank() -> dict[str, str]:
    return {"en": "", "fr": ""}
