"""The pages of experts and owners, in both languages, and what the bench asks for."""

import io
import re
import time
from datetime import timedelta

import pytest
from sqlmodel import select

from accounts.models import Appeal, AppealOutcome, User
from annotation import assignment, progress, review_queue
from annotation.models import (
    Annotation,
    Assignment,
    Draft,
    State,
    Task,
    Verdict,
)
from core import formats, kept
from core.clock import now
from core.models import Letter
from projects.models import State as ProjectState
from projects.models import Validation
from tests.factories.accounts import make_owner, make_user
from tests.factories.annotation import (
    TEXT,
    choice,
    join,
    make_assignment,
    make_desk,
    make_task,
    second_member,
)
from tests.factories.decisions import contest, decision_of, make_refused
from tests.factories.projects import make_project

REASON = "The clause limits liability; it grants nothing."
REFUSAL = {"verdict": "rejected", "reason_code": "incomplete", "words": REASON, "clause": "2.1"}


ACTS = ("draft", "submit")


def user_of(session, expert):
    return session.get(User, expert.user_id)


@pytest.fixture
def made(session):
    return make_desk(session, tasks=3, experts=2)


@pytest.fixture
def expert(session, made, sign_in):
    return sign_in(user_of(session, made.experts[0]))


@pytest.fixture
def owner(made, sign_in):
    return sign_in(made.owner)


def claim(client, made):
    return client.post(f"/work/claim/{made.project_id}").location


def test_an_expert_takes_a_task_works_and_hands_in(session, made, expert):
    assert "Take a task" in expert.get("/work").text

    bench = claim(expert, made)
    asked = expert.get(f"{bench}/task.json").json
    saved = expert.post(f"{bench}/draft", json={"result": choice("patent")})
    handed_in = expert.post(f"{bench}/submit", json={"result": choice("grant")})

    assert set(asked) == {"config", "draft", "lost", "saved_at", "task"}
    assert asked["task"]["data"] == {"text": TEXT}
    assert saved.status_code == 200
    assert handed_in.json["state"] == "submitted"
    page = expert.get(handed_in.json["next"])
    assert "is in review" in page.text
    assert "grant" in page.text
    assert session.exec(select(Annotation)).one().result == choice("grant")


def test_claiming_twice_leads_to_one_task(session, made, expert):
    assert claim(expert, made) == claim(expert, made)
    assert len(session.exec(select(Assignment)).all()) == 1


def test_the_bench_finds_the_draft_again(made, expert):
    bench = claim(expert, made)
    expert.post(f"{bench}/draft", json={"result": choice("patent")})

    assert expert.get(f"{bench}/task.json").json["draft"] == choice("patent")
    assert expert.get(bench).status_code == 200


def test_a_version_from_another_device_is_not_written_over(session, made, expert):
    bench = claim(expert, made)
    mine, other = choice("patent"), choice("other")
    first = expert.post(f"{bench}/draft", json={"result": mine, "base": ""}).json["saved_at"]

    again = expert.post(f"{bench}/draft", json={"result": mine, "base": ""})
    blind = [expert.post(f"{bench}/{act}", json={"result": other, "base": ""}) for act in ACTS]

    assert again.json["saved_at"] == first == expert.get(f"{bench}/task.json").json["saved_at"]
    assert expert.post(f"{bench}/alive", json={}).json["draft_at"] == first
    for answer in blind:
        assert answer.status_code == 409
        assert (answer.json["draft"], answer.json["saved_at"]) == (mine, first)
    assert session.exec(select(Draft)).one().result == mine
    assert expert.post(f"{bench}/submit", json={"result": other, "base": first}).status_code == 200


@pytest.mark.parametrize("base", ["", "yesterday", 7, "2026-01-05T09:00:00", "9999-12-31"])
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_hand_in_that_has_not_seen_the_draft_changes_nothing(
    session, made, expert, goes_on, base
):
    bench = claim(expert, made)
    expert.post(f"{bench}/draft", json={"result": choice("patent"), "base": ""})
    blind = {"result": choice("other"), "base": base, "next": goes_on}

    answer = expert.post(f"{bench}/submit", json=blind)
    same = expert.post(f"{bench}/submit", json=blind | {"result": choice("patent")})

    assert (answer.status_code, answer.json["draft"]) == (409, choice("patent"))
    assert (same.status_code, same.json.get("follows")) == (200, True if goes_on else None)
    assert session.exec(select(Annotation)).one().result == choice("patent")


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**60])
def test_a_number_that_no_lease_has_is_not_found_and_signs_nobody_out(made, expert, number):
    answer = expert.post(f"/work/{number}/submit", json={"result": choice(), "base": ""})

    assert answer.status_code == 404
    assert expert.get("/work").status_code == 200


