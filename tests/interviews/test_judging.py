"""Judges read what the program could not, only add points, and nobody pays for their trouble."""

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from accounts import consents
from accounts.models import Purpose
from core import jobs, model_calls
from core.clock import now
from core.models import AuditEvent, Letter, ModelCall
from core.ports import ModelUse
from interviews import editions, judging, review, transcripts, unread
from interviews.judge_models import AnswerJudging, Judged, Phase, Why
from interviews.models import Interview, Mode, Response, State
from proofs import scripted_model
from proofs.scripted_model import Fault
from tests.factories.judges import (
    OWN_WORDS,
    answer_of,
    being_read,
    in_words,
    is_second,
    keys_of,
    make_near,
    open_gate,
    reading,
    to_read,
    use_judges,
)

ALL = reading(lambda _key: True, "in my OWN  sentences,")
NONE = reading(lambda _key: False, "")


@pytest.fixture
def endpoint():
    with scripted_model.running(ALL) as model:
        yield model


@pytest.fixture
def having(app, endpoint):
    before = app.extensions["doyen.ports"]
    yield use_judges(app, endpoint.base_url)
    for model in (app.extensions["doyen.ports"].language_model,):
        model._client.close()
    app.extensions["doyen.ports"] = before


@pytest.fixture
def near(session, having):
    open_gate(session, having)
    return kept_near(session)


def kept_near(session, **how):
    """Take an interview near the line, and let jobs see it."""
    interview = make_near(session, **how)
    session.commit()
    return interview


def judge(app, session, interview):
    """Run the job, and read the rows anew."""
    done = jobs.run(app, "interviews.judge_interview", interview_id=interview.id)
    session.expire_all()
    return done


def letters(session, interview):
    query = select(Letter.template).where(Letter.user_id == interview.expert_id)
    return [one.removeprefix("interviews/") for one in session.exec(query.order_by(Letter.id))]


def whys(session, interview):
    return [one.why for one in to_read(session, interview)]


def test_the_interview_waits_for_its_judges_and_for_nobody_else(session, near):
    assert near.state is State.REVIEW
    assert being_read(session, near).phase is Phase.JUDGES
    assert to_read(session, near) == []
    assert letters(session, near) == []
    assert session.exec(select(Interview).where(review.waits())).all() == []


def test_what_both_find_counts_with_the_candidates_own_words(app, session, near, endpoint):
    assert judge(app, session, near) == "read"

    assert near.state is State.PASSED
    assert near.decided_rule == "LW-1/2"
    for response in in_words(session, near):
        assert response.points == 1.0
        assert {one["quote"] for one in response.mark["readings"]} == {"In my own sentences"}
    assert being_read(session, near).phase is Phase.READ
    assert letters(session, near) == ["passed"]
    acts = session.exec(
        select(AuditEvent.action).where(AuditEvent.subject == f"interview:{near.id}")
    ).all()
    assert "interview.judged" in acts
    calls = session.exec(select(ModelCall)).all()
    assert {call.purpose for call in calls} == {"judge"}
    assert len(calls) == len(endpoint.asked) == 2 * len(in_words(session, near))


def test_a_judge_sees_question_checks_and_answer_only(app, session, near, endpoint):
    judge(app, session, near)

    asked = endpoint.asked[0]
    assert [one["role"] for one in asked["messages"]] == ["system", "user"]
    assert answer_of(asked) == OWN_WORDS
    bank = editions.of(session, near)
    item = bank.item(in_words(session, near)[0].item_id)
    said = asked["messages"][1]["content"]
    assert item.question.prompt.en in said
    assert item.question.accepted.en not in said
    assert keys_of(asked) == list(item.question.checks)
    assert asked["response_format"]["json_schema"]["strict"]
    assert is_second(endpoint.asked[1])


def test_an_invented_quote_is_no_point(app, session, near, endpoint):
    endpoint.script = reading(lambda _key: True, "The licensor must consent in writing.")

    judge(app, session, near)

    assert near.state is State.REVIEW
    assert {one.points for one in in_words(session, near)} == {0.0}
    rows = session.exec(select(AnswerJudging)).all()
    assert not any(one["met"] or one["quote"] for row in rows for one in row.readings)
    assert set(whys(session, near)) == {Why.NOT_FOUND}


@pytest.mark.parametrize("quote", ["", "…", "a", "n my own word"])
def test_a_quote_that_shows_nothing_is_none(app, session, near, endpoint, quote):
    endpoint.script = reading(lambda _key: True, quote)

    judge(app, session, near)

    assert near.state is State.REVIEW


def test_where_judges_differ_a_person_reads(app, session, near, endpoint):
    endpoint.script = lambda asked: (NONE if is_second(asked) else ALL)(asked)

    judge(app, session, near)

    assert near.state is State.REVIEW
    assert {one.points for one in in_words(session, near)} == {0.0}
    assert set(whys(session, near)) == {Why.DISAGREE}
    assert letters(session, near) == ["with_a_person"]
    assert being_read(session, near).phase is Phase.PEOPLE


def test_that_both_find_nothing_fails_nobody(app, session, near, endpoint):
    endpoint.script = NONE

    judge(app, session, near)

    assert near.state is State.REVIEW
    assert near.decision_id is None
    bank, responses = editions.of(session, near), editions.responses(session, near)
    assert len(unread.points(bank, responses)) == len(in_words(session, near))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I think the candidate did well!", Why.NONSENSE),
        (json.dumps({"points": 10}), Why.NONSENSE),
        (Fault(status=400), Why.REFUSED),
    ],
)
def test_trouble_of_a_judge_goes_to_a_person(app, session, near, endpoint, answer, why):
    endpoint.script = lambda asked: answer if is_second(asked) else ALL(asked)

    judge(app, session, near)

    assert near.state is State.REVIEW
    assert set(whys(session, near)) == {why}


