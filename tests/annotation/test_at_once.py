"""Many people at once, and things that stop half-way: nothing is leased, paid or told twice."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, text
from sqlmodel import select

from accounts.models import User
from annotation import ahead, assignment, beside_pay, loop, review, validation
from annotation.models import IN_HAND, Annotation, Assignment, State, Task, ValidationDue, Verdict
from core.clock import now
from core.errors import DomainError
from payouts import budgets, earnings, ledger
from projects.models import Project
from tests.factories.annotation import (
    choice,
    claimed,
    handed_in,
    make_assignment,
    make_desk,
    second_member,
)

COST = 483


def at_once(acts):
    """Run functions in threads that start together; return what each returned or raised."""
    start = Barrier(len(acts))

    def run(act):
        start.wait()
        try:
            return act()
        except DomainError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def claiming(live, project_id, expert_id):
    def claim():
        with live.transaction() as session:
            project = session.get_one(Project, project_id)
            return claimed(session, project, expert_id, at=now()).id

    return claim


def handing_in(live, lease_id, clause="grant"):
    def submit():
        with live.transaction() as session:
            lease = session.get_one(Assignment, lease_id, with_for_update=True)
            project = session.get_one(Project, lease.project_id)
            return handed_in(session, lease, project, choice(clause), at=now()).id

    return submit


def audit_whole(session, project_id, funded):
    """Check what must be true of a project whatever happened."""
    held = Counter(
        session.exec(
            select(Assignment.task_id).where(
                Assignment.state.not_in(
                    (State.RETURNED, State.EXPIRED, State.SKIPPED, State.REJECTED)
                )
            )
        )
    )
    for task in session.exec(select(Task)):
        assert task.slots - task.slots_left == held[task.id]
    pairs = session.exec(
        select(Assignment.task_id, Assignment.expert_id).where(
            Assignment.state.not_in((State.RETURNED, State.EXPIRED))
        )
    ).all()
    assert len(pairs) == len(set(pairs))
    working = session.exec(
        select(func.count()).where(Assignment.state.in_((*IN_HAND, State.SUBMITTED)))
    ).one()
    summary = budgets.summary(session, project_id)
    assert summary.reserved.minor == working * COST
    assert summary.available.minor >= 0
    assert ledger.problems(session) == []
    accepted = session.exec(select(func.count()).where(Assignment.state == State.ACCEPTED)).one()
    assert summary.available.minor == funded - (working + accepted) * COST


@pytest.mark.parametrize(("funds", "leases"), [(20 * COST, 20), (13 * COST + 1, 13)])
def test_fifty_experts_claim_twenty_slots(live, funds, leases):
    with live.transaction() as session:
        made = make_desk(session, tasks=10, experts=50, funds=funds, overlap=2)
        ids = [expert.user_id for expert in made.experts]
        project_id = made.project_id

    done = at_once([claiming(live, project_id, expert_id) for expert_id in ids])

    got = [one for one in done if isinstance(one, int)]
    assert len(got) == len(set(got)) == leases
    refusals = {type(one) for one in done if not isinstance(one, int)}
    assert refusals <= {assignment.NoTask, budgets.OutOfBudget}
    with live.transaction() as session:
        audit_whole(session, project_id, funds)


def test_a_double_click_claims_one_task(live):
    with live.transaction() as session:
        made = make_desk(session, tasks=5, experts=1)
        expert_id, project_id = made.experts[0].user_id, made.project_id

    done = at_once([claiming(live, project_id, expert_id)] * 8)

    assert len(set(done)) == 1
    with live.transaction() as session:
        audit_whole(session, project_id, 100_000)


def test_handing_in_at_once_stores_one_answer(live):
    with live.transaction() as session:
        made = make_desk(session)
        lease_id = make_assignment(session, made.project).id

    done = at_once([handing_in(live, lease_id, clause) for clause in ("grant", "patent") * 4])

    assert len(set(done)) == 1
    with live.transaction() as session:
        assert session.exec(select(func.count()).select_from(Annotation)).one() == 1


def test_handing_in_against_expiry_has_one_winner(live):
    with live.transaction() as session:
        made = make_desk(session, tasks=0, funds=20 * COST)
        late = now() - timedelta(seconds=1)
        leases = [make_assignment(session, made.project, due_at=late).id for _ in range(8)]
        project_id = made.project_id

    def expire():
        with live.transaction() as session:
            return assignment.expire_next(session, at=now()) is not None

    done = at_once([*(handing_in(live, lease_id) for lease_id in leases), *[expire] * 8])

    assert all(isinstance(one, int | bool | assignment.LeaseOver) for one in done)
    with live.transaction() as session:
        states = Counter(session.exec(select(Assignment.state)))
        assert states[State.SUBMITTED] + states[State.EXPIRED] + states[State.ACTIVE] == 8
        assert (
            session.exec(select(func.count()).select_from(Annotation)).one() == states["submitted"]
        )
        audit_whole(session, project_id, 20 * COST)


def test_a_person_and_the_rules_decide_once(live):
    with live.transaction() as session:
        made = make_desk(session, tasks=0, experts=6, funds=100 * COST)
        past = now() - timedelta(seconds=1)
        tasks = []
        for number in range(6):
            one, two = made.experts[number], made.experts[number - 1]
            lease = make_assignment(
                session, made.project, expert=one, state=State.SUBMITTED, review_by=past
            )
            task = session.get_one(Task, lease.task_id)
            make_assignment(
                session,
                made.project,
                expert=two,
                task=task,
                state=State.SUBMITTED,
                review_by=past,
            )
            tasks.append(task.id)
        owner, project_id = made.owner, made.project_id
        experts = [expert.user_id for expert in made.experts]
        leases = list(session.exec(select(Assignment.id)))

    def agree(task_id):
        def act():
            with live.transaction() as session:
                return validation.by_agreement(session, task_id, at=now())

        return act

    def decide(lease_id):
        def act():
            with live.transaction() as session:
                lease = session.get_one(Assignment, lease_id, with_for_update=True)
                review.decide(session, lease, review.ACCEPT, by=owner, at=now())

        return act

    def silence():
        with live.transaction() as session:
            return validation.by_silence(session, at=now())

    acts = [*map(agree, tasks), *map(decide, leases), *[silence] * 12]
    random.Random(7).shuffle(acts)
    at_once(acts)

    with live.transaction() as session:
        assert set(session.exec(select(Assignment.state))) == {State.ACCEPTED}
        assert budgets.summary(session, project_id).fees.minor == 12 * 63
        assert sum(earnings.owed(session, one)[0].minor for one in experts) == 12 * 420
        audit_whole(session, project_id, 100 * COST)


def test_a_crash_between_two_lines_leaves_nothing_half_done(live, monkeypatch):
    with live.transaction() as session:
        made = make_desk(session, tasks=1, experts=1)
        expert_id, project_id = made.experts[0].user_id, made.project_id

    class Crash(BaseException):
        """The process dies here."""

    def crash(*_args, **_more):
        raise Crash

    for module, name in ((beside_pay, "qualification_pay"), (assignment, "_leased")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, crash)
            with pytest.raises(Crash):
                claiming(live, project_id, expert_id)()
    lease_id = claiming(live, project_id, expert_id)()
    for module, name in ((loop, "note"), (beside_pay, "earn")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, crash)
            with pytest.raises(Crash):
                handing_in(live, lease_id)()
        with live.transaction() as session:
            assert session.get_one(Assignment, lease_id).state is State.ACTIVE
            audit_whole(session, project_id, 100_000)
    handing_in(live, lease_id)()

    with live.transaction() as session:
        audit_whole(session, project_id, 100_000)
        assert session.exec(select(Annotation)).one().assignment_id == lease_id


def test_everybody_at_everything_keeps_the_books_true(live):
    with live.transaction() as session:
        made = make_desk(session, tasks=12, experts=12, funds=30 * COST, overlap=2)
        ids = [expert.user_id for expert in made.experts]
        project_id = made.project_id

    def work(expert_id):
        def act():
            chance = random.Random(expert_id)
            for _round in range(4):
                try:
                    lease_id = claiming(live, project_id, expert_id)()
                except DomainError:
                    continue
                kind = chance.choice(["submit", "submit", "return", "skip", "expire"])
                with live.transaction() as session:
                    lease = session.get_one(Assignment, lease_id, with_for_update=True)
                    project = session.get_one(Project, project_id)
                    if kind == "submit":
                        assignment.submit(session, lease, project, choice(), at=now())
                    elif kind == "return":
                        assignment.give_back(session, lease, at=now())
                    elif kind == "skip":
                        assignment.skip(session, lease, "not my field", at=now())
                    else:
                        lease.due_at = now() - timedelta(seconds=1)
                with live.transaction() as session:
                    assignment.expire_next(session, at=now())

        return act

    at_once([work(expert_id) for expert_id in ids])

    with live.transaction() as session:
        audit_whole(session, project_id, 30 * COST)
        states = {lease.state for lease in session.exec(select(Assignment))}
        assert {State.SUBMITTED, State.RETURNED} <= states


def looking_ahead(live, lease_id):
    def take():
        with live.transaction() as session:
            lease = session.get_one(Assignment, lease_id)
            return ahead.take(session, session.get_one(Project, lease.project_id), lease, at=now())

    return take


def test_of_two_looks_ahead_at_once_one_takes_the_last_place_in_hand(live):
    with live.transaction() as session:
        made = make_desk(session, tasks=9, tasks_in_hand=3)
        expert_id, project_id = made.experts[0].user_id, made.project_id
    lease_id = claiming(live, project_id, expert_id)()

    taken = at_once([looking_ahead(live, lease_id)] * 6)

    assert len({one for one in taken if one is not None}) == 2
    # The hand-in, a second claim and another look meet: one task is opened, none twice.
    opened = at_once(
        [
            handing_in(live, lease_id),
            *[claiming(live, project_id, expert_id)] * 3,
            *[looking_ahead(live, lease_id)] * 2,
        ]
    )[1:4]
    with live.transaction() as session:
        states = Counter(session.exec(select(Assignment.state)))
        assert (states[State.ACTIVE], states[State.WAITING]) in {(1, 1), (0, 2)}
        assert set(opened) <= {lease_id, min(one for one in taken if one is not None)}
        audit_whole(session, project_id, 100_000)


def test_everybody_with_batches_at_everything_keeps_the_books_true(live):
    funds = 40 * COST
    with live.transaction() as session:
        made = make_desk(session, tasks=40, experts=8, funds=funds, overlap=2, tasks_in_hand=3)
        ids = [expert.user_id for expert in made.experts]
        project_id = made.project_id

    def work(expert_id):
        def act():
            chance = random.Random(expert_id)
            for _round in range(5):
                try:
                    lease_id = claiming(live, project_id, expert_id)()
                except DomainError:
                    continue
                looking_ahead(live, lease_id)()
                looking_ahead(live, lease_id)()
                kind = chance.choice(["submit", "submit", "return", "break", "expire", "die"])
                if kind == "die":
                    continue
                with live.transaction() as session:
                    lease = session.get_one(Assignment, lease_id, with_for_update=True)
                    project = session.get_one(Project, project_id)
                    if kind == "expire":
                        lease.due_at = now() - timedelta(seconds=1)
                    elif kind == "return":
                        assignment.give_back(session, lease, at=now())
                    else:
                        assignment.submit(session, lease, project, choice(), at=now())
                    if kind == "break":
                        ahead.give_back(session, project_id, expert_id, at=now())
                with live.transaction() as session:
                    assignment.is_alive(session, lease, at=now())
                with live.transaction() as session:
                    assignment.expire_next(session, at=now())
                with live.transaction() as session:
                    ahead.give_back_next(
                        session, at=now() + chance.choice((0, 1)) * ahead.SILENT_FOR
                    )

        return act

    at_once([work(expert_id) for expert_id in ids])

    with live.transaction() as session:
        audit_whole(session, project_id, funds)
        in_work = session.exec(
            select(Assignment.expert_id).where(Assignment.state == State.ACTIVE)
        ).all()
        assert len(in_work) == len(set(in_work))
        expired = session.exec(select(Assignment).where(Assignment.state == State.EXPIRED)).all()
        assert not any(lease.is_unseen for lease in expired)


def test_of_two_reviewers_at_once_one_verdict_counts_and_the_pay_is_his(live):
    with live.transaction() as session:
        desk = make_desk(session, experts=1, tasks=0, funds=2000)
        lease = make_assignment(
            session, desk.project, expert=desk.experts[0], state=State.SUBMITTED
        )
        lease_id, expert_id = lease.id, lease.expert_id
        people = [desk.owner.id, second_member(session, desk).id]
        project_id = desk.project_id
    words = "The clause is right; of the two parties only one is marked."

    def deciding(by_id, percent):
        ruling = review.Ruling(Verdict.PARTLY_ACCEPTED, "incomplete", words, "2.1", percent)

        def decide():
            with live.transaction() as session:
                found = session.get_one(Assignment, lease_id, with_for_update=True)
                review.decide(session, found, ruling, by=session.get_one(User, by_id), at=now())
                return percent

        return decide

    acts = [deciding(people[number % 2], (30, 70)[number % 2]) for number in range(6)]
    done = at_once(acts)

    with live.transaction() as session:
        [percent] = {one for one in done if isinstance(one, int)}
        assert done.count(percent) == 3  # the others are second clicks of the same person
        assert sum(isinstance(one, review.AlreadyReviewed) for one in done) == 3
        assert [one.minor for one in earnings.owed(session, expert_id)] == [420 * percent // 100]
        assert budgets.summary(session, project_id).reserved.minor == 0
        assert ledger.problems(session) == []


def test_hand_ins_at_once_add_one_job_of_a_kind_and_agreement_misses_none(live):
    experts = 6
    with live.transaction() as session:
        made = make_desk(session, tasks=1, experts=experts, overlap=experts, funds=experts * COST)
        leases = [claimed(session, made.project, one.user_id, at=now()).id for one in made.experts]
    asking = [validating(live)] * 3

    came = at_once([handing_in(live, lease) for lease in leases] + asking)
    for ask in asking:
        ask()

    assert not [one for one in came if isinstance(one, Exception)]
    with live.transaction() as session:
        waiting = session.execute(
            text("select task_name, count(*) from procrastinate_jobs group by 1")
        ).all()
        assert {name: count for name, count in waiting if "annotation." in name} == {
            "annotation.push_answers": 1,
            "annotation.validate_handed_in": 1,
        }
        assert session.exec(select(ValidationDue)).all() == []
        states = Counter(session.exec(select(Assignment.state)))
        assert states == {State.ACCEPTED: experts}


def validating(live):
    def validate():
        for _turn in range(20):
            with live.transaction() as session:
                due = validation.due(session, limit=10)
            for task_id in due:
                with live.transaction() as session:
                    validation.by_agreement_if_due(session, task_id, at=now())

    return validate


def test_what_ends_between_reading_a_lease_and_handing_in_is_noticed(live):
    with live.transaction() as session:
        made = make_desk(session, tasks=3, experts=2, overlap=1, funds=9 * COST)
        over, twice = (
            claimed(session, made.project, one.user_id, at=now()).id for one in made.experts
        )

    with live.transaction() as session:
        lease, project, _task = assignment.in_whole(session, over)
        with live.transaction() as other:
            other.get_one(Assignment, over).due_at = now() - timedelta(minutes=1)
        with live.transaction() as other:
            assert assignment.expire_next(other, at=now()).id == over
        assert lease.state is State.ACTIVE  # as it was read
        with pytest.raises(assignment.LeaseOver):
            assignment.submit_and_claim(session, lease, project, choice(), at=now())
        session.rollback()
    with live.transaction() as session:
        lease, project, _task = assignment.in_whole(session, twice)
        handing_in(live, twice, "patent")()
        assert assignment.submit_and_claim(session, lease, project, choice(), at=now()) is None

    with live.transaction() as session:
        answer = session.exec(select(Annotation)).one()
        assert (answer.assignment_id, answer.result) == (twice, choice("patent"))
        audit_whole(session, made.project_id, 9 * COST)