def test_handing_in_twice_gives_the_same_answer(session, made, expert):
    bench = claim(expert, made)

    first = expert.post(f"{bench}/submit", json={"result": choice("grant")})
    second = expert.post(f"{bench}/submit", json={"result": choice("patent")})

    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert session.exec(select(Annotation)).one().result == choice("grant")


@pytest.mark.parametrize("result", [[], None, "x", [{"a": 1}], choice("nonsense")])
def test_a_wrong_answer_is_refused_with_what_is_wrong(session, made, expert, result):
    bench = claim(expert, made)

    answer = expert.post(f"{bench}/submit", json={"result": result})

    assert answer.status_code == 422
    assert answer.json["errors"]
    assert session.exec(select(Annotation)).first() is None


def test_too_late_is_said_and_the_answer_kept(session, made, expert):
    bench = claim(expert, made)
    lease = session.exec(select(Assignment)).one()
    assignment.expire_next(session, at=lease.due_at.replace(year=2099))
    session.commit()

    answer = expert.post(f"{bench}/submit", json={"result": choice("patent")})

    assert answer.status_code == 409
    assert "time for this task ran out" in answer.json["title"]
    session.expire_all()
    assert session.get(Draft, lease.id).result == choice("patent")
    assert "What you had typed is kept" in expert.get(bench).text

    again = [expert.post(f"{bench}/again").location for _click in range(2)]
    assert again[0] == again[1] != bench
    assert expert.get(f"{again[0]}/task.json").json["draft"] == choice("patent")
    renewed = session.exec(select(Assignment).where(Assignment.state == State.ACTIVE)).one()
    assert (renewed.task_id, renewed.pay) == (lease.task_id, lease.pay)
    assert "Take this task again" not in expert.get(bench).text

    assignment.expire_next(session, at=renewed.due_at.replace(year=2099))
    session.get(Task, lease.task_id).slots_left = 0
    session.commit()
    assert expert.post(f"{bench}/again").status_code == 409
    assert "Take this task again" not in expert.get(bench).text


def test_a_task_is_skipped_with_a_reason_or_returned(session, made, expert):
    bench = claim(expert, made)
    assert expert.post(f"{bench}/skip", json={"reason": " "}).status_code == 422
    assert expert.post(f"{bench}/skip", json={"reason": "Not my field"}).json["state"] == "skipped"
    assert "Not my field" in expert.get(bench).text

    bench = claim(expert, made)
    assert expert.post(f"{bench}/return").location == "/work"
    assert "Returning has no effect on you" in expert.get(bench).text


@pytest.mark.parametrize("path", ["", "/task.json"])
def test_another_experts_task_is_not_there(session, made, expert, sign_in, path):
    bench = claim(expert, made)
    other = sign_in(user_of(session, made.experts[1]))

    assert other.get(bench + path).status_code == 404


@pytest.mark.parametrize("path", ["draft", "submit", "skip", "return"])
def test_another_experts_task_cannot_be_changed(session, made, expert, sign_in, path):
    bench = claim(expert, made)
    other = sign_in(user_of(session, made.experts[1]))

    assert other.post(f"{bench}/{path}", json={"result": choice()}).status_code == 404


def test_pages_are_for_those_whose_work_it_is(session, made, owner, client, sign_in):
    stranger = sign_in(make_owner(session)[0])
    operator = sign_in(make_user(session, "operator"))

    assert owner.get("/work").status_code == 403
    assert client.get("/work").status_code == 302
    for page in ("review", "progress", "tasks", "tasks/example.csv"):
        path = f"/projects/{made.project_id}/{page}"
        assert owner.get(path).status_code == 200
        assert stranger.get(path).status_code == 404
        assert operator.get(path).status_code == 403


