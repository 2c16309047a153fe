"""Proves a copy of a release: its signature, each file's hash, and the content's name. Pure.

It knows no database and no app: only bytes, however they were fetched.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from releases.assembly import MANIFEST
from releases.signing import SIGNATURE, key_id

# Yields the bytes of a file, or raises `FileNotFoundError`.
Read = Callable[[str], Iterable[bytes]]


@dataclass(frozen=True)
class Key:
    """A public key, and whether it still proves something."""

    public: bytes
    revoked: bool = False


@dataclass
class Verdict:
    """What was found; without troubles, it is what was released."""

    name: str = ""
    version: str = ""
    commit: str = ""
    key: str = ""
    files: int = 0
    troubles: list[str] = field(default_factory=list)


def verify(read: Read, keys: Iterable[Key], present: Iterable[str] = ()) -> Verdict:
    """Look at every file that the manifest names, and at names that it does not."""
    verdict = Verdict()
    try:
        text, signature = _whole(read, MANIFEST), _whole(read, SIGNATURE)
        manifest = json.loads(text)
        listed = [(str(one["path"]), str(one["sha256"])) for one in manifest["files"]]
        verdict.version, verdict.commit = str(manifest["version"]), str(manifest["commit"])
        verdict.name = f"{manifest['organisation']['slug']}/{manifest['name']}"
    except FileNotFoundError as error:
        verdict.troubles.append(f"missing: {error.args[0] if error.args else MANIFEST}")
        return verdict
    except (ValueError, KeyError, TypeError):
        verdict.troubles.append(f"{MANIFEST} is not a manifest")
        return verdict
    verdict.troubles += _signed(text, signature, keys, verdict)
    verdict.troubles += _content(listed, verdict.commit)
    for path, digest in listed:
        verdict.files += 1
        verdict.troubles += _file(read, path, digest)
    known = {path for path, _digest in listed} | {MANIFEST, SIGNATURE, "SHA256SUMS"}
    verdict.troubles += [f"not in the manifest: {path}" for path in sorted(set(present) - known)]
    return verdict


def keys_of(told: Iterable[dict[str, Any]]) -> list[Key]:
    """Read keys as an instance tells them."""
    return [
        Key(base64.b64decode(one["public_key"]), one.get("revoked_at") is not None) for one in told
    ]


def _signed(text: bytes, signature: bytes, keys: Iterable[Key], verdict: Verdict) -> Iterator[str]:
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
        except InvalidSignature:
            continue
        verdict.key = key_id(key.public)
        if key.revoked:
            yield f"signed by the key {verdict.key}, which was given away: it proves nothing"
        return
    yield f"{SIGNATURE} was made by none of the keys"


def _content(listed: list[tuple[str, str]], commit: str) -> Iterator[str]:
    sums = "".join(f"{digest}  {path}\n" for path, digest in listed)
    if hashlib.sha256(sums.encode()).hexdigest()[:40] != commit:
        yield "the commit does not name these files"


def _file(read: Read, path: str, digest: str) -> Iterator[str]:
    if path.startswith("/") or ".." in path.split("/"):
        yield f"not a path of a release: {path}"
        return
    found = hashlib.sha256()
    try:
        for part in read(path):
            found.update(part)
    except FileNotFoundError:
        yield f"missing: {path}"
        return
    if found.hexdigest() != digest:
        yield f"changed: {path}"


def _whole(read: Read, path: str) -> bytes:
    return b"".join(read(path))
