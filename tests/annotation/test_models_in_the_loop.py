"""Predictions: what is kept of a file, who sees them by rule, and what an answer began with."""

import gzip
import io
import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import select

from accounts.models import User
from annotation import (
    assignment,
    mirror_predictions,
    prediction_files,
    prediction_rule,
    predictions,
    released,
    sameness,
)
from annotation.loop_models import AnswerOrigin, ModelRun, Origin, Prediction, RunState, Shows
from annotation.mirror_prediction_models import MirrorPrediction
from annotation.models import Assignment, State, Task
from annotation.task_files import Trouble
from core.clock import now
from core.models import AuditEvent
from projects.models import Project
from tests.factories.annotation import (
    TEXT,
    choice,
    claimed,
    handed_in,
    make_assignment,
    make_desk,
    make_task,
)
from tests.factories.loop import lines, make_prediction, show


def upload(session, desk, *rows, name="p.jsonl", version="v1"):
    found = rows[0] if rows and isinstance(rows[0], io.BytesIO) else lines(*rows)
    return predictions.import_file(
        session, desk.project, name, found, version, by=desk.owner, at=now()
    )


def row(task, **more):
    return {"task": task.external_id, "result": choice(), **more}


@pytest.fixture
def desk(session):
    return make_desk(session, tasks=0, overlap=2)


@pytest.fixture
def tasks(session, desk):
    return [make_task(session, desk.project) for _ in range(4)]


def claim(session, desk, number=0):
    lease = claimed(session, desk.project, desk.experts[number].user_id, at=now())
    session.flush()
    return lease


def origin_of(session, lease, result):
    answer = handed_in(session, lease, lease_project(session, lease), result, at=now())
    session.flush()
    return session.get(AnswerOrigin, answer.assignment_id)


def lease_project(session, lease):
    return session.get(Project, lease.project_id)


def test_good_lines_are_kept_and_bad_ones_listed_with_their_reason(session, desk, tasks):
    wrong = choice("grant", (0, 5, "Party"))
    wrong[1]["value"]["text"] = "other"
    run = upload(
        session,
        desk,
        row(tasks[0], score=0.9),
        {"task": "no such task", "result": []},
        row(tasks[1], score=7),
        {"task": tasks[2].external_id, "result": wrong},
        {"task": tasks[3].external_id, "result": [], "model_version": "other"},
    )

    assert (run.kept, run.refused, run.state) == (2, 3, RunState.DONE)
    assert [number for number, _words in run.troubles] == [2, 3, 4]
    assert "no such task" in run.troubles[0][1]
    assert "0 to 1" in run.troubles[1][1]
    assert "quotes other words" in run.troubles[2][1]
    versions = {one.name: one.tasks for one in predictions.versions(session, desk.project_id)}
    assert versions == {"v1": 1, "other": 1}
    assert session.exec(select(AuditEvent.action)).all()[-1] == "predictions.added"


def test_the_same_file_again_adds_nothing_and_another_word_needs_another_version(
    session, desk, tasks
):
    upload(session, desk, row(tasks[0], score=0.5))
    again = upload(session, desk, row(tasks[0], score=0.5))
    with pytest.raises(predictions.NothingKept) as changed:
        upload(session, desk, row(tasks[0], score=0.6))

    assert (again.kept, again.known) == (0, 1)
    assert "new model version" in changed.value.troubles[0].words


def test_label_studios_own_export_is_read_packed_or_not(session, desk, tasks):
    exported = [
        {
            "data": task.data | {"n": n},
            "id": task.external_id,
            "predictions": [
                {"model_version": "a", "score": 0.1, "result": choice()},
                {"model_version": "b", "result": choice("patent")},
            ],
        }
        for n, task in enumerate(tasks)
    ]
    body = json.dumps(exported, indent=1).encode()

    plain = upload(session, desk, io.BytesIO(body), name="export.json")
    packed = upload(session, desk, io.BytesIO(gzip.compress(body)), name="export.json.gz")

    assert plain.kept == 8
    assert packed.known == 8


@pytest.mark.parametrize(
    ("name", "body", "number"),
    [
        ("p.json", b'[{"task": "a", "result": []},\n {"task": ]', 2),
        ("p.json", b'[{"task": "\xff"}]', 0),
        ("p.json.gz", b"no gzip", 0),
        ("p.jsonl", b'\n{"task": 1', 2),
        ("p.json", b'{"task": "a", "result": []} {"task": true}', 1),
        ("p.json", b"[" * 5000, 1),
        ("p.jsonl", b'{"task": "a", "predictions": []}', 1),
        ("p.jsonl", b'{"task": "a", "result": {}}', 1),
        ("p.jsonl", b'{"task": "a", "result": [], "model_version": 3}', 1),
        ("p.jsonl", b'{"task": "a", "result": [], "score": NaN}', 1),
    ],
)
def test_a_hostile_file_is_told_where_it_is_wrong(session, name, body, number):
    found = list(prediction_files.read(name, io.BytesIO(body), "v"))

    assert [one.number for one in found if isinstance(one, Trouble)] == [number]


