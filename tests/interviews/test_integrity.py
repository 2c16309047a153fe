"""Signals open a review and never decide; their person sees them, explains, and loses nothing."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.clock import now
from core.models import Letter
from interviews import conversation, editions, integrity, plan, review, signals, transcripts
from interviews.accommodation_models import Need
from interviews.items import Short
from interviews.models import State
from interviews.signal_models import AnswerPrint, AnswerSignal, Finding, IntegrityNote
from tests.factories.accounts import make_user
from tests.factories.interviews import answer_all, make_interview, right, right_answer, unknown
from tests.factories.people import make_accommodation, make_integrity_note, make_signal
from tests.interviews.test_signals import ESSAY, OTHER, SOUND

COPIES = True
PASTED = signals.Measured(**{**SOUND, "pasted": 4000})
WHY = "The answers name none of the points that they had to name."


@pytest.fixture
def user(session):
    return make_user(session, "expert")


@pytest.fixture
def operator(session):
    return make_user(session, "operator")


def in_words(session, user=None):
    """Start an interview with several questions in words, always the same ones."""
    interview = make_interview(session, user)
    bank = editions.of(session, interview)
    drawn = (plan.draw(bank, str(seed)) for seed in range(1000))
    steps = next(
        steps
        for steps in drawn
        if sum(isinstance(bank.item(step.item).question, Short) for step in steps) == 3
    )
    interview.plan = [step.model_dump(mode="json") for step in steps]
    session.flush()
    return interview


def write(session, interview, words, *, measured=None, how=right):
    """Answer all of an interview, the questions in words with these words besides."""
    bank = editions.of(session, interview)
    for place in range(1, interview.length + 1):
        item = editions.asked(bank, interview, place)[1]
        given = how(place, item)
        if given and isinstance(item.question, Short):
            given = {"text": f"{given['text']} {words}".strip()}
        conversation.answer(
            session,
            interview,
            place,
            given,
            language="en",
            remark="",
            at=now(),
            measured=measured if isinstance(item.question, Short) else None,
        )
    session.flush()
    return interview


def test_two_pasted_answers_go_to_a_person_with_the_reason(session, user, operator, sign_in):
    interview = write(session, in_words(session, user), ESSAY, measured=PASTED)

    note = session.get(IntegrityNote, interview.id)
    assert (interview.state, note.by_rule) == (State.REVIEW, "passed")
    assert note.found["pasted"] >= 2
    assert interview.decided_at is None
    letter = session.exec(select(Letter).where(Letter.user_id == user.id)).one()
    assert "cannot fail an interview" in letter.body
    page = sign_in(user).get(f"/interviews/{interview.id}/result").text
    assert "Most of the answer was pasted" in page
    assert "use their own notes, which is allowed" in page
    assert "opened a review" in page
    page = sign_in(operator).get(f"/operator/interviews/{interview.id}").text
    assert "would have let this interview pass" in page
    assert "not known yet" in page


def test_the_same_interview_without_signals_is_decided_at_once(session, user, sign_in):
    interview = write(session, in_words(session, user), ESSAY)

    assert interview.state is State.PASSED
    assert session.get(IntegrityNote, interview.id) is None
    page = sign_in(user).get(f"/interviews/{interview.id}/result").text
    assert "Nothing was measured of how you wrote" in page


def test_signals_keep_a_failure_by_rule_from_being_automatic(session, user):
    interview = make_interview(session, user)
    shown = editions.asked(editions.of(session, interview), interview, 1)[1]
    conversation.answer(
        session, interview, 1, right_answer(shown), language="en", remark="", at=now()
    )
    make_signal(session, editions.responses(session, interview)[0], **_alike_of(session, interview))
    answer_all(session, interview, unknown)

    assert interview.state is State.REVIEW
    assert session.get(IntegrityNote, interview.id).by_rule == "failed"


def _alike_of(session, interview):
    """Make room for a signal of the first answer."""
    first = editions.responses(session, interview)[0]
    session.execute(text("delete from answer_signal where response_id = :id"), {"id": first.id})
    session.expire_all()
    return {"found": ["alike"], "alike": 1, "alike_share": 0.9}


def test_weak_signals_are_shown_and_have_no_effect(session, user, sign_in):
    away = signals.Measured(
        pasted=0, pastes=0, bursts=0, away=1, away_ms=150_000, first_key_ms=9000
    )
    interview = write(session, in_words(session, user), ESSAY, measured=away)

    note = session.get(IntegrityNote, interview.id)
    assert (interview.state, note.found, note.opened_at) == (State.PASSED, {"away": 3}, None)
    page = sign_in(user).get(f"/interviews/{interview.id}/result").text
    assert "Another window was in front" in page
    assert "had no effect" in page


def test_the_same_text_of_another_candidate_opens_a_review(session):
    first = write(session, in_words(session), ESSAY)
    second = in_words(session)

    write(session, second, ESSAY)

    assert first.state is State.PASSED
    assert second.state is State.REVIEW
    alike = [one for one in integrity.of(session, second) if one.alike]
    assert alike
    assert all(one.found == ["alike"] and one.alike == 1 for one in alike)


def test_one_s_own_earlier_answer_is_nobody_else_s(session, user):
    write(session, in_words(session, user), ESSAY)
    session.execute(text("delete from skill"))
    session.execute(
        text(
            "update interview set finished_at = finished_at - interval '90 days',"
            " started_at = started_at - interval '90 days'"
        )
    )
    session.expire_all()
    second = in_words(session, user)

    assert write(session, second, ESSAY).state is State.PASSED


def test_text_is_found_again_after_it_was_deleted(session):
    first = write(session, in_words(session), ESSAY)
    transcripts.delete(session, first, now())
    second = in_words(session)

    assert write(session, second, ESSAY).state is State.REVIEW
    assert "licence" not in str(session.exec(select(AnswerPrint.marks)).all())


def test_what_is_common_opens_nothing(session, user):
    others = answer_all(session, make_interview(session), unknown)
    first = editions.responses(session, others)[0]
    session.execute(
        text(
            "insert into interview_response (interview_id, position, item_id, language, points,"
            " mark, remark, shown_at, answered_at) select interview_id, n, item_id, language, 0,"
            " mark, '', shown_at, answered_at from interview_response,"
            " generate_series(100, 100 + :enough) n where id = :id"
        ),
        {"id": first.id, "enough": signals.ENOUGH},
    )
    for response in editions.responses(session, others)[-signals.ENOUGH :]:
        session.add(
            AnswerSignal(
                response_id=response.id,
                item_id=response.item_id,
                rules="SI-1/1",
                measured=True,
                found=["pasted"],
                at=now(),
            )
        )
    session.flush()

    assert write(session, in_words(session, user), OTHER, measured=PASTED).state is (State.PASSED)


def test_nothing_is_measured_of_whoever_needs_something(session, user, sign_in):
    make_accommodation(session, user, need=Need.SCREEN_READER)
    interview = in_words(session, user)
    client = sign_in(user)
    assert "data-measure" not in client.get(f"/interviews/{interview.id}").text

    write(session, interview, ESSAY, measured=PASTED)

    assert interview.state is State.PASSED
    assert not any(one.measured or one.found for one in integrity.of(session, interview))


@pytest.mark.parametrize("sent", ["", "garbage", '{"pasted": -5}', json.dumps(SOUND)])
def test_whatever_a_page_sends_the_answer_is_kept(session, user, sign_in, sent):
    interview = in_words(session, user)
    bank = editions.of(session, interview)
    place = next(
        n
        for n in range(1, interview.length + 1)
        if isinstance(editions.asked(bank, interview, n)[1].question, Short)
    )
    interview.plan = [interview.plan[place - 1]]
    session.flush()
    client = sign_in(user)
    page = client.get(f"/interviews/{interview.id}").text
    assert "data-measure" in page
    assert "js/answer-signals" in page

    client.post(
        f"/interviews/{interview.id}/answer",
        data={"position": "1", "answer": ESSAY, "measured": sent},
    )

    [kept] = integrity.of(session, interview)
    assert kept.measured is (sent == json.dumps(SOUND))
    assert kept.letters == len(ESSAY)


def test_a_candidate_explains_and_the_person_reads_it_first(session, user, operator, sign_in):
    interview = write(session, in_words(session, user), ESSAY, measured=PASTED)
    client = sign_in(user)
    said = {"explanation": "I write in an editor of my own <b>and paste</b>."}

    for _twice in range(2):
        answer = client.post(f"/interviews/{interview.id}/explanation", data=said)
        assert answer.status_code == 302

    page = sign_in(operator).get(f"/operator/interviews/{interview.id}").text
    assert "I write in an editor of my own &lt;b&gt;" in page
    client = sign_in(operator)
    assert (
        client.post(
            f"/operator/interviews/{interview.id}/finding", data={"finding": "nothing"}
        ).status_code
        == 302
    )
    session.expire_all()
    assert session.get(IntegrityNote, interview.id).finding is Finding.NOTHING
    review.let_pass(session, interview, set(), by=operator, at=now())
    assert interview.state is State.PASSED
    again = sign_in(user).post(
        f"/interviews/{interview.id}/explanation", data={"explanation": "Something else."}
    )
    assert again.status_code == 409
    page = sign_in(operator).get("/operator/interviews/signals").text
    assert "100%" in page


def test_whoever_has_the_points_passes_whatever_the_signals(session, user, operator):
    interview = write(session, in_words(session, user), ESSAY, measured=PASTED)

    with pytest.raises(integrity.NothingAgainst):
        review.turn_down(session, interview, set(), why=WHY, change=WHY, by=operator, at=now())
    session.flush()
    with pytest.raises(DBAPIError, match="no reason to fail"), session.begin_nested():
        session.execute(
            text("update interview set state = 'failed' where id = :id"), {"id": interview.id}
        )


def test_nobody_concludes_on_their_own_interview_or_without_a_review(session, user, operator):
    interview = write(session, in_words(session, user), ESSAY, measured=PASTED)
    with pytest.raises(integrity.OwnInterview):
        integrity.conclude(session, interview, Finding.NOTHING, by=user, at=now())
    plain = write(session, in_words(session), "", how=unknown)
    with pytest.raises(integrity.NoReview):
        integrity.conclude(session, plain, Finding.NOTHING, by=operator, at=now())
    with pytest.raises(integrity.NothingNoted):
        integrity.explain(session, plain, "words", at=now())


def test_an_explanation_goes_with_the_answers(session, user):
    interview = answer_all(session, make_interview(session, user), unknown)
    make_integrity_note(session, interview, words="I use dictation.")

    transcripts.delete(session, interview, now() + timedelta(days=400))

    note = session.get(IntegrityNote, interview.id)
    assert (note.words, note.words_at) == (None, None)


def test_what_was_measured_stays(session, user):
    interview = answer_all(session, make_interview(session, user), unknown)
    make_signal(session, editions.responses(session, interview)[0])

    with pytest.raises(DBAPIError, match="stays as it is"), session.begin_nested():
        session.execute(text("update answer_signal set found = '[\"pasted\"]'"))


def test_the_page_of_frequencies_stands_without_any(operator, sign_in):
    page = sign_in(operator).get("/operator/interviews/signals")

    assert page.status_code == 200
    assert "No answer in words has been sent yet" in page.text
