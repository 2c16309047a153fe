"""The examples, each run on releases of a running instance, in an environment of their own.

`var/examples` is made once from `requirements-examples.lock`. What trains reads the instance by a
token and nothing else; TRL's own checks and trainers take every format for language models; and a
release that is published starts a training run by its webhook.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import select

from accounts import webhook_deliveries
from accounts.models import DeliveryState, WebhookDelivery
from app import ROOT
from bench import debian_postgres
from core.clock import now
from proofs import example_world, served
from proofs.served import Part, holds
from releases.models import Release, State
from tests.conftest import Live
from tests.factories import release_kinds
from tests.factories.annotation import Desk
from tests.factories.releases import make_grant, make_ml_team, make_release
from tests.factories.tokens import make_token
from tests.factories.webhooks import SECRET, make_endpoint

PLACE = ROOT / "var" / "examples"
LOCK = ROOT / "requirements-examples.lock"
EXAMPLES = ROOT / "examples"
# A build of torch without CUDA, two gigabytes smaller, where one of these can be had: looked for
# by pip where its settings say (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL).
CPU_TORCH = (
    "torch==2.13.0 --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
)
CUDA_ONLY = re.compile(r"^(torch|triton|nvidia-|cuda-)")
KINDS = ("comparisons", "answers", "verdicts", "steps")
WITHIN = 300  # seconds for one example


@dataclass
class World:
    """An instance with releases that an ML team may read, and its token."""

    live: Live
    folder: Path
    url: str = ""
    token: str = ""
    desk: Desk | None = None
    names: dict[str, str] = field(default_factory=dict)


def prove() -> bool:
    """Run all parts; print what each came to."""
    _environment()
    parts: dict[str, Callable[[World], Part]] = {
        "text classifier": _classifier,
        "spans": _spans,
        "preferences": _preferences,
        "TRL": _trl,
        "webhook": _webhook,
    }
    with _world() as world:
        return holds("examples", parts, world)


def _classifier(world: World) -> Part:
    said, gaps = _run(world, "text_classifier.py", world.names["clauses"], "--revision", "v1.0.0")
    score, usual = _number("accuracy: ", said), _number("”: ", said)
    if not gaps and not score > usual:
        gaps = [f"it learned nothing: {said}"]
    return Part(f"accuracy {score} against {usual} of the most frequent label", gaps)


def _spans(world: World) -> Part:
    said, gaps = _run(world, "spans_spacy.py", world.names["clauses"])
    score = _number("span F1: ", said)
    if not gaps and not score > 0.5:
        gaps = [f"it learned nothing: {said}"]
    return Part(f"span F1 {score}", gaps)


def _preferences(world: World) -> Part:
    words, gaps = [], []
    for way, more in (("DPO", ()), ("reward model", ("--reward",))):
        said, trouble = _run(world, "preference_trl.py", world.names["comparisons"], *more)
        gaps += trouble
        losses = [float(one) for one in re.findall(r"\d+\.\d{4}", said)]
        if not trouble and not losses[-1] < losses[0]:
            gaps.append(f"{way}: the loss does not fall: {said}")
        words.append(f"{way} loss {losses[0]} to {losses[-1]}" if losses else way)
    return Part(", ".join(words), gaps)


def _trl(world: World) -> Part:
    names = [world.names[kind] for kind in KINDS]
    done = _python(world, ROOT / "proofs" / "release_trl.py", *names)
    try:
        said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return Part("did not run", [f"{done.stdout[-300:]}{done.stderr[-700:]}"])
    return Part(f"{len(said['held'])} formats by TRL {said['trl']}", said["failed"])


def _webhook(world: World) -> Part:
    """Publish another release: its message starts the classifier once, a forged one nothing."""
    port, desk = debian_postgres.free_port(), world.desk
    assert desk is not None
    address, gaps = f"http://127.0.0.1:{port}/", []
    with world.live.transaction() as session:
        made = random.Random(8)  # noqa: S311 - the same each time
        make_endpoint(session, desk.organisation, url=address)
        example_world.add_clauses(session, desk, range(500, 520), made)
        make_release(session, desk, changelog="Twenty more.")
    with _receiver(world, port) as said:
        world.live.run_jobs()
        with world.live.transaction() as session:
            [sent] = session.exec(select(WebhookDelivery)).all()
            if sent.state is not DeliveryState.DELIVERED:
                gaps.append(f"the message is {sent.state}")
            webhook_deliveries.again(session, sent, by=None, at=now())
        world.live.run_jobs()
        forged = {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time()))}
        forged["webhook-signature"] = "v1,AAAA"
        answer = httpx.post(address, json={"type": "release.published"}, headers=forged)
        gaps += [] if answer.status_code == 401 else [f"forged: {answer.status_code}"]
        until = time.monotonic() + WITHIN
        while "ended with" not in said() and time.monotonic() < until:
            time.sleep(0.5)
    text = said()
    if text.count("text_classifier.py") != 1 or "ended with 0" not in text:
        gaps.append(f"the receiver said: {text[-500:]}")
    return Part("a release that is published starts one training run by its webhook", gaps)


@contextmanager
def _receiver(world: World, port: int) -> Iterator[Callable[[], str]]:
    log = world.folder / "receiver.log"
    command = [str(PLACE / "bin" / "python"), "on_new_release.py", "text_classifier.py"]
    command += ["--port", str(port), "--seen", str(world.folder / "seen.txt")]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=EXAMPLES, env=_settings(world), stdout=file, stderr=file
        )
    try:
        debian_postgres.wait_for(port)
        yield log.read_text
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _run(world: World, script: str, *words: str) -> tuple[str, list[str]]:
    done = _python(world, EXAMPLES / script, *words)
    gaps = [] if done.returncode == 0 else [f"{script}: {done.stdout[-300:]}{done.stderr[-700:]}"]
    return done.stdout, gaps


def _python(world: World, *words: Any) -> subprocess.CompletedProcess[str]:
    command = [str(PLACE / "bin" / "python"), *map(str, words)]
    return subprocess.run(
        command,
        env=_settings(world),
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )


def _settings(world: World) -> dict[str, str]:
    """Return an environment with the instance and its token, and nothing cached from before."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return {
        **kept,
        "HF_ENDPOINT": world.url,
        "HF_HOME": str(world.folder / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DOYEN_TOKEN": world.token,
        "DOYEN_WEBHOOK_SECRET": SECRET,
        "no_proxy": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _number(after: str, said: str) -> float:
    found = re.search(re.escape(after) + r"(\d+\.\d+)", said)
    return float(found.group(1)) if found else 0.0


@contextmanager
def _world() -> Iterator[World]:
    """Fill an instance with releases that the examples can learn from, and serve it."""
    networks = (ip_network("127.0.0.0/8"),)
    with (
        tempfile.TemporaryDirectory(prefix="doyen-examples-") as name,
        served.instance(Path(name), webhook_private_networks=networks) as made,
    ):
        world = World(made.live, Path(name))
        with world.live.transaction() as session:
            desks = {"clauses": example_world.clauses(session, tasks=150)}
            for kind in KINDS:
                desks[kind] = release_kinds.make_kind(session, kind, tasks=16)
            user, team = make_ml_team(session, name="Ada")
            for desk in desks.values():
                make_grant(session, desk, team)
                make_release(session, desk)
            _, world.token = make_token(session, user, team)
            world.desk = desks["clauses"]
            ids = {kind: desk.project_id for kind, desk in desks.items()}
        world.live.run_jobs()
        with world.live.transaction() as session:
            for kind, project_id in ids.items():
                query = select(Release).where(
                    Release.project_id == project_id, Release.state == State.READY
                )
                facts = session.exec(query).one().facts
                world.names[kind] = f"{facts['organisation']['slug']}/{facts['name']}"
        with served.gunicorn(made.address, made.settings) as (world.url, _process):
            yield world


def _environment() -> None:
    """Make the environment once, with hashes; a marker says that it is whole."""
    marker, locked = PLACE / "made-for", LOCK.read_text()
    if marker.is_file() and marker.read_text() == locked:
        return
    print(f"  making {PLACE.relative_to(ROOT)} from {LOCK.name}", flush=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    subprocess.run([uv, "venv", "-q", "--clear", "--seed", "-p", sys.executable, PLACE], check=True)
    if _cpu_torch():
        locked = _without_cuda(locked)
    else:
        print("  no build of torch without CUDA is at hand: several gigabytes come", flush=True)
    rest = PLACE / "requirements.txt"
    rest.write_text(locked)
    install = [uv, "pip", "install", "-q", "-p", PLACE, "--no-deps", "--require-hashes", "-r", rest]
    environment = {**os.environ, "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    subprocess.run(install, check=True, env=environment)
    marker.write_text(LOCK.read_text())


def _cpu_torch() -> bool:
    """Install torch without CUDA if it can be had; whether it could."""
    wanted = PLACE / "torch.txt"
    wanted.write_text(CPU_TORCH)
    command = [PLACE / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps"]
    command += ["--require-hashes", "-r", wanted]
    return subprocess.run(command, capture_output=True).returncode == 0


def _without_cuda(locked: str) -> str:
    """Return a lock without torch and what only its build with CUDA needs."""
    kept, skip = [], False
    for line in locked.splitlines():
        if not line.startswith((" ", "#")):
            skip = bool(CUDA_ONLY.match(line))
        kept += [] if skip else [line]
    return "\n".join(kept) + "\n"
