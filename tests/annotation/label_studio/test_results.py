"""Answers are checked against the config and the data, as strictly as the SDK and more."""

import copy
from typing import Any

import pytest
from label_studio_sdk.label_interface import LabelInterface

from annotation import results
from annotation.storable import is_storable
from tests.annotation.label_studio.cases import (
    BAD_TO_BOTH,
    BAD_TO_US,
    BY_REGION,
    CLAUSES,
    DATA,
    GOOD,
    HOSTILE,
    MANY,
    MANY_DATA,
    clause,
    part,
    span,
)


def codes(config: str, data: dict[str, Any], result: Any) -> set[str]:
    return {problem.code for problem in results.problems(config, data, result)}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_answer_has_no_problem_for_us_nor_for_the_sdk(name):
    config, data, result = GOOD[name]

    assert codes(config, data, result) == set()
    assert LabelInterface(config)._validate_object({"result": result}, return_errors=True) == []


@pytest.mark.parametrize("name", BAD_TO_BOTH)
def test_what_the_sdk_refuses_we_refuse(name):
    config, data, result, code = BAD_TO_BOTH[name]

    assert LabelInterface(config)._validate_object({"result": result}, return_errors=True)
    assert code in codes(config, data, result)


@pytest.mark.parametrize("name", BAD_TO_US)
def test_what_the_sdk_misses_we_refuse(name):
    config, data, result, code = BAD_TO_US[name]

    assert codes(config, data, result) == {code}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_editor_sends_is_a_problem_and_never_a_crash(name):
    assert results.problems(CLAUSES, DATA, HOSTILE[name])


def test_every_part_of_a_good_answer_may_be_broken_without_a_crash():
    broken: list[Any] = [None, True, -1, 1.5, "", "x", [], [[]], {}, {"a": []}, ["x", 1]]
    for config, data, result in GOOD.values():
        for index, region in enumerate(result):
            for path in [*region, *(("value", key) for key in region.get("value", {}))]:
                for bad in broken:
                    changed = copy.deepcopy(result)
                    target = changed[index]
                    if isinstance(path, tuple):
                        target, path_key = target["value"], path[1]
                    else:
                        path_key = path
                    target[path_key] = bad
                    results.problems(config, data, changed)


def test_offsets_count_characters_as_python_does():
    # The licensor 😀 grants: the smile is one sign, as in Label Studio's editor.
    assert codes(CLAUSES, DATA, [clause(), span(15, 21, "grants")]) == set()


def test_a_mark_in_a_text_that_lies_elsewhere_is_not_compared_with_its_address():
    config = CLAUSES.replace('value="$text"/>', 'value="$text" valueType="url"/>', 1)

    assert codes(config, {"text": "/t.txt"}, [clause(), span(40, 48, "licensor")]) == set()


def test_options_may_come_with_the_task():
    chosen = part("mine", "choices", choices=["z"])

    assert codes(MANY, MANY_DATA, [chosen]) == set()
    assert codes(MANY, {"text": "t", "options": "not a list"}, [chosen]) == {"unknown_option"}


def test_a_choice_about_a_mark_is_given_once_for_each_mark():
    about = part("sure", "choices", start=4, end=12, text="licensor", choices=["yes"], id="m1")

    assert codes(BY_REGION, DATA, [span(id="m1"), about, about]) == {"answered_twice"}


def test_a_problem_says_what_to_do():
    [problem] = results.problems(CLAUSES, DATA, [])

    assert str(problem) == "Answer “clause”: it is required."


def test_the_same_problem_is_named_once():
    wrong = [clause(), *(span(4, 12, "licensee") for _ in range(9))]

    assert len(results.problems(CLAUSES, DATA, wrong)) == 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"a": [1, 2.5, None, True, "é😀"]}, True),
        ({"a\x00": 1}, False),
        ([float("-inf")], False),
        ("\udfff", False),
        ([2**60], False),
        (["x" * 4_000_001], False),
        ([[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]], False),
        ([0] * 200_001, False),
    ],
)
def test_only_what_the_database_can_hold_is_storable(value, kept):
    assert is_storable(value) is kept
