"""The files of a release: Parquet in shards with a typed schema, and if wanted JSON lines and CSV.

The same rows give the same bytes: one thread, one order, fixed sizes of groups and shards, no
time of writing inside. The version of the writer is recorded, since another may write otherwise.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from payouts import csv_lines
from releases.rows import Row, canonical

ROWS_AT_ONCE, SHARD_ROWS = 10_000, 250_000
DATA, VOTES = "data", "votes"
WRITER = {"compression": "zstd", "compression_level": 3, "version": "2.6"}


class Writer:
    """Writes tables to the files of their splits; a split without rows has no files."""

    def __init__(
        self,
        folder: Path,
        schema: pa.Schema,
        *,
        config: str = DATA,
        jsonl: bool = False,
        csv: bool = False,
    ) -> None:
        self.folder = folder
        self.schema = schema
        self.config = config
        self.texts = [kind for kind, wanted in ((_Lines, jsonl), (_Csv, csv)) if wanted]
        self.splits: dict[str, _Split] = {}
        self.stack = ExitStack()
        self.pool = self.stack.enter_context(ThreadPoolExecutor(1))
        self.last: Future[None] | None = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.stack:
            for split in self.splits.values():
                split.close(whole=kind is None)

    def add(self, split: str, table: pa.Table) -> None:
        """Write rows."""
        if split not in self.splits:
            self.splits[split] = _Split(self, split)
        self.splits[split].add(table)

    def writing(self, parquet: pq.ParquetWriter, group: pa.Table) -> None:
        """Write a group of rows while the next is made; one at a time, so that memory is bounded.

        One thread writes everything in its order, and Arrow's own are not used: the same bytes.
        """
        self.wait()
        self.last = self.pool.submit(parquet.write_table, group, row_group_size=ROWS_AT_ONCE)

    def wait(self) -> None:
        """Wait for the group that is being written, and raise what went wrong with it."""
        last, self.last = self.last, None
        if last is not None:
            last.result()

    @property
    def shards(self) -> dict[str, int]:
        """How many Parquet files each split has."""
        return {name: split.shards for name, split in self.splits.items()}


class _Split:
    def __init__(self, writer: Writer, name: str) -> None:
        self.writer, self.name = writer, name
        self.folder = writer.folder / writer.config
        self.folder.mkdir(exist_ok=True)
        self.texts = [
            kind(writer.folder, name, writer.schema.names, writer.stack) for kind in writer.texts
        ]
        self.parquet: pq.ParquetWriter | None = None
        self.rows = self.bytes = self.shards = self.shard_rows = self.waiting_rows = 0
        self.waiting: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        for text in self.texts:
            text.add(table)
        self.rows += table.num_rows
        self.bytes += table.nbytes
        self.waiting.append(table)
        self.waiting_rows += table.num_rows
        while self.waiting_rows >= ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write one group of rows, as large as all but the last."""
        whole = pa.concat_tables(self.waiting)
        group, rest = whole.slice(0, ROWS_AT_ONCE), whole.slice(ROWS_AT_ONCE)
        if self.parquet is None:
            path = self.folder / f"{self.name}-{self.shards:05d}.part"
            self.parquet = pq.ParquetWriter(path, self.writer.schema, **WRITER)
            self.shards += 1
        self.writer.writing(self.parquet, group.combine_chunks())
        self.waiting, self.waiting_rows = [rest], rest.num_rows
        self.shard_rows += group.num_rows
        if self.shard_rows >= SHARD_ROWS:
            self._end_shard()

    def close(self, *, whole: bool) -> None:
        if whole and self.waiting_rows:
            self.flush()
        self._end_shard()
        if whole:
            for shard in range(self.shards):
                part = self.folder / f"{self.name}-{shard:05d}.part"
                part.rename(
                    self.writer.folder
                    / parquet_path(self.name, shard, self.shards, self.writer.config)
                )

    def _end_shard(self) -> None:
        self.writer.wait()
        if self.parquet is not None:
            self.parquet.close()
        self.parquet, self.shard_rows = None, 0


class _Lines:
    """Rows as lines of JSON."""

    def __init__(self, folder: Path, split: str, names: list[str], stack: ExitStack) -> None:
        self.file = _text_file(folder / lines_path(split), stack)

    def add(self, table: pa.Table) -> None:
        write = self.file.write
        for row in table.to_pylist():
            write(json.dumps(plain(row), ensure_ascii=False, separators=(",", ":")) + "\n")


class _Csv:
    """Rows as CSV; what is a list in them stands as JSON."""

    def __init__(self, folder: Path, split: str, names: list[str], stack: ExitStack) -> None:
        self.file = csv.writer(_text_file(folder / csv_path(split), stack), lineterminator="\n")
        self.file.writerow(names)

    def add(self, table: pa.Table) -> None:
        self.file.writerows([cell(one) for one in plain(row).values()] for row in table.to_pylist())


def cell(value: Any) -> Any:
    """Return a value as a cell of CSV: lists as JSON, and nothing that a spreadsheet would run."""
    if isinstance(value, list | dict):
        return canonical(value)
    return csv_lines.safe(value) if isinstance(value, str) else value


def _text_file(path: Path, stack: ExitStack) -> TextIO:
    path.parent.mkdir(exist_ok=True)
    return stack.enter_context(path.open("w", encoding="utf-8", newline=""))


def parquet_path(split: str, shard: int = 0, shards: int = 1, config: str = DATA) -> str:
    """Return where a Parquet file of a split is in a release; the Hub's way to name it."""
    return f"{config}/{split}-{shard:05d}-of-{shards:05d}.parquet"


def parquet_paths(split: str, shards: int = 1, config: str = DATA) -> list[str]:
    """Return where all Parquet files of a split are."""
    return [parquet_path(split, shard, shards, config) for shard in range(shards)]


def paths_of(facts: Mapping[str, Any], split: str, config: str = DATA) -> list[str]:
    """Return where the Parquet files of a split are in a release with a manifest.

    Releases of before there were shards have one file a split.
    """
    shards = facts.get("shards", {}).get(config, {}).get(split, 1)
    return parquet_paths(split, shards, config)


def lines_path(split: str) -> str:
    """Return where a split's JSON lines are in a release."""
    return f"jsonl/{split}.jsonl"


def csv_path(split: str) -> str:
    """Return where a split's CSV is in a release."""
    return f"csv/{split}.csv"


def first_rows(path: Path, *, skip: int, count: int) -> Iterator[Row]:
    """Yield some of the first rows of a Parquet file."""
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(batch_size=skip + count), None)
    if batch is not None:
        yield from map(plain, batch.slice(skip, count).to_pylist())


def plain(row: Row) -> Row:
    """Return a row as JSON can hold it."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in row.items()
    }


def fit(value: Any, kind: str) -> Any:
    """Fit a value of the data to the type of its column."""
    if value is None:
        return None
    if kind == "json":
        return canonical(value)
    return float(value) if kind == "float" else value


def names_in(paths: Sequence[Path]) -> list[str]:
    """Return the columns that every one of some Parquet files has."""
    found = [pq.read_schema(path).names for path in paths]
    return [name for name in found[0] if all(name in one for one in found)] if found else []
