"""Lists of key words without a sentence: the words may all be there, and nothing is said with them.

Pure. Sentences are held together by small words (the, of, is, not; le, de, est, ne). An answer with
next to none of them, or next to nothing but words that are looked for, is a list: the forms of the
checks find nothing in it, and a person reads it. It is never wrong by itself: short answers of
people in a hurry look much the same.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SMALL_WORDS = """
    a about after against all although an any are as at be because been before being between but
    by can cannot could did do does during each every for from had has have he her here his how
    i if in into is it its may me might more most must my no nor not of on only our over shall
    she should since so some such than that the their them then there these they this those
    through to under unless until was we were what when where which while who whom whose will
    with without would you your afin ai apres au aucun aucune aux avait avant avec avoir c car
    ce ces cet cette chaque comme d dans de des devra doit doivent donc dont du elle elles en
    entre est etaient etait ete etre fait faut il ils j je l la le les leur leurs lui mais meme
    n ne non nous ont par parce pas peut peuvent plus pour pourra puis qu quand que quel quelle
    quelles quels qui s sa sans se ses si son sont sous sur tous tout toute toutes un une vers
    vous y
"""
SMALL = frozenset(SMALL_WORDS.split())
# They stand in lists as well, between the words or before them.
BETWEEN = frozenset({"and", "or", "et", "ou", "key", "word", "words", "keywords", "mots", "cles"})
FEW = 0.12  # a stretch with a smaller share of small words is no sentence
MOST = 0.75  # an answer with a larger share of words that are looked for says nothing with them
INSIDE, LEAST = 0.9, 4  # the same of a list, and its words, in an answer that has sentences as well


def of(stretches: Sequence[str], sought: Sequence[re.Pattern[str]]) -> frozenset[int]:
    """Return which stretches of an answer are lists of key words, by their places.

    Each is in small letters without accents and signs (`evidence.plain`); `sought` finds what is
    looked for. Short stretches count as a list where several follow on each other, or where
    the whole answer has no sentence.
    """
    counts = [_count(one, sought) for one in stretches]
    if _sum(counts).is_list:
        return frozenset(range(len(stretches)))
    found: set[int] = set()
    # Sentences that hold nothing of what is looked for do not make one of the list beside them.
    hits = [place for place, count in enumerate(counts) if count.sought]
    if _sum(counts[place] for place in hits).is_list:
        found.update(hits)
    run: list[int] = []
    for place, count in enumerate([*counts, Count(1, 1, 0)]):
        if count.is_inside:
            run.append(place)
            continue
        if sum(counts[one].words for one in run) >= LEAST:
            found.update(run)
        run = []
    return frozenset(found)


@dataclass(frozen=True)
class Count:
    """Of so many words, how many are small, and how many are looked for."""

    words: int
    small: int
    sought: int

    @property
    def is_list(self) -> bool:
        """Whether next to nothing holds the words of an answer together."""
        return self.small < FEW * self.words or self.sought > MOST * self.words

    @property
    def is_inside(self) -> bool:
        """Whether it is a part of a list beside sentences."""
        return self.sought >= INSIDE * self.words and self.small < FEW * self.words


def _count(stretch: str, sought: Sequence[re.Pattern[str]]) -> Count:
    places = [found.span() for pattern in sought for found in pattern.finditer(stretch)]
    words = [one for one in re.finditer(r"\S+", stretch) if _counts(one.group())]
    hit = [any(a <= one.start() and one.end() <= b for a, b in places) for one in words]
    small = [one.group() in SMALL for one in words]
    return Count(len(words), sum(small), sum(hit))


def _counts(word: str) -> bool:
    return not word.isdigit() and word not in BETWEEN


def _sum(counts: Iterable[Count]) -> Count:
    every = list(counts)
    return Count(
        sum(one.words for one in every),
        sum(one.small for one in every),
        sum(one.sought for one in every),
    )
