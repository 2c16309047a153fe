"""What people need is granted by rule or answered by a person; it holds, and stays their own."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.clock import now
from core.models import Letter
from interviews import accommodations
from interviews.accommodation_models import Accommodation, InterviewAccommodation, Need, Stage
from tests.factories.accounts import make_user
from tests.factories.experts import make_expert
from tests.factories.interviews import answer_all, make_interview, right_until
from tests.factories.people import make_accommodation

PAGE = "/interviews/accommodations"
REPLY = "The figures are drawn larger from Monday on."


@pytest.fixture
def user(session):
    return make_user(session, "expert")


@pytest.fixture
def operator(session):
    return make_user(session, "operator")


def rows(session):
    session.expire_all()
    return session.exec(select(Accommodation).order_by(Accommodation.id)).all()


def give(session, row, by, *, is_granted=True, **more):
    accommodations.answer(
        session, row, is_granted=is_granted, reply=REPLY, extra_time=None, by=by, at=now(), **more
    )


@pytest.mark.parametrize(("extra", "hours"), [(25, 90), (50, 108), (100, 144)])
def test_more_time_is_granted_at_once_and_holds(session, user, sign_in, extra, hours):
    client = sign_in(user)
    client.post(PAGE, data={"need": "more_time", "extra_time": str(extra)})

    interview = make_interview(session, user)

    assert interview.expires_at - interview.started_at == timedelta(hours=hours)
    assert session.get(InterviewAccommodation, interview.id).extra_time == extra
    assert "Granted" in client.get(PAGE).text
    assert f"{extra}% longer" in client.get("/interviews/before/medicine").text


def test_it_reaches_an_interview_under_way_and_is_never_taken_from_it(session, user):
    interview = make_interview(session, user)
    first = make_accommodation(session, user, need=Need.MORE_TIME, extra_time=50)
    make_accommodation(session, user, need=Need.MORE_TIME, extra_time=25)
    session.flush()

    assert interview.expires_at - interview.started_at == timedelta(hours=108)
    assert first.state is Stage.ENDED
    with pytest.raises(DBAPIError, match="only ever grows"), session.begin_nested():
        session.execute(text("update interview_accommodation set extra_time = 0"))


def test_a_double_click_asks_once(session, user, sign_in):
    client = sign_in(user)
    for _twice in range(2):
        client.post(PAGE, data={"need": "other", "words": "Larger figures."})

    [row] = rows(session)
    assert row.state is Stage.ASKED
    with pytest.raises(accommodations.Asked):
        make_accommodation(session, user, words="Something else.")


def test_ending_it_ends_it_for_later_interviews_only(session, user, sign_in):
    make_accommodation(session, user, need=Need.MORE_TIME, extra_time=100)
    interview = make_interview(session, user)
    session.flush()
    client = sign_in(user)

    client.post(f"{PAGE}/{rows(session)[0].id}/end")
    client.post(f"{PAGE}/{rows(session)[0].id}/end")

    assert rows(session)[0].state is Stage.ENDED
    session.refresh(interview)
    assert interview.expires_at - interview.started_at == timedelta(hours=144)
    assert accommodations.effects(session, user.id) == accommodations.Effects()


def test_a_person_is_chosen_beforehand(session, user, sign_in):
    make_accommodation(session, user, need=Need.PERSON)

    page = sign_in(user).get("/interviews/before/law").text

    assert "checked" in re.search(r'<input[^>]*value="person"[^>]*>', page).group()
    assert "checked" not in re.search(r'<input[^>]*value="structured"[^>]*>', page).group()


def test_something_else_is_answered_by_a_person_who_sees_no_name(session, user, operator, sign_in):
    expert = make_expert(session, user)
    row = make_accommodation(session, user, words="Larger <i>figures</i>.")
    session.flush()
    told = session.exec(select(Letter).where(Letter.user_id == operator.id)).one()
    assert "Larger" not in told.body
    client = sign_in(operator)
    page = client.get("/operator/accommodations").text
    assert "Larger &lt;i&gt;" in page
    assert expert.pseudonym not in page

    path = f"/operator/accommodations/{row.id}/answer"
    assert client.post(path, data={f"r{row.id}-answer": "granted"}).status_code == 422
    data = {
        f"r{row.id}-answer": "granted",
        f"r{row.id}-reply": REPLY,
        f"r{row.id}-extra_time": "25",
    }
    for _twice in range(2):
        assert client.post(path, data=data).status_code == 302

    assert rows(session)[0].state is Stage.GRANTED
    assert accommodations.effects(session, user.id).extra_time == 25
    letter = session.exec(select(Letter).where(Letter.user_id == user.id)).one()
    assert REPLY in letter.body
    assert "Nobody waits for an answer" in client.get("/operator/accommodations").text


def test_a_no_has_reasons_and_somebody_else_looks_again(session, user, operator, sign_in):
    other = make_user(session, "operator")
    row = make_accommodation(session, user)
    with pytest.raises(accommodations.ReasonsNeeded):
        accommodations.answer(
            session, row, is_granted=False, reply="No.", extra_time=None, by=operator, at=now()
        )
    give(session, row, operator, is_granted=False)
    again = make_accommodation(session, user, words="The figures cannot be read.")

    assert again.again_of == row.id
    with pytest.raises(accommodations.SameAgain):
        give(session, again, operator)
    for who, is_offered in ((operator, False), (other, True)):
        page = sign_in(who).get("/operator/accommodations").text
        assert (f"Answer request {again.id}" in page) is is_offered
        assert ("another operator looks at it" in page) is not is_offered
    give(session, again, other)
    assert again.state is Stage.GRANTED
    with pytest.raises(DBAPIError, match="declined_with_reasons"), session.begin_nested():
        session.execute(text("update accommodation set state = 'declined', reply = 'no'"))


def test_nobody_answers_their_own(session):
    both = make_user(session, "expert", "operator")
    row = make_accommodation(session, both)

    with pytest.raises(accommodations.OwnRequest):
        give(session, row, both)


def test_who_reads_sees_a_longer_time_and_nothing_else(session, user, operator, sign_in):
    make_accommodation(session, user, need=Need.MORE_TIME, extra_time=50)
    make_accommodation(session, user, need=Need.SCREEN_READER)
    make_accommodation(session, user, words="zzlarger figures")
    near = answer_all(session, make_interview(session, user), right_until(8))

    page = sign_in(operator).get(f"/operator/interviews/{near.id}").text

    assert "50% longer" in page
    for words in ("creen reader", "zzlarger", "ccommodation"):
        assert words not in page.split("<main")[1].split("</main>")[0], words


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"need": "money"},
        {"need": "more_time"},
        {"need": "more_time", "extra_time": "300"},
        {"need": "other", "words": "  "},
        {"need": "other", "words": "x" * 1001},
    ],
)
def test_what_is_unclear_is_asked_again(session, user, sign_in, data):
    assert sign_in(user).post(PAGE, data=data).status_code == 422
    assert rows(session) == []


def test_late_answers_stand_on_the_operator_s_first_page(session, user, operator, sign_in):
    row = make_accommodation(session, user)
    row.answer_by = now() - timedelta(days=1)
    session.add(row)
    session.flush()

    assert accommodations.late(session, now()) == (1, 1)
    assert "longer than promised" in sign_in(operator).get("/operator").text
