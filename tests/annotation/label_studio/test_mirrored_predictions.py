"""Predictions that experts see are in Label Studio too: once, repaired, withdrawn."""

from typing import Any

import pytest
from sqlmodel import Session, select

from accounts.models import User
from annotation import assignment as leases
from annotation import jobs, loop, mirror_runs
from annotation.loop_models import Prediction, Shows
from annotation.mirror_models import MirrorRun
from annotation.mirror_prediction_models import MirrorPrediction
from annotation.models import Annotation, LabelStudioProject, Task
from core.clock import now
from projects.models import Project
from tests.annotation.label_studio.test_mirror import There, bring, look, repair
from tests.conftest import Live
from tests.factories.annotation import Desk, choice, claimed, make_desk
from tests.factories.loop import make_prediction, show
from tests.label_studio_server import Server

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.xdist_group("label_studio"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]


@pytest.fixture
def there(label_studio: Server) -> There:
    return There(label_studio)


def of_models(bench: Live, tasks: int = 3) -> Desk:
    """Make a project of which two model versions say something."""
    with bench.transaction() as session:
        desk = make_desk(session, tasks=tasks, experts=1)
        for task in session.exec(select(Task).where(Task.project_id == desk.project_id)):
            make_prediction(session, desk, task)
            make_prediction(session, desk, task, model_version="v2", result=choice("patent"))
    return desk


def rule(bench: Live, desk: Desk, shows: Shows, version: str = "v1", percent: Any = None) -> None:
    with bench.transaction() as session:
        desk.project = session.get_one(Project, desk.project_id)
        by = session.get_one(User, desk.owner.id)
        show(session, desk, shows, version, percent=percent, by=by)


def predictions(bench: Live, there: There, desk: Desk) -> list[tuple[str, str, float]]:
    with bench.transaction() as session:
        number = session.get_one(LabelStudioProject, desk.project_id).label_studio_project_id
    found = there.ask("GET", f"predictions/?project={number}")
    return sorted(
        (one["model_version"], one["result"][0]["value"]["choices"][0], one["score"])
        for one in found
    )


def test_what_experts_see_is_there_once_and_goes_when_it_is_shown_no_more(
    bench: Live, there: There
):
    desk = of_models(bench)
    bring(bench, desk)
    assert predictions(bench, there, desk) == []  # nobody sees any

    rule(bench, desk, Shows.ALL)
    with bench.app.app_context():
        assert jobs.push_unpushed() == 1
    for _ in range(2):
        bring(bench, desk)
    assert predictions(bench, there, desk) == [("v1", "grant", 0.8)] * 3
    with bench.app.app_context():
        assert jobs.push_unpushed() == 0

    rule(bench, desk, Shows.ALL, "v2")
    bring(bench, desk)
    assert predictions(bench, there, desk) == [("v2", "patent", 0.8)] * 3

    rule(bench, desk, Shows.SHARE, "v2", 50)
    bring(bench, desk)
    with bench.transaction() as session:
        tasks = session.exec(select(Task.id).where(Task.project_id == desk.project_id))
        drawn = [one for one in tasks if loop.is_shown(Shows.SHARE, 50, desk.project_id, one or 0)]
    assert len(predictions(bench, there, desk)) == len(drawn)

    rule(bench, desk, Shows.HIDDEN, "v2")
    bring(bench, desk)
    assert predictions(bench, there, desk) == []
    with bench.transaction() as session:
        assert session.exec(select(MirrorPrediction)).all() == []


def test_an_answer_says_there_with_what_it_began_and_that_stays(bench: Live, there: There):
    desk = of_models(bench, tasks=1)
    rule(bench, desk, Shows.ALL)
    with bench.transaction() as session:
        project = session.get_one(Project, desk.project_id)
        lease = claimed(session, project, desk.experts[0].user_id, at=now())
        leases.submit(session, lease, project, choice(), at=now())
    rule(bench, desk, Shows.HIDDEN)
    bring(bench, desk)

    [kept] = predictions(bench, there, desk)
    assert kept == ("v1", "grant", 0.8)
    with bench.transaction() as session:
        project_there = session.get_one(LabelStudioProject, desk.project_id).label_studio_project_id
        noted = session.exec(select(MirrorPrediction)).one()
        number = noted.label_studio_prediction_id
        answer = session.exec(select(Annotation)).one()
        assert answer.pushed_at is not None
    [stored] = there.annotations(project_there)
    assert stored["parent_prediction"] == number


def test_what_is_lost_or_changed_there_is_put_right(bench: Live, there: There):
    desk = of_models(bench)
    rule(bench, desk, Shows.ALL)
    bring(bench, desk)
    with bench.transaction() as session:
        one, two, three = (noted(session, task) for task in tasks_of(session, desk))
    there.ask("DELETE", f"predictions/{one}/")
    there.ask("PATCH", f"predictions/{two}/", {"result": choice("other")})
    with bench.transaction() as session:
        mirror_runs.begin(session, desk.project_id, mends=False, by=None, at=now())
    bench.run_jobs()
    with bench.transaction() as session:
        run = session.exec(select(MirrorRun)).one()
        assert run.found["predictions_lost"] == 2
    repair(bench, desk)
    assert predictions(bench, there, desk) == [("v1", "grant", 0.8)] * 3

    # Whatever is removed there is brought again by the usual look, with no comparison.
    there.ask("DELETE", f"predictions/{three}/")
    look(bench, desk)
    bench.run_jobs()
    assert predictions(bench, there, desk) == [("v1", "grant", 0.8)] * 3

    # A task that is gone there comes again with what is shown of it.
    with bench.transaction() as session:
        gone = session.exec(select(Task.label_studio_task_id)).first()
    there.ask("DELETE", f"tasks/{gone}/")
    repair(bench, desk)
    assert predictions(bench, there, desk) == [("v1", "grant", 0.8)] * 3

    # An older copy brings back what had been withdrawn: it goes again.
    rule(bench, desk, Shows.HIDDEN)
    bring(bench, desk)
    with bench.transaction() as session:
        task = session.exec(select(Task.label_studio_task_id)).first()
    there.ask(
        "POST",
        "predictions/",
        {"task": task, "model_version": "v1", "result": choice(), "score": 0.8},
    )
    repair(bench, desk)
    assert predictions(bench, there, desk) == []


def tasks_of(session: Session, desk: Desk) -> list[int]:
    query = select(Task.id).where(Task.project_id == desk.project_id).order_by(Task.id)  # type: ignore[arg-type]
    return [one for one in session.exec(query) if one is not None]


def noted(session: Session, task_id: int) -> int:
    query = select(Prediction.id).where(
        Prediction.task_id == task_id, Prediction.model_version == "v1"
    )
    row = session.get_one(MirrorPrediction, session.exec(query).one())
    assert row.label_studio_prediction_id is not None
    return row.label_studio_prediction_id
