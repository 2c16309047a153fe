"""The editor's files, kept by version in the data directory; the last good version stays.

They come from the Label Studio that this instance works with, so that the editor always is the
server's own version. A version is kept whole or not at all, and never changes: browsers may keep
its files for ever.
"""

import fcntl
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from annotation.editor_bundle import SCRIPTS, STYLE, Bundle, EditorBroken, Fetch, gather

CHECK_EVERY = timedelta(minutes=10)
# A change in how we keep or frame the files makes a new version of the same bundle.
_OUR_REVISION = "2"
# A frame without an origin shares no cache with anything: browsers fetch these for every task.
PACKED = frozenset({".js", ".css", ".svg", ".ttf"})


class EditorUnreachable(Exception):
    """Label Studio does not serve its editor's files at the moment."""


@dataclass(frozen=True)
class EditorAssets:
    """One version of the editor, complete in its folder."""

    version: str
    release: str
    seen: str
    entry: int
    chunks: tuple[int, ...]
    module: int


@dataclass(frozen=True)
class EditorState:
    """What an operator should know of the editor."""

    assets: EditorAssets | None
    checked_at: datetime | None
    trouble: str | None


def fetcher(url: str) -> Fetch:
    """Return a way to fetch files from Label Studio, which serves them to everybody."""

    def fetch(path: str) -> bytes:
        try:
            answer = httpx.get(f"{url.rstrip('/')}{path}", timeout=20)
            answer.raise_for_status()
        except httpx.HTTPStatusError as refusal:
            raise EditorBroken(f"{path} answers {refusal.response.status_code}") from refusal
        except httpx.HTTPError as trouble:
            raise EditorUnreachable(f"{url} cannot be reached: {trouble}") from trouble
        return answer.content

    return fetch


def ready(cache: Path, fetch: Fetch, at: datetime) -> EditorAssets:
    """Return the editor to use now; look for a newer one when the last look is old.

    Raises `EditorBroken` or `EditorUnreachable` only when there is no good version at all.
    """
    kept = state(cache)
    if kept.assets and kept.checked_at and at - kept.checked_at < CHECK_EVERY:
        return kept.assets
    try:
        return refresh(cache, fetch, at)
    except (EditorBroken, EditorUnreachable):
        if kept.assets is None:
            raise
        return kept.assets


def refresh(cache: Path, fetch: Fetch, at: datetime) -> EditorAssets:
    """Bring the editor up to the server's version; what goes wrong is kept for the operator."""
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "lock"):
        try:
            assets = _up_to_date(cache, fetch)
        except (EditorBroken, EditorUnreachable, UnicodeDecodeError) as trouble:
            _write(cache / "checked.json", {"at": at.isoformat(), "trouble": str(trouble)})
            if isinstance(trouble, UnicodeDecodeError):
                raise EditorBroken("a file of the editor is not text") from trouble
            raise
        _write(cache / "checked.json", {"at": at.isoformat(), "trouble": None})
    return assets


def state(cache: Path) -> EditorState:
    """Return which version is in use, when it was last checked, and what was wrong then."""
    checked = _read(cache / "checked.json") or {}
    at = checked.get("at")
    return EditorState(
        assets=_current(cache),
        checked_at=datetime.fromisoformat(at) if at else None,
        trouble=checked.get("trouble"),
    )


def folder(cache: Path, version: str) -> Path:
    """Return where the files of a version lie."""
    return cache / "versions" / version


def packed(file: Path) -> Path:
    """Return where a file lies packed, for browsers that take it so."""
    return file.with_name(f"{file.name}.gz")


def _up_to_date(cache: Path, fetch: Fetch) -> EditorAssets:
    release, seen = _seen(fetch)
    current = _current(cache)
    if current and current.seen == seen:
        return current
    bundle = gather(fetch)
    version = f"{release}-{_digest(bundle)[:12]}"
    _keep(folder(cache, version), bundle)
    assets = EditorAssets(version, release, seen, bundle.entry, bundle.chunks, bundle.module)
    _write(cache / "current.json", asdict(assets))
    return assets


def _seen(fetch: Fetch) -> tuple[str, str]:
    """Return the server's release, and a text that changes whenever its editor does."""
    try:
        release = str(json.loads(fetch("/api/version"))["release"])
    except (ValueError, KeyError, TypeError):
        raise EditorBroken("the server does not say its version") from None
    stamp = sha256(fetch("/react-app/version.json") + fetch("/react-app/runtime.js")).hexdigest()
    return "".join(c for c in release if c.isalnum() or c in "._-")[:40], f"{_OUR_REVISION} {stamp}"


def _digest(bundle: Bundle) -> str:
    whole = sha256(_OUR_REVISION.encode())
    for name in sorted(bundle.files):
        whole.update(name.encode() + b"\x00" + bundle.files[name])
    return whole.hexdigest()


def _keep(target: Path, bundle: Bundle) -> None:
    """Write a version's folder, so that it appears whole."""
    if target.exists():
        if _is_whole(target, bundle):
            return
        # Something on this disk has taken files away: what is left is of no use to anybody.
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=target.parent, prefix=".part-"))
    try:
        for name, content in bundle.files.items():
            path = part / name
            if not path.resolve().is_relative_to(part.resolve()):
                raise EditorBroken(f"a file of the editor has the name {name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if path.suffix in PACKED:
                packed(path).write_bytes(gzip.compress(content, 6, mtime=0))
        part.chmod(0o755)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _is_whole(target: Path, bundle: Bundle) -> bool:
    return all(
        (path := target / name).is_file() and path.stat().st_size == len(content)
        for name, content in bundle.files.items()
    )


def _current(cache: Path) -> EditorAssets | None:
    found = _read(cache / "current.json")
    if found is None:
        return None
    try:
        assets = EditorAssets(**{**found, "chunks": tuple(found["chunks"])})
    except (KeyError, TypeError):
        return None  # written by another version of this program, or by nobody of ours
    needed = (*SCRIPTS, STYLE, f"{assets.chunks[-1]}.js") if assets.chunks else ()
    home = folder(cache, assets.version)
    return assets if needed and all((home / name).is_file() for name in needed) else None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(path: Path, value: dict[str, Any]) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(value))
    part.replace(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
