"""The red team against a real small model: a named sample, bounded in time, counted as it goes.

The sample is the same each time: every kind of attack in both languages, every kind of look-alike
in one of them by turns. What was not asked within the time is said, never taken for held.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from interviews.evidence import Reading
from interviews.items import Item
from proofs.redteam import corpus
from proofs.redteam.corpus import Attack, Innocent
from proofs.redteam.judging import Judge

TELL_EVERY = 30  # seconds
Kind = TypeVar("Kind", Attack, Innocent)


def attacks() -> list[Attack]:
    """Return each kind of attack in both languages: first each once, by turns of the languages."""
    first: dict[tuple[str, str], Attack] = {}
    for one in corpus.attacks():
        first.setdefault((one.technique, one.language), one)
    kinds = list(dict.fromkeys(one.technique for one in corpus.attacks()))
    turn = _by_turns(kinds)
    once = [first[key] for key in turn if key in first]
    return once + [one for key, one in first.items() if key not in turn]


def innocents() -> list[Innocent]:
    """Return each kind of look-alike once, by turns of the languages."""
    first: dict[tuple[str, str], Innocent] = {}
    for one in corpus.innocents():
        first.setdefault((one.looks_like, one.language), one)
    kinds = list(dict.fromkeys(one.looks_like for one in corpus.innocents()))
    return [first[key] for key in _by_turns(kinds) if key in first]


def _by_turns(kinds: Sequence[str]) -> list[tuple[str, str]]:
    return [(kind, "en" if number % 2 == 0 else "fr") for number, kind in enumerate(kinds)]


@dataclass
class Watch:
    """Hands out entries until a time is over, and tells now and then how far it is."""

    asked: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    answered: int = 0  # by the model, in the form that was asked for

    def attacks(self, entries: Sequence[Attack], within: float | None) -> Iterator[Attack]:
        """Go through attacks; note which kinds were tried."""
        kinds = len({one.technique for one in entries})
        for one in self._bounded("attacks", entries, within, first=kinds):
            self.kinds.add(one.technique)
            yield one

    def innocents(self, entries: Sequence[Innocent], within: float | None) -> Iterator[Innocent]:
        """Go through look-alikes."""
        return self._bounded("look-alikes", entries, within, first=0)

    def counting(self, judge: Judge) -> Judge:
        """Return the judge, whose answers in the right form are counted."""

        def judge_counted(item: Item, text: str, language: str) -> tuple[Reading, ...] | None:
            found = judge(item, text, language)
            self.answered += found is not None
            return found

        return judge_counted

    def _bounded(
        self, what: str, entries: Sequence[Kind], within: float | None, *, first: int
    ) -> Iterator[Kind]:
        """Go through entries; the first, which are each kind once, have three times as long."""
        begun = told = time.monotonic()
        self.asked[what], self.left[what] = 0, len(entries)
        for one in entries:
            at = time.monotonic()
            longest = 3 if self.asked[what] < first else 1
            if within is not None and at - begun > within * longest:
                return
            if at - told > TELL_EVERY:
                told = at
                print(f"    {what}: {self.asked[what]} of {len(entries)} asked", flush=True)
            self.asked[what] += 1
            self.left[what] -= 1
            yield one

    def untried(self, entries: Iterable[Attack]) -> list[str]:
        """Return the kinds of attack that were not tried in any language."""
        return sorted({one.technique for one in entries} - self.kinds)

    @property
    def said(self) -> str:
        """How many were asked, of how many."""
        return ", ".join(
            f"{asked} of {asked + self.left[what]} {what}" for what, asked in self.asked.items()
        )
