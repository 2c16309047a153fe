"""Answers against known ones, by kind of question: cases without a database."""

import pytest

from annotation import agreement, gold, measures, sample_score
from annotation.label_config import parse
from annotation.sample_score import Line, Outcome, around, card, outcome
from tests.annotation.label_studio.cases import BY_REGION, MANY, PAIR, PICTURE
from tests.factories.annotation import CLAUSES, choice

TEXT_CONFIG, PICTURE_CONFIG = parse(CLAUSES), parse(PICTURE)


def box(x, y, width, height, label="Car", number=1):
    value = {"x": x, "y": y, "width": width, "height": height, "rectanglelabels": [label]}
    return {
        "id": f"b{number}",
        "from_name": "boxes",
        "to_name": "image",
        "type": "rectanglelabels",
        "value": value,
    }


def whole(name, kind, key, value):
    return {"from_name": name, "to_name": "text", "type": kind, "value": {key: value}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (choice("grant", (4, 12, "Party")), {"clause": 1.0, "spans": 1.0}),
        (choice("patent", (4, 12, "Party")), {"clause": 0.0, "spans": 1.0}),
        (choice("grant"), {"clause": 1.0, "spans": 0.0}),
        (choice("grant", (4, 12, "Party"), (0, 3, "Party")), {"clause": 1.0, "spans": 2 / 3}),
        (choice("grant", (4, 12, "Obligation")), {"clause": 1.0, "spans": 0.0}),
        ([], {"clause": 0.0, "spans": 0.0}),
    ],
)
def test_choices_and_marks_count_as_agreement_counts_them(given, expected):
    gold = choice("grant", (4, 12, "Party"))

    parts = measures.compare(TEXT_CONFIG, given, gold)

    assert {part.control: pytest.approx(part.score) for part in parts} == expected
    marks = agreement.span_f1(agreement.spans(given), agreement.spans(gold))
    assert expected["spans"] == pytest.approx(marks)


@pytest.mark.parametrize(
    ("given", "score"),
    [
        ([box(10, 10, 20, 20)], 1.0),
        ([box(12, 11, 20, 20)], 1.0),
        ([box(10, 10, 20, 20), box(10, 10, 20, 20, number=2)], 1.0),  # drawn twice, meant once
        ([box(10, 10, 20, 20), box(11, 10, 20, 20, number=2)], 2 / 3),
        ([box(60, 60, 20, 20)], 0.0),
        ([box(0, 0, 100, 100)], 0.0),
        ([], 0.0),
    ],
)
def test_boxes_meet_where_they_share_half_of_what_both_cover(given, score):
    [part] = measures.compare(PICTURE_CONFIG, given, [box(10, 10, 20, 20)])

    assert part.score == pytest.approx(score)
    assert part.measure is measures.Measure.AREAS


def test_a_polygon_is_compared_by_the_box_around_it():
    def road(*points):
        value = {"points": [list(point) for point in points], "polygonlabels": ["Road"]}
        return [
            {"id": "p", "from_name": "areas", "to_name": "image", "type": "polygonlabels"}
            | {"value": value}
        ]

    gold = road((0, 0), (20, 0), (20, 20))

    near = measures.compare(PICTURE_CONFIG, road((1, 1), (20, 0), (19, 20)), gold)
    hostile = measures.compare(PICTURE_CONFIG, road((0, 0), ("x", None), (1,)), gold)

    assert (near[0].score, hostile[0].score) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("gold", "given", "score"),
    [
        (("kinds", "choices", "choices", ["a", "bee"]), ["a"], 2 / 3),
        (("tree", "taxonomy", "taxonomy", [["Law", "Civil"]]), [["Law", "Civil"]], 1.0),
        (("tree", "taxonomy", "taxonomy", [["Law", "Civil"]]), [["Law", "Penal"]], 0.0),
        (("stars", "rating", "rating", 4), 3, 2 / 3),
        (("count", "number", "number", 5), 5.0, 1.0),
        (("count", "number", "number", 5), 6, 0.0),
        (("day", "datetime", "datetime", "2026-01-01"), "2026-01-01", 1.0),
    ],
)
def test_other_questions_have_their_measures(gold, given, score):
    name, kind, key, known = gold

    [part] = measures.compare(
        parse(MANY), [whole(name, kind, key, given)], [whole(name, kind, key, known)]
    )

    assert part.score == pytest.approx(score)


def test_what_is_asked_about_a_mark_counts_where_the_mark_is_met():
    def marked(at, sure):
        mark = {"id": "m", "from_name": "spans", "to_name": "text", "type": "labels"}
        mark |= {"value": {"start": at, "end": 12, "labels": ["Party"]}}
        about = {"id": "m", "from_name": "sure", "to_name": "text", "type": "choices"}
        about |= {"value": {"start": at, "end": 12, "choices": [sure]}}
        return [mark, about]

    config = parse(BY_REGION)

    same = measures.compare(config, marked(4, "yes"), marked(4, "yes"))
    other = measures.compare(config, marked(4, "no"), marked(4, "yes"))
    elsewhere = measures.compare(config, marked(5, "yes"), marked(4, "yes"))

    assert [part.score for part in same] == [1.0, 1.0]
    assert [part.score for part in other] == [1.0, 0.0]
    assert [part.score for part in elsewhere] == [0.0, 0.0]


def test_free_text_is_named_and_not_compared():
    gold = [whole("why", "textarea", "text", ["because"])]

    assert measures.unmeasured(parse(MANY), gold) == ("why",)
    assert not measures.is_measurable(parse(MANY), gold)


def regions(name, kind, *values, to_name="image"):
    return [
        {"id": f"{name}{number}", "from_name": name, "to_name": to_name, "type": kind, "value": one}
        for number, one in enumerate(values)
    ]


