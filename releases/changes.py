"""What is different between two releases, row by row: who reads the newer one wants to know.

Rows are matched by id and compared by their hash, in Arrow and not one by one.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from releases.versions import Changes

SHOWN = 5
_COMPARED = ["id", "row_hash", "label"]


def between(since: str, before: Iterable[Path], after: Iterable[Path]) -> Changes:
    """Compare the Parquet files of two releases."""
    old, new = _read(before), _read(after)
    both = old.join(
        new, keys="id", join_type="full outer", left_suffix="_old", right_suffix="_new"
    ).sort_by("id")
    added = both.filter(pc.is_null(both["row_hash_old"]))
    removed = both.filter(pc.is_null(both["row_hash_new"]))
    changed = both.filter(pc.not_equal(both["row_hash_old"], both["row_hash_new"]))
    found = {"added": added, "changed": changed, "removed": removed}
    return Changes(
        since=since,
        examples={kind: _examples(rows) for kind, rows in found.items() if rows.num_rows},
        **{kind: rows.num_rows for kind, rows in found.items()},
    )


def _read(paths: Iterable[Path]) -> pa.Table:
    # One thread: the order of rows must not depend on which file is read first.
    tables = [pq.read_table(path, columns=_COMPARED, use_threads=False) for path in paths]
    return pa.concat_tables(tables)


def _examples(rows: pa.Table) -> list[dict[str, str | None]]:
    return [
        {"id": row["id"], "old": row["label_old"], "new": row["label_new"]}
        for row in rows.slice(0, SHOWN).to_pylist()
    ]
