"""People read answers blind, one each, with quotes that stand there; then the outcome follows."""

from datetime import timedelta

import pytest
from sqlmodel import select

from accounts.models import Purpose, User
from core import jobs
from core.clock import now
from interviews import editions, frozen, outcome, reading_queue, rubrics, unread
from interviews.judge_models import BeingRead, FrozenAnswer, FrozenReading, PersonReading, Phase
from interviews.models import Interview, Mode, Response, State
from interviews.reading_queue import UNDO_FOR
from tests.factories.accounts import make_user
from tests.factories.judges import consent, in_words, make_near, to_read


@pytest.fixture
def operator(session):
    return make_user(session, "operator")


@pytest.fixture
def near(session, operator):
    interview = make_near(session, mode=Mode.STRUCTURED)
    session.commit()
    return interview


def taken(session, user):
    return reading_queue.found(session, reading_queue.take_next(session, user.id, now()))


def everything(one, quote=""):
    return dict.fromkeys(rubrics.short(one.item).checks, quote)


def read_all(session, user, said):
    while (row := reading_queue.take_next(session, user.id, now())) is not None:
        one = reading_queue.found(session, row)
        reading_queue.read(session, one, said(one), by=user, at=now())
    session.commit()


def settle(app, session, interview):
    row = session.get(BeingRead, interview.id)
    row.last_read_at -= UNDO_FOR
    session.add(row)
    session.commit()
    done = jobs.run(app, "interviews.settle_read")
    session.expire_all()
    return done


def test_two_people_never_get_the_same_answer(session, near, operator):
    other = make_user(session, "operator")

    first, second = taken(session, operator), taken(session, other)

    assert first.row.id != second.row.id
    assert taken(session, operator).row.id == first.row.id, "a reload keeps one's own"
    with pytest.raises(reading_queue.OthersRead):
        reading_queue.read(session, first, {}, by=other, at=now())


def test_an_answer_that_was_left_open_comes_to_somebody_else(session, near, operator):
    first = taken(session, operator)
    other = make_user(session, "operator")
    later = now() + reading_queue.HOLD

    assert reading_queue.take_next(session, other.id, later).id == first.row.id


def test_nobody_gets_their_own_answers(session):
    both = make_user(session, "expert", "operator")
    make_near(session, both, mode=Mode.STRUCTURED)

    assert reading_queue.take_next(session, both.id, now()) is None
    assert reading_queue.waiting(session, both.id) == 0


def test_the_outcome_follows_when_all_is_read_and_can_no_longer_be_undone(
    app, session, near, operator
):
    read_all(session, operator, everything)
    assert {one.points for one in in_words(session, near)} == {1.0}
    assert jobs.run(app, "interviews.settle_read") == 0, "it can still be undone"

    assert settle(app, session, near) == 1
    assert settle_again(app) == 0
    assert near.state is State.PASSED
    assert session.get(BeingRead, near.id).phase is Phase.READ


def settle_again(app):
    return jobs.run(app, "interviews.settle_read")


def test_what_a_person_has_read_leaves_nothing_open(app, session, near, operator):
    before = [one.id for one in in_words(session, near)]
    read_all(session, operator, lambda _one: {})

    bank, responses = editions.of(session, near), editions.responses(session, near)
    assert unread.points(bank, responses) == {}
    settle(app, session, near)

    # Near by its whole range, or clearly below: then by the rule, with all that is owed.
    assert near.state in (State.REVIEW, State.FAILED)
    assert (near.state is State.FAILED) == (near.decision_id is not None)
    assert len(before) == len(to_read(session, near))


def test_who_asked_for_a_person_is_decided_on_by_one(app, session, operator):
    near = make_near(session, mode=Mode.PERSON)
    session.commit()
    read_all(session, operator, everything)
    settle(app, session, near)

    assert near.state is State.REVIEW
    assert outcome.card_of(near).total.share > 0.6


def test_a_quote_has_to_stand_in_the_answer(session, near, operator):
    one = taken(session, operator)
    with pytest.raises(reading_queue.NotInAnswer):
        reading_queue.read(session, one, everything(one, "not there"), by=operator, at=now())

    reading = reading_queue.read(
        session, one, everything(one, "MY own\nsentences"), by=operator, at=now()
    )
    assert {said["quote"] for said in reading.readings} == {"my own sentences"}


