"""Label Studio behind the port: everything may be repeated, nothing is stored twice."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import pytest

from annotation.label_studio import LabelStudioBackend
from core.ports import LabellingBackend, LabellingDown, LabellingLost, LabellingRefused
from demo import label_studio as demo
from tests.annotation.label_studio.cases import CLAUSES, clause, span
from tests.label_studio_server import Server

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.xdist_group("label_studio"),
    # The SDK's own habits with pydantic are not ours to mend.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]

_projects = count(1)


def ensure(backend: LabellingBackend, number: int, title: str = "Clauses", **changes: Any) -> int:
    given = {"reference": f"test-{number}", "label_config": CLAUSES, "overlap": 1}
    return backend.ensure_project(number, title, **(given | changes))


@pytest.fixture
def project(backend: LabellingBackend) -> int:
    return ensure(backend, next(_projects), "Licence clauses", overlap=2)


@pytest.fixture
def task(backend: LabellingBackend, project: int) -> int:
    return backend.import_tasks(project, {1: {"text": "The licensor grants."}})[1]


def rows(server: Server, query: str, *values: Any) -> list[Any]:
    """Ask Label Studio's own database."""
    with sqlite3.connect(server.home / "data" / "label_studio.sqlite3") as connection:
        found = connection.execute(query, values).fetchall()
    connection.close()
    return found


def test_the_version_is_the_one_that_is_pinned(backend):
    assert backend.version() == demo.VERSION


def test_a_project_is_made_once_and_brought_up_to_date(backend, label_studio):
    number = next(_projects)
    made = ensure(backend, number, overlap=2)
    changed = CLAUSES.replace("patent", "patents")

    again = ensure(backend, number, "T" * 200, label_config=changed, overlap=3)

    assert again == made
    [(title, overlap, config)] = rows(
        label_studio,
        "SELECT title, maximum_annotations, label_config FROM project WHERE id = ?",
        made,
    )
    assert title == f"{number} · {'T' * 200}"[:50]
    assert (overlap, config) == (3, changed.strip())


def test_a_project_that_somebody_renamed_there_is_found_and_gets_its_name_back(
    backend, label_studio
):
    known = ensure(backend, 4100, "Ours")
    [(words,)] = rows(label_studio, "SELECT description FROM project WHERE id = ?", known)
    asked = httpx.post(
        f"{label_studio.url}/api/token/refresh/", json={"refresh": label_studio.token}
    )
    answer = httpx.patch(
        f"{label_studio.url}/api/projects/{known}/",
        json={"title": "A name of theirs", "description": f"Clauses. {words}"},
        headers={"Authorization": f"Bearer {asked.json()['access']}"},
        timeout=60,
    )
    assert answer.status_code == 200

    assert ensure(backend, 4100, "Ours") == known
    found = rows(label_studio, "SELECT title, description FROM project WHERE id = ?", known)
    assert found == [("4100 · Ours", f"Clauses. {words}")]


def test_projects_whose_numbers_begin_alike_are_told_apart(backend):
    one, ten = 1_000_001, 100_000
    made = {n: ensure(backend, n, "Same") for n in (one, ten)}

    assert made[one] != made[ten]
    assert ensure(backend, ten, "Same") == made[ten]


def test_an_instance_that_was_set_up_anew_does_not_go_on_in_the_old_ones_project(backend):
    number = next(_projects)
    before = ensure(backend, number, "Clauses", reference="the old instance")

    anew = ensure(backend, number, "Clauses", reference="the new instance")

    assert anew != before
    assert ensure(backend, number, "Renamed", reference="the old instance") == before


def test_a_batch_is_imported_once_even_when_nobody_heard_the_answer(backend, project, label_studio):
    batch = {number: {"text": f"clause {number}"} for number in range(500)}

    first = backend.import_tasks(project, batch)
    again = backend.import_tasks(project, batch)

    assert first == again
    assert len(set(first.values())) == 500
    [(stored,)] = rows(label_studio, "SELECT count(*) FROM task WHERE project_id = ?", project)
    assert stored == 500


def test_a_batch_with_a_bad_task_is_refused_whole(backend, project, label_studio):
    with pytest.raises(LabellingRefused, match="text"):
        backend.import_tasks(project, {1: {"text": "good"}, 2: {"other": "bad"}})

    [(stored,)] = rows(label_studio, "SELECT count(*) FROM task WHERE project_id = ?", project)
    assert stored == 0


