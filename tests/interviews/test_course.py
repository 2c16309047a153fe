"""Interviews whose questions follow from the answers: short where it is clear, fair everywhere."""

import threading
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlmodel import select

from core.clock import now
from experts.fields import Field
from interviews import conversation, course, editions, graded, items, outcome, unread
from interviews.models import Interview, Response, State
from tests.factories.accounts import make_user
from tests.factories.interviews import (
    answer_all,
    answer_one,
    form_data,
    make_interview,
    right,
    right_answer,
    unknown,
)

ADAPTIVE = True
LAW = items.banks()[Field.LAW]
LEAST, MOST = LAW.questions_least, LAW.questions


def by_turns(place, item):
    """Answer every second question rightly: near the line, whatever comes."""
    return right_answer(item) if place % 2 else None


def asked_items(interview):
    return [LAW.item(step["item"]) for step in interview.plan]


def test_everybody_begins_with_a_core_item_of_each_competency(session):
    for _person in range(3):
        interview = answer_all(session, make_interview(session), by_turns)
        first = asked_items(interview)[: len(LAW.competencies)]
        assert {item.core for item in first} == {"A"}
        assert {item.competency for item in first} == set(LAW.competencies)


def test_whoever_knows_it_all_is_through_soon(session):
    interview = answer_all(session, make_interview(session), right)

    assert interview.state is State.PASSED
    assert LEAST <= interview.length <= 12
    card = outcome.card_of(interview)
    assert card.is_by_ability
    assert card.total.low > LAW.rule.pass_mark
    assert interview.level == card.total.share


def test_whoever_knows_nothing_is_told_soon_and_why(session):
    interview = answer_all(session, make_interview(session), unknown)

    assert interview.state is State.FAILED
    assert LEAST <= interview.length <= 12
    assert "a level of" in interview.reason_words["en"]
    assert "un niveau de" in interview.reason_words["fr"]
    assert "would have passed" in interview.would_change["en"]
    assert interview.decision_id is not None


def test_near_the_line_more_is_asked_and_a_person_reads(session):
    found = [answer_all(session, make_interview(session), by_turns) for _person in range(5)]

    assert max(one.length for one in found) > 12
    for one in found:
        card = outcome.card_of(one)
        assert one.length <= MOST
        if one.state is State.FAILED:  # only where the whole range is below the line
            assert card.total.high < LAW.rule.pass_mark
        assert one.state is not State.ACTIVE


def test_the_next_question_follows_from_the_answers(session):
    able, lost = make_interview(session), make_interview(session)
    lost.seed = able.seed
    for interview, how in ((able, right), (lost, unknown)):
        for place in range(1, LEAST + 1):
            item = asked_items(interview)[place - 1]
            answer_one(session, interview, place, how(place, item))

    after = [one.plan[LEAST]["item"] for one in (able, lost) if one.length > LEAST]
    assert len(set(after)) == len(after)
    hard = [LAW.item(item).difficulty for item in after]
    assert len(hard) < 2 or hard[0] > hard[1]


def test_nothing_comes_twice_and_the_same_answer_again_changes_nothing(session):
    interview = make_interview(session)
    for place in range(1, 5):
        item = asked_items(interview)[place - 1]
        for _click in range(2):
            answer_one(session, interview, place, right_answer(item))
        assert interview.length == place + 1
    answer_all(session, interview, by_turns)

    found = [step["item"] for step in interview.plan]
    assert len(set(found)) == len(found)
    assert len(editions.responses(session, interview)) == interview.length


def test_a_retake_has_the_other_core_items_and_others_after_them(session):
    user = make_user(session, "expert")
    first = answer_all(session, make_interview(session, user), unknown)
    later = first.retake_from + timedelta(minutes=1)
    again = answer_all(session, make_interview(session, user, at=later), unknown, at=later)

    before = {step["item"] for step in first.plan}
    assert {item.core for item in asked_items(again)[: len(LAW.competencies)]} == {"B"}
    assert not before & {step["item"] for step in again.plan}


