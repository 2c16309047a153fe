"""Hands out the files of releases, for pages, the API, links and the Hub's clients alike.

A file is found by its path in the manifest, never on the disk: other paths do not exist. It comes
whole, in parts, or not at all where the reader has it.
"""

from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import parse_range_header
from werkzeug.wrappers.response import Response
from werkzeug.wsgi import wrap_file

from core.errors import NotFound
from releases import storage
from releases.assembly import MANIFEST, SUMS
from releases.models import Release

Environ = dict[str, Any]
TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/x-ndjson",
    ".md": "text/markdown",
    ".json": "application/json",
    ".csv": "text/csv",
    ".zip": "application/zip",
    ".spacy": "application/octet-stream",
}
# What describes the other files, and so cannot be in its own list.
SIGNATURE = f"{MANIFEST}.sig"
ABOUT = (MANIFEST, SIGNATURE, SUMS)


@dataclass(frozen=True)
class Entry:
    """A file of a release: its path, how long it is, and what names its content."""

    path: str
    size: int
    etag: str
    sha256: str | None


def listed(release: Release) -> list[dict[str, Any]]:
    """Return the files of a ready release: path, size, sha256."""
    files: list[dict[str, Any]] = release.facts["files"]
    return files


def entries(root: Path, release: Release) -> list[Entry]:
    """Return all files of a release, those that describe the others too, by path."""
    known = [
        Entry(one["path"], one["size"], one["sha256"], one["sha256"]) for one in listed(release)
    ]
    sizes = {path: storage.size_at(root, _place(release, path)) for path in ABOUT}
    about = [
        Entry(path, size, _etag(release, path), None)
        for path, size in sizes.items()
        if size is not None
    ]
    return sorted([*known, *about], key=lambda one: one.path)


def entry(root: Path, release: Release, path: str) -> Entry:
    """Return a file of a release, or raise `NotFound`."""
    found = next((one for one in listed(release) if one["path"] == path), None)
    if found is not None:
        return Entry(path, found["size"], found["sha256"], found["sha256"])
    if path not in ABOUT:
        raise NotFound
    size = storage.size_at(root, _place(release, path))
    if size is None:
        if path == SIGNATURE:
            raise NotFound  # it is signed within a minute
        raise storage.NotWhole
    return Entry(path, size, _etag(release, path), None)


@dataclass(frozen=True)
class File:
    """A file by its place, and what is said of it to who loads it."""

    place: str
    size: int
    etag: str
    name: str

    @property
    def mimetype(self) -> str:
        """What sort of file it is."""
        return TYPES.get(PurePosixPath(self.name).suffix, "text/plain")


def of(root: Path, release: Release, path: str) -> File:
    """Return a file of a release, or raise `NotFound`."""
    found = entry(root, release, path)
    name = f"{release.facts['name']}-{release.version}-{PurePosixPath(path).name}"
    return File(_place(release, path), found.size, found.etag, name)


def send(root: Path, file: File, asked: Environ) -> tuple[Response, range | None]:
    """Answer a request for a file, and say which bytes of it are sent, if any are.

    `asked` is the request's WSGI environ. Where the file is in S3, who asks is sent there, with the
    same range; what it is, and whether they have it already, is answered here.
    """
    is_read = asked["REQUEST_METHOD"] == "GET"
    address = storage.link(root, file.place, file.size, _said(file)) if is_read else None
    if address is None:
        opened = storage.opened_at(root, file.place, file.size)
        response = answer(opened, asked, etag=file.etag, name=file.name)
        return response, sent(response, file.size) if is_read else None
    nothing = storage.Opened(BytesIO(), file.size)
    response = answer(nothing, asked, etag=file.etag, name=file.name)
    part = sent(response, file.size)
    if part is not None:
        response = _there(address, response)
    return response, part


def _there(address: str, here: Response) -> Response:
    """Send who asks to an address that is over soon, so that nobody keeps it."""
    here.close()
    response = Response(status=HTTPStatus.FOUND, headers={"Location": address})
    response.headers["ETag"] = here.headers["ETag"]
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _said(file: File) -> dict[str, str]:
    """Return what S3 says of a file: its kind, and the name under which it is kept."""
    plain = "".join(one if one.isascii() and one not in '"\\' else "_" for one in file.name)
    return {
        "response-content-type": file.mimetype,
        "response-content-disposition": f'attachment; filename="{plain}"',
    }


def answer(opened: storage.Opened, asked: Environ, *, etag: str, name: str) -> Response:
    """Answer with an open file, or with the part of it that is asked for."""
    response = Response(
        wrap_file(asked, opened.stream),
        mimetype=TYPES.get(PurePosixPath(name).suffix, "text/plain"),
        direct_passthrough=True,
    )
    # It is closed with the answer, whatever of it is sent: a part hides the stream behind it.
    response.call_on_close(opened.stream.close)
    response.content_length = opened.size
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.set_etag(etag)
    try:
        response.make_conditional(
            _in_reach(asked, opened.size), accept_ranges=True, complete_length=opened.size
        )
    except RequestedRangeNotSatisfiable:
        response.close()
        raise
    # The content of this address never changes; who may read it can, so it is asked each time.
    response.headers["Cache-Control"] = "private, no-cache"
    if response.status_code == HTTPStatus.NOT_MODIFIED or asked["REQUEST_METHOD"] == "HEAD":
        # Nothing is sent, so nobody would close the file.
        response.close()
    return response


def _in_reach(asked: Environ, size: int) -> Environ:
    """Read a range as RFC 9110 says: an unknown unit says nothing, a long end is all there is.

    Readers of Parquet ask for the last 64 KB of files that are shorter.
    """
    said = parse_range_header(asked.get("HTTP_RANGE"))
    if asked.get("HTTP_RANGE", "").partition("=")[0].strip().lower() not in ("", "bytes"):
        return {key: value for key, value in asked.items() if key != "HTTP_RANGE"}
    if said is not None and len(said.ranges) == 1 and said.ranges[0][0] < -size:
        return asked | {"HTTP_RANGE": "bytes=0-"}
    return asked


def _place(release: Release, path: str) -> str:
    """Return where a file is kept: what was said after the build is beside the release."""
    is_later = path == SIGNATURE
    return storage.beside(release, path) if is_later else storage.place(release, path)


def _etag(release: Release, path: str) -> str:
    return f"{release.commit}-{path}"


def sent(response: Response, size: int) -> range | None:
    """Return which bytes of a file an answer sends, or None when it sends none."""
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        part = response.content_range
        return range(part.start or 0, part.stop or size)
    return range(size) if response.status_code == HTTPStatus.OK else None
