"""Releases as ML teams load them: the real clients, old and new, against a running instance.

gunicorn serves; `datasets`, `huggingface_hub`, `mlcroissant`, spaCy, pycocotools, pandas and moto's
S3 live in environments of their own under `var/release-clients`, which are made once. Every part
prints what it came to; the last line says whether all held.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlmodel import col, select

from app import ROOT, create_app
from bench import debian_postgres
from core.clock import now
from core.db import Database
from proofs import hub_taker, release_killed, served
from proofs.served import Part, holds
from releases import croissant, formats, formats_made, links, rebuild, storage
from releases.delivery_models import ReleaseDownload, Way
from releases.downloads import Reader
from releases.jobs import releases_folder
from releases.models import Release, State
from releases.recipe import Marks, Recipe
from tests import clients
from tests.conftest import Live, make_settings
from tests.factories import release_kinds
from tests.factories.annotation import Desk
from tests.factories.releases import make_grant, make_ml_team, make_release, make_work
from tests.factories.tokens import make_token

ENVIRONMENTS = ROOT / "var" / "release-clients"
# The versions that datasets.md measured, and the oldest that still is in wide use.
NEEDED = {
    "now": ["datasets==5.2.0", "huggingface_hub==2.4.0", "mlcroissant==1.1.1", "spacy>=3.8,<4"],
    "older": ["datasets==3.6.0", "huggingface_hub==0.36.2"],
    "s3": ["moto[server,s3]>=5"],
}
NEEDED["now"] += ["pycocotools>=2", "pillow>=11", "pandas>=2"]
NEEDED["now"] += ["duckdb>=1", "polars>=1", "aiohttp>=3"]
BUCKET = "releases"
JOINED = ("coco", "yolo", "voc")  # what consumers load of boxes that are joined by overlap too
OVERLAP = Recipe(marks=Marks.OVERLAP)  # as the first release by the pages has it
DUCKDB = """
import datetime, duckdb
from fsspec.implementations.http import HTTPFileSystem

class Web(HTTPFileSystem):
    def modified(self, path):
        return datetime.datetime(2026, 1, 1)

duckdb.register_filesystem(Web(skip_instance_cache=True))
print(duckdb.sql("from read_parquet('{address}') select count(*)").fetchall()[0][0])
"""


@dataclass
class World:
    """An instance with releases, an ML team that may read one, and a stranger."""

    live: Live
    folder: Path
    address: str
    settings: Any
    release_id: int = 0
    # The project whose boxes are joined by overlap.
    joined_id: int = 0
    name: str = ""
    commit: str = ""
    token: str = ""
    stranger: str = ""
    team_id: int = 0
    user_id: int = 0
    url: str = ""

    def release(self) -> Release:
        """Return the release that is loaded."""
        with self.live.transaction() as session:
            return session.get_one(Release, self.release_id)


def prove() -> bool:
    """Run all parts; print what each came to."""
    parts: dict[str, Callable[[World], Part]] = {
        "clients now": lambda world: _clients(world, "now"),
        "clients older": lambda world: _clients(world, "older"),
        "command hf": _command,
        "links": _links,
        "verify": _verify,
        "formats": _formats,
        "push": _push,
        "builds killed": _killed,
        "S3": _s3,
    }
    for name, needed in NEEDED.items():
        _environment(name, needed)
    with _world() as world:
        return holds("releases", parts, world)


def _clients(world: World, environment: str) -> Part:
    """Load with `datasets` and `huggingface_hub`, and be refused as they read it."""
    with tempfile.TemporaryDirectory() as folder:
        said = _in_environment(
            environment,
            "release_client.py",
            world.url,
            world.name,
            world.token,
            world.stranger,
            world.commit,
            folder,
        )
    if "held" not in said:
        return Part("did not run", [str(said)])
    words = f"datasets {said['datasets']}, huggingface_hub {said['hub']}: {len(said['held'])} steps"
    return Part(words, said["failed"])


def _command(world: World) -> Part:
    """Load with the command `hf`, and look at what was counted."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "HF_ENDPOINT": world.url,
            "HF_TOKEN": world.token,
            "HF_HOME": folder,
        }
        command = [str(_bin("now") / "hf"), "download", world.name, "--repo-type", "dataset"]
        done = subprocess.run(
            [*command, "--revision", "v1.0.0"], env=environment, capture_output=True, text=True
        )
    gaps = [] if done.returncode == 0 else [f"hf: {done.stderr[-500:]}"]
    with world.live.transaction() as session:
        rows = session.exec(select(ReleaseDownload).where(ReleaseDownload.way == Way.HUB)).all()
    gaps += [] if rows else ["no load was counted"]
    times = sum(one.times for one in rows)
    return Part(f"hf download; {times} loads counted in {len(rows)} rows", gaps)


