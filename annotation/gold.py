"""Known answers: whether an annotation meets the gold of its task. Pure.

How far it does is measured in `annotation.measures` alone; here is only what makes it right.
"""

from dataclasses import dataclass

from annotation import measures
from annotation.agreement import Result
from annotation.label_config import LabelConfig
from annotation.label_tags import CLASSIFYING_KINDS
from annotation.measures import Part


@dataclass(frozen=True)
class GoldScore:
    """One annotation against the known answer: the questions about the task, and the marks."""

    questions: tuple[Part, ...]
    marks: tuple[Part, ...]

    @property
    def is_comparable(self) -> bool:
        """Whether the known answer holds anything that can be compared."""
        return bool(self.questions or self.marks)

    @property
    def is_right(self) -> bool:
        """Whether every known question was answered; without one, whether all marks are there."""
        counting = self.questions or self.marks
        return bool(counting) and all(part.score == 1 for part in counting)

    @property
    def is_missed(self) -> bool:
        """Whether it can be compared and is not right."""
        return self.is_comparable and not self.is_right


def score(config: LabelConfig, result: Result, gold: Result) -> GoldScore:
    """Score a result against gold; what the gold does not speak of does not count."""
    parts = measures.compare(config, result, gold)
    return GoldScore(
        questions=tuple(part for part in parts if _is_of_task(config, part)),
        marks=tuple(part for part in parts if not _is_of_task(config, part)),
    )


def _is_of_task(config: LabelConfig, part: Part) -> bool:
    """Say whether a part is a question about the whole task, not about one of its marks."""
    control = config.controls.get(part.control)
    if control is None:
        return False
    return control.kind in CLASSIFYING_KINDS and not control.is_on("perregion")