def test_no_task_says_why(session, sign_in):
    made = make_desk(session, tasks=0)
    expert = sign_in(user_of(session, made.experts[0]))

    page = expert.post(f"/work/claim/{made.project_id}")

    assert page.status_code == 409
    assert "All its tasks are with other experts" in page.text
    made.project.state = ProjectState.PAUSED
    session.commit()
    assert "Paused by its owner" in expert.post(f"/work/claim/{made.project_id}").text
    assert "Paused by its owner" in expert.get("/work").text


def test_without_budget_the_expert_is_told_and_the_owner_gets_one_letter(session, sign_in, jobs):
    made = make_desk(session, tasks=2, experts=2, funds=100)
    for each in made.experts:
        page = sign_in(user_of(session, each)).post(f"/work/claim/{made.project_id}")
        assert page.status_code == 409
        assert "Waits for its budget" in page.text

    jobs()
    letters = session.exec(select(Letter)).all()
    assert [letter.template for letter in letters] == ["annotation/budget_short"]
    assert letters[0].user_id == made.owner.id
    assert {task.slots_left for task in session.exec(select(Task))} == {2}


def test_a_review_shows_answers_side_by_side(session, made, owner):
    task = make_task(session, made.project, gold=choice("grant"))
    one, two = made.experts
    make_assignment(session, made.project, expert=one, task=task, state=State.SUBMITTED)
    make_assignment(
        session,
        made.project,
        expert=two,
        task=task,
        state=State.SUBMITTED,
        result=choice("patent", (0, 12, "Party")),
    )
    session.commit()

    page = owner.get(f"/projects/{made.project_id}/review").text

    assert f"Expert {one.pseudonym}" in page
    assert f"Expert {two.pseudonym}" in page
    assert "No answer has a majority" in page
    assert "Known answer met" in page
    assert "Known answer missed" in page
    assert "Accept and pay €4.20" in page
    assert "The licensor" in page


def test_an_expert_with_two_answers_on_the_page_makes_no_two_landmarks_of_one_name(
    session, made, owner
):
    expert = join(session, made.project)
    for _answer in range(2):
        make_assignment(session, made.project, expert=expert, state=State.SUBMITTED)

    page = owner.get(f"/projects/{made.project_id}/review?all=1").text

    named = re.findall(r'<section[^>]*aria-labelledby="([^"]+)"', page)
    words = [re.search(rf'id="{name}"[^>]*>(.*?)</h', page, re.S)[1] for name in named]
    assert len(words) == len(set(words))


def test_accepting_pays_and_says_so(session, made, owner):
    lease = make_assignment(session, made.project, state=State.SUBMITTED)
    session.commit()

    answer = owner.post(f"/review/{lease.id}", data={"verdict": "accepted"}, follow_redirects=True)

    assert "Verdict recorded: accepted. €4.20 go to the expert." in answer.text
    session.expire_all()
    assert session.get(Assignment, lease.id).verdict is Verdict.ACCEPTED


def test_a_second_verdict_is_refused_and_changes_nothing(session, made, owner):
    lease = make_assignment(session, made.project, state=State.ACCEPTED)
    session.commit()

    response = owner.post(
        f"/review/{lease.id}",
        data=REFUSAL,
    )

    assert response.status_code == 409
    assert "already has a verdict" in response.text
    session.expire_all()
    assert session.get(Assignment, lease.id).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    "data",
    [
        {"verdict": "rejected"},
        {"verdict": "rejected", "reason_code": "incomplete", "words": "too short", "clause": "2.1"},
        {"verdict": "rejected", "reason_code": "made_up", "words": REASON, "clause": "2.1"},
        {"verdict": "maybe"},
    ],
)
def test_no_refusal_without_reason_and_words(session, made, owner, data):
    lease = make_assignment(
        session, made.project, state=State.SUBMITTED, task=full_task(session, made)
    )
    session.commit()

    page = owner.post(f"/review/{lease.id}", data=data)

    assert page.status_code == 422
    session.expire_all()
    assert session.get(Assignment, lease.id).state is State.SUBMITTED
    if data["verdict"] == "rejected":
        assert "to put right" in page.text
        assert data.get("words", "") in page.text


