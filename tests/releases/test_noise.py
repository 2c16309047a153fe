import re

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from accounts.models import User
from annotation.models import Assignment, Task
from core.clock import now
from core.models import AuditEvent
from payouts.models import Move
from projects.models import State as ProjectState
from releases import noise, noise_jobs, noise_routes
from releases.noise_measures import look
from releases.noise_models import FindingState, NoiseFinding, NoiseReport, ReportState
from releases.noise_work import Item, Question, Trouble
from tests.factories.annotation import choice, make_assignment, make_desk, make_task
from tests.factories.noise import WORDS, make_finding, make_labelled, make_report
from tests.factories.releases import make_ml_team
from tests.jobs_run import run_jobs

FREE_CHOICE = """<View><Text name="text" value="$text"/>
<Choices name="many" toName="text" choice="multiple"><Choice value="a"/><Choice value="b"/>
</Choices></View>"""


def items(votes, *, texts=True, count=30):
    """Thirty tasks of two labels by turns; `votes(number, label)` says what experts chose."""
    found = []
    for number in range(count):
        label = "grant" if number % 2 else "warranty"
        text = f"party {number} {WORDS[label]}" if texts else ""
        found.append(Item(number, text, tuple(enumerate(votes(number, label)))))
    return Question("clause", tuple(found))


def other(label):
    return "grant" if label == "warranty" else "warranty"


def test_a_label_that_the_text_contradicts_is_found_though_all_agree_on_it():
    looked = look(items(lambda n, label: [other(label) if n == 7 else label] * 2))

    assert [one.task_id for one in looked.found] == [7]
    assert (looked.found[0].given, looked.found[0].likely) == ("warranty", "grant")
    assert looked.found[0].votes == {"warranty": 2}
    assert [code for code, _label, _share in looked.found[0].reasons] == ["text"]
    assert looked.used_votes
    assert looked.used_text


def test_without_a_text_experts_are_weighed_by_what_they_do_elsewhere():
    # Two who often err agree on task 5, against one who is always right.
    def votes(number, label):
        return [
            other(label) if number % 3 == 0 or number == 5 else label,
            other(label) if number % 3 == 1 or number == 5 else label,
            label,
        ]

    looked = look(items(votes, texts=False))

    [found] = [one for one in looked.found if one.task_id == 5]
    assert (found.given, found.likely) == ("warranty", "grant")
    assert {code for code, _label, _share in found.reasons} == {"split", "votes"}
    assert not looked.used_text


def test_one_answer_each_and_a_text_are_enough():
    looked = look(items(lambda n, label: [other(label) if n == 7 else label]))

    assert [one.task_id for one in looked.found] == [7]
    assert looked.found[0].reasons[0][0] == "alone"
    assert not looked.used_votes


@pytest.mark.parametrize(
    ("question", "trouble"),
    [
        (items(lambda n, label: [label] * 2, count=10), Trouble.TOO_FEW),
        (items(lambda n, label: []), Trouble.TOO_FEW),
        (items(lambda n, label: ["grant"] * 2), Trouble.ONE_LABEL),
        (items(lambda n, label: ["grant" if n else "rare"] * 2), Trouble.ONE_LABEL),
        (items(lambda n, label: [label], texts=False), Trouble.ONE_VOTE),
    ],
)
def test_where_nothing_can_be_said_it_is_said_why(question, trouble):
    assert look(question).trouble is trouble


def test_known_answers_teach_and_are_never_doubted():
    question = items(lambda n, label: [other(label) if n == 7 else label] * 2)
    known = [Item(one.task_id, one.text, one.votes, "warranty") for one in question.items[7:8]]
    looked = look(Question("clause", (*question.items[:7], *known, *question.items[8:])))

    assert looked.found == ()