def test_a_long_list_is_read_piece_by_piece(session):
    body = io.BytesIO(
        json.dumps([{"task": n, "result": [{"a": "é" * 200}]} for n in range(5000)]).encode()
    )
    reads = []
    real = body.read
    body.read = lambda count: reads.append(count) or real(count)

    found = list(prediction_files.read("p.json", body, "v"))

    assert [one.external_id for one in found] == [str(n) for n in range(5000)]
    assert max(reads) <= 1024 * 1024


def test_the_database_changes_no_prediction(session, desk, tasks):
    made = make_prediction(session, desk, tasks[0])
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text("update prediction set score = 1 where id = :id"), {"id": made.id})
    with pytest.raises(IntegrityError), session.begin_nested():
        make_prediction(session, desk, tasks[0])


def test_what_is_shown_is_fixed_in_the_terms_and_the_origin_kept(session, desk, tasks):
    for task in tasks:
        make_prediction(session, desk, task)
    show(session, desk)
    lease = claim(session, desk)
    show(session, desk, Shows.HIDDEN)

    given = lease.terms["prediction"]
    assert given["shown"] is True
    assert given["model_version"] == "v1"
    # As the editor gives it back: new ids, another order, offsets told twice.
    result = [{**part, "id": "new"} for part in choice()]
    assert origin_of(session, lease, result).origin is Origin.UNCHANGED
    hidden = claim(session, desk)
    kept = origin_of(session, hidden, choice())
    assert (kept.origin, kept.agrees) == (Origin.BLANK, True)


def test_a_changed_prediction_is_told_from_an_unchanged_one(session, desk, tasks):
    for task in tasks:
        make_prediction(session, desk, task)
    show(session, desk)

    assert origin_of(session, claim(session, desk), choice("patent")).origin is Origin.CHANGED


def test_a_task_without_prediction_begins_blank_and_keeps_nothing(session, desk, tasks):
    make_prediction(session, desk, tasks[0])
    show(session, desk)
    lease = claim(session, desk)

    assert lease.task_id != tasks[0].id
    assert "prediction" not in lease.terms
    assert origin_of(session, lease, choice()) is None


def test_a_share_of_the_tasks_shows_it_the_same_for_all_experts(session):
    desk = make_desk(session, tasks=40, overlap=2, experts=2, funds=1_000_000)
    for task in session.exec(select(Task).where(Task.project_id == desk.project_id)):
        make_prediction(session, desk, task)
    show(session, desk, Shows.SHARE, percent=50)
    seen = [{}, {}]
    for number in (0, 1):
        for _ in range(40):
            lease = claim(session, desk, number)
            seen[number][lease.task_id] = lease.terms["prediction"]["shown"]
            assignment.submit(session, lease, desk.project, choice(), at=now())

    assert seen[0] == seen[1]
    assert 8 <= sum(seen[0].values()) <= 32
    [everybody, *each] = prediction_rule.numbers(session, desk.project_id)
    assert everybody.pseudonym is None
    assert everybody.unchanged_share == 1.0
    assert everybody.agreed_share == 1.0
    assert everybody.shown + everybody.blank == 80
    assert len(each) == 2


def test_the_same_rule_twice_is_one_rule(session, desk, tasks):
    make_prediction(session, desk, tasks[0])
    first = show(session, desk)

    assert show(session, desk) is first
    with pytest.raises(prediction_rule.NoSuchVersion):
        show(session, desk, version="unknown")


def test_a_release_tells_what_an_answer_began_with(session, desk, tasks):
    made = make_prediction(session, desk, tasks[0])
    show(session, desk)
    lease = make_assignment(session, desk.project, task=tasks[0], state=State.ACCEPTED)
    session.add(
        AnswerOrigin(
            assignment_id=lease.id,
            project_id=desk.project_id,
            prediction_id=made.id,
            model_version="v1",
            origin=Origin.UNCHANGED,
            agrees=True,
        )
    )
    make_assignment(session, desk.project, task=tasks[1], state=State.ACCEPTED)
    session.flush()

    first, second = released.read(session, [desk.project_id], until=now())

    [begun] = first.extras.values()
    assert (begun.origin, begun.model_version) == ("unchanged", "v1")
    assert first.answers[0].assignment_id in first.extras
    assert second.answers[0].assignment_id not in second.extras