def test_items_that_many_had_lately_rest(session):
    others = [item for item in LAW.items if item.core is None]
    tired = {item.id for item in others[:20]}
    for _number in range(30):
        one = make_interview(session)
        curve = {"slope": 1.0, "thresholds": [0.0]}
        one.plan = [{"item": item, "order": {}, "curve": curve} for item in tired]
        one.state, one.finished_at = State.ABANDONED, now()
    session.flush()

    interview = answer_all(session, make_interview(session), right)

    asked = {item.id for item in asked_items(interview) if item.core is None}
    there = {item.competency for item in others if item.id not in tired}
    rested = {item for item in asked if LAW.item(item).competency in there}
    assert not rested & tired


def test_an_answer_in_words_that_nobody_found_never_fails_by_the_rule_alone(session):
    interview = make_interview(session)

    def only_words(_place, item):
        return {"text": "It depends on the wording."} if item.kind == "short" else None

    answer_all(session, interview, only_words)

    bank, responses = LAW, editions.responses(session, interview)
    left = unread.points(bank, responses)
    best = graded.scorecard(course.answered(interview, bank, responses, full=list(left)), bank)
    assert (interview.state is State.FAILED) == (best.total.high < bank.rule.pass_mark)


def test_points_that_a_person_finds_raise_the_level(session):
    interview = make_interview(session)
    answer_all(session, interview, by_turns)
    before = outcome.card_of(interview).total.share
    for response in session.exec(select(Response).where(Response.interview_id == interview.id)):
        response.points = 1.0

    after = outcome.score(interview, LAW, editions.responses(session, interview)).total.share

    assert after > before


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_a_whole_interview_over_http(sign_in, session, locale):
    expert = make_user(session, "expert", locale=locale)
    client = sign_in(expert)
    said = client.get("/interviews?field=law").text
    assert {"en": f"{LEAST} to {MOST}", "fr": f"{LEAST} à {MOST}"}[locale] in said
    before = client.get("/interviews/before/law").text
    assert {"en": "which questions tell most", "fr": "les plus éclairantes"}[locale] in before
    where = client.post("/interviews/start", data={"field": "law", "consent": "y"}).location
    place = 0
    while "/result" not in where and (page := client.get(where)).status_code == 200:
        place += 1
        assert {"en": f"{place} of {MOST} at most", "fr": f"{place} sur {MOST} au plus"}[
            locale
        ] in page.text
        form = BeautifulSoup(page.text, "html.parser").find("form", attrs={"data-item": True})
        item = LAW.item(form["data-item"])
        where = client.post(form["action"], data=form_data(place, item)).location

    result = client.get(where, follow_redirects=True).text
    assert place <= 12
    assert {"en": "You have passed", "fr": "Vous avez réussi"}[locale] in result
    assert {"en": "it counts how hard", "fr": "il tient compte de la difficulté"}[locale] in result


def test_a_question_that_is_not_chosen_yet_is_refused(sign_in, session):
    expert = make_user(session, "expert")
    client = sign_in(expert)
    client.post("/interviews/start", data={"field": "law", "consent": "y"})
    interview = session.exec(select(Interview)).one()

    for place in (2, 7, MOST + 1, 0, -1):
        data = {"position": str(place), "unknown": "1"}
        answer = client.post(f"/interviews/{interview.id}/answer", data=data)
        assert answer.status_code == 409
    assert conversation.position(session, interview) == 1


def test_tabs_that_answer_at_once_lead_to_one_question(live):
    with live.transaction() as session:
        user = make_user(session, "expert")
        interview = make_interview(session, user)
        number, item = interview.id, asked_items(interview)[0]
        session.expunge_all()
    gate, codes = threading.Barrier(4), []

    def answer(tab):
        client = live.client(user)
        gate.wait()
        data = form_data(1, item) if tab % 2 else {"position": "1", "unknown": "1"}
        codes.append(client.post(f"/interviews/{number}/answer", data=data).status_code)

    tabs = [threading.Thread(target=answer, args=[tab]) for tab in range(4)]
    for each in tabs:
        each.start()
    for each in tabs:
        each.join()

    assert codes == [302] * 4
    with live.transaction() as session:
        assert len(session.get(Interview, number).plan) == 2
        assert len(session.exec(select(Response)).all()) == 1


def test_interviews_that_were_planned_at_their_start_go_on_as_planned(session):
    interview = make_interview(session)
    interview.plan = [{key: step[key] for key in ("item", "order")} for step in interview.plan] + [
        {"item": "law-030", "order": {}}
    ]
    session.flush()

    answer_all(session, interview, right)

    assert interview.length == 2
    assert not outcome.card_of(interview).is_by_ability
