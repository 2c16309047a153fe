"""What answers say, each read once for all that are written alike, and what several come to.

Ids, which differ each time, make no difference to what an answer says.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from annotation import agreement, overlap
from annotation.overlap import Kept, Region
from annotation.released import Ints, coded
from releases.recipe import Marks

_IDS = re.compile(r'("(?:id|to_id|from_id)": )"([^"\\]*)"')
_FIRST_ID, _FIRST = '[{"id": "', r'^\[\{"id": "[^"]*'
_START = re.compile(r'\[\{"id": "[!#-~]{1,64}(?=")')
_NEW = -1
# So many different answers are remembered; with more, what is remembered is forgotten at once.
MOST = 20_000


@dataclass(frozen=True, eq=False)
class Reading:
    """What an answer says, read once for all that are written alike."""

    label: str | None
    choices: tuple[Any, ...]
    spans: frozenset[agreement.Span]
    texts: Mapping[tuple[Any, Any], str]
    answer: agreement.Answer
    # The answer itself, with its ids numbered.
    text: str = "[]"

    @cached_property
    def regions(self) -> list[Region]:
        """The parts of the text or picture that are marked, for joining them by overlap."""
        return overlap.regions(json.loads(self.text))


@dataclass(frozen=True)
class Summary:
    """What some answers come to, with every answer counting the same."""

    label: str | None
    undecided: bool
    spans: tuple[dict[str, Any], ...]
    confidence: float
    agreement: float | None
    closest: int
    shares: tuple[dict[str, Any], ...]
    # Where marks are joined by their overlap: how sure each span is, the regions that more than
    # half have, and the answer that they make together with the rest of the closest one.
    span_confidence: tuple[float, ...] = ()
    kept: tuple[Kept, ...] = ()
    result: str | None = None


@dataclass
class Readings:
    """The different answers that were met, and what different sets of them come to, by number."""

    marks: Marks = Marks.EXACT
    all: list[Reading] = field(default_factory=list)
    summaries: list[Summary] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _sets: dict[tuple[int, ...], int] = field(default_factory=dict)

    def numbers(self, results: pa.Array) -> Ints:
        """Return the number of what each answer says; numbers hold until this is asked again."""
        if max(len(self.all), len(self.summaries)) > MOST:
            self.all, self._numbers = [], {}
            self.summaries, self._sets = [], {}
        different, which = coded(_rest(results))
        found = np.array([self._numbers.get(one, _NEW) for one in different], np.int64)[which]
        for at in np.flatnonzero(found == _NEW).tolist():
            rest = different[which[at]]
            number = self._numbers.get(rest)
            found[at] = self._new(results[at].as_py(), rest) if number is None else number
        return found

    def summed(self, numbers: Ints, ends: Ints) -> Ints:
        """Return the number of what each run of answers comes to; `ends` are those of the runs."""
        counts = np.diff(ends, prepend=0)
        found = np.zeros(len(ends), np.int64)
        for size in np.unique(counts).tolist():
            mine = np.flatnonzero(counts == size)
            runs = numbers[(ends[mine] - size)[:, None] + np.arange(size)]
            different, which = _different(runs)
            found[mine] = np.array([self._summed(tuple(one)) for one in different], np.int64)[which]
        return found

    def _summed(self, said: tuple[int, ...]) -> int:
        number = self._sets.get(said)
        if number is None:
            number = self._sets[said] = len(self.summaries)
            some = tuple(self.all[one] for one in said)
            self.summaries.append(summary(some) if self.marks is Marks.EXACT else by_overlap(some))
        return number

    def _new(self, result: str, rest: str) -> int:
        has_one_id = result.count('"id": "') == 1 and "_id" not in result and "\\" not in result
        is_first = has_one_id and rest != result
        key = rest if is_first else plain(result)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.all)
            self.all.append(read(_FIRST_ID + key if is_first else key))
        return number


def _rest(results: pa.Array) -> pa.Array:
    """Return answers without their first id: PostgreSQL writes short keys first, so it is there.

    Ids mostly have one length, so that all are cut away at the same place.
    """
    start = _START.match(results[0].as_py()) if len(results) else None
    if start is not None:
        alike = rf'^\[\{{"id": "[!#-~]{{{start.end() - len(_FIRST_ID)}}}"'
        if pc.all(pc.match_substring_regex(results, alike)).as_py():
            cut = pc.binary_replace_slice(results.view(pa.binary()), 0, start.end(), b"")
            return cut.view(pa.string())
    return pc.replace_substring_regex(results, _FIRST, "")


def _different(runs: Ints) -> tuple[list[list[int]], Ints]:
    """Return the different ones among runs of one length, and which each of them is."""
    which: Ints = np.zeros(len(runs), np.int64)
    for column in runs.T:
        numbers, own = coded(column)
        # Both are below the number of runs, so that no product is too large.
        which = coded(which * len(numbers) + own)[1]
    firsts = np.unique(which, return_index=True)[1]
    return runs[firsts].tolist(), which


def plain(result: str) -> str:
    """Return an answer with its ids numbered as they are met."""
    numbers: dict[str, str] = {}
    fresh = count()

    def numbered(match: re.Match[str]) -> str:
        return f'{match[1]}"{numbers.setdefault(match[2], str(next(fresh)))}"'

    return _IDS.sub(numbered, result)


def read(text: str) -> Reading:
    """Read an answer."""
    result = json.loads(text)
    texts = {
        (value.get("start"), value.get("end")): value["text"]
        for item in result
        if isinstance((value := item.get("value") or {}).get("text"), str)
    }
    return Reading(
        label=agreement.label(result),
        choices=tuple(sorted(agreement.choices(result).items())),
        spans=agreement.spans(result),
        texts=texts,
        answer=agreement.answer(result),
        text=text,
    )


def summary(readings: tuple[Reading, ...]) -> Summary:
    """Return what some answers come to by majority."""
    leading = agreement.consensus([one.choices for one in readings])
    label = ", ".join(one for _, some in leading for one in some) or None if leading else None
    votes = Counter(span for one in readings for span in one.spans)
    spans = frozenset(span for span, times in votes.items() if 2 * times > len(readings))
    texts = {place: words for one in readings for place, words in one.texts.items()}
    near = [agreement.span_f1(one.spans, spans) for one in readings]
    labels = Counter(one.label for one in readings if one.label is not None)
    return Summary(
        label=label,
        undecided=label is None and bool(labels),
        spans=tuple(
            {
                "start": one.start,
                "end": one.end,
                "label": one.label,
                "text": texts.get((one.start, one.end)),
            }
            for one in sorted(spans, key=lambda one: (one.start, one.end, one.label))
        ),
        confidence=round(
            sum(one.label == label for one in readings) / len(readings)
            if label is not None
            else sum(near) / len(near),
            6,
        ),
        agreement=agreement.pairwise([one.answer for one in readings]),
        closest=closest(label, readings, near),
        shares=tuple(
            {"label": name, "probability": round(times / labels.total(), 6)}
            for name, times in sorted(labels.items(), key=lambda item: (-item[1], item[0]))
        ),
    )


def by_overlap(readings: tuple[Reading, ...]) -> Summary:
    """Return what some answers come to, with marks and boxes joined by how far they overlap."""
    found = summary(readings)
    if not any(one.regions for one in readings):
        return found
    kept = tuple(overlap.merge([one.regions for one in readings]))
    near = [
        2 * sum(place in one.by for one in kept) / (len(reading.regions) + len(kept))
        if reading.regions or kept
        else 1.0
        for place, reading in enumerate(readings)
    ]
    best = closest(found.label, readings, near)
    spans = [(mark, one.confidence) for one in kept for mark in _spans(one)]
    return replace(
        found,
        spans=tuple(mark for mark, _ in spans),
        span_confidence=tuple(sure for _, sure in spans),
        confidence=found.confidence if found.label else round(sum(near) / len(near), 6),
        closest=best,
        kept=kept,
        result=joined(readings[best], kept),
    )


def joined(reading: Reading, kept: Sequence[Kept]) -> str:
    """Return an answer as JSON: of one what it says of the whole task, and the kept regions.

    Each region has its confidence as its score. Relations stay whose ends are both kept.
    """
    result = json.loads(reading.text)
    rest = [{**item, "id": f"t{at}"} for at, item in enumerate(overlap.without(result))]
    regions = [
        {**item, "id": f"m{at}", "score": one.confidence}
        for at, one in enumerate(kept)
        for item in one.region.items
    ]
    names = {
        region.items[0].get("id"): f"m{at}"
        for region in reading.regions
        if (at := overlap.same_as(region, kept)) is not None
    }
    ends = ("from_id", "to_id")
    relations = [
        {**item, **{end: names[item[end]] for end in ends}}
        for item in result
        if item.get("type") == "relation" and all(item.get(end) in names for end in ends)
    ]
    return json.dumps([*rest, *regions, *relations], ensure_ascii=False)


def _spans(one: Kept) -> list[dict[str, Any]]:
    words = next((w for i in one.region.items if (w := (i.get("value") or {}).get("text"))), None)
    return [
        {
            "start": mark.start,
            "end": mark.end,
            "label": mark.label,
            "text": words if isinstance(words, str) else None,
        }
        for mark in sorted(agreement.spans(one.region.items))
    ]


def closest(label: str | None, readings: Sequence[Reading], near: Sequence[float]) -> int:
    """Return the place of the answer that is closest to the final one, the first of equals."""
    return max(
        range(len(readings)),
        key=lambda place: (readings[place].label == label, near[place], -place),
    )
