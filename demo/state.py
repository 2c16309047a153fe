"""What the demo keeps between two starts: its secrets, readable by us alone, and its ports."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "juniper", "maple")


@dataclass(frozen=True)
class Secrets:
    """The secrets of one demo, made at its first start."""

    secret_key: str
    password_salt: str
    webhook_secret: str
    connect_webhook_secret: str
    password: str  # of every person that the demo seeds


def load(folder: Path) -> Secrets:
    """Return the demo's secrets, making them at the first start."""
    file = folder / "secrets.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_private(file, json.dumps(asdict(_new()), indent=1))
    return Secrets(**json.loads(file.read_text()))


def settings(folder: Path) -> dict[str, str]:
    """Return the settings that the demo's instance runs with."""
    lines = (folder / "doyen.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def write_private(file: Path, words: str) -> None:
    """Write a file that others cannot read, whole or not at all."""
    half = file.with_suffix(".half")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(words)
    half.replace(file)


def _new() -> Secrets:
    return Secrets(
        secret_key=secrets.token_urlsafe(48),
        password_salt=str(secrets.randbits(128)),
        webhook_secret=f"whsec_{secrets.token_hex(16)}",
        connect_webhook_secret=f"whsec_{secrets.token_hex(16)}",
        password="-".join(secrets.choice(WORDS) for _ in range(3))
        + f"-{secrets.randbelow(90) + 10}",
    )
