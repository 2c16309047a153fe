"""What is wrong with a config or an answer, in words that a person can act on."""

from dataclasses import dataclass

from flask_babel import LazyString


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: a code that never changes, and words in the reader's language."""

    code: str
    words: LazyString | str

    def __str__(self) -> str:
        """Return the words, translated now."""
        return str(self.words)
