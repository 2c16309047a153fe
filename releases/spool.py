"""What is set down on disk between reading a release's answers and writing its files.

Arrow's own stream of batches: columns are typed, memory stays flat, and reading it again is quick.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from releases import columns

ROWS, VOTES, LEFT = "rows.spool", "votes.spool", "left.spool"
SECRETS = "secrets.spool"
AT_ONCE = 5_000
_TEXTS = pa.list_(pa.string())
_TIME = pa.timestamp("us", tz="UTC")
ROW = pa.schema(
    [
        ("id", pa.string()),
        ("project", pa.int64()),
        ("data", pa.string()),
        ("label", pa.string()),
        ("undecided", pa.bool_()),
        ("spans", pa.list_(columns.SPAN)),
        ("span_confidence", pa.list_(pa.float64())),
        ("confidence", pa.float64()),
        ("agreement", pa.float64()),
        ("probabilities", pa.list_(columns.SHARE)),
        ("annotator_count", pa.int32()),
        ("experts", pa.list_(pa.int64())),
        ("credential_classes", _TEXTS),
        ("price_class", pa.string()),
        ("review_path", pa.string()),
        ("validated_at", _TIME),
        ("result", pa.string()),
        ("started_from", pa.string()),
        ("started_from_model", pa.string()),
        ("models_compared", pa.string()),
        ("group", pa.string()),
        ("moment", pa.string()),
        # The number of its task among those that were voted on.
        ("place", pa.int64()),
        # The kinds of personal data found in it.
        ("personal", _TEXTS),
        # Where experts differ and the label is learned: the first answer for each label.
        ("others", pa.list_(pa.struct([("label", pa.string()), ("result", pa.string())]))),
    ]
)
VOTE = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("expert", pa.int64()),
        ("label", pa.string()),
        ("result", pa.string()),
        ("state", pa.string()),
        ("review_path", pa.string()),
        ("credential_class", pa.string()),
        ("price_class", pa.string()),
        ("seconds", pa.int32()),
        ("submitted_at", _TIME),
        ("started_from", pa.string()),
    ]
)
LEFT_OUT = pa.schema([("id", pa.string()), ("reason", pa.string())])
# What is hidden of a row, with what stands in its place, as JSON.
SECRET = pa.schema([("row", pa.int64()), ("words", pa.string())])


class Spool:
    """Takes rows, one by one or in columns, and sets them down in batches of one size."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.names = schema.names
        self.schema = schema
        self.waiting: list[Mapping[str, Any]] = []
        self.tables: list[pa.Table] = []
        self.held = 0
        options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
        self.file = path.open("wb")
        self.writer = pa.ipc.new_stream(self.file, schema, options=options)

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
                self.writer.close()
        finally:
            self.file.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """Set a row down; it must not change any more."""
        self.waiting.append(row)
        if len(self.waiting) == AT_ONCE:
            self._take_waiting()

    def add_columns(self, made: Mapping[str, pa.Array]) -> None:
        """Set rows down that are in columns."""
        table = pa.table([made[name] for name in self.names], schema=self.schema)
        self.tables.append(table)
        self.held += table.num_rows
        while self.held >= AT_ONCE:
            self._write(AT_ONCE)

    def _take_waiting(self) -> None:
        rows, self.waiting = self.waiting, []
        self.add_columns(
            {one.name: pa.array([row[one.name] for row in rows], one.type) for one in self.schema}
        )

    def _flush(self) -> None:
        if self.waiting:
            self._take_waiting()
        if self.held:
            self._write(self.held)

    def _write(self, size: int) -> None:
        """Write one batch of so many rows: however rows came, batches are the same."""
        whole = pa.concat_tables(self.tables)
        for batch in whole.slice(0, size).combine_chunks().to_batches():
            self.writer.write_batch(batch)
        self.tables, self.held = [whole.slice(size)], self.held - size


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield what was set down."""
    yield from _read(path, pa.ipc.IpcReadOptions(use_threads=False))


def column(path: Path, name: str) -> pa.ChunkedArray:
    """Return one column of all that was set down."""
    only = pa.ipc.IpcReadOptions(included_fields=[ROW.get_field_index(name)], use_threads=False)
    found = [batch.column(name) for batch in _read(path, only)]
    return pa.chunked_array(found, ROW.field(name).type)


def _read(path: Path, options: pa.ipc.IpcReadOptions) -> Iterator[pa.RecordBatch]:
    with path.open("rb") as file, pa.ipc.open_stream(file, options=options) as reader:
        yield from reader
