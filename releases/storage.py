"""Where the files of releases live: `data_dir/releases`, one folder a release, named by content.

A release appears whole or not at all: it is written beside, made durable and renamed. Where a
place elsewhere is set (`releases.target`), it goes there too before it counts as built; the folder
here is then a copy that may be thrown away, and is fetched again when it is needed whole.
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import DomainError
from releases import target
from releases.models import Release

UNFINISHED = ".building"
BESIDE = ".beside"
SINGLE = ".single"  # files that were fetched without the rest of their release
AT_ONCE = 4 * 1024 * 1024


class NotWhole(DomainError):
    """The file is damaged or missing here, so it is not handed out. The operator is told of it."""

    status = 503


class Away(OSError):
    """The folder of releases is empty though there are releases: its disk is not there."""


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


def is_away(root: Path) -> bool:
    """Return whether nothing is in the folder here but what is made in passing.

    Where there are releases, and no other place for them, its disk is not there. What is written
    then would lie under the disk once that is back.
    """
    if target.current() is not None:
        return False
    return not any(one for one in root.glob("*") if not one.name.startswith("."))


def unfinished(root: Path) -> dict[Path, int]:
    """Return the folders that builds of releases have left or work in, with whose they are."""
    found = (root / UNFINISHED).glob("[0-9]*-*")
    return {one: int(one.name.split("-")[0]) for one in found if one.name.split("-")[0].isdecimal()}


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
    if elsewhere is not None:
        if not place.is_dir():
            _fetch(elsewhere, root, release, place)
        with suppress(OSError):
            os.utime(place)  # a copy that is used stays
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
    return local(root, f"{_place(release)}/{path}", size)


def local(root: Path, place: str, expected: int) -> Path:
    """Return a file here by its place; where it is kept elsewhere, it alone is fetched."""
    here, single = root / place, root / SINGLE / place
    if _size(here) == expected or target.current() is None:
        if _size(here) != expected:
            raise NotWhole
        return here
    if _size(single) != expected:
        single.parent.mkdir(parents=True, exist_ok=True)
        coming = single.with_name(f".{secrets.token_hex(8)}")
        try:
            with opened_at(root, place, expected).stream as there, coming.open("wb") as to:
                shutil.copyfileobj(there, to, AT_ONCE)
            coming.replace(single)
        except OSError as error:  # no answer in the middle of it, or no room here
            raise target.Unreachable from error
        finally:
            coming.unlink(missing_ok=True)
    os.utime(single)
    return single


def link(root: Path, place: str, expected: int, said: Mapping[str, str]) -> str | None:
    """Return an address that opens a file elsewhere for minutes; None where we send it ourselves.

    That is also so where it is here, and elsewhere is silent or has never had it. `NotWhole` when
    the file there is not as long as it was built.
    """
    elsewhere = target.current()
    address = elsewhere.link(place, said) if elsewhere is not None else None
    if elsewhere is None or address is None:
        return None
    is_here = _size(root / place) == expected
    folder, _, name = place.rpartition("/")
    try:
        found = elsewhere.size(folder, name)
    except target.Unreachable:
        if is_here:
            return None
        raise
    if found is None and is_here:
        return None
    if found != expected:
        raise NotWhole
    return address


def remove(root: Path, project_id: int, commit: str) -> None:
    """Delete the files of a release that nothing needs, here and elsewhere."""
    place = f"{project_id}/{commit}"
    for one in (place, f"{BESIDE}/{place}"):
        _drop(root, root / one)
    shutil.rmtree(root / SINGLE / place, ignore_errors=True)
    elsewhere = target.current()
    if elsewhere is not None:
        elsewhere.remove(place)
        elsewhere.remove(f"{BESIDE}/{place}")


def drop_copies(root: Path, *, unused_for: float) -> int:
    """Delete what is here and unused for so many seconds, and whole elsewhere; return how many."""
    elsewhere, dropped, until = target.current(), 0, time.time() - unused_for
    if elsewhere is None:
        return 0
    for single in (root / SINGLE).rglob("*"):
        if single.is_file() and single.stat().st_mtime < until:
            single.unlink(missing_ok=True)
    for copy in [*root.glob("[0-9]*/*"), *root.glob(f"{BESIDE}/*/*")]:
        newest = max((one.stat().st_mtime for one in (copy, *copy.rglob("*"))), default=0)
        if copy.is_dir() and newest < until and _is_there(elsewhere, root, copy):
            _drop(root, copy)
            dropped += 1
    return dropped


def put(root: Path, built: Path, place: str) -> None:
    """Move a finished folder to a place of its own, in place of one that was there."""
    to = root / place
    to.parent.mkdir(parents=True, exist_ok=True)
    gone = _aside(root, to)
    built.rename(to)
    shutil.rmtree(gone, ignore_errors=True)
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


def _is_there(elsewhere: target.Target, root: Path, copy: Path) -> bool:
    """Return whether each file of a folder is elsewhere too, and as long as here."""
    place = copy.relative_to(root).as_posix()
    return all(elsewhere.size(place, path.as_posix()) == _size(copy / path) for path in files(copy))


def _drop(root: Path, copy: Path) -> None:
    """Delete a folder at once for those who look, however long it takes."""
    shutil.rmtree(_aside(root, copy), ignore_errors=True)


def _aside(root: Path, copy: Path) -> Path:
    """Move a folder away, if it is there, and return where it is to be deleted."""
    gone = root / UNFINISHED / f"gone-{secrets.token_hex(8)}"
    gone.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        copy.rename(gone)
    return gone


def _fetch(elsewhere: target.Target, root: Path, release: Release, place: Path) -> None:
    """Bring a release here, whole or not at all."""
    if not elsewhere.has(_place(release)):
        raise NotWhole
    coming = root / UNFINISHED / f"fetch-{secrets.token_hex(8)}"
    coming.parent.mkdir(parents=True, exist_ok=True)
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
