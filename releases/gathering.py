"""The first pass of a build: reads the answers and sets down what the recipe does not leave out.

On the way it counts what columns, splits and the learned label need to know of all rows together.
Work is done a batch at a time and in columns; only what is different in each row is looked at
row by row.
"""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from annotation import aggregation, agreement
from annotation.aggregation import Method
from annotation.released import Batch, Ints, coded, moment
from releases import columns, duplicates, person_names, personal_scan, rows, splits, spool
from releases.ahead import ahead
from releases.person_names import Finder
from releases.readings import Readings
from releases.recipe import Duplicates, Personal
from releases.rows import KNOWN_ANSWER, REASONS, Rows, Setting

Beat = Callable[[int], None]
# With more labels than this they are no classes, and the names are not kept.
MOST_CLASSES = 1_000


@dataclass
class Gathered:
    """What was counted on the way; its size hardly grows with the number of rows."""

    rows: int = 0
    tasks: int = 0
    answers: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    by_project: Counter[int] = field(default_factory=Counter)
    kinds: columns.Kinds = field(default_factory=dict)
    groups: dict[str, Counter[str]] | None = field(default_factory=dict)
    experts: set[int] = field(default_factory=set)
    labels: set[str | None] = field(default_factory=set)
    found: duplicates.Finder | None = None
    ballot: "Ballot" = field(default_factory=lambda: Ballot())
    digest: Any = field(default_factory=hashlib.sha256)

    def add_kinds(self, data: Mapping[str, Any]) -> None:
        """Note the sort of each field of the data."""
        for key, value in data.items():
            kind = columns.kind_of(value)
            kinds = self.kinds.get(key)
            if kinds is None:
                kinds = self.kinds[key] = set()
            if kind is not None:
                kinds.add(kind)

    def add_groups(self, groups: pa.Array, labels: pa.Array) -> None:
        """Count rows by their group, while groups are so few that the salt matters."""
        if self.groups is None:
            return
        pairs = zip(groups.to_pylist(), labels.to_pylist(), strict=True)
        for (group, label), count in Counter(pairs).items():
            self.groups.setdefault(group, Counter())[label or ""] += count
        if len(self.groups) > splits.FEW_GROUPS:
            self.groups = None

    def add_labels(self, labels: pa.Array) -> None:
        """Note which labels there are, while they are so few that they may be classes."""
        if len(self.labels) <= MOST_CLASSES:
            self.labels.update(labels.unique().to_pylist())


@dataclass
class Ballot:
    """The votes for labels, as numbers, with what is known of some tasks."""

    tasks: "array[int]" = field(default_factory=lambda: array("i"))
    experts: "array[int]" = field(default_factory=lambda: array("i"))
    labels: "array[int]" = field(default_factory=lambda: array("i"))
    names: dict[str, int] = field(default_factory=dict)
    people: dict[int, int] = field(default_factory=dict)
    known: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def add(self, made: Rows) -> Ints:
        """Take the votes on some tasks, and return the number here of each that became a row.

        Tasks whose answer is known and that stay out are voted on too: they teach.
        """
        batch = made.batch
        teaching = made.reasons == KNOWN_ANSWER
        voted = teaching.copy()
        voted[made.tasks] = True
        votes = np.union1d(made.answers, np.flatnonzero(teaching[batch.places]))
        numbers = np.cumsum(voted) - 1 + self.count
        labels = [one.label for one in made.readings.all]
        said = made.said[votes]
        known = {
            at: label
            for at, gold in batch.gold.items()
            if voted[at] and (label := agreement.label(gold)) is not None
        }
        self._meet(said, labels, batch.places[votes], known)
        self.known |= {int(numbers[at]): self.names[label] for at, label in known.items()}
        codes = np.array([-1 if one is None else self.names.get(one, -1) for one in labels])
        chosen = codes[said] if len(said) else said
        counts = chosen >= 0
        _extend(self.tasks, numbers[batch.places[votes]][counts])
        _extend(self.experts, self._people(batch.experts[votes][counts]))
        _extend(self.labels, chosen[counts])
        self.count += int(voted.sum())
        return numbers[made.tasks]

    def _meet(
        self, said: Ints, labels: Sequence[str | None], places: Ints, known: Mapping[int, str]
    ) -> None:
        """Number labels in the order in which they are met, a known answer before the votes."""
        codes, firsts = np.unique(said, return_index=True)
        met = [
            (int(places[at]), 1, int(at), labels[code])
            for code, at in zip(codes, firsts, strict=True)
        ]
        met += [(place, 0, 0, label) for place, label in known.items()]
        for *_order, label in sorted(met, key=lambda one: one[:3]):
            if label is not None:
                self.names.setdefault(label, len(self.names))

    def _people(self, experts: Ints) -> Ints:
        different, which = np.unique(experts, return_inverse=True)
        numbers = [self.people.setdefault(one, len(self.people)) for one in different.tolist()]
        return np.array(numbers, np.int64)[which]

    def merged(self, method: Method) -> aggregation.Merged:
        """Return how likely each label is for each task."""
        # Labels are numbered as they were met, and named in the end: the order changes nothing.
        return aggregation.merge(
            aggregation.Votes(
                np.frombuffer(self.tasks, dtype=np.int32),
                np.frombuffer(self.experts, dtype=np.int32),
                np.frombuffer(self.labels, dtype=np.int32),
                task_count=self.count,
                label_count=len(self.names),
                known=self.known,
            ),
            method,
        )


