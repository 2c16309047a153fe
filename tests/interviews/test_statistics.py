"""How items and interviews fare, for whoever keeps a bank: counted, never of single persons."""

from datetime import timedelta

import pytest

from core.clock import now
from experts.fields import Field
from interviews import conversation, items, statistics
from tests.factories.accounts import make_user
from tests.factories.banks import make_bank
from tests.factories.interviews import answer_all, answer_one, make_interview, right, unknown

ADAPTIVE = True
LAW = items.banks()[Field.LAW]
LAW_ITEM = LAW.items[0].id


@pytest.fixture
def operator(session, sign_in):
    return sign_in(make_user(session, "operator"))


def of_items(session):
    return {one.item.id: one for one in statistics.items(session, LAW, "en", at=now())}


def test_before_anybody_has_begun_nothing_is_claimed(session, operator):
    assert statistics.way(session, Field.LAW, at=now()).begun == 0
    assert {one.points for one in of_items(session).values()} == {None}

    page = operator.get("/operator/interviews/statistics?field=law").text

    assert "No interviews yet" in page
    assert LAW.items[0].title.en in page


def test_items_that_able_people_know_go_with_the_level(session, operator):
    for number in range(12):
        answer_all(session, make_interview(session), right if number % 2 else unknown)

    core = [one for one in of_items(session).values() if one.item.core == "A"]

    assert {one.answers for one in core} == {12}
    assert {one.given for one in core} == {1.0}
    assert {one.points for one in core} == {0.5}
    assert {one.blank for one in core} == {0.5}
    assert all(one.goes_with > 0.9 for one in core)
    assert not any("often" in one.oddities for one in core)  # everybody gets these
    page = operator.get("/operator/interviews/statistics?field=law").text
    assert "50%" in page


def test_an_item_with_few_answers_has_no_figures_and_remarks_are_told(session):
    interview = make_interview(session)
    item = LAW.item(interview.plan[0]["item"])
    conversation.answer(
        session, interview, 1, None, language="en", remark="The key is out of date.", at=now()
    )
    session.flush()

    found = statistics.items(session, LAW, "en", at=now())

    assert found[0].item == item
    assert (found[0].answers, found[0].points, found[0].goes_with) == (1, None, None)
    assert found[0].oddities == ["remarks"]


def test_an_item_that_is_given_too_often_or_tells_nothing_is_told():
    figures = statistics.ItemFigures(
        LAW.item("law-030"), "", 100, 0.6, 0.99, 0.0, 40.0, 0.02, remarks=0
    )

    assert figures.oddities == ["often", "extreme", "flat"]


def test_the_way_counts_who_left_and_after_how_many_answers(session, operator):
    answer_all(session, make_interview(session), right)
    for answered in (0, 2, 2):
        interview = make_interview(session)
        for place in range(1, answered + 1):
            answer_one(session, interview, place, None)
        conversation.leave(session, interview, now())
    late = make_interview(session, at=now() - timedelta(days=4))
    conversation.expire(session, late, now())
    make_interview(session)
    session.flush()

    way = statistics.way(session, Field.LAW, at=now())

    counted = (way.begun, way.answered, way.finished, way.active, way.left_early, way.expired)
    assert counted == (6, 3, 1, 1, 3, 1)
    assert way.left_after == {0: 2, 2: 2}
    assert (way.passed, way.failed, way.by_person) == (1, 0, 0)
    assert way.took is not None
    assert "Where people left" in operator.get("/operator/interviews/statistics?field=law").text


def test_what_was_long_ago_and_in_other_fields_does_not_count(session):
    answer_all(session, make_interview(session, at=now() - timedelta(days=366)), right)
    make_interview(session, field=Field.MEDICINE)
    session.flush()

    assert statistics.way(session, Field.LAW, at=now()).begun == 0
    assert {one.answers for one in of_items(session).values()} == {0}


def test_only_operators_see_it_and_unknown_fields_are_not_found(session, operator, sign_in):
    where = "/operator/interviews/statistics"
    assert f"/items/{LAW_ITEM}" not in operator.get(where).text
    draft = make_bank(session)
    assert f"/item-banks/{draft.id}/items/{LAW_ITEM}" in operator.get(where).text
    assert operator.get(f"{where}?field=alchemy").status_code == 404
    for role in ("expert", "owner"):
        assert sign_in(make_user(session, role)).get(where).status_code == 403


def test_how_far_people_come_by_way_and_language_and_how_long_questions_take(session, operator):
    for number in range(10):
        answer_all(session, make_interview(session), right if number % 2 else unknown)
    conversation.leave(session, make_interview(session), now())
    session.flush()

    found = statistics.groups(session, Field.LAW, at=now())
    paces = statistics.pace(session, Field.LAW, at=now())

    assert [(one.language, one.begun, one.finished, one.left_early) for one in found] == [
        ("en", 10, 10, 0),
        (None, 1, 0, 1),
    ]
    assert found[0].seconds is not None
    assert found[1].seconds is None
    assert paces[0].answers == 10
    page = operator.get("/operator/interviews/statistics?field=law").text
    assert "By way and language" in page
    assert "How long each question takes" in page