def _links(world: World) -> Part:
    """Load by signed links: with curl and sha256sum, DuckDB and polars, until they are over."""
    release, gaps = world.release(), []
    reader = Reader(world.team_id, Way.LINK, world.user_id)
    secret = world.settings.secret_key.get_secret_value()
    key = links.make(secret, release, reader, until=now() + timedelta(hours=1))
    base = f"{world.url}/release-files/{key}"
    with tempfile.TemporaryDirectory() as folder:
        script = f"""set -e
        curl -fsS "{base}/SHA256SUMS" -o SHA256SUMS
        while read -r hash path; do mkdir -p "$(dirname "$path")"
          curl -fsS "{base}/$path" -r 0-9 -o "$path"; curl -fsS -C - "{base}/$path" -o "$path"
        done < SHA256SUMS
        sha256sum --quiet --check SHA256SUMS"""
        done = subprocess.run(
            ["/bin/bash", "-c", script], cwd=folder, capture_output=True, text=True
        )
        gaps += [] if done.returncode == 0 else [f"curl: {done.stderr[-300:]}"]
    path = next(one["path"] for one in release.facts["files"] if one["path"].endswith(".parquet"))
    gaps += list(_by_engines(f"{base}/{path}"))
    over = links.make(secret, release, reader, until=now() - timedelta(seconds=1))
    forged = f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}"
    for bad, status in ((over, 410), (forged, 404), ("x", 404)):
        found = _status(f"{world.url}/release-files/{bad}/{path}")
        gaps += [] if found == status else [f"a bad link answers {found} and not {status}"]
    return Part("links by curl, sha256sum, polars and DuckDB; over and forged ones refused", gaps)


def _by_engines(address: str) -> Iterator[str]:
    read = {
        "polars": f"import polars as pl; print(pl.scan_parquet('{address}').select('id')"
        ".collect().height)",
        # Its own extension for HTTP would be loaded from the internet: fsspec is what is here.
        "DuckDB": DUCKDB.format(address=address),
    }
    for engine, code in read.items():
        python = str(_bin("now") / "python")
        done = subprocess.run([python, "-c", code], capture_output=True, text=True)
        if done.returncode or int(done.stdout or 0) < 1:
            yield f"{engine}: {done.stderr[-300:]}"


def _verify(world: World) -> Part:
    """Verify with our command and with OpenSSL alone, and see a changed byte found."""
    release, gaps = world.release(), []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for path in [one["path"] for one in release.facts["files"]] + [
            "manifest.json",
            "manifest.json.sig",
            "SHA256SUMS",
        ]:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_bytes(_got(world, f"/datasets/{world.name}/resolve/main/{path}"))
        gaps += _doyen(world, "release", "verify", str(copy), "--keys-from", world.url)
        address = f"{world.url}/datasets/{world.name}/resolve/v1.0.0"
        gaps += _doyen(world, "release", "verify", address)
        told = json.loads(_got(world, "/.well-known/doyen-release-keys.json"))
        (Path(folder) / "key.pem").write_text(told["keys"][0]["pem"])
        command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in copy/manifest.json"
        command += " -sigfile copy/manifest.json.sig"
        done = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True)
        gaps += [] if done.returncode == 0 else [f"openssl: {done.stdout}{done.stderr}"]
        card = copy / "README.md"
        card.write_bytes(card.read_bytes() + b" ")
        if not _doyen(world, "release", "verify", str(copy), "--keys-from", world.url):
            gaps.append("a changed file was not found")
    return Part("verified by command, address and OpenSSL; a changed byte is found", gaps)


