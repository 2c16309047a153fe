"""Words of people on their way to a language model: cleaned, and fenced off as words."""

import re
import unicodedata

KEPT = "\n\t"
# What chat formats use to tell who speaks.
MARKERS = re.compile(r"<\|[^|>]{0,40}\|>|\[/?INST\]|<</?SYS>>|</?s>", re.IGNORECASE)
SPEAKS = re.compile(r"^\s*(system|assistant|user|developer|tool)\s*:", re.IGNORECASE | re.MULTILINE)


def fenced(text: str, nonce: str) -> str:
    """Return cleaned words between marks that nobody who wrote them can know."""
    return f"<<{nonce}\n{cleaned(text)}\n{nonce}>>"


def cleaned(text: str) -> str:
    """Return words without role markers, zero-width signs and other letters that nobody sees."""
    seen = "".join(
        letter for letter in text if letter in KEPT or unicodedata.category(letter)[0] != "C"
    )
    return SPEAKS.sub(" ", MARKERS.sub(" ", seen)).strip()