def test_a_model_that_is_away_is_asked_again_until_the_deadline(app, session, near, endpoint):
    endpoint.script = lambda _asked: Fault(status=503)

    assert judge(app, session, near) == "waits for the model"
    assert being_read(session, near).phase is Phase.JUDGES
    assert jobs.run(app, "interviews.judge_waiting") == 0, "it rests for a while"

    row = being_read(session, near)
    row.held_until, row.due_at = None, now() - timedelta(seconds=1)
    session.add(row)
    session.commit()
    assert jobs.run(app, "interviews.judge_waiting") == 1
    session.expire_all()
    assert set(whys(session, near)) == {Why.DOWN}
    assert near.state is State.REVIEW


def test_once_the_model_is_back_nothing_is_asked_twice(app, session, near, endpoint):
    answered = []

    def only_one(asked):
        answered.append(asked)
        return ALL(asked) if len(answered) == 1 else Fault(status=503)

    endpoint.script = only_one
    judge(app, session, near)
    row = being_read(session, near)
    row.held_until = None
    session.add(row)
    session.commit()
    endpoint.script, endpoint.asked = ALL, []

    judge(app, session, near)

    assert near.state is State.PASSED
    assert len(endpoint.asked) == 2 * len(in_words(session, near)) - 1


def test_a_job_that_is_killed_half_way_or_runs_twice_loses_and_doubles_nothing(
    app, session, near, endpoint, monkeypatch
):
    stored = judging.store

    def dies(*args):
        stored(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(judging, "store", dies)
    with pytest.raises(KeyboardInterrupt):
        judge(app, session, near)
    monkeypatch.setattr(judging, "store", stored)
    assert judge(app, session, near) == "nothing to ask", "somebody may still be at it"
    row = being_read(session, near)
    row.held_until = now()
    session.add(row)
    session.commit()

    jobs.run(app, "interviews.judge_waiting")
    judge(app, session, near)

    assert near.state is State.PASSED
    rows = session.exec(select(AnswerJudging)).all()
    assert len({(row.response_id, row.judge) for row in rows}) == len(rows)
    assert letters(session, near) == ["passed"]


def test_over_budget_a_person_reads(app, session, near, endpoint):
    use = ModelUse("tiny", 10**6, 0, 1)
    settings = app.extensions["doyen.settings"]
    subject = judging.subject(near.id)
    model_calls.note(session, settings, purpose="x", subject=subject, use=use, at=now())
    session.commit()

    judge(app, session, near)

    assert endpoint.asked == []
    assert set(whys(session, near)) == {Why.BUDGET}


def test_behind_a_closed_gate_a_person_reads(app, session, having, endpoint):
    near = kept_near(session)

    judge(app, session, near)

    assert endpoint.asked == []
    assert set(whys(session, near)) == {Why.GATE}
    assert letters(session, near) == ["with_a_person"]


def test_without_a_model_a_person_reads(app, session):
    near = kept_near(session)

    judge(app, session, near)

    assert set(whys(session, near)) == {Why.NO_MODEL}


def test_after_a_withdrawn_consent_a_person_reads(app, session, near, endpoint):
    consents.withdraw(session, near.expert_id, Purpose.AI_INTERVIEW, address=None, at=now())
    session.commit()

    judge(app, session, near)

    assert endpoint.asked == []
    assert set(whys(session, near)) == {Why.CONSENT}


@pytest.mark.parametrize("mode", [Mode.STRUCTURED, Mode.PERSON])
def test_without_consent_to_the_model_nobody_is_judged(app, session, having, endpoint, mode):
    open_gate(session, having)
    near = kept_near(session, mode=mode)

    assert being_read(session, near).phase is Phase.PEOPLE
    assert set(whys(session, near)) == {Why.POINTS}
    judge(app, session, near)
    assert endpoint.asked == []
    assert session.exec(select(AnswerJudging)).all() == []


def test_an_operator_who_decides_meanwhile_is_not_overruled(app, session, near, endpoint):
    near.state = State.ABANDONED
    session.add(near)
    session.commit()

    judge(app, session, near)

    assert near.state is State.ABANDONED
    assert being_read(session, near).phase is Phase.READ
    assert endpoint.asked == []


def test_two_models_judge_where_the_settings_name_two(app, session, endpoint, having):
    use_judges(app, endpoint.base_url, second="other")
    app.extensions["doyen.ports"].second_model._client.close()
    with_two = use_judges(app, endpoint.base_url, second="other")
    open_gate(session, with_two)
    near = kept_near(session)

    judge(app, session, near)
    app.extensions["doyen.ports"].second_model._client.close()

    assert with_two.version != having.version
    assert {asked["model"] for asked in endpoint.asked} == {"tiny", "other"}
    assert {one.outcome for one in session.exec(select(AnswerJudging))} == {Judged.READ}


def test_deleted_answers_leave_no_quotes(app, session, near):
    judge(app, session, near)
    transcripts.delete(session, near, now())
    session.flush()

    kept = json.dumps([one.readings for one in session.exec(select(AnswerJudging))])
    assert "own sentences" not in kept
    assert session.exec(select(Response.answer).where(Response.interview_id == near.id)).all() == [
        None
    ] * len(near.plan)
