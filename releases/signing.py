"""Signs the manifest of each release with Ed25519, so that a copy can be proven to be ours.

The key comes from the settings or is made once and kept in `data_dir`. Public halves stay known
for good: what an old key has signed goes on being proven, unless the key was given away.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlmodel import Session, col, select

from core import audit
from core.errors import Conflict
from core.settings import Settings
from releases import storage
from releases.assembly import MANIFEST
from releases.delivery_models import ReleaseKey, ReleaseSignature
from releases.models import Release, State

SIGNATURE = f"{MANIFEST}.sig"
KEY_FILE = Path("keys") / "release-signing.pem"
AT_ONCE = 50


class BadSigningKey(ValueError):
    """RELEASE_SIGNING_KEY is not an Ed25519 key as PEM or as 32 bytes in base64."""


class KeyInSettings(Conflict):
    """The key comes from RELEASE_SIGNING_KEY: change it there, and old signatures stay valid."""


class SignsNow(Conflict):
    """This key signs now. Begin another with `doyen release new-key --given-away` instead.

    Where RELEASE_SIGNING_KEY holds it, change that first.
    """


class Revoked(Conflict):
    """RELEASE_SIGNING_KEY, or the file in data_dir, is a key that was given away: use another."""


@dataclass(frozen=True)
class PublicKey:
    """The public half of a key, and what holds of it."""

    id: str
    public_key: str
    pem: str
    first_used_at: datetime
    retired_at: datetime | None
    revoked_at: datetime | None


def sign(
    session: Session, release: Release, root: Path, settings: Settings, *, at: datetime
) -> bytes:
    """Sign the manifest of a ready release, as it was fixed in the database, and keep it beside."""
    key = private_key(settings)
    known = _known(session, key, at=at)
    if known.revoked_at is not None:
        raise Revoked
    with storage.opened(root, release, MANIFEST, None).stream as opened:
        text = opened.read()
    if _read_manifest(text) != release.facts:
        raise storage.NotWhole  # nothing is signed that was not built here
    signature = key.sign(text)
    assert release.id is not None
    if session.get(ReleaseSignature, (release.id, known.id)) is None:
        session.add(
            ReleaseSignature(
                release_id=release.id,
                key_id=known.id,
                signature=base64.b64encode(signature).decode(),
                signed_at=at,
            )
        )
    storage.add(root, storage.beside(release, SIGNATURE), signature)
    return signature


def unsigned(session: Session) -> list[Release]:
    """Return ready releases without a signature that still proves something."""
    signed = (
        select(ReleaseSignature.release_id)
        .join(ReleaseKey, col(ReleaseKey.id) == col(ReleaseSignature.key_id))
        .where(col(ReleaseKey.revoked_at).is_(None))
    )
    query = (
        select(Release)
        .where(Release.state == State.READY, col(Release.id).not_in(signed))
        .order_by(col(Release.id))
    )
    return list(session.exec(query.limit(AT_ONCE)))


def key_of(session: Session, release_id: int) -> str | None:
    """Return the key by which a release is signed now."""
    query = (
        select(ReleaseSignature.key_id)
        .join(ReleaseKey, col(ReleaseKey.id) == col(ReleaseSignature.key_id))
        .where(ReleaseSignature.release_id == release_id, col(ReleaseKey.revoked_at).is_(None))
        .order_by(col(ReleaseSignature.signed_at).desc())
    )
    return session.exec(query).first()


def public_keys(session: Session) -> list[PublicKey]:
    """Return all keys that have ever signed, the newest first."""
    keys = session.exec(select(ReleaseKey).order_by(col(ReleaseKey.first_used_at).desc()))
    return [
        PublicKey(
            one.id,
            one.public_key,
            pem(base64.b64decode(one.public_key)),
            one.first_used_at,
            one.retired_at,
            one.revoked_at,
        )
        for one in keys
    ]


def private_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key of this instance; without one in the settings it is made once and kept."""
    given = settings.release_signing_key.get_secret_value().strip()
    if given:
        return _read(given.encode())
    path = settings.data_dir.resolve() / KEY_FILE
    if not path.is_file():
        _make(path)
    return _read(path.read_bytes())


def rotate(session: Session, settings: Settings, *, given_away: bool, at: datetime) -> str:
    """Begin a new key; with `given_away` the old one proves nothing any more. Return its id."""
    if settings.release_signing_key.get_secret_value():
        raise KeyInSettings
    old = _known(session, private_key(settings), at=at)
    path = settings.data_dir.resolve() / KEY_FILE
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    _make(fresh)
    new = _known(session, _read(fresh.read_bytes()), at=at)
    old.retired_at = at
    if given_away:
        old.revoked_at = at
    audit.record(
        session,
        "release.key_changed",
        by=None,
        subject=f"release_key:{new.id}",
        details={"old": old.id, "given_away": given_away},
    )
    fresh.replace(path)
    return new.id


def revoke(session: Session, name: str, settings: Settings, *, at: datetime) -> bool:
    """Say that a key proves nothing any more; releases that it signed are signed anew."""
    key = session.get(ReleaseKey, name, with_for_update=True)
    if key is None or key.revoked_at is not None:
        return False
    if name == key_id(private_key(settings).public_key().public_bytes_raw()):
        raise SignsNow
    key.revoked_at = at
    key.retired_at = key.retired_at or at
    audit.record(session, "release.key_revoked", by=None, subject=f"release_key:{name}")
    return True


def key_id(public: bytes) -> str:
    """Return the name of a public key: the beginning of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def pem(public: bytes) -> str:
    """Return a public key as OpenSSL reads it."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def told(keys: list[PublicKey]) -> list[dict[str, Any]]:
    """Return keys as the known address tells them."""
    return [
        {
            "id": one.id,
            "algorithm": "Ed25519",
            "public_key": one.public_key,
            "pem": one.pem,
            "first_used_at": one.first_used_at.isoformat(),
            "retired_at": one.retired_at and one.retired_at.isoformat(),
            "revoked_at": one.revoked_at and one.revoked_at.isoformat(),
        }
        for one in keys
    ]


def _known(session: Session, key: Ed25519PrivateKey, *, at: datetime) -> ReleaseKey:
    """Return the row of a key; one that signs for the first time takes over from the one before."""
    public = key.public_key().public_bytes_raw()
    found = session.get(ReleaseKey, key_id(public))
    if found is not None:
        return found
    for old in session.exec(select(ReleaseKey).where(col(ReleaseKey.retired_at).is_(None))):
        old.retired_at = at
    new = ReleaseKey(
        id=key_id(public), public_key=base64.b64encode(public).decode(), first_used_at=at
    )
    session.add(new)
    session.flush()  # signatures name it
    return new


def _read_manifest(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as damaged:
        raise storage.NotWhole from damaged


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Written beside and linked: of two that make one at once, both use the first.
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()


def _read(text: bytes) -> Ed25519PrivateKey:
    try:
        if text.lstrip().startswith(b"-----BEGIN"):
            key = serialization.load_pem_private_key(text.strip(), password=None)
        else:
            key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise BadSigningKey from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadSigningKey
    return key
