"""The pages of interviews, over HTTP: for experts, for those who read, for nobody else."""

import re

import pytest
from bs4 import BeautifulSoup
from sqlmodel import select

from accounts.models import Appeal
from core.clock import now
from experts.fields import Field
from interviews import conversation, editions, items, plan
from interviews.judge_models import ToRead
from interviews.models import Interview, State
from tests.factories.accounts import make_owner, make_user
from tests.factories.decisions import contest, decision_of
from tests.factories.interviews import (
    answer_all,
    answer_one,
    form_data,
    make_interview,
    right,
    right_until,
    unknown,
)

WORDS = "The key of question 3 overlooks the wording in force since March."


@pytest.fixture(params=["en", "fr"])
def expert(session, request):
    return make_user(session, "expert", locale=request.param)


@pytest.fixture
def one(session):
    return make_user(session, "expert")


def start(client, field="law"):
    response = client.post("/interviews/start", data={"field": field, "consent": "y"})
    assert response.status_code == 302, response.text
    return response.location


def asked(session, interview, place):
    return editions.asked(editions.of(session, interview), interview, place)[1]


def text_of(response):
    return " ".join(BeautifulSoup(response.text, "html.parser").get_text(" ").split())


def test_the_terms_are_on_the_page_before_the_start(sign_in, expert):
    response = sign_in(expert).get("/interviews?field=law")

    said = text_of(response)
    assert response.status_code == 200
    for words in {
        "en": ("15, one at a time", "No language model", "No sound, no picture", "60%"),
        "fr": ("15, une à la fois", "Aucun modèle de langue", "Ni son, ni image", "60\xa0%"),
    }[expert.locale]:
        assert words.replace("\xa0", " ") in said.replace("\xa0", " ")


def test_nothing_starts_without_consent(sign_in, session, one):
    response = sign_in(one).post("/interviews/start", data={"field": "law"})

    assert response.status_code == 422
    # A label that is a sentence ends by itself; no colon follows its full stop.
    assert "on these terms. Tick the box if you agree" in response.text
    assert session.exec(select(Interview)).all() == []


def test_two_clicks_start_one_interview(sign_in, session, one):
    client = sign_in(one)

    assert start(client) == start(client)

    [interview] = session.exec(select(Interview)).all()
    assert interview.consent_version == conversation.CONSENT_VERSION


def test_a_whole_interview_over_http_in_both_languages(sign_in, session, expert):
    client = sign_in(expert)
    where = start(client)
    interview = session.exec(select(Interview)).one()

    for place in range(1, interview.length + 1):
        page = client.get(where)
        form = BeautifulSoup(page.text, "html.parser").find("form", attrs={"data-item": True})
        item = items.banks()[Field.LAW].item(form["data-item"])
        assert item == asked(session, interview, place)
        response = client.post(form["action"], data=form_data(place, item))
        assert response.status_code == 302, text_of(response)
        where = response.location

    result = client.get(where, follow_redirects=True)
    assert result.request.path == f"/interviews/{interview.id}/result"
    assert {"en": "You have passed", "fr": "Vous avez réussi"}[expert.locale] in text_of(result)
    session.expire_all()
    assert interview.state is State.PASSED


def test_every_kind_of_question_has_a_page_without_its_key(sign_in, session, expert):
    bank = items.banks()[Field.LAW]
    client = sign_in(expert)
    interview = make_interview(session, expert)
    for item in bank.items:
        interview.plan = [step_of(bank, item).model_dump(), *interview.plan[1:]]
        session.commit()

        page = client.get(f"/interviews/{interview.id}")

        assert page.status_code == 200
        assert item.explanation.in_(expert.locale) not in text_of(page)
        assert item.source not in text_of(page)
        assert "checked" not in page.text
        if item.kind == "short":
            said = text_of(page)
            assert item.question.accepted.in_(expert.locale) not in said
            assert not [c for c in item.question.checks.values() if c.words.in_("en") in said]


