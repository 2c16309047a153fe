"""Jobs and sweeps: each answer reaches the labelling backend once, whatever stops half-way."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select

from annotation import assignment, tasks, validation
from annotation import jobs as sweeps
from annotation.models import (
    Annotation,
    Assignment,
    LabelStudioProject,
    ShadowUser,
    State,
    Task,
    ValidationDue,
)
from core.clock import now
from core.ports import LabellingDown, LabellingLost, LabellingRefused
from projects.models import State as ProjectState
from tests.factories.annotation import (
    choice,
    claimed,
    handed_in,
    make_assignment,
    make_desk,
    make_task,
)


class Backend:
    """A labelling backend in memory that keeps the promises of the port."""

    def __init__(self):
        self.projects, self.tasks, self.users, self.answers = {}, {}, {}, {}
        self.down_after = None
        self.refuses = False
        self.calls = 0

    def _call(self):
        self.calls += 1
        if self.down_after is not None and self.calls > self.down_after:
            raise LabellingDown

    def ensure_project(self, project_id, title, *, reference, label_config, overlap):
        self._call()
        return self.projects.setdefault(project_id, 1000 + len(self.projects))

    def import_tasks(self, there, batch):
        self._call()
        for task_id in batch:
            self.tasks.setdefault(task_id, 5000 + len(self.tasks))
        return {task_id: self.tasks[task_id] for task_id in batch}

    def ensure_shadow_user(self, pseudonym):
        self._call()
        return self.users.setdefault(pseudonym, 70 + len(self.users))

    def push_annotation(self, there, result, *, by, unique_id, lead_seconds):
        self._call()
        if self.refuses:
            raise LabellingRefused("never")
        if there not in self.tasks.values():
            raise LabellingLost
        known = unique_id in self.answers
        self.answers.setdefault(unique_id, (there, by, len(self.answers) + 1))
        return None if known else self.answers[unique_id][2]


@pytest.fixture
def backend(app):
    """Give the app a backend of the test's own."""
    before = app.extensions["doyen.ports"]
    made = Backend()
    app.extensions["doyen.ports"] = replace(before, labelling=made)
    yield made
    app.extensions["doyen.ports"] = before


def hand_in(session, made):
    lease = claimed(session, made.project, made.experts[0].user_id, at=now())
    answer = handed_in(session, lease, made.project, choice(), at=now())
    session.commit()
    return answer


def test_an_answer_is_pushed_with_its_project_and_tasks(session, backend):
    made = make_desk(session, tasks=3)
    hand_in(session, made)

    assert sweeps.push_answers(made.project_id) == "1 answers"
    assert sweeps.push_answers(made.project_id) == "0 answers"

    session.expire_all()
    assert session.get(LabelStudioProject, made.project_id).label_studio_project_id == 1000
    assert {task.label_studio_task_id is None for task in session.exec(select(Task))} == {False}
    assert session.get(ShadowUser, made.experts[0].user_id).label_studio_user_id == 70
    stored = session.exec(select(Annotation)).one()
    assert (stored.label_studio_annotation_id, stored.pushed_at is not None) == (1, True)


@pytest.mark.parametrize("steps", range(5))
def test_wherever_it_stops_the_next_run_ends_with_one_of_each(session, backend, steps):
    made = make_desk(session, tasks=2)
    hand_in(session, made)
    backend.down_after = steps
    if steps < 4:
        with pytest.raises(LabellingDown):
            sweeps.push_answers(made.project_id)
    else:
        sweeps.push_answers(made.project_id)

    backend.down_after = None
    sweeps.push_answers(made.project_id)

    assert [len(x) for x in (backend.projects, backend.tasks, backend.users)] == [1, 2, 1]
    assert len(backend.answers) == 1
    session.expire_all()
    assert session.exec(select(Annotation)).one().pushed_at is not None


def test_an_answer_that_was_there_already_counts_as_pushed(session, backend):
    made = make_desk(session)
    answer = hand_in(session, made)
    backend.answers[answer.unique_id] = (1, 2, 3)

    assert sweeps.push_answers(made.project_id) == "1 answers"

    session.expire_all()
    stored = session.exec(select(Annotation)).one()
    assert (stored.label_studio_annotation_id, stored.pushed_at is not None) == (None, True)


def test_a_refused_answer_is_noted_and_not_tried_again(session, backend):
    made = make_desk(session)
    hand_in(session, made)
    backend.refuses = True

    assert sweeps.push_answers(made.project_id) == "1 answers"
    assert sweeps.push_answers(made.project_id) == "0 answers"

    session.expire_all()
    assert session.exec(select(Annotation)).one().push_trouble == "never"


def test_the_sweep_finds_what_is_left(session, backend, jobs):
    made = make_desk(session, tasks=1)
    draft = make_desk(session, tasks=1, state=ProjectState.DRAFT, published_at=None)
    make_assignment(session, made.project, expert=made.experts[0], state=State.SUBMITTED)
    session.commit()

    assert sweeps.push_unpushed() == 1
    assert sweeps.push_unpushed() == 1  # one waits already: the queue holds it once
    assert jobs() == ["annotation.push_project"]
    assert sweeps.push_unpushed() == 0
    assert list(backend.projects) == [made.project_id]
    assert draft.project_id not in backend.projects
    assert len(backend.answers) == 1


def test_a_project_that_the_backend_lost_is_pushed_anew(session, backend):
    made = make_desk(session, tasks=2)
    hand_in(session, made)
    sweeps.push_answers(made.project_id)
    backend.__init__()
    backend.projects["others"] = 999

    sweeps.push_project(made.project_id)

    assert (len(backend.tasks), len(backend.answers)) == (2, 1)
    session.expire_all()
    assert session.get(LabelStudioProject, made.project_id).label_studio_project_id == 1001


