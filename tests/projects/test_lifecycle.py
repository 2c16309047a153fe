"""From draft to completed: what is missing, what is fixed, what a repeat does."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlmodel import select

from accounts.models import User
from core.clock import now
from payouts import budgets
from projects import guidelines, lifecycle
from projects.lifecycle import Step
from projects.models import Answer, GuidelineVersion, Project, State
from tests.factories.accounts import make_owner
from tests.factories.projects import make_invitation, make_project

EMPTY = {
    "brief": "",
    "guidelines": " ",
    "label_config": "",
    "price_minor": 0,
    "languages": [],
    "task_count": 0,
}


@pytest.fixture
def owner(session):
    return make_owner(session)


def publish(session, project, owner):
    lifecycle.publish(session, project, by=owner[0], at=now())


def waiting_jobs(session):
    query = text("""
        select task_name, args from procrastinate_jobs where task_name like 'projects.%' order by id
    """)
    return [tuple(row) for row in session.execute(query)]


def test_a_new_project_is_a_draft_with_a_budget(session, owner):
    user, organisation = owner

    project = lifecycle.create(
        session, organisation, title="Clauses", currency="eur", fee_bps=1500, by=user, at=now()
    )

    assert project.is_draft
    steps = {part.step for part in lifecycle.missing(session, project)}
    assert steps == {Step.BRIEF, Step.LABELS, Step.PAY, Step.CRITERIA, Step.TASKS}


def test_everything_missing_is_said_at_once(session, owner):
    project = make_project(session, owner[1], **EMPTY)

    missing = lifecycle.missing(session, project)

    assert [part.step for part in missing] == [
        "brief",
        "brief",
        "pay",
        "criteria",
        "tasks",
        "labels",
    ]
    with pytest.raises(lifecycle.NotReady):
        publish(session, project, owner)
    assert project.is_draft


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"brief": ""}, Step.BRIEF),
        ({"label_config": "<View"}, Step.LABELS),
        ({"price_minor": 0}, Step.PAY),
        ({"languages": []}, Step.CRITERIA),
        ({"task_count": 0}, Step.TASKS),
        ({"price_minor": 50_000}, Step.BUDGET),
    ],
)
def test_each_part_is_asked_for(session, owner, change, step):
    project = make_project(session, owner[1], **({"funded": 50_000} | change))

    assert [part.step for part in lifecycle.missing(session, project)] == [step]


def test_the_budget_must_pay_for_one_answer_with_its_fee(session, owner):
    enough = make_project(session, owner[1], price_minor=1000, fee_bps=1500, funded=1150)
    short = make_project(session, owner[1], price_minor=1001, fee_bps=1500, funded=1150)

    assert lifecycle.missing(session, enough) == []
    assert [part.step for part in lifecycle.missing(session, short)] == [Step.BUDGET]


def test_publishing_fixes_version_one_and_defers_one_job(session, owner):
    project = make_project(session, owner[1], funded=50_000)

    publish(session, project, owner)
    publish(session, project, owner)

    assert project.state is State.OPEN
    assert project.published_at is not None
    assert [version.version for version in guidelines.versions(session, project.id)] == [1]
    assert waiting_jobs(session) == [("projects.offer", {"project_id": project.id})]


def test_two_people_who_publish_at_once_publish_once(live):
    with live.transaction() as session:
        user, organisation = make_owner(session)
        project_id = make_project(session, organisation, funded=50_000).id
        user_id = user.id

    def press(_number):
        with live.app.app_context(), live.transaction() as session:
            project = session.get(Project, project_id, with_for_update=True)
            by = session.get(User, user_id)
            lifecycle.publish(session, project, by=by, at=now())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(press, range(4)))

    with live.transaction() as session:
        assert len(session.exec(select(GuidelineVersion)).all()) == 1
        assert len(waiting_jobs(session)) == 1


def test_what_experts_were_told_stays(session, owner):
    project = make_project(session, owner[1], funded=50_000, state="open")

    with pytest.raises(lifecycle.Published):
        lifecycle.edit(session, project, by=owner[0], at=now(), price_minor=10)


def test_whom_to_look_for_may_change_as_long_as_it_runs(session, owner):
    project = make_project(session, owner[1], state="open")

    changed = lifecycle.set_criteria(session, project, by=owner[0], at=now(), experts_needed=9)

    assert changed == ["experts_needed"]
    assert waiting_jobs(session) == [("projects.offer", {"project_id": project.id})]
    lifecycle.complete(session, project, by=owner[0], at=now())
    with pytest.raises(lifecycle.WrongState):
        lifecycle.set_criteria(session, project, by=owner[0], at=now(), experts_needed=1)


def test_pause_resume_and_complete_may_be_pressed_twice(session, owner):
    project = make_project(session, owner[1], state="open")
    invitation = make_invitation(session, project)
    member = make_invitation(session, project, state="accepted")
    acts = [lifecycle.pause, lifecycle.resume, lifecycle.complete]

    states = []
    for act in acts:
        for _click in range(2):
            act(session, project, by=owner[0], at=now())
        states.append(project.state)

    assert states == [State.PAUSED, State.OPEN, State.COMPLETED]
    session.expire_all()
    assert invitation.state is Answer.WITHDRAWN
    assert budgets.of(session, project.id).closed_at is not None
    assert member.state is Answer.ACCEPTED


@pytest.mark.parametrize(
    ("state", "act"),
    [
        ("draft", lifecycle.pause),
        ("draft", lifecycle.complete),
        ("completed", lifecycle.pause),
        ("completed", lifecycle.resume),
        ("completed", lifecycle.publish),
        ("paused", lifecycle.publish),
    ],
)
def test_other_ways_are_closed(session, owner, state, act):
    project = make_project(session, owner[1], state=state)

    with pytest.raises(lifecycle.WrongState):
        act(session, project, by=owner[0], at=now())


def test_who_did_what_is_on_record(session, owner):
    project = make_project(session, owner[1], state="open")

    lifecycle.pause(session, project, by=owner[0], at=now())
    session.flush()

    row = session.execute(
        text("select by_user_id, details from audit_event where action = 'project.paused'")
    ).one()
    assert tuple(row) == (owner[0].id, {"before": "open"})


def test_a_version_of_the_guidelines_is_for_ever(session, owner):
    project = make_project(session, owner[1], state="open")

    guidelines.publish(session, project, "1. Otherwise.", by=owner[0], at=now())
    with pytest.raises(guidelines.Unchanged):
        guidelines.publish(session, project, "1. Otherwise.", by=owner[0], at=now())
    session.flush()

    assert guidelines.version(session, project.id, 2).text == "1. Otherwise."
    assert project.guidelines_version == 2
    for act in ("update guideline_version set text = 'x'", "delete from guideline_version"):
        with pytest.raises(DatabaseError, match="only added"), session.begin_nested():
            session.execute(text(act))


def test_the_database_refuses_a_published_project_without_pay(session, owner):
    project = make_project(session, owner[1], state="open")
    project.price_minor = 0

    with pytest.raises(IntegrityError, match="published_whole"):
        session.flush()


def test_a_title_that_changes_renames_the_budget(session, owner):
    project = make_project(session, owner[1])

    lifecycle.edit(session, project, by=owner[0], at=now(), title="Clauses, second part")

    assert budgets.of(session, project.id).title == "Clauses, second part"
