"""Curves from answers, on made people: what is true is found, and what is not is not claimed."""

import sys

import numpy as np
import pytest

from bench.calibration import Wrong, flags, made, truth
from experts.fields import Field
from interviews import calibrating, curves, girth_opinion, item_fit, items
from interviews.ability import Prior
from interviews.item_fit import padded

ADAPTIVE = True
LAW = items.banks()[Field.LAW]
POOL = curves.pool(LAW, "A")
PRIORS = [one.curve for one in POOL]
CORE = [number for number, one in enumerate(POOL) if one.is_core]
REAL = truth(LAW, 1)


def places(found):
    return np.array([np.mean(curve.thresholds) for curve in found])


@pytest.fixture(scope="module")
def sound():
    answers = made(LAW, REAL, 400, 5)
    return answers, calibrating.calibrate(answers, PRIORS)


@pytest.fixture(scope="module")
def spoilt():
    wrong = Wrong({POOL[CORE[0]].id: 1.2}, frozenset({POOL[CORE[1]].id}), {POOL[CORE[2]].id: 1.2})
    answers = made(LAW, REAL, 500, 6, wrong)
    found = calibrating.calibrate(answers, PRIORS)
    return item_fit.look(answers, [one.curve for one in found.items])


def test_known_curves_are_found_within_their_errors(sound):
    _answers, found = sound
    often = np.array([one.answers >= 60 for one in found.items])
    off = np.array([one.place for one in found.items]) - places(REAL)
    errors = np.array([one.place_error for one in found.items])

    guess = places(PRIORS) - places(REAL)

    assert np.sqrt((off[often] ** 2).mean()) < 0.6 * np.sqrt((guess[often] ** 2).mean())
    assert (abs(off) <= 1.96 * errors).mean() >= 0.9
    assert (
        abs(np.log([one.curve.slope for one in found.items]) - np.log([c.slope for c in REAL]))[
            often
        ].mean()
        < 0.25
    )


def test_the_bank_as_a_whole_stays_as_hard_as_its_authors_said(sound):
    answers, found = sound
    counts = [one.answers for one in found.items]
    shift = np.average([one.place for one in found.items] - places(PRIORS), weights=counts)

    assert abs(shift) < 0.01
    assert found.people.mean < 0  # two fifths of them are less able
    assert answers.people == 400


def test_a_few_answers_change_little_and_none_change_nothing():
    rows = [[(0, 0)], [(0, 1)], [(0, 0)]]

    found = calibrating.calibrate(padded(rows, [1] * 3, ["en"] * 3), PRIORS[:2])

    assert abs(found.items[0].place - places(PRIORS)[0]) < 0.2
    assert found.items[1].curve == PRIORS[1]
    assert found.items[1].place_error == pytest.approx(calibrating.PLACE)


def test_nothing_is_flagged_where_nothing_is_wrong(sound):
    answers, found = sound

    looks = item_fit.look(answers, [one.curve for one in found.items])

    scores = [one.drift.score for one in looks if one.drift]
    assert len(scores) >= 20
    assert sum(len(flags(one)) for one in looks) <= 1  # of some seventy looks
    assert np.std(scores) < 1.5
    squares = [one.fit.infit for one in looks if one.fit]
    assert np.mean(squares) == pytest.approx(1, abs=0.03)


def test_what_is_wrong_with_an_item_is_found(spoilt):
    assert "drift" in flags(spoilt[CORE[0]])
    assert spoilt[CORE[0]].drift.size == pytest.approx(1.2, abs=0.5)
    assert "misfit" in flags(spoilt[CORE[1]])
    assert "language" in flags(spoilt[CORE[2]])
    assert spoilt[CORE[2]].languages.size > 0
    others = [one for number, one in enumerate(spoilt) if number not in CORE[:3]]
    assert sum(len(flags(one)) for one in others) <= 4


def test_with_few_answers_nothing_is_said_of_an_item():
    rows = [[(0, number % 2)] for number in range(30)]
    answers = padded(rows, [1] * 30, ["en", "fr"] * 15)

    look = item_fit.look(answers, PRIORS[:1])[0]

    assert look == item_fit.Look()


def test_girth_finds_much_the_same_without_the_authors(sound):
    answers, found = sound

    opinion = girth_opinion.ask(answers, found.items)

    assert opinion is not None
    assert opinion.items >= 10
    assert opinion.agrees > 0.85


def test_without_girth_it_is_said_clearly(sound, monkeypatch):
    answers, found = sound
    monkeypatch.setitem(sys.modules, "girth", None)

    with pytest.raises(girth_opinion.GirthAbsent, match="not installed"):
        girth_opinion.ask(answers, found.items)


def test_how_able_people_are_is_found_from_their_answers(sound):
    answers, found = sound
    likelihood = calibrating.log_likelihood(answers, [one.curve for one in found.items])

    people = calibrating.population(likelihood)

    assert people.mean == pytest.approx(found.people.mean, abs=0.05)
    assert isinstance(people, Prior)
