"""Tasks in the order of a model's doubt: within the owner's own, taken back, flat in cost."""

import pytest
from sqlalchemy import text
from sqlmodel import select

from annotation import assignment, doubt, prediction_files
from annotation.loop_models import OrderState
from annotation.models import ClaimPlace, Task
from annotation.task_files import UnreadableLine
from core import jobs as core_jobs
from core.clock import now
from tests.factories.annotation import choice, claimed, make_desk, make_task
from tests.factories.loop import make_order, make_prediction


@pytest.fixture
def desk(session):
    return make_desk(session, tasks=0, overlap=1, experts=1, funds=1_000_000)


@pytest.fixture
def jobs(app):
    return lambda name, **args: core_jobs.run(app, f"annotation.{name}", **args)


def tasks(session, desk, *scores, **changes):
    made = [make_task(session, desk.project, **changes) for _ in scores]
    for task, score in zip(made, scores, strict=True):
        if score is not None:
            make_prediction(session, desk, task, score=score)
    desk.project.task_count += len(made)
    return [task.id for task in made]


def work(session, desk):
    expert_id = desk.experts[0].user_id
    lease = claimed(session, desk.project, expert_id, at=now())
    assignment.submit(session, lease, desk.project, choice(), at=now())
    session.flush()
    return lease.task_id


def priorities(session, desk):
    session.expire_all()
    rows = session.exec(select(Task).where(Task.project_id == desk.project_id).order_by(Task.id))
    return [task.priority for task in rows]


def ordered(session, desk, jobs):
    make_order(session, desk)
    session.commit()
    jobs("order_tasks", project_id=desk.project_id)
    session.expire_all()


def test_the_most_doubtful_come_first_within_the_owners_own_priority(session, desk, jobs):
    sure, unsure, unknown = tasks(session, desk, 0.9, 0.2, None)
    urgent, urgent_unsure = tasks(session, desk, 0.99, 0.6, priority=3)
    [last] = tasks(session, desk, 0.0, priority=-2)
    ordered(session, desk, jobs)

    assert [work(session, desk) for _ in range(6)] == [
        *(urgent_unsure, urgent),
        *(unsure, unknown, sure),
        last,
    ]


def test_where_a_distribution_is_given_its_entropy_is_the_doubt(session, desk, jobs):
    even, sure, torn = tasks(session, desk, None, None, None)
    said = {
        even: {"score": 0.9, "probabilities": {"grant": 0.34, "patent": 0.33, "other": 0.33}},
        sure: {"score": 0.1, "probabilities": [0.98, 0.01, 0.01]},
        torn: {"score": 0.5, "probabilities": [0.5, 0.5, 0.0]},
    }
    for task_id, row in said.items():
        task = session.get(Task, task_id)
        _, score, of_it, _ = prediction_files.of({**row, "result": choice()}, "v1")
        make_prediction(session, desk, task, score=score, doubt=of_it)
    ordered(session, desk, jobs)

    assert [work(session, desk) for _ in range(3)] == [even, torn, sure]


@pytest.mark.parametrize(
    "wrong", [[1], [0.5, 0.6], [-0.5, 1.5], [True, 0], ["1", 0], {}, "x", [float("nan"), 1]]
)
def test_what_is_no_distribution_is_refused(wrong):
    with pytest.raises(UnreadableLine):
        prediction_files.of({"result": choice(), "probabilities": wrong}, "v1")


def test_ordering_again_changes_nothing_and_undoing_gives_all_back(session, desk, jobs):
    tasks(session, desk, 0.9, 0.2, None, priority=-1000)
    tasks(session, desk, 0.0, 1.0, priority=1000)
    tasks(session, desk, 0.5, priority=0)
    before = priorities(session, desk)
    ordered(session, desk, jobs)
    once = priorities(session, desk)
    ordered(session, desk, jobs)

    assert priorities(session, desk) == once
    assert not set(once) & set(range(-1000, 1001))
    doubt.undo(session, desk.project, by=desk.owner, at=now())
    doubt.undo(session, desk.project, by=desk.owner, at=now())
    session.commit()
    jobs("order_tasks", project_id=desk.project_id)
    assert priorities(session, desk) == before
    session.expire_all()
    assert doubt.of(session, desk.project_id).state is OrderState.OFF
    with pytest.raises(doubt.NotOrdered):
        doubt.undo(session, desk.project, by=desk.owner, at=now())


def test_a_crash_between_two_batches_is_gone_on_from(session, desk, monkeypatch, jobs):
    monkeypatch.setattr(doubt, "AT_ONCE", 2)
    tasks(session, desk, 0.1, 0.2, 0.3, 0.4, 0.5)
    make_order(session, desk)
    assert doubt.go_on(session, desk.project_id)
    session.commit()
    half = priorities(session, desk)
    assert [one > 1000 for one in half] == [True, True, False, False, False]

    jobs("take_up_orders")
    jobs("order_tasks", project_id=desk.project_id)

    assert priorities(session, desk)[:2] == half[:2]
    assert all(one > 1000 for one in priorities(session, desk))


def test_an_expert_begins_at_the_front_and_new_tasks_are_put_in_order(session, desk, jobs):
    first, *_others = tasks(session, desk, 0.1, 0.2, 0.9)
    last_in_row = work(session, desk)
    assert last_in_row != first
    ordered(session, desk, jobs)
    assert session.get(ClaimPlace, (desk.project_id, desk.experts[0].user_id)) is None
    assert work(session, desk) == first
    [newer] = tasks(session, desk, 0.0)
    session.commit()

    jobs("take_up_orders")
    jobs("order_tasks", project_id=desk.project_id)

    assert work(session, desk) == newer


def test_known_answers_are_spread_among_the_others(session, desk, jobs):
    tasks(session, desk, *(number / 60 for number in range(60)))
    known = tasks(session, desk, *([1.0] * 20), gold=choice())
    ordered(session, desk, jobs)

    rows = session.exec(
        select(Task.id).where(Task.project_id == desk.project_id).order_by(Task.priority.desc())
    ).all()
    places = [rows.index(task_id) for task_id in known]
    assert min(places) < 30
    assert max(places) > 50


def test_a_claim_reads_by_the_same_index_after_it(session, desk, jobs):
    tasks(session, desk, *(number / 50 for number in range(50)))
    ordered(session, desk, jobs)
    session.execute(text("set local enable_seqscan = off"))
    plan = session.execute(
        text(
            "explain select id from task where project_id = :project and slots_left > 0"
            " order by priority desc, position desc limit 1"
        ),
        {"project": desk.project_id},
    ).scalars()

    assert "ix_task_open" in "\n".join(plan)


def test_the_owner_orders_and_takes_it_back(session, desk, sign_in):
    tasks(session, desk, 0.1)
    client = sign_in(desk.owner)
    page = f"/projects/{desk.project_id}/models"

    assert client.post(f"{page}/order", data={"model_version": "no"}).status_code == 422
    assert client.post(f"{page}/order", data={"model_version": "v1"}).status_code == 302
    assert "Being put in order" in client.get(page).text
    assert client.post(f"{page}/order/undo").status_code == 302
    assert "Going back" in client.get(page).text
