"""The app's own worker, with a fuse: `python proofs/fused_worker.py FILE PHASE NUMBER SIGNAL`.

It is `app.py worker --once`, unchanged. Beside it every call out of our code is counted within the
phase of a build that it falls into; at the call of that number in that phase the process sends
itself the signal; a phase that is not there never burns. What it counted, and where it ended,
stands in FILE. With `PROOF_DAYS` its clock runs that many days ahead.
"""

import json
import os
import runpy
import signal
import sys
import threading
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS = (f"{ROOT}/releases/", f"{ROOT}/annotation/", f"{ROOT}/core/")
# The function with which each phase begins.
BEGINS = {
    ("builds", "take"): "taking",
    ("jobs", "_built"): "snapshot",
    ("assembly", "set_down"): "gathering",
    ("assembly", "assemble"): "writing",
    ("storage", "finish"): "uploading",
    ("builds", "finish"): "finishing",
    ("jobs", "sign_waiting"): "signing",
    ("jobs", "make_formats"): "formats",
}
PHASES = [*BEGINS.values()]


class Fuse:
    """Counts calls in phases; a thread's profiler calls it at each of them."""

    def __init__(self, told: Path, phase: str, number: int, way: int) -> None:
        self.told, self.at, self.way = told, (phase, number), way
        self.phase, self.calls = "", 0
        self.counts: dict[str, int] = {}
        self.begins: dict[Any, str | None] = {}

    def __call__(self, frame: FrameType, event: str, _given: Any) -> None:
        """Count a call that our code makes or answers, and burn down at the one that is named."""
        if event not in ("call", "c_call"):
            return
        code = frame.f_code
        if code not in self.begins:
            self.begins[code] = self._begins(code.co_filename, code.co_name)
        begins = self.begins[code]
        if begins is None:
            return
        if begins and event == "call" and begins != self.phase:
            self._keep()
            self.phase, self.calls = begins, 0
            self._tell("")
        if self.phase:
            self.calls += 1
            if (self.phase, self.calls) == self.at:
                self._tell(f"{Path(code.co_filename).stem}.{code.co_name}:{frame.f_lineno}")
                os.kill(os.getpid(), self.way)

    def end(self) -> None:
        """Say what was counted by a worker that came to its end."""
        self._keep()
        self._tell("the end")

    def _keep(self) -> None:
        """Keep the fewest calls of a phase in any build: at each of those a fuse burns."""
        if self.phase:
            self.counts[self.phase] = min(self.counts.get(self.phase, self.calls), self.calls)

    def _begins(self, file: str, name: str) -> str | None:
        if not file.startswith(OURS):
            return None
        own = file.startswith(OURS[0])
        return BEGINS.get((Path(file).stem, name), "") if own else ""

    def _tell(self, where: str) -> None:
        said = {"phase": self.phase, "where": where, "counts": self.counts}
        beside = self.told.with_suffix(".new")
        beside.write_text(json.dumps(said))
        beside.replace(self.told)


def main() -> None:
    """Run the worker until no job waits, or the fuse burns down."""
    told, phase, number, way = sys.argv[1:5]
    fuse = Fuse(Path(told), phase, int(number), signal.Signals[f"SIG{way}"])
    _other_day(int(os.environ.get("PROOF_DAYS", "0")))
    sys.argv = [str(ROOT / "app.py"), "worker", "--once", "--concurrency", "1"]
    sys.path.insert(0, str(ROOT))
    threading.setprofile(fuse)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        fuse.end()


def _other_day(days: int) -> None:
    sys.path.insert(0, str(ROOT))
    from core import clock

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return super().now(tz) + timedelta(days=days)

    if days:
        clock.datetime = Later  # type: ignore[misc]


if __name__ == "__main__":
    main()