RANKED = """
<View>
  <List name="list" value="$list" title="Answers"/>
  <Ranker name="rank" toName="list"/>
</View>
"""
RANKING = whole("rank", "ranker", "ranker", {"_": ["a", "b"]})
ROAD = {"points": [[0, 0], [20, 0], [20, 20]], "polygonlabels": ["Road"]}
FAR = {"points": [[60, 60], [80, 60], [80, 80]], "polygonlabels": ["Road"]}
JOINED = [
    *regions(
        "spans",
        "labels",
        {"start": 4, "end": 12, "labels": ["Party"]},
        {"start": 0, "end": 3, "labels": ["Obligation"]},
        to_name="text",
    ),
    {"type": "relation", "from_id": "spans0", "to_id": "spans1", "direction": "right"}
    | {"labels": ["binds"]},
]


def turned(**changes):
    """Return the same marks, under other ids, with another relation between them."""
    marks = [one | {"id": f"other-{one['id']}"} for one in JOINED[:2]]
    relation = {"from_id": "other-spans0", "to_id": "other-spans1", "direction": "right"}
    return [*marks, {"type": "relation", "labels": ["binds"]} | relation | changes]


@pytest.mark.parametrize(
    ("config", "known", "right", "wrong"),
    [
        (PICTURE, [box(10, 10, 20, 20)], [box(12, 11, 20, 20)], [box(60, 60, 20, 20)]),
        (PICTURE, [box(10, 10, 20, 20)], [box(10, 10, 20, 20)], []),
        (
            PICTURE,
            [box(10, 10, 20, 20)],
            [box(10, 10, 20, 20)],
            [box(10, 10, 20, 20), box(60, 60, 9, 9, number=2)],
        ),
        (
            PICTURE,
            regions("areas", "polygonlabels", ROAD),
            regions("areas", "polygonlabels", ROAD),
            regions("areas", "polygonlabels", FAR),
        ),
        (RANKED, [RANKING], [RANKING], [whole("rank", "ranker", "ranker", {"_": ["b", "a"]})]),
        (
            MANY,
            [whole("count", "number", "number", 5)],
            [whole("count", "number", "number", 5.0)],
            [whole("count", "number", "number", 6)],
        ),
        (
            MANY,
            [whole("kinds", "choices", "choices", ["a"]), whole("count", "number", "number", 5)],
            [whole("kinds", "choices", "choices", ["a"]), whole("count", "number", "number", 5)],
            [whole("kinds", "choices", "choices", ["a"]), whole("count", "number", "number", 6)],
        ),
        (
            PAIR,
            [whole("better", "pairwise", "selected", "left")],
            [whole("better", "pairwise", "selected", "left")],
            [whole("better", "pairwise", "selected", "right")],
        ),
        (BY_REGION, JOINED, turned(), turned(direction="left")),
        (BY_REGION, JOINED, turned(), turned(labels=[])),
        (BY_REGION, JOINED, turned(), turned()[:2]),
        (
            BY_REGION,
            JOINED,
            turned(from_id="other-spans1", to_id="other-spans0", direction="left"),
            turned(direction="bi"),
        ),
    ],
)
def test_a_known_answer_of_any_kind_is_met_or_missed(config, known, right, wrong):
    assert gold.score(parse(config), right, known).is_right
    missed = gold.score(parse(config), wrong, known)
    assert missed.is_missed
    assert not missed.is_right


def test_a_known_answer_in_free_text_is_neither_met_nor_missed():
    known = [whole("why", "textarea", "text", ["because"])]

    for given in (known, [], [whole("why", "textarea", "text", ["no"])]):
        score = gold.score(parse(MANY), given, known)
        assert (score.is_comparable, score.is_right, score.is_missed) == (False, False, False)


def test_relations_count_once_and_hostile_ones_not_at_all():
    config = parse(BY_REGION)
    back = {"from_id": "spans1", "to_id": "spans0", "direction": "left", "labels": ["binds"]}
    twice = [*JOINED, {"type": "relation"} | back]
    odd = [*JOINED, {"type": "relation", "from_id": None, "to_id": ["x"], "labels": "binds"}]

    for given in (twice, odd):
        marks, relations = measures.compare(config, given, JOINED)
        assert (marks.score, relations.score) == (1.0, 1.0)
    assert relations.control == "relations"


LINE = Line(pass_share=0.7, floor_share=0.0)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([1, 1, 1], Outcome.PASSED),
        ([1, 1, 0.1], Outcome.PASSED),
        ([1, 1, 0], Outcome.NEAR),
        ([0, 0, 0], Outcome.FAILED),
        ([1, 0, 0], Outcome.FAILED),
        ([1, 1, 0, 0], Outcome.NEAR),
        ([1, 0, 0, 0, 0, 0, 0, 0], Outcome.FAILED),
    ],
)
def test_the_rule_refuses_only_where_it_is_sure(scores, said):
    found = card([], scores)

    assert outcome(found, LINE, in_doubt=False) is said
    assert outcome(found, LINE, in_doubt=True) is not Outcome.FAILED


def test_below_a_floor_a_person_looks():
    parts = measures.compare(TEXT_CONFIG, choice("grant"), choice("grant", (4, 12, "Party")))
    found = card([parts] * 3, [1, 1, 1])

    assert sample_score.weak(found, Line(0.5, 0.4)) == ["spans"]
    assert outcome(found, Line(0.5, 0.4), in_doubt=False) is Outcome.NEAR


def test_the_range_narrows_with_more_tasks():
    low, high = around(0.5, 3)
    closer = around(0.5, 8)

    assert 0 < low < closer[0] < 0.5 < closer[1] < high < 1
