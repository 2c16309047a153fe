"""What a row says of a task: the final answer, how sure it is, and how it became final."""

import hashlib
import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from annotation.released import AnswerRow, Read, TaskRow
from releases import readings, rows
from releases.columns import SPAN
from releases.readings import Readings
from releases.recipe import Marks, Recipe
from tests.factories.annotation import choice
from tests.factories.releases import row_of

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def answer(number, result, how="AG-1", at=AT, state="accepted"):
    rule = None if how == "person" else how
    return AnswerRow(1, number, number, state, rule, at, at, 60, 420, "eur", json.dumps(result))


def read(*answers, project_id=1, group_key="mit", data=None):
    held = json.dumps(data or {"text": "The licensor grants you a licence."})
    return Read(TaskRow(1, project_id, "t-1", group_key, held, None), answers, {})


def row(*answers, recipe=None, levels=None, **changes):
    setting = rows.Setting(recipe or Recipe(), 1, levels or {})
    return row_of(read(*answers, **changes), setting)


def test_a_row_holds_the_answer_of_more_than_half():
    mark = (4, 12, "Party")
    found = row(
        answer(1, choice("grant", mark)), answer(2, choice("grant", mark)), answer(3, choice())
    )

    assert found["label"] == "grant"
    assert list(found["spans"]) == [{"start": 4, "end": 12, "label": "Party", "text": "licensor"}]
    assert found["annotator_count"] == 3
    assert found["confidence"] == 1.0


def test_confidence_and_agreement_say_how_far_the_answers_go_together():
    found = row(answer(1, choice("grant")), answer(2, choice("grant")), answer(3, choice("patent")))

    assert found["confidence"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["agreement"] == pytest.approx(1 / 3)


def test_without_more_than_half_it_is_undecided_and_the_shares_say_how_far():
    found = row(answer(1, choice("grant")), answer(2, choice("patent")))

    assert (found["label"], found["undecided"]) == (None, True)
    assert [one["probability"] for one in found["probabilities"]] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (Recipe(min_answers=3), "few_answers"),
        (Recipe(min_agreement=0.5), "low_agreement"),
        (Recipe(min_level=0.8), "low_level"),
        (Recipe(since="2026-11-23"), "out_of_dates"),
        (Recipe(before="2026-11-21"), "out_of_dates"),
    ],
)
def test_what_is_left_out_says_why(recipe, reason):
    answers = answer(1, choice("grant")), answer(2, choice("patent"))

    assert row(*answers, recipe=recipe, levels={(1, 1): 0.7}) == {"left_out": reason}


def test_answers_of_a_lower_level_do_not_count():
    answers = answer(1, choice("grant")), answer(2, choice("patent"))

    found = row(*answers, recipe=Recipe(min_level=0.8), levels={(1, 1): 0.95, (1, 2): 0.7})

    assert (found["label"], found["annotator_count"]) == ("grant", 1)
    assert found["credential_classes"] == ["interview-outstanding"]


@pytest.mark.parametrize(
    ("minor", "currency", "name"),
    [
        (99, "eur", "eur 0-1"),
        (100, "eur", "eur 1-5"),
        (10_000, "eur", "eur 100+"),
        (3, "jpy", "jpy 1-5"),
    ],
)
def test_the_class_of_pay_is_in_whole_units(minor, currency, name):
    assert rows.price_class(minor, currency) == name


def test_ids_and_their_order_make_no_difference_to_what_an_answer_says():
    one = json.dumps(choice("grant", (4, 12, "Party")))
    other = one.replace('"c1"', '"x9"').replace('"m0"', '"c1"')
    alone = json.dumps(choice("grant"))

    known = Readings()

    assert len(set(known.numbers(pa.array([one, other])))) == 1
    assert len(set(known.numbers(pa.array([alone, alone.replace('"c1"', '"y"')])))) == 1
    named = [alone.replace("c1", name) for name in ("x8", "y9", "longer", "é")]
    assert len(set(known.numbers(pa.array(named)))) == 1
    assert len(set(known.numbers(pa.array([*named[:2], named[0].replace("grant", "b")])))) == 2


