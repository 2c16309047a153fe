"""Weights of competencies in the total, and terms that are laid over a bank."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experts.fields import Field
from interviews import curves, graded, items, scoring, terms
from interviews.graded import Answered
from interviews.items import Adaptive
from interviews.terms import Part

ADAPTIVE = True
BANK = items.banks()[Field.LAW]
KEYS = list(BANK.competencies)
OWN = terms.of_bank(BANK)

points = st.sampled_from([0.0, 0.5, 1.0])
weight = st.integers(1, 9)
answers = st.lists(st.tuples(st.sampled_from(BANK.items), points), min_size=1, max_size=12)


def laid(weights, **changes):
    """Lay terms over the bank of law; weights may be any numbers here."""
    wanted = OWN.model_copy(update={"weights": weights, **changes})
    return terms.applied(BANK, wanted, code="PI-1", version=1)


def answered(given_answers):
    return [Answered(item.competency, curves.prior(item), got) for item, got in given_answers]


@settings(max_examples=30, deadline=None)
@given(answers, st.lists(weight, min_size=5, max_size=5), st.floats(0.1, 50))
def test_weights_scaled_by_a_constant_change_nothing(given_answers, values, factor):
    weights = dict(zip(KEYS, values, strict=True))
    scaled = {key: value * factor for key, value in weights.items()}

    one = graded.scorecard(answered(given_answers), laid(weights))
    other = graded.scorecard(answered(given_answers), laid(scaled))

    for name in ("share", "low", "high"):
        assert getattr(one.total, name) == pytest.approx(getattr(other.total, name), abs=1e-9)
    by_item = {item.id: got for item, got in given_answers}
    one, other = (scoring.scorecard(by_item, laid(each)) for each in (weights, scaled))
    assert one.total.share == pytest.approx(other.total.share)


@settings(max_examples=30, deadline=None)
@given(answers, weight)
def test_equal_weights_are_the_figures_of_the_bank_itself(given_answers, same):
    bank = laid(dict.fromkeys(KEYS, same))

    assert graded.scorecard(answered(given_answers), bank) == graded.scorecard(
        answered(given_answers), BANK
    )
    assert graded.cut(bank) == graded.cut(BANK)
    by_item = {item.id: got for item, got in given_answers}
    assert scoring.scorecard(by_item, bank) == scoring.scorecard(by_item, BANK)


def test_the_total_is_the_mean_of_the_competencies_by_weight():
    bank = laid({"contract": 3, "ip": 1, "liability": 1, "data": 1, "reading": 1})
    asked = {"contract": (1.0, 1.0, 1.0), "data": (0.0, 0.0)}
    by_item = {
        item.id: got
        for key, earned in asked.items()
        for item, got in zip(BANK.of(key), earned, strict=False)
    }

    card = scoring.scorecard(by_item, bank)

    assert card.total.share == pytest.approx(3 / 4)
    assert (card.total.points, card.total.of) == (3.0, 5)


def test_a_heavier_competency_moves_the_level_more():
    given_answers = [(item, 1.0) for item in BANK.of("contract")[:3]]
    given_answers += [(item, 0.0) for item in BANK.of("data")[:3]]
    light = dict.fromkeys(KEYS, 1) | {"data": 3}
    heavy = dict.fromkeys(KEYS, 1) | {"contract": 3}

    low = graded.scorecard(answered(given_answers), laid(light)).total.share
    high = graded.scorecard(answered(given_answers), laid(heavy)).total.share

    assert low < graded.scorecard(answered(given_answers), BANK).total.share < high


def test_uneven_weights_widen_the_range_and_never_narrow_it():
    assert scoring.shares_of(["a", "b", "b"], {}) == [1, 1, 1]
    assert sum(scoring.shares_of(["a", "b"], {"a": 1, "b": 1})) == 2
    assert sum(scoring.shares_of(["a", "b"], {"a": 3, "b": 1})) == pytest.approx(16 / 10)
    assert scoring.shares_of([], {}) == []


def test_what_was_proven_before_counts_towards_the_mark_and_never_against():
    half = OWN.model_copy(update={"weights": {"contract": 1, "data": 1}})

    def part(level):
        return Part(asked=["data"], reused={"contract": level}, proofs=[1])

    assert terms.mark_of_rest(half, part(0.9)) == pytest.approx(0.3)
    assert terms.mark_of_rest(half, part(0.6)) == pytest.approx(0.6)
    assert terms.mark_of_rest(half, part(0.4)) == 0.6
    assert terms.mark_of_rest(half, Part(asked=["contract", "data"])) == 0.6


def test_what_is_missing_is_below_its_floor_or_never_covered_or_below_the_mark():
    wanted = OWN.model_copy(
        update={
            "weights": {"contract": 2, "data": 1},
            "floors": {"contract": 0.5, "data": 0.4},
            "must_cover": [],
        }
    )
    item = next(one.id for one in BANK.of("data") if one.core is None)
    covering = wanted.model_copy(update={"must_cover": [item]})
    none = frozenset()

    assert terms.missing(wanted, {}, none, BANK) == ["contract", "data"]
    assert terms.missing(wanted, {"contract": 0.7, "data": 0.3}, none, BANK) == ["data"]
    assert terms.missing(wanted, {"contract": 0.7, "data": 0.5}, none, BANK) == []
    assert terms.missing(wanted, {"contract": 0.5, "data": 0.7}, none, BANK) == ["contract"]
    assert terms.missing(covering, {"contract": 0.7, "data": 0.9}, none, BANK) == ["data"]
    assert terms.missing(covering, {"contract": 0.7, "data": 0.9}, frozenset({item}), BANK) == []


def test_a_part_is_shorter_by_its_weight_and_holds_all_first_questions():
    item = next(one.id for one in BANK.of("data") if one.core is None)
    wanted = OWN.model_copy(
        update={"adaptive": Adaptive(least=6, most=20), "minutes": 20, "must_cover": [item]}
    )
    part = Part(asked=["data"], reused=dict.fromkeys(KEYS[:1], 0.9), proofs=[1])

    assert terms.bounds(wanted, part, BANK) == Adaptive(least=2, most=4)
    assert terms.minutes(wanted, part, BANK) == 4
    laid_over = terms.applied(BANK, wanted, code="PI-1", version=2, part=part)
    assert list(laid_over.competencies) == ["data"]
    assert laid_over.rule.name == "PI-1/2"
    core = [one.id for one in curves.pool(laid_over, "A") if one.is_core]
    assert len(core) == 2
    assert item in core


def test_terms_that_do_not_fit_a_bank_are_named():
    core = next(one.id for one in BANK.items if one.core == "A")
    assert terms.problems(OWN, BANK) == []
    assert terms.problems(OWN.model_copy(update={"must_cover": [core]}), BANK) == ["must_cover"]
    assert terms.problems(OWN.model_copy(update={"must_cover": ["zzz-001"]}), BANK) == [
        "must_cover"
    ]
    short = OWN.model_copy(update={"adaptive": Adaptive(least=1, most=2)})
    assert terms.problems(short, BANK) == ["most"]
    assert terms.problems(OWN, items.banks()[Field.MEDICINE])[0] == "competencies"
