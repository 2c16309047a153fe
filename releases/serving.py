"""Hands out the files of releases, for pages and for the API alike: whole, in parts, or unchanged.

A file is found by its path in the manifest, never on the disk: other paths do not exist.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Any

from werkzeug.utils import send_file
from werkzeug.wrappers.response import Response

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
}


def listed(release: Release) -> list[dict[str, Any]]:
    """Return the files of a ready release: path, size, sha256."""
    files: list[dict[str, Any]] = release.facts["files"]
    return files


def send(root: Path, release: Release, path: str, asked: Environ) -> Response:
    """Answer a request for a file of a release; `asked` is the request's WSGI environ."""
    found = next((one for one in listed(release) if one["path"] == path), None)
    if found is None:
        return _send_about(root, release, path, asked)
    file = storage.file(root, release, found["size"], path)
    return _answer(file, asked, etag=found["sha256"], release=release)


def _send_about(root: Path, release: Release, path: str, asked: Environ) -> Response:
    """Send what describes the other files and so cannot be in its own list."""
    file = storage.folder(root, release) / path
    if path not in (MANIFEST, SUMS):
        raise NotFound
    if not file.is_file():
        raise storage.NotWhole
    return _answer(file, asked, etag=f"{release.commit}-{path}", release=release)


def _answer(file: Path, asked: Environ, *, etag: str, release: Release) -> Response:
    response = send_file(
        file,
        asked,
        mimetype=TYPES.get(file.suffix, "text/plain"),
        as_attachment=True,
        download_name=f"{release.facts['name']}-{release.version}-{file.name}",
        conditional=True,
        etag=etag,
    )
    # The content of this address never changes; who may read it can, so it is asked each time.
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Repo-Commit"] = str(release.commit)
    if response.status_code == HTTPStatus.NOT_MODIFIED or asked["REQUEST_METHOD"] == "HEAD":
        # Nothing is sent, so nobody would close the file.
        response.close()
    return response
