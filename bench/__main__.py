"""`python -m bench NAME`: run a benchmark; without a name, all of them."""

import sys
from collections.abc import Callable

from bench import calibration, claim, interviews, ledger, release

BENCHES: dict[str, Callable[[], bool]] = {
    "calibration": calibration.run,
    "claim": claim.run,
    "interviews": interviews.run,
    "ledger": ledger.run,
    "release": release.run,
}


def main(names: list[str]) -> int:
    """Run benchmarks; 0 when every one has reached its bar."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"No benchmark called {unknown[0]}. There are: {', '.join(BENCHES)}")
        return 2
    reached = [BENCHES[name]() for name in names or BENCHES]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
