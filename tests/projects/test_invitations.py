"""Invitations: offered as needed, answered once, by one person, whatever happens at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from accounts.models import User
from core import jobs as core_jobs
from core.clock import now
from core.db import transaction
from core.models import Letter
from projects import invitations, lifecycle
from projects.models import Answer, Invitation, Project, State
from tests.factories.accounts import make_user
from tests.factories.experts import make_expert, make_skill
from tests.factories.projects import make_invitation, make_project

LETTERS = select(Letter).where(Letter.template == "projects/invitation")


def fit(session, **changes):
    expert = make_expert(session, **changes)
    make_skill(session, expert)
    return expert


def person(session, expert):
    return session.get(User, expert.user_id)


def states(session, project):
    query = select(Invitation.state).where(Invitation.project_id == project.id)
    return sorted(session.exec(query))


def test_as_many_are_invited_as_are_needed(session):
    project = make_project(session, state="open", experts_needed=2)
    for _number in range(4):
        fit(session)

    assert invitations.offer_needed(session, project.id, now()) == 2
    assert invitations.offer_needed(session, project.id, now()) == 0
    assert states(session, project) == ["offered", "offered"]


def test_the_letter_has_the_terms_and_two_links(session):
    project = make_project(session, state="open", funded=50_000)
    expert = fit(session)

    invitations.offer_needed(session, project.id, now())

    letter = session.exec(LETTERS).one()
    assert letter.user_id == expert.user_id
    assert letter.subject == "Invitation: Licence clauses"
    assert "€4.20 for each accepted task. No fee is taken from it." in letter.body
    assert "€28/h" in letter.body
    assert "Saying no, or not answering, has no effect" in letter.body
    assert len(re.findall(r"http://localhost/invitations/from-letter/\S+", letter.body)) == 2


def test_the_letter_is_in_the_experts_language(session):
    project = make_project(session, state="open")
    fit(session, user=make_user(session, "expert", locale="fr"))

    invitations.offer_needed(session, project.id, now())

    letter = session.exec(LETTERS).one()
    assert letter.subject == "Invitation\N{NO-BREAK SPACE}: Licence clauses"
    assert "Bonjour" in letter.body


@pytest.mark.parametrize("state", ["draft", "paused", "completed"])
def test_a_project_that_is_not_open_invites_nobody(session, state):
    project = make_project(session, state=state)
    fit(session)

    assert invitations.offer_needed(session, project.id, now()) == 0


def test_a_place_that_nobody_took_in_time_is_offered_to_the_next(session):
    project = make_project(session, state="open", experts_needed=1)
    make_invitation(session, project, answer_by=now() - timedelta(minutes=1))
    next_one = fit(session)

    assert invitations.offer_needed(session, project.id, now()) == 1
    assert invitations.of_expert(session, next_one.user_id, Answer.OFFERED)


def test_two_workers_at_once_fill_the_same_places_once(live):
    with live.transaction() as session:
        project_id = make_project(session, state="open", experts_needed=3).id
        for _number in range(8):
            fit(session)

    def work(_number):
        with live.transaction() as session:
            return invitations.offer_needed(session, project_id, now())

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(work, range(5))) == 3

    with live.transaction() as session:
        assert len(session.exec(select(Invitation)).all()) == 3
        assert len(session.exec(LETTERS).all()) == 3


def test_the_last_place_goes_to_one_of_two_who_say_yes_at_once(live):
    with live.transaction() as session:
        project = make_project(session, state="open", experts_needed=1)
        ids = [make_invitation(session, project).id for _number in range(2)]

    def say_yes(invitation_id):
        with live.app.app_context(), transaction() as session:
            invitation = session.get(Invitation, invitation_id, with_for_update=True)
            try:
                by = session.get(User, invitation.expert_id)
                invitations.accept(session, invitation, by=by, at=now())
            except invitations.NoPlaceLeft:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(say_yes, ids)) == [False, True]


def test_yes_makes_a_member_and_twice_changes_nothing(session):
    project = make_project(session, state="open")
    invitation = make_invitation(session, project)
    by = session.get(User, invitation.expert_id)

    invitations.accept(session, invitation, by=by, at=now())
    first = invitation.answered_at
    invitations.accept(session, invitation, by=by, at=now() + timedelta(hours=1))

    assert invitation.answered_at == first
    assert invitations.is_member(session, project.id, invitation.expert_id)
    assert not invitations.is_member(session, project.id, make_expert(session).user_id)


def test_a_late_yes_counts_while_a_place_is_free(session):
    invitation = make_invitation(
        session, make_project(session, state="open"), answer_by=now() - timedelta(days=3)
    )

    invitations.accept(session, invitation, by=session.get(User, invitation.expert_id), at=now())

    assert invitation.state is Answer.ACCEPTED


def test_no_frees_the_place_and_lets_a_job_find_the_next(session):
    project = make_project(session, state="open", experts_needed=1)
    invitation = make_invitation(session, project)
    by = session.get(User, invitation.expert_id)

    for _click in range(2):
        invitations.decline(session, invitation, words="No time.", by=by, at=now())

    assert (invitation.state, invitation.words) == (Answer.DECLINED, "No time.")
    assert invitations.places(session, project, now()).to_offer == 1
    names = session.execute(text("select task_name from procrastinate_jobs")).scalars()
    assert list(names) == ["projects.offer"]


def test_a_no_may_become_a_yes_while_a_place_is_free(session):
    invitation = make_invitation(session, make_project(session, state="open"), state="declined")

    invitations.accept(session, invitation, by=session.get(User, invitation.expert_id), at=now())

    assert invitation.state is Answer.ACCEPTED


def test_a_member_may_leave(session):
    project = make_project(session, state="open")
    invitation = make_invitation(session, project, state="accepted")

    invitations.decline(session, invitation, by=session.get(User, invitation.expert_id), at=now())

    assert not invitations.is_member(session, project.id, invitation.expert_id)


def test_what_was_taken_back_cannot_be_answered(session):
    project = make_project(session, state="open")
    invitation = make_invitation(session, project, state="withdrawn")
    by = session.get(User, invitation.expert_id)

    with pytest.raises(invitations.TakenBack):
        invitations.accept(session, invitation, by=by, at=now())
    with pytest.raises(invitations.TakenBack):
        invitations.decline(session, invitation, by=by, at=now())


@pytest.mark.parametrize("state", ["paused", "completed"])
def test_a_project_that_is_not_open_takes_nobody_in(session, state):
    invitation = make_invitation(session, make_project(session, state=state))

    with pytest.raises(invitations.Ended):
        invitations.accept(
            session, invitation, by=session.get(User, invitation.expert_id), at=now()
        )


def test_an_answer_cannot_be_taken_back_by_the_owner(session):
    project = make_project(session, state="open")
    member = make_invitation(session, project, state="accepted")
    waiting = make_invitation(session, project)
    owner = session.get(User, project.created_by)

    for _click in range(2):
        invitations.withdraw(session, waiting, by=owner, at=now())
    assert waiting.state is Answer.WITHDRAWN
    with pytest.raises(invitations.AlreadyAnswered):
        invitations.withdraw(session, member, by=owner, at=now())


def test_only_what_can_be_answered_is_counted(session):
    expert = make_expert(session)
    make_invitation(session, make_project(session, state="open"), expert)
    make_invitation(session, make_project(session, state="open"), expert, state="declined")
    make_invitation(session, make_project(session, state="paused"), expert)

    assert invitations.to_answer(session, expert.user_id) == 1


def test_the_sweep_finds_whoever_has_passed_since(app, session, jobs):
    project = make_project(session, state="open", experts_needed=2, funded=50_000)
    expert = make_expert(session)
    assert core_jobs.run(app, "projects.offer_open") == "0 invited to 1 open projects"

    make_skill(session, expert)
    session.commit()

    assert core_jobs.run(app, "projects.offer_open") == "1 invited to 1 open projects"
    assert core_jobs.run(app, "projects.offer_open") == "0 invited to 1 open projects"
    assert states(session, project) == ["offered"]


def test_publishing_invites_through_its_job(session, jobs):
    project = make_project(session, funded=50_000)
    owner = session.get(User, project.created_by)
    fit(session)
    lifecycle.publish(session, project, by=owner, at=now())
    session.commit()

    ran = jobs()

    assert "projects.offer" in ran
    session.expire_all()
    assert session.get(Project, project.id).state is State.OPEN
    assert states(session, project) == ["offered"]
