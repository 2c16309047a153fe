"""How far an interview can bring somebody: the level of who answers everything right.

Pure. A level is estimated from few answers, so even the best ones come to less than all. A mark
above that would let nobody pass, and nobody could tell from the outside; so it is told when it is
written.
"""

from random import Random

from interviews import adaptive, curves, graded, plan, terms
from interviews.graded import Answered
from interviews.items import Bank
from interviews.scoring import Scorecard
from interviews.terms import Terms

TRIES = 3  # questions are chosen partly by lot: the least of a few is what can be relied on


def by_terms(wanted: Terms, bank: Bank) -> dict[str | None, int]:
    """Return the highest levels by some terms, in per cent, as `highest` does."""
    return highest(terms.applied(bank, wanted, code="FI-0", version=1))


def highest(bank: Bank) -> dict[str | None, int]:
    """Return the level in each competency, and under None that in all, of all right answers."""
    if bank.template.adaptive is None:
        return dict.fromkeys([None, *bank.competencies], 100)  # a share of points
    cards = [_card(bank, seed) for seed in range(TRIES)]
    found: dict[str | None, int] = {None: min(int(card.total.share * 100) for card in cards)}
    for key in bank.competencies:
        found[key] = min(
            (int(card.competencies[key].share * 100) for card in cards if key in card.competencies),
            default=100,
        )
    return found


def _card(bank: Bank, seed: int) -> Scorecard:
    assert bank.template.adaptive is not None
    random = Random(seed)  # noqa: S311 - it guards nothing
    course = adaptive.Course(
        least=bank.template.adaptive.least,
        most=bank.template.adaptive.most,
        cut=graded.cut(bank),
        certainty=bank.rule.certainty,
        weights=bank.weights,
    )
    left = curves.pool(bank, plan.series_of(1))
    asked: list[adaptive.Candidate] = []
    answers: list[Answered] = []
    while left and len(asked) < course.most:
        now = graded.whole(answers, bank)
        one = adaptive.choose(course, asked, left, now, random)
        left.remove(one)
        asked.append(one)
        answers.append(Answered(one.competency, one.curve, 1.0))
    return graded.scorecard(answers, bank)
