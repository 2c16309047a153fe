"""In a talk with a language model: signals as elsewhere, and what somebody needs is kept."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.clock import now
from interviews import editions, integrity, signals, transcripts, turns
from interviews.accommodation_models import Need
from interviews.signal_models import AnswerSignal
from interviews.talk_models import TurnKind, Writer
from tests.factories.accounts import make_user
from tests.factories.people import make_accommodation
from tests.factories.talks import MODEL, ask_first, make_led_interview, make_talk
from tests.interviews.test_signals import SOUND

PART = "The buyer has to look at the transfer clause before it goes ahead. " * 4
REST = "It needs the consent of the licensor, or its use infringes copyright. " * 4
PASTED = {**SOUND, "first_key_ms": 4000}


@pytest.fixture
def user(session):
    return make_user(session, "expert")


@pytest.fixture
def model(app, monkeypatch):
    """The model that the interview is led by; it is never asked here."""
    known = replace(
        app.extensions["doyen.ports"], language_model=SimpleNamespace(name=MODEL), transcriber=None
    )
    monkeypatch.setitem(app.extensions, "doyen.ports", known)
    return known


@pytest.fixture
def led(session, user, model):
    """An interview whose open question is answered in words, and asked about."""
    interview = make_led_interview(session, user)
    ask_first(interview, "law-006")
    make_talk(session, interview)
    session.commit()
    return interview


def ask(session, led):
    turns.ask(
        session, led, TurnKind.FOLLOW_UP, 1,
        text="What would you look for?", language="en", written_by=Writer.MODEL, at=now(),
    )  # fmt: skip
    session.commit()


def send(client, led, **counts):
    given = {"position": 1, "answer": PART, "measured": json.dumps({**PASTED, **counts})}
    assert client.post(f"/interviews/{led.id}/answer", data=given).status_code == 302


def reply(client, led, words=REST, **counts):
    given = {"number": 2, "text": words, "measured": json.dumps({**PASTED, **counts})}
    return client.post(f"/interviews/{led.id}/talk", data=given)


def page(client, led):
    return client.get(f"/interviews/{led.id}/talk").text


def test_both_parts_of_an_answer_are_measured_and_counted_together(session, user, led, sign_in):
    client = sign_in(user)
    send(client, led, pasted=4000)
    ask(session, led)
    shown = page(client, led)
    assert "data-measure" in shown
    assert "js/answer-signals" in shown
    assert "It sends these counts and no text" in shown

    for _twice in range(2):
        reply(client, led, pasted=len(REST), bursts=2)

    [kept] = session.exec(select(AnswerSignal)).all()
    assert (kept.measured, kept.bursts, kept.pastes) == (True, 2, 2)
    assert kept.pasted == len(PART.strip()) + len(REST.strip())
    assert kept.letters == len(PART.strip()) + len(REST.strip()) + 2
    assert kept.first_key_ms == 4000
    assert kept.found == ["pasted", "burst"]


@pytest.mark.parametrize("sent", ["", "garbage", '{"pasted": -5}', json.dumps({"away_ms": 9**9})])
def test_whatever_the_page_sends_the_reply_is_kept(session, user, led, sign_in, sent):
    client = sign_in(user)
    client.post(f"/interviews/{led.id}/answer", data={"position": 1, "answer": PART})
    ask(session, led)

    client.post(f"/interviews/{led.id}/talk", data={"number": 2, "text": REST, "measured": sent})

    [kept] = integrity.of(session, led)
    assert (kept.measured, kept.found) == (False, [])
    assert REST.strip() in editions.responses(session, led)[0].answer["text"]


def test_what_is_not_right_on_the_page_keeps_its_counts(session, user, led, sign_in):
    client = sign_in(user)
    send(client, led)
    ask(session, led)

    again = reply(client, led, words=" ", pastes=7)

    assert again.status_code == 422
    assert "&#34;pastes&#34;: 7" in again.text


def test_what_is_said_before_the_questions_is_not_measured(session, user, model, sign_in):
    interview = make_led_interview(session, user)
    make_talk(session, interview, topics=["employment", "years"], opening_over_at=None)
    asked = {"text": "What do you do?", "language": "en", "written_by": Writer.MODEL}
    turns.ask(session, interview, TurnKind.OPENING, None, at=now(), **asked)
    session.commit()
    client = sign_in(user)
    shown = page(client, interview)
    assert "data-measure" not in shown
    assert "before the questions is not measured" in shown

    given = {"number": 1, "text": "I am a lawyer.", "measured": json.dumps(PASTED)}
    client.post(f"/interviews/{interview.id}/talk", data=given)

    assert [one.measured for one in turns.every(session, interview)] == [None, None]


def test_nothing_is_measured_of_whoever_needs_something_and_words_come_whole(
    session, user, led, sign_in
):
    make_accommodation(session, user, need=Need.SCREEN_READER)
    session.commit()
    client = sign_in(user)
    send(client, led)
    waiting = page(client, led)
    assert "data-whole" in waiting
    assert 'aria-atomic="true"' in waiting
    ask(session, led)
    assert "data-measure" not in page(client, led)

    reply(client, led, pasted=len(REST))

    assert [one.measured for one in turns.every(session, led)] == [None, None, None]
    [kept] = integrity.of(session, led)
    assert (kept.measured, kept.found) == (False, [])


def test_others_get_the_words_sentence_by_sentence(user, led, sign_in):
    client = sign_in(user)
    send(client, led)

    waiting = page(client, led)

    assert "data-whole" not in waiting
    assert 'aria-live="polite" aria-atomic="false"' in waiting


def test_a_reply_is_dictated_unless_somebody_wants_text_only(
    app, session, user, led, model, sign_in, monkeypatch
):
    hears = replace(model, transcriber=SimpleNamespace(name="speech-1"))
    monkeypatch.setitem(app.extensions, "doyen.ports", hears)
    client = sign_in(user)
    send(client, led)
    ask(session, led)
    shown = client.get(f"/interviews/{led.id}/talk")
    assert "data-dictate" in shown.text
    assert "microphone=(self)" in shown.headers["Permissions-Policy"]

    make_accommodation(session, user, need=Need.TEXT_ONLY)
    session.commit()
    shown = client.get(f"/interviews/{led.id}/talk")

    assert "data-dictate" not in shown.text
    assert "Record" not in shown.text
    assert "microphone=()" in shown.headers["Permissions-Policy"]


def test_counts_of_a_turn_go_with_its_words_and_never_change(session, user, led, sign_in):
    send(sign_in(user), led)
    with pytest.raises(DBAPIError, match="only ever added"), session.begin_nested():
        session.execute(text("UPDATE interview_turn SET text = NULL, measured = '{}'"))
    with pytest.raises(DBAPIError, match="measured_of_an_answer"), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO interview_turn (interview_id, number, role, kind, text, remark,"
                " language, measured, at) SELECT interview_id, 9, role, kind, text, remark,"
                " language, measured, at FROM interview_turn"
            )
        )
    assert turns.every(session, led)[0].measured == signals.Measured(**PASTED).model_dump()

    transcripts.delete(session, led, now())

    assert turns.every(session, led)[0].measured is None
