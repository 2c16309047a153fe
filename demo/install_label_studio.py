"""Installing Label Studio from its hashed lock, with progress: 160 packages, about 900 MB."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Say = Callable[[str], None]


class InstallationFailed(Exception):
    """Neither uv nor pip could install Label Studio."""


def install(venv: Path, lock: Path, version: str, say: Say) -> None:
    """Make an environment and install the lock into it: by uv, or by pip where uv cannot."""
    python = venv / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "--system-certs"]
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    needs = ["install", "--require-hashes", "-r", str(lock)]
    say(f"Label Studio {version}: installing (about 900 MB, once; two or three minutes)")
    ways = [
        (
            "uv",
            [*uv, "venv", "-q", "--python", sys.executable, str(venv)],
            [*uv, "pip", needs[0], "--python", str(python), *needs[1:]],
        ),
        ("pip", [sys.executable, "-m", "venv", str(venv)], [*pip, *needs, "--no-input"]),
    ]
    for name, make, fill in ways:
        shutil.rmtree(venv, ignore_errors=True)
        if _run(make, venv, lock, say) and _run(fill, venv, lock, say):
            _prove(python, version)
            return
        say(f"Label Studio: {name} could not install it (see {_log_of(venv)})")
    raise InstallationFailed(_log_of(venv).read_text(errors="replace")[-2000:])


def _run(command: list[str], venv: Path, lock: Path, say: Say) -> bool:
    """Run a step of the installation; say every few seconds how far it is."""
    total = lock.read_text().count("==")
    with _log_of(venv).open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        started = said = time.monotonic()
        while process.poll() is None:
            time.sleep(0.2)
            if time.monotonic() - said >= 5:
                said = time.monotonic()
                say(f"Label Studio: {_progress(venv, total)} ({said - started:.0f} s)")
    return process.returncode == 0


def _progress(venv: Path, total: int) -> str:
    installed = len(list(venv.glob("lib/python*/site-packages/*.dist-info")))
    if installed:
        return f"{installed} of {total} packages installed"
    lines = _log_of(venv).read_text(errors="replace").splitlines()
    return f"fetching packages, last: {lines[-1].strip()[:60]}" if lines else "fetching packages"


def _prove(python: Path, version: str) -> None:
    """Make sure that what was installed is what was asked for, and that it runs."""
    ask = "import importlib.metadata as m; print(m.version('label-studio'))"
    answer = subprocess.run(
        [str(python), "-I", "-c", ask], capture_output=True, text=True, check=False
    )
    if answer.stdout.strip() != version:
        raise InstallationFailed(answer.stdout + answer.stderr)


def _log_of(venv: Path) -> Path:
    return venv.with_name("install.log")
