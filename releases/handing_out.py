"""Hands out a file to a reader and notes that it did: for pages, the API and links alike."""

from datetime import datetime
from pathlib import Path

from sqlmodel import Session
from werkzeug.wrappers.response import Response

from releases import downloads, formats_made, serving
from releases.downloads import Reader
from releases.models import Release
from releases.serving import Environ


def send(
    session: Session,
    root: Path,
    release: Release,
    path: str,
    asked: Environ,
    *,
    reader: Reader,
    at: datetime,
) -> Response:
    """Answer with a file of a release, or with one of its formats, and count what is sent."""
    if path.startswith(f"{formats_made.FOLDER}/"):
        file = formats_made.file(session, release, path)
    else:
        file = serving.of(root, release, path)
    response, sent = serving.send(root, file, asked)
    response.headers["X-Repo-Commit"] = str(release.commit)
    if sent is not None:
        downloads.note(session, release, path, reader, sent=sent, at=at, size=file.size)
    return response
