"""Practice: every kind of question, explained, with nothing stored and nothing given away."""

import re

import pytest
from sqlalchemy import text

from interviews import items, practice, scoring
from interviews.forms import filled
from tests.factories.accounts import make_user

PAGE = "/interviews/practice"


@pytest.fixture
def client(session, sign_in):
    return sign_in(make_user(session, "expert"))


def run_of(page):
    return re.search(r'name="run" value="([^"]*)"', page.text).group(1)


def test_there_is_one_question_of_each_kind_and_none_is_in_a_bank():
    kinds = [item.kind for item in practice.questions().items]

    assert sorted(kinds) == sorted(
        ["single", "multiple", "ordering", "numeric", "sentence", "short", "case"]
    )
    asked = {item.id for bank in items.banks().values() for item in bank.items}
    assert not asked & {item.id for item in practice.questions().items}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_answer_that_is_named_right_earns_the_point_and_the_wrong_one_not(language):
    for item in practice.questions().items:
        question = item.question
        if item.kind == "short":
            text_of = {"text": question.accepted.in_(language)}
            assert scoring.mark(question, text_of).points == 1
            wrong = {"text": question.refused.in_(language)}
            assert scoring.mark(question, wrong).points < 1


def test_a_run_explains_each_answer_and_stores_nothing(session, client):
    before = session.execute(text("select count(*) from audit_event")).scalar()
    page = client.get(PAGE)
    for item in practice.questions().items:
        assert item.title.en in page.text
        assert item.explanation.en not in page.text
        answer = filled(item)
        page = client.post(PAGE, data={"run": run_of(page), "position": "1", **answer})
        assert "1 of 1 point" in page.text
        assert page.status_code == 200
        page = client.post(PAGE, data={"run": run_of(page), "next": "1"})

    assert "Practice is over" in page.text
    for table in ("interview", "interview_response", "answer_signal", "answer_print"):
        assert session.execute(text(f"select count(*) from {table}")).scalar() == 0
    assert session.execute(text("select count(*) from audit_event")).scalar() == before


def test_wrong_and_empty_answers(client):
    page = client.get(PAGE)
    empty = client.post(PAGE, data={"run": run_of(page), "position": "1"})
    assert empty.status_code == 422
    blank = client.post(PAGE, data={"run": run_of(page), "position": "1", "unknown": "1"})
    assert "0 of 1 point" in blank.text
    assert practice.item(1).explanation.en in blank.text


@pytest.mark.parametrize("token", ["", "x", "W10.forged", "é" * 5000])
def test_a_forged_run_begins_anew(client, token):
    answer = client.post(PAGE, data={"run": token, "next": "1"})

    assert answer.status_code == 302
    assert answer.location.endswith(PAGE)


def test_it_is_there_in_french(session, sign_in):
    page = sign_in(make_user(session, "expert", locale="fr")).get(PAGE)

    assert "Ce qu’un texte ne dit pas" in page.text