@pytest.mark.parametrize("id_", ['a"b', "a\\", '", "type": "x', "_id", "é", ""])
def test_an_id_of_any_signs_is_read(id_):
    """An id may hold what JSON escapes: it must not be taken for the end of the id."""
    result = [choice("grant")[0] | {"id": id_}]
    as_postgresql = json.dumps({"id": id_} | result[0], ensure_ascii=False)

    found = row(answer(1, [json.loads(as_postgresql)]), answer(2, choice("grant")))

    assert (found["label"], found["agreement"]) == ("grant", 1.0)


def test_more_different_answers_than_are_remembered_are_read_all_the_same(monkeypatch):
    monkeypatch.setattr(readings, "MOST", 2)
    known = Readings()

    for clause in ("grant", "patent", "warranty", "grant"):
        [number] = known.numbers(pa.array([json.dumps(choice(clause))]))
        assert known.all[number].label == clause
        assert known.summaries[known.summed(np.array([number]), np.array([1]))[0]].label == clause


def test_marks_that_overlap_are_one_where_the_owner_wants_it():
    said = [choice("grant", (4, end, "Party")) for end in (12, 11, 11)]
    answers = [answer(number, one) for number, one in enumerate(said)]

    exact, joined = (row(*answers, recipe=Recipe(marks=marks)) for marks in Marks)

    assert [(one["start"], one["end"]) for one in joined["spans"]] == [(4, 11)]
    assert joined["span_confidence"] == [1.0]
    assert exact["span_confidence"] == []
    result = json.loads(joined["result"])
    assert [(one["id"], one.get("score")) for one in result] == [("t0", None), ("m0", 1.0)]
    assert result[0]["value"] == {"choices": ["grant"]}


def test_relations_stay_whose_ends_are_kept():
    first, second, lost = (choice("grant", (at, at + 5, "Party"))[1] for at in (0, 10, 20))
    parts = [one | {"id": name} for one, name in ((first, "a"), (second, "b"), (lost, "c"))]
    relations = [
        {"type": "relation", "from_id": start, "to_id": end, "direction": "right"}
        for start, end in (("a", "b"), ("b", "c"))
    ]

    found = row(
        answer(1, [*parts[:2], *relations[:1]]),
        answer(2, parts[:2]),
        answer(3, [*parts, *relations]),
        recipe=Recipe(marks=Marks.OVERLAP),
    )

    said = json.loads(found["result"])
    [kept] = [one for one in said if one["type"] == "relation"]
    assert (kept["from_id"], kept["to_id"]) == ("m0", "m1")
    assert [one["id"] for one in said if one["type"] == "labels"] == ["m0", "m1"]


@pytest.mark.parametrize(
    ("how", "path"),
    [
        (["AG-1", "AG-1"], "agreement"),
        (["person", "AG-1"], "review"),
        (["SL-1", "AG-1"], "silence"),
        (["XX-9"], "XX-9"),
    ],
)
def test_the_path_names_how_answers_became_final(how, path):
    answers = [answer(number, choice(), one) for number, one in enumerate(how)]

    assert row(*answers)["review_path"] == path


def test_a_task_without_a_group_is_its_own():
    assert row(answer(1, choice()), group_key=None)["group"] == "t-1"
    assert row(answer(1, choice()))["group"] == "mit"


def test_the_hash_changes_with_the_answer():
    mark = {"start": 4, "end": 12, "label": "Party", "text": "licensor"}
    labels, marks = ["grant", "patent", None, "grant"], [[], [], [], [mark]]
    ids, data, spans = pa.repeat("t", 4), pa.repeat("{}", 4), pa.array(marks, pa.list_(SPAN))

    found = rows.row_hashes(ids, data, pa.array(labels), spans).to_pylist()

    said = 't\n{}\ngrant\n[{"end":12,"label":"Party","start":4,"text":"licensor"}]'
    assert found[3] == hashlib.sha256(said.encode()).hexdigest()[:16]
    # What a row without an answer has always had.
    assert found[2] == hashlib.sha256(b"t\n{}\nNone\n").hexdigest()[:16]
    assert len(set(found)) == 4
    assert (
        rows.row_hashes(ids[:2], data[:2], pa.array(labels[:2]), spans[:2])[0].as_py() == found[0]
    )


def test_marks_alone_make_a_row_too():
    only_marks = choice("grant", (4, 12, "Party"))[1:]

    found = row(answer(1, only_marks), answer(2, only_marks))

    assert found["label"] is None
    assert found["confidence"] == 1.0
    assert len(found["spans"]) == 1
