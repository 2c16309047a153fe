"""Verdicts, rules that accept, second looks: paid once, refused only with a reason."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from annotation import assignment, review, review_queue, validation
from annotation.models import Assignment, State, Task, Verdict
from annotation.review import ACCEPT, Ruling
from core.clock import now
from core.models import AuditEvent, Letter
from payouts import budgets, earnings
from projects.models import Validation
from tests.factories.annotation import (
    choice,
    claimed,
    fund,
    make_assignment,
    make_desk,
    make_task,
    second_member,
)
from tests.factories.decisions import answer, changed, contest, decision_of

WORDS = "The clause limits liability; it grants nothing."
REFUSE = Ruling(Verdict.REJECTED, "wrong_answer", WORDS, "2.1")


@pytest.fixture
def made(session):
    return make_desk(session, tasks=0, experts=3, funds=2000)


def submitted(session, made, **changes):
    return make_assignment(session, made.project, state=State.SUBMITTED, **changes)


def owed(session, expert_id):
    return sum(money.minor for money in earnings.owed(session, expert_id))


def test_accepting_pays_the_expert_at_once_and_only_once(session, made):
    lease = submitted(session, made)

    review.decide(session, lease, ACCEPT, by=made.owner, at=now())
    review.decide(session, lease, ACCEPT, by=made.owner, at=now())

    assert (lease.state, lease.decided_by) == (State.ACCEPTED, made.owner.id)
    assert owed(session, lease.expert_id) == 420
    assert budgets.summary(session, made.project_id).reserved.minor == 0


def test_refusing_gives_back_slot_and_reserve_and_writes_why(session, made):
    lease = submitted(session, made)

    review.decide(session, lease, REFUSE, by=made.owner, at=now())
    session.flush()

    assert owed(session, lease.expert_id) == 0
    assert budgets.available(session, made.project_id).minor == 2000
    session.expire_all()
    assert session.get(Task, lease.task_id).slots_left == 2
    letter = session.exec(select(Letter)).one()
    assert letter.user_id == lease.expert_id
    assert WORDS in letter.body
    assert "You may contest it until" in letter.body
    event = session.exec(select(AuditEvent).where(AuditEvent.action == "assignment.rejected")).one()
    assert event.by_user_id == made.owner.id
    # The trail names the decision; words of people stand there, where erasure can reach them.
    assert event.details["decision_id"] == lease.decision_id
    assert WORDS not in str(event.details)


@pytest.mark.parametrize("ruling", [ACCEPT, REFUSE])
def test_a_verdict_is_final(session, made, ruling):
    lease = submitted(session, made)
    review.decide(session, lease, ACCEPT, by=made.owner, at=now())
    other = second_member(session, made)

    with pytest.raises(review.AlreadyReviewed):
        review.decide(session, lease, ruling, by=other, at=now())


@pytest.mark.parametrize(
    "ruling",
    [
        Ruling(Verdict.REJECTED),
        Ruling(Verdict.REJECTED, "wrong_answer", "short", "2.1"),
        Ruling(Verdict.REJECTED, "made_up", WORDS, "2.1"),
        Ruling(Verdict.REJECTED, None, WORDS, "2.1"),
        Ruling(Verdict.REJECTED, "wrong_answer", WORDS),
        Ruling(Verdict.REJECTED, "wrong_answer", WORDS, "  "),
    ],
)
def test_no_refusal_without_a_reason(session, made, ruling):
    lease = submitted(session, made)

    with pytest.raises(review.ReasonNeeded):
        review.decide(session, lease, ruling, by=made.owner, at=now())

    assert lease.state is State.SUBMITTED


@pytest.mark.parametrize(
    "change",
    [
        {"reason_code": None},
        {"reason_clause": None},
        {"reason_clause": "  "},
        {"reason_words": None},
        {"reason_words": "   short   "},
        {"decided_by": None},
        {"decided_rule": "AG-1"},
        {"decided_at": None},
        {"verdict": Verdict.ACCEPTED},
        {"verdict": None},
    ],
)
def test_the_database_refuses_a_refusal_that_is_not_whole(session, made, change):
    lease = make_assignment(session, made.project, state=State.REJECTED)
    for name, value in change.items():
        setattr(lease, name, value)

    with pytest.raises(IntegrityError), session.begin_nested():
        session.flush()


def test_nobody_reviews_their_own_work_or_what_is_not_handed_in(session, made):
    lease = submitted(session, made)
    active = make_assignment(session, made.project)

    with pytest.raises(review.OwnWork):
        review.decide(
            session, lease, ACCEPT, by=session.get(type(made.owner), lease.expert_id), at=now()
        )
    with pytest.raises(review.NotHandedIn):
        review.decide(session, active, ACCEPT, by=made.owner, at=now())


# Agreement


def pair(session, made, one="grant", other="grant", **task):
    item = make_task(session, made.project, **task)
    leases = [
        submitted(session, made, expert=expert, task=item, result=choice(clause))
        for expert, clause in zip(made.experts, (one, other), strict=False)
    ]
    return item, leases


def test_agreement_accepts_all_answers_of_a_task(session, made):
    item, leases = pair(session, made)

    assert validation.by_agreement(session, item.id, at=now()) == 2
    assert validation.by_agreement(session, item.id, at=now()) == 0

    assert {(one.state, one.decided_rule) for one in leases} == {(State.ACCEPTED, "AG-1")}
    assert [owed(session, one.expert_id) for one in leases] == [420, 420]


def test_agreement_looks_at_the_choice_and_not_at_marks(session, made):
    item = make_task(session, made.project)
    for expert, marks in zip(made.experts, ([], [(0, 12, "Party")]), strict=False):
        submitted(session, made, expert=expert, task=item, result=choice("grant", *marks))

    assert validation.by_agreement(session, item.id, at=now()) == 2


def test_where_experts_differ_a_person_decides(session, made):
    item, leases = pair(session, made, "grant", "patent")

    assert validation.by_agreement(session, item.id, at=now()) == 0
    assert {one.state for one in leases} == {State.SUBMITTED}
    waiting = session.execute(review_queue.tasks(made.project)).scalars().all()
    assert [task.id for task in waiting] == [item.id]


def test_agreement_against_a_known_answer_is_for_a_person(session, made):
    wrong, _ = pair(session, made, "patent", "patent", gold=choice("grant"))
    right, _ = pair(session, made, "grant", "grant", gold=choice("grant"))

    assert validation.by_agreement(session, wrong.id, at=now()) == 0
    assert validation.by_agreement(session, right.id, at=now()) == 2


def test_a_known_answer_that_no_measure_compares_neither_helps_nor_hinders(session, made):
    made.project.label_config = made.project.label_config.replace(
        "</View>", '<TextArea name="why" toName="text"/></View>'
    )
    known = [{"from_name": "why", "to_name": "text", "type": "textarea", "value": {"text": ["x"]}}]
    item, _leases = pair(session, made, gold=known)

    [listed] = review_queue.compare(session, made.project, [item])
    assert [one.gold for one in listed.answers] == [None, None]
    assert validation.by_agreement(session, item.id, at=now()) == 2


def test_answers_of_numbers_that_differ_are_not_agreement(session, made):
    item = make_task(session, made.project)
    for expert, number in zip(made.experts, (3, 4), strict=False):
        said = [{"from_name": "count", "type": "number", "value": {"number": number}}]
        submitted(session, made, expert=expert, task=item, result=said)

    [listed] = review_queue.compare(session, made.project, [item])
    assert (listed.consensus, listed.agreement) == (None, 0.0)
    assert validation.by_agreement(session, item.id, at=now()) == 0


def test_agreement_waits_for_every_expert(session, made):
    item = make_task(session, made.project)
    submitted(session, made, expert=made.experts[0], task=item)
    assert validation.by_agreement(session, item.id, at=now()) == 0

    make_assignment(session, made.project, expert=made.experts[1], task=item)
    assert validation.by_agreement(session, item.id, at=now()) == 0


def test_one_answer_agrees_with_nobody(session, made):
    item = make_task(session, made.project, slots=1, slots_left=1)
    submitted(session, made, task=item)

    assert validation.by_agreement(session, item.id, at=now()) == 0


def test_where_a_person_reviews_each_answer_no_rule_does(session, made):
    made.project.validation = Validation.REVIEW
    item, _ = pair(session, made)

    assert validation.by_agreement(session, item.id, at=now()) == 0
    assert validation.undecided(session) == []


def test_what_was_left_is_found_again(session, made):
    item, _ = pair(session, made)
    pair(session, made, "grant", "patent")

    assert item.id in validation.undecided(session)
    validation.by_agreement(session, item.id, at=now())
    session.flush()
    assert item.id not in validation.undecided(session)


# Silence


def test_silence_accepts_when_the_time_is_over(session, made):
    lease = submitted(session, made, review_by=now() - timedelta(seconds=1))
    later = submitted(session, made)

    assert validation.by_silence(session, at=now()) is lease
    assert validation.by_silence(session, at=now()) is None

    assert (lease.state, lease.decided_rule) == (State.ACCEPTED, "SL-1")
    assert owed(session, lease.expert_id) == 420
    assert later.state is State.SUBMITTED


# Appeals


def refused(session, made):
    lease = submitted(session, made)
    review.decide(session, lease, REFUSE, by=made.owner, at=now())
    return lease


def test_a_changed_refusal_is_accepted_and_paid_once(session, app, made):
    lease = refused(session, made)
    other = second_member(session, made)
    asked = contest(session, decision_of(session, lease))

    for _click in range(2):
        answer(session, app, asked, changed(), other)
    session.flush()

    session.refresh(lease)
    assert (lease.state, lease.decided_by) == (State.ACCEPTED, other.id)
    assert owed(session, lease.expert_id) == 420
    first = decision_of(session, lease)
    assert (first.reason_code, first.decided_by) == ("wrong_answer", made.owner.id)
    assert WORDS in first.reason_words["en"]
    session.expire_all()
    assert session.get(Task, lease.task_id).slots_left == 1
    summary = budgets.summary(session, made.project_id)
    assert (summary.reserved.minor, summary.available.minor) == (0, 2000 - 483)


def test_a_changed_refusal_needs_the_money_to_be_there(session, app, made):
    lease = refused(session, made)
    other = second_member(session, made)
    asked = contest(session, decision_of(session, lease))
    spend(session, made)

    with pytest.raises(budgets.OutOfBudget), session.begin_nested():
        answer(session, app, asked, changed(), other)
    session.refresh(lease)
    session.refresh(asked)
    assert lease.state is State.REJECTED
    assert asked.is_open

    fund(session, made.project, 483)
    answer(session, app, asked, changed(), other)
    assert owed(session, lease.expert_id) == 420


def spend(session, made):
    while budgets.available(session, made.project_id).minor >= 483:
        make_assignment(session, made.project)


def test_a_refusal_names_what_was_handed_in_and_the_known_answer(session, made):
    item = make_task(session, made.project, gold=choice("patent"))

    lease = submitted(session, made, task=item)
    review.decide(session, lease, REFUSE, by=made.owner, at=now())

    decision = decision_of(session, lease)
    quotes = [one["quote"] for one in decision.evidence]
    assert "grant" in quotes[0]
    assert "patent" in quotes[1]
    assert decision.contest_until - decision.decided_at == timedelta(days=14)
    assert set(decision.reason_words) == {"en", "fr"}


def test_what_a_rule_accepted_alone_is_on_record(session, made):
    lease = submitted(session, made, review_by=now() - timedelta(hours=1))

    validation.by_silence(session, at=now())

    decision = decision_of(session, lease)
    assert (decision.rule, decision.rule_version) == ("SL", "1")
    assert not decision.is_adverse


def test_a_refused_task_goes_to_another_expert(session, made):
    item = make_task(session, made.project, slots=1, slots_left=1)
    lease = submitted(session, made, expert=made.experts[0], task=item)
    review.decide(session, lease, REFUSE, by=made.owner, at=now())

    again = claimed(session, made.project, made.experts[1].user_id, at=now())

    assert again.task_id == item.id
    with pytest.raises(assignment.NoTask):
        claimed(session, made.project, made.experts[0].user_id, at=now())
    assert session.exec(select(Assignment).where(Assignment.task_id == item.id)).all()
