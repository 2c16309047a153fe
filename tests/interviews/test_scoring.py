"""Points, levels with their ranges, and what the rule says: tables, no database."""

import pytest
from scipy.stats import binomtest

from experts.fields import Field
from interviews import scoring
from interviews.items import Rule, Short, banks
from interviews.scoring import Cause, Level, Scorecard, Verdict

BANK = banks()[Field.LAW]
RULE = Rule(code="LW-1", version=1, pass_mark=0.6, floor=0.33, certainty=0.9, contest_days=14)


def question(kind):
    return next(item.question for item in BANK.items if item.kind == kind)


@pytest.mark.parametrize(
    ("chosen", "right", "points"),
    [
        ("abc", "abc", 1),
        ("ab", "abc", 2 / 3),
        ("abd", "abc", 1 / 3),
        ("abde", "abc", 0),
        ("abcde", "abc", 1 / 3),
        ("de", "abc", 0),
        ("a", "a", 1),
        ("", "abc", 0),
    ],
)
def test_several(chosen, right, points):
    assert scoring.several(chosen, right) == pytest.approx(points)


@pytest.mark.parametrize(
    ("given", "points"),
    [("abcd", 1), ("bacd", 4 / 6), ("acbd", 4 / 6), ("badc", 2 / 6), ("dcba", 0), ("cdab", 0)],
)
def test_order(given, points):
    assert scoring.order(list(given), list("abcd")) == pytest.approx(points)


@pytest.mark.parametrize(
    ("number", "points"), [(12000, 1), (12000.0000000001, 1), (12001, 0), (-12000, 0)]
)
def test_numeric_without_a_tolerance(number, points):
    assert scoring.mark(question("numeric"), {"number": number}).points == points


def test_numeric_within_a_tolerance():
    lenient = question("numeric").model_copy(update={"tolerance": 100})

    assert scoring.mark(lenient, {"number": 12100}).points == 1
    assert scoring.mark(lenient, {"number": 12101}).points == 0


def test_words_earn_a_share_for_each_check_up_to_the_point():
    short: Short = BANK.item("law-021").question
    one = scoring.mark(short, {"text": "It fails for gross negligence."})
    three = scoring.mark(
        short, {"text": "Gross negligence, fraud, and the essential obligation set it aside."}
    )

    assert (one.points, three.points) == (0.5, 1)
    assert [r.check for r in one.readings if r.met] == ["gross"]
    assert one.readings[1].quote == "It fails for gross negligence."


def test_a_case_is_the_mean_of_its_parts():
    case = BANK.item("law-008").question
    answer = {"parts": {"p1": {"choice": "b"}, "p2": {"number": 2028}, "p3": {"choice": "c"}}}

    mark = scoring.mark(case, answer)

    assert mark.points == pytest.approx(2 / 3)
    assert mark.parts == {"p1": 1, "p2": 0, "p3": 1}


@pytest.mark.parametrize("count", [1, 3, 8, 15, 40])
def test_wilson_is_that_of_scipy(count):
    for points in range(count + 1):
        theirs = binomtest(points, count).proportion_ci(0.9, method="wilson")

        ours = scoring.wilson(points, count, 0.9)

        assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_the_range_narrows_with_more_questions():
    widths = [high - low for low, high in (scoring.wilson(0.6 * n, n, 0.9) for n in (3, 15, 100))]

    assert widths == sorted(widths, reverse=True)


def card(total, weakest=1.0, of=15):
    def level(share, count):
        low, high = scoring.wilson(share * count, count, 0.9)
        return Level(points=share * count, of=count, share=share, low=low, high=high)

    return Scorecard(total=level(total, of), competencies={"data": level(weakest, 3)})


@pytest.mark.parametrize(
    ("total", "weakest", "unread", "verdict"),
    [
        (0.6, 1, 0, Verdict.PASSED),
        (0.6 - 1e-12, 1, 0, Verdict.PASSED),
        (0.59, 1, 0, Verdict.NEAR),
        (0.4, 1, 0, Verdict.NEAR),
        (0.35, 1, 0, Verdict.FAILED),
        (0.35, 1, 1, Verdict.NEAR),
        (0.2, 1, 1, Verdict.FAILED),
        (0.0, 0, 0, Verdict.FAILED),
        (0.9, 0.3, 0, Verdict.NEAR),
        (0.9, 1 / 3, 0, Verdict.PASSED),
    ],
)
def test_verdict(total, weakest, unread, verdict):
    """With what is unread right, the range may still lie below the line; else a person reads."""
    best = card(total + unread / 15, weakest).total

    assert scoring.verdict(card(total, weakest), RULE, best=best) is verdict


def test_the_rule_never_fails_anybody_on_one_competency_alone():
    assert scoring.verdict(card(1.0, 0.0), RULE) is Verdict.NEAR
    assert scoring.causes(card(1.0, 0.0), RULE) == [Cause.COMPETENCY]


def test_a_scorecard_counts_by_competency():
    points = {"law-001": 1.0, "law-002": 0.5, "law-033": 0.0}

    made = scoring.scorecard(points, BANK)

    assert (made.total.points, made.total.of) == (1.5, 3)
    assert {key: level.points for key, level in made.competencies.items()} == {
        "contract": 1.5,
        "reading": 0.0,
    }
