"""What a project pays by the hour: observed by a sweep, shown before a yes, warned of once."""

from datetime import timedelta

import pytest
from sqlmodel import select

from accounts.models import User
from annotation import observed
from annotation.models import State
from core.clock import now
from core.models import Letter
from projects import rates
from projects.models import Answer, Invitation
from projects.rate_models import ProjectRate
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.payouts import make_payee

FLOORS = {"FR": (1202, "eur"), "DE": (3000, "eur")}


@pytest.fixture
def app_with_floors(app, monkeypatch):
    known = app.extensions["doyen.settings"]
    changed = known.model_copy(update={"pay_floors": FLOORS})
    monkeypatch.setitem(app.extensions, "doyen.settings", changed)
    return app


@pytest.fixture
def made(session, app_with_floors):
    return make_desk(session, tasks=0, experts=2, funds=100_000)


def accepted(session, made, seconds, number=10):
    """Let both experts have answers accepted that took so long."""
    for count in range(number):
        make_assignment(
            session,
            made.project,
            expert=made.experts[count % 2],
            state=State.ACCEPTED,
            lead_seconds=seconds,
        )


def observe(session, made):
    return observed.observe(session, made.project_id, at=now())


def letters(session):
    return session.exec(select(Letter).where(Letter.template == "projects/underpaid")).all()


def test_too_few_answers_leave_the_owners_estimate(session, made):
    accepted(session, made, 60, number=9)

    assert not observe(session, made)

    rate = rates.of(session, made.project)
    assert (rate.is_observed, rate.seconds, rate.hourly.minor) == (False, 600, 2500)


def test_times_are_observed_and_a_second_sweep_changes_nothing(session, made):
    accepted(session, made, 540)
    make_assignment(session, made.project, expert=made.experts[0], state=State.REJECTED)

    for _tick in range(2):
        assert observe(session, made)

    [row] = session.exec(select(ProjectRate)).all()
    assert (row.answers, row.experts, row.median_seconds) == (10, 2, 540)
    assert rates.of(session, made.project).hourly.minor == 2800
    assert letters(session) == []


def test_owners_are_warned_once_and_again_only_after_it_recovered(session, made):
    accepted(session, made, 1800)  # 8.40 an hour, the floor of France is 12.02
    for _tick in range(3):
        observe(session, made)
    [letter] = letters(session)
    assert "€8.40/h" in letter.body
    assert "€12.02/h" in letter.body
    assert "France" in letter.body

    accepted(session, made, 300, number=40)
    observe(session, made)
    assert session.get(ProjectRate, made.project_id).under_since is None
    accepted(session, made, 1800, number=70)
    for _tick in range(2):
        observe(session, made)

    assert len(letters(session)) == 2


def test_the_floor_is_that_of_the_country_where_one_is_paid(session, made):
    first, second = made.experts
    assert rates.floor_of_expert(session, first.user_id, "eur").country == "FR"
    make_payee(session, first.user_id, country="DE")

    assert rates.floor_of_expert(session, first.user_id, "eur").country == "DE"
    assert rates.floor_of_expert(session, second.user_id, "eur").country == "FR"
    assert rates.floor_of_expert(session, first.user_id, "usd") is None
    assert rates.floor_of_project(session, made.project).country == "DE"


def test_both_sides_see_it(session, made, sign_in):
    accepted(session, made, 1800)
    observe(session, made)
    expert = made.experts[0]
    invitation = session.exec(
        select(Invitation).where(Invitation.expert_id == expert.user_id)
    ).one()
    invitation.state, invitation.answered_at = Answer.OFFERED, None
    invitation.answer_by = now() + timedelta(days=2)
    session.commit()
    client = sign_in(session.get(User, expert.user_id))

    page = client.get(f"/invitations/{invitation.id}").text
    assert "the middle of the 10 newest accepted answers" in page
    assert "This work pays less by the hour than it should" in page
    assert "the floor of this instance for France is €12.02/h" in page
    assert "about €8.40/h" in client.get("/invitations").text
    invitation.state, invitation.answered_at = Answer.ACCEPTED, now()
    session.commit()
    work = client.get("/work").text
    assert "pays less by the hour than it should" in work
    assert "about €8.40/h, observed" in work
    home = sign_in(made.owner).get(f"/projects/{made.project_id}").text
    assert "The pay is below the floor" in home
    assert "people earn about €8.40/h" in home


def test_an_estimate_is_marked_as_one(session, made, sign_in):
    session.commit()
    expert = sign_in(session.get(User, made.experts[0].user_id))

    assert "about €25/h, as the owner estimates" in expert.get("/work").text
    assert "as you estimate" in sign_in(made.owner).get(f"/projects/{made.project_id}").text
