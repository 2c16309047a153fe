"""What the columns of a release hold: counted once from its Parquet files, in bounded memory.

One column and some thousand rows are in memory at a time. Whatever is counted one by one (distinct
values) is given up above a bound, and the page says so.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from releases import columns, formats, serving, storage
from releases.catalogue_models import ReleaseStatistics
from releases.models import Release, State

MAKER = 1
ROWS_AT_ONCE = 20_000
# With more distinct values than this they are counted no further; of values, the most frequent are
# kept, as long as they are short enough to stand in a table.
DISTINCT, TOP, SHORT = 10_000, 8, 80
BINS = 12
AT_ONCE = 20


def of(session: Session, release: Release) -> dict[str, Any] | None:
    """Return what was counted of a release, or None before it is."""
    found = session.get(ReleaseStatistics, release.id)
    return found.found if found is not None and found.maker == MAKER else None


def waiting(session: Session) -> list[Release]:
    """Return ready releases whose columns were not counted yet, the newest first."""
    known = select(ReleaseStatistics.release_id).where(ReleaseStatistics.maker == MAKER)
    query = (
        select(Release)
        .where(Release.state == State.READY, col(Release.id).not_in(known))
        .order_by(col(Release.id).desc())
        .limit(AT_ONCE)
    )
    return list(session.exec(query))


def keep(session: Session, release: Release, found: Mapping[str, Any], *, at: datetime) -> None:
    """Set down what was counted; two who count at once set down the same."""
    values = {"release_id": release.id, "maker": MAKER, "found": dict(found), "made_at": at}
    new = insert(ReleaseStatistics).values(values)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["release_id"],
            set_={name: new.excluded[name] for name in ("maker", "found", "made_at")},
        )
    )


def count(root: Path, release: Release) -> dict[str, Any]:
    """Count the columns of a release from its files; asks no database."""
    sizes = {one["path"]: one["size"] for one in serving.listed(release)}
    paths = {
        split: [
            storage.file(root, release, sizes[path], path)
            for path in formats.paths_of(release.facts, split)
        ]
        for split in release.facts["splits"]
    }
    return counted(paths)


def counted(paths: Mapping[str, list[Path]]) -> dict[str, Any]:
    """Count the columns and the labels of the files of some splits."""
    every = [path for some in paths.values() for path in some]
    schema = pq.read_schema(every[0])
    return {
        "columns": [_column(every, schema.field(name)) for name in schema.names],
        "labels": {split: _labels(some) for split, some in paths.items()},
    }


@dataclass
class _Sums:
    """What one pass over a column adds up; `numbers` are its values or, of texts, their lengths."""

    rows: int = 0
    missing: int = 0
    lowest: float = math.inf
    highest: float = -math.inf
    total: float = 0.0
    numbers: int = 0
    values: Counter[Any] = field(default_factory=Counter)
    is_counted: bool = True


def _column(paths: list[Path], field_: pa.Field) -> dict[str, Any]:
    """Count one column: two passes, the second for the bins of its histogram."""
    sums = _Sums()
    for array in _batches(paths, field_.name):
        sums.rows += len(array)
        sums.missing += _missing(array)
        _add_numbers(sums, _numbers(array))
        if sums.is_counted:
            _add_values(sums, array)
    return {
        "name": field_.name,
        "type": columns.shown_type(field_.type),
        "measure": _measure(field_.type),
        "rows": sums.rows,
        "missing": sums.missing,
        "distinct": len(sums.values) if sums.is_counted else None,
        **_range(sums),
        "top": _top(sums),
        "histogram": _histogram(paths, field_.name, sums),
    }


def _batches(paths: Iterable[Path], name: str) -> Iterator[pa.Array]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[name]):
                yield batch.column(0)


def _measure(kind: pa.DataType) -> str:
    """Return what the numbers of a column are: its values, or how long they are."""
    if pa.types.is_list(kind):
        return "items"
    if pa.types.is_string(kind):
        return "characters"
    if pa.types.is_timestamp(kind):
        return "time"
    return "value" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else "none"


def _missing(array: pa.Array) -> int:
    """Count what is not there; a text without a character says nothing either."""
    empty = pc.sum(pc.equal(array, "")).as_py() or 0 if pa.types.is_string(array.type) else 0
    return int(array.null_count + empty)


def _numbers(array: pa.Array) -> np.ndarray[Any, np.dtype[np.float64]]:
    measure = _measure(array.type)
    if measure == "none":
        return np.empty(0)
    if measure == "items":
        array = pc.list_value_length(array)
    elif measure == "characters":
        array = pc.utf8_length(array)
    elif measure == "time":
        array = array.cast(pa.int64())
    found = array.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
    return np.asarray(found[np.isfinite(found)])


def _add_numbers(sums: _Sums, found: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    if not len(found):
        return
    sums.numbers += len(found)
    sums.lowest = min(sums.lowest, float(found.min()))
    sums.highest = max(sums.highest, float(found.max()))
    sums.total += float(found.sum())


def _add_values(sums: _Sums, array: pa.Array) -> None:
    if pa.types.is_list(array.type):
        sums.is_counted = False
        return
    found = array.drop_null().value_counts()
    if len(found) > DISTINCT:
        sums.is_counted = False
        sums.values.clear()
        return
    names, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
    # Of a long text it is enough to know that it is another one.
    sums.values.update(
        {
            hash(one) if isinstance(one, str) and len(one) > SHORT else one: many
            for one, many in zip(names, counts, strict=True)
        }
    )
    if len(sums.values) > DISTINCT:
        sums.is_counted = False
        sums.values.clear()


def _range(sums: _Sums) -> dict[str, float | None]:
    if not sums.numbers:
        return {"min": None, "max": None, "mean": None}
    mean = sums.total / sums.numbers
    return {"min": sums.lowest, "max": sums.highest, "mean": mean}


def _top(sums: _Sums) -> list[list[Any]]:
    """Return the most frequent short texts, where they are few enough to say something."""
    texts = {one: many for one, many in sums.values.items() if isinstance(one, str | bool)}
    if not texts or len(texts) != len(sums.values) or len(texts) > max(TOP, sums.rows // 2):
        return []
    order = sorted(texts.items(), key=lambda item: (-item[1], str(item[0])))
    return [[str(one), many] for one, many in order[:TOP]]


def _histogram(paths: list[Path], name: str, sums: _Sums) -> dict[str, list[float]] | None:
    if not sums.numbers or sums.lowest == sums.highest:
        return None
    edges = np.linspace(sums.lowest, sums.highest, BINS + 1)
    counts = np.zeros(BINS, dtype=np.int64)
    for array in _batches(paths, name):
        counts += np.histogram(_numbers(array), bins=edges)[0]
    return {"edges": [float(one) for one in edges], "counts": [int(one) for one in counts]}


def _labels(paths: list[Path]) -> dict[str, int]:
    """Count the labels of a split; a row without one counts under no name."""
    found: Counter[str] = Counter()
    for array in _batches(paths, "label"):
        for one in pc.fill_null(array, "").value_counts().to_pylist():
            found[one["values"]] += one["counts"]
    return dict(found.most_common())
