"""Some tasks with their answers as rows of a release, before its columns and splits are known.

Rows are made a batch at a time and in columns: what many answers share is worked out once. Nobody
is named in them: experts stand in them by their number until the files are written, when those
who agreed to it get keys that mean nothing outside the releases of one project.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from annotation import rules
from annotation.loop_models import Origin
from annotation.models import State
from annotation.released import NEVER, NONE, Batch, Extra, Ints, moment
from core.money import Money
from releases import columns, splits
from releases.person_names import Finder
from releases.readings import Readings, Summary, joined
from releases.recipe import Recipe, SplitBy

Row = dict[str, Any]
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
PERSON, WAITING = "person", "waiting"
PATHS = {PERSON: "review", rules.AGREEMENT: "agreement", rules.SILENCE: "silence"}
_NONE = Extra(None, None, ())
# Upper ends of the classes of pay for an answer, in whole units of the currency.
PRICES = (1, 5, 20, 100)
# From which level of a passed interview a class begins.
CLASSES = ((0.9, "interview-outstanding"), (0.75, "interview-strong"), (0.0, "interview-passed"))
UNPROVEN = "not-proven"
# Why a task is not in a release: the first that holds counts.
KEPT, KNOWN_ANSWER, LOW_LEVEL, FEW_ANSWERS, LOW_AGREEMENT, OUT_OF_DATES, NOT_FINAL = range(7)
REASONS = (
    "kept",
    "known_answer",
    "low_level",
    "few_answers",
    "low_agreement",
    "out_of_dates",
    "not_final",
)
_DAY = 86_400_000_000
_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Setting:
    """What is the same for all rows of a release."""

    recipe: Recipe
    primary: int
    # The best level that each expert had proven in the field of a project.
    levels: Mapping[tuple[int, int], float]
    # What looks for names of persons, where the recipe asks for it.
    names: Finder | None = None


@dataclass(frozen=True)
class Rows:
    """The rows that some tasks become: which tasks and answers stand behind them, and columns."""

    batch: Batch
    readings: Readings
    # Of each task of the batch, why it is not in the release; 0 for those that are.
    reasons: NDArray[np.int8]
    # The places in the batch of the tasks that became rows, and of all answers behind them.
    tasks: Ints
    answers: Ints
    # Where each row's answers end among these.
    ends: Ints
    # What each answer of the batch says, and what each row's come to, by number.
    said: list[int]
    summed: Ints
    table: dict[str, pa.Array]

    @property
    def firsts(self) -> Ints:
        """Where each row's answers begin among all that stand behind rows."""
        return (
            np.concatenate((np.zeros(1, np.int64), self.ends[:-1])) if len(self.ends) else self.ends
        )


def rows_of(batch: Batch, setting: Setting, readings: Readings, *, learned: bool = False) -> Rows:
    """Return the rows that some tasks become; `learned` labels are decided later."""
    recipe, said = setting.recipe, readings.numbers(batch.results)
    counts, counting = _counting(batch, setting)
    reasons = np.zeros(batch.tasks, np.int8)
    if not recipe.with_gold:
        reasons[list(batch.gold)] = KNOWN_ANSWER
    _note(reasons, (counts == 0) & (recipe.min_level is not None), LOW_LEVEL)
    _note(reasons, counts < max(1, recipe.min_answers), FEW_ANSWERS)
    tasks, answers, ends = _kept(batch, reasons, counting)
    summed = np.array(readings.summed([said[at] for at in answers.tolist()], ends.tolist()), int)
    final = _last(np.where(batch.decided == NEVER, batch.submitted, batch.decided)[answers], ends)
    _note_at(reasons, tasks, _disagree(readings, summed, recipe), LOW_AGREEMENT)
    _note_at(reasons, tasks, _out_of_dates(final, recipe), OUT_OF_DATES)
    if not learned:
        _note_at(reasons, tasks, _by(readings, summed, "undecided").astype(bool), NOT_FINAL)
    stay = reasons[tasks] == KEPT
    summed, final = summed[stay], final[stay]
    tasks, answers, ends = _kept(batch, reasons, counting)
    made = Rows(batch, readings, reasons, tasks, answers, ends, said, summed, {})
    made.table.update(_columns(made, setting, final))
    return made


def _note(reasons: NDArray[np.int8], where: NDArray[np.bool_], reason: int) -> None:
    reasons[where & (reasons == KEPT)] = reason


def _note_at(reasons: NDArray[np.int8], tasks: Ints, where: NDArray[np.bool_], reason: int) -> None:
    some = tasks[where]
    reasons[some[reasons[some] == KEPT]] = reason


