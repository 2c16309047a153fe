"""What is different between two releases, row by row: who reads the newer one wants to know.

Rows are matched by id and compared by their hash, in Arrow and not one by one.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from releases.versions import Changes

SHOWN, MOVES = 5, 20
# Why a row is gone when nothing that the recipe says has left it out.
WITHDRAWN, ERASED, UNNAMED = "no_longer_accepted", "people_erased", "people_no_longer_named"
_COMPARED = ["id", "row_hash", "label"]


def between(
    since: str,
    before: Iterable[Path | IO[bytes]],
    after: Iterable[Path | IO[bytes]],
    *,
    reasons: pa.Table | None = None,
) -> Changes:
    """Compare the Parquet files of two releases; `reasons` says why rows were left out."""
    both = _joined(_read(before), _read(after))
    added = both.filter(pc.is_null(both["row_hash_old"]))
    removed = both.filter(pc.is_null(both["row_hash_new"]))
    changed = both.filter(pc.not_equal(both["row_hash_old"], both["row_hash_new"]))
    found = {"added": added, "changed": changed, "removed": removed}
    return Changes(
        since=since,
        examples={kind: _examples(rows) for kind, rows in found.items() if rows.num_rows},
        moves=_moves(changed),
        tombstones=_tombstones(removed, reasons),
        **{kind: rows.num_rows for kind, rows in found.items()},
    )


def columns_between(old: Mapping[str, Any], new: list[str]) -> tuple[list[str], list[str]]:
    """Return the columns that were added and those that were removed since a manifest."""
    names = [one["name"] for one in old.get("columns", ())]
    return (
        [name for name in new if names and name not in names],
        [name for name in names if name not in new],
    )


def drift(old: Mapping[str, int], new: Mapping[str, int]) -> float:
    """Return how far one distribution of labels is from another: their total variation."""
    sizes = sum(old.values()) or 1, sum(new.values()) or 1
    labels = old.keys() | new.keys()
    far = sum(abs(old.get(one, 0) / sizes[0] - new.get(one, 0) / sizes[1]) for one in labels)
    return round(far / 2, 4)


def people_gone(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, int]:
    """Return how many people are gone or no longer named since a manifest, and never who."""
    erased = new["people"]["erased"] - old.get("people", {}).get("erased", 0)
    keys = {one["annotator"] for one in new["named"]}
    unnamed = sum(one["annotator"] not in keys for one in old.get("named", ()))
    counts = {ERASED: max(0, erased), UNNAMED: unnamed}
    return {reason: count for reason, count in counts.items() if count}


def _joined(old: pa.Table, new: pa.Table) -> pa.Table:
    return old.join(
        new, keys="id", join_type="full outer", left_suffix="_old", right_suffix="_new"
    ).sort_by("id")


def _read(paths: Iterable[Path | IO[bytes]]) -> pa.Table:
    # One thread: the order of rows must not depend on which file is read first.
    tables = [pq.read_table(path, columns=_COMPARED, use_threads=False) for path in paths]
    # What features the labels have makes no difference here.
    return pa.concat_tables([one.replace_schema_metadata(None) for one in tables])


def _examples(rows: pa.Table) -> list[dict[str, str | None]]:
    return [
        {"id": row["id"], "old": row["label_old"], "new": row["label_new"]}
        for row in rows.slice(0, SHOWN).to_pylist()
    ]


def _moves(changed: pa.Table) -> list[dict[str, Any]]:
    """Return from which label to which rows went; those whose data changed alone are not in it."""
    old, new = (pc.fill_null(changed[name], "") for name in ("label_old", "label_new"))
    pairs = pa.table({"old": old, "new": new}).filter(pc.not_equal(old, new))
    counted = pairs.group_by(["old", "new"], use_threads=False).aggregate([([], "count_all")])
    order = [("count_all", "descending"), ("old", "ascending"), ("new", "ascending")]
    return [
        {"old": row["old"], "new": row["new"], "rows": row["count_all"]}
        for row in counted.sort_by(order).slice(0, MOVES).to_pylist()
    ]


def _tombstones(removed: pa.Table, reasons: pa.Table | None) -> dict[str, int]:
    if not removed.num_rows or reasons is None:
        return {}
    known = pc.index_in(removed["id"], value_set=reasons["id"])
    said = pc.fill_null(reasons["reason"].take(known), WITHDRAWN)
    counted = {one["values"]: one["counts"] for one in pc.value_counts(said).to_pylist()}
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
