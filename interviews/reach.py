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
from interviews.terms import Part, Terms

AT_FIRST, AGAIN = 1, 2  # attempts
TRIES = 3  # questions are chosen partly by lot: the least of a few is what can be relied on


def by_terms(wanted: Terms, bank: Bank) -> dict[str | None, int]:
    """Return the highest levels by some terms, in per cent, as `highest` does."""
    return highest(terms.applied(bank, wanted, code="FI-0", version=1))


def alone(wanted: Terms, bank: Bank) -> dict[str | None, int]:
    """Return what `by_terms` does, where all but one competency was proven before.

    These are the shortest interviews of a template, so the levels that they come to are the least.
    Who has proven the rest was asked before, so the questions that tell most may be known to them
    and rest. What was proven counts at its level, and may leave the whole mark to what is asked.
    """
    found: dict[str | None, int] = {}
    whole = terms.applied(bank, wanted, code="FI-0", version=1)
    first = bank if bank.template.adaptive is not None else whole
    before = [_asked(first, seed, AT_FIRST) for seed in range(TRIES)]
    for key in wanted.weights:
        part = terms.applied(bank, wanted, code="FI-0", version=1, part=Part(asked=[key]))
        cards = [
            _card(part, seed, AGAIN, frozenset(item.id for item in asked))
            for seed, asked in enumerate(before)
        ]
        found[key] = min(int(card.competencies[key].share * 100) for card in cards)
        found[None] = min(*(int(card.total.share * 100) for card in cards), found.get(None, 100))
    return found


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


def _card(
    bank: Bank, seed: int, attempt: int = AT_FIRST, resting: frozenset[str] = frozenset()
) -> Scorecard:
    asked = _asked(bank, seed, attempt, resting)
    return graded.scorecard([_right(one) for one in asked], bank)


def _asked(
    bank: Bank, seed: int, attempt: int, resting: frozenset[str] = frozenset()
) -> list[adaptive.Candidate]:
    """Return the questions of a longest interview with all answers right."""
    assert bank.template.adaptive is not None
    random = Random(seed)  # noqa: S311 - it guards nothing
    course = adaptive.Course(
        least=bank.template.adaptive.least,
        most=bank.template.adaptive.most,
        cut=graded.cut(bank),
        certainty=bank.rule.certainty,
        weights=bank.weights,
    )
    left = curves.pool(bank, plan.series_of(attempt))
    asked: list[adaptive.Candidate] = []
    while left and len(asked) < course.most:
        now = graded.whole([_right(one) for one in asked], bank)
        one = adaptive.choose(course, asked, left, now, random, resting=resting)
        left.remove(one)
        asked.append(one)
    return asked


def _right(one: adaptive.Candidate) -> Answered:
    return Answered(one.competency, one.curve, 1.0)
