"""The second pass of a build: from the rows that were set down to those in the files.

Here stands what needs all rows: the learned label, groups joined by duplicates, splits, filters
that follow from the final label. Work is done a batch at a time, in Arrow where it can be.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from annotation.aggregation import Merged
from releases import columns, formats, personal_scan, rows, splits, spool
from releases.ahead import ahead
from releases.formats import Writer
from releases.person_names import Finder
from releases.personal_scan import Look
from releases.recipe import Marks, Personal, Recipe, SplitBy
from releases.tally import Tally

Beat = Callable[[int], None]
NOWHERE = -1
DUPLICATE, OTHER_LABEL, UNSURE = "duplicate", "other_label", "low_confidence"
LIKELY = 0.001
SPLITS = [*splits.SHARES]


@dataclass
class Plan:
    """What has been decided for all rows together."""

    recipe: Recipe
    rule: splits.Rule
    data: dict[str, str]
    label_names: list[str]
    # Who may be followed from release to release, by a key; and who in this release alone.
    keys: Mapping[int, str]
    voter: Callable[[int], str]
    merged: Merged | None = None
    ballot_names: list[str] = field(default_factory=list)
    regrouped: dict[str, str] = field(default_factory=dict)
    dropped: frozenset[int] = frozenset()
    begun: dict[str, str] = field(default_factory=dict)
    names: Finder | None = None

    @property
    def look(self) -> Look:
        """How personal data is looked for in the words of tasks."""
        return self.names.look if self.names is not None else personal_scan.scan


@dataclass
class Written:
    """What stands in the files of one config."""

    rows: dict[str, int]
    bytes: dict[str, int]
    shards: dict[str, int]
    schema: pa.Schema


def write(folder: Path, plan: Plan, tally: Tally, beat: Beat) -> dict[str, Written]:
    """Write the files of all rows, and of the votes where they are wanted."""
    where: list[np.ndarray[Any, np.dtype[np.int8]]] = []
    recipe, row = plan.recipe, 0
    overlap = recipe.marks is Marks.OVERLAP
    schema = columns.schema(plan.data, plan.label_names, overlap=overlap)
    made = Writer(folder, schema, jsonl=recipe.jsonl, csv=recipe.csv)
    with (
        made as writer,
        spool.Spool(folder / (spool.LEFT + "2"), spool.LEFT_OUT) as left,
        spool.Spool(folder / spool.SECRETS, spool.SECRET) as secrets,
        closing(ahead(_with_fields(folder, plan))) as coming,
    ):
        for batch, fields in coming:
            where.append(_write_batch(writer, batch, fields, row, plan, tally, left, secrets))
            row += batch.num_rows
            beat(row)
    written = {formats.DATA: _written(made)}
    if recipe.votes:
        places = np.concatenate(where) if where else np.zeros(0, dtype=np.int8)
        written[formats.VOTES] = _write_votes(folder, plan, places)
    (folder / spool.SECRETS).unlink()
    return written


def _written(writer: Writer) -> Written:
    names = [name for name in SPLITS if name in writer.splits]
    return Written(
        {name: writer.splits[name].rows for name in names},
        {name: writer.splits[name].bytes for name in names},
        {name: writer.shards[name] for name in names},
        writer.schema,
    )


def _with_fields(
    folder: Path, plan: Plan
) -> Iterator[tuple[pa.RecordBatch, list[pa.Array] | None]]:
    """Yield batches with the fields of their data, unless something of it is hidden before."""
    for batch in spool.batches(folder / spool.ROWS):
        is_as_it_is = plan.recipe.personal is not Personal.MASK
        yield batch, _expanded(batch.column("data"), plan.data) if is_as_it_is else None


def _write_batch(
    writer: Writer,
    batch: pa.RecordBatch,
    fields: list[pa.Array] | None,
    first: int,
    plan: Plan,
    tally: Tally,
    left: spool.Spool,
    secrets: spool.Spool,
) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Write a batch; return for each of its rows the number of its split, or nowhere."""
    held = {name: batch.column(name) for name in batch.schema.names}
    held["majority"] = held["label"]
    if plan.merged is not None:
        _learn(held, plan, plan.merged)
    where = _split(held, plan)
    _leave_out(where, held, first, plan, tally, left)
    if plan.recipe.personal is Personal.MASK:
        _mask(held, first, secrets, plan)
    if fields is None:
        fields = _expanded(held["data"], plan.data)
    table = _table(held, fields, plan, writer.schema)
    for number, split in enumerate(SPLITS):
        mine = np.flatnonzero(where == number)
        if len(mine):
            part = table.take(pa.array(mine))
            taken = pa.array(mine)
            tally.add(part, held["experts"].take(taken), held["personal"].take(taken))
            writer.add(split, part)
    return where


