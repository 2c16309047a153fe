"""The ability that answers show, against girth and catsim on the same answers."""

import numpy as np
import pytest
from catsim import irt
from girth import ability_eap
from girth.synthetic import create_synthetic_irt_polytomous
from hypothesis import given
from hypothesis import strategies as st

from interviews import ability
from interviews.ability import GRID, Curve, Prior

CERTAINTY = 0.9
slopes = st.floats(0.3, 3)
places = st.floats(-3, 3)


@st.composite
def curves(draw):
    first, steps = draw(places), draw(st.lists(st.floats(0.2, 1.5), max_size=3))
    return Curve(draw(slopes), tuple(first + sum(steps[:n]) for n in range(len(steps) + 1)))


@given(curves())
def test_the_chances_of_an_item_are_chances(curve):
    found = ability.chances(curve)

    assert found.shape == (curve.categories, GRID.size)
    assert (found >= 0).all()
    assert np.allclose(found.sum(axis=0), 1)


@given(slopes, places, places)
def test_with_two_categories_it_is_the_two_parameter_model_of_catsim(slope, place, at):
    curve = Curve(slope, (place,))

    assert ability.chances(curve, [at])[1, 0] == pytest.approx(irt.icc(at, slope, place))
    assert ability.information(curve, [at])[0] == pytest.approx(irt.inf(at, slope, place))


@given(curves(), places)
def test_information_is_what_the_slope_of_the_log_chance_varies(curve, at):
    """Fisher's information from its definition, with differences instead of the formula."""
    step = 1e-4
    chance = ability.chances(curve, [at - step, at, at + step])
    slope = (np.log(chance[:, 2]) - np.log(chance[:, 0])) / (2 * step)

    assert ability.information(curve, [at])[0] == pytest.approx(chance[:, 1] @ slope**2, rel=1e-3)


def test_the_estimate_is_girths_on_the_same_answers():
    random = np.random.default_rng(20261127)
    slope, place = random.uniform(0.6, 2, 25), random.normal(0, 1, 25)
    able = random.normal(0, 1, 200)
    chance = 1 / (1 + np.exp(-slope[:, None] * (able[None, :] - place[:, None])))
    answers = (random.random(chance.shape) < chance).astype(int)

    theirs = ability_eap(answers, place, slope, {"quadrature_n": 201, "quadrature_bounds": (-5, 5)})

    items = [Curve(float(a), (float(b),)) for a, b in zip(slope, place, strict=True)]
    ours = [
        ability.estimate(zip(items, map(int, column), strict=True), certainty=CERTAINTY)
        for column in answers.T
    ]
    assert np.allclose([one.mean for one in ours], theirs, atol=2e-3)
    error = np.array([one.mean for one in ours]) - able
    assert abs(error.mean()) < 0.1
    assert np.sqrt((error**2).mean()) == pytest.approx(
        np.mean([one.deviation for one in ours]), rel=0.15
    )


def test_on_graded_answers_of_girths_making_it_is_unbiased_and_its_range_holds():
    random = np.random.default_rng(5)
    slope = random.uniform(0.8, 1.8, 12)
    place = np.sort(random.normal(0, 1, (12, 3)), axis=1) + np.array([-0.3, 0, 0.3])
    able = random.normal(0, 1, 1_000)
    answers = create_synthetic_irt_polytomous(place, slope, able, model="grm", seed=3)
    answers -= answers.min()

    items = [Curve(float(a), tuple(map(float, b))) for a, b in zip(slope, place, strict=True)]
    found = [
        ability.estimate(zip(items, map(int, column), strict=True), certainty=CERTAINTY)
        for column in answers.T
    ]

    error = np.array([one.mean for one in found]) - able
    assert abs(error.mean()) < 0.05
    assert np.corrcoef([one.mean for one in found], able)[0, 1] > 0.9
    held = np.mean([one.low <= true <= one.high for one, true in zip(found, able, strict=True)])
    assert held == pytest.approx(CERTAINTY, abs=0.03)


def test_before_any_answer_it_is_the_prior():
    found = ability.estimate([], certainty=CERTAINTY, prior=Prior(0.5, 0.8))

    assert (found.mean, found.deviation) == (pytest.approx(0.5), pytest.approx(0.8, abs=1e-3))
    assert found.high - found.mean == pytest.approx(1.645 * 0.8, abs=0.01)


@given(st.lists(curves(), min_size=1, max_size=8), st.data())
def test_a_better_answer_never_shows_less_ability(items, data):
    answers = [(item, data.draw(st.integers(0, item.categories - 1))) for item in items]
    place = data.draw(st.integers(0, len(items) - 1))
    item, category = answers[place]
    better = [*answers]
    better[place] = (item, min(category + 1, item.categories - 1))

    before, after = (ability.estimate(one, certainty=CERTAINTY) for one in (answers, better))

    assert after.mean >= before.mean - 1e-9


def test_all_right_and_all_wrong_have_an_estimate_and_more_answers_narrow_it():
    item = Curve(1.2, (0.0,))
    ends = [ability.estimate([(item, category)] * 40, certainty=CERTAINTY) for category in (0, 1)]

    assert -5 < ends[0].mean < -1 < 1 < ends[1].mean < 5
    widths = [
        ability.estimate([(item, 1), (item, 0)] * count, certainty=CERTAINTY).deviation
        for count in (1, 5, 20)
    ]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(
    ("points", "category"), [(0, 0), (0.33, 0), (0.5, 1), (2 / 3, 1), (0.999, 1), (1, 2), (1.2, 2)]
)
def test_points_count_as_the_category_that_was_reached(points, category):
    assert Curve(1.0, (-0.5, 0.5)).category(points) == category


@pytest.mark.parametrize(
    ("slope", "thresholds"), [(0, (0.0,)), (-1, (0.0,)), (1, ()), (1, (1.0, 0.0)), (1, (0.0, 0.0))]
)
def test_what_is_no_item_is_refused(slope, thresholds):
    with pytest.raises(ValueError, match="of an item"):
        Curve(slope, thresholds)


def test_shares_grow_with_ability():
    items = [Curve(1.0, (0.0,)), Curve(1.4, (-0.5, 0.5))]

    shares = ability.expected_shares(items, [-3, 0, 3])

    assert shares[0] < shares[1] < shares[2]
    assert shares[1] == pytest.approx(0.5)
