"""A person reads: near-line interviews, contested results, and who may do so."""

import pytest
from sqlmodel import select

from accounts import appeals
from core.clock import now
from core.models import AuditEvent, Letter
from experts import skills
from interviews import editions, outcome, review
from interviews.models import Interview, State
from tests.factories.accounts import make_user
from tests.factories.decisions import answer, changed, contest, decision_of, stands
from tests.factories.interviews import answer_all, make_interview, right, right_until, unknown

WHY = "Question 12 asks for the reader's own reasons, and none are given."
CHANGE = "Naming the consent of the licensor in question 12."
WORDS = "The key of question 3 overlooks the wording in force since March."


@pytest.fixture
def operator(session):
    return make_user(session, "operator")


@pytest.fixture
def near(session):
    """An interview near the line, whose answers in words no check could read."""

    def how(place, item):
        if item.kind == "short":
            return {"text": "In my own words, which no check knows."}
        return right(place, item) if place <= 8 else None

    interview = make_interview(session)
    while not asks_in_words(session, interview):  # one plan in eight asks for nothing in words
        interview = make_interview(session)
    return answer_all(session, interview, how)


def asks_in_words(session, interview):
    bank = editions.of(session, interview)
    return any(
        editions.asked(bank, interview, place)[1].kind == "short"
        for place in range(1, interview.length + 1)
    )


@pytest.fixture
def failed(session):
    return answer_all(session, make_interview(session), unknown)


def letters_to(session, interview):
    query = select(Letter).where(Letter.user_id == interview.expert_id).order_by(Letter.id)
    return [letter.template.removeprefix("interviews/") for letter in session.exec(query)]


def missing(session, interview):
    bank = editions.of(session, interview)
    return [
        (response.position, reading["check"])
        for response in editions.responses(session, interview)
        if response.answer and bank.item(response.item_id).kind == "short"
        for reading in response.mark["readings"]
        if not reading["met"]
    ]


def test_a_person_lets_pass_and_the_level_is_at_the_mark_at_least(session, near, operator):
    review.let_pass(session, near, [], by=operator, at=now())

    assert near.state is State.PASSED
    assert (near.decided_by, near.decided_rule) == (operator.id, None)
    [skill] = skills.held(session, near.expert_id)
    assert skill.level == 0.6
    assert letters_to(session, near) == ["with_a_person", "passed"]


def test_a_person_turns_down_with_words(session, near, operator):
    review.turn_down(session, near, [], why=WHY, change=CHANGE, by=operator, at=now())

    assert near.state is State.FAILED
    assert near.decided_by == operator.id
    assert (near.reason_words, near.would_change) == ({"en": WHY}, {"en": CHANGE})
    assert near.contest_until is not None
    letter = session.exec(select(Letter).where(Letter.template == "interviews/not_passed")).one()
    assert WHY in letter.body
    assert CHANGE in letter.body


def test_points_that_a_person_finds_count_and_are_marked_as_theirs(session, near, operator):
    before = near.level
    found = missing(session, near)
    if not found:
        pytest.skip("this plan has no question in words")

    review.let_pass(session, near, found, by=operator, at=now())

    session.flush()
    assert outcome.card_of(near).total.share > before
    changed = [r for r in editions.responses(session, near) if r.mark.get("read_by")]
    assert {r.mark["read_by"] for r in changed} == {operator.id}
    assert {r.points for r in changed} == {1.0}


@pytest.mark.parametrize("words", ["", "Too short.", " " * 40])
def test_nobody_is_turned_down_without_words(session, near, operator, words):
    with pytest.raises(review.WordsNeeded):
        review.turn_down(session, near, [], why=words, change=CHANGE, by=operator, at=now())

    assert near.state is State.REVIEW


def test_the_same_decision_twice_is_one(session, near, operator):
    review.let_pass(session, near, [], by=operator, at=now())
    review.let_pass(session, near, [], by=operator, at=now())

    assert letters_to(session, near).count("passed") == 1


