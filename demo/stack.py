"""The whole of Doyen on one machine: every part that it needs, started in order and kept alive.

The database is started by this process; the Stripe sandbox, Label Studio, the web server, the
worker and the clock are processes of their own. All state lies under `var/demo`, so that a
second start finds everything as it was.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core import embedded
from demo import label_studio, state
from demo.processes import DidNotStart, Part, Watch, answers, free_port, stop_leftovers

ROOT = Path(__file__).resolve().parent.parent
PORTS = {"web": 8000, "sandbox": 8030, "label-studio": 8080}
STRIPE_KEY = "sk_test_doyen_demo"

Say = Callable[[str], None]


class AlreadyRunning(Exception):
    """A demo runs on this data already."""


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a running demo answer."""

    web: str
    sandbox: str
    label_studio: str


class Stack:
    """A demo that was started; `watch` keeps it alive, `stop` ends it."""

    def __init__(
        self, var: Path, say: Say, name: str = "demo", *, web_port: int = PORTS["web"]
    ) -> None:
        self.var = var
        self.wanted = PORTS | {"web": web_port}
        self.folder = var / name
        # The demo's Label Studio lives beside its environment; another stack has its own data.
        self.label_studio_home = label_studio.home_of(var if name == "demo" else self.folder)
        self.say = say
        self.watch = Watch(self.folder / "processes.json", say)
        self.secrets = state.load(self.folder)
        self.addresses: Addresses | None = None

    def start(self) -> Addresses:
        """Start every part; what is there already from an earlier start is used."""
        stop_leftovers(self.watch.register, self.say)
        label_studio.ensure_installed(self.var, self.say)
        ports = self._ports()
        self.addresses = Addresses(
            # By its name: browsers keep passkeys for names only.
            web=f"http://localhost:{ports['web']}",
            sandbox=f"http://127.0.0.1:{ports['sandbox']}",
            label_studio=f"http://127.0.0.1:{ports['label-studio']}",
        )
        self.say("PostgreSQL: starting")
        database = embedded.start(self.folder / "postgres")
        self._start_sandbox(ports)
        self._start_label_studio(ports["label-studio"])
        environment = _plain_environment() | self._settings(database)
        # For `doyen` commands on the demo: `set -a; . var/demo/doyen.env`.
        lines = "".join(f"{name}={value}\n" for name, value in self._settings(database).items())
        state.write_private(self.folder / "doyen.env", lines)
        self.say("Database: bringing it up to date")
        self._doyen(environment, "migrate")
        self._start_ours(environment, ports["web"])
        return self.addresses

    def look(self) -> None:
        """Start again whatever has died."""
        try:
            if embedded.revive(self.folder / "postgres"):
                self.say("PostgreSQL had ended; it runs again")
        except subprocess.SubprocessError:
            self.say("PostgreSQL does not start yet; trying again")
        self.watch.look()

    def run(self, until: Callable[[], bool]) -> None:
        """Keep all alive until told to stop."""
        while not until():
            self.look()
            time.sleep(0.3)

    def stop(self) -> None:
        """Stop every part; the database stops with this process."""
        self.watch.stop()

    def _ports(self) -> dict[str, int]:
        ports = {}
        for name, wanted in self.wanted.items():
            ports[name] = free_port(wanted)
            if ports[name] != wanted:
                self.say(f"Port {wanted} is taken by another program; {name} uses {ports[name]}.")
        return ports

    def _start_sandbox(self, ports: dict[str, int]) -> None:
        self.say("Stripe sandbox: starting")
        hook = f"http://127.0.0.1:{ports['web']}/webhooks"
        command = [sys.executable, "-m", "payouts.sandbox", "--port", str(ports["sandbox"])]
        command += ["--data", str(self.folder / "sandbox"), "--instant-settlement"]
        command += ["--platform-webhook", f"{hook}/stripe={self.secrets.webhook_secret}"]
        command += [
            "--connect-webhook",
            f"{hook}/stripe-connect={self.secrets.connect_webhook_secret}",
        ]
        url = f"http://127.0.0.1:{ports['sandbox']}/_sandbox/health"
        self.watch.add(self._part("sandbox", command, _plain_environment(), url))

    def _start_label_studio(self, port: int) -> None:
        home = self.label_studio_home
        process = label_studio.start(self.var, port, home=home)
        label_studio.wait_ready(process, self.var, port, home=home, say=self.say)
        self.watch.parts.append(LabelStudio(self.var, port, process, home))
        self.watch.write_register()

    def _start_ours(self, environment: dict[str, str], port: int) -> None:
        self.say("Web server, worker and clock: starting")
        gunicorn = [sys.executable, "-m", "gunicorn", "app:serve()", "--bind", f"127.0.0.1:{port}"]
        gunicorn += [
            "--workers",
            "2",
            "--threads",
            "4",
            "--chdir",
            str(ROOT),
            "--no-control-socket",
        ]
        doyen = [sys.executable, str(ROOT / "app.py")]
        web = f"http://127.0.0.1:{port}/health"
        self.watch.add(self._part("web", gunicorn, environment, web))
        self.watch.add(self._part("worker", [*doyen, "worker"], environment))
        self.watch.add(self._part("clock", [*doyen, "clock"], environment))

    def _part(
        self, name: str, command: list[str], environment: dict[str, str], url: str | None = None
    ) -> Part:
        return Part(name, command, environment, self.folder / "log" / f"{name}.log", url)

    def _settings(self, database: str) -> dict[str, str]:
        kept, addresses = self.secrets, self.addresses
        assert addresses is not None
        return {
            "SECRET_KEY": kept.secret_key,
            "SECURITY_PASSWORD_SALT": kept.password_salt,
            "DATABASE_URL": database,
            "DATA_DIR": str(self.folder),
            "PUBLIC_URL": addresses.web,
            "MAIL_URL": "file:",
            "LETTERS_PAGE_OPEN": "true",
            "STRIPE_API_KEY": STRIPE_KEY,
            "STRIPE_API_BASE": addresses.sandbox,
            "STRIPE_WEBHOOK_SECRET": kept.webhook_secret,
            "STRIPE_CONNECT_WEBHOOK_SECRET": kept.connect_webhook_secret,
            "LABEL_STUDIO_URL": addresses.label_studio,
            "LABEL_STUDIO_TOKEN": label_studio.token(self.var, home=self.label_studio_home),
        }

    def _doyen(self, environment: dict[str, str], *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), *arguments],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DidNotStart(f"doyen {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


class LabelStudio(Part):
    """Label Studio among the watched parts; it has its own way to start."""

    def __init__(
        self, var: Path, port: int, process: "subprocess.Popen[bytes]", home: Path
    ) -> None:
        command = [str(label_studio.BOOT), str(home.resolve())]
        super().__init__("label-studio", command, {}, home / "label-studio.log")
        self.var = var
        self.port = port
        self.home = home
        self.process = process
        self.started_at = time.monotonic()

    def start(self) -> None:
        """Start the server again on its data."""
        self.process = label_studio.start(self.var, self.port, home=self.home)
        self.started_at = time.monotonic()


@contextmanager
def started(var: Path, tell: Say, name: str = "demo") -> Iterator[Stack]:
    """Start a stack, keep it alive beside the work, and stop it."""
    done = threading.Event()
    with only_one(var / name):
        stack = Stack(var, tell, name)
        try:
            note_addresses(stack.folder, stack.start())
            keeper = threading.Thread(target=stack.run, args=(done.is_set,), daemon=True)
            keeper.start()
            try:
                yield stack
            finally:
                done.set()
                keeper.join()
        finally:
            stack.stop()


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the data of a demo, or raise `AlreadyRunning`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "running.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning from None
        yield


def running_addresses(folder: Path) -> Addresses | None:
    """Return where a running demo answers, if one does."""
    file = folder / "addresses.txt"
    if not file.exists():
        return None
    addresses = Addresses(*file.read_text().split())
    return addresses if answers(f"{addresses.web}/health") else None


def note_addresses(folder: Path, addresses: Addresses) -> None:
    """Keep where the demo answers, for `make walk`."""
    words = f"{addresses.web}\n{addresses.sandbox}\n{addresses.label_studio}\n"
    (folder / "addresses.txt").write_text(words)


def _plain_environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "XDG_RUNTIME_DIR")
    plain = {name: os.environ[name] for name in kept if name in os.environ}
    return plain | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
