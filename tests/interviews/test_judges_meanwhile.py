"""What happens while judges read: gates shut, consents end, answers go, sweeps meet."""

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from accounts import consents
from accounts.models import Purpose
from core import jobs
from core.clock import now
from core.models import CallOutcome
from core.ports import ModelUse
from experts.fields import Field
from interviews import (
    frozen,
    gate,
    judge_jobs,
    judge_prompts,
    judge_runs,
    judging,
    quotes,
    reading_queue,
    transcripts,
)
from interviews.evidence import Reading
from interviews.items import Short, banks
from interviews.judge_models import (
    AnswerJudging,
    FrozenAnswer,
    Gate,
    Judged,
    JudgeRunReading,
    ReadFor,
    Why,
)
from interviews.judges import Heard
from interviews.models import Mode
from proofs import scripted_model
from proofs.scripted_model import Fault
from tests.factories.accounts import make_user
from tests.factories.judges import (
    being_read,
    consent,
    in_words,
    make_near,
    make_run,
    open_gate,
    reading,
    to_read,
    use_judges,
)

ALL = reading(lambda _key: True, "in my own sentences,")
WORDS = "Two invented readings were found this morning."
READ = Heard(
    Judged.READ,
    ModelUse("tiny", 1, 1, 1),
    CallOutcome.ANSWERED,
    (Reading("agent", met=True, quote="my own sentences"),),
)


@pytest.fixture
def endpoint():
    with scripted_model.running(ALL) as model:
        yield model


@pytest.fixture
def having(app, endpoint):
    before = app.extensions["doyen.ports"]
    yield use_judges(app, endpoint.base_url)
    app.extensions["doyen.ports"].language_model._client.close()
    app.extensions["doyen.ports"] = before


@pytest.fixture
def near(session, having):
    open_gate(session, having)
    interview = make_near(session)
    session.commit()
    return interview


def after(count, then=None):
    """Answer so many questions, then find the endpoint away."""
    asked = []

    def script(said):
        asked.append(said)
        if len(asked) == count and then is not None:
            then()
        return ALL(said) if len(asked) <= count else Fault(status=503)

    return script


def again(app, session, interview):
    """Let the job run once more, as the sweep does when the hold is over."""
    row = being_read(session, interview)
    row.held_until = None
    session.add(row)
    session.commit()
    done = jobs.run(app, "interviews.judge_interview", interview_id=interview.id)
    session.expire_all()
    return done


def test_behind_a_gate_that_was_shut_meanwhile_nothing_counts(app, session, having, near, endpoint):
    endpoint.script = after(2)
    assert again(app, session, near) == judge_jobs.WAITS
    gate.close(session, having.version, Field.LAW, WORDS, by=make_user(session), at=now())
    endpoint.script, endpoint.asked = ALL, []

    assert again(app, session, near) == "nothing to ask"

    assert endpoint.asked == []
    assert {one.points for one in in_words(session, near)} == {0.0}
    assert {one.why for one in to_read(session, near)} == {Why.GATE}


@pytest.mark.parametrize("what", ["consent", "gate"])
def test_what_ends_between_two_questions_ends_the_asking(
    app, session, having, near, endpoint, what
):
    person, user = near.expert_id, make_user(session, "operator")
    session.commit()

    def ends():
        if what == "consent":
            consents.withdraw(session, person, Purpose.AI_INTERVIEW, address=None, at=now())
        else:
            gate.close(session, having.version, Field.LAW, WORDS, by=user, at=now())
        session.commit()

    endpoint.script = after(1, ends)
    again(app, session, near)
    again(app, session, near)

    assert len(endpoint.asked) == 1
    assert {one.points for one in in_words(session, near)} == {0.0}
    assert {one.why for one in to_read(session, near)} == {Why(what)}


def test_a_slow_model_keeps_its_interview_to_itself(session, having, near):
    begun = now()
    work = judging.claim(session, near.id, having, begun)
    later = begun + judging.HELD - timedelta(minutes=1)

    assert judging.go_on(session, near.id, work.questions[0], having.version, later)
    session.flush()

    assert near.id not in judging.waiting(session, begun + judging.HELD)
    assert judging.claim(session, near.id, having, begun + judging.HELD) is None


def test_what_was_quoted_of_an_answer_that_was_deleted_meanwhile_is_not_kept(session, having, near):
    work = judging.claim(session, near.id, having, now())
    transcripts.delete(session, near, now())
    session.flush()

    assert not judging.go_on(session, near.id, work.questions[0], having.version, now())
    judging.store(session, work.questions[0], having.version, READ, now())

    assert session.exec(select(AnswerJudging)).all() == []