def gather(
    folder: Path, found: Iterable[Batch], setting: Setting, shown: list[str], beat: Beat
) -> Gathered:
    """Set down the rows of a release."""
    recipe, gathered, readings = setting.recipe, Gathered(), Readings(setting.recipe.marks)
    learned = recipe.method is not Method.MAJORITY
    if recipe.duplicates is not Duplicates.IGNORE:
        gathered.found = duplicates.Finder(folder, near=recipe.near)
    with (
        _spools(folder, votes=recipe.votes) as (kept, votes, left),
        closing(ahead(_digested(found, gathered))) as coming,
    ):
        for batch in coming:
            made = rows.rows_of(batch, setting, readings, learned=learned)
            _leave_out(gathered, made, setting, left)
            _finish(gathered, made, setting, shown, learned=learned)
            if votes is not None:
                votes.add_columns(rows.votes(made, setting, gathered.rows))
            kept.add_columns(made.table)
            gathered.rows += len(made.tasks)
            beat(gathered.rows)
    return gathered


def _digested(found: Iterable[Batch], gathered: Gathered) -> Iterator[Batch]:
    for batch in found:
        _digest(gathered, batch)
        yield batch


def _leave_out(gathered: Gathered, made: Rows, setting: Setting, left: spool.Spool) -> None:
    for at in np.flatnonzero(made.reasons).tolist():
        reason = REASONS[made.reasons[at]]
        gathered.left_out[reason] += 1
        own = made.batch.external_ids[at].as_py()
        name = rows.row_id(made.batch.project_id, own, setting.primary)
        left.add({"id": name, "reason": reason})


def _finish(
    gathered: Gathered, made: Rows, setting: Setting, shown: list[str], *, learned: bool
) -> None:
    """Add what follows from the data of the tasks, and count the rows."""
    recipe, table, size = setting.recipe, made.table, len(made.tasks)
    if learned:
        table["place"] = pa.array(gathered.ballot.add(made), pa.int64())
        table["others"] = pa.array(rows.others(made), spool.ROW.field("others").type)
    else:
        table["place"] = pa.array(np.full(size, -1))
        table["others"] = pa.nulls(size, spool.ROW.field("others").type)
    if not size:
        for name in ("group", "moment"):
            table[name] = pa.array([], pa.string())
        table["personal"] = pa.array([], spool.ROW.field("personal").type)
        return
    table["group"] = rows.group_names(table, made, recipe)
    table["moment"] = rows.moments(table, made, recipe)
    table["personal"] = _personal(table, recipe.personal, setting.names)
    _look_at_data(gathered, table["data"], shown)
    gathered.add_groups(table["group"], table["label"])
    gathered.add_labels(table["label"])
    gathered.experts.update(np.unique(made.batch.experts[made.answers]).tolist())
    gathered.by_project[made.batch.project_id] += size
    gathered.answers += len(made.answers)


def _personal(
    table: Mapping[str, pa.Array], asked: Personal, names: Finder | None = None
) -> pa.Array:
    """Return the kinds of personal data in each row; few rows can hold any, and are looked at."""
    found: dict[int, list[str]] = {}
    if asked is not Personal.OFF:
        for at in _which(personal_scan.may_hold_each(table["data"])):
            data = table["data"][at].as_py()
            if personal_scan.may_hold(data):
                found[at] = personal_scan.kinds_in(json.loads(data))
        for at in _holding(table["result"], '"textarea"'):
            more = personal_scan.kinds_in(json.loads(table["result"][at].as_py()))
            found[at] = found.get(at, []) + more
        if names is not None:
            data = [json.loads(one) for one in table["data"].to_pylist()]
            said = [personal_scan.written(json.loads(one)) for one in table["result"].to_pylist()]
            held = [list(one) for one in zip(data, said, strict=True)]
            for at, count in enumerate(person_names.count_each(names, held)):
                if count:
                    found[at] = found.get(at, []) + [person_names.NAME] * count
    kinds = [kind for at in sorted(found) for kind in found[at]]
    counts = np.zeros(len(table["data"]) + 1, np.int32)
    counts[[at + 1 for at in found]] = [len(one) for one in found.values()]
    ends = np.cumsum(counts, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(kinds, pa.string()))


