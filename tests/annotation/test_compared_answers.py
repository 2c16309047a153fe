"""Answers of models side by side: blind, in an order by lot, turned back, counted by position."""

import json

import pytest
from sqlmodel import select

from accounts.models import User
from annotation import agreement, assignment, blind, comparisons, loop, released
from annotation.label_config import parse
from annotation.loop_models import AnswerPlacing, ModelAnswer
from annotation.models import Annotation, Task
from annotation.tasks import BadFile
from core.clock import now
from releases.recipe import Recipe
from releases.rows import Setting
from tests.factories.annotation import claimed, handed_in
from tests.factories.loop import PAIRS, RANKS, lines, make_compared
from tests.factories.releases import row_of

BETTER = {"from_name": "better", "to_name": "one,two", "type": "pairwise"}


def chosen(side):
    return [BETTER | {"value": {"selected": side}}]


def ranked(*ids):
    value = {"ranker": {"rank": list(ids)}}
    return [{"from_name": "rank", "to_name": "answers", "type": "ranker", "value": value}]


def models_of(session, task_id):
    return {
        one.slot: one.model
        for one in session.exec(select(ModelAnswer).where(ModelAnswer.task_id == task_id))
    }


def claim(session, desk, number=0):
    expert_id = desk.experts[number].user_id
    return claimed(session, desk.project, expert_id, at=now())


def hand_in(session, desk, lease, result):
    answer = handed_in(session, lease, desk.project, result, at=now())
    session.flush()
    return answer


def add(session, desk, *rows):
    return comparisons.import_file(session, desk.project, lines(*rows), by=desk.owner, at=now())


def test_whoever_prefers_one_model_prefers_it_in_every_order(session):
    desk = make_compared(session, tasks=24, experts=1, funds=1_000_000)
    orders = set()
    for _ in range(24):
        lease = claim(session, desk)
        task = session.get(Task, lease.task_id)
        seen = loop.data_shown(desk.project, task, lease)
        side = "left" if "of a " in seen["first"] else "right"
        hand_in(session, desk, lease, chosen(side))
        orders.add(tuple(lease.terms["order"]))

    assert orders == {(1, 2), (2, 1)}
    found = comparisons.results(session, desk.project_id)
    assert [(one.name, one.first_share) for one in found.models] == [
        ("model-a", 1.0),
        ("model-b", 0.0),
    ]
    assert found.chance == 0.5
    assert abs(found.bias) < 0.4
    assert sum(one.placed for one in found.positions) == 48


def test_whoever_always_takes_the_left_is_seen_in_the_positions(session):
    desk = make_compared(session, tasks=8, experts=1)
    for _ in range(8):
        hand_in(session, desk, claim(session, desk), chosen("left"))

    found = comparisons.results(session, desk.project_id)

    assert [one.first_share for one in found.positions] == [1.0, 0.0]
    assert found.bias == 0.5


def test_two_experts_who_mean_the_same_agree_whatever_their_order(session):
    desk = make_compared(session, tasks=6, experts=2)
    for _ in range(6):
        for number in (0, 1):
            lease = claim(session, desk, number)
            left = models_of(session, lease.task_id)[lease.terms["order"][0]]
            hand_in(session, desk, lease, chosen("left" if left == "model-b" else "right"))

    by_task = {}
    for answer in session.exec(select(Annotation)):
        by_task.setdefault(answer.task_id, []).append(agreement.answer(answer.result))
    assert len(by_task) == 6
    assert all(agreement.is_unanimous(answers) for answers in by_task.values())


def test_opposite_choices_are_no_agreement():
    answers = [agreement.answer(chosen("left")), agreement.answer(chosen("right"))]

    assert not agreement.is_unanimous(answers)
    assert agreement.answer([]) == ()


def test_a_ranking_keeps_place_and_position_of_each_model(session):
    desk = make_compared(session, config=RANKS, experts=1)
    lease = claim(session, desk)
    task = session.get(Task, lease.task_id)
    shown = loop.data_shown(desk.project, task, lease)["answers"]

    answer = hand_in(session, desk, lease, ranked(*(one["id"] for one in reversed(shown))))

    placings = session.exec(
        select(AnswerPlacing).where(AnswerPlacing.assignment_id == answer.assignment_id)
    ).all()
    assert sorted((one.position, one.place) for one in placings) == [(1, 3), (2, 2), (3, 1)]
    assert [int(one["id"]) for one in shown] == lease.terms["order"]


