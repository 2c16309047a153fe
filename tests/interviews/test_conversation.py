"""Interviews from start to last answer: resumable, one answer a question, closed when over."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlmodel import select

from core.clock import now
from core.models import AuditEvent, Letter
from experts import skills
from experts.fields import Field
from interviews import conversation, editions, items, standing, unread
from interviews.conversation import Kept
from interviews.models import BankEdition, Interview, State
from tests.factories.accounts import make_user
from tests.factories.interviews import (
    answer_all,
    answer_one,
    make_interview,
    right,
    right_until,
    unknown,
)

DAY = timedelta(days=1)


def letters_to(session, interview):
    query = select(Letter).where(Letter.user_id == interview.expert_id).order_by(Letter.id)
    return [letter.template.removeprefix("interviews/") for letter in session.exec(query)]


def test_starting_twice_returns_the_same_interview(session):
    user = make_user(session, "expert")

    first = make_interview(session, user)
    second = make_interview(session, user)

    assert first.id == second.id
    assert first.length == items.banks()[Field.LAW].questions


def test_one_connection_can_start_many(session):
    """The driver prepares what it has sent a few times; the index must still be found then."""
    started = {make_interview(session).id for _number in range(20)}

    assert len(started) == 20


def test_consent_is_stored_with_its_time_and_version(session):
    at = now()

    interview = make_interview(session, at=at)

    assert (interview.consent_version, interview.consented_at) == ("test", at)


def test_the_bank_is_kept_word_for_word_and_never_changed(session):
    interview = make_interview(session)

    edition = session.get(BankEdition, interview.edition)

    assert items.Bank.model_validate_json(edition.content).digest == interview.edition
    with pytest.raises(DatabaseError, match="never changed"):
        session.execute(text("UPDATE bank_edition SET version = 2"))


def test_an_interview_is_scored_by_the_edition_it_began_with(session, monkeypatch):
    interview = make_interview(session)
    law = items.banks()[Field.LAW]
    reworded = items.Bank.model_validate(law.model_dump() | {"version": law.version + 1})
    monkeypatch.setattr(items, "banks", lambda: {Field.LAW: reworded})

    bank = editions.of(session, interview)

    assert (bank.version, bank.digest) == (law.version, interview.edition)


def test_a_question_is_taken_up_where_it_was_left(session):
    interview = make_interview(session)

    answer_one(session, interview, 1, None)
    session.expire_all()

    assert conversation.position(session, interview) == 2


@pytest.mark.parametrize(("again", "kept"), [(None, Kept.SAME), ({"choice": "a"}, Kept.FIRST)])
def test_the_first_answer_is_kept(session, again, kept):
    interview = make_interview(session)
    answer_one(session, interview, 1, None)

    assert answer_one(session, interview, 1, again) is kept

    assert [one.answer for one in editions.responses(session, interview)] == [None]


def test_a_question_cannot_be_skipped(session):
    interview = make_interview(session)

    with pytest.raises(conversation.NotThisQuestion):
        answer_one(session, interview, 2, None)


def test_times_are_the_servers_and_each_question_begins_with_the_last_answer(session):
    start = now()
    interview = make_interview(session, at=start)

    answer_one(session, interview, 1, None, at=start + timedelta(seconds=40))
    answer_one(session, interview, 2, None, at=start + timedelta(seconds=90))

    first, second = editions.responses(session, interview)
    assert (first.shown_at, first.answered_at) == (start, start + timedelta(seconds=40))
    assert second.shown_at == first.answered_at


def test_all_right_passes_by_rule_and_proves_the_skill(session):
    interview = answer_all(session, make_interview(session), right)

    assert interview.state is State.PASSED
    assert (interview.decided_rule, interview.decided_by) == ("LW-1/2", None)
    [skill] = skills.held(session, interview.expert_id)
    assert (skill.field, skill.level, skill.interview_id) == (Field.LAW, 1.0, interview.id)
    assert letters_to(session, interview) == ["passed"]


def test_nothing_right_fails_with_all_that_is_owed(session):
    at = now()

    interview = answer_all(session, make_interview(session, at=at), unknown, at=at)

    assert interview.state is State.FAILED
    assert interview.reason_code == "total_below"
    assert interview.decided_rule == "LW-1/2"
    assert "0 of 15 points; 9 are needed" in interview.reason_words["en"]
    assert "0 sur 15 points" in interview.reason_words["fr"]
    assert "A total of 9 points instead of 0" in interview.would_change["en"]
    assert len(interview.evidence["answers"]) == 15
    assert interview.contest_until == at + 14 * DAY
    assert interview.retake_from == at + 14 * DAY
    assert skills.held(session, interview.expert_id) == []
    assert letters_to(session, interview) == ["not_passed"]


def test_near_the_line_goes_to_a_person_who_is_told(session):
    operator = make_user(session, "operator")

    interview = answer_all(session, make_interview(session), right_until(8))

    assert interview.state is State.REVIEW
    assert interview.decided_at is None
    assert letters_to(session, interview) == ["with_a_person"]
    told = session.exec(select(Letter).where(Letter.user_id == operator.id)).one()
    assert f"/operator/interviews/{interview.id}" in told.body


def test_a_weak_competency_goes_to_a_person_however_good_the_rest(session):
    interview = make_interview(session)
    answer_all(
        session,
        interview,
        lambda place, item: None if item.competency == "data" else right(place, item),
    )

    assert interview.state is State.REVIEW


def test_words_that_no_check_found_never_fail_anybody_alone(session):
    interview = make_interview(session)
    bank = editions.of(session, interview)

    def how(place, item):
        return {"text": "Something else altogether."} if item.kind == "short" else None

    answer_all(session, interview, how)

    responses = editions.responses(session, interview)
    shorts = [r for r in responses if bank.item(r.item_id).kind == "short"]
    assert sum(unread.points(bank, responses).values()) == len(shorts)


def test_time_that_is_over_closes_without_a_score(session):
    at = now()
    interview = make_interview(session, at=at)
    answer_one(session, interview, 1, None, at=at)

    kept = answer_one(session, interview, 2, None, at=at + timedelta(hours=72))

    assert kept is Kept.ENDED
    assert (interview.state, interview.scorecard) == (State.EXPIRED, None)
    assert len(editions.responses(session, interview)) == 1
    assert letters_to(session, interview) == ["expired"]


def test_what_is_over_and_not_yet_closed_stands_in_nobodys_way(session):
    user, at = make_user(session, "expert"), now()
    old = make_interview(session, user, at=at - 4 * DAY)

    new = make_interview(session, user, at=at)

    assert (old.state, new.state) == (State.EXPIRED, State.ACTIVE)
    assert new.plan == old.plan


def test_leaving_twice_changes_nothing_more(session):
    interview = make_interview(session)
    at = now()

    conversation.leave(session, interview, at)
    conversation.leave(session, interview, at + DAY)

    assert (interview.state, interview.finished_at) == (State.ABANDONED, at)
    events = session.exec(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert events.count("interview.left") == 1


def test_answers_after_the_end_are_refused(session):
    interview = make_interview(session)
    conversation.leave(session, interview, now())

    with pytest.raises(conversation.NotActive):
        answer_one(session, interview, 1, None)


def test_whoever_leaves_before_the_first_answer_finds_the_same_questions_and_loses_nothing(session):
    user = make_user(session, "expert")
    first = make_interview(session, user)
    conversation.leave(session, first, now())

    second = make_interview(session, user)

    assert second.id != first.id
    assert (second.plan, second.attempt) == (first.plan, 1)


def test_leaving_after_an_answer_counts_as_an_attempt_for_a_day(session):
    user, at = make_user(session, "expert"), now()
    first = make_interview(session, user, at=at)
    answer_one(session, first, 1, None, at=at)
    conversation.leave(session, first, at)
    session.flush()

    with pytest.raises(standing.TooSoon):
        make_interview(session, user, at=at)
    second = make_interview(session, user, at=at + DAY)

    assert second.attempt == 2
    assert not {s["item"] for s in first.plan} & {s["item"] for s in second.plan}


def test_a_retake_waits_for_its_date_and_asks_other_questions(session):
    user, at = make_user(session, "expert"), now()
    first = answer_all(session, make_interview(session, user, at=at), unknown, at=at)

    with pytest.raises(standing.TooSoon):
        make_interview(session, user, at=at + 13 * DAY)
    second = make_interview(session, user, at=first.retake_from)

    assert not {s["item"] for s in first.plan} & {s["item"] for s in second.plan}


def test_while_a_person_reads_none_is_started(session):
    user = make_user(session, "expert")
    answer_all(session, make_interview(session, user), right_until(8))

    with pytest.raises(standing.StillRead):
        make_interview(session, user)


def test_what_is_proven_is_not_asked_again_until_shortly_before_its_end(session):
    user, at = make_user(session, "expert"), now()
    answer_all(session, make_interview(session, user, at=at), right, at=at)

    with pytest.raises(standing.AlreadyProven):
        make_interview(session, user, at=at + 30 * DAY)

    assert make_interview(session, user, at=at + 320 * DAY).attempt == 2


def test_a_field_without_a_bank_says_so(session, monkeypatch):
    monkeypatch.setattr(items, "banks", dict)

    with pytest.raises(standing.NotOpenYet):
        make_interview(session, field=Field.LINGUISTICS)


def test_the_database_allows_one_open_interview_for_an_expert_and_field(session):
    interview = make_interview(session)
    copy = Interview(**interview.model_dump(exclude={"id"}))
    session.add(copy)

    with pytest.raises(IntegrityError, match="uq_interview_expert_id_field_active"):
        session.flush()


@pytest.mark.parametrize(
    "without",
    ["reason_code", "reason_words", "evidence", "would_change", "contest_until", "retake_from"],
)
def test_the_database_refuses_a_failure_with_a_part_missing(session, without):
    answer_all(session, make_interview(session), unknown)
    session.flush()

    with pytest.raises(IntegrityError, match="failed_has_reason"):
        session.execute(text(f"UPDATE interview SET {without} = NULL"))


def test_the_database_refuses_a_decision_by_nobody(session):
    answer_all(session, make_interview(session), unknown)
    session.flush()

    with pytest.raises(IntegrityError, match="decided_whole"):
        session.execute(text("UPDATE interview SET decided_rule = NULL"))


def test_the_sweep_closes_what_is_over_and_nothing_else(session, app):
    old = make_interview(session, at=now() - 4 * DAY)
    young = make_interview(session)
    session.commit()

    assert app.extensions["doyen.tasks"]["interviews.expire"].run() == 1
    assert app.extensions["doyen.tasks"]["interviews.expire"].run() == 0

    session.expire_all()
    assert (old.state, young.state) == (State.EXPIRED, State.ACTIVE)
    assert letters_to(session, old) == ["expired"]