def test_a_shadow_user_has_no_name_no_password_and_is_made_once(backend, label_studio):
    pseudonym = f"K-{uuid4().hex[:6]}"

    made = backend.ensure_shadow_user(pseudonym)

    assert backend.ensure_shadow_user(pseudonym) == made
    [(email, first, last, organisation)] = rows(
        label_studio,
        "SELECT email, first_name, last_name, active_organization_id FROM htx_user WHERE id = ?",
        made,
    )
    assert (first, last) == (pseudonym, "")
    assert email == f"{pseudonym.lower()}@experts.invalid"
    assert organisation is None  # without one, nobody can sign in as this user


def test_an_answer_is_stored_under_the_shadow_user_once(backend, task, label_studio):
    expert, unique_id = backend.ensure_shadow_user("K-0001"), uuid4()
    answer = [clause(), span(4, 12, "licensor")]

    first = backend.push_annotation(task, answer, by=expert, unique_id=unique_id, lead_seconds=12.5)
    again = backend.push_annotation(task, answer, by=expert, unique_id=unique_id, lead_seconds=99)

    assert first is not None
    assert again is None
    stored = rows(
        label_studio,
        "SELECT id, completed_by_id, lead_time, ground_truth, was_cancelled"
        " FROM task_completion WHERE task_id = ?",
        task,
    )
    assert stored == [(first, expert, 12.5, 0, 0)]


def test_an_answer_sent_by_many_at_once_is_stored_once(backend, task, label_studio):
    expert, unique_id = backend.ensure_shadow_user("K-0002"), uuid4()

    def push(_: int) -> int | None:
        one = LabelStudioBackend(label_studio.url, label_studio.token)
        return one.push_annotation(task, [clause()], by=expert, unique_id=unique_id, lead_seconds=1)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(push, range(8)))

    assert len([number for number in answers if number is not None]) == 1
    [(stored,)] = rows(label_studio, "SELECT count(*) FROM task_completion WHERE task_id = ?", task)
    assert stored == 1


def test_a_skip_is_kept_as_a_cancelled_annotation(backend, task, label_studio):
    expert, unique_id = backend.ensure_shadow_user("K-0003"), uuid4()

    for _ in range(2):
        backend.push_skip(task, by=expert, unique_id=unique_id, lead_seconds=3)

    stored = rows(
        label_studio, "SELECT was_cancelled, result FROM task_completion WHERE task_id = ?", task
    )
    assert stored == [(1, "[]")]


def test_an_answer_to_a_task_that_is_not_there_is_not_refused_but_lost(backend):
    with pytest.raises(LabellingLost, match="lost task"):
        backend.push_annotation(10**9, [clause()], by=1, unique_id=uuid4(), lead_seconds=1)


def test_a_wrong_token_is_something_an_operator_can_put_right(label_studio):
    with pytest.raises(LabellingDown, match="401"):
        LabelStudioBackend(label_studio.url, "0" * 40).version()


def test_nobody_is_there(label_studio):
    with pytest.raises(LabellingDown, match="cannot be reached"):
        LabelStudioBackend("http://127.0.0.1:9", label_studio.token).version()


def test_the_server_is_killed_and_comes_back_with_everything(own_label_studio):
    backend = LabelStudioBackend(own_label_studio.url, own_label_studio.token, timeout=5)
    project = ensure(backend, 1)
    task = backend.import_tasks(project, {7: {"text": "The licensor grants."}})[7]
    expert, unique_id = backend.ensure_shadow_user("K-1"), uuid4()

    def push() -> int | None:
        return backend.push_annotation(
            task, [clause()], by=expert, unique_id=unique_id, lead_seconds=1
        )

    own_label_studio.kill()
    with pytest.raises(LabellingDown):
        push()
    own_label_studio.start()

    assert push() is not None
    assert push() is None
    assert ensure(backend, 1) == project
    assert backend.import_tasks(project, {7: {"text": "The licensor grants."}}) == {7: task}


def test_strangers_cannot_sign_up(label_studio):
    with httpx.Client(base_url=label_studio.url) as client:
        client.get("/user/signup/")
        answer = client.post(
            "/user/signup/",
            data={
                "email": "stranger@example.org",
                "password": "a-long-password-1",
                "csrfmiddlewaretoken": client.cookies.get("csrftoken", ""),
            },
        )

    assert answer.status_code == 403
    assert rows(label_studio, "SELECT id FROM htx_user WHERE email = 'stranger@example.org'") == []