def test_a_second_reader_finds_it_decided(session, near, operator):
    review.let_pass(session, near, [], by=operator, at=now())

    with pytest.raises(review.NotToRead):
        review.turn_down(
            session,
            near,
            [],
            why=WHY,
            change=CHANGE,
            by=make_user(session, "operator"),
            at=now(),
        )


def test_nobody_reads_their_own_interview(session):
    both = make_user(session, "expert", "operator")
    own = answer_all(session, make_interview(session, both), right_until(8))

    with pytest.raises(review.OwnInterview):
        review.let_pass(session, own, [], by=both, at=now())


def test_a_contested_result_is_told_to_the_operators_once(session, failed, operator):
    decision = decision_of(session, failed)
    contest(session, decision, WORDS)
    contest(session, decision, "Other words, sent by a second click.")

    told = session.exec(select(Letter).where(Letter.user_id == operator.id)).all()
    assert [letter.template for letter in told] == ["accounts/appeal_to_answer"]
    assert letters_to(session, failed) == ["not_passed", "accounts/appeal_received"]


def test_an_appeal_that_changes_the_result_proves_the_skill(session, app, failed, operator):
    asked = contest(session, decision_of(session, failed), WORDS)

    answer(session, app, asked, changed(WHY), operator)

    session.refresh(failed)
    assert failed.state is State.PASSED
    assert failed.reason_code == "total_below", "the first decision stays on record"
    assert [skill.level for skill in skills.held(session, failed.expert_id)] == [0.6]
    assert letters_to(session, failed)[-2:] == ["passed", "accounts/appeal_answered"]


def test_an_appeal_that_lets_it_stand_says_why(session, app, failed, operator):
    asked = contest(session, decision_of(session, failed), WORDS)

    for _click in range(2):
        answer(session, app, asked, stands(WHY), operator)

    assert (failed.state, asked.reply) == (State.FAILED, WHY)
    assert letters_to(session, failed).count("accounts/appeal_answered") == 1
    with pytest.raises(appeals.AlreadyAnswered):
        answer(session, app, asked, changed(), operator)


def test_whoever_decided_does_not_look_again(session, app, near, operator):
    review.turn_down(session, near, [], why=WHY, change=CHANGE, by=operator, at=now())
    asked = contest(session, decision_of(session, near), WORDS)
    other = make_user(session, "operator")

    with pytest.raises(appeals.OwnDecision):
        answer(session, app, asked, stands(), operator)
    answer(session, app, asked, changed(), other)

    session.refresh(near)
    assert near.state is State.PASSED


def test_what_a_failure_rests_on_quotes_the_persons_own_words(session, near, operator):
    review.turn_down(session, near, [], why=WHY, change=CHANGE, by=operator, at=now())

    decision = decision_of(session, near)

    quotes = {one["quote"] for one in decision.evidence}
    assert "In my own words, which no check knows." in quotes
    assert decision.reason_words == {"en": WHY}
    assert decision.decided_by == operator.id


def test_only_what_was_not_passed_can_be_contested(session):
    passed = answer_all(session, make_interview(session), right)

    with pytest.raises(appeals.NothingToContest):
        contest(session, decision_of(session, passed), WORDS)


def test_what_waits_is_found_and_has_its_date(session, near, failed):
    waiting = session.exec(select(Interview).where(review.waits())).all()

    assert {one.id for one in waiting} == {near.id}
    assert review.waiting(session, 0) == 1
    assert review.waiting(session, near.expert_id) == 0
    assert review.due(near) == near.finished_at + outcome.READ_WITHIN
    assert review.due(failed) is None


def test_every_step_is_on_the_audit_trail(session, app, failed, operator):
    asked = contest(session, decision_of(session, failed), WORDS)
    answer(session, app, asked, changed(), operator)

    query = select(AuditEvent.action).where(AuditEvent.subject == f"interview:{failed.id}")
    assert session.exec(query.order_by(AuditEvent.id)).all() == [
        "interview.started",
        "decision.interview_failed",
        "interview.failed",
        "appeal.filed",
        "appeal.changed",
    ]