def test_an_owner_asks_looks_and_sends_back(app, session, sign_in):
    desk = make_labelled(session, wrong=(7, 12))
    client = sign_in(desk.owner)
    path = f"/projects/{desk.project_id}/doubtful-labels"
    assert "Nobody has looked yet" in client.get(path).text

    assert client.post(path).status_code == 302
    client.post(path)  # the second click
    assert "A worker takes it up" in client.get(path).text
    assert run_jobs(app).count("releases.look_at_labels") == 1

    page = client.get(path)
    assert "t-007" in page.text
    assert "t-012" in page.text
    assert "What was learned from the other texts" in page.text
    found = session.exec(select(NoiseFinding).order_by(col(NoiseFinding.task_id))).all()
    assert len(found) == 2
    moves = len(session.exec(select(Move)).all())
    verdicts = _verdicts(session)

    assert client.post(f"{path}/send").status_code == 422
    assert "Choose at least one label" in client.post(f"{path}/send").text
    for _click in range(2):
        assert client.post(f"{path}/send", data={"finding": found[0].id}).status_code == 302
    client.post(f"{path}/{found[1].id}/right")

    session.expire_all()
    task = session.get_one(Task, found[0].task_id)
    assert (task.slots, task.slots_left) == (3, 1)
    assert (found[0].state, found[1].state) == (FindingState.SENT, FindingState.RIGHT)
    # Nobody's verdict, earning or reserve has moved.
    assert len(session.exec(select(Move)).all()) == moves
    assert _verdicts(session) == verdicts
    acts = session.exec(select(AuditEvent.action).where(col(AuditEvent.action).like("noise.%")))
    assert sorted(acts) == ["noise.asked", "noise.said_right", "noise.sent_back"]
    assert client.post(f"{path}/{found[0].id}/right").status_code == 409

    # What was dealt with is not found again before a new answer comes.
    client.post(path)
    run_jobs(app)
    assert "No label is doubtful" in client.get(path).text
    assert "2 more were dealt with before" in client.get(path).text
    late = make_assignment(
        session, desk.project, task=task, state="accepted", result=choice("warranty")
    )
    session.commit()
    client.post(path)
    run_jobs(app)
    newest = noise.newest(session, desk.project_id)
    again = session.exec(select(NoiseFinding).where(NoiseFinding.report_id == newest.id)).all()
    assert [one.task_id for one in again] == [late.task_id]


def test_the_least_likely_are_sent_at_once_and_tasks_that_wait_get_no_further_slot(
    session, sign_in, monkeypatch
):
    monkeypatch.setattr(noise_routes, "TOP", 2)
    desk = make_desk(session, tasks=0)
    report = make_report(session, desk, found=3)
    tasks = [make_task(session, desk.project, slots=2, slots_left=left) for left in (0, 1, 0)]
    for number, task in enumerate(tasks):
        make_finding(session, report, task, score=number / 10)
    client = sign_in(desk.owner)
    path = f"/projects/{desk.project_id}/doubtful-labels"

    page = client.get(path).text
    [least] = re.findall(r'name="top" value="([\d ]+)"', page)
    for _click in range(2):  # a second click sends the same ones, not the next
        assert client.post(f"{path}/send", data={"top": least}).status_code == 302
    assert client.post(f"{path}/send", data={"top": "x"}).status_code == 422

    session.expire_all()
    assert [one.slots_left for one in tasks] == [1, 1, 0]
    assert [one.slots for one in tasks] == [3, 2, 2]


def test_of_a_completed_project_nothing_is_sent_back(session, sign_in):
    desk = make_desk(session, tasks=0)
    finding = make_finding(session, make_report(session, desk), make_task(session, desk.project))
    desk.project.state = ProjectState.COMPLETED
    session.commit()
    client = sign_in(desk.owner)
    path = f"/projects/{desk.project_id}/doubtful-labels"

    assert client.post(f"{path}/send", data={"finding": finding.id}).status_code == 409
    assert "This project is completed" in client.get(path).text


