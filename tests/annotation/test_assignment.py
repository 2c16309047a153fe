"""Leases: one at a time, funded, given back whole, handed in once."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from annotation import assignment, desk
from annotation.models import Annotation, Assignment, Draft, State, Task
from core.clock import now
from payouts import budgets
from payouts.models import Reservation
from projects.models import State as ProjectState
from tests.factories.annotation import (
    choice,
    claimed,
    fund,
    handed_in,
    join,
    make_assignment,
    make_desk,
    make_task,
)
from tests.factories.experts import make_expert


@pytest.fixture(autouse=True, params=["at_once", "by_steps"])
def way(request, monkeypatch):
    """Claim both as the database does it alone and as Python does where it must look."""
    if request.param == "at_once":
        monkeypatch.setattr("annotation.slots.COUNTED", 0)
    return request.param


_JOBS = text("select task_name from procrastinate_jobs order by id")


def claim(session, made, expert=None, at=None):
    expert = expert or made.experts[0]
    return claimed(session, made.project, expert.user_id, at=at or now())


def slots(session, task_id):
    session.flush()
    session.expire_all()
    return session.get(Task, task_id).slots_left


def test_a_claim_takes_a_slot_and_reserves_pay_and_fee(session):
    made = make_desk(session, funds=1000)

    lease = claim(session, made)

    assert (lease.pay.minor, lease.fee.minor) == (420, 63)
    assert slots(session, lease.task_id) == 1
    assert budgets.available(session, made.project_id).minor == 1000 - 483


def test_the_terms_are_frozen_when_the_lease_begins(session):
    made = make_desk(session)
    at = now()
    lease = claim(session, made, at=at)

    made.project.price_minor, made.project.review_days = 1, 1
    made.project.guidelines = "All is different now."
    session.flush()

    assert lease.pay.minor == 420
    assert lease.due_at == at + timedelta(minutes=120)
    assert lease.terms["review_days"] == 7
    assert desk.guidelines_of(session, lease, made.project).startswith("Read the whole clause")


def test_claiming_again_returns_the_task_in_hand(session):
    made = make_desk(session, tasks=3)

    first, second = claim(session, made), claim(session, made)

    assert first.id == second.id
    assert len(session.exec(select(Assignment)).all()) == 1


def test_no_expert_gets_a_task_twice(session):
    made = make_desk(session, overlap=3)
    lease = claim(session, made)
    assignment.submit(session, lease, made.project, choice(), at=now())

    with pytest.raises(assignment.NoTask):
        claim(session, made)


def test_tasks_come_by_priority(session):
    made = make_desk(session, tasks=3)
    urgent = make_task(session, made.project, priority=5, position=-9)

    assert claim(session, made).task_id == urgent.id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"state": ProjectState.PAUSED}, assignment.NotOpen),
        ({"min_level": 0.95}, assignment.SkillNeeded),
    ],
)
def test_work_is_for_open_projects_and_proven_experts(session, change, error):
    made = make_desk(session)
    for name, value in change.items():
        setattr(made.project, name, value)
    session.flush()

    with pytest.raises(error):
        claim(session, made)


def test_who_was_not_invited_gets_nothing(session):
    made = make_desk(session)

    with pytest.raises(assignment.NotInvited):
        claim(session, made, make_expert(session))


def test_a_pause_leaves_the_task_in_hand(session):
    made = make_desk(session)
    lease = claim(session, made)
    made.project.state = ProjectState.PAUSED

    assert claim(session, made).id == lease.id


def test_without_budget_nothing_is_taken(session):
    made = make_desk(session, funds=482)

    with pytest.raises(budgets.OutOfBudget), session.begin_nested():
        claim(session, made)

    assert session.exec(select(Task)).one().slots_left == 2
    assert session.exec(select(Assignment)).first() is None


def test_a_claim_that_the_budget_does_not_hold_takes_back_what_it_took(session, monkeypatch):
    monkeypatch.setattr(assignment.slots, "COUNTED", 1)  # so the database goes on by itself
    made = make_desk(session, funds=482)

    with pytest.raises(budgets.OutOfBudget):
        claim(session, made)

    assert session.execute(text("select slots_left from task")).scalar_one() == 2
    assert session.exec(select(Assignment)).first() is None
    assert budgets.available(session, made.project_id).minor == 482


def test_many_open_tasks_are_counted_once_for_some_claims(session):
    made = make_desk(session, tasks=4)
    ask = text("select are_many_open(:project, 2)").bindparams(project=made.project_id)

    assert session.execute(ask).scalar_one()
    session.execute(text("update task set slots_left = 0"))
    assert session.execute(ask).scalar_one()
    session.execute(text("select nextval('assignment_id_seq') from generate_series(1, 2)"))
    assert not session.execute(ask).scalar_one()


@pytest.mark.parametrize("how", ["return", "skip", "expire"])
def test_what_ends_a_lease_gives_back_slot_and_reserve(session, how):
    made = make_desk(session, funds=1000)
    lease = claim(session, made)
    at = now()

    if how == "return":
        assignment.give_back(session, lease, at=at)
    elif how == "skip":
        assignment.skip(session, lease, "Not in my field", at=at)
    else:
        assert assignment.expire_next(session, at=lease.due_at + timedelta(seconds=1)) is lease

    assert slots(session, lease.task_id) == 2
    assert budgets.available(session, made.project_id).minor == 1000
    assert session.get(Reservation, lease.id).state == "released"


def test_ending_a_lease_twice_gives_back_once(session):
    made = make_desk(session)
    lease = claim(session, made)

    assignment.give_back(session, lease, at=now())
    assignment.give_back(session, lease, at=now())
    assignment.skip(session, lease, "late", at=now())

    assert slots(session, lease.task_id) == 2
    assert lease.state is State.RETURNED


def test_a_skipped_task_does_not_come_back_and_a_returned_one_may(session):
    made = make_desk(session, tasks=1)
    lease = claim(session, made)
    assignment.give_back(session, lease, at=now())
    again = claim(session, made)
    assignment.skip(session, again, "Not in my field", at=now())

    assert again.task_id == lease.task_id
    with pytest.raises(assignment.NoTask):
        claim(session, made)


def test_new_tasks_come_before_returned_ones(session):
    made = make_desk(session, tasks=2)
    lease = claim(session, made)
    assignment.give_back(session, lease, at=now())

    assert claim(session, made).task_id != lease.task_id


def test_a_lease_that_is_not_overdue_does_not_expire(session):
    made = make_desk(session)
    lease = claim(session, made)

    assert assignment.expire_next(session, at=lease.due_at) is None


def test_handing_in_stores_the_answer_and_what_follows(session, app):
    made = make_desk(session)
    lease = claim(session, made)
    assignment.save_draft(session, lease, choice(), at=now())
    at = now()

    answer = handed_in(session, lease, made.project, choice("patent"), at=at)

    assert lease.state is State.SUBMITTED
    assert lease.review_by == at + timedelta(days=7)
    assert answer.result == choice("patent")
    assert session.get(Draft, lease.id) is None
    jobs = session.execute(_JOBS).scalars().all()
    assert set(jobs) >= {"annotation.push_answers", "annotation.validate_handed_in"}


def test_handing_in_twice_is_handing_in_once(session):
    made = make_desk(session)
    lease = claim(session, made)

    first = handed_in(session, lease, made.project, choice("grant"), at=now())
    second = handed_in(session, lease, made.project, choice("patent"), at=now())

    assert first.id == second.id
    assert second.result == choice("grant")
    assert len(session.exec(select(Annotation)).all()) == 1
    assert len(session.execute(_JOBS).scalars().all()) == 2


def test_a_wrong_answer_is_named_and_nothing_changes(session):
    made = make_desk(session)
    lease = claim(session, made)

    with pytest.raises(assignment.WrongAnswer) as caught:
        assignment.submit(session, lease, made.project, [], at=now())

    assert caught.value.problems == ["Answer “clause”: it is required."]
    assert lease.state is State.ACTIVE


def test_after_expiry_the_answer_is_kept_and_the_task_comes_back_with_it(session):
    made = make_desk(session)
    lease = claim(session, made)
    assignment.expire_next(session, at=lease.due_at + timedelta(seconds=1))

    with pytest.raises(assignment.LeaseOver):
        assignment.submit(session, lease, made.project, choice(), at=now())
    assignment.save_draft(session, lease, choice("patent"), at=now())
    again = claim(session, made)

    assert again.id != lease.id
    assert again.task_id == lease.task_id
    assert session.get(Draft, again.id).result == choice("patent")


@pytest.mark.parametrize("draft", ["text", {"a": 1}, [1], [{"value": "\x00"}]])
def test_a_draft_is_only_what_the_editor_writes(session, draft):
    made = make_desk(session)
    lease = claim(session, made)

    with pytest.raises(assignment.NotADraft):
        assignment.save_draft(session, lease, draft, at=now())


def test_what_was_handed_in_is_neither_skipped_nor_returned_nor_drafted(session):
    made = make_desk(session)
    lease = make_assignment(session, made.project, state=State.SUBMITTED)

    with pytest.raises(assignment.HandedIn):
        assignment.give_back(session, lease, at=now())
    with pytest.raises(assignment.HandedIn):
        assignment.skip(session, lease, "late", at=now())
    with pytest.raises(assignment.HandedIn):
        assignment.save_draft(session, lease, choice(), at=now())


def test_the_page_of_an_expert_says_what_there_is_and_why_not(session):
    made = make_desk(session, tasks=2, funds=483)
    expert = made.experts[0]

    offer = desk.offers(session, expert.user_id, at=now())[0]
    assert (offer.open_tasks, offer.why_not) == (2, None)

    claim(session, made)
    other = join(session, made.project)
    assert desk.why_nothing(session, made.project, other.user_id, at=now()) is desk.Why.BUDGET
    fund(session, made.project, 483)
    assert desk.why_nothing(session, made.project, other.user_id, at=now()) is None


def test_why_nothing_tells_done_from_taken(session):
    made = make_desk(session, tasks=1, overlap=1, experts=2)
    lease = claim(session, made)
    assignment.submit(session, lease, made.project, choice(), at=now())
    own, other = (expert.user_id for expert in made.experts)

    assert desk.why_nothing(session, made.project, other, at=now()) is desk.Why.ALL_TAKEN
    make_task(session, made.project)
    third = claim(session, made)
    assignment.skip(session, third, "no", at=now())
    assert desk.why_nothing(session, made.project, own, at=now()) is desk.Why.ALL_YOURS
