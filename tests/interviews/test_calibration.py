"""Calibrations of banks: proposed from answers, accepted by operators, used from then on."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.clock import now
from core.models import AuditEvent
from experts.fields import Field
from interviews import calibration, curves, editions, graded, items, jobs, outcome
from interviews.calibration import ItemChanged, NotAccepted, NothingChosen, NotTheLatest
from interviews.calibration_models import CalibrationRun, ItemVerdict
from tests.factories.accounts import make_user
from tests.factories.calibration import make_calibration, make_choice
from tests.factories.interviews import answer_all, make_interview, right_answer

ADAPTIVE = True
LAW = items.banks()[Field.LAW]


@pytest.fixture
def operator(session):
    return make_user(session, "operator")


def by_chance(random):
    return lambda _place, item: right_answer(item) if random.random() < 0.6 else None


def finished(session, count):
    random = Random(1)
    how = by_chance(random)
    return [answer_all(session, make_interview(session), how) for _one in range(count)]


def test_a_run_is_made_of_finished_interviews_once(session):
    finished(session, 4)
    make_interview(session)  # under way: not counted

    run = calibration.propose(session, LAW, at=now())
    again = calibration.propose(session, LAW, at=now())

    assert run.interviews == 4
    assert again is None
    found = calibration.items_of(session, run)
    assert len(found) == len(LAW.items)
    assert {one.verdict for one in found} == {ItemVerdict.FEW}
    assert calibration.in_force(session, LAW, now()) == curves.NONE
    assert session.exec(select(AuditEvent).where(AuditEvent.action == "calibration.proposed")).one()


def test_new_answers_make_a_new_run_beside_the_one_before(session):
    finished(session, 2)
    first = calibration.propose(session, LAW, at=now())
    finished(session, 1)

    second = calibration.propose(session, LAW, at=now() + timedelta(minutes=1))

    before = {one.item: one.difficulty for one in calibration.items_of(session, first)}
    assert {one.item: one.before for one in calibration.items_of(session, second)} == before


def test_without_any_answer_there_is_no_run(session):
    assert calibration.propose(session, LAW, at=now()) is None


def test_accepted_curves_count_for_interviews_that_begin_later(session, operator):
    early = make_interview(session)
    run = make_calibration(session)
    first = early.plan[0]["item"]
    at = now()

    calibration.accept(session, run, [one.id for one in LAW.items], LAW, by=operator, at=at)
    late = make_interview(session, at=at + timedelta(seconds=1))

    assert early.plan[0]["curve"]["thresholds"] == list(curves.prior(LAW.item(first)).thresholds)
    key = late.plan[0]["item"]
    shifted = [round(place + 0.3, 4) for place in curves.prior(LAW.item(key)).thresholds]
    assert late.plan[0]["curve"]["thresholds"] == shifted
    assert calibration.of(early, LAW) == curves.NONE
    known = calibration.of(late, LAW)
    assert graded.cut(LAW, known) == pytest.approx(graded.cut(LAW) + 0.3, abs=0.02)


def test_an_interview_under_way_or_over_is_scored_as_it_began(session, operator):
    at = now()
    done = answer_all(session, make_interview(session, at=at - timedelta(hours=1)), at=at)
    level = done.level
    run = make_calibration(session)
    calibration.accept(session, run, [one.id for one in LAW.items], LAW, by=operator, at=at)

    outcome.score(done, LAW, editions.responses(session, done))

    assert calibration.of(done, LAW) == curves.NONE
    assert done.level == level


def test_a_curve_can_be_taken_back(session, operator):
    run, at = make_calibration(session), now()
    calibration.accept(session, run, ["law-001", "law-002"], LAW, by=operator, at=at)

    calibration.withdraw(session, run, "law-001", LAW, by=operator, at=at)

    assert set(calibration.counting(session, LAW, now())) == {"law-002"}
    with pytest.raises(NotAccepted):
        calibration.withdraw(session, run, "law-001", LAW, by=operator, at=at)


def test_accepting_twice_does_one_thing(session, operator):
    run, at = make_calibration(session), now()

    assert calibration.accept(session, run, ["law-001"], LAW, by=operator, at=at) == 1
    assert calibration.accept(session, run, ["law-001"], LAW, by=operator, at=at) == 0


def test_what_cannot_be_accepted_changes_nothing(session, operator):
    old, at = make_calibration(session), now()
    run = make_calibration(session)

    for chosen, trouble in (([], NothingChosen), (["law-999"], ItemChanged)):
        with pytest.raises(trouble):
            calibration.accept(session, run, chosen, LAW, by=operator, at=at)
    with pytest.raises(NotTheLatest):
        calibration.accept(session, old, ["law-001"], LAW, by=operator, at=at)
    assert calibration.counting(session, LAW, now()) == {}


def test_an_item_with_other_words_counts_by_its_prior(session, operator):
    run = make_calibration(session)
    make_choice(session, run, "law-001", operator)
    content = LAW.model_dump()
    content["items"][0]["question"]["prompt"]["en"] += " Indeed?"
    changed = items.Bank.model_validate(content)

    assert LAW.items[0].id == "law-001"
    assert "law-001" in calibration.in_force(session, LAW, now()).curves
    assert calibration.in_force(session, changed, now()) == curves.NONE


@pytest.mark.parametrize("table", ["calibration_run", "item_calibration", "calibration_choice"])
def test_the_database_changes_no_calibration(session, operator, table):
    make_choice(session, make_calibration(session), "law-001", operator)

    with pytest.raises(DBAPIError, match=table):
        session.execute(text(f"delete from {table}"))


def test_only_one_works_a_bank_out_at_a_time(session, engine):
    finished(session, 1)
    with engine.connect() as another:
        another.execute(calibration.ONE_AT_A_TIME, {"field": Field.LAW})

        assert calibration.propose(session, LAW, at=now()) is None
    assert calibration.propose(session, LAW, at=now()) is not None


def test_the_jobs_wait_for_enough_answers(session):
    finished(session, 1)

    assert jobs.calibrate() == 0
    assert jobs.calibrate_field("law") is False


def test_the_page_says_how_many_answers_are_needed(session, sign_in, operator):
    finished(session, 1)

    page = sign_in(operator).get("/operator/interviews/calibration?field=law").text

    assert "1 of 200 finished interviews" in page
    assert "Work it out now" not in page


def test_an_operator_looks_accepts_and_takes_back(session, sign_in, operator):
    run = make_calibration(session)
    window = sign_in(operator)

    page = window.get("/operator/interviews/calibration?field=law&show=fine").text
    one = window.get(f"/operator/interviews/calibration/{run.id}/law-001").text
    french = sign_in(make_user(session, "operator", locale="fr"))
    read_in_french = french.get("/operator/interviews/calibration?field=law").text
    empty = window.get("/operator/interviews/calibration?field=law&show=flagged").text
    accepted = window.post(
        f"/operator/interviews/calibration/{run.id}/accept", data={"items": ["law-001", "law-002"]}
    )

    assert page.count('name="items"') == len(LAW.items)
    assert "Points that the curve foresees" in one
    assert "as foreseen" in page
    assert "as foreseen" not in read_in_french, "in the language of whoever reads, not of the first"
    assert "No item is like this" in empty
    assert accepted.status_code == 302
    assert set(calibration.counting(session, LAW, now())) == {"law-001", "law-002"}
    back = window.post(f"/operator/interviews/calibration/{run.id}/law-001/withdraw")
    assert back.status_code == 302
    assert set(calibration.counting(session, LAW, now())) == {"law-002"}
    nothing = window.post(f"/operator/interviews/calibration/{run.id}/accept")
    assert nothing.status_code == 422


def test_a_worker_works_it_out_when_asked(session, sign_in, operator):
    window, page = sign_in(operator), "/operator/interviews/calibration"
    for _click in range(2):
        answer = window.post(f"{page}/work-out", data={"field": "law"})

    assert answer.status_code == 302
    assert "It is being worked out already" in window.get(f"{page}?field=law").text
    assert "It is being worked out<" in window.get(f"{page}?field=law").text
    assert "It is being worked out<" not in window.get(f"{page}?field=medicine").text
    waiting = text("select count(*) from procrastinate_jobs where task_name = :name")
    asked = {"name": "interviews.calibrate_field"}
    assert session.execute(waiting, asked).scalar_one() == 1
    assert session.exec(select(CalibrationRun)).all() == []