def test_sent_twice_it_is_read_once(session, near, operator):
    one = taken(session, operator)
    first = reading_queue.read(session, one, {}, by=operator, at=now())

    assert reading_queue.read(session, one, everything(one), by=operator, at=now()).id == first.id
    assert one.response.points == 0.0


def test_the_last_reading_can_be_undone_for_a_while(session, near, operator):
    one = taken(session, operator)
    reading_queue.read(session, one, everything(one), by=operator, at=now())

    for _click in range(2):
        reading_queue.undo(session, one, by=operator, at=now())

    assert one.response.points == 0.0
    assert not one.response.mark.get("read_by")
    assert taken(session, operator).row.id == one.row.id
    reading_queue.read(session, one, everything(one), by=operator, at=now())
    with pytest.raises(reading_queue.TooLate):
        reading_queue.undo(session, one, by=operator, at=now() + UNDO_FOR)
    assert len(session.exec(select(PersonReading)).all()) == 2, "what was undone stays on record"


def test_an_answer_of_the_frozen_set_is_read_by_two_and_keeps_its_text_in_the_interview(
    session, near, operator
):
    person, other = near_person(session, near), make_user(session, "operator")
    one = taken(session, operator)
    reading_queue.read(session, one, everything(one), by=operator, at=now())
    with pytest.raises(frozen.NotForTheSet):
        frozen.propose(session, one.response, by=operator, at=now())
    consent(session, person, Purpose.TRANSCRIPTS)
    consent(session, person, Purpose.AI_INTERVIEW)

    for _click in range(2):
        place = frozen.propose(session, one.response, by=operator, at=now())
    assert place.frozen_at is None
    points = one.response.points
    while place.frozen_at is None:
        second = taken(session, other)
        reading_queue.read(session, second, {}, by=other, at=now())

    assert one.response.points == points, "a reading for the set changes no outcome"
    assert len(session.exec(select(FrozenReading)).all()) == 2
    [kept] = frozen.current(session)
    assert kept.points == [1.0, 0.0]
    assert session.exec(select(FrozenAnswer)).one().words is None
    session.get(Response, one.response.id).answer = None
    session.flush()
    assert frozen.current(session) == []


def near_person(session, interview):
    return session.get(User, interview.expert_id)


def test_pages_are_blind_first_and_show_the_others_then(sign_in, session, near, operator):
    client = sign_in(operator)
    assert "Answer" in client.get("/operator/interviews/scoring").text
    where = client.post("/operator/interviews/scoring/next").location
    page = client.get(where)
    assert page.status_code == 200
    assert "Program" not in page.text
    assert "blockquote" in page.text
    key = page.text.split('name="met_')[1].split('"')[0]
    wrong = {f"met_{key}": "y", f"quote_{key}": "not there"}
    refused = client.post(where, data=wrong)
    assert refused.status_code == 422
    assert "these do not stand in it" in refused.text

    good = {f"met_{key}": "y", f"quote_{key}": "in my own sentences"}
    assert client.post(where, data=good).status_code == 302
    shown = client.get(where).text
    assert "<mark>In my own sentences</mark>" in shown
    assert "Program" in shown
    assert "has not agreed to both" in shown, "no button that can only be refused"
    assert f"{where}/freeze" not in shown
    assert client.post(f"{where}/undo").status_code == 302
    assert "Which points" in client.get(where).text
    assert client.post(f"{where}/put-back").status_code == 302
    assert client.get(where).status_code == 409


def test_the_queue_is_empty_in_words(sign_in, operator):
    client = sign_in(operator)
    assert "No answer waits for you" in client.get("/operator/interviews/scoring").text
    assert client.post("/operator/interviews/scoring/next").status_code == 302


def test_a_late_answer_is_due_first(session, operator):
    late = make_near(session, mode=Mode.STRUCTURED, at=now() - timedelta(hours=1))
    make_near(session, mode=Mode.STRUCTURED)
    session.flush()

    assert taken(session, operator).interview.id == late.id
    assert session.get(Interview, late.id).state is State.REVIEW