def test_others_see_nothing_and_change_nothing(session, sign_in):
    desk = make_desk(session, tasks=0)
    finding = make_finding(session, make_report(session, desk), make_task(session, desk.project))
    strange = make_desk(session, tasks=0)
    path = f"/projects/{desk.project_id}/doubtful-labels"

    expert = session.get_one(User, desk.experts[0].user_id)
    for person in (make_ml_team(session)[0], strange.owner, expert):
        client = sign_in(person)
        assert client.get(path).status_code in (403, 404)
        assert client.post(f"{path}/send", data={"finding": finding.id}).status_code in (403, 404)
    # Nor by way of a project of one's own.
    mine = f"/projects/{strange.project_id}/doubtful-labels"
    client = sign_in(strange.owner)
    client.post(f"{mine}/send", data={"finding": finding.id})
    assert client.post(f"{mine}/{finding.id}/right").status_code in (403, 404)
    session.expire_all()
    assert finding.state is FindingState.OPEN


def test_a_project_without_a_single_choice_is_told_so(session, sign_in):
    desk = make_desk(session, tasks=0, label_config=FREE_CHOICE)
    path = f"/projects/{desk.project_id}/doubtful-labels"
    client = sign_in(desk.owner)

    assert "Only questions with one choice" in client.get(path).text
    assert client.post(path).status_code == 422


def test_too_few_labels_are_a_report_that_says_so(app, session, sign_in):
    desk = make_labelled(session, tasks=4)
    path = f"/projects/{desk.project_id}/doubtful-labels"
    client = sign_in(desk.owner)

    client.post(path)
    run_jobs(app)

    assert "Too few tasks" in client.get(path).text
    assert noise.newest(session, desk.project_id).state is ReportState.FAILED


def test_a_look_that_was_killed_is_taken_up_and_after_three_attempts_given_up(session):
    desk = make_desk(session, tasks=0)
    report = make_report(session, desk, state=ReportState.LOOKING, ended_at=None, tasks=0)

    assert noise.take(session, report.id, at=now()) is not None
    assert noise.take(session, report.id, at=now()) is None  # another worker's
    assert noise.take_up(session, at=now()) == 0
    later = now() + noise.HELD * 2
    assert noise.take_up(session, at=later) == 1
    for attempt in (2, 3):
        assert noise.take(session, report.id, at=later + noise.HELD * 2 * attempt) is not None
    assert noise.take(session, report.id, at=later + noise.HELD * 9) is None
    assert (report.state, report.trouble) == (ReportState.FAILED, Trouble.GAVE_UP)


def test_a_look_that_fails_is_let_go_at_once(app, session, monkeypatch):
    desk = make_labelled(session, tasks=1)
    report = noise.ask(session, desk.project, by=desk.owner, at=now())
    session.commit()

    def broken(*_asked):
        raise OSError

    monkeypatch.setattr(noise, "read", broken)
    with app.app_context(), pytest.raises(OSError):  # noqa: PT011
        noise_jobs.look_at_labels(report.id)

    session.expire_all()
    assert report.held_until is None
    assert noise.take(session, report.id, at=now()) is not None


def test_what_was_found_is_never_changed(session):
    desk = make_desk(session, tasks=0)
    finding = make_finding(session, make_report(session, desk), make_task(session, desk.project))
    finding.score = 0.9

    with pytest.raises(DBAPIError, match="never changed"), session.begin_nested():
        session.flush()


def _verdicts(session):
    query = select(Assignment.id, Assignment.state, Assignment.decided_at)
    return session.exec(query.order_by(col(Assignment.id))).all()


def test_one_look_at_a_time(session):
    desk = make_desk(session, tasks=0)

    first = noise.ask(session, desk.project, by=desk.owner, at=now())
    second = noise.ask(session, desk.project, by=desk.owner, at=now())

    assert first.id == second.id
    assert len(session.exec(select(NoiseReport)).all()) == 1
