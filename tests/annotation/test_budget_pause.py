"""A project out of money pauses by itself and says why, and goes on when money is there."""

from datetime import timedelta

import pytest
from sqlmodel import select

from accounts.models import User
from annotation import assignment, budget_notice
from annotation import jobs as annotation_jobs
from annotation.models import Assignment, State
from core.clock import now
from core.models import Letter
from payouts import budgets, ledger
from projects import lifecycle
from projects.models import PausedFor, Project
from projects.models import State as ProjectState
from tests.annotation.test_at_once import COST, at_once, claiming
from tests.factories.annotation import choice, claimed, fund, make_desk


def user_of(session, expert):
    return session.get_one(User, expert.user_id)


def letters(session):
    return [
        one.user_id
        for one in session.exec(select(Letter).where(Letter.template == "annotation/budget_short"))
    ]


def claim(session, made, number=0):
    return claimed(session, made.project, made.experts[number].user_id, at=now())


def test_a_project_out_of_budget_pauses_with_the_reason_and_tells_its_owner(session, sign_in, jobs):
    made = make_desk(session, tasks=3, experts=2, funds=COST)
    lease = claim(session, made)
    session.commit()

    assert annotation_jobs.follow_budgets() == 1

    session.refresh(made.project)
    assert (made.project.state, made.project.paused_for) == (
        ProjectState.PAUSED,
        PausedFor.BUDGET,
    )
    assert letters(session) == [made.owner.id]
    page = sign_in(user_of(session, made.experts[1])).post(f"/work/claim/{made.project_id}")
    assert page.status_code == 409
    assert "What you have in hand or handed in is paid" in page.text
    home = sign_in(made.owner).get(f"/projects/{made.project_id}").text
    assert "goes on by itself when you add at least" in home
    assignment.submit(session, lease, made.project, choice(), at=now())
    assert lease.state is State.SUBMITTED
    assert annotation_jobs.follow_budgets() == 0


def test_money_lets_it_go_on_by_itself(session, jobs):
    made = make_desk(session, tasks=2, funds=COST - 1)
    session.commit()
    annotation_jobs.follow_budgets()

    fund(session, made.project, 1)
    session.commit()

    assert annotation_jobs.follow_budgets() == 1
    session.refresh(made.project)
    assert (made.project.state, made.project.paused_for) == (ProjectState.OPEN, None)
    assert claim(session, made).id


def test_a_budget_that_was_just_enough_pauses_nothing(session):
    made = make_desk(session, tasks=1, experts=2, funds=2 * COST, overlap=2)
    claim(session, made, 0)
    claim(session, made, 1)
    session.commit()

    assert annotation_jobs.follow_budgets() == 0
    session.refresh(made.project)
    assert made.project.state is ProjectState.OPEN
    assert letters(session) == []


def test_what_an_owner_paused_stays_paused_when_money_arrives(session):
    made = make_desk(session, tasks=2, funds=0)
    session.commit()
    annotation_jobs.follow_budgets()
    session.refresh(made.project)

    lifecycle.pause(session, made.project, by=made.owner, at=now())
    fund(session, made.project, 10 * COST)
    session.commit()

    assert annotation_jobs.follow_budgets() == 0
    session.refresh(made.project)
    assert (made.project.state, made.project.paused_for) == (ProjectState.PAUSED, None)


def test_an_owner_cannot_resume_without_money_and_need_not_wait_with_it(session, sign_in):
    made = make_desk(session, tasks=2, funds=0)
    session.commit()
    annotation_jobs.follow_budgets()
    client, where = sign_in(made.owner), f"/projects/{made.project_id}"

    refused = client.post(f"{where}/resume")
    fund(session, made.project, COST)
    session.commit()
    taken = client.post(f"{where}/resume")

    assert (refused.status_code, taken.status_code) == (409, 302)
    assert "once you pay in" in refused.text
    session.refresh(made.project)
    assert made.project.state is ProjectState.OPEN


def test_money_that_comes_and_goes_is_told_once_a_day(session):
    made = make_desk(session, tasks=3, experts=2, funds=COST)
    at = now()

    for hours in range(0, 26, 2):
        lease = claim(session, made)
        session.commit()
        budget_notice.follow(session, made.project_id, at=at + timedelta(hours=hours))
        assert made.project.state is ProjectState.PAUSED
        assignment.give_back(session, lease, at=now())
        session.commit()
        budget_notice.follow(session, made.project_id, at=at + timedelta(hours=hours))
        assert made.project.state is ProjectState.OPEN

    assert len(letters(session)) in (1, 2)


def test_a_completed_project_is_left_alone(session):
    made = make_desk(session, tasks=2, funds=0)
    session.commit()
    annotation_jobs.follow_budgets()
    session.refresh(made.project)

    lifecycle.complete(session, made.project, by=made.owner, at=now())
    fund(session, made.project, 10 * COST)
    session.commit()

    assert annotation_jobs.follow_budgets() == 0
    session.refresh(made.project)
    assert (made.project.state, made.project.paused_for) == (ProjectState.COMPLETED, None)


@pytest.mark.parametrize("funds", [COST, 3 * COST])
def test_the_last_money_is_claimed_once_while_sweeps_pause_the_project(live, funds):
    with live.transaction() as session:
        made = make_desk(session, tasks=10, experts=8, funds=funds)
        ids = [expert.user_id for expert in made.experts]
        project_id, owner_id = made.project_id, made.owner.id

    def sweep():
        with live.app.app_context():
            return f"moved {annotation_jobs.follow_budgets()}"

    done = at_once([claiming(live, project_id, one) for one in ids] + [sweep, sweep, sweep])
    sweep()

    got = [one for one in done if isinstance(one, int)]
    refusals = {type(one) for one in done if not isinstance(one, int | str)}
    assert len(got) == funds // COST
    assert refusals <= {budgets.OutOfBudget, assignment.NotOpen}
    with live.transaction() as session:
        project = session.get_one(Project, project_id)
        assert project.paused_for is PausedFor.BUDGET
        assert letters(session) == [owner_id]
        assert {session.get_one(Assignment, one).state for one in got} == {State.ACTIVE}
        assert ledger.problems(session) == []


def test_money_that_arrives_while_a_project_pauses_is_found_by_the_next_sweep(live):
    with live.transaction() as session:
        made = make_desk(session, tasks=4, funds=COST - 1)
        project_id = made.project_id

    def sweep():
        with live.app.app_context():
            return annotation_jobs.follow_budgets()

    def pay():
        with live.transaction() as session:
            fund(session, session.get_one(Project, project_id), 10 * COST)

    at_once([sweep, pay, sweep])
    sweep()

    with live.transaction() as session:
        project = session.get_one(Project, project_id)
        assert (project.state, project.paused_for) == (ProjectState.OPEN, None)
