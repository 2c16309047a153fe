"""Finds a Chromium for the browser tests, or installs one: Debian's for root, else Playwright's."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the path of an installed Chromium."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Install a Chromium unless there is one."""
    if find() or _playwrights():
        return 0
    print("No Chromium here; installing one for the browser tests", flush=True)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], check=False, env=quiet)
        subprocess.run(
            [
                "apt-get",
                "install",
                "-q",
                "-y",
                "--no-install-recommends",
                "chromium",
                "fonts-noto-core",
            ],
            check=True,
            env=quiet,
        )
        return 0
    return subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], check=False
    ).returncode


def _playwrights() -> bool:
    asked = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "--list"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "chromium-" in asked.stdout


if __name__ == "__main__":
    sys.exit(main())
