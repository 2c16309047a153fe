"""Verdicts are in Label Studio too: on the task, repaired, changed with an appeal, as reviews."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlmodel import Session, col, select

from accounts.models import Decision, User
from annotation import jobs, mirror_runs, review
from annotation.label_studio import LabelStudioBackend
from annotation.mirror_models import MirrorRun
from annotation.mirror_verdict_models import MirrorVerdict
from annotation.models import Annotation, Assignment, State, Task, Verdict
from annotation.review import ACCEPT, Ruling
from core.clock import now
from experts.models import Expert
from tests.annotation.label_studio.enterprise import Enterprise, enterprise
from tests.annotation.label_studio.test_mirror import (
    There,
    bring,
    look,
    operator_page,
    project_there,
    repair,
)
from tests.conftest import Live
from tests.factories.accounts import make_member
from tests.factories.annotation import Desk, make_assignment, make_desk, make_task
from tests.factories.decisions import answer, changed, contest
from tests.label_studio_server import Server

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.xdist_group("label_studio"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]

WORDS = "Nothing grants a licence there: read the second sentence."
REFUSE = Ruling(Verdict.REJECTED, "wrong_answer", WORDS, "2.1")


@pytest.fixture
def there(label_studio: Server) -> There:
    return There(label_studio)


def decided(bench: Live, *rulings: Ruling) -> Desk:
    """Bring a task with an answer for each ruling, and let the owner decide."""
    with bench.transaction() as session:
        desk = make_desk(session, tasks=0, experts=0, overlap=len(rulings))
        task = make_task(session, desk.project)
        leases = [
            make_assignment(session, desk.project, task=task, state=State.SUBMITTED)
            for _one in rulings
        ]
    bring(bench, desk)
    with bench.transaction() as session:
        for lease, ruling in zip(leases, rulings, strict=True):
            found = session.get_one(Assignment, lease.id, with_for_update=True)
            owner = session.get_one(User, desk.owner.id)
            review.decide(session, found, ruling, by=owner, at=now())
    return desk


def swept(bench: Live) -> int:
    """Let the sweep find what is left, and the jobs bring it."""
    with bench.app.app_context():
        count = jobs.push_unpushed()
    bench.run_jobs()
    return int(count)


def told(there: There, bench: Live, desk: Desk) -> dict[str, Any]:
    with bench.transaction() as session:
        project = project_there(session, desk.project_id)
    [task] = there.ask("GET", f"tasks/?project={project}&fields=all")["tasks"]
    return dict(task)


def overturn(bench: Live, desk: Desk) -> None:
    """Contest the refusal of a desk's work, with success."""
    with bench.transaction() as session:
        lease = session.exec(
            select(Assignment).where(
                Assignment.project_id == desk.project_id, Assignment.state == State.REJECTED
            )
        ).one()
        appeal = contest(session, session.get_one(Decision, lease.decision_id))
        other = make_member(session, desk.organisation)
        answer(session, bench.app, appeal, changed(), other)


def pseudonyms(session: Session, desk: Desk) -> list[str]:
    return list(
        session.exec(
            select(Expert.pseudonym)
            .join(Annotation, col(Annotation.expert_id) == col(Expert.user_id))
            .where(Annotation.project_id == desk.project_id)
            .order_by(col(Annotation.id))
        )
    )


def test_verdicts_stand_on_the_task_survive_edits_and_change_with_an_appeal(
    bench: Live, there: There
):
    desk = decided(bench, ACCEPT, REFUSE)
    assert swept(bench) == 1
    assert swept(bench) == 0

    task = told(there, bench, desk)
    with bench.transaction() as session:
        first, second = pseudonyms(session, desk)
        answers = session.exec(select(Annotation).order_by(col(Annotation.id))).all()
    line = f"{first} accepted; {second} rejected: wrong_answer"
    assert task["data"]["doyen_verdicts"] == line
    rows = task["meta"]["doyen_verdicts"]
    assert [one["annotation"] for one in rows] == [str(one.unique_id) for one in answers]
    assert [one["verdict"] for one in rows] == ["accepted", "rejected"]
    assert rows[1]["reason"] == "wrong_answer"
    assert {one["by"] for one in rows} == {f"R-{desk.owner.id:03}"}
    assert WORDS not in str(task)
    columns = there.ask("GET", f"dm/columns?project={task['project']}")["columns"]
    assert any(one["id"] == "doyen_verdicts" for one in columns)
    for kind in ("JSON", "CSV"):
        address = f"{there.url}/api/projects/{task['project']}/export?exportType={kind}"
        assert line in httpx.get(address, headers=there.headers, timeout=60).text

    # The owner takes them away and writes things of their own: only ours are put right.
    edited = {"meta": {**task["meta"], "mine": 1}, "data": {**task["data"], "text": "edited"}}
    edited["meta"].pop("doyen_verdicts")
    edited["data"]["doyen_verdicts"] = "all accepted"
    there.ask("PATCH", f"tasks/{task['id']}/", edited)
    with bench.transaction() as session:
        mirror_runs.begin(session, desk.project_id, mends=False, by=None, at=now())
    bench.run_jobs()
    with bench.transaction() as session:
        assert session.exec(select(MirrorRun)).one().found["verdicts_lost"] == 1
    assert "tasks that lack verdicts" in operator_page(bench)
    look(bench, desk)
    bench.run_jobs()
    mended = told(there, bench, desk)
    assert mended["meta"] == {**task["meta"], "mine": 1}
    assert mended["data"] == {**task["data"], "text": "edited"}

    # A task that is gone comes again with them, and an appeal changes what they say.
    there.ask("DELETE", f"tasks/{task['id']}/")
    overturn(bench, desk)
    repair(bench, desk)
    again = told(there, bench, desk)
    assert again["data"]["doyen_verdicts"] == f"{first} accepted; {second} accepted"
    assert "reason" not in again["meta"]["doyen_verdicts"][1]
    with bench.transaction() as session:
        before = session.exec(select(MirrorVerdict.pushed_at)).all()
    repair(bench, desk)
    assert told(there, bench, desk)["updated_at"] == again["updated_at"]  # nothing was written
    with bench.transaction() as session:
        assert session.exec(select(MirrorVerdict.pushed_at)).all() == before
        [run] = mirror_runs.latest(session, [desk.project_id]).values()
        assert (run.found["verdicts_lost"], run.found["answers_lost"]) == (0, 0)


