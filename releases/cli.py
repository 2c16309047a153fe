"""Commands about releases: verify, rebuild, change the key, push to another hub."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from core import audit
from core.clock import now
from core.db import transaction
from core.errors import Conflict, DomainError, NotFound
from core.settings import current_settings
from releases import formats_made, person_names, pushing, rebuild, signing, storage, verifying
from releases.jobs import releases_folder
from releases.models import Release
from releases.verifying import Key, Verdict

AT_ONCE = 1024 * 1024
KEYS_AT = "/.well-known/doyen-release-keys.json"


class NotSigned(Conflict):
    """This release has no signature yet. It gets one within a minute of its publication."""


@click.group()
def group() -> None:
    """Commands about releases."""


@group.group("release")
def release() -> None:
    """Verify releases, change the key that signs them, push them elsewhere."""


@release.command("verify")
@click.argument("place")
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, path_type=Path),
    help="A public key as PEM. Without one: those of the address, or of this instance.",
)
@click.option("--keys-from", default="", help="The address of the instance that released it.")
def verify(place: str, key_file: Path | None, keys_from: str) -> None:
    """Prove that the copy at PLACE, a folder or an address, is what was released.

    An address is one under which the files are: a base of signed links, or
    https://INSTANCE/datasets/ORG/NAME/resolve/v1.0.0 with a token in HF_TOKEN.
    """
    is_address = place.startswith(("http://", "https://"))
    read, present = _reading(place) if is_address else _local(Path(place))
    keys = _keys(key_file, keys_from or (place if is_address else ""))
    _tell(verifying.verify(read, keys, present))


@release.command("rebuild")
@click.argument("name", metavar="ORG/NAME")
@click.argument("version")
def rebuild_one(name: str, version: str) -> None:
    """Build a release again from the same answers and compare every file with what is published.

    Ends with 0 when all are the same, 1 when they differ though the answers are the same, and 3
    when answers have changed since, or what writes or looks for names, so that nothing can be said.
    """
    try:
        release = rebuild.by_name(name, version)
    except NotFound:
        raise click.ClickException("There is no such release.") from None
    if "inputs" not in release.facts:
        raise click.ClickException("It was built before builds could be repeated.")
    try:
        found = rebuild.verify(release, releases_folder())
    except person_names.NotInstalled:
        wanted = release.facts["personal_data"]["names"]
        raise click.ClickException(f"It takes what looked for names: {wanted}.") from None
    if found.is_same:
        click.echo(f"The same: {found.files} files, commit {release.commit}.")
        return
    if not found.same_writer:
        writer = release.facts["writer"]["pyarrow"]
        click.echo(f"It was written by another version of pyarrow ({writer}).", err=True)
    if not found.same_names:
        before, here = found.names
        click.echo(f"Names were looked for by another: {before}, here {here}.", err=True)
    if not found.same_inputs:
        click.echo("Answers have changed since (appeals, erasures, reviews).", err=True)
    for path in found.differing:
        click.echo(f"differs: {path}", err=True)
    is_fair = found.same_inputs and found.same_writer and found.same_names
    sys.exit(1 if is_fair else 3)


@release.command("new-key")
@click.option("--given-away", is_flag=True, help="The old key proves nothing any more.")
def new_key(given_away: bool) -> None:
    """Sign with a new key from now on; the old one goes on proving what it signed."""
    try:
        with transaction() as session:
            made = signing.rotate(session, current_settings(), given_away=given_away, at=now())
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Releases are signed by the key {made} from now on.")


@release.command("revoke-key")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """Say that the key KEY_ID proves nothing any more; its releases are signed anew."""
    try:
        with transaction() as session:
            if not signing.revoke(session, key_id, current_settings(), at=now()):
                raise click.ClickException(f"No key {key_id} proves anything here.")
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The key {key_id} proves nothing any more.")


@release.command("push")
@click.argument("release_id", type=int)
@click.argument("repository")
@click.option("--endpoint", default="https://huggingface.co", help="Another hub than the real one.")
@click.option("--public", is_flag=True, help="Make the repository one that everybody can read.")
@click.option("--formats", is_flag=True, help="With the formats that were made from it.")
def push(release_id: int, repository: str, endpoint: str, public: bool, formats: bool) -> None:
    """Push RELEASE_ID to REPOSITORY (organisation/name) on the Hub, with a token in HF_TOKEN."""
    root = releases_folder()
    with transaction() as session:
        found = session.get(Release, release_id)
        if found is None or not found.is_ready:
            raise click.ClickException(f"There is no ready release {release_id}.")
        made = formats_made.of(session, release_id) if formats else []
    extra = {}
    for one in made:
        for file in one.files or []:
            path = f"{formats_made.FOLDER}/{one.name}/{file['path']}"
            extra[path] = (f"{formats_made.place(found, one.name)}/{file['path']}", file["size"])
    wish = pushing.Wish(repository, endpoint, os.environ.get("HF_TOKEN", ""), public)
    try:
        # Wherever they are kept: what is not here is fetched.
        signed = storage.beside(found, signing.SIGNATURE)
        size = storage.size_at(root, signed)
        if size is None:
            raise NotSigned
        extra[signing.SIGNATURE] = (signed, size)
        here = {path: storage.local(root, *place) for path, place in extra.items()}
        commit = pushing.push(storage.folder(root, found), found, wish, here)
    except (DomainError, pushing.Lacking, OSError) as error:
        raise click.ClickException(str(error)) from error
    with transaction() as session:
        audit.record(
            session,
            "release.pushed",
            by=None,
            subject=f"release:{release_id}",
            details={"repository": repository, "endpoint": endpoint, "commit": commit},
        )
    click.echo(f"{repository} has version {found.version} as {commit}, tag v{found.version}.")


def _tell(verdict: Verdict) -> None:
    if verdict.name:
        click.echo(f"{verdict.name} {verdict.version}, commit {verdict.commit}")
    for trouble in verdict.troubles:
        click.echo(f"  {trouble}", err=True)
    if verdict.troubles:
        raise click.ClickException("This is not what was released.")
    click.echo(f"{verdict.files} files are as they were released; signed by the key {verdict.key}.")


def _local(folder: Path) -> tuple[verifying.Read, list[str]]:
    if not folder.is_dir():
        raise click.ClickException(f"{folder} is no folder.")

    def read(path: str) -> Iterator[bytes]:
        if not (folder / path).is_file():
            raise FileNotFoundError(path)
        with (folder / path).open("rb") as opened:
            while part := opened.read(AT_ONCE):
                yield part

    found = (one.relative_to(folder) for one in sorted(folder.rglob("*")) if one.is_file())
    # What clients keep for themselves is hidden, and the formats follow from the rest.
    shown = [one for one in found if not one.parts[0].startswith(".")]
    return read, [one.as_posix() for one in shown if one.parts[0] != formats_made.FOLDER]


def _reading(address: str) -> tuple[verifying.Read, list[str]]:
    token = os.environ.get("HF_TOKEN") or os.environ.get("DOYEN_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def read(path: str) -> Iterator[bytes]:
        url = f"{address.rstrip('/')}/{path}"
        with httpx.stream("GET", url, headers=headers, timeout=60, follow_redirects=True) as answer:
            if answer.status_code != httpx.codes.OK:
                raise FileNotFoundError(path)
            yield from answer.iter_bytes(AT_ONCE)

    return read, []


def _keys(key_file: Path | None, address: str) -> list[Key]:
    if key_file is not None:
        public = load_pem_public_key(key_file.read_bytes())
        if not isinstance(public, Ed25519PublicKey):
            raise click.ClickException(f"{key_file} is no Ed25519 key.")
        return [Key(public.public_bytes_raw())]
    if address:
        parts = urlsplit(address)
        told = httpx.get(f"{parts.scheme}://{parts.netloc}{KEYS_AT}", timeout=60).json()
        return verifying.keys_of(told["keys"])
    with transaction() as session:
        return verifying.keys_of(signing.told(signing.public_keys(session)))
