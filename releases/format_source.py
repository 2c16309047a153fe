"""What makers of formats read: the rows of a built release, split by split, and what was asked.

They read the Parquet files in batches, so that memory stays flat, and never the database.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from annotation import label_config
from annotation.label_config import Control, LabelConfig
from releases import columns
from releases.splits import SHARES

ROWS_AT_ONCE = 1000
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: the same bytes each time
Item = Mapping[str, Any]


class Unfit(ValueError):
    """Why a format says nothing of this release; in English, as formats are."""


@dataclass(frozen=True)
class Row:
    """A row of a release as makers of formats need it."""

    id: str
    data: dict[str, Any]
    label: str | None
    spans: list[dict[str, Any]]
    result: list[dict[str, Any]]
    facts: dict[str, Any]

    def values(self, control: str) -> Iterator[dict[str, Any]]:
        """Yield what was answered by a control."""
        for item in self.result:
            if item.get("from_name") == control and isinstance(item.get("value"), dict):
                yield item["value"]

    def choice(self, control: str) -> str | None:
        """Return what was chosen by a control for the whole task; its label may hold more."""
        if self.label is None:
            return None
        chosen = [
            str(one)
            for value in self.values(control)
            if "start" not in value
            for one in value.get("choices") or []
        ]
        return chosen[0] if len(chosen) == 1 else None

    def items(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """Yield the items of the answer that are of some kinds."""
        yield from (one for one in self.result if one.get("type") in kinds)


@dataclass
class Out:
    """A folder that takes the files of a format, and counts rows."""

    folder: Path
    rows: int = 0
    left_out: int = 0

    @contextmanager
    def lines(self, path: str) -> Iterator[Callable[[Any], None]]:
        """Open a file of JSON lines."""
        with self.text(path) as opened:

            def add(value: Any) -> None:
                opened.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")

            yield add

    @contextmanager
    def text(self, path: str) -> Iterator[IO[str]]:
        """Open a file of text."""
        with self._path(path).open("w", encoding="utf-8", newline="\n") as opened:
            yield opened

    def binary(self, path: str, content: bytes) -> None:
        """Write a file."""
        self._path(path).write_bytes(content)

    @contextmanager
    def packed(self, path: str) -> Iterator[Callable[[str, str | bytes], None]]:
        """Open a zip that takes many small files."""
        with zipfile.ZipFile(self._path(path), "w") as packed:

            def add(name: str, content: str | bytes) -> None:
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(info, content)

            yield add

    def _path(self, path: str) -> Path:
        full = self.folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        return full


@dataclass(frozen=True)
class Source:
    """A built release."""

    folder: Path
    facts: dict[str, Any]
    config: LabelConfig
    shown: list[str] = field(default_factory=list)

    @property
    def splits(self) -> list[str]:
        """The splits that have rows."""
        return [name for name in SHARES if name in self.facts["splits"]]

    def rows(self, split: str) -> Iterator[Row]:
        """Yield the rows of a split in their order."""
        for path in self.paths(split):
            with pq.ParquetFile(path) as opened:
                for batch in opened.iter_batches(ROWS_AT_ONCE):
                    yield from map(self._row, batch.to_pylist())

    def paths(self, split: str) -> list[Path]:
        """Return the Parquet files of a split."""
        start = f"data/{split}-"
        listed = (one["path"] for one in self.facts["files"])
        return [self.folder / path for path in sorted(listed) if path.startswith(start)]

    def of_kind(self, *kinds: str) -> list[Control]:
        """Return the controls of some kinds, in the order of the config."""
        return [one for one in self.config.controls.values() if one.kind in kinds]

    def field_of(self, control: Control, *kinds: str) -> str:
        """Return the field of the data that a control is about, or raise `Unfit`."""
        for name in control.to_names:
            tag = self.config.objects.get(name)
            if tag is not None and tag.kind in kinds and tag.variable:
                return tag.variable
        raise Unfit(f"{control.name} is not about {' or '.join(kinds)} of the task")

    def fields(self, *kinds: str) -> list[str]:
        """Return the fields of the data that tags of some kinds show."""
        found = (one.variable for one in self.config.objects.values() if one.kind in kinds)
        return [name for name in found if name]

    def _row(self, row: dict[str, Any]) -> Row:
        fixed = columns.BEFORE.keys() | columns.fixed(overlap=True).keys()
        own = {name: value for name, value in row.items() if name not in fixed}
        result = json.loads(row.get("result") or "[]")
        return Row(
            id=row["id"],
            data={_field(name): value for name, value in own.items() if value is not None},
            label=row.get("label"),
            spans=row.get("spans") or [],
            result=result if isinstance(result, list) else [],
            facts={name: row[name] for name in fixed if name in row and name != "result"},
        )


def read(folder: Path, facts: dict[str, Any], config: str) -> Source:
    """Return a built release as a source, with the config that its answers were given to."""
    if hashlib.sha256(config.encode()).hexdigest() != facts["project"]["label_config_sha256"]:
        raise Unfit("the label config was changed after this release was built")
    return Source(folder, facts, label_config.parse(config), label_config.variables(config))


def unpacked(value: Any) -> Any:
    """Return what a column of JSON holds; other values are what they are."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def file_name(row: Row, end: str = "") -> str:
    """Return a name for a file of a row that no file system minds, and no other row has."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", row.id).strip("._")[:60]
    return f"{plain or 'row'}-{hashlib.sha256(row.id.encode()).hexdigest()[:8]}{end}"


def _field(column: str) -> str:
    own = column.removeprefix("data_")
    return own if own != column and columns.named(own) == column else column
