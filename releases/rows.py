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
import pyarrow.compute as pc
from numpy.typing import NDArray

from annotation import rules
from annotation.loop_models import Origin
from annotation.models import State
from annotation.released import NEVER, NONE, Batch, Extra, Ints, coded, moment
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
    said: Ints
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
    summed = readings.summed(said[answers], ends)
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
    experts, which = batch.people
    return np.array([question(one) for one in experts])[which]


def _kept(
    batch: Batch, reasons: NDArray[np.int8], counting: NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints]:
    """Return the tasks that are kept, the answers behind them, and where each one's end."""
    answers = np.flatnonzero(counting & (reasons[batch.places] == KEPT))
    counts = np.bincount(batch.places[answers], minlength=batch.tasks)
    tasks = np.flatnonzero(counts)
    return tasks, answers, np.cumsum(counts[tasks])


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
    ids = _of_tasks(batch.external_ids, made)
    if batch.project_id != setting.primary:
        other = [row_id(batch.project_id, one, setting.primary) for one in ids.to_pylist()]
        ids = pa.array(other, pa.string())
    return {
        "id": ids,
        "project": pa.array(np.full(len(ids), batch.project_id)),
        "data": _of_tasks(batch.data, made),
        "label": each((one.label for one in said), pa.string()),
        "undecided": each((one.undecided for one in said), pa.bool_()),
        "spans": each((one.spans for one in said), pa.list_(columns.SPAN)),
        "span_confidence": each((one.span_confidence for one in said), pa.list_(pa.float64())),
        "confidence": each((one.confidence for one in said), pa.float64()),
        "agreement": each((one.agreement for one in said), pa.float64()),
        "probabilities": each((one.shares for one in said), pa.list_(columns.SHARE)),
        "annotator_count": pa.array(_different(experts, made.ends), pa.int32()),
        "experts": pa.ListArray.from_arrays(_offsets(made.ends), pa.array(experts)),
        "credential_classes": _sets(*_classes(batch, setting), made),
        "price_class": _prices(batch, made),
        "review_path": _paths(batch, made),
        "validated_at": pa.array(final).cast(_TIME),
        "result": _results(batch, closest, said, which),
        **_extras(made, closest),
    }


def _of_tasks(column: pa.Array, made: Rows) -> pa.Array:
    """Return of a column of all tasks what belongs to those that became rows: mostly all of it."""
    return column if len(made.tasks) == len(column) else column.take(pa.array(made.tasks))


def _results(batch: Batch, closest: Ints, said: Sequence[Summary], which: Ints) -> pa.Array:
    """Return for each row the closest answer, or the one that joined regions make."""
    results = batch.results.take(pa.array(closest))
    if all(one.result is None for one in said):
        return results
    joint = pa.array([one.result for one in said], pa.string()).take(pa.array(which))
    return pc.coalesce(joint, results)


def _paths_of(batch: Batch) -> tuple[list[str], Ints]:
    """Return the ways in which answers came to count, and the number of each answer's."""
    ways, which = batch.ways
    found = [path(*one) for one in ways]
    names = [*dict.fromkeys(found)]
    return names, np.array([names.index(one) for one in found], np.int64)[which]


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


def group_names(table: Mapping[str, pa.Array], made: Rows, recipe: Recipe) -> pa.Array:
    """Return the group of each row: rows of one group are never in two splits."""
    keys = _of_tasks(made.batch.group_keys, made)
    own = pc.if_else(pc.fill_null(pc.equal(keys, ""), True), table["id"], keys)
    if recipe.split_by is not SplitBy.FIELD:
        return own
    held = [json.loads(one).get(recipe.split_field) for one in table["data"].to_pylist()]
    named = [
        name if value is None or value == "" else _words(value)
        for name, value in zip(own.to_pylist(), held, strict=True)
    ]
    return pa.array(named, pa.string())


def moments(table: Mapping[str, pa.Array], made: Rows, recipe: Recipe) -> pa.Array:
    """Return when each row happened, in words that sort: by its data, or by its first answer."""
    if recipe.split_by is not SplitBy.TIME:
        return pa.repeat("", len(made.tasks))
    if recipe.split_field:
        held = [json.loads(one).get(recipe.split_field) for one in table["data"].to_pylist()]
        return pa.array([_sortable(value) for value in held], pa.string())
    batch = made.batch
    ended = np.where(batch.decided == NEVER, batch.submitted, batch.decided)[made.answers]
    first = [_words_of(moment(one)) for one in (-_last(-ended, made.ends)).tolist()]
    return pa.array(first, pa.string())


def votes(made: Rows, setting: Setting, first: int) -> dict[str, pa.Array]:
    """Return the answers behind rows, each as a row of its own; `first` numbers their rows."""
    batch, answers = made.batch, made.answers
    counts = np.diff(made.ends, prepend=0)
    row, place = np.repeat(np.arange(len(counts)), counts), pa.array(answers)
    labels = pa.array([one.label for one in made.readings.all], pa.string())
    seconds = batch.seconds[answers]
    return {
        "row": pa.array(row + first),
        "id": made.table["id"].take(pa.array(row)),
        "expert": pa.array(batch.experts[answers]),
        "label": labels.take(pa.array(made.said[answers])),
        "result": batch.results.take(place),
        "state": batch.states.take(place),
        "review_path": _named(*_paths_of(batch)).take(place),
        "credential_class": _named(*_classes(batch, setting)).take(place),
        "price_class": _named(*_price_classes(batch)).take(place),
        "seconds": pa.array(seconds, pa.int32(), mask=seconds == NONE),
        "submitted_at": pa.array(batch.submitted[answers]).cast(_TIME),
        "started_from": _origins(batch, batch.assignments[answers]),
    }


