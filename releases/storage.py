"""Where the files of releases live: `data_dir/releases`, one folder a release, named by content.

A release appears whole or not at all: it is written beside, made durable and renamed.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from core.errors import DomainError
from releases.models import Release

UNFINISHED = ".building"


class NotWhole(DomainError):
    """The file is damaged on our side, so it is not handed out. The operator is told of it."""

    status = 503


def start(root: Path, release_id: int) -> Path:
    """Return an empty folder to build in; what earlier attempts left is cleared away."""
    unfinished = root / UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    for old in unfinished.glob(f"{release_id}-*"):
        shutil.rmtree(old, ignore_errors=True)
    folder = unfinished / f"{release_id}-{secrets.token_hex(4)}"
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
    return place


def folder(root: Path, release: Release) -> Path:
    """Return where the files of a ready release are."""
    return root / str(release.project_id) / str(release.commit)


def file(root: Path, release: Release, size: int, path: str) -> Path:
    """Return a file of a release, or raise `NotWhole` when it is not as long as it was built."""
    found = folder(root, release) / path
    if _size(found) != size:
        raise NotWhole
    return found


def is_whole(root: Path, release: Release) -> bool:
    """Return whether every file of a ready release is there and as long as it was built."""
    place = folder(root, release)
    return all(_size(place / one["path"]) == one["size"] for one in release.facts["files"])


def files(built: Path) -> Iterator[Path]:
    """Yield the files of a folder by their paths in it, in order."""
    return iter(sorted(p.relative_to(built) for p in built.rglob("*") if p.is_file()))


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
