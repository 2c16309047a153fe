"""How an interview is taken: said before, chosen by its person, without effect on the result."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts import consent_texts
from accounts.models import Purpose
from core.clock import now
from core.models import Letter
from experts.fields import Field
from interviews import conversation, modes
from interviews.models import Interview, Mode, State
from tests.conftest import make_settings
from tests.factories.accounts import make_user
from tests.factories.consents import make_consent
from tests.factories.interviews import answer_all, answer_one, make_interview, right_until, unknown

AI = Purpose.AI_INTERVIEW
BEFORE = "/interviews/before/law"


@pytest.fixture
def user(session):
    return make_user(session, "expert")


@pytest.fixture
def with_model(app, monkeypatch, tmp_path):
    """An app whose interviews can be led by a language model."""
    known = make_settings(tmp_path, llm_base_url="https://llm.example/v1", llm_model="small-1")
    monkeypatch.setitem(app.extensions, "doyen.settings", known)
    monkeypatch.setitem(app.extensions, "doyen.llm_interviewer", True)


def start(client, **changes):
    version = consent_texts.current(AI).version
    data = {"field": "law", "consent": "y", "ai_version": version, **changes}
    return client.post("/interviews/start", data=data)


def only(session):
    session.expire_all()
    return session.exec(select(Interview)).one()


def by_model(session, user):
    make_consent(session, user, AI)
    return conversation.start(
        session,
        user.id,
        Field.LAW,
        consent_version="test",
        mode=Mode.LLM,
        llm_model="small-1",
        at=now(),
    )


def test_the_notice_says_what_runs_and_offers_a_person(user, sign_in):
    page = sign_in(user).get(BEFORE)

    assert page.status_code == 200
    for words in ("drawn by lot", "Who decides", "has set up none", "With a person who decides"):
        assert words in page.text
    assert 'value="llm"' not in page.text


def test_a_model_that_no_interview_uses_is_named_and_not_offered(
    app, user, sign_in, monkeypatch, tmp_path
):
    known = make_settings(tmp_path, llm_base_url="https://llm.example/v1", llm_model="small-1")
    monkeypatch.setitem(app.extensions, "doyen.settings", known)

    page = sign_in(user).get(BEFORE).text

    assert "small-1 is set up on this instance, but no interview uses it." in page
    assert 'value="llm"' not in page


@pytest.mark.usefixtures("with_model")
def test_a_model_is_offered_with_its_name_and_an_unticked_agreement(user, sign_in):
    page = sign_in(user).get(BEFORE).text

    assert "small-1, at llm.example" in page
    assert 'value="llm"' in page
    assert page.count(" checked") == 1  # the way that needs no model


@pytest.mark.parametrize("mode", ["structured", "person"])
def test_two_ways_need_no_consent(session, user, sign_in, mode):
    assert start(sign_in(user), mode=mode).status_code == 302

    found = only(session)
    assert (found.mode, found.begun_as, found.ai_consent_id) == (mode, mode, None)


@pytest.mark.usefixtures("with_model")
def test_without_consent_no_model_starts(session, user, sign_in):
    response = start(sign_in(user), mode="llm")

    assert response.status_code == 422
    assert session.exec(select(Interview)).all() == []


@pytest.mark.usefixtures("with_model")
def test_agreeing_on_the_notice_starts_with_the_model(session, user, sign_in):
    assert start(sign_in(user), mode="llm", ai_consent="y").status_code == 302

    found = only(session)
    assert (found.mode, found.llm_model) == (Mode.LLM, "small-1")
    assert found.ai_consent_id is not None


def test_where_there_is_no_model_none_starts(session, user, sign_in):
    make_consent(session, user, AI)

    response = start(sign_in(user), mode="llm")

    assert response.status_code == 409
    assert session.exec(select(Interview)).all() == []


INSERT = """
    INSERT INTO interview (expert_id, field, attempt, state, edition, seed, plan, consent_version,
        consented_at, started_at, expires_at, mode, begun_as, llm_model, ai_consent_id)
    SELECT expert_id, 'medicine', 1, 'active', edition, seed, plan, consent_version, consented_at,
        clock_timestamp(), now() + interval '1 day', 'llm', 'llm', 'small-1', {consent}
    FROM interview LIMIT 1