def test_a_task_that_comes_back_has_its_order_and_its_draft(session):
    desk = make_compared(session, config=RANKS, experts=1)
    first = claim(session, desk)
    assignment.save_draft(session, first, ranked("2", "1"), at=now())
    assignment.give_back(session, first, at=now())
    session.flush()

    again = claim(session, desk)

    assert again.id != first.id
    assert again.terms["order"] == first.terms["order"]
    assert assignment.draft_of(session, again).result == ranked("2", "1")


def test_the_export_names_the_models_and_the_expert_never_sees_them(session, sign_in):
    desk = make_compared(session, experts=1, overlap=1)
    client = sign_in(session.get(User, desk.experts[0].user_id))
    place = client.post(f"/work/claim/{desk.project_id}").location
    pages = client.get(place).text + client.get(f"{place}/task.json").text
    client.post(f"{place}/submit", json={"result": chosen("left")})
    session.expire_all()
    lease = session.exec(select(AnswerPlacing)).first()
    held = session.get(assignment.Assignment, lease.assignment_id)
    held.state = held.verdict = assignment.State.ACCEPTED
    held.decided_at, held.decided_rule = now(), "SL-1"
    session.add(held)
    session.flush()

    [found] = released.read(session, [desk.project_id], until=now())
    row = row_of(found, Setting(Recipe(), desk.project_id, {}))

    assert "model-a" not in pages
    assert "model-b" not in pages
    compared = json.loads(row["models_compared"])
    assert [one["position"] for one in compared] == [1, 2]
    assert [one["place"] for one in compared] == [1, 2]
    assert {one["model"] for one in compared} == {"model-a", "model-b"}
    left = models_of(session, found.task.id)[held.terms["order"][0]]
    assert compared[0]["model"] == left
    assert row["started_from"] == "blank"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answers": {"a": "x"}}, "from 2 to 2"),
        ({"answers": {"a": "x", "b": "y", "c": "z"}}, "from 2 to 2"),
        ({"answers": [{"model": "a", "text": "x"}, {"model": "a", "text": "y"}]}, "of its own"),
        ({"answers": {"a": "x", "b": ""}}, "neither of them empty"),
        ({"answers": {"a": "x", " ": "y"}}, "neither of them empty"),
        ({"answers": {"a": "x", "b": "y\0"}}, "cannot be kept"),
        ({"answers": None}, "from 2 to 2"),
        ({"data": {"prompt": "p", "first": "x"}}, "Leave “first” out"),
        ({"data": {}}, "missing or empty"),
        ({"model": "a"}, "Move “model”"),
    ],
)
def test_a_line_that_is_wrong_adds_nothing(session, change, words):
    desk = make_compared(session, tasks=0 + 1)
    good = {"id": "n", "data": {"prompt": "p"}, "answers": {"a": "x", "b": "y"}}

    with pytest.raises(BadFile) as bad, session.begin_nested():
        add(session, desk, good, good | {"id": "m"} | change)

    assert bad.value.troubles[0].number == 2
    assert words in bad.value.troubles[0].words
    assert len(session.exec(select(Task).where(Task.project_id == desk.project_id)).all()) == 1


def test_the_same_file_again_adds_nothing_and_other_models_need_a_new_task(session):
    desk = make_compared(session)
    row = {"data": {"prompt": "p"}, "answers": {"a": "x", "b": "x"}, "id": "same"}
    assert add(session, desk, row).added == 1
    assert add(session, desk, row).added == 0
    with pytest.raises(BadFile):
        add(session, desk, row | {"answers": {"a": "x", "c": "x"}})


@pytest.mark.parametrize(
    ("config", "unfit"),
    [
        (PAIRS.replace("<Pairwise", "<Rating").replace("Pairwise>", "Rating>"), "no_control"),
        (PAIRS.replace("$second", "$first"), "no_fields"),
        (PAIRS.replace("</View>", '<Rating name="r" toName="one"/></View>'), "other_controls"),
        (PAIRS.replace("</View>", '<Pairwise name="p" toName="one,two"/></View>'), "several"),
        (RANKS.replace("$answers", "fixed"), "no_fields"),
    ],
)
def test_labels_that_compare_nothing_are_told(config, unfit):
    assert blind.plan(parse(config)) == unfit


def test_buckets_give_places_with_ties():
    config = RANKS.replace(
        '<Ranker name="rank" toName="answers"/>',
        '<Ranker name="rank" toName="answers"><Bucket name="good"/><Bucket name="bad"/></Ranker>',
    )
    how = blind.plan(parse(config))
    value = {"ranker": {"good": ["3", "1"], "bad": ["2"], "_": ["4"], "x": None}}
    part = {"from_name": "rank", "value": value}

    assert blind.places(how, [part], 4) == {3: 1, 1: 1, 2: 3, 4: None}
    assert blind.places(how, [], 2) == {1: None, 2: None}
