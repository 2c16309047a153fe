"""Which task comes next, how many one expert may have, and how a lease gets more time."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from accounts.models import User
from annotation import assignment, shares, slots
from annotation.models import Assignment, ClaimPlace, State
from core.clock import now
from core.models import AuditEvent
from tests.factories.annotation import choice, claimed, join, make_desk, make_task

MINUTE = timedelta(minutes=1)


def claim(session, made, number=0, at=None):
    expert_id = made.experts[number].user_id
    return claimed(session, made.project, expert_id, at=at or now())


def work(session, made, number=0, at=None):
    """Claim and hand in one task; return it."""
    lease = claim(session, made, number, at)
    assignment.submit(session, lease, made.project, choice(), at=at or now())
    session.flush()
    return lease.task_id


def tasks_of(made, session, count, **changes):
    made.project.task_count += count
    session.add(made.project)
    return [make_task(session, made.project, **changes).id for _ in range(count)]


def test_an_expert_gets_every_task_once_in_order(session):
    made = make_desk(session, tasks=0, overlap=2)
    tasks_of(made, session, 5)

    order = session.execute(text("select id from task order by priority desc, position desc"))
    assert [work(session, made) for _ in range(5)] == [task_id for (task_id,) in order]
    with pytest.raises(assignment.NoTask):
        claim(session, made)


def test_new_tasks_before_the_place_of_an_expert_are_found(session):
    made = make_desk(session, tasks=0, overlap=2)
    first, second = tasks_of(made, session, 2)
    done = {work(session, made), work(session, made)}
    [urgent] = tasks_of(made, session, 1, priority=9, position=0)

    assert done == {first, second}
    assert work(session, made) == urgent


def test_a_slot_that_came_back_before_the_place_is_found_at_last(session):
    made = make_desk(session, tasks=0, overlap=1, experts=2)
    tasks_of(made, session, 3)
    held = claim(session, made, 1)
    others = {work(session, made), work(session, made)}
    assignment.give_back(session, held, at=now())
    session.flush()

    assert held.task_id not in others
    assert work(session, made) == held.task_id


def test_a_claim_reads_as_little_after_many_tasks_as_after_one(session):
    made = make_desk(session, tasks=0, overlap=2, funds=10_000_000)
    tasks_of(made, session, 60)
    for _ in range(40):
        work(session, made)

    place = session.get(ClaimPlace, (made.project_id, made.experts[0].user_id))
    beyond = session.execute(
        text("select count(*) from task where (priority, position) < (:p, :q)"),
        {"p": place.priority, "q": place.position},
    ).scalar_one()
    assert beyond == 20


def test_only_so_many_tasks_in_a_day(session):
    made = make_desk(session, tasks=0, overlap=1, most_a_day=2)
    tasks_of(made, session, 200)
    begun = now()
    work(session, made, at=begun)
    work(session, made, at=begun + MINUTE)

    with pytest.raises(shares.DayFull) as full:
        claim(session, made, at=begun + 2 * MINUTE)
    assert full.value.until == begun + timedelta(days=1)
    assert claim(session, made, at=begun + timedelta(days=1) + MINUTE).state is State.ACTIVE


def test_what_is_given_back_does_not_count(session):
    made = make_desk(session, tasks=0, overlap=1, most_a_day=1, most_each=1)
    tasks_of(made, session, 3)
    assignment.give_back(session, claim(session, made), at=now())
    session.flush()

    assert claim(session, made).state is State.ACTIVE


def test_only_so_many_tasks_in_all(session):
    made = make_desk(session, tasks=0, overlap=1, most_each=2)
    tasks_of(made, session, 5)
    work(session, made)
    work(session, made)

    with pytest.raises(shares.AllHad):
        claim(session, made)


def test_the_last_tasks_do_not_all_go_to_the_quickest(session):
    made = make_desk(session, tasks=0, overlap=1, experts=2)
    tasks_of(made, session, 12)
    at = now()
    work(session, made, 1, at)
    for _ in range(6):
        work(session, made, 0, at)

    # Five are left for two: one has had six, the other one.
    with pytest.raises(shares.OthersFirst) as waits:
        claim(session, made, 0, at)
    assert waits.value.until == at + shares.PAUSE
    assert claim(session, made, 1, at).state is State.ACTIVE
    assert claim(session, made, 0, at + shares.PAUSE).state is State.ACTIVE


def test_nobody_waits_for_who_is_not_there_or_can_take_nothing(session):
    made = make_desk(session, tasks=0, overlap=1, experts=2)
    tasks_of(made, session, 12)
    at = now()
    work(session, made, 1, at - timedelta(hours=1))  # and went home
    for _ in range(6):
        work(session, made, 0, at)
    claim(session, made, 0, at)

    again = make_desk(session, tasks=0, overlap=2, experts=2)
    tasks_of(again, session, 6)
    skipped = [claim(session, again, 1, at)]
    assignment.skip(session, skipped[0], "The clause is cut off.", at=at)
    session.flush()
    for _ in range(5):
        assignment.skip(session, claim(session, again, 1, at), "It is cut off.", at=at)
        session.flush()
    # The other has had a part in all six, and takes none of them again.
    assert len({work(session, again, 0, at) for _ in range(6)}) == 6


def test_nobody_waits_where_nobody_else_works(session):
    made = make_desk(session, tasks=0, overlap=1, experts=2)
    tasks_of(made, session, 6)

    assert len({work(session, made) for _ in range(6)}) == 6


def test_the_page_says_who_comes_first_and_until_when(session, sign_in):
    made = make_desk(session, tasks=0, overlap=1, most_a_day=1)
    tasks_of(made, session, 3)
    work(session, made)
    client = sign_in(session.get(User, made.experts[0].user_id))

    page = client.post(f"/work/claim/{made.project_id}")

    assert page.status_code == 409
    assert "The owner lets one expert take 1 task in 24 hours." in page.text
    assert "You can go on from" in page.text
    assert "You have had its tasks of this day" in client.get("/work").text


def test_a_lease_gets_its_time_again_twice_and_no_more(session, sign_in):
    made = make_desk(session)
    lease = claim(session, made)
    client = sign_in(session.get(User, made.experts[0].user_id))
    lease.due_at = now() + timedelta(minutes=10)
    session.flush()

    def extend(number):
        return client.post(f"/work/{lease.id}/extend", json={"number": number})

    first, again = extend(1), extend(1)
    assert first.status_code == again.status_code == 200
    assert first.json["due_at"] == again.json["due_at"]
    assert (first.json["extended"], first.json["extensions"]) == (1, 2)
    session.expire_all()
    assert lease.due_at > now() + timedelta(minutes=118)
    assert extend(2).json["extended"] == 2
    refused = extend(3)
    assert refused.status_code == 409
    assert "as often as its terms allow" in refused.json["title"]
    acts = session.exec(select(AuditEvent).where(AuditEvent.action == "assignment.extended")).all()
    assert len(acts) == 2


@pytest.mark.parametrize("number", [None, 0, -1, True, "1", 10**9])
def test_what_is_no_number_extends_nothing(session, sign_in, number):
    made = make_desk(session)
    lease = claim(session, made)
    client = sign_in(session.get(User, made.experts[0].user_id))

    assert client.post(f"/work/{lease.id}/extend", json={"number": number}).status_code == 400
    assert session.get(Assignment, lease.id).extended == 0


def test_a_lease_that_is_over_gets_no_time(session):
    made = make_desk(session)
    lease = claim(session, made)
    lease.state, lease.left_at = State.EXPIRED, now()

    with pytest.raises(assignment.LeaseOver):
        assignment.extend(session, lease, number=1, at=now())


def test_a_page_that_is_open_is_noted_and_learns_of_more_time(session, sign_in):
    made = make_desk(session)
    lease = claim(session, made)
    client = sign_in(session.get(User, made.experts[0].user_id))

    said = client.post(f"/work/{lease.id}/alive", json={})

    assert said.status_code == 200
    assert said.json["state"] == "active"
    session.expire_all()
    assert session.get(Assignment, lease.id).seen_at is not None


def test_slots_are_counted_up_to_a_bound(session):
    made = make_desk(session, tasks=5)

    assert slots.open_tasks(session, made.project_id, most=3) == 3
    assert slots.open_tasks(session, made.project_id, most=9) == 5


def test_another_expert_has_a_place_of_their_own(session):
    made = make_desk(session, tasks=0, overlap=2, experts=1)
    tasks_of(made, session, 2)
    mine = [work(session, made), work(session, made)]
    made.experts.append(join(session, made.project))

    assert [work(session, made, 1), work(session, made, 1)] == mine


def hand_in(client, lease, **more):
    body = {"result": choice(), **more}
    headers = {"Accept": "application/json"}
    return client.post(f"/work/{lease.id}/submit", json=body, headers=headers)


def test_a_task_that_comes_again_with_a_hand_in_brings_its_draft(session, sign_in):
    made = make_desk(session, tasks=2)
    first = claim(session, made)
    assignment.save_draft(session, first, choice("patent"), at=now())
    assignment.give_back(session, first, at=now())
    second = claim(session, made)
    client = sign_in(session.get(User, made.experts[0].user_id))

    hand_in(client, second, next=True)

    again = assignment.in_hand(session, made.project_id, made.experts[0].user_id)
    assert again.task_id == first.task_id
    assert assignment.draft_of(session, again).result == choice("patent")


def test_handing_in_leads_to_the_next_task_at_once(session, sign_in):
    made = make_desk(session, tasks=2)
    lease = claim(session, made)
    client = sign_in(session.get(User, made.experts[0].user_id))

    answered = hand_in(client, lease, next=True)

    following = assignment.in_hand(session, made.project_id, made.experts[0].user_id)
    assert answered.json == {
        "next": f"/work/{following.id}",
        "state": "submitted",
        "follows": True,
    }
    assert following.task_id != lease.task_id
    assert (
        "Handed in. This is the next task."
        in client.get(f"/work/{following.id}?after=hand-in").text
    )
    # Sent again, it is the same.
    assert hand_in(client, lease, next=True).json == answered.json
    assert len(session.exec(select(Assignment)).all()) == 2


def test_what_is_handed_in_stays_where_there_is_no_next_task(session, sign_in):
    made = make_desk(session, tasks=2, funds=483, experts=1)
    lease = claim(session, made)
    client = sign_in(session.get(User, made.experts[0].user_id))

    answered = hand_in(client, lease, next=True)

    assert answered.json == {"next": f"/work/{lease.id}", "state": "submitted"}
    session.expire_all()
    assert [one.state for one in session.exec(select(Assignment))] == [State.SUBMITTED]
    jobs = session.execute(text("select task_name from procrastinate_jobs")).scalars().all()
    assert "annotation.tell_budget_is_short" in jobs


def test_who_does_not_wish_it_gets_no_next_task(session, sign_in):
    made = make_desk(session, tasks=2)
    lease = claim(session, made)
    client = sign_in(session.get(User, made.experts[0].user_id))

    assert hand_in(client, lease).json["next"] == f"/work/{lease.id}"
    assert len(session.exec(select(Assignment)).all()) == 1