def _named(names: Sequence[str], numbers: Ints) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(numbers))


def _origins(batch: Batch, assignments: Ints) -> pa.Array:
    """Return what answers began with."""
    extras, blank = batch.extras, str(Origin.BLANK)
    if not extras:
        return pa.repeat(blank, len(assignments))
    own = [extras.get(one, _NONE).origin or blank for one in assignments.tolist()]
    return pa.array(own, pa.string())


def others(made: Rows) -> Iterator[list[dict[str, Any]] | None]:
    """Yield for each row whose answers differ in their label the first answer for each."""
    results, read, said = made.batch.results, made.readings.all, made.said.tolist()
    answers, first = made.answers.tolist(), 0
    for end, number in zip(made.ends.tolist(), made.summed.tolist(), strict=True):
        some, first = answers[first:end], end
        firsts: dict[str | None, int] = {}
        for at in some:
            firsts.setdefault(read[said[at]].label, at)
        summary = made.readings.summaries[number]
        yield (
            [
                {
                    "label": label,
                    "result": results[at].as_py()
                    if summary.result is None
                    else joined(read[said[at]], summary.kept),
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


def row_hashes(ids: pa.Array, data: pa.Array, labels: pa.Array, spans: pa.Array) -> pa.Array:
    """Return what changes when the data or the answer of a row does, and not with who gave it."""
    marks = pa.repeat("", len(ids))
    if len(spans.flatten()):
        said = [canonical(one) if one else "" for one in spans.to_pylist()]
        marks = pa.array(said, pa.string())
    rows = pc.binary_join_element_wise(ids, data, pc.fill_null(labels, "None"), marks, "\n")
    sha256 = hashlib.sha256
    found = b"".join([sha256(one).digest()[:8] for one in rows.cast(pa.binary()).to_pylist()])
    ends = np.arange(0, 2 * len(found) + 1, 16, dtype=np.int32)
    words = found.hex().encode()
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(ends), pa.py_buffer(words))


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
    # The number of an expert takes 32 bits at most.
    each = np.sort(row << 32 | experts)
    fresh = np.ones(len(row), bool)
    fresh[1:] = each[1:] != each[:-1]
    return np.bincount(row[fresh], minlength=len(ends))


def _classes(batch: Batch, setting: Setting) -> tuple[list[str], Ints]:
    """Return the credential classes there are, in order, and the number of each answer's."""
    experts, which = batch.people
    found = [credential_class(setting.levels.get((batch.project_id, one))) for one in experts]
    names = sorted(set(found))
    return names, np.array([names.index(one) for one in found], np.int64)[which]


def _sets(names: Sequence[str], numbers: Ints, made: Rows) -> pa.Array:
    """Return the different ones that stand behind each row, in order."""
    sets, which = coded(_bits(numbers[made.answers], made.ends))
    listed = [[names[at] for at in _places(one)] for one in sets]
    return pa.array(listed, pa.list_(pa.string())).take(pa.array(which))


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
    names, each = _price_classes(batch)
    return _named(names, _last(each[made.answers], made.ends))


def _price_classes(batch: Batch) -> tuple[list[str], Ints]:
    """Return the classes of pay there are, the lowest first, and the number of each answer's."""
    pays, first = coded(batch.pays)
    currencies, second = coded(batch.currencies)
    pairs, which = coded(first * len(currencies) + second)
    found = [
        _price(pays[one // len(currencies)], currencies[one % len(currencies)]) for one in pairs
    ]
    order = sorted(set(found))
    numbers = np.array([order.index(one) for one in found], np.int64)
    return [name for _, name in order], numbers[which]


def _paths(batch: Batch, made: Rows) -> pa.Array:
    """Return how each row's answers came to count."""
    named, numbers = _paths_of(batch)
    each = numbers[made.answers]
    if len(named) > 62:
        numbers, first, listed = each.tolist(), 0, []
        for end in made.ends.tolist():
            listed.append(one_path(named[one] for one in numbers[first:end]))
            first = end
        return pa.array(listed, pa.string())
    sets, which = coded(_bits(each, made.ends))
    return _named([one_path(named[at] for at in _places(one)) for one in sets], which)


def _extras(made: Rows, closest: Ints) -> dict[str, pa.Array]:
    """Return what results began with, and how models were compared: few rows have either."""
    extras, size = made.batch.extras, len(closest)
    if not extras:
        return {
            "started_from": pa.repeat(pa.scalar(str(Origin.BLANK)), size),
            "started_from_model": pa.nulls(size, pa.string()),
            "models_compared": pa.nulls(size, pa.string()),
        }
    assignments = made.batch.assignments[closest]
    own = [extras.get(one, _NONE) for one in assignments.tolist()]
    return {
        "started_from": _origins(made.batch, assignments),
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
