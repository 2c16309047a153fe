"""Files kept by their content: each distinct content once, under the hash that names it.

`root/<shelf>/<two letters>/<sha256>` holds what is in, `root/.parts/<key>` what is on its way in.
Nothing is ever whole in memory, and a content appears whole or not at all.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

PIECE = 1024 * 1024
PARTS = ".parts"


def part(root: Path, key: str) -> Path:
    """Return where a file on its way in lies."""
    return root / PARTS / key


def place(root: Path, shelf: str, sha256: str) -> Path:
    """Return where a content lies."""
    return root / shelf / sha256[:2] / sha256


def length(root: Path, key: str) -> int:
    """Return how much of a file on its way in is here."""
    try:
        return part(root, key).stat().st_size
    except FileNotFoundError:
        return 0


def append(root: Path, key: str, stream: IO[bytes], *, at: int, most: int) -> int:
    """Write on behind the first `at` bytes of a part; return how long it is now, at most `most`.

    What lies behind `at` was written by a request that did not end, and is written anew.
    """
    path = part(root, key)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+b") as out:
        at = min(at, os.fstat(handle).st_size)
        out.truncate(at)
        out.seek(at)
        while at < most and (piece := stream.read(min(PIECE, most - at))):
            out.write(piece)
            at += len(piece)
        out.flush()
        os.fsync(handle)
    return at


def pieces(path: Path) -> Iterator[bytes]:
    """Yield a file piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    whole = hashlib.sha256()
    for piece in pieces(path):
        whole.update(piece)
    return whole.hexdigest()


def take_in(root: Path, key: str, shelf: str, sha256: str, *, anew: bool = False) -> Path:
    """Move a part to its place; where the same content is already, that one stays.

    With `anew` it does not: what is there is known to be damaged.
    """
    path, target = part(root, key), place(root, shelf, sha256)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not anew and target.is_file() and target.stat().st_size == path.stat().st_size:
        os.utime(target)  # it is wanted anew: a sweep leaves it alone
        path.unlink()
    else:
        path.replace(target)
        _sync(target.parent)
    return target


def older(root: Path, at: datetime) -> Iterator[Path]:
    """Yield the contents and parts that nobody has written or wanted anew since a moment."""
    for path in sorted([*root.glob("*/??/*"), *(root / PARTS).glob("*")]):
        try:
            if path.is_file() and path.stat().st_mtime < at.timestamp():
                yield path
        except FileNotFoundError:
            continue  # another sweep was here


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
