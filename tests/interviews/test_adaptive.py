"""Which question comes next and when it ends: told by information, balanced, bounded. Pure."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interviews import ability, adaptive, curves, graded
from interviews.ability import Curve, Estimate
from interviews.adaptive import Candidate, Course, Ending
from interviews.graded import Answered
from interviews.items import banks

ADAPTIVE = True
BANKS = list(banks().values())
COURSE = Course(least=3, most=6)
CLEAR, OPEN = Estimate(2, 0.3, 1.5, 2.5), Estimate(0.1, 0.8, -1.2, 1.4)


def item(number, competency="a", place=0.0, slope=1.0, *, core=False):
    return Candidate(f"it-{number}", competency, Curve(slope, (place,)), core)


def some(count, **how):
    return [item(number, **how) for number in range(count)]


@pytest.mark.parametrize(
    ("asked", "left", "shown", "why"),
    [
        (2, some(5), CLEAR, None),
        (3, some(5), CLEAR, Ending.CLEAR),
        (3, some(5), OPEN, None),
        (6, some(5), OPEN, Ending.LONGEST),
        (4, [], OPEN, Ending.NOTHING_LEFT),
        (5, [item(9, core=True)], CLEAR, None),
        (6, [item(9, core=True)], OPEN, None),
    ],
)
def test_it_ends_when_enough_is_known_and_everybody_had_the_core(asked, left, shown, why):
    assert adaptive.ending(COURSE, some(asked), left, shown) == why


def test_core_items_come_first():
    left = [item(1, slope=3), item(2, "b", 2.5, core=True), item(3, "a", 0.2, core=True)]

    assert adaptive.choose(COURSE, [], left, OPEN, Random(1)).id == "it-3"
    assert adaptive.choose(COURSE, [left[2]], left[:2], OPEN, Random(1)).id == "it-2"


def test_it_takes_one_of_the_few_that_tell_most_where_somebody_stands():
    left = [item(number, place=place) for number, place in enumerate((-2.5, -1, 0, 1, 2.5))]
    seen = Counter(
        adaptive.choose(
            COURSE, [], left, Estimate(2.2, 0.5, 1, 3), Random(seed), resting=frozenset()
        ).id
        for seed in range(60)
    )

    assert set(seen) == {"it-3", "it-4"}
    assert min(seen.values()) > 10


def test_the_competency_that_lacks_most_by_its_weight_is_next():
    weighted = Course(least=3, most=20, weights={"a": 3.0, "b": 1.0})
    left = [*some(40), *(item(100 + number, "b") for number in range(40))]
    asked: list[Candidate] = []
    for turn in range(16):
        asked.append(adaptive.choose(weighted, asked, left, OPEN, Random(turn)))
        left.remove(asked[-1])

    assert Counter(one.competency for one in asked) == {"a": 12, "b": 4}


def test_items_that_many_had_rest_unless_there_is_no_other():
    left = [item(1, slope=2), item(2)]
    tired = frozenset({"it-1"})

    assert adaptive.choose(COURSE, [], left, OPEN, Random(1), resting=tired).id == "it-2"
    assert adaptive.choose(COURSE, [], left[:1], OPEN, Random(1), resting=tired).id == "it-1"


@pytest.mark.parametrize(
    ("given", "interviews", "rests"),
    [(8, 20, False), (9, 20, True), (9, 100, False), (6, 3, False)],
)
def test_shares_of_a_few_interviews_say_nothing(given, interviews, rests):
    found = adaptive.resting({"it-1": given, "it-2": 0}, {"it-1": 0.4}, interviews)

    assert found == (frozenset({"it-1"}) if rests else frozenset())


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.field)
class TestEachBank:
    def test_every_item_has_a_curve_that_its_points_can_reach(self, bank):
        for one in bank.items:
            curve = curves.prior(one)
            assert curve.categories == curves.outcomes(one.question)
            assert {curve.category(points / 12) for points in range(13)} == set(
                range(curve.categories)
            )

    def test_levels_grow_with_every_answer_and_the_cut_is_the_mark(self, bank):
        pool = curves.pool(bank, "A")[:12]

        def level(points):
            answers = [Answered(one.competency, one.curve, points) for one in pool]
            return graded.scorecard(answers, bank).total

        shares = [level(points).share for points in (0, 0.5, 1)]
        assert shares == sorted(shares)
        assert shares[0] < bank.rule.floor < bank.rule.pass_mark < shares[2]
        at_cut = ability.expected_shares(
            [curves.prior(one) for one in bank.items], [graded.cut(bank)]
        )
        assert at_cut[0] == pytest.approx(bank.rule.pass_mark, abs=1e-3)

    def test_one_weak_competency_shows_and_does_not_hide_behind_the_others(self, bank):
        first = next(iter(bank.competencies))
        pool = curves.pool(bank, "A")
        answers = [Answered(o.competency, o.curve, float(o.competency != first)) for o in pool]

        card = graded.scorecard(answers, bank)

        others = [level.share for key, level in card.competencies.items() if key != first]
        assert card.competencies[first].share < min(others)


@given(st.integers(0, 10_000), st.lists(st.booleans(), min_size=20, max_size=20))
def test_no_answers_lead_to_an_item_twice_or_beyond_the_longest(seed, right):
    bank = BANKS[seed % len(BANKS)]
    course = Course(least=6, most=20, cut=graded.cut(bank))
    left, asked, answers = curves.pool(bank, "A"), [], []
    shown = ability.estimate([], certainty=0.9)
    while adaptive.ending(course, asked, left, shown) is None:
        one = adaptive.choose(course, asked, left, shown, Random(seed))
        left.remove(one)
        answers.append((one.curve, (one.curve.categories - 1) * right[len(asked)]))
        asked.append(one)
        shown = ability.estimate(answers, certainty=0.9)

    assert 6 <= len({one.id for one in asked}) == len(asked) <= 20
    assert {one.competency for one in asked} == set(bank.competencies)
