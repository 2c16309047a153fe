"""Looks for names of persons in the words of tasks, where the operator has installed what can.

A name has no form that could be checked: a pipeline of spaCy guesses it from the words around. It
misses some and takes other words for names, so nothing is called free of names because of it. What
looked is kept with the release; without it nothing is built as if it had.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from releases import personal_scan
from releases.personal_scan import Found, Look

NAME = "name"
PERSON = ("PER", "PERSON")  # as French and English pipelines call it
# Parts of a pipeline that names need nothing of.
UNUSED = ("tagger", "morphologizer", "parser", "senter", "attribute_ruler", "lemmatizer")
# The memory of a pipeline grows with its text; it reads no longer one than a million signs.
PIECE = 20_000
AT_ONCE = 64
Places = list[tuple[int, int]]


class NotInstalled(Exception):
    """What should look for names is not installed where the release is built."""


class Finder(NamedTuple):
    """What looks for names: its name with its version, and how."""

    name: str
    find: Callable[[Sequence[str]], Iterator[Places]]

    @property
    def look(self) -> Look:
        """Look in a text for what has a form, and for names."""
        return lambda text: next(self.look_in([text]))

    def look_in(self, texts: Sequence[str]) -> Iterator[list[Found]]:
        """Look in many texts, which is faster; what has a form is not taken for a name."""
        for text, places in zip(texts, self.find(texts), strict=True):
            found = personal_scan.scan(text)
            names = (Found(start, end, NAME) for start, end in places)
            yield sorted([*found, *(one for one in names if not personal_scan.meets(one, found))])


def pipeline_for(pipelines: Mapping[str, str], language: str) -> str | None:
    """Return the pipeline for a language, as the settings say, or None."""
    return pipelines.get(language.split("-")[0].lower())


def finder(pipelines: Mapping[str, str], language: str) -> Finder:
    """Return what looks for names in a language; the first time, load it."""
    wanted = pipeline_for(pipelines, language)
    if wanted is None:
        raise NotInstalled
    return _loaded(wanted)


def count_each(finder: Finder, data: Sequence[Any]) -> list[int]:
    """Return how many names stand in each of many values of JSON."""
    texts = [(at, text) for at, value in enumerate(data) for text in personal_scan.texts(value)]
    counts = [0] * len(data)
    for (at, _text), found in zip(
        texts, finder.look_in([text for _at, text in texts]), strict=True
    ):
        counts[at] += sum(one.kind == NAME for one in found)
    return counts


@lru_cache(maxsize=4)
def _loaded(name: str) -> Finder:
    try:
        spacy = importlib.import_module("spacy")
        pipeline = spacy.load(name, exclude=UNUSED)
    except (ImportError, OSError) as trouble:
        raise NotInstalled from trouble
    version = f"{name} {pipeline.meta['version']}, spaCy {spacy.__version__}"

    def find(texts: Sequence[str]) -> Iterator[Places]:
        cut = [(number, *piece) for number, text in enumerate(texts) for piece in _pieces(text)]
        found: list[Places] = [[] for _text in texts]
        read = pipeline.pipe((piece for _number, _start, piece in cut), batch_size=AT_ONCE)
        for (number, start, _piece), document in zip(cut, read, strict=True):
            found[number] += [
                (start + one.start_char, start + one.end_char)
                for one in document.ents
                if one.label_ in PERSON
            ]
        yield from found

    return Finder(version, find)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield a text in pieces, cut between words where there is a space."""
    start = 0
    while len(text) - start > PIECE:
        end = text.rfind(" ", start + 1, start + PIECE)
        end = end if end != -1 else start + PIECE
        yield start, text[start:end]
        start = end
    yield start, text[start:]
