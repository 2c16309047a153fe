"""Files that people hand in: checked, kept outside the web root, given back only as downloads.

Bytes lie in `DATA_DIR/uploads` under random names that nobody can guess; rows say whose they are.
What a file is, its first bytes decide, and its name has to agree. Who may have one back, the
caller decides.
"""

import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import Response, send_file
from sqlmodel import Session, col, select
from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from core.errors import Invalid, NotFound
from core.models import Upload

MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 5
NAME_MOST = 120
ORPHANS_KEPT = timedelta(days=1)


class WrongKind(Invalid):
    """“%(name)s” is no PDF, PNG, JPEG, WebP or plain text file. Nothing was sent."""


class TooBig(Invalid):
    """“%(name)s” is larger than 10 MB. Nothing was sent."""


class TooMany(Invalid):
    """Send five files at most. Nothing was sent."""


class Empty(Invalid):
    """“%(name)s” is empty. Nothing was sent."""


@dataclass(frozen=True)
class Checked:
    """A file that may be kept."""

    name: str
    kind: str
    content: bytes


def _begins(*heads: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(heads)


def _is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def _is_text(content: bytes) -> bool:
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


# By the end of the name: the kind, and what the bytes must be. First bytes are those of the
# formats' own standards (ISO 32000 7.5.2, PNG 5.2, JFIF, the WebP container).
KINDS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    ".pdf": ("application/pdf", _begins(b"%PDF-")),
    ".png": ("image/png", _begins(b"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", _begins(b"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", _begins(b"\xff\xd8\xff")),
    ".webp": ("image/webp", _is_webp),
    ".txt": ("text/plain", _is_text),
}


def check(files: Iterable[FileStorage]) -> list[Checked]:
    """Return what may be kept of the files of a form, or refuse all of them with the reason."""
    named = [one for one in files if one and one.filename]
    if len(named) > MOST_FILES:
        raise TooMany
    return [_checked(one) for one in named]


def store(
    session: Session,
    files: Sequence[Checked],
    *,
    by: int,
    purpose: str,
    folder: Path,
    at: datetime,
) -> list[int]:
    """Keep files and return the ids of their rows.

    The bytes are on the disk before the row is; `sweep` takes away those whose row never came.
    """
    made = []
    for one in files:
        row = Upload(
            key=secrets.token_hex(24),
            name=one.name,
            kind=one.kind,
            size=len(one.content),
            sha256=hashlib.sha256(one.content).hexdigest(),
            by_user_id=by,
            purpose=purpose,
            at=at,
        )
        _write(place(folder, row.key), one.content)
        session.add(row)
        made.append(row)
    session.flush()  # whoever keeps them names their ids
    return [row.id or 0 for row in made]


def of(session: Session, ids: Iterable[int]) -> list[Upload]:
    """Return the rows of some uploads, in the order in which they came."""
    query = select(Upload).where(col(Upload.id).in_(list(ids))).order_by(col(Upload.id))
    return list(session.exec(query))


def answer(upload: Upload, folder: Path) -> Response:
    """Give a file back as a download that no browser opens here."""
    try:
        content = place(folder, upload.key).read_bytes()
    except FileNotFoundError:
        raise NotFound from None
    response = send_file(
        io.BytesIO(content), upload.kind, as_attachment=True, download_name=upload.name
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def sweep(session: Session, folder: Path, *, at: datetime) -> int:
    """Delete bytes whose row never came, a day after they were written; return how many."""
    deleted = 0
    for file in sorted((folder / "uploads").glob("??/*")):
        is_old = file.stat().st_mtime < (at - ORPHANS_KEPT).timestamp()
        known = session.exec(select(Upload.id).where(Upload.key == file.name)).first()
        if is_old and known is None:
            file.unlink(missing_ok=True)
            deleted += 1
    return deleted


def paths(session: Session, user_id: int) -> list[str]:
    """Return where what somebody handed in lies, under the data directory."""
    keys = session.exec(select(Upload.key).where(Upload.by_user_id == user_id))
    return [str(place(Path(), key)) for key in keys]


def _checked(file: FileStorage) -> Checked:
    name = _name(file.filename or "")
    content = file.stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooBig(name=name)
    if not content:
        raise Empty(name=name)
    _stem, dot, end = name.rpartition(".")
    kind, is_so = KINDS.get(f"{dot}{end}".lower(), ("", lambda _content: False))
    if not is_so(content):
        raise WrongKind(name=name)
    return Checked(name, kind, content)


def _name(sent: str) -> str:
    """Return a name without folders and odd signs, which keeps how it ends."""
    stem, dot, end = secure_filename(sent).rpartition(".")
    return f"{(stem or 'file')[: NAME_MOST - len(end) - 1]}{dot}{end}" if dot else (end or "file")


def place(folder: Path, key: str) -> Path:
    """Return where the bytes of a file lie."""
    return folder / "uploads" / key[:2] / key


def _write(where: Path, content: bytes) -> None:
    where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
