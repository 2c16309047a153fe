"""Edits made in Label Studio on the owner's pages, the way in, and how a server is judged."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from annotation import backend_checks, label_studio_facts, mirror, mirror_runs, pushing
from annotation.assignment import annotation_of
from annotation.mirror_models import EditKind, EditState, MirrorLook
from annotation.models import Annotation, ShadowUser, State, Task
from core.clock import now
from core.models import AuditEvent
from core.ports import AnswerThere, BackendFacts, TaskThere
from tests.factories.accounts import make_owner, make_user
from tests.factories.annotation import choice, make_assignment, make_desk
from tests.factories.mirrors import make_check, make_edit, make_gate, make_mirror

WELL = BackendFacts(
    version="1.23.2",
    edition="Community",
    has_closed_signup=True,
    has_telemetry=False,
    takes_legacy_tokens=False,
    is_private=True,
    token_kind="personal",
)


@pytest.fixture
def desk(session):
    return make_desk(session, tasks=0, experts=0)


@pytest.fixture
def answer(session, desk):
    return annotation_of(session, make_assignment(session, desk.project, state=State.SUBMITTED))


def test_an_edit_is_kept_on_record_once_and_the_answer_stays(session, sign_in, desk, answer):
    edit = make_edit(session, answer)
    client = sign_in(desk.owner)

    for _ in range(2):
        assert client.post(f"/edits/{edit.id}/keep").status_code == 302

    session.expire_all()
    assert edit.state is EditState.NOTED
    assert edit.decided_by == desk.owner.id
    assert session.get_one(Annotation, answer.id).result == choice()
    acts = session.exec(select(AuditEvent).where(AuditEvent.action == "outside_edit.noted")).all()
    assert len(acts) == 1
    review = client.get(f"/projects/{desk.project_id}/review?all=1").text
    assert "Edited in Label Studio" in review
    assert "On record" in client.get(f"/projects/{desk.project_id}/edits").text


def test_the_home_of_the_project_says_that_an_edit_waits(session, sign_in, desk, answer):
    make_edit(session, answer)

    home = sign_in(desk.owner).get(f"/projects/{desk.project_id}").text

    assert "1 answer edited in Label Studio" in home


def test_what_is_refused_says_why_and_is_not_kept_as_a_correction(session, sign_in, desk, answer):
    edit = make_edit(
        session,
        answer,
        state=EditState.REFUSED,
        troubles=["“clause” has no such option."],
        result=choice("HACK"),
    )
    client = sign_in(desk.owner)

    page = client.get(f"/projects/{desk.project_id}/edits").text

    assert "Refused: it is no answer to the task" in page
    assert client.post(f"/edits/{edit.id}/keep").status_code == 409
    assert client.post(f"/edits/{edit.id}/put-back").status_code == 302
    session.expire_all()
    assert edit.state is EditState.PUT_BACK


def test_what_others_added_cannot_be_put_back(session, sign_in, desk, answer):
    edit = make_edit(session, answer, kind=EditKind.ADDED, annotation_id=None)

    assert sign_in(desk.owner).post(f"/edits/{edit.id}/put-back").status_code == 409


def test_an_edit_cannot_be_rewritten(session, answer):
    edit = make_edit(session, answer)
    edit.result = choice("other")

    with pytest.raises(IntegrityError, match="kept as it was seen"):
        session.flush()


def test_the_way_in_is_shut_until_an_operator_opens_it(app, session, sign_in, desk):
    settings = app.extensions["doyen.settings"]
    owner, operator = sign_in(desk.owner), sign_in(make_user(session, "operator"))
    path = f"/projects/{desk.project_id}/label-studio"
    ways = f"/operator/label-studio/ways/{desk.organisation.id}"
    app.extensions["doyen.settings"] = settings.model_copy(
        update={"label_studio_web_url": "https://labels.example.org/"}
    )
    try:
        assert owner.get(path).status_code == 409
        assert owner.post(f"{ways}/open").status_code == 403
        for _ in range(2):
            assert operator.post(f"{ways}/open").status_code == 302
        assert owner.get(path).status_code == 409  # it is not there yet
        make_mirror(session, desk.project_id)
        there = pushing.project_there(session, desk.project_id)
        answered = owner.get(path)
        assert answered.status_code == 302
        assert answered.location == f"https://labels.example.org/projects/{there}/data"
        page = owner.get(f"/projects/{desk.project_id}/edits").text
        assert "Label Studio Community has no walls inside" in page
        assert (
            "cannot hold an owner to their own project"
            in operator.get("/operator/label-studio").text
        )
        stranger, _organisation = make_owner(session)
        assert sign_in(stranger).get(path).status_code in (403, 404)
        assert operator.post(f"{ways}/shut").status_code == 302
        assert owner.get(path).status_code == 409
    finally:
        app.extensions["doyen.settings"] = settings
    acts = [
        row.action
        for row in session.exec(select(AuditEvent).order_by(col(AuditEvent.id)))
        if row.action.startswith("mirror.")
    ]
    assert acts == ["mirror.gate_opened", "mirror.opened", "mirror.gate_shut"]


def test_without_an_address_for_browsers_nobody_is_let_in(session, sign_in, desk):
    make_mirror(session, desk.project_id)
    make_gate(session, desk.organisation.id, desk.owner, is_open=True)

    assert sign_in(desk.owner).get(f"/projects/{desk.project_id}/label-studio").status_code == 409


@pytest.mark.parametrize(
    ("changes", "tone", "words"),
    [
        ({}, "ok", "Closed to strangers."),
        ({"has_closed_signup": False}, "stop", "DISABLE_SIGNUP_WITHOUT_LINK=true"),
        ({"has_closed_signup": None}, "wait", "Cannot be seen from here."),
        ({"is_private": False}, "stop", "listen on a private interface only"),
        ({"has_telemetry": True}, "stop", "COLLECT_ANALYTICS=false"),
        ({"version": "2.0.0"}, "wait", "Doyen was tried with 1.23.2"),
        ({"token_kind": "legacy"}, "wait", "personal access token of the service user"),
        ({"takes_legacy_tokens": True}, "wait", "Switch legacy tokens off"),
        ({"takes_reviews": False}, "wait", "Let the service user review in all projects"),
    ],
)
def test_the_operator_reads_what_is_wrong_and_what_to_do(
    session, sign_in, changes: dict[str, Any], tone, words
):
    facts = replace(WELL, **changes)
    backend_checks.record(session, facts, None, at=now())
    page = sign_in(make_user(session, "operator")).get("/operator/label-studio").text

    assert words in page
    judged = [judge(facts).tone for judge in backend_checks.JUDGES]
    assert (tone in judged) is True
    assert judged.count("ok") == (7 if tone == "ok" else 6)


def test_what_it_said_before_stays_while_it_is_away(session, sign_in):
    make_check(session)
    backend_checks.record(session, None, "cannot be reached", at=now())

    page = sign_in(make_user(session, "operator")).get("/operator").text

    assert "cannot be reached" in page
    assert backend_checks.facts_of(backend_checks.last(session)) == WELL


@pytest.mark.parametrize(("status", "closed"), [(403, True), (200, False), (500, None)])
def test_an_open_sign_up_is_told_by_what_becomes_of_an_empty_form(status, closed):
    sent: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.path == "/api/version":
            return httpx.Response(200, json={"release": "9", "edition": "Community"})
        if request.method == "POST":
            return httpx.Response(status)
        return httpx.Response(
            200,
            text="window.APP_SETTINGS.collect_analytics = true;",
            headers={"Set-Cookie": "csrftoken=abc"},
        )

    with httpx.Client(transport=httpx.MockTransport(server)) as client:
        facts = label_studio_facts.ask(client, "http://127.0.0.1:8080", "a" * 40, legacy=True)

    assert facts == BackendFacts(
        version="9",
        edition="Community",
        has_closed_signup=closed,
        has_telemetry=True,
        takes_legacy_tokens=True,
        is_private=True,
        token_kind="legacy",
    )
    [form] = [one.content for one in sent if one.method == "POST"]
    assert form == b"csrfmiddlewaretoken=abc"  # nobody is ever signed up by asking


def there(number: int, ours: int | None, *answers: AnswerThere) -> TaskThere:
    return TaskThere(number, ours, changed_by=3, changed_at=now(), answers=answers)


def said(number: int, result: Any, by: int) -> AnswerThere:
    return AnswerThere(number, result, by=by, changed_by=by, changed_at=now())


def test_numbers_of_a_restored_server_are_not_believed(session, desk, answer):
    """The number we noted leads to another task by now, and ours stands under another number."""
    task = session.get_one(Task, answer.task_id)
    task.label_studio_task_id, answer.label_studio_annotation_id = 50, 500
    answer.pushed_at = now()
    session.add(ShadowUser(expert_id=answer.expert_id, label_studio_user_id=7, created_at=now()))
    session.flush()
    page = [there(50, None, said(500, [], 1)), there(60, task.id, said(900, choice(), 7))]

    found = mirror.examine(session, desk.project_id, page)
    lost = mirror.is_lost(desk.project_id, found, after=0, until=None)
    mirror_runs.mend(session, desk.project_id, found, lost, at=now())

    session.expire_all()
    assert [one.id for one in found.strangers] == [50]
    assert (task.label_studio_task_id, answer.label_studio_annotation_id) == (60, 900)
    assert answer.pushed_at is not None
    assert (found.changed, found.added, found.lost) == ([], [], [])


@pytest.mark.parametrize("ours", [0, -1, 2**63, 2**70, 12_345_678])
def test_any_number_may_be_written_there(session, desk, ours):
    assert mirror.examine(session, desk.project_id, [there(1, ours)]).strangers


def test_a_look_waits_longer_each_time_up_to_an_hour(session, desk):
    make_mirror(session, desk.project_id)
    look = session.get_one(MirrorLook, desk.project_id)
    at = now()
    waits = []
    for _ in range(12):
        mirror_runs.record_failure(look, "away", at=at)
        waits.append((look.try_at - at).total_seconds())

    assert waits[:3] == [30, 60, 120]
    assert waits[-1] == 3600
    assert sorted(waits) == waits


def test_a_repair_asked_for_twice_is_one_and_a_comparison_under_way_becomes_it(session, desk):
    first = mirror_runs.begin(session, desk.project_id, mends=False, by=None, at=now())
    first.after_id = 77
    second = mirror_runs.begin(session, desk.project_id, mends=True, by=desk.owner, at=now())
    second.after_id = 88
    third = mirror_runs.begin(session, desk.project_id, mends=True, by=desk.owner, at=now())

    assert first.id == second.id == third.id
    assert (third.mends, third.after_id) == (True, 88)