def full_task(session, made):
    return make_task(session, made.project, slots=1, slots_left=1)


def test_a_refusal_is_shown_with_all_its_parts_and_can_be_contested(
    session, made, owner, expert, sign_in, jobs
):
    lease = make_assignment(
        session,
        made.project,
        expert=made.experts[0],
        task=full_task(session, made),
        state=State.SUBMITTED,
    )
    session.commit()
    other = second_member(session, made)
    session.commit()

    owner.post(
        f"/review/{lease.id}",
        data=REFUSAL | {"reason_code": "wrong_answer"},
    )
    page = expert.get(f"/work/{lease.id}").text

    for part in (
        "was not accepted",
        "Wrong answer",
        REASON,
        "What you handed in:",
        "a person, at the owner",
        "What would have changed it",
        "Contest this decision",
    ):
        assert part in page
    session.expire_all()
    decision = f"/decisions/{session.get(Assignment, lease.id).decision_id}"
    for part in ("Work not accepted", "Wrong answer", REASON, "What would have changed it"):
        assert part in expert.get(decision).text
    assert expert.post(f"{decision}/appeal", data={"words": "no"}).status_code == 422
    words = "The guidelines call this a grant, see their second sentence."
    for _click in range(2):
        expert.post(f"{decision}/appeal", data={"words": words, "ground": "rule"})
    contested = session.exec(select(Appeal)).one()

    queue, look = f"/projects/{made.project_id}/review", f"/appeals/{contested.id}"
    assert look in owner.get(queue).text
    assert "You took this decision" in owner.get(look).text
    answer = {"outcome": "changed", "words": "You are right, and the guidelines say so."}
    assert owner.post(look, data=answer).status_code == 403
    second = sign_in(other)
    assert words in second.get(look).text
    assert second.post(look, data={}).status_code == 422
    for _click in range(2):
        assert second.post(look, data=answer).status_code == 302

    session.expire_all()
    assert session.get(Assignment, lease.id).state is State.ACCEPTED
    assert session.get(Appeal, contested.id).outcome is AppealOutcome.CHANGED
    assert "you were right" in expert.get(f"/work/{lease.id}").text
    assert "Decision changed" in expert.get(decision).text
    templates = [letter.template for letter in session.exec(select(Letter).order_by(Letter.id))]
    assert templates == [
        "annotation/work_not_accepted",
        "accounts/appeal_received",
        "accounts/appeal_to_answer",
        "annotation/refusal_overturned",
        "accounts/appeal_answered",
    ]
    told = {one.template: one for one in session.exec(select(Letter))}
    overturned = told["annotation/refusal_overturned"]
    assert overturned.user_id == made.owner.id
    for part in (f"task {lease.id}", formats.money(lease.pay), answer["words"], look):
        assert part in overturned.body
    assert formats.money(lease.pay) in told["accounts/appeal_answered"].body
    assert "This decision was changed on" in expert.get(decision).text


def test_a_decision_that_stands_is_shown_so(session, made, sign_in, expert):
    lease = make_refused(session, made)
    asked = contest(session, decision_of(session, lease))
    other = second_member(session, made)
    session.commit()

    # Where nobody else was there when it was asked, it is the operator's, and still the member's.
    sign_in(other).post(
        f"/appeals/{asked.id}",
        data={"outcome": "stands", "words": "The text names no grant anywhere."},
    )

    page = expert.get(f"/work/{lease.id}").text
    assert "Decision stands" in page
    assert "The text names no grant anywhere." in page
    work = expert.get("/work").text
    assert "Decision stands" in work
    assert "Contest until" not in work


def test_an_appeal_taken_back_shows_only_what_happened(session, made, expert):
    lease = make_refused(session, made)
    contest(session, decision_of(session, lease))
    session.commit()

    for _click in range(2):
        expert.post(f"/decisions/{lease.decision_id}/withdraw")

    page = expert.get(f"/decisions/{lease.decision_id}").text
    assert "Withdrawn on" in page
    assert "Answer with reasons" not in page
    assert "Contest until" not in expert.get("/work").text


