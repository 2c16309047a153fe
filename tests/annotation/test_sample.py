"""Work samples: chosen, taken, scored, decided; and who may work before and after."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts.models import Decision, DecisionKind, User
from annotation import assignment, released, sample, sample_course, sample_outcome
from annotation.models import Annotation, Task
from annotation.sample import Asked, Why
from annotation.sample_models import SampleAnswer, SampleState, WorkSample
from core.clock import now
from core.models import Letter
from payouts import earnings
from payouts.extra_pay_models import ExtraPay, ExtraState
from tests.factories.annotation import choice, claimed, join, make_assignment, make_task
from tests.factories.decisions import answer as answer_appeal
from tests.factories.decisions import changed, contest
from tests.factories.samples import (
    answer_sample,
    make_rule,
    make_sample,
    make_sample_desk,
    tasks_of,
)

WORDS = "The marks are missing in two of the three tasks."


@pytest.fixture
def desk(session):
    return make_sample_desk(session)


@pytest.fixture
def expert(session, desk, sign_in):
    return sign_in(session.get(User, desk.experts[0].user_id))


@pytest.fixture
def owner(desk, sign_in):
    return sign_in(desk.owner)


def standing(session, desk, number=0, at=None):
    return sample.standing(session, desk.project_id, desk.experts[number].user_id, at=at)


def begin(client, desk):
    """Start by the button; return the address of the work sample."""
    return client.post(f"/work-samples/projects/{desk.project_id}").location


def known(session, address, position):
    sample_id = int(address.rpartition("/")[2])
    return dict(tasks_of(session, session.get(WorkSample, sample_id)))[position]


def take(session, client, desk, results):
    """Take a whole sample over the web; a `None` stands for the known answer."""
    address = begin(client, desk)
    for position, result in enumerate(results, start=1):
        given = known(session, address, position) if result is None else result
        sent = client.post(f"{address}/tasks/{position}/submit", json={"result": given})
        assert sent.status_code == 200, sent.text
    return address


WRONG = choice("termination", (0, 3, "Obligation"))


def test_no_task_before_the_work_sample_and_tasks_after_it(session, desk, expert):
    refused = expert.post(f"/work/claim/{desk.project_id}")
    assert refused.status_code == 409
    assert "Asks for a work sample first" in refused.text
    assert "Work sample first" in expert.get("/work").text

    address = take(session, expert, desk, [None, None, None])

    page = expert.get(f"{address}/result")
    assert "You have passed" in page.text
    assert standing(session, desk).why is Why.PASSED
    assert expert.post(f"/work/claim/{desk.project_id}").status_code == 302
    assert session.exec(select(Decision)).one().kind is DecisionKind.SAMPLE_PASSED


def test_what_is_known_never_reaches_the_page_before_the_end(session, desk, expert):
    task = session.exec(select(Task).where(Task.gold.is_not(None))).first()  # type: ignore[union-attr]
    secret = [dict(part, meta={"text": ["zzknown"]}) for part in task.gold]
    session.execute(
        text(
            "update task set gold = cast(:gold as jsonb), external_id = 'zzname-' || id"
            " where gold is not null"
        ),
        {"gold": json.dumps(secret)},
    )
    address = begin(expert, desk)
    told = []
    for position in (1, 2, 3):
        one = f"{address}/tasks/{position}"
        told += [expert.get(one).text, expert.get(f"{one}/task.json").text]
        assert set(expert.get(f"{one}/task.json").json) == {"config", "draft", "lost", "task"}
        told.append(expert.post(f"{one}/draft", json={"result": WRONG}).text)
        told.append(expert.get(f"{address}/result").text)
        told.append(expert.post(f"{one}/submit", json={"result": WRONG}).text)
        told.append(expert.get(f"/work-samples/projects/{desk.project_id}").text)

    assert "zzknown" not in "".join(told)
    assert "zzname" not in "".join(told)
    result = expert.get(f"{address}/result")
    assert "The known answers are not shown" in result.text
    assert "The known answer</h4>" not in result.text
    assert "zzname" not in result.text


def test_where_the_owner_reveals_them_known_answers_stand_beside_ones_own(session, sign_in):
    desk = make_sample_desk(session, asked=Asked(tasks=3, pass_share=0.7, reveals=True))
    expert = sign_in(session.get(User, desk.experts[0].user_id))
    address = begin(expert, desk)
    assert "The known answer" not in expert.get(f"{address}/tasks/1").text

    for position in (1, 2, 3):
        expert.post(f"{address}/tasks/{position}/submit", json={"result": WRONG})

    assert "The known answer</h4>" in expert.get(f"{address}/result").text


def test_a_clear_miss_is_a_decision_with_reasons_and_may_be_contested(
    session, app, desk, expert, sign_in
):
    address = take(session, expert, desk, [WRONG, WRONG, WRONG])

    found = session.exec(select(WorkSample)).one()
    decision = session.get(Decision, found.decision_id)
    assert found.state is SampleState.FAILED
    assert decision.kind is DecisionKind.SAMPLE_FAILED
    assert decision.organisation_id == desk.organisation.id
    page = expert.get(f"{address}/result")
    for part in ("Why", "Evidence", "Who decided", "What would have changed it", "contest it"):
        assert part in page.text
    assert "Contest this decision" in page.text
    assert standing(session, desk).why is Why.TOO_SOON
    letter = session.exec(select(Letter).where(Letter.template.contains("not_passed"))).one()
    assert "You may contest it until" in letter.body

    appeal = contest(session, decision, "The known answers are wrong in all three tasks.")
    assert "The known answer" in sign_in(desk.owner).get(f"/appeals/{appeal.id}").text
    answer_appeal(session, app, appeal, changed(), by=desk.owner)

    assert session.get(WorkSample, found.id).state is SampleState.PASSED
    assert standing(session, desk).may_work
    assert "changed the first result" in expert.get(f"{address}/result").text


def test_near_the_line_a_person_looks(session, desk, expert, owner):
    address = take(session, expert, desk, [None, None, WRONG])
    found = session.exec(select(WorkSample)).one()
    assert found.state is SampleState.REVIEW
    assert "A person looks" in expert.get(f"{address}/result").text
    assert "1 work sample to look at" in owner.get(f"/projects/{desk.project_id}").text
    place = f"/projects/{desk.project_id}/work-sample/{found.id}"
    assert "The known answer" in owner.get(place).text

    short = owner.post(place, data={"verdict": "failed", "why": "no", "change": "more"})
    assert short.status_code == 422
    data = {"verdict": "failed", "why": WORDS, "change": "Marks on all of the parties."}
    assert owner.post(place, data=data).status_code == 302
    assert owner.post(place, data=data).status_code == 302  # a double click

    decision = session.exec(select(Decision)).one()
    assert decision.decided_by == desk.owner.id
    assert WORDS in expert.get(f"{address}/result").text
    assert owner.post(place, data={"verdict": "passed"}).status_code == 409


def test_a_person_lets_pass(session, desk, expert, owner):
    take(session, expert, desk, [None, None, WRONG])
    found = session.exec(select(WorkSample)).one()

    owner.post(f"/projects/{desk.project_id}/work-sample/{found.id}", data={"verdict": "passed"})

    session.expire_all()
    assert standing(session, desk).may_work
    assert session.exec(select(Letter).where(Letter.template.contains("sample_passed"))).one()


def test_what_nobody_looks_at_in_time_is_passed(session, desk):
    found = answer_sample(session, desk, make_sample(session, desk), 2)
    assert not sample_outcome.pass_unread(session, at=now() + timedelta(days=6))

    assert sample_outcome.pass_unread(session, at=now() + timedelta(days=8))

    assert found.state is SampleState.PASSED
    assert session.exec(select(Decision)).one().reason_code == "not_read_in_time"


def test_leaving_tasks_with_reasons_lets_nobody_in_by_silence(session, desk):
    found = make_sample(session, desk)
    for position in (1, 2, 3):
        sample_course.report_task(session, found, desk.project, position, "cut off", at=now())

    assert found.state is SampleState.REVIEW
    assert not sample_outcome.pass_unread(session, at=now() + timedelta(days=30))


def test_the_first_answer_counts_and_a_double_click_does_one_thing(session, desk, expert):
    address = begin(expert, desk)
    assert begin(expert, desk) == address

    one = f"{address}/tasks/1/submit"
    first = expert.post(one, json={"result": WRONG})
    again = expert.post(one, json={"result": known(session, address, 1)})

    assert first.json == again.json
    answer = session.exec(select(SampleAnswer).where(SampleAnswer.position == 1)).one()
    assert answer.result == WRONG
    late = expert.post(f"{address}/tasks/1/draft", json={"result": WRONG})
    assert late.status_code == 409
    ahead = expert.post(f"{address}/tasks/3/submit", json={"result": WRONG})
    assert ahead.status_code == 409
    with pytest.raises(DBAPIError, match="handed in once"), session.begin_nested():
        session.execute(text("update work_sample_answer set score = 1 where position = 1"))


def test_a_draft_is_found_again_on_another_device(session, desk, expert, sign_in):
    address = begin(expert, desk)
    expert.post(f"{address}/tasks/1/draft", json={"result": WRONG})

    other = sign_in(session.get(User, desk.experts[0].user_id))

    assert other.get(address).location == f"{address}/tasks/1"
    assert other.get(f"{address}/tasks/1/task.json").json["draft"] == WRONG
    assert "under way" in other.get(f"/work-samples/projects/{desk.project_id}").text


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "x",
        {"a": 1},
        [["x"]],
        [{"from_name": "clause", "type": "choices", "value": {"choices": ["nonsense"]}}],
        [*choice("grant"), {"from_name": "secret", "to_name": "text", "type": "choices"}],
        choice("grant", (4, 4000, "Party")),
        [*choice("grant"), *choice("patent")],
        [*choice("grant"), {"score": 1, "parts": [], "state": "passed"}],
        [{**choice("grant")[0], "value": {"choices": ["grant"], "score": 1.0}}],
    ],
)
def test_a_hostile_answer_changes_nothing(session, desk, expert, sent):
    address = begin(expert, desk)

    refused = expert.post(f"{address}/tasks/1/submit", json={"result": sent, "score": 1})

    assert refused.status_code == 422
    answer = session.exec(select(SampleAnswer).where(SampleAnswer.position == 1)).one()
    assert (answer.result, answer.score, answer.ended_at) == (None, None, None)


def test_an_answer_after_the_time_is_kept_and_nobody_fails_by_it(session, desk, expert):
    address = begin(expert, desk)
    expert.post(f"{address}/tasks/1/submit", json={"result": WRONG})
    session.execute(
        text(
            "update work_sample set started_at = now() - interval '2 days',"
            " expires_at = now() - interval '1 second'"
        )
    )
    session.commit()

    late = expert.post(f"{address}/tasks/2/submit", json={"result": WRONG})

    assert late.status_code == 409
    assert "time of this work sample is over" in late.json["title"]
    session.expire_all()
    answer = session.exec(select(SampleAnswer).where(SampleAnswer.position == 2)).one()
    assert (answer.draft, answer.result) == (WRONG, None)
    assert "The time was over" in expert.get(f"{address}/result").text
    assert sample_course.expire_next(session, at=now())
    assert not sample_course.expire_next(session, at=now())
    assert session.exec(select(Decision)).first() is None
    assert standing(session, desk).why is Why.TOO_SOON


def test_who_hands_nothing_in_uses_no_attempt_and_finds_the_same_tasks(session, desk):
    first = make_sample(session, desk)
    tasks = [one.task_id for one in sample_course.answers(session, first)]
    assert sample_course.expire_next(session, at=now() + timedelta(days=1))

    assert standing(session, desk).attempts_left == 2
    again = make_sample(session, desk)

    assert again.id != first.id
    assert [one.task_id for one in sample_course.answers(session, again)] == tasks


def test_tasks_are_spread_over_what_is_known_and_new_to_the_expert(session):
    desk = make_sample_desk(session, gold=0)
    for clause, number in (("grant", 9), ("patent", 1), ("other", 1)):
        for _ in range(number):
            make_task(session, desk.project, gold=choice(clause))
    seen = make_task(session, desk.project, gold=choice("liability"))
    expert_id = desk.experts[0].user_id
    make_assignment(session, desk.project, expert=desk.experts[0], task=seen)

    chosen = sample.choose(session, desk.project, "seed", 3, expert_id=expert_id)

    named = {agreed["value"]["choices"][0] for task in chosen for agreed in task.gold}
    assert named == {"grant", "patent", "other"}
    assert chosen == sample.choose(session, desk.project, "seed", 3, expert_id=expert_id)


def test_a_task_of_the_sample_never_comes_back_as_work(session):
    desk = make_sample_desk(session, gold=3, tasks=0)
    answer_sample(session, desk, make_sample(session, desk), 3)

    with pytest.raises(assignment.NoTask):
        claimed(session, desk.project, desk.experts[0].user_id, at=now())


def test_who_had_worked_before_stays_in_and_others_do_not(session):
    desk = make_sample_desk(session, gold=0, tasks=3, experts=2)
    for _ in range(3):
        make_task(session, desk.project, gold=choice("grant"))
    earlier = now() - timedelta(days=1)
    make_assignment(session, desk.project, expert=desk.experts[0], claimed_at=earlier)

    make_rule(session, desk.project, by=desk.owner)

    assert standing(session, desk, 0).why is Why.WAS_THERE
    assert standing(session, desk, 1).why is Why.TO_TAKE
    make_rule(session, desk.project, by=desk.owner, asked=Asked(tasks=3, pass_share=0.9))
    assert standing(session, desk, 0).why is Why.WAS_THERE


def test_an_owner_lets_in_by_hand_and_gives_another_try(session, owner, desk, expert):
    place = f"/projects/{desk.project_id}/work-sample/experts/{desk.experts[0].user_id}"
    take(session, expert, desk, [WRONG, WRONG, WRONG])
    assert standing(session, desk).why is Why.TOO_SOON
    assert owner.post(place, data={"kind": "another_try", "words": ""}).status_code == 422

    owner.post(place, data={"kind": "another_try", "words": "The site was down."})
    assert standing(session, desk).why in (Why.TO_TAKE, Why.FEW_GOLD)
    owner.post(place, data={"kind": "let_in", "words": "I know their work."})
    owner.post(place, data={"kind": "let_in", "words": "I know their work."})

    assert standing(session, desk).why is Why.LET_IN
    trail = session.execute(text("select count(*) from audit_event where action = 'sample.let_in'"))
    assert trail.scalar_one() == 1


def test_when_too_few_known_answers_are_left_it_is_said(session):
    desk = make_sample_desk(session, gold=3, asked=Asked(tasks=3, pass_share=0.7, delay_days=0))
    answer_sample(session, desk, make_sample(session, desk), 0)

    assert standing(session, desk).why is Why.FEW_GOLD
    with pytest.raises(sample_course.NoTasksLeft):
        make_sample(session, desk)


def test_a_known_answer_that_most_miss_is_flagged_and_refuses_nobody(session, sign_in):
    # Three known answers, so that everybody is shown the same ones.
    desk = make_sample_desk(session, gold=3, asked=Asked(tasks=3, pass_share=0.7))
    for _ in range(sample.DOUBT_FROM):
        extra = join(session, desk.project)
        found = sample_course.start(session, desk.project, extra.user_id, at=now())
        answer_sample(session, desk, found, 0)
    in_doubt = sample.doubtful(session, desk.project_id)
    assert in_doubt

    last = answer_sample(session, desk, make_sample(session, desk), 0)

    shown = {one.task_id for one in sample_course.answers(session, last)}
    assert shown & in_doubt
    assert last.state is SampleState.REVIEW
    page = sign_in(desk.owner).get(f"/projects/{desk.project_id}/work-sample").text
    assert "Most missed it" in page


def test_it_counts_into_no_dataset_and_pays_nothing(session, desk):
    answer_sample(session, desk, make_sample(session, desk), 3)

    assert list(released.read(session, [desk.project_id], until=now())) == []
    assert session.exec(select(Annotation)).all() == []
    assert session.exec(select(ExtraPay)).all() == []


def test_where_the_owner_pays_each_task_pays_once(session):
    desk = make_sample_desk(
        session,
        asked=Asked(tasks=3, pass_share=0.7, delay_days=0, paid=True),
        qualification_tasks=2,
        qualification_minor=150,
        gold=8,
    )
    expert_id = desk.experts[0].user_id

    answer_sample(session, desk, make_sample(session, desk), 0)
    answer_sample(session, desk, make_sample(session, desk), 3)

    paid = session.exec(select(ExtraPay)).all()
    assert [one.state for one in paid] == [ExtraState.EARNED] * 2
    assert [one.minor for one in earnings.owed(session, expert_id)] == [300]
    lease = claimed(session, desk.project, expert_id, at=now())
    assert "qualification_minor" not in lease.terms


def test_without_money_it_does_not_begin(session, sign_in):
    desk = make_sample_desk(
        session,
        asked=Asked(tasks=3, pass_share=0.7, paid=True),
        qualification_tasks=3,
        qualification_minor=150,
        funds=100,
    )
    session.commit()
    client = sign_in(session.get(User, desk.experts[0].user_id))

    page = client.post(f"/work-samples/projects/{desk.project_id}")

    assert page.status_code == 409
    assert "does not cover the pay of the work sample" in page.text
    assert session.exec(select(WorkSample)).first() is None


def test_an_owner_asks_for_it_on_a_form_that_refuses_too_few(session, sign_in):
    desk = make_sample_desk(session, gold=2)
    owner, place = sign_in(desk.owner), f"/projects/{desk.project_id}/work-sample"
    assert "Too few known answers" in owner.get(place).text
    data = {
        "tasks": "3",
        "pass_percent": "70",
        "floor_percent": "0",
        "minutes": "60",
        "attempts": "2",
        "delay_days": "7",
        "valid_days": "365",
    }
    few = owner.post(place, data=data)
    assert few.status_code == 422
    assert "there are 2" in few.text

    make_task(session, desk.project, gold=choice("grant"))
    assert owner.post(place, data=data | {"tasks": "9"}).status_code == 422
    unpaid = owner.post(place, data=data | {"paid": "y"})
    assert unpaid.status_code == 422
    assert "so a work sample has nothing to pay" in unpaid.text
    assert owner.post(place, data=data).status_code == 302
    owner.post(place, data=data)

    assert sample.newest_rule(session, desk.project_id).version == 1
    owner.post(f"{place}/end")
    assert standing(session, desk).why is Why.NO_RULE


def test_an_owner_tries_it_and_it_counts_nowhere(session, desk, owner):
    address = owner.post(f"/projects/{desk.project_id}/work-sample/try").location
    for position in (1, 2, 3):
        owner.post(f"{address}/tasks/{position}/submit", json={"result": WRONG})

    page = owner.get(f"{address}/result")

    assert "You have tried it out" in page.text
    assert "The known answer" in page.text
    assert "Nobody has taken it yet" in owner.get(f"/projects/{desk.project_id}/work-sample").text
    assert session.exec(select(Decision)).first() is None
    assert not sample.doubtful(session, desk.project_id)


def test_only_those_of_the_project_take_it(session, desk, sign_in):
    other = make_sample_desk(session)
    stranger = sign_in(session.get(User, other.experts[0].user_id))
    found = make_sample(session, desk)

    assert stranger.get(f"/work-samples/projects/{desk.project_id}").status_code == 403
    assert stranger.post(f"/work-samples/projects/{desk.project_id}").status_code == 403
    owner = sign_in(desk.owner)
    assert stranger.get(f"/work-samples/{found.id}/tasks/1/task.json").status_code in (403, 404)
    assert owner.get(f"/work-samples/{found.id}/tasks/1").status_code in (403, 404)


def test_the_database_refuses_a_failed_sample_without_its_decision(session, desk):
    found = answer_sample(session, desk, make_sample(session, desk), 2)
    session.flush()

    with pytest.raises(DBAPIError, match="no decision of kind sample_failed"):
        session.execute(
            text(
                "update work_sample set state = 'failed', decided_at = now(),"
                " decided_rule = 'x', contest_until = now(), decision_id = 1 where id = :id"
            ),
            {"id": found.id},
        )
