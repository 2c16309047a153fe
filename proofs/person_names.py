"""`python -m proofs.person_names EN FR`: how many names pipelines of spaCy find in our sample.

Runs where spaCy and both pipelines are installed. A name counts as found where it is found whole.
"""

import re
import sys
import time
from pathlib import Path

from releases import person_names

SAMPLES = Path(__file__).parent / "names"
MARKED = re.compile(r"\[\[(.+?)\]\]")
TIMES = 100  # that it is read to take the time


def main(pipelines: list[str]) -> int:
    """Print how many names each pipeline finds, misses and invents, and how fast it reads."""
    for language, pipeline in zip(("en", "fr"), pipelines, strict=True):
        finder = person_names.finder({language: pipeline}, language)
        sample = [_read(line) for line in (SAMPLES / f"{language}.txt").read_text().splitlines()]
        texts = [text for text, _names in sample]
        names = whole = wrong = 0
        for (text, marked), found in zip(sample, finder.find(texts), strict=True):
            names += len(marked)
            for start, end in marked:
                if any(a <= start and end <= b for a, b in found):
                    whole += 1
                else:
                    print(f"  missed: {text[start:end]}")
            for start, end in found:
                if not any(start < b and a < end for a, b in marked):
                    wrong += 1
                    print(f"  wrong: {text[start:end]}")
        began = time.perf_counter()
        list(finder.find(texts * TIMES))
        speed = len(texts) * TIMES / (time.perf_counter() - began)
        print(f"{finder.name}: {whole} of {names} names whole, {wrong} wrong, {speed:.0f} texts/s")
    return 0


def _read(line: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a line without its brackets, and where the names in them stand."""
    text, names = "", list[tuple[int, int]]()
    for number, part in enumerate(MARKED.split(line)):
        if number % 2:
            names.append((len(text), len(text) + len(part)))
        text += part
    return text, names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