def test_all_that_agree_are_accepted_at_once(session, made, owner):
    made.project.overlap = 3
    task = make_task(session, made.project, slots=3, slots_left=3)
    agreeing = [
        make_assignment(session, made.project, task=task, state=State.SUBMITTED) for _ in range(2)
    ]
    other = make_assignment(
        session, made.project, task=task, state=State.SUBMITTED, result=choice("patent")
    )
    session.commit()

    page = owner.post(f"/projects/{made.project_id}/review/accept-consensus", follow_redirects=True)

    assert "2 answers accepted." in page.text
    session.expire_all()
    assert {session.get(Assignment, one.id).state for one in agreeing} == {State.ACCEPTED}
    assert session.get(Assignment, other.id).state is State.SUBMITTED


def test_waiting_work_is_listed_by_project(session, made, owner):
    assert "Nothing waits for you" in owner.get("/review").text
    make_assignment(session, made.project, state=State.SUBMITTED)
    session.commit()

    page = owner.get("/review").text

    assert made.project.title in page
    assert "1 answer without a verdict" in page


def test_the_top_bar_counts_what_needs_a_person(session, made):
    one = make_task(session, made.project)
    for each, clause in zip(made.experts, ("grant", "patent"), strict=True):
        make_assignment(
            session,
            made.project,
            expert=each,
            task=one,
            state=State.SUBMITTED,
            result=choice(clause),
        )
    make_assignment(session, made.project, state=State.SUBMITTED)
    refused = make_assignment(session, made.project, state=State.REJECTED)
    contest(session, decision_of(session, refused))
    second = second_member(session, made)

    assert review_queue.count_waiting(session, second) == 3
    assert review_queue.count_waiting(session, made.owner) == 2, "who decided does not answer"
    assert review_queue.count_waiting(session, make_user(session, "owner")) == 0


def test_the_queue_is_empty_paged_and_for_agreement_only_what_differs(session, made, owner):
    queue = f"/projects/{made.project_id}/review"
    assert "Nothing waits for you here" in owner.get(queue).text

    make_assignment(session, made.project, state=State.SUBMITTED)
    session.commit()
    assert "Nothing waits for you here" in owner.get(queue).text
    assert "1 more answer is to come" in owner.get(f"{queue}?all=1").text

    made.project.validation = Validation.REVIEW
    for _ in range(6):
        make_assignment(session, made.project, state=State.SUBMITTED)
    session.commit()
    assert "Page 1 of 2" in owner.get(queue).text
    assert "Page 2 of 2" in owner.get(f"{queue}?page=2").text


def test_a_long_queue_is_shown_from_its_urgent_end_and_not_counted(
    session, made, owner, monkeypatch
):
    monkeypatch.setattr(review_queue, "REACHED", 5)
    monkeypatch.setattr(review_queue, "COUNTED", 6)
    made.project.validation = Validation.REVIEW
    leases = [
        make_assignment(session, made.project, state=State.SUBMITTED, task=task, expert=expert)
        for task in [make_task(session, made.project) for _ in range(6)]
        for expert in made.experts
    ]
    for number, lease in enumerate(leases):  # the two answers to a task have its place, once
        lease.review_by = now() + timedelta(hours=50 - number)
    session.commit()

    page = owner.get(f"/projects/{made.project_id}/review").text

    assert "More than 5 tasks wait for a verdict" in page
    assert "Page 1 of" not in page
    shown = re.findall(r'id="h-task-(\d+)"', page)
    assert [int(one) for one in shown] == [one.task_id for one in leases[:1:-2]]
    assert "More than 6 answers without a verdict" in owner.get("/review").text
    assert "More than 6 answers to review" in owner.get(f"/projects/{made.project_id}").text


def test_progress_of_a_large_project_is_counted_once_in_a_while(session, made, owner, monkeypatch):
    address = f"/projects/{made.project_id}/progress"
    monkeypatch.setattr(progress, "LARGE", 4)
    monkeypatch.setattr(kept, "TIMES", 10**6)
    assert "of 3 tasks" in owner.get(address).text
    for _ in range(2):
        make_task(session, made.project)
        session.commit()
        page = owner.get(address).text
        assert "of 4 tasks" in page
        assert "As of " in page
    monkeypatch.setattr(kept, "monotonic", lambda: time.monotonic() + 10**9)
    assert "of 5 tasks" in owner.get(address).text


