"""Known answers: how well an annotation meets the gold of its task. Pure."""

from dataclasses import dataclass

from annotation import agreement
from annotation.agreement import Result


@dataclass(frozen=True)
class GoldScore:
    """One annotation against the known answer."""

    choices_right: int
    choices_known: int
    marks_f1: float | None

    @property
    def is_right(self) -> bool:
        """Whether every known choice was given; without choices, whether all marks are there."""
        if self.choices_known:
            return self.choices_right == self.choices_known
        return self.marks_f1 is None or self.marks_f1 == 1.0


def score(result: Result, gold: Result) -> GoldScore:
    """Score a result against gold; what the gold does not speak of does not count."""
    given, known = agreement.choices(result), agreement.choices(gold)
    right = sum(given.get(control) == wanted for control, wanted in known.items())
    marks = agreement.spans(gold)
    controls = {mark.control for mark in marks}
    found = frozenset(mark for mark in agreement.spans(result) if mark.control in controls)
    return GoldScore(
        choices_right=right,
        choices_known=len(known),
        marks_f1=agreement.span_f1(found, marks) if marks else None,
    )