def test_tasks_of_many_batches_all_arrive(session, backend):
    made = make_desk(session, tasks=0)
    for _ in range(450):
        make_task(session, made.project)
    session.commit()

    assert sweeps.push_project(made.project_id) == "450 tasks, 0 answers"
    assert len(backend.tasks) == 450


def test_one_job_brings_all_answers_also_those_handed_in_while_it_waits(session, backend, jobs):
    made = make_desk(session, tasks=2 * sweeps.AT_ONCE + 1, experts=1)
    for _each in range(2 * sweeps.AT_ONCE + 1):
        hand_in(session, made)

    ran = jobs()

    assert ran.count("annotation.push_answers") == 1
    assert len(backend.answers) == 2 * sweeps.AT_ONCE + 1


def test_an_answer_that_comes_in_while_a_job_works_goes_with_it(session, backend, monkeypatch):
    made = make_desk(session, tasks=2, experts=1)
    hand_in(session, made)
    bring = sweeps._push

    def brought_while_more_comes(annotation_id):
        if not backend.answers:
            hand_in(session, made)
        return bring(annotation_id)

    monkeypatch.setattr(sweeps, "_push", brought_while_more_comes)

    assert sweeps.push_answers(made.project_id) == "2 answers"


def test_answers_that_the_backend_has_lost_the_project_of_are_asked_for_once(session, backend):
    made = make_desk(session, tasks=3, experts=1)
    hand_in(session, made)
    sweeps.push_answers(made.project_id)
    hand_in(session, made)
    hand_in(session, made)
    backend.tasks.clear()

    assert sweeps.push_answers(made.project_id) == "2 answers"

    session.expire_all()
    unpushed = select(Annotation).where(col(Annotation.pushed_at).is_(None))
    assert len(session.exec(unpushed).all()) == 2


def test_handing_in_defers_what_leads_to_acceptance(session, backend, jobs):
    made = make_desk(session, tasks=1, experts=2)
    for expert in made.experts:
        lease = claimed(session, made.project, expert.user_id, at=now())
        assignment.submit(session, lease, made.project, choice(), at=now())
    session.commit()

    ran = jobs()

    assert ran.count("annotation.push_answers") == 1
    assert ran.count("annotation.validate_handed_in") == 1
    session.expire_all()
    assert {one.state for one in session.exec(select(Assignment))} == {State.ACCEPTED}


def test_sweeps_do_all_that_is_due_and_nothing_twice(session, backend):
    made = make_desk(session, tasks=0, funds=100_000)
    past = now() - timedelta(minutes=1)
    for _ in range(3):
        make_assignment(session, made.project, due_at=past)
        make_assignment(session, made.project, state=State.SUBMITTED, review_by=past)
    task = make_task(session, made.project)
    for _ in range(2):
        make_assignment(session, made.project, task=task, state=State.SUBMITTED)
    session.commit()

    assert [sweeps.expire_overdue(), sweeps.expire_overdue()] == [3, 0]
    assert [sweeps.accept_overdue(), sweeps.accept_overdue()] == [3, 0]
    assert [sweeps.validate_pending(), sweeps.validate_pending()] == [2, 0]


def test_what_experts_disagree_about_is_looked_at_once(session, backend, jobs, monkeypatch):
    made = make_desk(session, tasks=1, experts=2)
    looks, look = [], validation.by_agreement

    def noted(session, task_id, *, at):
        looks.append(task_id)
        return look(session, task_id, at=at)

    monkeypatch.setattr(validation, "by_agreement", noted)
    for expert, said in zip(made.experts, ("grant", "patent"), strict=True):
        lease = claimed(session, made.project, expert.user_id, at=now())
        assignment.submit(session, lease, made.project, choice(said), at=now())
        session.commit()
        jobs()

    assert sweeps.validate_handed_in() == 0

    assert looks == [session.exec(select(Task.id)).one()] * 2
    assert session.exec(select(ValidationDue)).all() == []


def test_a_task_that_cannot_be_asked_about_does_not_keep_the_others(session, backend, monkeypatch):
    made = make_desk(session, tasks=2, experts=2)
    for expert in made.experts * 2:
        lease = claimed(session, made.project, expert.user_id, at=now())
        assignment.submit(session, lease, made.project, choice(), at=now())
    session.commit()
    bad = min(session.exec(select(Task.id)))
    ask = validation.by_agreement

    def asked(session, task_id, *, at):
        if task_id == bad:
            raise ValueError("no")
        return ask(session, task_id, at=at)

    monkeypatch.setattr(validation, "by_agreement", asked)
    with pytest.raises(RuntimeError, match="about 1 tasks"):
        sweeps.validate_handed_in()
    monkeypatch.undo()

    states = {(one.task_id == bad, one.state) for one in session.exec(select(Assignment))}
    assert states == {(True, State.SUBMITTED), (False, State.ACCEPTED)}
    assert [sweeps.validate_handed_in(), sweeps.validate_handed_in()] == [2, 0]


def test_a_file_for_an_open_project_is_pushed(session, backend, jobs):
    made = make_desk(session, tasks=0)
    make_task(session, made.project)
    tasks.push_later(session, made.project_id)
    tasks.push_later(session, made.project_id)
    session.commit()

    assert jobs() == ["annotation.push_project"]
    assert len(backend.tasks) == 1
