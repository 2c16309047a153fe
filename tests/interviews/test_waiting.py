"""The queue of interviews near the line: how long they wait, why, and who reads them now."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core.clock import now
from core.models import Letter
from interviews import conversation, health, outcome, review, waiting
from interviews.judge_models import Phase
from interviews.models import Mode, State
from interviews.waiting import Why
from interviews.waiting_models import InterviewReading, LateWarning
from tests.factories.accounts import make_user
from tests.factories.interviews import answer_all, make_interview, right, right_until, unknown
from tests.factories.judges import being_read, make_near
from tests.factories.people import make_integrity_note

WHY = "Question 12 asks for the reader's own reasons, and none are given."
CHANGE = "Naming the consent of the licensor in question 12."


@pytest.fixture
def operator(session):
    return make_user(session, "operator")


def with_a_person(session, how=right, *, ago=timedelta()):
    """An interview of somebody who asked for a person: it waits wherever the points lie."""
    interview = make_interview(session, at=now() - ago - timedelta(hours=1))
    conversation.switch(session, interview, Mode.PERSON, now() - ago - timedelta(hours=1))
    session.flush()
    return answer_all(session, interview, how, at=now() - ago)


def test_why_an_interview_waits_is_told(session):
    asked = with_a_person(session)
    assert waiting.why(session, asked) is Why.PERSON
    for how, wanted in ((right, Why.OTHER), (unknown, Why.LINE)):
        one = answer_all(session, make_interview(session), how)
        assert waiting.why(session, one) is wanted
    written = answer_all(session, make_interview(session), right)
    make_integrity_note(session, written)
    assert waiting.why(session, written) is Why.SIGNALS


def test_two_people_do_not_read_the_same(session, operator):
    interview, other, at = with_a_person(session), make_user(session, "operator"), now()

    assert waiting.hold(session, interview, operator, at) is None
    assert waiting.hold(session, interview, operator, at) is None  # a second click
    assert waiting.hold(session, interview, other, at).user_id == operator.id
    assert waiting.release(session, interview, other) is False

    assert waiting.release(session, interview, operator) is True
    assert waiting.hold(session, interview, other, at) is None


def test_a_hold_runs_out_by_itself(session, operator):
    interview, other, at = with_a_person(session), make_user(session, "operator"), now()
    waiting.hold(session, interview, operator, at)

    assert waiting.hold(session, interview, other, at + waiting.HOLD) is None
    assert waiting.readers(session, [interview.key], at + waiting.HOLD)[interview.key].user_id == (
        other.id
    )


def test_the_figures_of_the_queue(session, operator):
    with_a_person(session)
    with_a_person(session, ago=timedelta(days=6))
    with_a_person(session, ago=timedelta(days=8))
    for days in (1, 2, 9):
        read = with_a_person(session, ago=timedelta(days=days))
        review.let_pass(session, read, [], by=operator, at=now())
    session.flush()

    found = waiting.times(session, now())

    assert (found.waiting, found.late, found.soon) == (3, 1, 1)
    assert (found.read, found.read_late) == (3, 1)
    assert found.middle.days in (1, 2)
    assert found.most > timedelta(days=7)
    assert health.readings(session)[0].tone == "stop"


def test_those_whom_judges_still_read_are_not_counted_as_waiting(session):
    with_a_person(session)
    judged = make_near(session)

    assert being_read(session, judged).phase is Phase.JUDGES
    assert waiting.times(session, now()).waiting == 1


def test_operators_are_told_once_before_one_is_late(session, operator):
    late = with_a_person(session, ago=timedelta(days=6))
    with_a_person(session)

    assert waiting.warn_next(session, now()) is True
    assert waiting.warn_next(session, now()) is False

    assert session.exec(select(LateWarning)).one().interview_id == late.id
    session.flush()
    letters = select(Letter).where(Letter.template == "interviews/about_to_be_late")
    assert session.exec(letters).one().user_id == operator.id


def test_the_queue_shows_the_oldest_first_and_who_reads(session, sign_in, operator):
    young = with_a_person(session)
    old = with_a_person(session, ago=timedelta(days=8))
    window = sign_in(operator)

    page = window.get("/operator/interviews").text

    assert page.index(f'/operator/interviews/{old.id}"') < page.index(
        f'/operator/interviews/{young.id}"'
    )
    assert "Longer than the 7 days promised".lower() in page.lower()
    assert page.count("dy-chip stop") == 1  # the late one is marked
    taken = window.post(f"/operator/interviews/{old.id}/take")
    assert taken.headers["Location"].endswith(f"/operator/interviews/{old.id}")
    assert "Leave it for others" in window.get(f"/operator/interviews/{old.id}").text
    window.post(f"/operator/interviews/{old.id}/let-go")
    assert session.exec(select(InterviewReading)).all() == []


def test_deciding_lets_go(session, sign_in, operator):
    interview = with_a_person(session, right_until(3))
    window = sign_in(operator)
    window.post(f"/operator/interviews/{interview.id}/take")

    window.post(
        f"/operator/interviews/{interview.id}/decision",
        data={"verdict": "failed", "why": WHY, "change": CHANGE},
    )

    session.expire_all()
    assert interview.state is State.FAILED
    assert session.exec(select(InterviewReading)).all() == []
    assert interview.finished_at + outcome.READ_WITHIN > now()
