"""Puts a release together: one pass over the validated work, then files, card and manifest.

The rows are first set down on disk as they come from the database, in one statement's view of it;
columns, splits and version follow from them. The same rows give the same files to the byte.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from annotation.validated import ValidatedTask
from releases import cards, changes, columns, provenance, splits, storage, versions
from releases.about import About
from releases.formats import Writer, parquet_path
from releases.models import Release
from releases.rows import row_of
from releases.tally import Tally

SPOOL = "rows.spool"
MANIFEST, SUMS, CARD = "manifest.json", "SHA256SUMS", "README.md"
Beat = Callable[[int], None]


@dataclass(frozen=True)
class Built:
    """A release whose files are in their place."""

    version: str
    commit: str
    salt: str
    manifest: dict[str, Any]
    rows: int
    size: int


def set_down(
    folder: Path, tasks: Iterable[ValidatedTask], release: Release, about: About, beat: Beat
) -> Tally:
    """Write the rows as they come, and count what the rest needs to know of them."""
    tally = Tally()
    with (folder / SPOOL).open("w", encoding="utf-8") as spool:
        for task in tasks:
            if task.is_gold and not release.with_gold:
                tally.left_out["known_answer"] += 1
                continue
            row = row_of(task, about.annotator_key, until=release.asked_at)
            if row is None:
                tally.left_out["not_final"] += 1
                continue
            tally.add(row)
            spool.write(json.dumps(row, ensure_ascii=False) + "\n")
            beat(tally.rows)
    return tally


def assemble(
    root: Path, folder: Path, release: Release, about: About, tally: Tally, beat: Beat
) -> Built:
    """Make the files of a release from the rows that were set down, and put them in place."""
    salt = about.salt or splits.choose_salt(tally.groups or {})
    data = columns.fields(tally.kinds, about.shown_fields)
    num_bytes, rows = _write_rows(folder, data, salt, beat)
    (folder / SPOOL).unlink()
    changed = _changes(root, folder, about, rows)
    manifest = _manifest(release, about, tally, rows, salt)
    manifest["version"] = versions.following(changed)
    manifest["changes"] = asdict(changed) if changed else None
    _write_documents(folder, manifest, columns.schema(data), num_bytes)
    place = storage.finish(root, folder, release.project_id, manifest["commit"])
    size = sum((place / path).stat().st_size for path in storage.files(place))
    return Built(manifest["version"], manifest["commit"], salt, manifest, tally.rows, size)


def _write_rows(
    folder: Path, data: dict[str, str], salt: str, beat: Beat
) -> tuple[dict[str, int], dict[str, int]]:
    with Writer(folder, data) as writer:
        for number, row in enumerate(_rows(folder), start=1):
            writer.add(splits.split_of(salt, row["group"]), row)
            beat(number)
    written = [name for name in splits.SHARES if name in writer.splits]
    return (
        {name: writer.splits[name].bytes for name in written},
        {name: writer.splits[name].rows for name in written},
    )


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    with (folder / SPOOL).open(encoding="utf-8") as spool:
        for line in spool:
            yield json.loads(line)


def _changes(
    root: Path, folder: Path, about: About, rows: dict[str, int]
) -> versions.Changes | None:
    before = about.previous
    if before is None:
        return None
    old = storage.folder(root, before)
    return changes.between(
        str(before.version),
        [old / parquet_path(name) for name in before.facts["splits"]],
        [folder / parquet_path(name) for name in rows],
    )


def _manifest(
    release: Release, about: About, tally: Tally, rows: dict[str, int], salt: str
) -> dict[str, Any]:
    return {
        "manifest_version": 1,
        "name": about.name,
        "title": release.title,
        "organisation": about.organisation,
        "as_of": release.asked_at.isoformat(timespec="seconds"),
        "licence": release.licence,
        "changelog": release.changelog,
        "limits": release.limits,
        "with_gold": release.with_gold,
        "rows": tally.rows,
        "splits": rows,
        "split_rule": {"by": "sha256(salt, group)", "salt": salt, "shares": splits.SHARES},
        **tally.facts(),
        "named": provenance.listed(about.named(), tally.annotators),
        "project": about.project,
        "work": about.work,
        "writer": {"pyarrow": pa.__version__},
    }


def _write_documents(
    folder: Path, manifest: dict[str, Any], schema: pa.Schema, num_bytes: dict[str, int]
) -> None:
    """Write card, manifest and sums; the commit names the content of all other files."""
    manifest["columns"] = [
        {"name": field.name, "type": columns.shown_type(field.type)} for field in schema
    ]
    manifest["files"] = _listed(folder)
    (folder / CARD).write_text(cards.card(manifest, schema, num_bytes), encoding="utf-8")
    manifest["files"] = _listed(folder)
    manifest["commit"] = hashlib.sha256(_sums(manifest["files"]).encode()).hexdigest()[:40]
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    (folder / SUMS).write_text(_sums(_listed(folder)), encoding="utf-8")


def _listed(folder: Path) -> list[dict[str, Any]]:
    return [
        {
            "path": path.as_posix(),
            "size": (folder / path).stat().st_size,
            "sha256": _digest(folder / path),
        }
        for path in storage.files(folder)
    ]


def _sums(files: list[dict[str, Any]]) -> str:
    return "".join(f"{file['sha256']}  {file['path']}\n" for file in files)


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