def step_of(bank, item):
    return next(
        step
        for seed in range(1000)
        for step in plan.draw(bank, str(seed), attempt=1 + seed % 2)
        if step.item == item.id
    )


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        ("single", {}, "Choose one answer."),
        ("multiple", {}, "Choose at least one answer."),
        ("numeric", {"answer": "many"}, "Write a number in figures"),
        ("numeric", {"answer": " "}, "Write a number."),
        ("short", {"answer": " "}, "Write your answer"),
        ("short", {"answer": "\u200b\ufeff\u2060 \u3164"}, "Write your answer"),
        ("multiple", {"answer": "zzz"}, "Choose among the answers that the page shows."),
        ("ordering", {"rank_a": "1", "rank_b": "1"}, "Choose a place."),
        ("single", {"answer": "zzz"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_read_is_said_and_kept(sign_in, session, one, kind, typed, said):
    bank = items.banks()[Field.LAW]
    interview = make_interview(session, one)
    item = next(item for item in bank.items if item.kind == kind)
    interview.plan = [step_of(bank, item).model_dump(), *interview.plan[1:]]
    session.commit()
    data = {"position": "1", "remark": "A remark to keep", **typed}

    response = sign_in(one).post(f"/interviews/{interview.id}/answer", data=data)

    assert response.status_code == 422
    assert said in text_of(response)
    assert "A remark to keep" in response.text
    assert "<title>Error:" in response.text
    assert conversation.position(session, interview) == 1


def test_a_line_of_an_answer_ends_with_one_character_as_in_the_browser(sign_in, session, one):
    bank = items.banks()[Field.LAW]
    interview = make_interview(session, one)
    item = next(item for item in bank.items if item.kind == "short")
    interview.plan = [step_of(bank, item).model_dump(), *interview.plan[1:]]
    session.commit()
    data = {"position": "1", "answer": "a\r\n" * 1999 + "as"}

    response = sign_in(one).post(f"/interviews/{interview.id}/answer", data=data)

    assert response.status_code == 302
    assert editions.responses(session, interview)[0].answer == {"text": "a\n" * 1999 + "as"}


def test_an_order_with_a_place_given_twice_is_said(sign_in, session, one):
    bank = items.banks()[Field.LAW]
    interview = make_interview(session, one)
    item = bank.item("law-030")
    interview.plan = [step_of(bank, item).model_dump(), *interview.plan[1:]]
    session.commit()
    data = {"position": "1"} | dict.fromkeys(("rank_a", "rank_b", "rank_c", "rank_d"), "1")

    response = sign_in(one).post(f"/interviews/{interview.id}/answer", data=data)

    assert response.status_code == 422
    assert "1 is given twice" in text_of(response)
    assert response.text.count('<option selected value="1">') == 4


def test_not_knowing_is_an_answer(sign_in, session, one):
    client = sign_in(one)
    start(client)
    interview = session.exec(select(Interview)).one()

    data = {"position": "1", "unknown": "1", "remark": "The text is cut."}
    response = client.post(f"/interviews/{interview.id}/answer", data=data)

    assert response.status_code == 302
    [kept] = editions.responses(session, interview)
    assert (kept.answer, kept.points, kept.remark) == (None, 0.0, "The text is cut.")


def test_an_answer_sent_twice_keeps_the_first_and_says_so(sign_in, session, one):
    client = sign_in(one)
    start(client)
    interview = session.exec(select(Interview)).one()
    address = f"/interviews/{interview.id}/answer"
    data = form_data(1, asked(session, interview, 1))
    client.post(address, data=data)

    same = client.post(address, data=data, follow_redirects=True)
    other = client.post(address, data={"position": "1", "unknown": "1"}, follow_redirects=True)

    assert "was answered before" not in same.text
    assert "Question 1 was answered before. Your first answer counts." in text_of(other)
    assert "Question 2 of 15" in text_of(other)
    assert [r.points for r in editions.responses(session, interview)] == [1.0]


def test_the_last_answer_sent_twice_leads_to_the_result(sign_in, session, one):
    interview = make_interview(session, one)
    data = form_data(15, asked(session, interview, 15))
    answer_all(session, interview)
    session.commit()

    response = sign_in(one).post(
        f"/interviews/{interview.id}/answer", data=data, follow_redirects=True
    )

    assert "You have passed" in text_of(response)


@pytest.mark.parametrize("position", ["0", "3", "99", "-1", "x", ""])
def test_a_question_that_is_not_open_takes_no_answer(sign_in, session, one, position):
    client = sign_in(one)
    start(client)
    interview = session.exec(select(Interview)).one()

    data = {"position": position, "unknown": "1"}
    response = client.post(f"/interviews/{interview.id}/answer", data=data)

    assert response.status_code == 409
    assert editions.responses(session, interview) == []


def test_leaving_asks_for_nothing_and_can_be_seen(sign_in, session, expert):
    client = sign_in(expert)
    where = start(client)

    response = client.post(f"{where}/leave", follow_redirects=True)

    words = {"en": "ended without a score", "fr": "sans note"}
    assert words[expert.locale] in text_of(response)


def test_after_its_time_the_page_says_so_before_any_sweep(sign_in, session, one):
    interview = make_interview(session, one, at=now().replace(year=now().year - 1))
    session.commit()
    client = sign_in(one)

    page = client.get(f"/interviews/{interview.id}", follow_redirects=True)
    sent = client.post(
        f"/interviews/{interview.id}/answer",
        data={"position": "1", "unknown": "1"},
        follow_redirects=True,
    )

    assert "Its time was over" in text_of(page)
    assert "Its time was over" in text_of(sent)
    session.expire_all()
    assert interview.state is State.EXPIRED


def test_a_failure_shows_all_six_parts_and_no_key(sign_in, session, expert):
    interview = answer_all(session, make_interview(session, expert), unknown)
    session.commit()

    page = sign_in(expert).get(f"/interviews/{interview.id}/result")

    block = BeautifulSoup(page.text, "html.parser").find(class_="dy-reason")
    heads = [head.get_text() for head in block.find_all(["h2", "h3"])]
    assert (
        heads
        == {
            "en": [
                "Not passed this time",
                "Why",
                "Evidence",
                "Who decided",
                "What would have changed it",
                "How to contest it, and until when",
            ],
            "fr": heads,
        }[expert.locale]
    )
    assert len(heads) == 6
    bank = items.banks()[Field.LAW]
    for step in editions.steps(interview):
        item = bank.item(step.item)
        if not item.reveal:
            assert item.explanation.in_(expert.locale) not in text_of(page)


def test_a_result_is_contested_and_answered_on_the_pages(sign_in, session, one):
    operator = make_user(session, "operator")
    interview = answer_all(session, make_interview(session, one), unknown)
    session.commit()
    client, reader = sign_in(one), sign_in(operator)
    decision = f"/decisions/{interview.decision_id}"

    empty = client.post(f"{decision}/appeal", data={"words": "short"})
    sent = client.post(
        f"{decision}/appeal", data={"ground": "rule", "words": WORDS}, follow_redirects=True
    )
    queue = reader.get("/appeals")
    appeal = session.exec(select(Appeal)).one()
    page = reader.get(f"/appeals/{appeal.id}")
    answered = reader.post(
        f"/appeals/{appeal.id}",
        data={"outcome": "changed", "words": "The key was indeed out of date; it counts."},
        follow_redirects=True,
    )
    result = client.get(f"/interviews/{interview.id}/result")

    assert empty.status_code == 422
    assert "short" in empty.text
    assert "Your appeal is received" in text_of(sent)
    assert f"/appeals/{appeal.id}" in queue.text
    assert WORDS in text_of(page)
    assert "Your answer is recorded" in text_of(answered)
    assert "You have passed" in text_of(result)
    assert "The key was indeed out of date" in text_of(result)


def test_a_near_line_interview_is_decided_on_the_page_with_what_was_found(sign_in, session, one):
    operator = make_user(session, "operator", locale="fr")
    interview = answer_all(session, make_interview(session, one), right_until(8))
    session.commit()
    reader = sign_in(operator)
    address = f"/operator/interviews/{interview.id}"

    page = reader.get(address)
    refused = reader.post(f"{address}/decision", data={"verdict": "failed", "why": "Non."})
    empty = reader.post(f"{address}/decision", data={"verdict": "failed"})
    decided = reader.post(f"{address}/decision", data={"verdict": "passed"})
    late = reader.post(f"{address}/look", data={"reason": "Je dois voir."}, follow_redirects=True)
    result = sign_in(one).get(f"/interviews/{interview.id}/result")

    assert "law-" in page.text
    assert refused.status_code == 422
    assert "au moins 20" in text_of(refused)
    assert all(f'<a href="#{name}">' in empty.text for name in ("why", "change"))
    assert decided.status_code == 302
    assert "Rien ne vous est caché" in late.text
    assert "A person, an operator of this instance" in text_of(result)
    session.expire_all()
    assert (interview.state, interview.decided_by) == (State.PASSED, operator.id)


def first_waiting(session):
    return session.exec(select(ToRead.id).order_by(ToRead.id)).first()


def test_the_operator_ticks_a_check_and_the_points_are_counted_again(sign_in, session, one):
    operator = make_user(session, "operator")
    interview = make_interview(session, one)
    bank = items.banks()[Field.LAW]
    interview.plan = [step_of(bank, bank.item("law-006")).model_dump(), *interview.plan[1:]]
    session.flush()
    answer_one(session, interview, 1, {"text": "It must ask first."})
    answer_all(session, interview, lambda place, item: right(place, item) if place <= 8 else None)
    session.commit()

    client, address = sign_in(operator), f"/operator/interviews/{interview.id}"
    decision = {"verdict": "passed", "met": ["1:consent", "1:risk"]}
    blind, early = client.get(address), client.post(f"{address}/decision", data=decision)
    short = client.post(f"{address}/look", data={"reason": "So."})
    client.post(f"{address}/look", data={"reason": "The expert waits on the telephone."})
    seen, queue = client.get(address), client.get("/operator/interviews/scoring")
    response = client.post(f"{address}/decision", data=decision)

    assert "Read first, see after" in blind.text
    assert "It must ask first." in blind.text
    assert "Level in each competency" not in blind.text
    assert "Record the decision" not in blind.text
    assert (early.status_code, short.status_code) == (409, 422)
    assert "The expert waits on the telephone." in seen.text
    assert "Record the decision" in seen.text
    assert f"/operator/interviews/scoring/{first_waiting(session)}" not in queue.text

    assert response.status_code == 302, text_of(response)
    session.expire_all()
    first = editions.responses(session, interview)[0]
    assert (first.points, first.mark["read_by"]) == (1.0, operator.id)


@pytest.mark.parametrize("state", ["waiting", "all", "active", "passed", "nonsense"])
def test_the_list_can_be_filtered(sign_in, session, state):
    operator = make_user(session, "operator")
    make_interview(session)
    answer_all(session, make_interview(session), right)
    session.commit()

    page = sign_in(operator).get(f"/operator/interviews?state={state}")

    found = len(set(re.findall(r"/operator/interviews/\d+", page.text)))
    assert found == {"waiting": 0, "all": 2, "active": 1, "passed": 1, "nonsense": 0}[state]


def test_somebody_elses_interview_is_not_there(sign_in, session, one):
    interview = answer_all(session, make_interview(session), unknown)
    session.commit()
    client = sign_in(one)
    base = f"/interviews/{interview.id}"

    answers = [
        client.get(base),
        client.get(f"{base}/result"),
        client.post(f"{base}/answer", data={"position": "1", "unknown": "1"}),
        client.post(f"{base}/leave"),
        client.get(f"/decisions/{interview.decision_id}"),
        client.post(
            f"/decisions/{interview.decision_id}/appeal", data={"ground": "rule", "words": WORDS}
        ),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6


@pytest.mark.parametrize("path", ["/interviews", "/interviews/1", "/interviews/1/result"])
def test_owners_and_operators_take_no_interviews(sign_in, session, path):
    owner, _organisation = make_owner(session)

    assert sign_in(owner).get(path).status_code == 403
    assert sign_in(make_user(session, "operator")).get(path).status_code == 403


@pytest.mark.parametrize("path", ["/operator/interviews", "/operator/interviews/1"])
def test_only_operators_read(sign_in, session, one, path):
    assert sign_in(one).get(path).status_code == 403
    assert sign_in(make_owner(session)[0]).get(path).status_code == 403


def test_strangers_are_asked_to_sign_in(client):
    for path in ("/interviews", "/interviews/1", "/operator/interviews"):
        assert client.get(path).status_code == 302


def test_a_field_without_a_bank_is_no_dead_end(sign_in, one, monkeypatch):
    only_law = {Field.LAW: items.banks()[Field.LAW]}
    monkeypatch.setattr(items, "banks", lambda: only_law)

    page = sign_in(one).get("/interviews?field=linguistics")

    assert "The interview in this field is not open yet" in text_of(page)
    assert page.status_code == 200


def test_how_others_fared_is_not_shown_for_a_handful(sign_in, session, one):
    for _number in range(9):
        answer_all(session, make_interview(session), unknown)
    session.commit()
    few = sign_in(one).get("/interviews")
    contested = answer_all(session, make_interview(session), unknown)
    contest(session, decision_of(session, contested), WORDS)
    session.commit()
    enough = sign_in(one).get("/interviews")

    assert "How others fared" not in few.text
    assert "0 of 10 people passed. 1 contested the result" in text_of(enough)


@pytest.mark.parametrize("given_up", [False, True])
def test_no_question_is_told_before_its_turn(session, sign_in, one, given_up):
    client = sign_in(one)
    where = start(client)
    interview = session.exec(select(Interview)).one()
    if given_up:
        client.post(f"/interviews/{interview.id}/leave")

    answers = [
        client.post(f"/interviews/{interview.id}/answer", data={"position": place, "answer": ""})
        for place in range(2, interview.length + 1)
    ]

    assert where
    assert {answer.status_code for answer in answers} == {409}
    prompts = [asked(session, interview, place).question for place in range(2, 5)]
    for answer, question in zip(answers, prompts, strict=False):
        assert getattr(question, "prompt", question).__str__()[:40] not in answer.text
