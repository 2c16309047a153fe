"""What a run of judges on the frozen set comes to: figures, and the fields whose gate they open.

Pure. Only answers that both judges read alike are measured, since only these count in interviews;
how many those are is shown beside. Each reading of a person is one pair.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from core.settings import Settings
from interviews import correlation, evidence, kappa, rubrics
from interviews.frozen import Frozen

Met = frozenset[str]


@dataclass(frozen=True)
class Bars:
    """What must hold before judges are used."""

    kappa: float
    bias: float
    answers: int
    answers_per_field: int


def bars(settings: Settings) -> Bars:
    """Return what the settings ask of judges."""
    return Bars(
        kappa=settings.judge_kappa,
        bias=settings.judge_bias,
        answers=settings.judge_answers,
        answers_per_field=settings.judge_answers_per_field,
    )


def results(
    answers: Sequence[Frozen], read: Mapping[int, Met | None], bars: Bars
) -> dict[str, Any]:
    """Return the results of a run; `read` has None where the judges did not agree."""
    whole = figures(answers, read)
    by_field: dict[str, list[Frozen]] = {}
    by_rubric: dict[str, list[Frozen]] = {}
    for one in answers:
        by_field.setdefault(str(one.field), []).append(one)
        by_rubric.setdefault(one.rubric, []).append(one)
    of_all = lacking(whole, bars, bars.answers)
    fields = {}
    for name, some in by_field.items():
        found = figures(some, read)
        missing = lacking(found, bars, bars.answers_per_field)
        fields[name] = found | {"lacks": missing, "opens": not missing and not of_all}
    return {
        "whole": whole | {"lacks": of_all},
        "fields": fields,
        "rubrics": {
            key: figures(some, read) | {"item": some[0].item.id, "field": str(some[0].field)}
            for key, some in by_rubric.items()
        },
        "bars": asdict(bars),
    }


def figures(answers: Sequence[Frozen], read: Mapping[int, Met | None]) -> dict[str, Any]:
    """Return the figures of some answers."""
    known = [(one, met) for one in answers if (met := read.get(one.id)) is not None]
    return {
        "answers": len(answers),
        "read": len(known),
        "judges": asdict(kappa.of(_pairs(known))),
        "forms": asdict(kappa.of(_pairs((one, by_forms(one)) for one in answers))),
        "people": asdict(kappa.among([one.points for one in answers])),
        "readings": _readings(answers),
        "length": _length(known),
        "checks": _checks(known),
    }


def lacking(found: Mapping[str, Any], bars: Bars, answers: int) -> list[str]:
    """Return which bars do not hold."""
    judges, missing = found["judges"], []
    if found["read"] < answers:
        missing.append("answers")
    if judges["kappa"] is None or judges["kappa"] < bars.kappa:
        missing.append("kappa")
    if judges["bias"] is None or abs(judges["bias"]) > bars.bias:
        missing.append("bias")
    return missing


def by_forms(one: Frozen) -> Met:
    """Return what the forms find in an answer."""
    readings = evidence.read(one.text, rubrics.short(one.item).checks)
    return frozenset(reading.check for reading in readings if reading.met)


def _pairs(known: Iterable[tuple[Frozen, Met]]) -> list[kappa.Pair]:
    return [
        (rubrics.points(one.item, len(met)), by_person)
        for one, met in known
        for by_person in one.points
    ]


def _readings(answers: Sequence[Frozen]) -> dict[str, int]:
    """Count how many people read each answer: few readers are a weak measure."""
    counts = [len(one.people) for one in answers]
    return {
        "least": min(counts, default=0),
        "most": max(counts, default=0),
        "by_one": sum(count == 1 for count in counts),
    }


def _length(known: Sequence[tuple[Frozen, Met]]) -> dict[str, Any]:
    """Return how points go with the length of answers, as the judges and as people give them."""
    return correlation.of_points(
        [
            (correlation.words(one.text), rubrics.points(one.item, len(met)), fmean(one.points))
            for one, met in known
        ]
    )


def _checks(known: Iterable[tuple[Frozen, Met]]) -> dict[str, int]:
    """Count checks by what judges and people say of them."""
    counts = {"both": 0, "judges_only": 0, "people_only": 0, "neither": 0}
    for one, met in known:
        for person in one.people:
            for key in rubrics.short(one.item).checks:
                names = {(True, True): "both", (True, False): "judges_only"}
                names |= {(False, True): "people_only", (False, False): "neither"}
                counts[names[key in met, key in person]] += 1
    return counts
