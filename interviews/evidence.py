"""Yes-or-no checks on an answer in words, each met by a quote from that answer or not at all.

Pure, and no language model: a form of a check is a few words that must stand in one sentence.
`licen* + written` asks for both, in any order; a star ends a stem; `!not` must not be there.
Case, accents and punctuation do not count. What is not found is "not found", never "wrong":
a person reads the answer wherever it could change the outcome. A sentence that tells its reader how
to score is no evidence, whatever words stand in it, nor is a list of key words (`key_words`).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from interviews import key_words
from interviews.items import Check
from interviews.untrusted import is_order

SENTENCE = re.compile(r"[^.;!?\n]+(?:[.;!?]+|\n|$)")
LETTERS = re.compile(r"[^a-z0-9]+")
QUOTE_AT_MOST = 400


@dataclass(frozen=True)
class Reading:
    """Whether a check is met, and by which words of the person."""

    check: str
    met: bool
    quote: str | None = None


def read(text: str, checks: dict[str, Check]) -> tuple[Reading, ...]:
    """Read an answer: for each check the first sentence that meets it, verbatim."""
    said = _said(text)
    lists = _lists(said, checks)
    told = [one for place, one in enumerate(said) if place not in lists]
    return tuple(_reading(key, check, told) for key, check in checks.items())


def is_key_words(text: str, checks: dict[str, Check]) -> bool:
    """Return whether an answer, or a part of it, lists what is looked for without a sentence."""
    said = _said(text)
    lists = _lists(said, checks)
    listed = [one for place, one in enumerate(said) if place in lists]
    return any(_reading(key, check, listed).met for key, check in checks.items())


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, as they stand in it."""
    return [found.group().strip() for found in SENTENCE.finditer(text) if found.group().strip()]


def plain(text: str) -> str:
    """Return a text in small letters without accents and signs, one space between words."""
    bare = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return f" {LETTERS.sub(' ', kept).strip()} "


def holds(sentence: str, form: str) -> bool:
    """Return whether a sentence has what a form asks for."""
    return _holds(plain(sentence), form)


def _said(text: str) -> list[tuple[str, str]]:
    return [(one, plain(one)) for one in sentences(text) if not is_order(one)]


def _lists(said: list[tuple[str, str]], checks: dict[str, Check]) -> frozenset[int]:
    forms = tuple(form for check in checks.values() for form in check.forms)
    return key_words.of([words for _one, words in said], _sought(forms))


@lru_cache(maxsize=512)  # questions, each with its forms
def _sought(forms: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Return what finds the words that forms ask for."""
    terms = {term.strip() for form in forms for term in form.split("!")[0].split("+")}
    return tuple(_compiled(term) for term in sorted(terms))


def _holds(words: str, form: str) -> bool:
    wanted, *forbidden = (part.strip() for part in form.split("!"))
    return all(_has(words, term) for term in wanted.split("+")) and not any(
        _has(words, term) for term in forbidden
    )


def _reading(key: str, check: Check, said: list[tuple[str, str]]) -> Reading:
    for sentence, words in said:
        if any(_holds(words, form) for form in check.forms):
            return Reading(key, met=True, quote=_quote(sentence))
    return Reading(key, met=False)


def _has(words: str, term: str) -> bool:
    return _compiled(term.strip()).search(words) is not None


@lru_cache(
    maxsize=16384
)  # all terms of some hundred questions: to compile costs more than to search
def _compiled(term: str) -> re.Pattern[str]:
    stems = " ".join(
        re.escape(stem.removesuffix("*")) + ("[a-z0-9]*" if stem.endswith("*") else "")
        for stem in term.split()
    )
    return re.compile(f"(?<= ){stems}(?= )")


def _quote(sentence: str) -> str:
    if len(sentence) <= QUOTE_AT_MOST:
        return sentence
    return sentence[:QUOTE_AT_MOST].rsplit(" ", 1)[0] + "…"