def _counting(batch: Batch, setting: Setting) -> tuple[Ints, NDArray[np.bool_]]:
    """Return how many answers of each task count, and which they are."""
    least = setting.recipe.min_level
    if least is None:
        return batch.counts, np.ones(len(batch.places), bool)
    level = _of_experts(
        batch, lambda one: setting.levels.get((batch.project_id, one), 0) >= least
    ).astype(bool)
    return np.bincount(batch.places[level], minlength=batch.tasks), level


def _of_experts(batch: Batch, question: Any) -> NDArray[Any]:
    """Return for each answer what is so of its expert, asked once for each."""
    experts, which = np.unique(batch.experts, return_inverse=True)
    return np.array([question(one) for one in experts.tolist()])[which]


def _kept(
    batch: Batch, reasons: NDArray[np.int8], counting: NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints]:
    """Return the tasks that are kept, the answers behind them, and where each one's end."""
    answers = np.flatnonzero(counting & (reasons[batch.places] == KEPT))
    tasks, counts = np.unique(batch.places[answers], return_counts=True)
    return tasks, answers, np.cumsum(counts)


def _last(values: Ints, ends: Ints) -> Ints:
    """Return the greatest value of each run."""
    if not len(ends):
        return ends
    return np.maximum.reduceat(values, np.concatenate((np.zeros(1, np.int64), ends[:-1])))


def _by(readings: Readings, summed: Ints, name: str) -> NDArray[Any]:
    """Return for each row what its summary says under a name; never for what is a list."""
    numbers, which = np.unique(summed, return_inverse=True)
    said = [getattr(readings.summaries[one], name) for one in numbers.tolist()]
    return np.array([np.nan if one is None else one for one in said])[which]


def _disagree(readings: Readings, summed: Ints, recipe: Recipe) -> NDArray[np.bool_]:
    if not recipe.min_agreement:
        return np.zeros(len(summed), bool)
    found: NDArray[np.bool_] = _by(readings, summed, "agreement") < recipe.min_agreement
    return found


