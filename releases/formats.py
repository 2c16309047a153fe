"""The files of a release: Parquet with a typed schema, and JSON lines with the same rows.

The same rows give the same bytes: one thread, one order, fixed sizes of groups, no time of
writing inside.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from releases import columns
from releases.rows import Row, canonical

ROWS_AT_ONCE = 5_000


class Writer:
    """Writes rows to the files of their splits; a split without rows has no files."""

    def __init__(self, folder: Path, data: Mapping[str, str]) -> None:
        self.folder = folder
        self.data = data
        self.schema = columns.schema(data)
        self.splits: dict[str, _Split] = {}
        self.stack = ExitStack()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            for split in self.splits.values():
                split.flush()
        self.stack.close()

    def add(self, split: str, row: Row) -> None:
        """Write a row."""
        if split not in self.splits:
            self.splits[split] = _Split(self.folder, split, self.schema, self.stack)
        self.splits[split].add(flat(row, self.data))


class _Split:
    def __init__(self, folder: Path, name: str, schema: pa.Schema, stack: ExitStack) -> None:
        parquet, lines = folder / parquet_path(name), folder / lines_path(name)
        for path in (parquet, lines):
            path.parent.mkdir(exist_ok=True)
        self.schema = schema
        self.lines: TextIO = stack.enter_context(lines.open("w", encoding="utf-8", newline="\n"))
        self.parquet = stack.enter_context(
            pq.ParquetWriter(parquet, schema, compression="zstd", compression_level=3)
        )
        self.rows = 0
        self.bytes = 0
        self.waiting: list[Row] = []

    def add(self, row: Row) -> None:
        self.lines.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
        self.waiting.append(row | {"validated_at": datetime.fromisoformat(row["validated_at"])})
        self.rows += 1
        if len(self.waiting) == ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            table = pa.Table.from_pylist(self.waiting, schema=self.schema)
            self.bytes += table.nbytes
            self.parquet.write_table(table, row_group_size=ROWS_AT_ONCE)
            self.waiting = []


def parquet_path(split: str) -> str:
    """Return where a split's Parquet file is in a release; the Hub's way to name it."""
    return f"data/{split}-00000-of-00001.parquet"


def lines_path(split: str) -> str:
    """Return where a split's JSON lines are in a release."""
    return f"jsonl/{split}.jsonl"


def flat(row: Row, data: Mapping[str, str]) -> Row:
    """Return a row with the fields of its data as columns, in the order of the schema."""
    own = {columns.named(key): _fit(row["data"].get(key), kind) for key, kind in data.items()}
    return {"id": row["id"]} | own | {name: row[name] for name in columns.AFTER}


def first_rows(path: Path, *, skip: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield some rows of a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= skip + count:
                return
            if number >= skip:
                yield json.loads(line)


def _fit(value: Any, kind: str) -> Any:
    """Fit a value to the type of its column."""
    if value is None:
        return None
    if kind == "json":
        return canonical(value)
    return float(value) if kind == "float" else value
