"""`python -m proofs NAME`: run a proof; without a name, all of them."""

import sys

from proofs import access, annotation, examples, interviews, payouts, releases, trust, walk

PROOFS = {
    "access": access.prove,
    "annotation": annotation.prove,
    "examples": examples.prove,
    "interviews": interviews.prove,
    "payouts": payouts.prove,
    "releases": releases.prove,
    "trust": trust.prove,
    "walk": walk.prove,
}


def main(names: list[str]) -> int:
    """Run proofs; 0 when every one has held."""
    unknown = [name for name in names if name not in PROOFS]
    if unknown:
        print(f"No proof called {unknown[0]}. There are: {', '.join(PROOFS)}")
        return 2
    held = [PROOFS[name]() for name in names or PROOFS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