def _formats(world: World) -> Part:
    """Load each format with the library that consumes it, and Croissant with mlcroissant."""
    made: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with world.live.transaction() as session:
            ready = session.exec(
                select(Release).where(Release.state == State.READY).order_by(col(Release.id))
            ).all()
            root = releases_folder()
            for release in ready:
                joined = release.project_id == world.joined_id
                for one in formats_made.of(session, release.id or 0):
                    place = root / formats_made.place(release, one.name)
                    if joined and one.name in JOINED:
                        shutil.copytree(place, folder / "joined" / one.name)
                    # The text project's own come first: it has the most rows.
                    elif one.files and one.name not in made:
                        made.add(one.name)
                        shutil.copytree(place, folder / one.name)
            shutil.copytree(storage.folder(root, ready[0]), folder, dirs_exist_ok=True)
        (folder / "croissant.json").write_text(croissant.text(ready[0].facts))
        sharded = _sharded(world, folder / "sharded")
        (folder / "sharded" / "croissant.json").write_text(croissant.text(sharded))
        said = _in_environment("now", "release_consumers.py", name)
    if "held" not in said:
        return Part("did not run", [str(said)])
    lacking = sorted(set(formats_made.FORMATS) - made)
    gaps = said["failed"] + [f"no release has the format {one}" for one in lacking]
    return Part(f"Croissant and {len(made)} formats by {len(said['held'])} consumers", gaps)


def _sharded(world: World, folder: Path) -> dict[str, Any]:
    """Build the text release once more with three rows a file; return its manifest."""
    kept = formats.SHARD_ROWS, formats.ROWS_AT_ONCE
    formats.SHARD_ROWS, formats.ROWS_AT_ONCE = 3, 3
    try:
        with world.live.app.app_context():
            facts, made = rebuild.again(world.release(), releases_folder())
    finally:
        formats.SHARD_ROWS, formats.ROWS_AT_ONCE = kept
    shutil.move(made, folder)
    return facts


def _push(world: World) -> Part:
    """Push to a hub that takes as much of the protocol as one commit needs, twice."""
    release, gaps = world.release(), []
    with hub_taker.Server() as hub:
        push = ("release", "push", str(release.id), "acme/clauses", "--endpoint", hub.url)
        for _time in range(2):
            # Without Xet, which the real Hub speaks, blobs go by LFS.
            said = {"HF_TOKEN": "hf_theirs", "HF_HUB_DISABLE_XET": "1"}
            gaps += _doyen(world, *push, "--formats", **said)
        files = hub.taken.commits[-1] if hub.taken.commits else {}
        if not hub.taken.private:
            gaps.append("the repository was made for everybody")
        if set(hub.taken.tags) != {"v1.0.0"}:
            gaps.append(f"tags: {hub.taken.tags}")
        with world.live.transaction():
            here = storage.folder(releases_folder(), release)
        for path in storage.files(here):
            if files.get(path.as_posix()) != (here / path).read_bytes():
                gaps.append(f"{path} is not there as it is here")
    return Part(f"{len(files)} files pushed and tagged", gaps)


def _killed(_world: World) -> Part:
    """Kill builds at random points, their storage and the web; they have a world of their own."""
    return Part(*release_killed.kill(_bin("s3") / "moto_server"))