def _learn(held: dict[str, pa.Array], plan: Plan, merged: Merged) -> None:
    """Put the learned label in the place of the majority's, where anybody voted."""
    likely = merged.probabilities[held["place"].to_numpy()]
    if not likely.shape[1]:
        return
    best, voted = likely.argmax(axis=1), likely.sum(axis=1) > 0
    sure = np.round(likely[np.arange(len(best)), best], 6)
    names = pa.array(plan.ballot_names, pa.string())
    label = names.take(pa.array(best, mask=~voted))
    held["confidence"] = pa.array(np.where(voted, sure, held["confidence"].to_numpy()))
    held["probabilities"] = pa.array(
        [_probabilities(one, plan.ballot_names) for one in likely], pa.list_(columns.SHARE)
    )
    held["result"] = _closest(held, label)
    held["label"] = label


def _probabilities(likely: Any, names: list[str]) -> list[dict[str, Any]]:
    found = [(float(likely[at]), names[at]) for at in np.flatnonzero(likely >= LIKELY)]
    found.sort(key=lambda one: (-one[0], one[1]))
    return [{"label": name, "probability": round(share, 6)} for share, name in found]


def _closest(held: dict[str, pa.Array], label: pa.Array) -> pa.Array:
    """Return results, where another label was learned that of the first who gave it."""
    differ = np.flatnonzero(
        pc.fill_null(pc.not_equal(held["label"], label), True).to_numpy(zero_copy_only=False)
    )
    if not len(differ):
        return held["result"]
    results = held["result"].to_pylist()
    for at in differ.tolist():
        for other in held["others"][at].as_py() or ():
            if other["label"] == label[at].as_py():
                results[at] = other["result"]
    return pa.array(results, pa.string())


def _split(held: dict[str, pa.Array], plan: Plan) -> np.ndarray[Any, np.dtype[np.int8]]:
    if plan.regrouped:
        groups = [plan.regrouped.get(one, one) for one in held["group"].to_pylist()]
        held["group"] = pa.array(groups, pa.string())
    coded = held["group"].dictionary_encode()
    names, rule, begun = coded.dictionary.to_pylist(), plan.rule, plan.begun
    numbers = {name: number for number, name in enumerate(SPLITS)}
    if rule.by is not SplitBy.TIME:
        each = np.array([numbers[rule.split_of(one, "")] for one in names], np.int8)
        found: np.ndarray[Any, np.dtype[np.int8]] = each[coded.indices.to_numpy()]
        return found
    return np.fromiter(
        (
            numbers[rule.split_of(group, begun.get(group, rule.moment(moment)))]
            for group, moment in zip(
                held["group"].to_pylist(), held["moment"].to_pylist(), strict=True
            )
        ),
        dtype=np.int8,
        count=len(coded),
    )


def _leave_out(
    where: np.ndarray[Any, np.dtype[np.int8]],
    held: dict[str, pa.Array],
    first: int,
    plan: Plan,
    tally: Tally,
    left: spool.Spool,
) -> None:
    recipe, count = plan.recipe, len(where)
    reasons: dict[str, np.ndarray[Any, np.dtype[np.bool_]]] = {}
    if plan.dropped:
        reasons[DUPLICATE] = np.array([first + at in plan.dropped for at in range(count)])
    if recipe.labels:
        wanted = pc.is_in(held["label"], value_set=pa.array(recipe.labels, pa.string()))
        reasons[OTHER_LABEL] = ~wanted.to_numpy(zero_copy_only=False)
    if recipe.min_confidence is not None:
        reasons[UNSURE] = held["confidence"].to_numpy() < recipe.min_confidence
    for reason, out in reasons.items():
        for at in np.flatnonzero(out & (where != NOWHERE)).tolist():
            where[at] = NOWHERE
            tally.left_out[reason] += 1
            left.add({"id": held["id"][at].as_py(), "reason": reason})


def _mask(held: dict[str, pa.Array], first: int, kept: spool.Spool, plan: Plan) -> None:
    """Hide what was found, in the data and wherever answers quote it; marks keep their places.

    What is hidden of a row is kept for its votes, which quote it too.
    """
    found = pc.greater(pc.list_value_length(held["personal"]), 0)
    places = np.flatnonzero(found.to_numpy(zero_copy_only=False)).tolist()
    if not places:
        return
    names = ("data", "spans", "result", "group")
    lists = {name: held[name].to_pylist() for name in names}
    for at in places:
        data, said = (json.loads(lists[name][at]) for name in ("data", "result"))
        secrets = personal_scan.secrets(data, plan.look) | _names_in(said, plan)
        kept.add({"row": first + at, "words": json.dumps(secrets)})
        lists["data"][at] = json.dumps(personal_scan.masked(data, plan.look), ensure_ascii=False)
        result = personal_scan.hidden(said, secrets)
        lists["result"][at] = json.dumps(personal_scan.masked(result), ensure_ascii=False)
        lists["spans"][at] = [
            one | {"text": personal_scan.hidden(one["text"], secrets)} for one in lists["spans"][at]
        ]
        group = lists["group"][at]
        if personal_scan.scan(group):
            lists["group"][at] = "g-" + hashlib.sha256(group.encode()).hexdigest()[:12]
    for name in names:
        held[name] = pa.array(lists[name], held[name].type)