def test_numbers_that_now_lead_elsewhere_are_not_written_to(bench: Live, there: There):
    desk = decided(bench, ACCEPT)
    with bench.transaction() as session:
        project = project_there(session, desk.project_id)
        task = session.exec(select(Task)).one()
        [number] = there.ask(
            "POST",
            f"projects/{project}/import?return_task_ids=true",
            [{"data": {"text": "of others"}}],
        )["task_ids"]
        task.label_studio_task_id = number
    bring(bench, desk)
    assert there.ask("GET", f"tasks/{number}/")["data"] == {"text": "of others"}
    bench.run_jobs()  # the repair that begins by itself
    swept(bench)
    found = there.ask("GET", f"tasks/?project={project}&fields=all")["tasks"]
    said = {one["id"]: "doyen_verdicts" in one["data"] for one in found}
    assert said.pop(number) is False
    assert list(said.values()) == [True]


@contextmanager
def with_enterprise(bench: Live, server: Server) -> Iterator[Enterprise]:
    before = bench.app.extensions["doyen.ports"]
    with enterprise(server.url) as stand_in:
        backend = LabelStudioBackend(stand_in.url, server.token)
        bench.app.extensions["doyen.ports"] = replace(before, labelling=backend)
        try:
            yield stand_in
        finally:
            bench.app.extensions["doyen.ports"] = before


def checked(bench: Live) -> str:
    with bench.app.app_context():
        jobs.check_backend()
    return operator_page(bench)


def test_an_enterprise_server_gets_reviews_and_one_that_lets_us_see_none_gets_the_rest(
    bench: Live, there: There, label_studio: Server
):
    """Tried against a stand-in: there is no Enterprise server here."""
    with with_enterprise(bench, label_studio) as stand_in:
        stand_in.refuses = 404
        assert "does not let our service user see or write reviews" in checked(bench)
        desk = decided(bench, ACCEPT, REFUSE)
        swept(bench)
        assert "rejected: wrong_answer" in told(there, bench, desk)["data"]["doyen_verdicts"]

        # It said that it keeps reviews, and then takes none: what the task says is there.
        stand_in.refuses = None
        assert "kept as reviews" in checked(bench)
        stand_in.refuses = 403
        repair(bench, desk)
        with bench.transaction() as session:
            numbers = [
                one.label_studio_annotation_id or 0
                for one in session.exec(select(Annotation).order_by(col(Annotation.id)))
            ]
            assert all(session.exec(select(MirrorVerdict.pushed_at)))
        assert stand_in.rows["annotation-reviews"] == []

        stand_in.refuses = None
        for _ in range(2):
            repair(bench, desk)
        with bench.transaction() as session:
            [run] = mirror_runs.latest(session, [desk.project_id]).values()
            assert run.found["reviews_lost"] == 0
        assert [stand_in.said("annotation-reviews", one) for one in numbers] == [[True], [False]]
        assert stand_in.rows["annotation-reviews"][-1]["reject_action"] == "remove"
        words = [f"[Doyen] wrong_answer: {WORDS}"]
        assert [stand_in.said("comments", one) for one in numbers] == [[], words]
        page = operator_page(bench)
        assert "stand as a comment" in page
        assert "not wholly there" not in page

        # Another verdict is another review; the earlier one stays, the words do not.
        stand_in.refuses = 403
        overturn(bench, desk)
        swept(bench)
        assert "1 verdict not wholly there" in operator_page(bench)
        stand_in.refuses = None
        repair(bench, desk)
        assert stand_in.said("annotation-reviews", numbers[1]) == [False, True]
        assert stand_in.said("comments", numbers[1]) == []