def _s3(world: World) -> Part:
    """Build a release into S3, throw the copy here away, and load it from there."""
    port, gaps = debian_postgres.free_port(), []
    server = subprocess.Popen(
        [str(_bin("s3") / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        debian_postgres.wait_for(port)
        request = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")
        with closing(urllib.request.urlopen(request)):
            pass
        options = {
            "endpoint_override": endpoint,
            "access_key": "key",
            "secret_key": "secret",
            "region": "us-east-1",
        }
        changes = {
            "releases_url": f"s3://{BUCKET}/here",
            "releases_options": json.dumps(options),
        }
        settings = make_settings(world.folder / "elsewhere", **changes)
        app = create_app(settings, Database(world.live.engine))
        clients.use_in(app)
        live = Live(app, world.live.url, world.live.engine)
        with live.transaction() as session:
            desk = make_work(session, tasks=12)
            release_id = make_release(session, desk).id
            grant_to = make_ml_team(session, name="Sam")
            make_grant(session, desk, grant_to[1])
            _, token = make_token(session, *grant_to)
        live.run_jobs()
        with live.transaction() as session:
            release = session.get_one(Release, release_id)
            name = f"{release.facts['organisation']['slug']}/{release.facts['name']}"
        shutil.rmtree(settings.data_dir / "releases")
        more = {
            "RELEASES_URL": changes["releases_url"],
            "RELEASES_OPTIONS": changes["releases_options"],
        }
        with (
            served.gunicorn(world.address, settings, **more) as (url, _process),
            tempfile.TemporaryDirectory() as folder,
        ):
            said = _in_environment(
                "now", "release_client.py", url, name, token, world.stranger, release.commit, folder
            )
            gaps += said.get("failed", [str(said)])
            file = max(release.facts["files"], key=lambda one: one["size"])
            gaps += _sent_there(f"{url}/datasets/{name}/resolve/main/{file['path']}", token, file)
        shutil.rmtree(settings.data_dir / "releases", ignore_errors=True)
        gaps += _pushed_from_there(world, release_id, settings, more)
    finally:
        server.terminate()
        server.wait()
    steps = len(said.get("held", []))
    return Part(f"built into S3, loaded from there by signed addresses: {steps} steps", gaps)


def _sent_there(address: str, token: str, file: dict[str, Any]) -> Iterator[str]:
    """Ask for a part of a file that is in S3 alone: an address there, which gives that part."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_asked: Any) -> None:
            return None

    part = {"Range": "bytes=4-11"}
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} | part)
    try:
        urllib.request.build_opener(Stay).open(asked)
        yield "a file in S3 is not sent from there"
    except urllib.error.HTTPError as answer:
        there = answer.headers["Location"] or ""
        if answer.code != HTTPStatus.FOUND or f'"{file["sha256"]}"' != answer.headers["ETag"]:
            yield f"S3: {answer.code}, {answer.headers['ETag']}"
    with urllib.request.urlopen(urllib.request.Request(there, headers=part)) as answer:
        if answer.status != HTTPStatus.PARTIAL_CONTENT or len(answer.read()) != 8:
            yield f"S3 answers {answer.status} to a range"
    with urllib.request.urlopen(there) as answer:
        if hashlib.sha256(answer.read()).hexdigest() != file["sha256"]:
            yield "other bytes come from S3"
    yield from _as_amazon_signs(there)


def _as_amazon_signs(address: str) -> Iterator[str]:
    """Sign the same with Amazon's own library, and compare."""
    parts = urlsplit(address)
    asked = dict(parse_qsl(parts.query))
    bucket, _, key = parts.path.lstrip("/").partition("/")
    script = f"""
import datetime, botocore.auth, botocore.awsrequest, botocore.credentials
from unittest import mock
at = datetime.datetime.strptime({asked["X-Amz-Date"]!r}, "%Y%m%dT%H%M%SZ")
said = {{k: v for k, v in {asked!r}.items() if not k.startswith("X-Amz-")}}
request = botocore.awsrequest.AWSRequest("GET", {f"{parts.scheme}://{parts.netloc}{parts.path}"!r},
                                         params=said)
keys = botocore.credentials.Credentials("key", "secret")
signer = botocore.auth.S3SigV4QueryAuth(keys, "s3", "us-east-1", expires=300)
with mock.patch("botocore.auth.get_current_datetime", lambda *a, **k: at):
    signer.add_auth(request)
print(request.url)
"""
    command = [str(_bin("s3") / "python"), "-c", script]
    done = subprocess.run(command, capture_output=True, text=True)
    theirs = dict(parse_qsl(urlsplit(done.stdout.strip()).query))
    if theirs.get("X-Amz-Signature") != asked["X-Amz-Signature"]:
        yield f"Amazon signs {bucket}/{key} in another way: {done.stderr[-300:]}"


def _pushed_from_there(
    world: World, release_id: int, settings: Any, more: dict[str, str]
) -> Iterator[str]:
    """Push a release that is in S3 alone: with its signature and its formats."""
    with hub_taker.Server() as hub:
        said = {"HF_TOKEN": "hf_theirs", "HF_HUB_DISABLE_XET": "1", **more}
        said["DATA_DIR"] = str(settings.data_dir)
        push = ("release", "push", str(release_id), "acme/there", "--endpoint", hub.url)
        yield from _doyen(world, *push, "--formats", **said)
        files = hub.taken.commits[-1] if hub.taken.commits else {}
    for path in ("manifest.json", "manifest.json.sig", "formats/csv/train.csv"):
        if path not in files:
            yield f"{path} was not pushed from S3"


@contextmanager
def _world() -> Iterator[World]:
    """Fill an instance with releases of every kind, and serve it by gunicorn."""
    with (
        tempfile.TemporaryDirectory(prefix="doyen-releases-") as name,
        served.instance(Path(name)) as made,
    ):
        world = World(made.live, Path(name), made.address, made.settings)
        _fill(world)
        with served.gunicorn(made.address, made.settings) as (world.url, _process):
            yield world


def _fill(world: World) -> None:
    with world.live.transaction() as session:
        desk = make_work(session, tasks=12)
        user, team = make_ml_team(session, name="Ada")
        make_grant(session, desk, team)
        world.team_id, world.user_id = team.id or 0, user.id or 0
        _, world.token = make_token(session, user, team)
        _, world.stranger = make_token(session, *make_ml_team(session, name="Eve"))
        world.release_id = make_release(session, desk, recipe=OVERLAP).id or 0
        desks: list[Desk] = [
            release_kinds.make_kind(session, kind, tasks=12) for kind in release_kinds.KINDS
        ]
        for one in desks:
            make_release(session, one)
        joined = release_kinds.make_joined(session, tasks=12)
        make_release(session, joined, recipe=OVERLAP)
        world.joined_id = joined.project_id
    world.live.run_jobs()
    release = world.release()
    world.commit = str(release.commit)
    world.name = f"{release.facts['organisation']['slug']}/{release.facts['name']}"


def _doyen(world: World, *words: str, **more: str) -> list[str]:
    """Run our command; return what it said when it failed."""
    known = served.environment(world.address, world.settings)
    environment = known | {"HF_TOKEN": world.token} | more
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *words],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return [] if done.returncode == 0 else [f"{' '.join(words[:2])}: {done.stderr[-400:]}"]


def _got(world: World, path: str) -> bytes:
    asked = urllib.request.Request(
        f"{world.url}{path}", headers={"Authorization": f"Bearer {world.token}"}
    )
    with urllib.request.urlopen(asked) as answer:
        content: bytes = answer.read()
    return content


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _in_environment(name: str, script: str, *arguments: str) -> dict[str, Any]:
    command = [str(_bin(name) / "python"), str(ROOT / "proofs" / script), *arguments]
    environment = {**os.environ, "no_proxy": "127.0.0.1", "HF_HUB_ETAG_TIMEOUT": "60"}
    environment.pop("HF_TOKEN", None)
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=ENVIRONMENTS
    )
    try:
        said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {"error": f"{done.stdout[-300:]}{done.stderr[-700:]}"}
    return said


def _bin(name: str) -> Path:
    return ENVIRONMENTS / name / "bin"


def _environment(name: str, needed: list[str]) -> None:
    """Make an environment once; a marker says that it is whole."""
    marker = ENVIRONMENTS / name / "made-for"
    if marker.is_file() and marker.read_text() == "\n".join(needed):
        return
    print(f"  making the environment {name}: {', '.join(needed)}", flush=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    place = str(ENVIRONMENTS / name)
    subprocess.run([uv, "venv", "-q", "--clear", "-p", sys.executable, place], check=True)
    subprocess.run([uv, "pip", "install", "-q", "-p", place, *needed], check=True)
    marker.write_text("\n".join(needed))