def _names_in(result: Any, plan: Plan) -> dict[str, str]:
    """Return the names in what people wrote themselves, with what stands in their place."""
    if plan.names is None:
        return {}
    return personal_scan.secrets(personal_scan.written(result), plan.look)


def _table(
    held: dict[str, pa.Array], fields: list[pa.Array], plan: Plan, schema: pa.Schema
) -> pa.Table:
    ids = pa.array(plan.label_names, pa.string())
    held["label_id"] = pc.index_in(held["label"], value_set=ids).cast(pa.int64())
    held["annotators"] = pa.array(
        [_keys(one, plan.keys) for one in held["experts"].to_pylist()]
        if plan.keys
        else [[]] * len(held["id"]),
        pa.list_(pa.string()),
    )
    held["models_compared"] = _compared(held["models_compared"], plan)
    held["row_hash"] = rows.row_hashes(*(held[name] for name in ("id", "data", "label", "spans")))
    overlap = plan.recipe.marks is Marks.OVERLAP
    fixed = [held[name] for name in columns.fixed(overlap=overlap)]
    return pa.Table.from_arrays([held["id"], *fields, *fixed], schema=schema)


def _keys(experts: list[int], keys: Mapping[int, str]) -> list[str]:
    return sorted({keys[one] for one in experts if one in keys})


def _compared(column: pa.Array, plan: Plan) -> pa.Array:
    if column.null_count == len(column):
        return column
    return pa.array([_named(one, plan) for one in column.to_pylist()], pa.string())


def _named(compared: str | None, plan: Plan) -> str | None:
    if compared is None:
        return None
    placed = json.loads(compared)
    for one in placed:
        expert = one["annotator"]
        one["annotator"] = plan.keys.get(expert) or plan.voter(expert)
    return rows.canonical(placed)


def _expanded(data: pa.Array, kinds: dict[str, str]) -> list[pa.Array]:
    """Return the fields of the data as columns; Arrow reads them, but for what stays JSON."""
    if not kinds:
        return []
    plain = {key: kind for key, kind in kinds.items() if kind != "json"}
    made: dict[str, pa.Array] = {}
    if plain:
        text = columns.lines(data)
        read = arrow_json.read_json(
            pa.BufferReader(text),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=text.size + 1),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=pa.schema([(key, columns.TYPES[plain[key]]) for key in plain]),
                unexpected_field_behavior="ignore",
            ),
        )
        made = {key: read[key].combine_chunks() for key in plain}
    if len(plain) < len(kinds):
        loaded = [json.loads(one) for one in data.to_pylist()]
        for key in kinds.keys() - plain.keys():
            made[key] = pa.array([formats.fit(one.get(key), "json") for one in loaded], pa.string())
    return [made[key] for key in kinds]


def _write_votes(folder: Path, plan: Plan, where: np.ndarray[Any, np.dtype[np.int8]]) -> Written:
    secrets = _Secrets(folder / spool.SECRETS)
    with Writer(folder, columns.VOTES, config=formats.VOTES) as writer:
        for batch in spool.batches(folder / spool.VOTES):
            table = _votes_table(batch, plan, secrets)
            mine = where[batch.column("row").to_numpy()]
            for number, split in enumerate(SPLITS):
                taken = np.flatnonzero(mine == number)
                if len(taken):
                    writer.add(split, table.take(pa.array(taken)))
    return _written(writer)


def _votes_table(batch: pa.RecordBatch, plan: Plan, secrets: "_Secrets") -> pa.Table:
    experts = batch.column("expert").to_pylist()
    made = {name: batch.column(name) for name in batch.schema.names}
    if plan.recipe.personal is Personal.MASK:
        made["result"] = pa.array(list(_masked_results(batch, secrets, plan)), pa.string())
    made["voter"] = pa.array([plan.voter(one) for one in experts], pa.string())
    made["annotator"] = pa.array([plan.keys.get(one) for one in experts], pa.string())
    return pa.Table.from_arrays([made[name] for name in columns.VOTES.names], schema=columns.VOTES)


class _Secrets:
    """What was hidden of each row, read as its votes are: both stand in the order of the rows."""

    def __init__(self, path: Path) -> None:
        self.left = (one for batch in spool.batches(path) for one in batch.to_pylist())
        self.row, self.words = NOWHERE, dict[str, str]()

    def of(self, row: int) -> dict[str, str]:
        """Return what was hidden of a row; no row is asked for after a later one."""
        while self.row < row and (found := next(self.left, None)) is not None:
            self.row, self.words = found["row"], json.loads(found["words"])
        return self.words if self.row == row else {}


def _masked_results(batch: pa.RecordBatch, secrets: _Secrets, plan: Plan) -> Iterator[str]:
    for row, result in zip(
        batch.column("row").to_pylist(), batch.column("result").to_pylist(), strict=True
    ):
        said = json.loads(result)
        hidden = personal_scan.hidden(said, secrets.of(row) | _names_in(said, plan))
        yield json.dumps(personal_scan.masked(hidden), ensure_ascii=False)
