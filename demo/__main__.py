"""`python -m demo up [PORT] | walk | screenshots`: what `make demo` and `make walk` run."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

from demo import label_studio, screenshots, seed, walk
from demo.processes import DidNotStart
from demo.stack import (
    PORTS,
    ROOT,
    Addresses,
    AlreadyRunning,
    Stack,
    note_addresses,
    only_one,
    running_addresses,
    started,
)

VAR = ROOT / "var"
DEMO = VAR / "demo"


def main(arguments: list[str]) -> int:
    """Run one of the commands; say in one line what went wrong."""
    command: Callable[[], int]
    commands: dict[str, Callable[[], int]] = {
        "up": up,
        "walk": lambda: with_stack(walk.run),
        "screenshots": lambda: with_stack(screenshots.run),
    }
    match arguments:
        case ["up", port] if port.isdecimal() and 0 < int(port) < 65536:
            command = partial(up, int(port))
        case [name] if name in commands:
            command = commands[name]
        case _:
            print(__doc__)
            return 2
    try:
        return command()
    except (DidNotStart, label_studio.LabelStudioStopped, label_studio.PortTaken) as trouble:
        print(f"\nThe demo did not start. {trouble}\nNothing is lost; start it again.")
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130


def up(web_port: int = PORTS["web"]) -> int:
    """Start everything, seed it, and stay until Ctrl-C."""
    stopped = threading.Event()
    _on_signals(stopped)
    try:
        with only_one(DEMO):
            return _stay(Stack(VAR, say, web_port=web_port), stopped)
    except AlreadyRunning:
        return _say_where()


def with_stack(work: Callable[[Addresses, Path], int]) -> int:
    """Do some work on the demo that runs, or on one started for it and stopped after."""
    running = running_addresses(DEMO)
    if running is not None:
        return work(running, DEMO)
    with started(VAR, say) as stack:
        assert stack.addresses is not None
        return work(stack.addresses, DEMO)


def say(words: str) -> None:
    """Tell the person at the terminal."""
    print(f"  {words}", flush=True)


def _stay(stack: Stack, stopped: threading.Event) -> int:
    print("Doyen's demo is starting. The first start installs Label Studio: about three minutes.")
    keeper = threading.Thread(target=stack.run, args=(stopped.is_set,), daemon=True)
    try:
        addresses = stack.start()
        note_addresses(DEMO, addresses)
        keeper.start()
        seed.run(addresses, DEMO, say)
        print(seed.sign_ins(addresses, DEMO), flush=True)
        while not stopped.is_set():
            time.sleep(0.2)
    finally:
        print("\nStopping.", flush=True)
        stopped.set()
        if keeper.is_alive():
            keeper.join()  # else it would start again what is being stopped
        stack.stop()
        (DEMO / "addresses.txt").unlink(missing_ok=True)
    print("Everything has stopped; `make demo` starts it again on the same data.")
    return 0


def _say_where() -> int:
    running = running_addresses(DEMO)
    where = f" at {running.web}" if running else "; it is still starting"
    print(f"The demo runs already{where}. Stop it with Ctrl-C where it was started.")
    return 1


def _on_signals(stopped: threading.Event) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
