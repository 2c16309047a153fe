"""A model endpoint that fails at random while personas take interviews: cut, slow, down, nonsense.

The endpoint is real HTTP and scripted; how each call goes is drawn with a seed. Whatever happens to
it, every interview has to come to its end with every answer kept once.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from proofs.scripted_model import Asked, Fault

FOLLOW_UPS = {
    "en": "What makes you say so?",
    "fr": "Qu’est-ce qui vous le fait dire ?",
}
SILENCE = 3.0  # seconds; longer than the settings of the proof wait


@dataclass
class Weather:
    """A script for an endpoint whose calls go wrong at random."""

    seed: int
    trouble: float  # the share of calls that go wrong
    language: str = "en"
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Seed the chance."""
        self.random = Random(self.seed)  # noqa: S311 - it guards nothing

    def __call__(self, asked: Asked) -> str | Fault:
        """Answer, or fail in one of the ways in which endpoints fail."""
        said = FOLLOW_UPS[self.language]
        if self.random.random() >= self.trouble:
            self.counts["answered"] += 1
            return said
        way = self.random.choice(["down", "busy", "cut", "slow", "nonsense", "refused"])
        self.counts[way] += 1
        return {
            "down": Fault(status=500),
            "busy": Fault(status=429),
            "cut": Fault(text=f"{said} {said}", cut=True),
            "slow": Fault(text=said, silence=SILENCE),
            "nonsense": "<|im_start|>" + "lorem ipsum ? " * 30,
            "refused": Fault(status=400),
        }[way]

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return sum(self.counts.values())
