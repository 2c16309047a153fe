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


class Spool:
    """Takes rows one by one and sets them down in batches."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.names = schema.names
        self.schema = schema
        self.waiting: list[Mapping[str, Any]] = []
        self.rows = 0
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
        self.rows += 1
        if len(self.waiting) == AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if self.waiting:
            arrays = [
                pa.array([row[field.name] for row in self.waiting], field.type)
                for field in self.schema
            ]
            self.writer.write_batch(pa.record_batch(arrays, schema=self.schema))
            self.waiting = []


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield what was set down."""
    with path.open("rb") as file, pa.ipc.open_stream(file) as reader:
        yield from reader


def column(path: Path, name: str) -> pa.ChunkedArray:
    """Return one column of all that was set down."""
    found = [batch.column(name) for batch in batches(path)]
    return pa.chunked_array(found, ROW.field(name).type)
