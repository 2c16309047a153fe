"""What is read of a page's counts, which rules hold, and whether two answers are alike. Pure."""

import json
from datetime import timedelta

import pytest

from interviews import prints, signals
from interviews.signals import Facts

HOUR = timedelta(hours=1)
SOUND = {"pasted": 250, "pastes": 1, "bursts": 0, "away": 1, "away_ms": 900, "first_key_ms": 800}
KEY = b"a secret of the instance"
ESSAY = (
    "A personal licence stays with the company that holds it, so whoever buys the assets has no"
    " right to run the programme until the owner of the rights has agreed in writing. Running it"
    " before then infringes the copyright, and the owner may ask for damages or have it stopped."
)
OTHER = (
    "The buyer first has to ask the vendor for permission, because nothing in such a clause moves"
    " along with a sale of assets. Otherwise there is a breach, a claim for money, perhaps an"
    " injunction, and in the worst case the whole purchase turns out to be worth much less."
)


def of(text, item="law-006", question=(), key=KEY):
    return prints.of(text, question=question, item_id=item, key=key)


def alike(one, other, **more):
    return prints.alike(of(one, **more).marks, of(other, **more).marks)


def test_sound_counts_are_read():
    assert signals.read(json.dumps(SOUND), took=HOUR).pasted == 250


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "{",
        "[]",
        "null",
        "NaN",
        '"x"',
        "x" * 100_000,
        json.dumps({**SOUND, "pasted": -1}),
        json.dumps({**SOUND, "pasted": 1.5}),
        json.dumps({**SOUND, "pasted": "250"}),
        json.dumps({**SOUND, "pasted": True}),
        json.dumps({**SOUND, "pasted": 10**30}),
        json.dumps({**SOUND, "keys": "what I typed"}),
        json.dumps({"pasted": 1}),
        json.dumps({**SOUND, "away_ms": 2 * 3_600_000}),
        json.dumps({**SOUND, "first_key_ms": 2 * 3_600_000}),
        "[" * 390,
    ],
)
def test_what_is_absent_or_impossible_is_not_known(sent):
    assert signals.read(sent, took=HOUR) is None


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        (Facts(letters=300), []),
        (Facts(letters=300, pasted_share=0.79), []),
        (Facts(letters=300, pasted_share=0.8), ["pasted"]),
        (Facts(letters=199, pasted_share=1.0, bursts=3, first_key_ms=1, away_ms=10**7), []),
        (Facts(letters=300, bursts=1), ["burst"]),
        (Facts(letters=300, first_key_ms=1500), ["quick"]),
        (Facts(letters=300, first_key_ms=1501), []),
        (Facts(letters=300, first_key_ms=None), []),
        (Facts(letters=300, away_ms=120_000), ["away"]),
        (Facts(letters=100, alike_share=0.8), ["alike"]),
        (Facts(letters=100, alike_share=0.79), []),
    ],
)
def test_rules_hold_from_their_thresholds_on(facts, names):
    assert signals.found(facts) == names


def test_what_was_not_measured_is_no_signal():
    assert signals.found(signals.facts(None, 4000, 0.0)) == []


def test_more_can_be_pasted_than_is_sent():
    measured = signals.read(json.dumps({**SOUND, "pasted": 9000}), took=HOUR)

    assert signals.facts(measured, 300, 0.0).pasted_share == 1.0
    assert signals.facts(measured, 0, 0.0).pasted_share == 0.0


@pytest.mark.parametrize(
    ("times", "is_open"),
    [
        ({"away": 3}, False),
        ({"quick": 3}, False),
        ({"pasted": 1, "away": 1}, False),
        ({"pasted": 2}, True),
        ({"alike": 1}, True),
        ({"unknown": 9}, False),
    ],
)
def test_weights_add_up(times, is_open):
    assert (signals.weight(times) >= signals.OPENS_AT) is is_open


def test_what_is_common_weighs_nothing():
    assert signals.weight({"pasted": 5, "away": 1}, frozenset({"pasted"})) == 1


def test_the_same_text_is_found_through_small_changes():
    changed = ESSAY.upper().replace("COMPANY", "FIRM").replace(",", " ;")

    assert alike(ESSAY, ESSAY) == 1.0
    assert alike(ESSAY, changed) > 0.8
    assert set(of(ESSAY).bands) & set(of(changed).bands)


def test_other_words_for_the_same_are_not_alike():
    assert alike(ESSAY, OTHER) < 0.1
    assert not set(of(ESSAY).bands) & set(of(OTHER).bands)


def test_short_answers_and_quotes_of_the_question_have_no_print():
    assert of("The buyer needs the prior written consent of the licensor.") is None
    assert of(ESSAY, question=[ESSAY]) is None
    assert of("") is None
    assert of("a " * 2000) is None


def test_prints_of_other_questions_and_instances_never_meet():
    assert not set(of(ESSAY).bands) & set(of(ESSAY, item="law-007").bands)
    assert not set(of(ESSAY).bands) & set(of(ESSAY, key=b"another").bands)


def test_parts_of_an_answer_are_taken_together():
    pasted = signals.read(json.dumps({**SOUND, "pasted": 4000}), took=HOUR)
    typed = signals.read(json.dumps({**SOUND, "pasted": 0, "first_key_ms": 5}), took=HOUR)

    found = signals.together([(250, pasted), (150, typed), (600, None)])

    # No more was pasted into a part than it has, and the first part tells how soon it began.
    assert (found.pasted, found.pastes, found.away_ms, found.first_key_ms) == (250, 2, 1800, 800)
    assert signals.facts(found, 1000, 0.0).pasted_share == 0.25
    assert signals.together([(250, None), (150, typed)]).first_key_ms is None
    assert signals.together([(250, None)]) is None
    assert signals.together([]) is None
