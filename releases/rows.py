"""One task with its answers as one row of a release, before columns and splits are known.

Nobody is named in it: experts stand in it by their number until the files are written, when those
who agreed to it get keys that mean nothing outside the releases of one project.
"""

import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any

from annotation import agreement, rules
from annotation.loop_models import Origin
from annotation.models import State
from annotation.released import AnswerRow, Extra, Read
from core.money import Money
from releases.recipe import Recipe, SplitBy

Row = dict[str, Any]
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
PERSON, WAITING = "person", "waiting"
PATHS = {PERSON: "review", rules.AGREEMENT: "agreement", rules.SILENCE: "silence"}
_NONE = Extra(None, None, ())
_IDS = re.compile(r'("(?:id|to_id|from_id)": )"([^"\\]*)"')
_FIRST_ID = '[{"id": "'
# Upper ends of the classes of pay for an answer, in whole units of the currency.
PRICES = (1, 5, 20, 100)
# From which level of a passed interview a class begins.
CLASSES = ((0.9, "interview-outstanding"), (0.75, "interview-strong"), (0.0, "interview-passed"))
UNPROVEN = "not-proven"


class LeftOut(Exception):  # not a mistake: its argument is the reason in one word
    """This task is not in the release."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What an answer says, read once for all that are written alike."""

    label: str | None
    choices: tuple[Any, ...]
    spans: frozenset[agreement.Span]
    texts: Mapping[tuple[Any, Any], str]
    answer: agreement.Answer


@dataclass(frozen=True)
class Summary:
    """What some answers come to, with every answer counting the same."""

    label: str | None
    undecided: bool
    spans: tuple[dict[str, Any], ...]
    confidence: float
    agreement: float | None
    closest: int
    shares: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Setting:
    """What is the same for all rows of a release."""

    recipe: Recipe
    primary: int
    # The best level that each expert had proven in the field of a project.
    levels: Mapping[tuple[int, int], float]


def row_of(found: Read, setting: Setting) -> tuple[Row, list[AnswerRow], list[Reading]]:
    """Return the row of a task with the answers behind it, or raise `LeftOut`."""
    recipe, task = setting.recipe, found.task
    answers = _counting(found, setting)
    readings = [reading(one.result) for one in answers]
    said = summary(tuple(readings))
    if said.agreement is not None and said.agreement < (recipe.min_agreement or 0):
        raise LeftOut("low_agreement")
    closest = answers[said.closest]
    extra = found.extras.get(closest.assignment_id, _NONE)
    final = max(one.decided_at or one.submitted_at for one in answers)
    _check_dates(final, recipe)
    row = {
        "id": row_id(task.project_id, task.external_id, setting.primary),
        "project": task.project_id,
        "data": task.data,
        "label": said.label,
        "undecided": said.undecided,
        "spans": said.spans,
        "confidence": said.confidence,
        "agreement": said.agreement,
        "probabilities": said.shares,
        "annotator_count": len({one.expert_id for one in answers}),
        "experts": [one.expert_id for one in answers],
        "credential_classes": sorted(
            {_class(setting, task.project_id, one.expert_id) for one in answers}
        ),
        "price_class": max(_price(one.pay_minor, one.currency) for one in answers)[1],
        "review_path": _path(answers),
        "validated_at": final,
        "result": closest.result,
        "started_from": extra.origin or str(Origin.BLANK),
        "started_from_model": extra.model_version,
        "models_compared": _compared(answers, found.extras),
    }
    return row, answers, readings


def group_of(row: Row, data: Mapping[str, Any], found: Read, recipe: Recipe) -> str:
    """Return the group of a row: rows of one group are never in two splits."""
    own = found.task.group_key or row["id"]
    if recipe.split_by is SplitBy.FIELD:
        value = data.get(recipe.split_field)
        return own if value is None or value == "" else _words(value)
    return str(own)


def moment_of(data: Mapping[str, Any], answers: Sequence[AnswerRow], recipe: Recipe) -> str:
    """Return when a row happened, in words that sort: by its data, or by its first answer."""
    if recipe.split_by is not SplitBy.TIME:
        return ""
    if recipe.split_field:
        value = data.get(recipe.split_field)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"{value:025.6f}"
        return "" if value is None else _words(value)
    return min(one.decided_at or one.submitted_at for one in answers).isoformat()


def row_id(project_id: int, external_id: str, primary: int) -> str:
    """Return the id of a row: the task's own, and with its project where that is another one."""
    return external_id if project_id == primary else f"p{project_id}:{external_id}"


def annotator(key: str, expert_id: int) -> str:
    """Return an expert's key in the releases of one project."""
    return "a-" + hmac.new(key.encode(), str(expert_id).encode(), "sha256").hexdigest()[:10]


def voter(key: str, release: str, expert_id: int) -> str:
    """Return an expert's key in one release and in no other."""
    said = f"{release}\n{expert_id}".encode()
    return "v-" + hmac.new(key.encode(), said, "sha256").hexdigest()[:10]


def canonical(value: Any) -> str:
    """Return a value as JSON, the same whatever the order of its keys."""
    return _CANONICAL.encode(value)


def row_hash(row_id: str, data: str, label: str | None, spans: Any) -> str:
    """Return what changes when the data or the answer of a row does, and not with who gave it."""
    said = f"{row_id}\n{data}\n{label}\n{canonical(spans) if spans else ''}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def credential_class(level: float | None) -> str:
    """Return the class of what an interview has proven."""
    if level is None:
        return UNPROVEN
    return next(name for least, name in CLASSES if level >= least)


