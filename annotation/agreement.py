"""How far answers agree: pure measures over results in Label Studio's format.

An answer is compared without its ids, order or who gave it, so that two experts who mean the
same are always the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from annotation import sameness

Result = Sequence[Mapping[str, Any]]
Answer = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, order=True)
class Span:
    """A marked part of a text, under one control."""

    control: str
    start: int
    end: int
    label: str


def choices(result: Result) -> dict[str, tuple[str, ...]]:
    """Return what was chosen for the whole task, by control."""
    chosen: dict[str, tuple[str, ...]] = {}
    for item in result:
        value = item.get("value") or {}
        if isinstance(value.get("choices"), list) and "start" not in value:
            chosen[str(item.get("from_name"))] = tuple(sorted(map(str, value["choices"])))
    return chosen


def spans(result: Result) -> frozenset[Span]:
    """Return the marks in a text."""
    found = set()
    for item in result:
        value = item.get("value") or {}
        labels = value.get(str(item.get("type")))
        if isinstance(labels, list) and isinstance(value.get("start"), int):
            found |= {
                Span(str(item.get("from_name")), value["start"], value["end"], str(label))
                for label in labels
            }
    return frozenset(found)


def answer(result: Result) -> Answer:
    """Return what counts as the answer: the choices, or the marks where nothing was chosen.

    Where there is neither, all that was said, exactly: two answers of boxes, numbers or words are
    the same only where they are, and never because nothing of them is seen.
    """
    chosen = choices(result)
    if chosen:
        return tuple(sorted(chosen.items()))
    marks = tuple(
        (span.control, (span.label, str(span.start), str(span.end)))
        for span in sorted(spans(result))
    )
    return marks or tuple(("", (part,)) for part in sameness.said(result))


def label(result: Result) -> str | None:
    """Return the choices in one line, for tables and releases; None when nothing was chosen."""
    chosen = choices(result)
    return ", ".join(one for _, some in sorted(chosen.items()) for one in some) or None


def majority_label(results: Sequence[Result]) -> str | None:
    """Return the choices that more than half made, in one line."""
    leading = consensus([tuple(sorted(choices(result).items())) for result in results])
    return ", ".join(one for _, some in leading for one in some) or None if leading else None


def majority_spans(results: Sequence[Result]) -> tuple[Span, ...]:
    """Return the marks that more than half set, exactly."""
    votes = Counter(span for result in results for span in spans(result))
    return tuple(sorted(span for span, count in votes.items() if 2 * count > len(results)))


def is_unanimous(answers: Sequence[Answer]) -> bool:
    """Say whether at least two answers were given and all are the same."""
    return len(answers) > 1 and len(set(answers)) == 1


def consensus(answers: Sequence[Answer]) -> Answer | None:
    """Return the answer that more than half gave; None when there is no such answer."""
    if not answers:
        return None
    leading, votes = Counter(answers).most_common(1)[0]
    return leading if 2 * votes > len(answers) else None


def pairwise(answers: Sequence[Answer]) -> float | None:
    """Return the share of pairs that agree; None for fewer than two answers."""
    pairs = list(combinations(answers, 2))
    return sum(one == other for one, other in pairs) / len(pairs) if pairs else None


def span_f1(found: frozenset[Span], wanted: frozenset[Span]) -> float:
    """Return the F1 of exact marks; 1.0 when neither side marked anything.

    F1 is symmetric, so it serves as agreement of two experts and as score against a known answer.
    """
    if not found and not wanted:
        return 1.0
    return 2 * len(found & wanted) / (len(found) + len(wanted))


def alpha(units: Iterable[Sequence[Answer]]) -> float | None:
    """Return Krippendorff's alpha for nominal data; None when it is not defined.

    Each unit holds the answers to one task; units with a single answer say nothing and are left
    out. Formula: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C:
    alpha = 1 - (n - 1) * (n - sum o_cc) / (n * n - sum n_c * n_c), where o_cc sums
    v * (v - 1) / (m - 1) over units with v votes for c among m.
    """
    totals: Counter[Answer] = Counter()
    agreeing = 0.0
    for unit in units:
        if len(unit) < 2:
            continue
        votes = Counter(unit)
        totals += votes
        agreeing += sum(count * (count - 1) for count in votes.values()) / (len(unit) - 1)
    n = totals.total()
    expected = n * n - sum(count * count for count in totals.values())
    if expected == 0:
        return None
    return 1 - (n - 1) * (n - agreeing) / expected
