"""Figures of judges against people, the frozen set that stays, and the gate that they open."""

import json
from random import Random

import pytest
from sklearn.metrics import cohen_kappa_score
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core import jobs
from core.clock import now
from experts.fields import Field
from interviews import frozen, gate, items, judge_health, kappa, measures, rubrics
from interviews.cli import judge_check
from interviews.judge_models import FrozenAnswer, Gate, JudgeRun, JudgeRunReading
from interviews.measures import Bars
from proofs import scripted_model
from proofs.scripted_model import Fault
from tests.factories.accounts import make_user
from tests.factories.judges import (
    answer_of,
    finish_run,
    is_second,
    keys_of,
    load_starter,
    make_run,
    open_gate,
    use_judges,
)

BARS = Bars(kappa=0.6, bias=0.1, answers=30, answers_per_field=6)
PEOPLE = {one["words"]: one["met"] for one in frozen.starter()}


def like_people(asked):
    """Read the starter set just as its authors did."""
    words = answer_of(asked)
    met = next(met for said, met in PEOPLE.items() if said == words)
    quote = words[:60].rsplit(" ", 1)[0]
    return json.dumps(
        {key: {"met": key in met, "quote": quote if key in met else ""} for key in keys_of(asked)}
    )


def all_met(asked):
    quote = answer_of(asked)[:60].rsplit(" ", 1)[0]
    return json.dumps({key: {"met": True, "quote": quote} for key in keys_of(asked)})


@pytest.fixture
def endpoint():
    with scripted_model.running(like_people) as model:
        yield model


@pytest.fixture
def having(app, endpoint):
    before = app.extensions["doyen.ports"]
    yield use_judges(app, endpoint.base_url)
    app.extensions["doyen.ports"].language_model._client.close()
    app.extensions["doyen.ports"] = before


@pytest.mark.parametrize("seed", range(5))
def test_weighted_kappa_is_that_of_scikit_learn(seed):
    lot = Random(seed)
    pairs = [(lot.randrange(13), lot.randrange(13)) for _ in range(40)]
    pairs += [(one, one) for one in range(0, 13, 3)]

    ours = kappa.weighted(pairs)
    theirs = cohen_kappa_score(*zip(*pairs, strict=True), weights="quadratic", labels=range(13))
    assert ours == pytest.approx(theirs)


def test_kappa_of_one_grade_is_no_figure():
    assert kappa.weighted([(3, 3), (3, 3)]) is None
    assert kappa.of([]) == kappa.Agreement(0, None, None, None)
    assert kappa.of([(0.5, 0.0), (0.0, 0.5)]).error == 0.5


def test_the_starter_set_is_whole(session):
    rows = load_starter(session)

    assert len(rows) == len(frozen.starter()) >= 40
    assert frozen.load_starter(session, now()) == 0, "each is loaded once"
    assert {row.language for row in rows} == {"en", "fr"}
    read = frozen.current(session)
    assert len(read) == len(rows), "every answer is to a question as it is now"
    for field, bank in items.banks().items():
        some = [one for one in read if one.field is field]
        assert len(some) >= 8
        measured = {one.rubric for one in some}
        assert {rubrics.digest(item) for item in rubrics.in_words(bank)} <= measured
        assert {0.0, 1.0} <= {one.points[0] for one in some}
    assert all(row.frozen_at for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        "update frozen_answer set words = 'x'",
        "delete from frozen_answer",
        "update frozen_reading set met = '[]'",
        "insert into frozen_reading (frozen_id, met) select id, '[]' from frozen_answer limit 1",
        "update judge_gate set is_open = true",
    ],
)
def test_what_is_frozen_stays(session, change):
    load_starter(session)

    with pytest.raises(DBAPIError):
        session.execute(text(change))


def test_figures_count_only_what_both_read_alike(session):
    load_starter(session)
    answers = frozen.current(session)
    read = {one.id: (None if n % 5 == 0 else one.people[0]) for n, one in enumerate(answers)}

    found = measures.results(answers, read, BARS)

    whole = found["whole"]
    assert whole["read"] == sum(met is not None for met in read.values())
    assert (whole["judges"]["kappa"], whole["judges"]["bias"]) == (1.0, 0.0)
    assert whole["checks"]["judges_only"] == whole["checks"]["people_only"] == 0
    assert whole["forms"]["kappa"] < 1
    assert whole["people"]["pairs"] == 0
    assert all(one["opens"] for one in found["fields"].values())


@pytest.mark.parametrize(
    ("read_as", "lacks"),
    [
        (lambda one: frozenset(rubrics.short(one.item).checks), {"kappa", "bias"}),
        (lambda _one: frozenset(), {"kappa", "bias"}),
        (lambda _one: None, {"answers", "kappa", "bias"}),
    ],
)
def test_bad_judges_open_nothing(session, read_as, lacks):
    load_starter(session)
    answers = frozen.current(session)

    found = measures.results(answers, {one.id: read_as(one) for one in answers}, BARS)

    assert set(found["whole"]["lacks"]) == lacks
    assert not any(one["opens"] for one in found["fields"].values())