"""
OF_THIS = "(SELECT max(id) FROM consent WHERE given AND purpose = '{}')"


@pytest.mark.parametrize("what", ["none", "of another", "withdrawn", "of another purpose", "older"])
def test_the_database_refuses_a_model_without_a_consent_in_force(session, user, sign_in, what):
    make_interview(session, user)
    consent = OF_THIS.format(AI)
    if what == "none":
        consent = "NULL"
    elif what == "of another":
        make_consent(session, make_user(session, "expert"), AI)
    elif what == "withdrawn":
        make_consent(session, user, AI)
        sign_in(user).post("/account/consents/ai_interview/withdraw")
    elif what == "of another purpose":
        make_consent(session, user, Purpose.TRANSCRIPTS)
        consent = OF_THIS.format(Purpose.TRANSCRIPTS)
    else:
        make_consent(session, user, AI)
        session.execute(
            text(
                "INSERT INTO consent_text VALUES"
                " ('d', 'ai_interview', '2027-01', 'en', 'Other words', now())"
            )
        )
    session.flush()

    with pytest.raises(DBAPIError, match=r"consent in force|llm_has_consent"):
        session.execute(text(INSERT.format(consent=consent)))


def test_the_database_lets_one_begin_with_it(session, user):
    make_interview(session, user)
    make_consent(session, user, AI)
    session.flush()

    session.execute(text(INSERT.format(consent=OF_THIS.format(AI))))

    begun = text("SELECT count(*) FROM interview WHERE mode = 'llm' AND ai_consent_id IS NOT NULL")
    assert session.execute(begun).scalar_one() == 1


@pytest.mark.parametrize(
    "change", ["mode = 'llm'", "begun_as = 'llm'", "llm_model = 'x'", "ai_consent_id = 1"]
)
def test_the_database_lets_no_model_in_later(session, user, change):
    make_interview(session, user)
    session.flush()

    with pytest.raises(DBAPIError, match="may only leave"):
        session.execute(text(f"UPDATE interview SET {change}"))


def test_a_person_always_decides_where_one_was_asked_for(session, user, sign_in):
    client = sign_in(user)
    start(client, mode="person")
    interview = only(session)

    answer_all(session, interview)  # all right: the rule alone would let it pass

    assert (interview.state, interview.decided_rule) == (State.REVIEW, None)
    assert (
        "You asked for a person to decide" in client.get(f"/interviews/{interview.id}/result").text
    )
    reader = make_user(session, "operator")
    page = sign_in(reader).get(f"/operator/interviews/{interview.id}").text
    assert "The expert asked for a person to decide" in page
    letter = session.exec(select(Letter).where(Letter.user_id == user.id)).one()
    assert "You asked for a person" in letter.body
    data = {"verdict": "passed"}
    reason = {"reason": "The test decides at once."}
    sign_in(reader).post(f"/operator/interviews/{interview.id}/look", data=reason)
    sign_in(reader).post(f"/operator/interviews/{interview.id}/decision", data=data)
    session.expire_all()
    assert (interview.state, interview.decided_by) == (State.PASSED, reader.id)


def test_nobody_is_failed_by_the_rule_where_a_person_was_asked_for(session, user):
    interview = make_interview(session, user)
    conversation.switch(session, interview, Mode.PERSON, now())

    answer_all(session, interview, unknown)

    assert interview.state is State.REVIEW


def test_changing_over_keeps_answers_and_changes_no_points(session, user, sign_in):
    interview = by_model(session, user)
    for place in (1, 2, 3):
        answer_one(session, interview, place, None)
    session.commit()
    client = sign_in(user)
    page = client.get(f"/interviews/{interview.id}").text
    assert "The language model small-1 asks and reads" in page
    assert "A language model asks and sorts; it does not decide alone." in page

    for _ in range(2):  # the second click changes nothing
        answer = client.post(f"/interviews/{interview.id}/mode", data={"mode": "structured"})
        assert answer.status_code == 302

    session.expire_all()
    assert (interview.mode, interview.begun_as) == (Mode.STRUCTURED, Mode.LLM)
    assert conversation.position(session, interview) == 4
    assert client.post(f"/interviews/{interview.id}/mode", data={"mode": "llm"}).status_code == 409
    assert client.post(f"/interviews/{interview.id}/mode", data={"mode": "x"}).status_code == 422


def test_the_way_does_not_change_the_points(session):
    levels = []
    for mode in (Mode.STRUCTURED, Mode.PERSON):
        interview = make_interview(session)
        conversation.switch(session, interview, mode, now())
        interview.seed = "same"
        answer_all(session, interview, right_until(9))
        levels.append(interview.level)

    assert levels[0] == levels[1]


def test_after_the_end_the_way_stays(session, user, sign_in):
    interview = answer_all(session, make_interview(session, user))
    session.commit()

    answer = sign_in(user).post(f"/interviews/{interview.id}/mode", data={"mode": "person"})

    assert answer.status_code == 409
    with pytest.raises(DBAPIError, match="may only leave"):
        session.execute(text("UPDATE interview SET mode = 'person'"))


def test_withdrawing_lets_an_interview_go_on_without_the_model(session, user, sign_in):
    interview = by_model(session, user)
    session.commit()
    client = sign_in(user)
    page = client.get("/account/consents/ai_interview/withdraw").text
    assert "goes on without a language model" in page

    client.post("/account/consents/ai_interview/withdraw")

    session.expire_all()
    assert interview.mode is Mode.STRUCTURED
    assert client.get(f"/interviews/{interview.id}").status_code == 200


def test_the_notice_leads_on_where_nothing_can_be_started(session, user, sign_in):
    make_interview(session, user)
    session.commit()
    client = sign_in(user)

    assert client.get(BEFORE).status_code == 302
    assert client.get("/interviews/before/alchemy").status_code == 404
    assert modes.offered(None) == [Mode.STRUCTURED, Mode.PERSON]


def test_withdrawing_while_it_starts_leaves_no_model_at_work(live):
    with live.transaction() as session:
        people = [make_user(session, "expert") for _ in range(4)]
        for person in people:
            make_consent(session, person, AI)
        session.expunge_all()
    refused = []

    def begin(person):
        try:
            with live.transaction() as session:
                conversation.start(
                    session,
                    person.id,
                    Field.LAW,
                    consent_version="test",
                    mode=Mode.LLM,
                    llm_model="small-1",
                    at=now(),
                )
        except conversation.ConsentNeeded:
            refused.append(person.id)

    def end(person):
        live.client(person).post("/account/consents/ai_interview/withdraw")

    at_once = [threading.Thread(target=act, args=[one]) for one in people for act in (begin, end)]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()

    with live.transaction() as session:
        found = session.exec(select(Interview)).all()
        assert len(found) + len(refused) == len(people)
        assert {one.mode for one in found} <= {Mode.STRUCTURED}
        assert all(one.ai_consent_id for one in found)
