"""What is handed in here arrives there, once, under the expert's shadow."""

import sqlite3
from typing import Any

import pytest
from sqlmodel import select

from accounts.models import User
from annotation import jobs
from annotation.models import Annotation
from experts.models import Expert
from tests.annotation.label_studio.bench_window import Bench, take_a_task
from tests.conftest import Live
from tests.factories.annotation import choice
from tests.label_studio_server import Server

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.xdist_group("label_studio"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]


def hand_in(work: Bench) -> None:
    with work.live.transaction() as session:
        client = work.live.client(session.get_one(User, work.expert_id))
    answer = client.post(f"{work.path}/submit", json={"result": choice("grant", (4, 12, "Party"))})
    assert answer.status_code == 200, answer.text


def stored(server: Server, title: str) -> list[Any]:
    connection = sqlite3.connect(server.home / "data" / "label_studio.sqlite3")
    found = connection.execute(
        "SELECT c.id, u.first_name, c.ground_truth, c.lead_time, t.data, t.meta"
        " FROM task_completion c JOIN task t ON t.id = c.task_id"
        " JOIN project p ON p.id = t.project_id JOIN htx_user u ON u.id = c.completed_by_id"
        " WHERE p.title LIKE ?",
        (f"%{title}",),
    ).fetchall()
    connection.close()
    return found


def test_an_answer_arrives_in_label_studio_once(bench: Live, label_studio: Server):
    # Titles are what the tests of one server tell each other's projects by.
    title = "An answer arrives once"
    work = take_a_task(bench, title=title)
    hand_in(work)
    bench.run_jobs()
    with bench.transaction() as session:
        # As after a crash between Label Studio's answer and our note of it.
        answer = session.exec(select(Annotation)).one()
        answer.pushed_at = answer.label_studio_annotation_id = None
        pseudonym = session.get_one(Expert, work.expert_id).pseudonym

    with bench.app.app_context():
        jobs.push_unpushed()
    bench.run_jobs()

    [(number, first_name, truth, lead_time, data, meta)] = stored(label_studio, title)
    assert first_name == pseudonym
    assert (truth, lead_time) == (0, 0.0)
    assert "The licensor grants" in data
    assert str(work.task_id) in meta
    with bench.transaction() as session:
        answer = session.exec(select(Annotation)).one()
        assert answer.pushed_at is not None
        assert answer.label_studio_annotation_id in (number, None)
