"""Work samples near the line are seen by whoever runs the instance and by those who decide."""

from datetime import timedelta

import pytest

from annotation import health, sample_course, sample_outcome, sample_waiting
from annotation.models import Task
from annotation.sample import Asked
from annotation.sample_models import SampleState
from core.clock import now
from tests.factories.accounts import make_user
from tests.factories.annotation import join
from tests.factories.samples import answer_sample, make_sample, make_sample_desk

PAGE = "/operator/work-samples"


@pytest.fixture
def desk(session):
    return make_sample_desk(session, asked=Asked(tasks=3, pass_share=0.7))


def near(session, desk, *, ago=timedelta(days=1), number=0):
    """Hand in two of three tasks rightly, so long ago."""
    found = make_sample(session, desk, desk.experts[number].user_id)
    answer_sample(session, desk, found, right=2)
    assert found.state is SampleState.REVIEW
    found.started_at -= ago
    found.finished_at -= ago
    session.flush()
    return found


def too_little(session, desk, **how):
    """Leave two of three tasks with a reason: no rule may let that pass."""
    found = make_sample(session, desk, desk.experts[how["number"]].user_id)
    listed = sample_course.answers(session, found)
    for one in listed[:2]:
        reason = "The text of this task is not there at all."
        sample_course.report_task(session, found, desk.project, one.position, reason, at=now())
    answer_sample_rest(session, desk, found)
    assert found.state is SampleState.REVIEW
    found.started_at -= how["ago"]
    found.finished_at -= how["ago"]
    session.flush()
    return found


def answer_sample_rest(session, desk, found):
    for one in sample_course.answers(session, found):
        if one.ended_at is None:
            gold = session.get(Task, one.task_id).gold
            sample_course.hand_in(session, found, desk.project, one.position, gold, at=now())


def test_nobody_waits(session, sign_in):
    [finding] = health.samples(session)
    assert finding.tone == "ok"

    assert "No work sample waits" in sign_in(make_user(session, "operator")).get(PAGE).text


def test_who_waits_is_seen_with_age_and_what_follows(session, desk, sign_in):
    found = near(session, desk)
    [finding] = health.samples(session)
    assert (finding.tone, finding.page) == ("wait", "samples_waiting.every")

    operator = sign_in(make_user(session, "operator"))
    page = operator.get(PAGE).text
    assert desk.project.title in page
    assert desk.organisation.name in page
    assert "then passed by itself" in page
    link = f"/projects/{desk.project_id}/work-sample/{found.id}"
    assert link not in page, "whoever runs the instance decides nothing here"
    assert PAGE in operator.get("/operator").text
    assert "Work samples: 1 waits" in operator.get("/operator/interviews").text
    owner = sign_in(desk.owner).get("/review").text
    assert link in owner
    assert "then passed by itself" in owner
    assert sign_in(desk.owner).get(PAGE).status_code == 403
    stranger = make_sample_desk(session)
    assert link not in sign_in(stranger.owner).get("/review").text


def test_what_no_rule_may_pass_stops_and_hides_nobody(session, desk, sign_in):
    desk.experts.append(join(session, desk.project))
    stuck = too_little(session, desk, ago=timedelta(days=9), number=0)
    passable = near(session, desk, ago=timedelta(days=8), number=1)
    [finding] = health.samples(session)
    assert finding.tone == "stop"
    counts = sample_waiting.counts(session, now())
    assert (counts.waiting, counts.late, counts.stuck) == (2, 2, 1)
    assert "waits on" in sign_in(make_user(session, "operator")).get(PAGE).text

    assert sample_outcome.pass_unread(session, at=now())
    assert not sample_outcome.pass_unread(session, at=now())

    assert passable.state is SampleState.PASSED
    assert stuck.state is SampleState.REVIEW