def _out_of_dates(final: Ints, recipe: Recipe) -> NDArray[np.bool_]:
    if not (recipe.since or recipe.before):
        return np.zeros(len(final), bool)
    days, which = np.unique(final // _DAY, return_inverse=True)
    named = [_words_of(moment(day * _DAY))[:10] for day in days.tolist()]
    out = [
        bool((recipe.since and day < recipe.since) or (recipe.before and day > recipe.before))
        for day in named
    ]
    return np.array(out, bool)[which]


def _columns(made: Rows, setting: Setting, final: Ints) -> dict[str, pa.Array]:
    """Return the columns of rows that follow from their tasks and answers."""
    batch, summed = made.batch, made.summed
    experts = batch.experts[made.answers]
    summaries, which = np.unique(summed, return_inverse=True)
    said = [made.readings.summaries[one] for one in summaries.tolist()]
    place = pa.array(which)

    def each(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind).take(place)

    closest = made.answers[made.firsts + np.array([one.closest for one in said], int)[which]]
    ids = [batch.external_ids[at] for at in made.tasks.tolist()]
    if batch.project_id != setting.primary:
        ids = [row_id(batch.project_id, one, setting.primary) for one in ids]
    return {
        "id": pa.array(ids, pa.string()),
        "project": pa.array(np.full(len(ids), batch.project_id)),
        "data": pa.array([batch.data[at] for at in made.tasks.tolist()], pa.string()),
        "label": each((one.label for one in said), pa.string()),
        "undecided": each((one.undecided for one in said), pa.bool_()),
        "spans": each((one.spans for one in said), pa.list_(columns.SPAN)),
        "span_confidence": each((one.span_confidence for one in said), pa.list_(pa.float64())),
        "confidence": each((one.confidence for one in said), pa.float64()),
        "agreement": each((one.agreement for one in said), pa.float64()),
        "probabilities": each((one.shares for one in said), pa.list_(columns.SHARE)),
        "annotator_count": pa.array(_different(experts, made.ends), pa.int32()),
        "experts": pa.ListArray.from_arrays(_offsets(made.ends), pa.array(experts)),
        "credential_classes": _sets(_classes(batch, setting)[made.answers], made.ends),
        "price_class": _prices(batch, made),
        "review_path": _paths(batch, made),
        "validated_at": pa.array(final).cast(_TIME),
        "result": pa.array(_results(batch, closest, said, which), pa.string()),
        **_extras(made, closest),
    }


def _results(batch: Batch, closest: Ints, said: Sequence[Summary], which: Ints) -> Iterator[str]:
    """Yield for each row the closest answer, or the one that joined regions make."""
    for at, number in zip(closest.tolist(), which.tolist(), strict=True):
        made = said[number].result
        yield batch.results[at] if made is None else made


def paths(batch: Batch) -> list[str]:
    """Return how each answer came to count."""
    ways = {one: path(*one) for one in set(zip(batch.states, batch.rules, strict=True))}
    return [ways[one] for one in zip(batch.states, batch.rules, strict=True)]


def path(state: str, rule: str | None) -> str:
    """Return how an answer came to count."""
    if state == State.SUBMITTED:
        return WAITING
    how = rule or PERSON
    return PATHS.get(how, how)


def one_path(paths: Iterable[str]) -> str:
    """Return how answers came to count: what is least certain last, a person's word first."""
    paths = set(paths)
    if WAITING in paths:
        return WAITING
    first = (PATHS[PERSON], PATHS[rules.SILENCE])
    return next((one for one in first if one in paths), None) or min(paths)


def group_names(table: Mapping[str, pa.Array], made: Rows, recipe: Recipe) -> list[str]:
    """Return the group of each row: rows of one group are never in two splits."""
    keys = made.batch.group_keys
    own = [
        str(keys[at] or name)
        for at, name in zip(made.tasks.tolist(), table["id"].to_pylist(), strict=True)
    ]
    if recipe.split_by is not SplitBy.FIELD:
        return own
    held = [json.loads(one).get(recipe.split_field) for one in table["data"].to_pylist()]
    return [
        name if value is None or value == "" else _words(value)
        for name, value in zip(own, held, strict=True)
    ]


def moments(table: Mapping[str, pa.Array], made: Rows, recipe: Recipe) -> list[str]:
    """Return when each row happened, in words that sort: by its data, or by its first answer."""
    if recipe.split_by is not SplitBy.TIME:
        return [""] * len(made.tasks)
    if recipe.split_field:
        held = [json.loads(one).get(recipe.split_field) for one in table["data"].to_pylist()]
        return [_sortable(value) for value in held]
    batch = made.batch
    ended = np.where(batch.decided == NEVER, batch.submitted, batch.decided)[made.answers]
    return [_words_of(moment(one)) for one in (-_last(-ended, made.ends)).tolist()]


def votes(made: Rows, setting: Setting, first: int) -> dict[str, pa.Array]:
    """Return the answers behind rows, each as a row of its own; `first` numbers their rows."""
    batch, answers = made.batch, made.answers.tolist()
    counts = np.diff(made.ends, prepend=0)
    labels = [one.label for one in made.readings.all]
    numbers = [made.said[at] for at in answers]
    how = paths(batch)
    classes = _classes(batch, setting)
    prices = [price_class(*one) for one in zip(batch.pays.tolist(), batch.currencies, strict=True)]
    extras = batch.extras
    seconds = batch.seconds[made.answers]
    return {
        "row": pa.array(np.repeat(np.arange(len(counts)) + first, counts)),
        "id": made.table["id"].take(pa.array(np.repeat(np.arange(len(counts)), counts))),
        "expert": pa.array(batch.experts[made.answers]),
        "label": pa.array([labels[one] for one in numbers], pa.string()),
        "result": pa.array([batch.results[at] for at in answers], pa.string()),
        "state": pa.array([batch.states[at] for at in answers], pa.string()),
        "review_path": pa.array([how[at] for at in answers], pa.string()),
        "credential_class": pa.array([classes[at] for at in answers], pa.string()),
        "price_class": pa.array([prices[at] for at in answers], pa.string()),
        "seconds": pa.array(seconds, pa.int32(), mask=seconds == NONE),
        "submitted_at": pa.array(batch.submitted[made.answers]).cast(_TIME),
        "started_from": pa.array(
            [
                extras.get(one, _NONE).origin or str(Origin.BLANK)
                for one in batch.assignments[made.answers].tolist()
            ]
            if extras
            else [str(Origin.BLANK)] * len(answers),
            pa.string(),
        ),
    }


def others(made: Rows) -> Iterator[list[dict[str, Any]] | None]:
    """Yield for each row whose answers differ in their label the first answer for each."""
    batch, read = made.batch, made.readings.all
    answers, first = made.answers.tolist(), 0
    for end, number in zip(made.ends.tolist(), made.summed.tolist(), strict=True):
        some, first = answers[first:end], end
        firsts: dict[str | None, int] = {}
        for at in some:
            firsts.setdefault(read[made.said[at]].label, at)
        summary = made.readings.summaries[number]
        yield (
            [
                {
                    "label": label,
                    "result": batch.results[at]
                    if summary.result is None
                    else joined(read[made.said[at]], summary.kept),
                }
                for label, at in firsts.items()
            ]
            if len(firsts) > 1
            else None
        )


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


def _offsets(ends: Ints) -> pa.Array:
    return pa.array(np.concatenate((np.zeros(1, np.int32), ends.astype(np.int32))))


def _different(experts: Ints, ends: Ints) -> Ints:
    """Return how many different experts stand behind each row."""
    row = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    order = np.lexsort((experts, row))
    row, experts = row[order], experts[order]
    fresh = np.ones(len(row), bool)
    fresh[1:] = (row[1:] != row[:-1]) | (experts[1:] != experts[:-1])
    return np.bincount(row[fresh], minlength=len(ends))


def _classes(batch: Batch, setting: Setting) -> NDArray[Any]:
    """Return the credential class of each answer's expert."""
    levels, project_id = setting.levels, batch.project_id
    return _of_experts(batch, lambda one: credential_class(levels.get((project_id, one))))


def _sets(values: NDArray[Any], ends: Ints) -> pa.Array:
    """Return the different values of each run, in order."""
    kind = pa.list_(pa.string())
    names, numbers = np.unique(values, return_inverse=True)
    sets, which = np.unique(_bits(numbers, ends), return_inverse=True)
    listed = [[str(names[at]) for at in _places(one)] for one in sets.tolist()]
    return pa.array(listed, kind).take(pa.array(which))


def _bits(numbers: Ints, ends: Ints) -> Ints:
    """Return the numbers of each run as bits; at most 62 different ones."""
    if not len(ends):
        return ends
    firsts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    return np.bitwise_or.reduceat(np.int64(1) << numbers.astype(np.int64), firsts)


def _places(bits: int) -> list[int]:
    return [at for at in range(bits.bit_length()) if bits >> at & 1]


def _prices(batch: Batch, made: Rows) -> pa.Array:
    """Return the highest class of pay behind each row."""
    pays, currencies = batch.pays.tolist(), batch.currencies
    which = {one: _price(*one) for one in set(zip(pays, currencies, strict=True))}
    order = {one: number for number, one in enumerate(sorted(set(which.values())))}
    numbers = {one: order[price] for one, price in which.items()}
    each = np.array([numbers[one] for one in zip(pays, currencies, strict=True)], np.int64)
    highest = _last(each[made.answers], made.ends)
    return pa.array([name for _, name in order], pa.string()).take(pa.array(highest, pa.int64()))


def _paths(batch: Batch, made: Rows) -> pa.Array:
    """Return how each row's answers came to count."""
    found = paths(batch)
    names = {name: number for number, name in enumerate(dict.fromkeys(found))}
    each = np.array([names[one] for one in found], np.int64)[made.answers]
    named = [*names]
    if len(named) > 62:
        numbers, first, listed = each.tolist(), 0, []
        for end in made.ends.tolist():
            listed.append(one_path(named[one] for one in numbers[first:end]))
            first = end
        return pa.array(listed, pa.string())
    sets, which = np.unique(_bits(each, made.ends), return_inverse=True)
    words = [one_path(named[at] for at in _places(one)) for one in sets.tolist()]
    return pa.array(words, pa.string()).take(pa.array(which))


def _extras(made: Rows, closest: Ints) -> dict[str, pa.Array]:
    """Return what results began with, and how models were compared: few rows have either."""
    extras, size = made.batch.extras, len(closest)
    if not extras:
        return {
            "started_from": pa.repeat(pa.scalar(str(Origin.BLANK)), size),
            "started_from_model": pa.nulls(size, pa.string()),
            "models_compared": pa.nulls(size, pa.string()),
        }
    own = [extras.get(one, _NONE) for one in made.batch.assignments[closest].tolist()]
    return {
        "started_from": pa.array([one.origin or str(Origin.BLANK) for one in own], pa.string()),
        "started_from_model": pa.array([one.model_version for one in own], pa.string()),
        "models_compared": pa.array(_compared(made), pa.string()),
    }


def _compared(made: Rows) -> list[str | None]:
    """Return how experts placed the answers of models, and where these stood; or None."""
    batch, answers, first, found = made.batch, made.answers.tolist(), 0, []
    for end in made.ends.tolist():
        some, first = answers[first:end], end
        rows = [
            {
                "annotator": int(batch.experts[at]),
                "model": model,
                "place": place,
                "position": position,
            }
            for at in some
            for model, position, place in batch.extras.get(
                int(batch.assignments[at]), _NONE
            ).placings
        ]
        found.append(canonical(rows) if rows else None)
    return found


@lru_cache(maxsize=1_000)
def _price(minor: int, currency: str) -> tuple[int, str]:
    amount = Money(minor, currency).decimal
    place = sum(amount >= end for end in PRICES)
    if place == len(PRICES):
        return place, f"{currency} {PRICES[-1]}+"
    return place, f"{currency} {PRICES[place - 1] if place else 0}-{PRICES[place]}"


def _sortable(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = f"{value:025.6f}"
        return text.translate(splits.MIRRORED) if text.startswith("-") else text
    return "" if value is None else _words(value)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def _words_of(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""
