"""What the editor makes passes; whatever is changed in it so that it is wrong does not."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation import results
from annotation.storable import is_storable
from tests.annotation.label_studio.made import ANSWERS
from tests.annotation.label_studio.templates import TEMPLATES

Path = tuple[Any, ...]
# Of other kinds than whatever stands there; each is wrong wherever it is put.
FOREIGN: list[Any] = [
    *(None, {}, [], [[]], {"a": 1}, [{"__proto__": 1}], ["x", 1], float("nan"), float("-inf")),
    *(-1, 10**9, 2**60, "", "\x00", "\ud800", "<img src=x onerror=alert(1)>", "__proto__"),
    *(True, 1.5, "7"),
]
# Where one of these is no fault: what says nothing about the answer, or may be any text or number.
OPEN: dict[str, tuple[Any, ...]] = {
    "id": (str,),
    "closed": (bool,),
    "enabled": (bool,),
    "isBezier": (bool,),
    "instant": (bool,),
    "rotation": (int, float),
    "time": (int, float),
    "duration": (int, float),
    "lead_time": (int, float),
    "original_length": (int, float),
    "framesCount": (int,),
    "channel": (int,),
    # Anywhere inside of the picture is a place; what must fit is checked by name below.
    **dict.fromkeys(("x", "y", "width", "height", "radiusX", "radiusY"), (int, float)),
    "points": (int, float),
    "rle": (int,),
    "text": (str,),
    "number": (int, float),
    "item_index": (type(None),),
    "labels": (list,),
    "best": (list,),
    "_": (list,),
    "meta": (dict,),
    "ranges": (int, float),
    "start": (int, float),
    "end": (int, float),
}


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """Yield the way to each part of an answer."""
    if above:
        yield above
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*above, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:12]):
            yield from paths(inner, (*above, index))


def changed(answer: list[Any], path: Path, put: Any) -> list[Any]:
    """Return an answer with one part changed."""
    new = copy.deepcopy(answer)
    place: Any = new
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = put
    return new


def without(answer: list[Any], path: Path) -> list[Any]:
    """Return an answer without one part."""
    new = copy.deepcopy(answer)
    place: Any = new
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return new


def codes(name: str, answer: Any) -> set[str]:
    template = TEMPLATES[name]
    return {one.code for one in results.problems(template.config, template.data, answer)}


def is_open(path: Path, put: Any) -> bool:
    """Return whether a change need not be wrong."""
    names = [step for step in path if isinstance(step, str)]
    kinds = OPEN.get(names[-1] if names else "", ())
    return any(type(put) is kind for kind in kinds)


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_the_editor_made_has_no_problem(name):
    assert codes(name, ANSWERS[name]) == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_part_of_another_kind_is_a_problem(name):
    answer = ANSWERS[name]
    passed = [
        (path, put)
        for path in paths(answer)
        for put in FOREIGN
        if not is_open(path, put) and not codes(name, changed(answer, path, put))
    ]

    assert passed == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["start", "end", "text", "x", "__proto__", ""]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_is_put_anywhere_is_a_problem_or_still_an_answer_and_never_a_crash(data):
    name = data.draw(st.sampled_from(sorted(ANSWERS)))
    answer: Any = ANSWERS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        ways = list(paths(answer))
        if not ways:
            break
        answer = changed(answer, data.draw(st.sampled_from(ways)), data.draw(anything))

    if not codes(name, answer):
        # What passes is plain enough for the database, and for whoever reads it later.
        assert is_storable(answer)
        assert all(
            part["from_name"] in TEMPLATES[name].config for part in answer if "value" in part
        )


NEEDED = {"from_name", "to_name", "type", "value", "from_id", "to_id", "direction"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_is_needed_may_not_lack_and_nothing_may_be_added(name):
    answer = ANSWERS[name]
    for index, region in enumerate(answer):
        for key in NEEDED & region.keys():
            assert codes(name, without(answer, (index, key))), (name, key)
        for extra in ("extra", "__proto__", "constructor", "html", "task", "completed_by"):
            assert codes(name, changed(answer, (index, extra), 1)), (name, extra)
            if "value" in region:
                assert codes(name, changed(answer, (index, "value", extra), 1)), (name, extra)
        if "value" in region:
            again = [*answer, copy.deepcopy(region)]
            assert codes(name, again), (name, "twice")


WRONG: list[tuple[str, Path, Any, str]] = [
    ("spans of a text", (0, "value", "end"), 22, "misquoted"),
    ("spans of a text", (0, "value", "start"), 16, "misquoted"),
    ("spans of a text", (0, "value", "end"), 99, "offsets"),
    ("spans of a hypertext", (0, "value", "text"), "of cod e more", "misquoted"),
    ("spans of a hypertext", (0, "value", "end"), "javascript:alert(1)", "malformed"),
    ("spans of a hypertext", (0, "value", "globalOffsets", "end"), 999, "offsets"),
    ("spans of a hypertext", (0, "value", "endOffset"), 0, "offsets"),
    ("a conversation", (0, "value", "startOffset"), 7, "misquoted"),
    ("a conversation", (0, "value", "endOffset"), 40, "offsets"),
    ("a conversation", (0, "value", "end"), "2", "offsets"),
    ("a conversation", (0, "value", "end"), "0", "offsets"),
    ("a taxonomy", (0, "value", "taxonomy"), [["Civil"]], "unknown_option"),
    ("a taxonomy", (0, "value", "taxonomy"), [["Other", "Civil"]], "unknown_option"),
    ("a ranking by keyboard", (0, "value", "ranker", "rank"), ["two", "one"], "other_things"),
    ("a ranking by keyboard", (0, "value", "ranker", "rank"), ["two", "one", "x"], "other_things"),
    ("a ranking by keyboard", (0, "value", "ranker"), {"best": ["two"]}, "other_things"),
    ("a ranking in buckets", (0, "value", "ranker", "best"), ["two", "one"], "repeated"),
    ("a ranking in buckets", (0, "value", "ranker", "worst"), [], "other_things"),
    ("a comparison of two", (0, "to_name"), "three", "malformed"),
    ("rating, number, date and texts", (0, "value", "rating"), 6, "out_of_range"),
    ("rating, number, date and texts", (1, "value", "number"), 10.5, "out_of_range"),
    ("rating, number, date and texts", (2, "value", "datetime"), "2026-02-30", "malformed"),
    ("rating, number, date and texts", (2, "value", "datetime"), "22.11.2026", "malformed"),
    ("rating, number, date and texts", (3, "value", "text"), ["a", "b", "c", "d"], "too_many"),
    ("boxes", (0, "value", "width"), 99, "outside"),
    ("boxes", (0, "value", "x"), -5, "outside"),
    ("boxes", (0, "value", "height"), 0, "malformed"),
    ("boxes", (0, "original_width"), 0, "malformed"),
    ("boxes", (0, "image_rotation"), 45, "malformed"),
    ("ellipses", (0, "value", "radiusX"), 101, "outside"),
    ("polygons", (0, "value", "points"), [[1, 1], [2, 2]], "too_few"),
    ("polygons", (0, "value", "points"), [[1, 1], [2, 2], [3, 300]], "outside"),
    ("polygons", (0, "value", "points"), [[1, 1], [2, 2], [3]], "malformed"),
    ("lines", (0, "value", "vertices", 1, "prevPointId"), "gone", "malformed"),
    ("lines", (0, "value", "vertices", 1, "id"), "3tnDwgPO", "malformed"),
    ("lines", (0, "value", "vertices", 1, "x"), 400, "outside"),
    ("a brush", (0, "value", "rle", 3), 1, "other_size"),
    ("a brush", (0, "original_height"), 241, "other_size"),
    ("a brush", (0, "value", "rle", 7), 256, "malformed"),
    ("a brush", (0, "value", "format"), "png", "malformed"),
    ("a bitmask", (0, "original_width"), 321, "other_size"),
    ("a bitmask", (0, "value", "imageDataURL"), "https://evil.example/x.png", "malformed"),
    ("a bitmask", (0, "value", "imageDataURL"), "data:image/png;base64,PHN2Zz4=", "malformed"),
    ("several pictures", (0, "item_index"), 2, "malformed"),
    ("a sound", (0, "value", "end"), 4.5, "outside_time"),
    ("a sound", (0, "value", "start"), 0.99, "outside_time"),
    ("a sound", (0, "value", "start"), -0.5, "outside_time"),
    ("boxes in a film", (0, "value", "sequence", 0, "frame"), 18, "outside_time"),
    ("boxes in a film", (0, "value", "sequence", 0, "frame"), 0, "malformed"),
    ("boxes in a film", (0, "value", "sequence", 0, "width"), 0, "malformed"),
    ("boxes in a film", (0, "value", "labels"), ["Lorry"], "malformed"),
    ("times of a film", (0, "value", "ranges", 0, "start"), 6, "outside_time"),
    ("times of a film", (0, "value", "ranges", 0, "start"), 0, "outside_time"),
    ("a time series", (0, "value", "end"), 100, "outside_time"),
    ("a time series", (0, "value", "start"), 8, "outside_time"),
    ("a relation", (2, "to_id"), "one", "relation"),
    ("a relation", (2, "to_id"), "gone", "relation"),
    ("a relation", (2, "labels"), ["binds", "binds"], "relation"),
    ("a relation", (0, "parentID"), "gone", "no_mark"),
    ("a relation", (0, "parentID"), "one", "no_mark"),
    ("a choice about a mark", (1, "id"), "other", "no_mark"),
    ("a choice about a mark", (1, "value", "start"), 27, "misquoted"),
    ("one choice", (0, "meta"), {"text": ["x" * 10_001]}, "malformed"),
    ("one choice", (0, "meta"), {"html": "x"}, "malformed"),
    ("one choice", (0, "origin"), "gold", "malformed"),
    ("one choice", (0, "id"), "x" * 101, "malformed"),
    ("one choice", (0, "value", "start"), 1, "unknown_key"),
]


@pytest.mark.parametrize(("name", "path", "put", "code"), WRONG)
def test_what_is_wrong_by_its_meaning_is_said(name, path, put, code):
    assert code in codes(name, changed(ANSWERS[name], path, put))


def test_two_marks_may_not_share_an_id():
    first, second, _relation = ANSWERS["a relation"]

    assert codes("a relation", [first, second]) == set()
    assert codes("a relation", [first, {**second, "id": first["id"]}]) == {"same_id"}
