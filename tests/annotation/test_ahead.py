"""Tasks that wait beside the one in work: taken where it is fair, opened in turn, given back."""

from datetime import timedelta

import pytest
from sqlmodel import select

from accounts.models import User
from annotation import ahead, assignment, desk, live, progress, validation
from annotation import personal_data as own_data
from annotation.models import Assignment, State, Task
from core.clock import now
from experts import restrictions
from experts.models import AccountStanding, Expert
from payouts import budgets, overview
from projects import invitations
from projects.models import Invitation
from projects.models import State as ProjectState
from tests.factories.accounts import make_user
from tests.factories.annotation import choice, claimed, join, make_assignment, make_desk
from tests.factories.decisions import WORDS

COST = 483


@pytest.fixture
def made(session):
    return make_desk(session, tasks=12, overlap=1, tasks_in_hand=3)


def claim(session, made, at=None):
    return claimed(session, made.project, made.experts[0].user_id, at=at or now())


def take(session, made, lease, at=None):
    return ahead.take(session, made.project, lease, at=at or now())


def batch(session, made, at=None):
    """Claim, and let as many wait beside it as may."""
    lease = claim(session, made, at)
    while take(session, made, lease, at):
        pass
    return lease, ahead.waiting(session, made.project_id, made.experts[0].user_id)


def states(session):
    session.flush()
    session.expire_all()
    return [lease.state for lease in session.exec(select(Assignment).order_by(Assignment.id))]


def test_what_waits_has_its_slot_and_its_pay_and_is_opened_in_turn(session, made):
    at = now()
    lease, waits = batch(session, made, at)

    assert states(session) == [State.ACTIVE, State.WAITING, State.WAITING]
    assert budgets.summary(session, made.project_id).reserved.minor == 3 * COST
    assert overview.standing(session, lease.expert_id, "eur", at=at).in_hand == 3
    assert sum(task.slots_left for task in session.exec(select(Task))) == 9
    made.project.lease_minutes = 5  # the terms of what waits are fixed already
    later = at + timedelta(minutes=4)
    assignment.submit(session, lease, made.project, choice(), at=later)
    opened = claim(session, made, later)

    assert opened.id == waits[0].id
    assert (opened.opened_at, opened.due_at) == (later, later + timedelta(minutes=120))
    done = later + timedelta(minutes=7)
    assignment.submit(session, opened, made.project, choice(), at=done)
    assert opened.lead_seconds == 7 * 60
    assert budgets.summary(session, made.project_id).reserved.minor == 3 * COST


@pytest.mark.parametrize(
    ("changes", "experts", "held"),
    [
        ({"tasks_in_hand": 1}, 1, 1),
        ({"tasks_in_hand": 5}, 1, 5),
        ({"most_each": 2}, 1, 2),
        ({"most_a_day": 2}, 1, 2),
        # Twelve tasks, one for each at work: too few for four, and for three once one waits.
        ({}, 4, 1),
        ({}, 3, 2),
        ({}, 2, 3),
        ({"qualification_tasks": 2, "qualification_minor": 50}, 1, 1),
    ],
)
def test_no_more_wait_than_is_let_and_fair(session, changes, experts, held):
    made = make_desk(
        session, tasks=12, experts=experts, **{"overlap": 1, "tasks_in_hand": 3} | changes
    )
    for other in made.experts[1:]:
        task = session.exec(select(Task).where(Task.slots_left > 0)).first()
        make_assignment(session, made.project, expert=other, task=task)

    _lease, waits = batch(session, made)

    assert 1 + len(waits) == held


def test_none_waits_where_the_budget_pays_for_few(session):
    made = make_desk(session, tasks=12, overlap=1, tasks_in_hand=3, funds=5 * COST)

    batch(session, made)

    # One in work and one beside it: what is left then pays for three, and for two after the next.
    assert len(states(session)) == 3
    assert budgets.available(session, made.project_id).minor == 2 * COST


def test_silence_gives_back_what_waits_and_no_mark_is_left(session, made, sign_in):
    at = now()
    lease, waits = batch(session, made, at - timedelta(minutes=6))
    expert_id = lease.expert_id
    assignment.is_alive(session, lease, at=at - timedelta(minutes=4))

    assert ahead.give_back_next(session, at=at) is None
    late = at + timedelta(minutes=2)
    while ahead.give_back_next(session, at=late):
        pass

    assert states(session) == [State.ACTIVE, State.RETURNED, State.RETURNED]
    assert budgets.summary(session, made.project_id).reserved.minor == COST
    assert session.execute(desk.recent(expert_id)).all() == []
    earnings = sign_in(session.get(User, expert_id)).get("/earnings").text
    assert "Returned" not in earnings.split("<main")[1].split("</select>")[-1]
    again = [one.task_id for one in waits]
    got = []
    while True:
        try:
            work = claim(session, made, late)
        except assignment.NoTask:
            break
        got.append(work.task_id)
        assignment.submit(session, work, made.project, choice(), at=late)
    assert sorted(got[-2:]) == sorted(again)  # after all that is new to them
    assert len(got) == len(set(got)) == 12


def leave(session, made):
    row = session.exec(select(Invitation)).one()
    by = session.get(User, made.experts[0].user_id)
    invitations.decline(session, row, by=by, at=now())


def pause(session, made):
    made.project.state = ProjectState.PAUSED