def _holding(texts: pa.Array, words: str) -> list[int]:
    """Return which texts hold some words; mostly none does, which all of them as one tell."""
    if words.encode() not in columns.text_of(texts).to_pybytes():
        return []
    return _which(pc.match_substring(texts, words))


def _which(mask: pa.Array) -> list[int]:
    places: list[int] = np.flatnonzero(mask.to_numpy(zero_copy_only=False)).tolist()
    return places


def _look_at_data(gathered: Gathered, data: pa.Array, shown: list[str]) -> None:
    """Note the sorts of the fields, and the words that people were shown.

    Arrow reads it where all rows are of one form; it is read again row by row where they are not.
    """
    finder = gathered.found
    words = _read_by_arrow(gathered, data, shown)
    if words is None:
        loaded = [json.loads(one) for one in data.to_pylist()]
        for one in loaded:
            gathered.add_kinds(one)
        said = [duplicates.words_of(one, shown) for one in loaded] if finder is not None else []
        words = pa.array(said, pa.string())
    if finder is not None:
        finder.add_all(words)


def _read_by_arrow(gathered: Gathered, data: pa.Array, shown: list[str]) -> pa.Array | None:
    text = columns.lines(data)
    try:
        read = arrow_json.read_json(
            pa.BufferReader(text),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=text.size + 1),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=pa.schema([(name, pa.string()) for name in shown]),
            ),
        )
    except pa.ArrowInvalid:
        return None
    here = [read[name] for name in shown]
    if not here or read.num_rows != len(data) or any(one.null_count for one in here):
        return None
    kinds = {name: columns.kind_of_type(read.schema.field(name).type) for name in read.schema.names}
    for name, kind in kinds.items():
        gathered.kinds.setdefault(name, set()).update({kind} if kind is not None else ())
    return pc.binary_join_element_wise(*(one.combine_chunks() for one in here), "\n")


def _extend(held: "array[int]", more: Ints) -> None:
    held.frombytes(more.astype(np.int32).tobytes())


def _digest(gathered: Gathered, batch: Batch) -> None:
    """Take tasks and their answers into the hash of all that went in, which a rebuild compares."""
    gathered.tasks += batch.tasks
    experts, expert = batch.people
    ways, way = batch.ways
    decided, when = coded(batch.decided)
    cases, which = coded((when * len(ways) + way) * len(experts) + expert)
    places = ((one // len(experts), one % len(experts)) for one in cases)
    became = (
        (experts[who], *ways[how % len(ways)], moment(decided[how // len(ways)]))
        for how, who in places
    )
    said = [f" {expert} {state} {rule} {at} " for expert, state, rule, at in became]
    joined = pc.binary_join_element_wise(
        _heads(batch),
        pa.array(batch.assignments).cast(pa.string()),
        pa.array(said, pa.string()).take(pa.array(which)),
        batch.results,
        "",
    )
    gathered.digest.update(columns.text_of(joined))


def _heads(batch: Batch) -> pa.Array:
    """Return what stands before each answer: a break, and its task where it is the first one."""
    number, known = f"{batch.project_id} ", pa.repeat("None", batch.tasks)
    if batch.gold:
        known = pa.array([str(batch.gold.get(at)) for at in range(batch.tasks)], pa.string())
    names = pc.binary_join_element_wise(number, batch.external_ids, "")
    groups = pc.fill_null(batch.group_keys, "None")
    heads = pc.binary_join_element_wise(names, groups, batch.data, known, "", "\n")
    is_first = np.diff(batch.places, prepend=-1) > 0
    return pc.fill_null(heads.take(pa.array(batch.places, mask=~is_first)), "\n")


@contextmanager
def _spools(
    folder: Path, *, votes: bool
) -> Iterator[tuple[spool.Spool, spool.Spool | None, spool.Spool]]:
    with ExitStack() as stack:
        yield (
            stack.enter_context(spool.Spool(folder / spool.ROWS, spool.ROW)),
            stack.enter_context(spool.Spool(folder / spool.VOTES, spool.VOTE)) if votes else None,
            stack.enter_context(spool.Spool(folder / spool.LEFT, spool.LEFT_OUT)),
        )
