"""Label Studio kept true: edits come back, differences are found and mended, all is refilled."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import Session, col, select

from accounts.models import User
from annotation import backend_checks, hints, jobs, mirror_runs, review
from annotation.cli import refill
from annotation.label_studio import LabelStudioBackend
from annotation.labelling import labelling_backend
from annotation.mirror_models import EditKind, EditState, MirrorExtra, MirrorRun, OutsideEdit
from annotation.models import Annotation, Assignment, LabelStudioProject, State, Task
from app import create_app
from core.clock import now
from core.db import Database
from projects.models import Project
from tests import clients, database
from tests.browser import served
from tests.conftest import Live, make_settings
from tests.factories.accounts import make_user
from tests.factories.annotation import Desk, choice, make_assignment, make_desk, make_task
from tests.label_studio_server import REFUSED, Server

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.xdist_group("label_studio"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]


DATABASE = "label_studio.sqlite3"


class There:
    """A person who works in Label Studio itself, by its API."""

    def __init__(self, server: Server, token: str | None = None) -> None:
        self.url = server.url
        if token is None:
            asked = httpx.post(f"{self.url}/api/token/refresh/", json={"refresh": server.token})
            self.headers = {"Authorization": f"Bearer {asked.json()['access']}"}
        else:
            self.headers = {"Authorization": f"Token {token}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(
            method, f"{self.url}/api/{path}", json=body, headers=self.headers, timeout=60
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def annotations(self, project: int) -> list[dict[str, Any]]:
        found = self.ask("GET", f"tasks/?project={project}&fields=all&page_size=200")
        return [one for task in found["tasks"] for one in task["annotations"]]


@contextmanager
def person(server: Server, email: str) -> Iterator[httpx.Client]:
    """Make somebody an account there, by the link that an operator hands out."""
    link = There(server).ask("GET", "invite")["token"]
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.get("/user/signup/")
        client.post(
            f"/user/signup/?token={link}",
            data={
                "email": email,
                "password": "long-password-1",
                "csrfmiddlewaretoken": client.cookies["csrftoken"],
            },
        )
        yield client


@pytest.fixture
def there(label_studio: Server) -> There:
    return There(label_studio)


def project_there(session: Session, desk_id: int) -> int:
    return session.get_one(LabelStudioProject, desk_id).label_studio_project_id


def filled(bench: Live, *, answers: int = 1, **changes: Any) -> Desk:
    """Make a project with answers, and bring it to Label Studio."""
    with bench.transaction() as session:
        desk = make_desk(session, tasks=0, experts=0, **changes)
        for _ in range(answers):
            make_assignment(session, desk.project, state=State.SUBMITTED)
    bring(bench, desk)
    return desk


def bring(bench: Live, desk: Desk) -> None:
    with bench.app.app_context():
        jobs.push_project(desk.project_id)


def look(bench: Live, desk: Desk) -> None:
    with bench.app.app_context():
        jobs.look_at_mirrors()
        jobs.look(desk.project_id)


def repair(bench: Live, desk: Desk) -> None:
    with bench.transaction() as session:
        mirror_runs.begin(session, desk.project_id, mends=True, by=None, at=now())
    bench.run_jobs()


def accept(bench: Live, desk: Desk, count: int) -> None:
    """Let the owner accept the first answers of a project."""
    with bench.transaction() as session:
        rows = session.exec(
            select(Assignment)
            .where(Assignment.project_id == desk.project_id)
            .order_by(col(Assignment.id))
            .limit(count)
        )
        for lease in rows:
            owner = session.get_one(User, desk.owner.id)
            review.decide(session, lease, review.ACCEPT, by=owner, at=now())


def seen(session: Session, desk: Desk) -> list[OutsideEdit]:
    return list(
        session.exec(
            select(OutsideEdit)
            .where(OutsideEdit.project_id == desk.project_id)
            .order_by(col(OutsideEdit.id))
        )
    )


def test_an_edit_of_the_owner_comes_back_with_who_and_when_and_changes_nothing(
    bench: Live, label_studio: Server, there: There
):
    desk = filled(bench)
    look(bench, desk)
    with bench.transaction() as session:
        assert seen(session, desk) == []
        number = session.exec(select(Annotation)).one().label_studio_annotation_id
        email = session.get_one(User, desk.owner.id).email
    with person(label_studio, email) as owner:
        path = f"/api/annotations/{number}/"
        changed = owner.patch(path, json={"result": choice("warranty")}).json()

    for _ in range(2):
        look(bench, desk)

    with bench.transaction() as session:
        [edit] = seen(session, desk)
        answer = session.exec(select(Annotation)).one()
        assert answer.result == choice("grant")
        assert (edit.kind, edit.state) == (EditKind.CHANGED, EditState.OPEN)
        assert (edit.author_id, edit.author_name) == (desk.owner.id, email)
        assert edit.edited_at.isoformat().startswith(changed["updated_at"][:19])
        assert edit.result == choice("warranty")
        client = bench.client(session.get_one(User, desk.owner.id))
    page = client.get(f"/projects/{desk.project_id}/edits")
    assert email in page.text
    assert "warranty" in page.text
    assert "grant" in page.text

    # Undone: Label Studio says again what was handed in, and the edit stays on record.
    assert client.post(f"/edits/{edit.id}/put-back").status_code == 302
    assert client.post(f"/edits/{edit.id}/put-back").status_code == 302
    bench.run_jobs()
    look(bench, desk)

    [stored] = there.annotations(changed["project"])
    assert stored["result"] == choice("grant")
    with bench.transaction() as session:
        [edit] = seen(session, desk)
        assert edit.state is EditState.PUT_BACK
        assert edit.done_at is not None


HOSTILE: dict[str, Any] = {
    "an unknown label": [dict(choice()[0], value={"choices": ["HACK"]})],
    "not a list of parts": [["x"]],
    "outside the text": [
        *choice("grant", (0, 5, "Party")),
        {
            "id": "x",
            "from_name": "spans",
            "to_name": "text",
            "type": "labels",
            "value": {"start": -4, "end": 900, "text": "x", "labels": ["Party"]},
        },
    ],
    "endless": [{"id": "a", "meta": {"text": "x" * 5_000_000}}],
    "nothing": [],
}


def test_what_is_no_answer_is_refused_with_the_reason_and_a_stranger_is_named(
    bench: Live, label_studio: Server
):
    desk = filled(bench, answers=len(HOSTILE))
    with bench.transaction() as session:
        numbers = [
            one.label_studio_annotation_id
            for one in session.exec(select(Annotation).order_by(col(Annotation.id)))
        ]
    with person(label_studio, "stranger@example.org") as stranger:
        for number, result in zip(numbers, HOSTILE.values(), strict=True):
            stranger.patch(f"/api/annotations/{number}/", json={"result": result})

    look(bench, desk)

    with bench.transaction() as session:
        found = {edit.label_studio_annotation_id: edit for edit in seen(session, desk)}
        for number, (name, result) in zip(numbers, HOSTILE.items(), strict=True):
            if number not in found:
                continue
            edit = found[number]
            assert edit.state is EditState.REFUSED, name
            assert edit.troubles, name
            assert edit.author_id is None
            assert edit.author_name.startswith("stranger")
            assert edit.result in (None, result), name
        assert len(found) >= len(HOSTILE) - 1  # Label Studio itself may refuse one
        assert {
            one.result[0]["value"]["choices"][0] for one in session.exec(select(Annotation))
        } == {"grant"}
        client = bench.client(session.get_one(User, desk.owner.id))
    page = client.get(f"/projects/{desk.project_id}/edits").text
    assert "Refused" in page
    assert "x" * 1000 not in page


def test_what_is_removed_comes_again_and_what_others_add_is_shown(
    bench: Live, label_studio: Server, there: There
):
    desk = filled(bench, answers=2)
    look(bench, desk)
    with bench.transaction() as session:
        first, second = session.exec(select(Annotation).order_by(col(Annotation.id)))
        project = project_there(session, desk.project_id)
        task = session.get_one(Task, second.task_id).label_studio_task_id
    there.ask("DELETE", f"annotations/{first.label_studio_annotation_id}/")
    there.ask("POST", f"tasks/{task}/annotations/", {"result": choice("other")})

    look(bench, desk)
    bench.run_jobs()
    look(bench, desk)

    with bench.transaction() as session:
        kinds = sorted(str(edit.kind) for edit in seen(session, desk))
    assert kinds == ["added", "removed"]
    results = [one["result"][0]["value"]["choices"][0] for one in there.annotations(project)]
    assert sorted(results) == ["grant", "grant", "other"]


def test_skips_and_known_answers_are_brought_once(bench: Live, there: There):
    with bench.transaction() as session:
        desk = make_desk(session, tasks=0, experts=0)
        make_assignment(session, desk.project, state=State.SKIPPED)
        make_task(session, desk.project, gold=choice("patent"))
    for _ in range(2):
        bring(bench, desk)
    look(bench, desk)

    with bench.transaction() as session:
        project = project_there(session, desk.project_id)
        extras = session.exec(select(MirrorExtra)).all()
        assert seen(session, desk) == []
    assert len(extras) == 2
    kinds = sorted(
        (one["was_cancelled"], one["ground_truth"], one["result"] == choice("patent"))
        for one in there.annotations(project)
    )
    assert kinds == [(False, True, True), (True, False, False)]


def test_a_comparison_counts_and_a_repair_mends(bench: Live, there: There):
    desk = filled(bench, answers=3)
    with bench.transaction() as session:
        project = project_there(session, desk.project_id)
        answers = session.exec(select(Annotation).order_by(col(Annotation.id))).all()
        tasks = [session.get_one(Task, one.task_id).label_studio_task_id for one in answers]
        operator = make_operator(session)
    there.ask("DELETE", f"tasks/{tasks[0]}/")
    there.ask("DELETE", f"annotations/{answers[1].label_studio_annotation_id}/")
    there.ask("POST", f"projects/{project}/import", [{"data": {"text": "nobody's"}}])
    client = bench.client(operator)
    base = f"/operator/label-studio/projects/{desk.project_id}"

    client.post(f"{base}/compare")
    bench.run_jobs()

    with bench.transaction() as session:
        [run] = session.exec(select(MirrorRun))
        assert run.ended_at is not None
        wanted = {"tasks": 2, "tasks_lost": 1, "tasks_unknown": 1, "answers": 1, "answers_lost": 1}
        assert {name: run.found[name] for name in wanted} == wanted
    page = client.get("/operator/label-studio").text
    assert "1 tasks missing" in page or "tasks missing" in page
    assert "tasks of others" in page
    assert len(there.annotations(project)) == 1  # to compare is to change nothing

    for _ in range(2):
        client.post(f"{base}/repair")
        bench.run_jobs()

    assert len(there.annotations(project)) == 3
    with bench.transaction() as session:
        last = session.exec(select(MirrorRun).order_by(col(MirrorRun.id).desc())).first()
        assert (last.found["tasks_lost"], last.found["answers_lost"]) == (0, 0)
        assert last.found["tasks_unknown"] == 1


def test_a_hint_wakes_a_look_and_only_from_who_knows_the_secret(
    bench: Live, label_studio: Server, there: There
):
    desk = filled(bench)
    look(bench, desk)
    bench.run_jobs()
    with bench.transaction() as session:
        project = session.get_one(Project, desk.project_id)
        known = hints.headers(project)
        number = session.exec(select(Annotation)).one().label_studio_annotation_id
    there.ask("PATCH", f"annotations/{number}/", {"result": choice("other")})
    client = bench.client()
    address = "/webhooks/label-studio"
    for wrong in (
        {},
        {**known, "X-Doyen-Secret": "0" * 64},
        {**known, "X-Doyen-Secret": "é"},
        {**known, "X-Doyen-Project": "-1"},
        {**known, "X-Doyen-Project": "9" * 40},
        {**known, "X-Doyen-Project": "²"},
    ):
        assert client.post(address, headers=wrong, data=b"{" * 5000).status_code == 404
    assert bench.run_jobs() == []

    answers = [client.post(address, headers=known, data=b"\xff not json") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {204}
    assert len(bench.run_jobs()) == 1
    with bench.transaction() as session:
        assert len(seen(session, desk)) == 1


def test_label_studio_itself_calls_and_the_look_does_its_work(bench: Live, there: There):
    """Somebody changes an answer in Label Studio; nobody waits for the clock."""
    with served(bench.app) as home:
        hook = f"{home}/webhooks/label-studio"
        with hinted(bench, hook):
            desk = filled(bench)
            look(bench, desk)
            bench.run_jobs()
            with bench.transaction() as session:
                number = session.exec(select(Annotation)).one().label_studio_annotation_id

            there.ask("PATCH", f"annotations/{number}/", {"result": choice("other")})

            # It called while it answered: nobody looked at the clock, and a look is due.
            assert len(bench.run_jobs()) == 1
            with bench.transaction() as session:
                [edit] = seen(session, desk)
                assert edit.result == choice("other")
            with bench.app.app_context():
                jobs.check_backend()
            page = operator_page(bench)
            assert "It may call LABEL_STUDIO_HOOK_URL." in page
            assert "It calls us when an answer changes." in page


def test_an_address_that_label_studio_may_not_call_holds_nothing_up_and_is_said(bench: Live):
    for address in (f"http://{REFUSED}:9/hints", "http://nobody.invalid/hints"):
        with hinted(bench, address):
            desk = filled(bench)
            with bench.app.app_context():
                jobs.check_backend()
        with bench.transaction() as session:
            one = session.exec(select(Annotation).where(Annotation.project_id == desk.project_id))
            assert one.one().pushed_at is not None
        page = operator_page(bench)
        assert "It will not call LABEL_STUDIO_HOOK_URL" in page
        assert "USER_ADDITIONAL_BANNED_SUBNETS" in page


@contextmanager
def hinted(bench: Live, address: str) -> Iterator[None]:
    """Set the address that Label Studio is to call."""
    settings = bench.app.extensions["doyen.settings"]
    changed = settings.model_copy(update={"label_studio_hook_url": address})
    bench.app.extensions["doyen.settings"] = changed
    try:
        yield
    finally:
        bench.app.extensions["doyen.settings"] = settings


def operator_page(bench: Live) -> str:
    with bench.transaction() as session:
        operator = make_operator(session)
    return str(bench.client(operator).get("/operator/label-studio").text)


def test_how_it_is_set_up_is_said_in_words(bench: Live, label_studio: Server):
    with bench.app.app_context():
        assert jobs.check_backend() == "asked"
    with bench.transaction() as session:
        check = backend_checks.last(session)
        facts = backend_checks.facts_of(check)
        operator = make_operator(session)

    assert facts is not None
    assert (facts.version, facts.edition) == ("1.23.2", "Community")
    assert (facts.has_closed_signup, facts.has_telemetry) == (True, False)
    assert (facts.is_private, facts.token_kind, facts.takes_legacy_tokens) == (
        True,
        "personal",
        False,
    )
    page = bench.client(operator).get("/operator/label-studio").text
    assert "Closed to strangers." in page
    assert "1.23.2 Community" in page


def test_tokens_of_the_older_kind_work_too(label_studio: Server, there: There):
    there.ask(
        "POST", "jwt/settings", {"legacy_api_tokens_enabled": True, "api_tokens_enabled": True}
    )
    try:
        token = there.ask("GET", "current-user/token")["token"]
        facts = LabelStudioBackend(label_studio.url, token).facts()
    finally:
        there.ask(
            "POST", "jwt/settings", {"legacy_api_tokens_enabled": False, "api_tokens_enabled": True}
        )
    assert (facts.token_kind, facts.takes_legacy_tokens) == ("legacy", True)


def yesterday(server: Server) -> Path:
    """Copy Label Studio's database while it runs, as a nightly backup does."""
    copy = server.home.with_name("yesterday.sqlite3")
    with (
        closing(sqlite3.connect(server.home / "data" / DATABASE)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return copy


def make_operator(session: Session) -> User:
    return make_user(session, "operator")


def test_a_server_that_was_restored_from_an_older_copy_gets_everything_again(
    postgres: str, tmp_path: Path, own_label_studio: Server
):
    """Label Studio stopped, restored to yesterday and started: everything is back."""
    server = own_label_studio
    changes: dict[str, Any] = {
        "label_studio_url": server.url,
        "label_studio_token": SecretStr(server.token),
    }
    with database.copy(postgres) as url, database.engine_for(url, pool_size=20) as engine:
        app = create_app(make_settings(tmp_path, **changes), Database(engine))
        app.config["TESTING"] = True
        clients.use_in(app)
        labelling = labelling_backend(app.extensions["doyen.settings"])
        app.extensions["doyen.ports"] = replace(app.extensions["doyen.ports"], labelling=labelling)
        bench = Live(app, url, engine)
        before = filled(bench, answers=2)
        accept(bench, before, 1)
        bring(bench, before)
        copy = yesterday(server)
        accept(bench, before, 2)
        # After the copy was made: more answers in the old project, and two projects more.
        with bench.transaction() as session:
            project = session.get_one(Project, before.project_id)
            for _ in range(3):
                make_assignment(session, project, state=State.SUBMITTED)
        bring(bench, before)
        after = [filled(bench, answers=2) for _ in range(2)]
        with bench.transaction() as session:
            gold = make_task(session, session.get_one(Project, after[0].project_id), gold=choice())
            assert gold.id
        bring(bench, after[0])
        server.kill()
        for name in ("", "-wal", "-shm"):
            (server.home / "data" / f"{DATABASE}{name}").unlink(missing_ok=True)
        copy.rename(server.home / "data" / DATABASE)
        server.start()
        # Somebody else's rows take the numbers that ours had.
        there = There(server)
        other = there.ask("POST", "projects/", {"title": "other", "label_config": "<View/>"})
        there.ask("POST", "users/", {"username": "x", "email": "somebody@example.org"})
        with bench.transaction() as session:
            make_assignment(
                session, session.get_one(Project, after[1].project_id), state=State.SUBMITTED
            )

        with app.app_context():
            result = app.test_cli_runner().invoke(refill, ["--no-wait"])
        assert result.exit_code == 0, result.output
        for _ in range(3):
            bench.run_jobs()
            with app.app_context():
                jobs.push_unpushed()

        projects = there.ask("GET", "projects/?page_size=100")["results"]
        users = {one["id"]: one["email"] for one in there.ask("GET", "users/")}
        for desk, answers in ((before, 5), (after[0], 3), (after[1], 3)):
            [mirror] = [p for p in projects if p["title"].startswith(f"{desk.project_id} ")]
            found = there.annotations(mirror["id"])
            assert len(found) == answers
            for one in found:
                assert one["ground_truth"] or users[one["completed_by"]].endswith(
                    "@experts.invalid"
                )
        assert there.annotations(other["id"]) == []
        said = [
            task["data"].get("doyen_verdicts", "")
            for mirror in projects
            for task in there.ask("GET", f"tasks/?project={mirror['id']}&fields=all")["tasks"]
        ]
        assert sum(line.endswith(" accepted") for line in said) == 2
        for desk in (before, *after):
            repair(bench, desk)
        with bench.transaction() as session:
            for run in mirror_runs.latest(
                session, [d.project_id for d in (before, *after)]
            ).values():
                lost = ("tasks_lost", "answers_lost", "users_lost", "extras_lost", "tasks_unknown")
                assert [run.found.get(name, 0) for name in (*lost, "verdicts_lost")] == [0] * 6
            assert session.exec(select(OutsideEdit)).all() == []