def price_class(minor: int, currency: str) -> str:
    """Return the class of pay for an answer, such as `eur 1-5`."""
    return _price(minor, currency)[1]


def path(one: AnswerRow) -> str:
    """Return how an answer came to count."""
    if one.state == State.SUBMITTED:
        return WAITING
    how = one.decided_rule or PERSON
    return PATHS.get(how, how)


def reading(result: str) -> Reading:
    """Return what an answer says; ids, which differ each time, make no difference."""
    if result.startswith(_FIRST_ID) and result.count('"id": "') == 1 and "_id" not in result:
        # PostgreSQL writes short keys first, so the only id stands at the beginning.
        return _reading(_FIRST_ID + result[result.index('"', len(_FIRST_ID)) :])
    numbers: dict[str, str] = {}
    fresh = count()

    def plain(match: re.Match[str]) -> str:
        return f'{match[1]}"{numbers.setdefault(match[2], str(next(fresh)))}"'

    return _reading(_IDS.sub(plain, result))


@lru_cache(maxsize=20_000)
def _reading(text: str) -> Reading:
    result = json.loads(text)
    texts = {
        (value.get("start"), value.get("end")): value["text"]
        for item in result
        if isinstance((value := item.get("value") or {}).get("text"), str)
    }
    return Reading(
        label=agreement.label(result),
        choices=tuple(sorted(agreement.choices(result).items())),
        spans=agreement.spans(result),
        texts=texts,
        answer=agreement.answer(result),
    )


@lru_cache(maxsize=20_000)
def summary(readings: tuple[Reading, ...]) -> Summary:
    """Return what some answers come to by majority."""
    leading = agreement.consensus([one.choices for one in readings])
    label = ", ".join(one for _, some in leading for one in some) or None if leading else None
    votes = Counter(span for one in readings for span in one.spans)
    spans = frozenset(span for span, times in votes.items() if 2 * times > len(readings))
    texts = {place: words for one in readings for place, words in one.texts.items()}
    near = [agreement.span_f1(one.spans, spans) for one in readings]
    labels = Counter(one.label for one in readings if one.label is not None)
    return Summary(
        label=label,
        undecided=label is None and bool(labels),
        spans=tuple(
            {
                "start": one.start,
                "end": one.end,
                "label": one.label,
                "text": texts.get((one.start, one.end)),
            }
            for one in sorted(spans, key=lambda one: (one.start, one.end, one.label))
        ),
        confidence=round(
            sum(one.label == label for one in readings) / len(readings)
            if label is not None
            else sum(near) / len(near),
            6,
        ),
        agreement=agreement.pairwise([one.answer for one in readings]),
        closest=closest(label, readings, near),
        shares=tuple(
            {"label": name, "probability": round(times / labels.total(), 6)}
            for name, times in sorted(labels.items(), key=lambda item: (-item[1], item[0]))
        ),
    )


def closest(label: str | None, readings: Sequence[Reading], near: Sequence[float]) -> int:
    """Return the place of the answer that is closest to the final one, the first of equals."""
    return max(
        range(len(readings)),
        key=lambda place: (readings[place].label == label, near[place], -place),
    )


def _counting(found: Read, setting: Setting) -> list[AnswerRow]:
    """Return the answers that count, or say why there are too few."""
    recipe = setting.recipe
    answers = list(found.answers)
    if recipe.min_level is not None:
        answers = [
            one
            for one in answers
            if setting.levels.get((found.task.project_id, one.expert_id), 0) >= recipe.min_level
        ]
        if not answers:
            raise LeftOut("low_level")
    if len(answers) < recipe.min_answers:
        raise LeftOut("few_answers")
    return answers


def _check_dates(final: datetime, recipe: Recipe) -> None:
    day = final.date().isoformat()
    if (recipe.since and day < recipe.since) or (recipe.before and day > recipe.before):
        raise LeftOut("out_of_dates")


def _class(setting: Setting, project_id: int, expert_id: int) -> str:
    return credential_class(setting.levels.get((project_id, expert_id)))


@lru_cache(maxsize=1_000)
def _price(minor: int, currency: str) -> tuple[int, str]:
    amount = Money(minor, currency).decimal
    place = sum(amount >= end for end in PRICES)
    if place == len(PRICES):
        return place, f"{currency} {PRICES[-1]}+"
    return place, f"{currency} {PRICES[place - 1] if place else 0}-{PRICES[place]}"


def _compared(answers: Sequence[AnswerRow], extras: Mapping[int, Extra]) -> str | None:
    """Return how experts placed the answers of models, and where these stood; or None."""
    if not extras:
        return None
    rows = [
        {"annotator": one.expert_id, "model": model, "place": place, "position": position}
        for one in answers
        for model, position, place in extras.get(one.assignment_id, _NONE).placings
    ]
    return canonical(rows) if rows else None


def _path(answers: Sequence[AnswerRow]) -> str:
    """Return how the answers came to count: what is least certain last, a person's word first."""
    paths = {path(one) for one in answers}
    if WAITING in paths:
        return WAITING
    first = (PATHS[PERSON], PATHS[rules.SILENCE])
    return next((one for one in first if one in paths), None) or min(paths)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)