def test_the_editor_begins_with_the_prediction_and_the_expert_is_told(
    session, desk, tasks, sign_in
):
    for task in tasks:
        make_prediction(session, desk, task, result=choice("warranty"))
    show(session, desk)
    client = sign_in(session.get(User, desk.experts[0].user_id))
    place = client.post(f"/work/claim/{desk.project_id}").location

    bench = client.get(place).text
    given = client.get(f"{place}/task.json").get_json()

    assert "Begins with a model’s suggestion" in bench
    assert given["draft"] == choice("warranty")
    assert "v1" not in json.dumps(given)
    client.post(f"{place}/draft", json={"result": choice("patent")})
    assert client.get(f"{place}/task.json").get_json()["draft"] == choice("patent")


def test_the_owner_uploads_sets_the_rule_and_reads_the_numbers(session, desk, tasks, sign_in):
    client = sign_in(desk.owner)
    page = f"/projects/{desk.project_id}/models"
    assert "No predictions yet" in client.get(page).text
    body = lines(row(tasks[0]), {"task": "zz", "result": []})
    sent = client.post(
        f"{page}/predictions", data={"file": (body, "p.jsonl"), "model_version": "v1"}
    )
    shown = client.get(sent.location).text
    assert "Line 2" in shown
    bad = client.post(f"{page}/predictions", data={"file": (lines({}), "p.jsonl")})
    assert bad.status_code == 422
    assert "Nothing was added" in bad.text
    rule = {"shows": "share", "model_version": "v1"}
    refused = client.post(f"{page}/rule", data=rule)
    assert (refused.status_code, refused.text.count("<title>Error:")) == (422, 1)
    assert client.post(f"{page}/rule", data=rule | {"share_percent": "30"}).status_code == 302
    assert "For 30" in client.get(page).text
    assert (
        client.post(f"{page}/rule", data={"shows": "all", "model_version": "x"}).status_code == 422
    )
    assert session.exec(select(ModelRun)).one().kept == 1
    assert session.exec(select(Prediction)).one().task_id == tasks[0].id
    assert session.exec(select(Assignment)).all() == []


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (lambda parts: parts, True),
        (lambda parts: list(reversed(parts)), True),
        (lambda parts: [{**part, "origin": "manual", "score": 0.3} for part in parts], True),
        (lambda parts: parts[:1], False),
        (lambda parts: [{**parts[0], "value": {"choices": ["patent"]}}, parts[1]], False),
        (lambda parts: [*parts, parts[1] | {"id": "more"}], False),
    ],
)
def test_answers_are_the_same_whatever_the_editor_adds(change, is_same):
    parts = choice("grant", (0, 5, "Party"))

    assert sameness.same(parts, change(parts)) is is_same
    assert TEXT


def test_a_box_is_the_same_after_rounding_and_a_relation_follows_its_ends():
    def boxes(x, one, two):
        box = {"from_name": "b", "to_name": "i", "type": "rectanglelabels"}
        size = {"y": 1, "width": 2, "height": 3, "rectanglelabels": ["A"]}
        return [
            box | {"id": one, "value": size | {"x": x, "rotation": 0}},
            box | {"id": two, "value": size | {"x": 50}},
            {"type": "relation", "from_id": one, "to_id": two, "direction": "right"},
        ]

    assert sameness.same(boxes(10, "a", "b"), boxes(10.00001, "c", "d"))
    assert not sameness.same(boxes(10, "a", "b"), boxes(11, "a", "b"))
    turned = boxes(10, "a", "b")
    turned[2] |= {"from_id": "b", "to_id": "a"}
    assert not sameness.same(boxes(10, "a", "b"), turned)


def test_a_prediction_that_is_kept_late_is_not_passed_over_by_the_mirror(live):
    with live.transaction() as session:
        desk = make_desk(session, tasks=0)
        first, *names = [make_task(session, desk.project).external_id for _ in range(3)]
        upload(session, desk, {"task": first, "result": choice()})
        show(session, desk)
        project_id, owner_id = desk.project_id, desk.owner.id

    def bring(session, name):
        project, owner = session.get_one(Project, project_id), session.get_one(User, owner_id)
        sent = lines({"task": name, "result": choice()})
        predictions.import_file(session, project, "p.jsonl", sent, "v1", by=owner, at=now())
        session.flush()

    with live.transaction() as slow:
        run = ModelRun(
            project_id=project_id, source="upload", model_version="v1", state=RunState.DONE,
            made_by=owner_id, made_at=now(), ended_at=now(),
        )  # fmt: skip
        slow.add(run)
        slow.flush()
        task = slow.exec(select(Task).where(Task.external_id == names[0])).one()
        given = predictions.Given(1, task.id, task.data, "v1", None, None, choice())
        project = slow.get_one(Project, project_id)
        predictions.add(slow, project, run, [given], predictions.Tally(), at=now())
        with live.transaction() as quick:
            bring(quick, names[1])
        with live.transaction() as session:
            assert not mirror_predictions.note_more(session, project_id)

    with live.transaction() as session:
        assert mirror_predictions.note_more(session, project_id)
        assert len(session.exec(select(MirrorPrediction)).all()) == 3
