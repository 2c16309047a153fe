"""Answers are kept for their result, longer only with consent; corrections stand beside them."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts.models import Decision, Purpose
from core.clock import now
from core.models import Letter
from experts.fields import Field
from interviews import corrections, editions, jobs, transcripts
from interviews.models import AnswerCorrection, Interview, Response, State
from tests.factories.accounts import make_user
from tests.factories.consents import make_consent
from tests.factories.decisions import answer as answer_appeal
from tests.factories.decisions import contest, decision_of, stands
from tests.factories.interviews import answer_all, make_interview, right_answer, unknown

LONG_AGO = timedelta(days=40)
KEEP = Purpose.TRANSCRIPTS
WORDS = "I meant the licensor, not the licensee."


@pytest.fixture
def user(session):
    return make_user(session, "expert")


def wrong(place, item):
    """Answer in words where words are asked for, the first question, and no other."""
    if item.kind == "short":
        return {"text": "Nothing of the sort, zzwords."}
    return right_answer(item) if place == 1 else None


def finished(session, user, how=wrong, ago=LONG_AGO, field=Field.LAW):
    """Make an interview that ended some time ago."""
    at = now() - ago
    made = make_interview(session, user, at=at, field=field)
    interview = answer_all(session, made, how, at=at)
    session.commit()
    return interview


def sweep(session):
    deleted = jobs.delete_texts()
    session.expire_all()
    return deleted


def said(session, interview):
    return [one.answer for one in editions.responses(session, interview) if one.answer]


def test_without_consent_answers_go_when_nothing_needs_them(session, user):
    interview = finished(session, user)
    before = (interview.state, interview.level, interview.scorecard, interview.decision_id)
    assert interview.state is State.FAILED

    assert sweep(session) == 1

    assert said(session, interview) == []
    after = (interview.state, interview.level, interview.scorecard, interview.decision_id)
    assert after == before
    assert interview.texts_deleted_at is not None
    responses = editions.responses(session, interview)
    assert all(r.get("quote") is None for one in responses for r in one.mark.get("readings", []))
    decision = session.get_one(Decision, interview.decision_id)
    assert "zzwords" not in str(decision.evidence)
    assert len(decision.evidence) >= 1
    assert sweep(session) == 0


def test_with_consent_they_stay(session, user):
    interview = finished(session, user)
    make_consent(session, user, KEEP)
    session.commit()

    assert sweep(session) == 0
    assert said(session, interview)


def test_they_stay_while_the_result_can_be_contested(session, user):
    interview = finished(session, user, ago=timedelta(days=2))

    assert sweep(session) == 0
    assert said(session, interview)


def test_they_stay_while_an_appeal_is_open_and_go_when_it_is_answered(
    app, session, user, monkeypatch
):
    interview = finished(session, user, ago=timedelta(days=10))
    appeal = contest(session, decision_of(session, interview))
    session.commit()
    later = now() + timedelta(days=6)
    monkeypatch.setitem(app.extensions, "doyen.clock", lambda: later)
    assert interview.contest_until < later
    assert sweep(session) == 0
    assert "until your appeal is answered" in transcripts.in_words(
        transcripts.staying(session, user.id, later)[0]
    )

    answer_appeal(session, app, appeal, stands(), make_user(session, "operator"))
    session.commit()

    assert sweep(session) == 1


def test_a_pass_is_kept_for_its_person_to_read_and_correct(session, user):
    finished(session, user, how=lambda place, item: None, ago=timedelta(days=1))
    passed = answer_all(session, make_interview(session), at=now())
    session.commit()

    assert sweep(session) == 0
    assert transcripts.kept_until(session, passed, now()) is not None


def test_an_interview_that_was_left_needs_no_answers(session, user, sign_in):
    interview = make_interview(session, user)
    session.commit()
    client = sign_in(user)
    client.post(f"/interviews/{interview.id}/leave")

    transcripts.delete_next(session, now() + timedelta(seconds=1))

    assert interview.texts_deleted_at is not None


def test_pages_say_that_answers_are_deleted(session, user, sign_in):
    interview = finished(session, user)
    sweep(session)
    session.commit()

    page = sign_in(user).get(f"/interviews/{interview.id}/result")
    read = sign_in(make_user(session, "operator")).get(f"/operator/interviews/{interview.id}")

    for shown in (page, read):
        assert shown.status_code == 200
        assert "The answer is deleted. Its points stay." in shown.text
        assert "zzwords" not in shown.text


def test_withdrawing_deletes_what_nothing_needs_and_lists_what_stays(session, user, sign_in):
    old = finished(session, user)
    make_consent(session, user, KEEP)
    fresh = finished(session, user, ago=timedelta(days=1), field=Field.MEDICINE)
    session.commit()
    client = sign_in(user)

    page = client.get("/account/consents/transcripts/withdraw").text

    assert "The answers of 1 interview are deleted now." in page
    assert "stay until the result can no longer be contested or corrected" in page
    assert said(session, old), "nothing is done before it is confirmed"

    client.post("/account/consents/transcripts/withdraw")

    session.expire_all()
    assert said(session, old) == []
    assert said(session, fresh)
    receipt = session.exec(
        select(Letter).where(Letter.template == "accounts/consent_withdrawn")
    ).one()
    assert "The answers of 1 interview are deleted now." in receipt.body
    assert "stay until" in receipt.body


def test_an_interview_without_answers_is_not_listed(session, user, sign_in):
    make_consent(session, user, KEEP)
    interview = make_interview(session, user)
    session.commit()
    client = sign_in(user)
    assert "stay until" not in client.get("/account/consents/transcripts/withdraw").text

    client.post(f"/interviews/{interview.id}/leave")

    page = client.get("/account/consents/transcripts/withdraw").text
    assert "Nothing that is there now changes" in page


def correct(client, interview, words=WORDS, position=1):
    path = f"/interviews/{interview.id}/answers/{position}"
    return client.post(path, data={"words": words})


def test_a_correction_stands_beside_the_answer_and_changes_no_points(session, user, sign_in):
    interview = finished(session, user, ago=timedelta(days=1))
    level, answers = interview.level, said(session, interview)
    client = sign_in(user)

    for _ in range(2):
        assert correct(client, interview).status_code == 302

    session.expire_all()
    [row] = session.exec(select(AnswerCorrection)).all()
    assert (row.words, interview.level, said(session, interview)) == (WORDS, level, answers)
    assert "changes no points by itself" in client.get(f"/interviews/{interview.id}/result").text


def test_reviewers_and_second_looks_see_corrections(session, user, sign_in):
    interview = finished(session, user, ago=timedelta(days=1))
    correct(sign_in(user), interview)
    appeal = contest(session, decision_of(session, interview))
    session.commit()
    reader = sign_in(make_user(session, "operator"))

    assert WORDS in reader.get(f"/operator/interviews/{interview.id}").text
    assert WORDS in reader.get(f"/appeals/{appeal.id}").text


def test_what_cannot_be_corrected(session, user, sign_in):
    interview = make_interview(session, user)
    answer_all(session, interview, unknown)
    under_way = make_interview(session, make_user(session, "expert"))
    session.commit()
    client = sign_in(user)

    assert correct(client, interview, "   ").status_code == 422
    assert correct(client, interview, "x" * 4001).status_code == 422
    assert correct(client, interview, position=99).status_code == 404
    assert correct(client, under_way).status_code == 404
    first = editions.responses(session, interview)[0]
    for number in range(corrections.MOST_OF_ONE):
        corrections.add(session, interview, first, f"x{number}", language="en", at=now())
        session.flush()
    session.commit()
    assert correct(client, interview).status_code == 409
    assert "as often as it can be" in client.get(f"/interviews/{interview.id}/answers/1").text


def test_hostile_words_stay_words(session, user, sign_in):
    interview = finished(session, user, ago=timedelta(days=1))
    client = sign_in(user)

    correct(client, interview, "<script>alert(1)</script>")

    page = client.get(f"/interviews/{interview.id}/result").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_corrections_go_with_the_answers(session, user):
    interview = finished(session, user)
    first = editions.responses(session, interview)[0]
    corrections.add(session, interview, first, WORDS, language="en", at=now())
    session.commit()

    sweep(session)

    assert session.exec(select(AnswerCorrection)).one().words is None
    with pytest.raises(corrections.NothingThere):
        corrections.add(session, interview, first, WORDS, language="en", at=now())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE answer_correction SET words = 'other'",
        "UPDATE answer_correction SET written_at = now() - interval '1 day'",
        "DELETE FROM answer_correction",
        "TRUNCATE answer_correction",
    ],
)
def test_the_database_keeps_corrections(session, user, sql):
    interview = finished(session, user, ago=timedelta(days=1))
    response = session.exec(select(Response)).first()
    corrections.add(session, interview, response, WORDS, language="en", at=now())
    session.flush()

    with pytest.raises(DBAPIError):
        session.execute(text(sql))


def test_the_sweep_goes_on_behind_those_who_keep_theirs(session):
    keeper, other = make_user(session, "expert"), make_user(session, "expert")
    make_consent(session, keeper, KEEP)
    finished(session, keeper)
    finished(session, other)

    assert sweep(session) == 1
    left = session.exec(
        select(Interview.expert_id).where(Interview.texts_deleted_at == None)  # noqa: E711
    ).all()
    assert left == [keeper.id]
