"""Measures against values worked out by hand."""

import pytest

from annotation import agreement, gold
from annotation.agreement import Span
from annotation.label_config import parse
from tests.factories.annotation import CLAUSES, choice

A, B, C = ((("clause", (name,)),) for name in "abc")
PARTY, DUTY = (0, 12, "Party"), (39, 61, "Obligation")


def units(*rows: str) -> list[list[agreement.Answer]]:
    """One unit a row, one letter an answer."""
    return [[(("clause", (letter,)),) for letter in row] for row in rows]


@pytest.mark.parametrize(
    ("answers", "share"),
    [
        ([], None),
        ([A], None),
        ([A, A], 1.0),
        ([A, B], 0.0),
        ([A, A, B], 1 / 3),
        ([A, A, A, B], 3 / 6),
        ([A, A, B, B], 2 / 6),
    ],
)
def test_pairwise_agreement(answers, share):
    assert agreement.pairwise(answers) == share


@pytest.mark.parametrize(
    ("answers", "leading"),
    [
        ([], None),
        ([A], A),
        ([A, B], None),
        ([A, A, B], A),
        ([A, A, B, B], None),
        ([A, A, B, C], None),
        ([A, A, A, B, C], A),
    ],
)
def test_consensus_is_more_than_half(answers, leading):
    assert agreement.consensus(answers) == leading


@pytest.mark.parametrize(
    ("answers", "same"), [([], False), ([A], False), ([A, A], True), ([A, A, B], False)]
)
def test_unanimity_takes_two(answers, same):
    assert agreement.is_unanimous(answers) is same


@pytest.mark.parametrize(
    ("rows", "alpha"),
    [
        ((), None),
        (("a", "b"), None),  # nothing to compare
        (("aa", "aa"), None),  # no variation: nothing that chance could have got wrong
        (("aa", "bb"), 1.0),
        # n = 4, n_a = n_b = 2, no pair agrees: 1 - 3 * 4 / (16 - 8) = -0.5
        (("ab", "ab"), -0.5),
        # n = 6, n_a = n_b = 3, two units of three agree: sum o_cc = 4,
        # 1 - 5 * (6 - 4) / (36 - 9 - 9) = 4 / 9
        (("aa", "bb", "ab"), 4 / 9),
        # Units of different sizes and one that says nothing: n = 5, n_a = 3, n_b = 2;
        # "aab" gives 2 / 2 = 1, "ab" gives 0: 1 - 4 * (5 - 1) / (25 - 9 - 4) = -1/3
        (("aab", "ab", "c"), -1 / 3),
    ],
)
def test_alpha(rows, alpha):
    found = agreement.alpha(units(*rows))

    assert found == alpha if alpha is None else found == pytest.approx(alpha)


def test_alpha_on_krippendorffs_own_example():
    # Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C: 4 observers,
    # 12 units, nominal data, missing values; alpha = 0.743.
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    votes = ["".join(unit).replace(".", "") for unit in zip(*observers, strict=True)]

    assert agreement.alpha(units(*votes)) == pytest.approx(0.743, abs=0.001)


@pytest.mark.parametrize(
    ("found", "wanted", "f1"),
    [
        ([], [], 1.0),
        ([PARTY], [], 0.0),
        ([PARTY], [PARTY], 1.0),
        ([PARTY], [PARTY, DUTY], 2 / 3),
        ([PARTY, DUTY], [PARTY, (39, 60, "Obligation")], 0.5),
        ([PARTY], [(0, 12, "Obligation")], 0.0),
    ],
)
def test_span_f1(found, wanted, f1):
    one, other = (agreement.spans(choice("grant", *marks)) for marks in (found, wanted))

    assert agreement.span_f1(one, other) == agreement.span_f1(other, one) == pytest.approx(f1)


def test_answers_are_compared_without_ids_and_order():
    one = choice("grant", PARTY, DUTY)
    other = [{**part, "id": f"other-{number}"} for number, part in enumerate(reversed(one))]

    assert agreement.answer(one) == agreement.answer(other)
    assert agreement.spans(one) == agreement.spans(other)


def test_where_nothing_is_chosen_the_marks_are_the_answer():
    marks_only = [part for part in choice("grant", PARTY) if part["type"] == "labels"]

    assert agreement.answer(marks_only) == (("spans", ("Party", "0", "12")),)
    assert agreement.label(marks_only) is None


def test_majority_label_and_marks():
    results = [choice("grant", PARTY), choice("grant", PARTY, DUTY), choice("patent")]

    assert agreement.majority_label(results) == "grant"
    assert agreement.majority_label(results[1:]) is None
    assert agreement.majority_spans(results) == (Span("spans", 0, 12, "Party"),)


@pytest.mark.parametrize(
    ("result", "known", "right", "f1"),
    [
        (choice("grant"), choice("grant"), True, None),
        (choice("patent"), choice("grant"), False, None),
        (choice("grant", PARTY), choice("grant"), True, None),
        (choice("grant", PARTY), choice("grant", PARTY, DUTY), True, 2 / 3),
        ([], choice("grant"), False, None),
        (choice("grant", PARTY), choice("grant", PARTY)[1:], True, 1.0),
        (choice("grant"), choice("grant", PARTY)[1:], False, 0.0),
    ],
)
def test_gold(result, known, right, f1):
    score = gold.score(parse(CLAUSES), result, known)

    assert score.is_right is right
    assert score.is_missed is not right
    assert [mark.score for mark in score.marks] == ([] if f1 is None else [pytest.approx(f1)])


@pytest.mark.parametrize("number", [3, 3.5])
def test_answers_without_choices_and_marks_are_the_same_only_where_they_are(number):
    def said(value, key="count"):
        return [{"id": "x", "from_name": key, "type": "number", "value": {"number": value}}]

    assert agreement.is_unanimous([agreement.answer(said(number)) for _one in range(2)])
    assert not agreement.is_unanimous([agreement.answer(said(number)), agreement.answer(said(4))])
    assert agreement.answer([]) == ()
    boxes = [
        [{"from_name": "boxes", "type": "rectanglelabels", "value": {"x": x, "y": 1}}]
        for x in (1, 60)
    ]
    assert not agreement.is_unanimous([agreement.answer(one) for one in boxes])
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    assert agreement.answer([*boxes[0], relation])
