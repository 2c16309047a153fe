"""Where releases are kept for good when that is not this machine: any place that fsspec knows.

`RELEASES_URL` names it, such as `s3://bucket/folder`; without it `data_dir` is the place. S3 is
spoken by the client inside Arrow, which is here anyway; other places by their own fsspec drivers.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import fsspec
from flask import has_app_context
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import S3FileSystem

from core.clock import now
from core.errors import DomainError
from core.settings import Settings, current_settings
from releases import presigned
from releases.presigned import Signer

AT_ONCE = 4 * 1024 * 1024
LAST = "SHA256SUMS"  # written when all others are there: without it, there is no release
LINK_SECONDS = 300  # a download that has begun goes on after it
THROUGH_US = "none"


class Unreachable(DomainError):
    """The place where datasets are kept does not answer. Nothing is lost; try again later."""

    status = 503


@dataclass(frozen=True)
class Target:
    """A folder on some file system."""

    files: Any
    root: str
    signer: Signer | None = None

    def put(self, folder: Path, place: str) -> None:
        """Copy a finished folder there; done again, it writes only what is missing."""
        if self.has(place):
            return
        here = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        for path in sorted(here, key=lambda one: one.as_posix() == LAST):
            self._send(folder / path, f"{self.root}/{place}/{path.as_posix()}")

    def put_file(self, path: Path, place: str) -> None:
        """Copy a file there."""
        self._send(path, f"{self.root}/{place}")

    def has(self, place: str) -> bool:
        """Return whether a whole folder is there."""
        try:
            return bool(self.files.exists(f"{self.root}/{place}/{LAST}"))
        except OSError as error:
            raise Unreachable from error

    def size(self, place: str, path: str) -> int | None:
        """Return how long a file is, or None where there is none."""
        try:
            return int(self.files.size(f"{self.root}/{place}/{path}"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unreachable from error

    def open(self, place: str, path: str) -> IO[bytes]:
        """Open a file; it can be read from any byte on."""
        try:
            opened: IO[bytes] = self.files.open(f"{self.root}/{place}/{path}", "rb")
        except OSError as error:
            raise Unreachable from error
        return opened

    def link(self, place: str, said: Mapping[str, str]) -> str | None:
        """Return an address that opens a file for minutes, or None where none can be signed."""
        if self.signer is None:
            return None
        bucket, _, key = f"{self.root}/{place}".partition("/")
        return self.signer.address(bucket, key, seconds=LINK_SECONDS, at=now(), said=said)

    def remove(self, place: str) -> None:
        """Delete a folder; what says that it is whole goes first."""
        found = sorted(self._listed(place), key=lambda one: one != LAST)
        try:
            for path in found:
                self.files.rm(f"{self.root}/{place}/{path}")
        except FileNotFoundError:  # another has removed it meanwhile
            return
        except OSError as error:
            raise Unreachable from error

    def fetch(self, place: str, folder: Path) -> None:
        """Copy a folder from there."""
        for path in list(self._listed(place)):
            to = folder / path
            to.parent.mkdir(parents=True, exist_ok=True)
            with self.open(place, path) as there, to.open("wb") as here:
                while part := there.read(AT_ONCE):
                    here.write(part)

    def _listed(self, place: str) -> Iterator[str]:
        """Yield the files of a folder. `find` of fsspec would say of a silent place: none."""
        start = f"{self.root}/{place}/".lstrip("/")
        left = [f"{self.root}/{place}"]
        while left:
            try:
                found = self.files.ls(left.pop(), detail=True)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Unreachable from error
            for one in found:
                path = str(one["name"])
                if one["type"] == "directory":
                    left.append(path)
                else:
                    yield path.lstrip("/").removeprefix(start)

    def _send(self, path: Path, to: str) -> None:
        size = path.stat().st_size
        try:
            self.files.makedirs(to.rpartition("/")[0], exist_ok=True)
            with path.open("rb") as here, self.files.open(to, "wb") as there:
                while part := here.read(AT_ONCE):
                    there.write(part)
            if self.files.size(to) != size:
                raise Unreachable
        except OSError as error:
            raise Unreachable from error


def current() -> Target | None:
    """Return the place that the settings name, or None when releases stay on this machine."""
    # Tools that look at a folder of releases run without an app, and so without a place elsewhere.
    return of(current_settings()) if has_app_context() else None


def of(settings: Settings) -> Target | None:
    """Return the place that some settings name."""
    if not settings.releases_url:
        return None
    options = json.loads(settings.releases_options.get_secret_value() or "{}")
    kind, _, path = settings.releases_url.partition("://")
    root = path.strip("/")
    if kind == "s3":
        readers_at = settings.releases_readers_at
        made = presigned.signer(options, readers_at) if readers_at != THROUGH_US else None
        return Target(ArrowFSWrapper(S3FileSystem(**options)), root, made)
    files = fsspec.filesystem(kind, **options)
    return Target(files, f"/{root}" if kind in ("file", "memory") else root)
