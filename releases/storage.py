"""Where the files of releases live: `data_dir/releases`, one folder a release, named by content.

A release appears whole or not at all: it is written beside, made durable and renamed. Where a
place elsewhere is set (`releases.target`), it goes there too before it counts as built; the folder
here is then a copy that may be thrown away, and is fetched again when it is needed whole.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import DomainError
from releases import target
from releases.models import Release

UNFINISHED = ".building"
BESIDE = ".beside"


class NotWhole(DomainError):
    """The file is damaged on our side, so it is not handed out. The operator is told of it."""

    status = 503


def start(root: Path, release_id: int, kind: str = "") -> Path:
    """Return an empty folder to build in; what earlier attempts left is cleared away."""
    unfinished = root / UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    name = f"{kind}{release_id}"
    for old in unfinished.glob(f"{name}-*"):
        shutil.rmtree(old, ignore_errors=True)
    folder = unfinished / f"{name}-{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def finish(root: Path, built: Path, project_id: int, commit: str) -> Path:
    """Move a finished folder to its place at once; the same content may be there already."""
    for path in built.rglob("*"):
        _sync(path)
    _sync(built)
    place = root / str(project_id) / commit
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        # A folder's name is the hash of its content: what is there is what we built.
        built.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        shutil.rmtree(built)
    _sync(place.parent)
    elsewhere = target.current()
    if elsewhere is not None:
        elsewhere.put(place, f"{project_id}/{commit}")
    return place


def folder(root: Path, release: Release) -> Path:
    """Return where the files of a ready release are, after fetching them if need be."""
    place = root / _place(release)
    elsewhere = target.current()
    if elsewhere is not None and not place.is_dir():
        _fetch(elsewhere, root, release, place)
    return place


@dataclass(frozen=True)
class Opened:
    """A file of a release, open for reading."""

    stream: IO[bytes]
    size: int


def size(root: Path, release: Release, path: str) -> int | None:
    """Return how long a file of a release is where it is kept, or None where there is none."""
    return size_at(root, f"{_place(release)}/{path}")


def opened(root: Path, release: Release, path: str, expected: int | None) -> Opened:
    """Open a file here or where it is kept; `NotWhole` when it is not as long as it was built."""
    found = size(root, release, path) if expected is None else expected
    if found is None:
        raise NotWhole
    return opened_at(root, f"{_place(release)}/{path}", found)


def file(root: Path, release: Release, size: int, path: str) -> Path:
    """Return a file of a release, or raise `NotWhole` when it is not as long as it was built."""
    found = folder(root, release) / path
    if _size(found) != size:
        raise NotWhole
    return found


def put(root: Path, built: Path, place: str) -> None:
    """Move a finished folder to a place of its own, in place of one that was there."""
    to = root / place
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(to, ignore_errors=True)
    built.rename(to)
    elsewhere = target.current()
    if elsewhere is not None:
        for path in files(to):
            elsewhere.put_file(to / path, f"{place}/{path.as_posix()}")


def opened_at(root: Path, place: str, expected: int) -> Opened:
    """Open a file by its place, here or elsewhere; `NotWhole` when it is not as long as it was."""
    if size_at(root, place) != expected:
        raise NotWhole
    elsewhere = target.current()
    if elsewhere is None or (root / place).is_file():
        return Opened((root / place).open("rb"), expected)
    folder, _, name = place.rpartition("/")
    return Opened(elsewhere.open(folder, name), expected)


def size_at(root: Path, place: str) -> int | None:
    """Return how long a file is by its place, here or elsewhere, or None where there is none."""
    here = _size(root / place)
    elsewhere = target.current()
    if here is not None or elsewhere is None:
        return here
    folder, _, name = place.rpartition("/")
    return elsewhere.size(folder, name)


def add(root: Path, place: str, content: bytes) -> None:
    """Write a small file to a place of its own, whole or not at all."""
    to = root / place
    to.parent.mkdir(parents=True, exist_ok=True)
    written = to.with_name(f".{secrets.token_hex(8)}")
    written.write_bytes(content)
    _sync(written)
    written.replace(to)
    _sync(to.parent)
    elsewhere = target.current()
    if elsewhere is not None:
        elsewhere.put_file(to, place)


def place(release: Release, path: str) -> str:
    """Return where a file of a release is kept."""
    return f"{_place(release)}/{path}"


def beside(release: Release, name: str) -> str:
    """Return where something is kept that follows from a release and is not a part of it."""
    return f"{BESIDE}/{_place(release)}/{name}"


def is_whole(root: Path, release: Release) -> bool:
    """Return whether every file of a ready release is there and as long as it was built."""
    return all(size(root, release, one["path"]) == one["size"] for one in release.facts["files"])


def files(built: Path) -> Iterator[Path]:
    """Yield the files of a folder by their paths in it, in order."""
    return iter(sorted(p.relative_to(built) for p in built.rglob("*") if p.is_file()))


def _place(release: Release) -> str:
    return f"{release.project_id}/{release.commit}"


def _fetch(elsewhere: target.Target, root: Path, release: Release, place: Path) -> None:
    """Bring a release here, whole or not at all."""
    if not elsewhere.has(_place(release)):
        raise NotWhole
    coming = root / UNFINISHED / f"fetch-{secrets.token_hex(8)}"
    try:
        elsewhere.fetch(_place(release), coming)
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # another has brought it meanwhile
            coming.rename(place)
    finally:
        shutil.rmtree(coming, ignore_errors=True)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