def test_a_run_that_agrees_opens_the_gates_and_a_changed_question_stays_shut(
    app, session, having, endpoint
):
    run = make_run(session, having)
    assert make_run(session, having).id == run.id, "a second click finds the first"
    session.commit()

    assert jobs.run(app, "interviews.check_judges", run_id=run.id) == "measured"
    assert jobs.run(app, "interviews.check_judges", run_id=run.id) == "nothing to ask"

    session.expire_all()
    assert len(endpoint.asked) == 2 * len(frozen.starter())
    assert run.results["whole"]["judges"]["kappa"] == 1.0
    bank = items.banks()[Field.LAW]
    item = rubrics.in_words(bank)[0]
    assert gate.allows(session, having.version, Field.LAW, item)
    changed = item.model_copy(update={"question": item.question.model_copy(update={"needed": 1})})
    assert not gate.allows(session, having.version, Field.LAW, changed)
    assert not gate.allows(session, "another", Field.LAW, item)


def test_a_run_that_stops_half_way_is_gone_on_with(app, session, having, endpoint):
    run = make_run(session, having)
    session.commit()
    answered = []

    def dies(asked):
        answered.append(asked)
        return like_people(asked) if len(answered) <= 10 else Fault(status=503)

    endpoint.script = dies
    assert jobs.run(app, "interviews.check_judges", run_id=run.id) == "waits for the model"
    assert jobs.run(app, "interviews.go_on_checking") == 0, "it rests for a while"
    session.expire_all()
    run.held_until = None
    session.add(run)
    session.commit()
    endpoint.script, endpoint.asked = like_people, []

    assert jobs.run(app, "interviews.go_on_checking") == 1

    session.expire_all()
    assert run.finished_at is not None
    assert len(endpoint.asked) == 2 * len(frozen.starter()) - 10


def test_a_later_run_that_fails_closes_again(app, session, having, endpoint):
    finish_run(session, having, app.extensions["doyen.settings"])
    assert gate.state(session, having.version, Field.LAW).is_open
    endpoint.script = all_met
    run = make_run(session, having)
    session.commit()

    jobs.run(app, "interviews.check_judges", run_id=run.id)

    session.expire_all()
    assert not gate.state(session, having.version, Field.LAW).is_open
    rows = session.exec(select(JudgeRunReading).where(JudgeRunReading.run_id == run.id)).all()
    assert len(rows) == 2 * len(frozen.starter())


def test_the_page_and_the_command_say_how_it_stands(app, session, having, endpoint, sign_in):
    client = sign_in(make_user(session, "operator"))
    endpoint.script = lambda asked: (all_met if is_second(asked) else like_people)(asked)
    empty = client.get("/operator/interviews/judges").text
    assert "All gates are closed" in empty
    assert "never checked against people" in empty
    for _click in range(2):
        assert client.post("/operator/interviews/judges/check").status_code == 302
    run = session.exec(select(JudgeRun)).one()
    assert "A check is under way" in client.get("/operator/interviews/judges").text
    told = app.test_cli_runner().invoke(judge_check)
    assert "lacks" in told.output
    session.expire_all()
    assert run.finished_at is not None
    page = client.get("/operator/interviews/judges").text
    assert "Read it blind" in page, "what others found is not shown before one has read"
    assert "too few answers read alike" in page


def test_an_operator_closes_a_gate_with_words(app, session, having, sign_in):
    finish_run(session, having, app.extensions["doyen.settings"])
    session.commit()
    client = sign_in(make_user(session, "operator"))
    data = {"version": having.version, "field": "law", "words": "short"}

    assert client.post("/operator/interviews/judges/close", data=data).status_code == 422
    data["words"] = "Three invented readings were found in interviews of this week."
    for _click in range(2):
        assert client.post("/operator/interviews/judges/close", data=data).status_code == 302

    assert "nothing to close" in client.get("/operator/interviews/judges").text
    assert not gate.state(session, having.version, Field.LAW).is_open
    assert gate.state(session, having.version, Field.FINANCE).is_open
    closed = session.exec(select(Gate).where(Gate.field == Field.LAW, Gate.is_open.is_(False)))
    assert len(closed.all()) == 1
    assert "Three invented readings" in client.get("/operator/interviews/judges").text


def test_without_a_model_the_page_says_so(session, sign_in):
    client = sign_in(make_user(session, "operator"))

    assert "No judges here" in client.get("/operator/interviews/judges").text
    assert client.post("/operator/interviews/judges/check").status_code == 409
    assert session.exec(select(FrozenAnswer)).all() == []


def test_the_runs_bars_are_settings(app):
    settings = app.extensions["doyen.settings"]
    assert measures.bars(settings) == BARS


def test_a_raised_bar_shuts_at_once_what_no_longer_reaches_it(session, having, app, monkeypatch):
    open_gate(session, having)
    item = rubrics.in_words(items.banks()[Field.LAW])[0]
    assert gate.allows(session, having.version, Field.LAW, item)

    known = app.extensions["doyen.settings"].model_copy(update={"judge_kappa": 0.95})
    monkeypatch.setitem(app.extensions, "doyen.settings", known)

    assert not gate.allows(session, having.version, Field.LAW, item)
    state = gate.state(session, having.version, Field.LAW)
    assert state.is_open
    assert not gate.holds(session, state, known)
    [law] = [
        one
        for one in judge_health.fields(session, having.version, None, known)
        if one.field is Field.LAW
    ]
    assert (law.is_open, law.is_below) == (False, True)
