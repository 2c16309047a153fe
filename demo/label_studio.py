"""The demo's Label Studio: installed, started and watched in an environment of its own.

Its server owns top-level names such as `core` and `projects`, so it never shares ours. Everything
of it lies in `var/label-studio/`: `venv/` with the pinned version, `data/`, and the secrets, each
readable by us alone. Whatever was left half-done by a crash is found and put right here.
"""

import fcntl
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from demo.install_label_studio import install

VERSION = "1.23.2"
LOCK = Path(__file__).resolve().parent.parent / "requirements-label-studio.lock"
BOOT = Path(__file__).resolve().with_name("label_studio_boot.py")
SERVICE_USER = "doyen@service.invalid"

Say = Callable[[str], None]


class LabelStudioStopped(Exception):
    """Label Studio ended while we waited for it."""


class PortTaken(Exception):
    """Another program listens where Label Studio should."""


def ensure_installed(var: Path, say: Say = print) -> Path:
    """Install Label Studio unless it is whole already; return its Python."""
    venv = home_of(var) / "venv"
    marker = venv / "doyen-installed"
    wanted = f"{sha256(LOCK.read_bytes()).hexdigest()} {sys.version_info[:2]}"
    venv.parent.mkdir(parents=True, exist_ok=True)
    with _alone(venv.parent / "install.lock"):
        if not marker.exists() or marker.read_text() != wanted:
            if venv.exists():
                say("Label Studio: an earlier installation was not finished; starting it anew")
                shutil.rmtree(venv)
            install(venv, LOCK, VERSION, say)
            # Written last: without it the next start knows that this one did not finish.
            marker.write_text(wanted)
    return python_of(venv)


def start(
    var: Path,
    port: int,
    *,
    home: Path | None = None,
    owner: int | None = None,
    more: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start the server on 127.0.0.1, on new or earlier data; it goes when its owner goes.

    `more` are settings of it beside those of `environment`.
    """
    home = home or home_of(var)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _stop_leftover(home)
    if is_listening(port):
        raise PortTaken(f"Port {port} is taken by another program; Label Studio needs it.")
    (home / "data").mkdir(exist_ok=True)
    command = [str(python_of(home_of(var).absolute() / "venv")), "-I", str(BOOT)]
    with (home / "label-studio.log").open("ab") as log:
        log.write(b"\ndoyen: starting\n")
        process = subprocess.Popen(
            [*command, str(home.resolve()), str(port), str(owner or os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment(home) | dict(more or {}),
            cwd=home,
            start_new_session=True,
        )
    (home / "process.json").write_text(json.dumps({"pid": process.pid, "port": port}))
    return process


def wait_ready(
    process: subprocess.Popen[bytes],
    var: Path,
    port: int,
    *,
    home: Path | None = None,
    say: Say = print,
    seconds: float = 300,
) -> None:
    """Wait until the server answers and lets our token in; say how far it is."""
    home = home or home_of(var)
    started, said = time.monotonic(), ""
    while not (_answers(port) and _lets_in(port, home)):
        if process.poll() is not None:
            raise LabelStudioStopped(f"Label Studio stopped:\n{_tail(home)}")
        waited = time.monotonic() - started
        if waited > seconds:
            raise TimeoutError(f"Label Studio is not ready after {seconds:.0f} s:\n{_tail(home)}")
        if (progress := _progress(home)) != said:
            say(f"Label Studio: {progress} ({waited:.0f} s)")
            said = progress
        time.sleep(0.5)
    say(f"Label Studio {VERSION} is ready ({time.monotonic() - started:.0f} s)")


def stop(process: subprocess.Popen[bytes], seconds: float = 15) -> None:
    """Stop the server, gently first."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def token(var: Path, *, home: Path | None = None) -> str:
    """Return the service user's token, which exists once the server is ready."""
    return ((home or home_of(var)) / "token").read_text().strip()


def sign_in(var: Path, *, home: Path | None = None) -> tuple[str, str]:
    """Return the address and password with which an operator may look into Label Studio."""
    return SERVICE_USER, ((home or home_of(var)) / "password").read_text().strip()


def home_of(var: Path) -> Path:
    """Return where Label Studio lives under `var`."""
    return var / "label-studio"


def python_of(venv: Path) -> Path:
    """Return an environment's Python."""
    return venv / "bin" / "python"


def is_listening(port: int) -> bool:
    """Return whether something accepts connections on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock among processes: two installations at once would spoil each other."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def environment(home: Path) -> dict[str, str]:
    """Return the server's environment: closed to strangers, silent to the outside.

    It starts from nothing, so that no secret of ours reaches it.
    """
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }
    return kept | {
        "LABEL_STUDIO_BASE_DATA_DIR": str((home / "data").resolve()),
        "SECRET_KEY": _secret_key(home),
        "DJANGO_DB": "sqlite",
        "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "true",
        "ENABLE_LOCAL_FILES_STORAGE": "false",
        "CORS_ALLOW_ALL_ORIGINS": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "LOG_LEVEL": "WARNING",
        # It asks git for its version, and must not find the repository around us.
        "GIT_CEILING_DIRECTORIES": str(home.resolve().parent),
        "PYTHONUNBUFFERED": "1",
    }


def _secret_key(home: Path) -> str:
    path = home / "secret_key"
    if not path.exists() or not path.read_text():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()


def _stop_leftover(home: Path) -> None:
    """Stop a server that an earlier, killed start left behind on the same data."""
    try:
        pid = int(json.loads((home / "process.json").read_text())["pid"])
    except (FileNotFoundError, ValueError, KeyError):
        return
    for signal in (15, 15, 9):
        if not _is_ours(pid, home):
            return
        os.kill(pid, signal)
        time.sleep(2)


def _is_ours(pid: int, home: Path) -> bool:
    """Return whether a process is a server of ours: ids are used again by the system."""
    listing = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        command = listing.read_bytes().decode(errors="replace") if listing.exists() else ""
    else:
        command = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
    return BOOT.name in command and str(home.resolve()) in command


def _answers(port: int) -> bool:
    return _get(f"http://127.0.0.1:{port}/health") == 200


def _lets_in(port: int, home: Path) -> bool:
    """Return whether the server takes the kept token: the answer of another server would not."""
    if not (home / "token").exists():
        return False
    body = json.dumps({"refresh": token(home, home=home)}).encode()
    return _get(f"http://127.0.0.1:{port}/api/token/refresh/", body) == 200


def _get(url: str, body: bytes | None = None) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own loopback address
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return 0


def _progress(home: Path) -> str:
    """Say in words how far the start is, as the log tells."""
    log = (home / "label-studio.log").read_text(errors="replace")
    _, _, log = log.rpartition("doyen: starting")
    if "doyen: serving" in log:
        return "starting to serve"
    if "doyen: 0 migrations" in log:
        return "its database is up to date"
    if "doyen: " in log:
        total = log.split("doyen: ")[1].split()[0]
        done = log.count(" OK\n") // 50 * 50
        return f"preparing its database, {done} of {total} steps"
    return "loading"


def _tail(home: Path) -> str:
    lines = (home / "label-studio.log").read_text(errors="replace").splitlines()
    return "\n".join(lines[-15:])