def test_progress_writes_large_numbers_as_the_rest(made, owner, monkeypatch):
    measured = progress.Measures(0.7, 0.8, 1866, 0, 0), []
    monkeypatch.setattr(progress, "measures", lambda *_anything: measured)

    page = owner.get(f"/projects/{made.project_id}/progress").text

    assert "over 1,866 tasks" in page


def test_progress_counts_and_names_by_pseudonym(session, made, owner):
    assert "Nobody has taken a task yet" in owner.get(f"/projects/{made.project_id}/progress").text
    task = make_task(session, made.project, gold=choice("grant"))
    for each, clause in zip(made.experts, ("grant", "patent"), strict=True):
        make_assignment(
            session,
            made.project,
            expert=each,
            task=task,
            state=State.ACCEPTED,
            result=choice(clause),
        )
    session.commit()

    page = owner.get(f"/projects/{made.project_id}/progress").text

    assert "1 of 4 tasks have all their answers" in page
    assert made.experts[0].pseudonym in page
    assert "1 of 1" in page
    assert "50%" in page


def upload(client, made, text, name="tasks.jsonl"):
    data = {"file": (io.BytesIO(text.encode()), name)}
    return client.post(
        f"/projects/{made.project_id}/tasks", data=data, content_type="multipart/form-data"
    )


def test_tasks_come_in_from_the_example_and_only_once(session, made, owner):
    for kind in ("jsonl", "csv"):
        example = owner.get(f"/projects/{made.project_id}/tasks/example.{kind}").text
        assert upload(owner, made, example, f"tasks.{kind}").status_code == 302

    page = owner.get(f"/projects/{made.project_id}/tasks").text
    assert "2 were in the project already" in page
    assert "2 tasks added." in page
    assert "Example of text, 1" in page
    assert "Known answer" in page


def test_bad_lines_are_named_and_nothing_is_added(session, made, owner):
    before = len(session.exec(select(Task)).all())

    page = upload(owner, made, '{"data": {"text": "fine"}}\n{"data": {}}\nnot json\n')

    assert page.status_code == 422
    assert "Line 2: Add “text”" in page.text
    assert "Line 3: Correct the JSON" in page.text
    assert len(session.exec(select(Task)).all()) == before


@pytest.mark.parametrize(("text", "name"), [("", "tasks.jsonl"), ("x", "tasks.exe")])
def test_what_is_no_file_of_tasks_is_refused(made, owner, text, name):
    assert upload(owner, made, text, name).status_code == 422


def test_pages_speak_french(session, made, sign_in):
    user = user_of(session, made.experts[0])
    user.locale = made.owner.locale = "fr"
    lease = make_assignment(session, made.project, expert=made.experts[0], state=State.REJECTED)
    make_assignment(session, made.project, expert=made.experts[1], state=State.SUBMITTED)
    made.project.validation = Validation.REVIEW
    session.commit()
    expert, owner = sign_in(user), sign_in(made.owner)

    assert "Votre travail" in expert.get("/work").text
    assert "n’a pas été acceptée" in expert.get(f"/work/{lease.id}").text
    assert "Avancement" in owner.get(f"/projects/{made.project_id}/progress").text
    assert "Accepter et payer" in owner.get(f"/projects/{made.project_id}/review").text
    assert "Ajouter les tâches" in owner.get(f"/projects/{made.project_id}/tasks").text


def test_a_draft_without_labels_says_that_they_come_first(session, sign_in):
    owner, organisation = make_owner(session)
    project = make_project(session, organisation, label_config="")
    client = sign_in(owner)
    where = f"/projects/{project.id}"

    page = client.get(f"{where}/tasks")
    sent = client.post(
        f"{where}/tasks",
        data={"file": (io.BytesIO(b'{"data": {"text": "x"}}'), "tasks.jsonl")},
    )

    assert "First the labels" in page.text
    assert f"{where}/labels" in page.text
    assert client.get(f"{where}/review").status_code == 200
    assert client.get(f"{where}/tasks/example.csv").status_code == 409
    assert sent.status_code == 409
    assert "First choose the labels" in sent.text
