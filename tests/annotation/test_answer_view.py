"""An answer in the editor, to look at: who may, what is told, how long files are there."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from accounts.models import User
from annotation import media_links
from annotation.media_links import Holder
from annotation.media_models import TaskMedia
from annotation.mirror_models import EditState
from annotation.models import Annotation, Assignment, State, Task
from core.clock import now
from projects.models import Project
from tests.annotation.test_media import IMAGE, get
from tests.factories.accounts import make_user
from tests.factories.annotation import (
    Desk,
    choice,
    make_assignment,
    make_desk,
    make_task,
    second_member,
)
from tests.factories.decisions import contest, decision_of
from tests.factories.media import make_media
from tests.factories.mirrors import make_edit
from tests.factories.samples import answer_sample, make_sample, make_sample_desk

GIVEN = choice("grant", (4, 12, "Party"))


@pytest.fixture
def desk(session: Session) -> Desk:
    return make_desk(session, tasks=0, experts=2)


@pytest.fixture
def leases(session: Session, desk: Desk) -> list[Assignment]:
    """Two answers to one task with a known answer."""
    task = make_task(session, desk.project, gold=choice("patent"))
    how = {"task": task, "state": State.SUBMITTED}
    return [
        make_assignment(session, desk.project, expert=expert, result=result, **how)
        for expert, result in zip(desk.experts, (GIVEN, choice("warranty")), strict=True)
    ]


def expert_of(session: Session, lease: Assignment) -> User:
    return session.get_one(User, lease.expert_id)


def answer_of(session: Session, lease: Assignment) -> Annotation:
    return session.exec(select(Annotation).where(Annotation.assignment_id == lease.id)).one()


def with_a_file(session: Session, settings: Any, state: State) -> Assignment:
    """Return the work on a task that shows a file."""
    desk = make_desk(session, tasks=0, label_config=IMAGE)
    make_media(session, desk.project, by=desk.owner, settings=settings)
    task = make_task(session, desk.project, data={"image": "media:a.png"})
    part = {"id": "1", "from_name": "kind", "to_name": "image", "type": "choices"}
    how = {"task": task, "state": state, "result": [part | {"value": {"choices": ["a"]}}]}
    return make_assignment(session, desk.project, expert=desk.experts[0], **how)


def test_its_expert_sees_the_answer_and_nothing_of_others(session, sign_in, leases):
    one, other = leases
    client = sign_in(expert_of(session, one))

    page = client.get(f"/work/{one.id}/answer?known=1")
    told = client.get(f"/work/{one.id}/answer.json?known=1")

    assert page.status_code == 200
    assert "Known answer" not in page.text
    assert f"/work/{other.id}" not in page.text
    assert session.get_one(Task, one.task_id).external_id not in page.text
    # Nothing that a form would need: the page hands nothing in.
    assert "csrf" not in page.text
    assert told.json["result"] == GIVEN
    assert told.json["task"]["data"] == {"text": told.json["task"]["data"]["text"]}
    assert client.get(f"/work/{other.id}/answer").status_code == 404
    assert client.get(f"/work/{other.id}/answer.json").status_code == 404


def test_members_see_the_answers_side_by_side_and_the_known_one(session, sign_in, desk, leases):
    one, other = leases
    for who in (desk.owner, second_member(session, desk)):
        client = sign_in(who)
        page = client.get(f"/work/{one.id}/answer?page=2&from=javascript:1&_external=1")
        assert f'href="/work/{other.id}/answer?page=2' in page.text
        assert f"/projects/{desk.project_id}/review?page=2" in page.text
        known = client.get(f"/work/{one.id}/answer.json?known=1")
        assert known.json["result"] == choice("patent")
        assert client.get(f"/work/{one.id}/answer.json").json["result"] == GIVEN


def test_strangers_and_operators_see_no_answer(session, sign_in, leases):
    [one, _other] = leases
    for role in ("operator", "owner", "expert", "ml_team"):
        client = sign_in(make_user(session, role))
        assert client.get(f"/work/{one.id}/answer").status_code == 404
        assert client.get(f"/work/{one.id}/answer.json").status_code == 404


def test_an_operator_sees_what_an_appeal_is_about_and_back_leads_there(session, sign_in, desk):
    refused = make_assignment(session, desk.project, state=State.REJECTED, result=GIVEN)
    client = sign_in(make_user(session, "operator"))
    assert client.get(f"/work/{refused.id}/answer").status_code == 404

    appeal = contest(session, decision_of(session, refused))

    page = client.get(f"/work/{refused.id}/answer?known=1")
    assert page.status_code == 200
    assert f'href="/appeals/{appeal.id}"' in page.text
    assert client.get(f"/work/{refused.id}/answer.json").json["result"] == GIVEN
    assert f"/work/{refused.id}/answer?from=appeal" in client.get(f"/appeals/{appeal.id}").text


def test_a_task_in_hand_has_no_answer(session, sign_in, desk):
    lease = make_assignment(session, desk.project, expert=desk.experts[0])

    for who in (expert_of(session, lease), desk.owner):
        assert sign_in(who).get(f"/work/{lease.id}/answer").status_code == 404


def test_files_are_there_for_an_expert_while_the_work_is_at_issue(session, sign_in, settings):
    lease = with_a_file(session, settings, State.REJECTED)
    client = sign_in(expert_of(session, lease))

    link = client.get(f"/work/{lease.id}/answer.json").json["task"]["data"]["image"]
    assert get(client, link).status_code == 200

    decision = decision_of(session, lease)
    appeal = contest(session, decision)
    assert get(client, link).status_code == 200
    appeal.outcome, appeal.answered_at = "withdrawn", now()
    session.flush()

    assert get(client, link).status_code == 410
    assert client.get(f"/work/{lease.id}/answer.json").status_code == 404
    page = client.get(f"/work/{lease.id}/answer")
    assert "no longer shown" in page.text
    assert "<iframe" not in page.text


def test_accepted_work_shows_its_files_to_members_alone(session, sign_in, settings):
    lease = with_a_file(session, settings, State.ACCEPTED)
    own = sign_in(expert_of(session, lease)).get(f"/work/{lease.id}/answer")
    assert "no longer shown" in own.text

    project = session.get_one(Project, lease.project_id)
    client = sign_in(session.get_one(User, project.created_by))
    link = client.get(f"/work/{lease.id}/answer.json").json["task"]["data"]["image"]

    assert get(client, link).status_code == 200


def test_a_link_of_an_answer_runs_out(session, sign_in, settings):
    lease = with_a_file(session, settings, State.SUBMITTED)
    file = session.exec(select(TaskMedia)).one()
    for age, status in ((timedelta(minutes=1), 200), (timedelta(hours=1), 410)):
        made = media_links.token(settings, file, Holder.ANSWER, lease.id, at=now() - age)
        assert get(sign_in(make_user(session)), f"/media/{made}/a.png").status_code == status


def test_an_edit_in_label_studio_is_shown_unless_it_is_no_answer(session, sign_in, desk, leases):
    [one, _other] = leases
    edit = make_edit(session, answer_of(session, one))
    client = sign_in(desk.owner)

    assert client.get(f"/edits/{edit.id}/answer").status_code == 200
    assert client.get(f"/edits/{edit.id}/answer.json").json["result"] == choice("warranty")
    assert sign_in(expert_of(session, one)).get(f"/edits/{edit.id}/answer").status_code == 403

    wrong = {"troubles": ["It is no answer."], "state": EditState.REFUSED}
    refused = make_edit(session, answer_of(session, one), **wrong)
    assert client.get(f"/edits/{refused.id}/answer.json").status_code == 404


def test_answers_of_a_work_sample_are_shown_when_it_is_over(session, sign_in):
    desk = make_sample_desk(session)
    found = make_sample(session, desk)
    path = f"/work-samples/{found.id}/tasks/1/answer"
    client, owner = sign_in(session.get_one(User, found.expert_id)), sign_in(desk.owner)
    assert client.get(path).status_code == owner.get(path).status_code == 404

    answer_sample(session, desk, found, 2)

    assert client.get(f"/work-samples/{found.id}/tasks/9/answer").status_code == 404
    assert client.get(f"{path}.json?known=1").json["result"]
    assert "Known answer" not in client.get(path).text
    assert "Known answer" in owner.get(path).text
    assert sign_in(make_user(session, "expert")).get(path).status_code == 404
    assert f'href="{path}"' in client.get(f"/work-samples/{found.id}/result").text


def test_pages_lead_to_it(session, sign_in, desk, leases):
    [one, _other] = leases
    edit = make_edit(session, answer_of(session, one))
    owner = sign_in(desk.owner)

    path = f"/work/{one.id}/answer"
    assert path in owner.get(f"/projects/{desk.project_id}/review").text
    edits = owner.get(f"/projects/{desk.project_id}/edits").text
    assert f"{path}?from=edits" in edits
    assert f"/edits/{edit.id}/answer" in edits
    assert path in sign_in(expert_of(session, one)).get(f"/work/{one.id}").text
