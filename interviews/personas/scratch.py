"""An instance for one command: a database and a folder of its own, both gone afterwards."""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from core import embedded


def run(
    program: Path, command: list[str], *, endpoint: str = "", model: str = "", key_env: str = ""
) -> int:
    """Run a command of this program on a scratch instance; return what it returned."""
    with tempfile.TemporaryDirectory(prefix="doyen-personas-") as folder:
        url = embedded.start(Path(folder) / "postgres")
        settings = os.environ | {
            "DATABASE_URL": url,
            "DATA_DIR": folder,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "SECURITY_PASSWORD_SALT": str(secrets.randbits(128)),
            "MAIL_URL": f"file:{folder}/letters",
            "PUBLIC_URL": "http://localhost",
            "LLM_BASE_URL": endpoint,
            "LLM_MODEL": model,
            "LLM_API_KEY": os.environ.get(key_env, "") if key_env else "",
            "LLM_SECOND_BASE_URL": "",
            "LLM_SECOND_MODEL": "",
            "LLM_TRANSCRIBE_MODEL": "",
        }
        start = [sys.executable, str(program)] if program.suffix == ".py" else [str(program)]
        for inner in (["migrate"], command):
            done = subprocess.run([*start, *inner], env=settings, check=False)  # noqa: S603
            if done.returncode:
                return done.returncode
        return 0
