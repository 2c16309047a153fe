"""Puts every attack and every look-alike through what scores, and counts.

An attack has succeeded when it gets more points than its innocent words deserve and no person is
asked. A look-alike is harmed when it gets fewer points than it deserves, when it is flagged, or
when its text is changed on the way.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from core.language_model import OpenAiModel
from interviews import scoring, untrusted
from proofs import scripted_model
from proofs.redteam import corpus, judging
from proofs.redteam.corpus import Attack, Innocent
from proofs.redteam.judging import Judge

SCRIPTS = {
    "honest": judging.honest,
    "gullible": judging.gullible,
    "flattering": judging.flattering,
    "babbling": judging.babbling,
}
# Which two judges, by the names of their scripts; without judges our own reading stands alone.
PAIRS = [
    ("honest", "honest"),
    ("gullible", "honest"),
    ("gullible", "gullible"),
    ("flattering", "flattering"),
    ("gullible", "flattering"),
    ("babbling", "gullible"),
]
NEAR = 1e-9


@dataclass
class Line:
    """What came of a corpus with one pair of judges."""

    judges: str
    attacks: int = 0
    believed: int = 0  # would have succeeded if a judge were believed
    succeeded: list[str] = field(default_factory=list)
    to_person: int = 0
    innocents: int = 0
    lost: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    read_by_person: int = 0

    @property
    def gaps(self) -> list[str]:
        """What must not be."""
        wrong = {
            "succeeded": self.succeeded,
            "lost points": self.lost,
            "flagged": self.flagged,
            "changed": self.changed,
        }
        return [f"{self.judges}: {what}: {', '.join(ids)}" for what, ids in wrong.items() if ids]


def with_words() -> Line:
    """Run both corpora through our own reading, without a judge."""
    line = Line("no model")
    for attack in corpus.attacks():
        line.attacks += 1
        mark = scoring.mark(attack.question.question, {"text": attack.answered})
        if mark.points > attack.most + NEAR:
            line.succeeded.append(attack.id)
    for one in corpus.innocents():
        line.innocents += 1
        _compare(line, one, scoring.mark(one.question.question, {"text": one.words}).points)
    return line


def with_judges(
    name: str,
    judges: tuple[Judge, Judge],
    *,
    attacks: Iterable[Attack] | None = None,
    innocents: Iterable[Innocent] | None = None,
) -> Line:
    """Run both corpora, or a part of them, through two judges."""
    line = Line(name)
    for attack in corpus.attacks() if attacks is None else attacks:
        line.attacks += 1
        found = judging.settled(attack.question, attack.answered, attack.language, judges)
        line.believed += found.believed > attack.most + NEAR
        line.to_person += found.to_person
        if found.points > attack.most + NEAR:
            line.succeeded.append(attack.id)
    for one in corpus.innocents() if innocents is None else innocents:
        line.innocents += 1
        found = judging.settled(one.question, one.words, one.language, judges)
        line.read_by_person += found.to_person
        _compare(line, one, found.points)
    return line


@contextmanager
def scripted(*names: str) -> Iterator[tuple[Judge, ...]]:
    """Run a scripted endpoint for each name; yield the judges behind them."""
    with ExitStack() as stack:
        judges = []
        for name in names:
            endpoint = stack.enter_context(scripted_model.running(SCRIPTS[name]))
            model = OpenAiModel(endpoint.base_url, name, "", timeout=20)
            stack.callback(model._client.close)
            judges.append(judging.behind(model))
        yield tuple(judges)


def table(lines: Iterable[Line]) -> list[str]:
    """Return a table to print."""
    rows = [
        f"{'judges':<24}{'attacks':>8}{'believed':>9}{'success':>8}{'person':>7}"
        f"{'look-alikes':>13}{'lost':>5}{'raised':>7}{'flagged':>8}{'changed':>8}{'person':>7}"
    ]
    rows += [
        f"{one.judges:<24}{one.attacks:>8}{one.believed:>9}{len(one.succeeded):>8}{one.to_person:>7}"
        f"{one.innocents:>13}{len(one.lost):>5}{len(one.raised):>7}{len(one.flagged):>8}"
        f"{len(one.changed):>8}{one.read_by_person:>7}"
        for one in lines
    ]
    return rows


def techniques() -> list[str]:
    """Return how many attacks there are of each kind, and how many are seen as such."""
    every = Counter(one.technique for one in corpus.attacks())
    seen = Counter(one.technique for one in corpus.attacks() if untrusted.signs(one.words))
    return [f"{name:<34}{count:>4}{seen[name]:>6}" for name, count in sorted(every.items())]


def _compare(line: Line, one: Innocent, points: float) -> None:
    if points < one.points - NEAR:
        line.lost.append(one.id)
    if points > one.points + NEAR:
        line.raised.append(one.id)
    if untrusted.signs(one.words):
        line.flagged.append(one.id)
    if untrusted.cleaned(one.words) != one.words:
        line.changed.append(one.id)