def test_a_sweep_does_not_wait_for_an_endpoint_that_is_away_again_and_again(
    app, session, having, near, endpoint
):
    for _more in range(4):
        make_near(session)
    session.commit()
    endpoint.script = lambda _asked: Fault(status=503)

    assert jobs.run(app, "interviews.judge_waiting") == judge_jobs.DOWN_AT_MOST
    assert len(endpoint.asked) == judge_jobs.DOWN_AT_MOST
    assert jobs.run(app, "interviews.judge_waiting") == 2, "the others come next"


def test_a_run_is_held_while_it_is_asked_and_no_sweep_shortens_that(app, session, having):
    run = make_run(session, having)
    begun = now()
    [first, *_others] = judge_runs.claim(session, run.id, having, begun)
    later = begun + judge_runs.HELD - timedelta(minutes=1)
    assert judge_runs.go_on(session, run.id, first.answer, later)
    session.commit()

    settings = app.extensions["doyen.settings"]
    much_later = begun + judge_runs.AT_MOST + timedelta(minutes=1)
    assert judge_runs.claim(session, run.id, having, begun + judge_runs.HELD) is None
    assert not judge_runs.give_up(session, run.id, settings, begun + judge_runs.HELD)
    assert run.held_until == later + judge_runs.HELD
    assert judge_runs.give_up(session, run.id, settings, much_later)
    assert not judge_runs.go_on(session, run.id, first.answer, much_later)
    judge_runs.store(session, run.id, first, READ, much_later)
    assert session.exec(select(JudgeRunReading)).all() == [], "a counted run takes nothing more"


def test_a_run_that_ends_just_when_another_is_begun_is_returned(app, session, having):
    run = make_run(session, having)
    judge_runs.give_up(
        session, run.id, app.extensions["doyen.settings"], now() + judge_runs.AT_MOST
    )

    assert make_run(session, having).id != run.id


def test_a_gate_closed_by_hand_is_not_opened_by_a_run_that_had_begun_before(session, having):
    open_gate(session, having)
    run = make_run(session, having)
    gate.close(session, having.version, Field.LAW, WORDS, by=make_user(session), at=now())
    run.results, run.finished_at = {"fields": {"law": {"opens": True}}}, now()
    session.flush()

    assert gate.follow(session, run, now()) == []
    assert not gate.state(session, having.version, Field.LAW).is_open
    later = make_run(session, having)
    later.results, later.finished_at = {"fields": {"law": {"opens": True}}}, now()
    session.flush()
    assert gate.follow(session, later, now()) == [Field.LAW]
    assert session.exec(select(Gate).where(Gate.field == Field.LAW)).all()[-1].is_open


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["json", "copy", "schema", "model_dump", "model_config", "class"])
def test_authors_name_checks_as_they_like(name):
    law = banks()[Field.LAW]
    short = next(one.question for one in law.items if isinstance(one.question, Short))
    check = next(iter(short.checks.values()))
    question = short.model_copy(update={"checks": {name: check}})

    form = judge_prompts.form_for(question)
    answer = form.model_validate_json(json.dumps({name: {"met": True, "quote": "x"}}))

    assert list(form.model_json_schema()["properties"]) == [name]
    assert judge_prompts.read_in(answer, question)[name].quote == "x"


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("5 %", "The rate is 12.5 % then.", None),
        ("12", "The rate is 12,5 % then.", None),
        ("12,5 %", "The rate is 12,5 % then.", "12,5 %"),
        ("5 %", "The rate is 5 %, then.", "5 %"),
        ("in 2019", "It was in 2019. 3 others", "in 2019"),
        ("0.5", "0.5 days", "0.5"),
    ],
)
def test_a_number_is_quoted_whole_or_not_at_all(quote, text, found):
    assert quotes.verified(quote, text) == found


def test_who_withdraws_is_no_longer_read_for_the_frozen_set(session):
    reader, other = make_user(session, "operator"), make_user(session, "operator")
    near = make_near(session, mode=Mode.STRUCTURED)
    for purpose in frozen.NEEDED:
        consent(session, session.get(type(reader), near.expert_id), purpose)
    row = reading_queue.take_next(session, reader.id, now())
    one = reading_queue.found(session, row)
    reading_queue.read(session, one, {}, by=reader, at=now())
    place = frozen.propose(session, one.response, by=reader, at=now())
    wait = next(
        one for one in to_read(session, near) if one.purpose is ReadFor.FROZEN and not one.read_at
    )
    wait.held_by, wait.held_until = other.id, now() + reading_queue.HOLD
    session.flush()
    second = reading_queue.found(session, wait)
    assert reading_queue._is_open(session, second)

    consents.withdraw(session, near.expert_id, Purpose.AI_INTERVIEW, address=None, at=now())

    with pytest.raises(reading_queue.OthersRead):
        reading_queue.read(session, second, {}, by=other, at=now())
    wait.held_by = wait.held_until = None
    ids = [row.id for row, _response, _interview in session.exec(reading_queue.query(other.id))]
    assert wait.id not in ids
    assert session.get(FrozenAnswer, place.id).frozen_at is None