def restrict(session, made):
    about = session.get(Expert, made.experts[0].user_id)
    said = restrictions.Proposal(AccountStanding.RESTRICTED, "copied_answers", WORDS, WORDS, WORDS)
    one, other = make_user(session, "operator"), make_user(session, "operator")
    found = restrictions.propose(session, about, said, by=one, at=now())
    session.flush()
    restrictions.confirm(session, found, by=other, at=now())


def let_one(session, made):
    made.project.tasks_in_hand = 1


@pytest.mark.parametrize("change", [leave, restrict, pause, let_one])
def test_who_leaves_and_what_pauses_has_nothing_waiting(session, made, change):
    lease, _waits = batch(session, made)
    change(session, made)
    session.flush()

    while ahead.give_back_next(session, at=now()):
        pass

    assert states(session) == [State.ACTIVE, State.RETURNED, State.RETURNED]
    assignment.submit(session, lease, made.project, choice(), at=now())
    if change is not let_one:
        with pytest.raises((assignment.NotInvited, assignment.NotOpen, restrictions.Restricted)):
            claim(session, made)


def test_a_pause_opens_nothing_that_waits(session, made):
    lease, _waits = batch(session, made)
    pause(session, made)
    session.flush()
    assignment.submit(session, lease, made.project, choice(), at=now())

    with pytest.raises(assignment.NotOpen):
        claim(session, made)
    assert states(session)[1:] == [State.WAITING, State.WAITING]


def test_an_expiry_hits_the_task_in_work_alone(session, made):
    lease, _waits = batch(session, made)
    lease.due_at = now() - timedelta(seconds=1)
    session.flush()

    assert assignment.expire_next(session, at=now() + timedelta(days=9)).id == lease.id
    assert assignment.expire_next(session, at=now() + timedelta(days=9)) is None
    assert states(session) == [State.EXPIRED, State.WAITING, State.WAITING]
    assert claim(session, made).state is State.ACTIVE


def test_nothing_can_be_done_to_a_task_before_it_is_open(session, made):
    _lease, waits = batch(session, made)

    for act in (
        lambda one: assignment.submit(session, one, made.project, choice(), at=now()),
        lambda one: assignment.skip(session, one, "not my field", at=now()),
        lambda one: assignment.extend(session, one, number=1, at=now()),
        lambda one: assignment.save_draft(session, one, choice(), at=now()),
    ):
        with pytest.raises(assignment.NotOpened):
            act(waits[0])
    assignment.give_back(session, waits[0], at=now())
    assert states(session) == [State.ACTIVE, State.RETURNED, State.WAITING]


def test_what_waits_counts_as_in_hand_for_the_owner_and_holds_back_agreement(session):
    made = make_desk(session, tasks=12, overlap=2, experts=2, tasks_in_hand=2)
    lease, [waits] = batch(session, made)
    other = made.experts[1]
    make_assignment(
        session,
        made.project,
        expert=other,
        task=session.get_one(Task, waits.task_id),
        state=State.SUBMITTED,
    )

    assert progress.counts(session, made.project).in_hand == 2
    now_on = live.of(session, made.project, zone="UTC", at=now())
    assert (now_on.in_hand, len(now_on.workers), now_on.has_open) == (2, 1, 1)
    assert validation.by_agreement(session, waits.task_id, at=now()) == 0
    own_data.give_back(session, lease.expert_id, now())
    assert states(session)[:2] == [State.RETURNED, State.RETURNED]
    assert budgets.summary(session, made.project_id).reserved.minor == COST


def test_the_bench_takes_ahead_and_goes_on_without_another_claim(session, made, sign_in):
    expert = sign_in(session.get(User, made.experts[0].user_id))
    first = expert.post(f"/work/claim/{made.project_id}").location

    assert "data-ahead" in expert.get(first).text
    told = [expert.post(f"{first}/ahead", json={}).json for _ in range(3)]

    assert [one["more"] for one in told] == [True, True, False]
    assert told[2]["words"] == "3 tasks in hand, the next is ready"
    following = told[2]["waiting"][0]
    assert "It opens after the task that you work on" in expert.get(following).text
    assert "2 h after you open it" in expert.get(f"{following}?ahead=1").text
    assert expert.get(f"{following}/task.json").json["task"]["data"]
    assert "2 tasks of" in expert.get("/work").text
    assert "wait for you" in expert.get("/today").text
    answer = {"result": choice("grant"), "next": True}
    said = expert.post(f"{first}/submit", json=answer).json
    assert said["next"] == following
    assert said["time"]["state"] == "active"
    assert expert.post(f"{first}/submit", json=answer).json["next"] == following
    # A break gives back what waits; what was handed in stays.
    last = expert.post(f"{following}/submit", json={"result": choice("grant")}).json
    assert last["state"] == "submitted"
    assert states(session) == [State.SUBMITTED, State.SUBMITTED, State.RETURNED]
    went = expert.get(told[2]["waiting"][1]).text
    assert "It waited for you and was not opened" in went


def test_one_button_returns_what_waits_and_nobody_elses(session, made, sign_in):
    lease, _waits = batch(session, made)
    stranger = join(session, made.project)
    address = f"/work/{lease.id}/ahead/return"

    assert sign_in(session.get(User, stranger.user_id)).post(address).status_code == 404
    expert = sign_in(session.get(User, lease.expert_id))
    page = expert.post(address, follow_redirects=True).text
    again = expert.post(address, follow_redirects=True).text

    assert "2 tasks that waited are back with all" in page
    assert "are back with all" not in again
    assert states(session) == [State.ACTIVE, State.RETURNED, State.RETURNED]
