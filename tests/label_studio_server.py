"""A real Label Studio for tests: installed when missing, started once for all workers of a run.

Its first start takes most of a minute, so a copy of the data just after it is kept under `var/`,
and every run begins from that copy.
"""

import fcntl
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from demo import label_studio

# It may call us here, as an operator would let it, and no other address of this machine.
REFUSED = "127.0.0.2"
MAY_CALL = {
    "USE_DEFAULT_BANNED_SUBNETS": "false",
    "USER_ADDITIONAL_BANNED_SUBNETS": f"{REFUSED}/32,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16",
}
VAR = Path(__file__).resolve().parents[1] / "var"


@dataclass
class Server:
    """A running Label Studio with a home of its own."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return label_studio.token(VAR, home=self.home)

    def start(self) -> None:
        self.process = label_studio.start(
            VAR, self.port, home=self.home, owner=_owner(), more=MAY_CALL
        )
        label_studio.wait_ready(self.process, VAR, self.port, home=self.home)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def shared_server(folder: Path) -> Server:
    """Return the run's server; whichever worker comes first starts it."""
    told = folder / "label-studio.json"
    with _alone(folder / "label-studio.lock"):
        if told.exists():
            known = json.loads(told.read_text())
            return Server(Path(known["home"]), known["port"])
        server = own_server(folder / "label-studio")
        # It outlives whoever started it, and goes with the run: nobody here waits for its end.
        assert server.process is not None
        server.process.returncode = 0
        told.write_text(json.dumps({"home": str(server.home), "port": server.port}))
        return server


def own_server(home: Path) -> Server:
    """Start a server on a fresh copy of the data."""
    shutil.copytree(pristine(), home)
    server = Server(home, _free_port())
    server.start()
    return server


def pristine() -> Path:
    """Return a home as it is after the first start of this version; make it when it is missing."""
    label_studio.ensure_installed(VAR)
    boot = label_studio.BOOT.read_bytes() + label_studio.LOCK.read_bytes()
    kept = label_studio.home_of(VAR) / f"pristine-{sha256(boot).hexdigest()[:12]}"
    with _alone(label_studio.home_of(VAR) / "pristine.lock"):
        if not kept.exists():
            part = kept.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            server = Server(part, _free_port())
            server.start()
            assert server.process is not None
            label_studio.stop(server.process)
            part.rename(kept)
    return kept


def _owner() -> int:
    # A worker may end before the others: the server goes with the process that began the run.
    return os.getppid() if os.environ.get("PYTEST_XDIST_WORKER") else os.getpid()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
