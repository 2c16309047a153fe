"""Processes that are watched: started in order, started again when they die, stopped together."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 10
PAUSES = (0.2, 1, 2, 5, 10, 20)  # seconds before a part that died is started again

Say = Callable[[str], None]


class DidNotStart(Exception):
    """A part of the demo did not come up; its log says why."""


@dataclass
class Part:
    """One process of the demo."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    ready_url: str | None = None
    process: "subprocess.Popen[bytes] | None" = None
    deaths: int = 0
    start_at: float = 0.0
    started_at: float = 0.0

    def start(self) -> None:
        """Start the process; what it says goes to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # What goes wrong may name people: the log is for who runs the demo.
        with os.fdopen(
            os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab"
        ) as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until the part answers at its address."""
        until = time.monotonic() + seconds
        while self.ready_url and not answers(self.ready_url):
            if not self.is_alive() or time.monotonic() > until:
                raise DidNotStart(
                    f"{self.name} did not start. The end of {self.log}:\n{self.tail()}"
                )
            time.sleep(0.1)

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """Stop the process and those that it started: gently, then not."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal_group(self.process.pid, number)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break
        signal_group(self.process.pid, signal.SIGKILL)


@dataclass
class Watch:
    """Keeps parts alive until told to stop."""

    register: Path
    say: Say
    parts: list[Part] = field(default_factory=list)
    pauses: Sequence[float] = PAUSES

    def add(self, part: Part) -> None:
        """Start a part, wait until it answers, and watch it from now on."""
        part.start()
        self.parts.append(part)
        self.write_register()
        part.wait_ready()

    def look(self) -> None:
        """Start again what has died, a little later each time that it dies soon."""
        for part in self.parts:
            if part.is_alive():
                continue
            if part.start_at == 0.0:
                self._plan(part)
            elif time.monotonic() >= part.start_at:
                part.start_at = 0.0
                part.start()
                self.write_register()

    def stop(self) -> None:
        """Stop every part, the last started first."""
        for part in reversed(self.parts):
            part.stop()
        self.register.unlink(missing_ok=True)

    def write_register(self) -> None:
        """Note which processes are ours, for a start after a crash of this one."""
        rows = {
            part.name: {"pid": part.process.pid, "command": part.command[:3]}
            for part in self.parts
            if part.process is not None
        }
        half = self.register.with_suffix(".half")
        half.write_text(json.dumps(rows))
        half.replace(self.register)

    def _plan(self, part: Part) -> None:
        lived = time.monotonic() - part.started_at
        part.deaths = part.deaths + 1 if lived < 60 else 0
        pause = self.pauses[min(part.deaths, len(self.pauses) - 1)]
        if part.process is not None:
            # Children of a killed parent would keep its port.
            signal_group(part.process.pid, signal.SIGKILL)
        code = part.process.returncode if part.process else None
        self.say(f"{part.name} ended (code {code}); starting it again. Its log: {part.log}")
        part.start_at = time.monotonic() + pause


def stop_leftovers(register: Path, say: Say) -> None:
    """Stop what an earlier demo left running when it was killed."""
    if not register.exists():
        return
    try:
        rows = json.loads(register.read_text())
    except ValueError:
        rows = {}
    for name, row in rows.items():
        if is_running(row["pid"], row["command"]):
            say(f"An earlier demo was killed and left {name} running; stopping it.")
            _stop_group(row["pid"], row["command"])
    register.unlink(missing_ok=True)


def is_running(pid: int, command: list[str]) -> bool:
    """Return whether a process of this id runs this command: ids are used again."""
    listing = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return bool(listing.strip()) and command[-1] in listing


def signal_group(pid: int, number: int) -> None:
    """Signal a process and those that it started."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def free_port(wanted: int) -> int:
    """Return a port that nobody listens at: the wanted one, or the next."""
    for port in range(wanted, wanted + 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise DidNotStart(f"No free port from {wanted} to {wanted + 199}.")


def answers(url: str) -> bool:
    """Return whether an address answers well."""
    try:
        with urllib.request.urlopen(url, timeout=3) as response:  # noqa: S310 - our own address
            return int(response.status) < 400
    except (OSError, urllib.error.URLError):
        return False


def _stop_group(pid: int, command: list[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        signal_group(pid, number)
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until:
            if not is_running(pid, command):
                return
            time.sleep(0.1)
