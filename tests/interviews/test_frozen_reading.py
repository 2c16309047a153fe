"""Several people read the frozen set blind, and what they find counts beside the authors'."""

from datetime import timedelta
from random import Random

import pytest
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts.models import Purpose, User
from core.clock import now
from experts.fields import Field
from interviews import (
    correlation,
    frozen,
    frozen_reading,
    gate,
    judge_health,
    judge_runs,
    kappa,
    measures,
    reading_queue,
    system_card_judges,
)
from interviews.correlation import Tendency
from interviews.judge_models import FrozenReading, JudgeRun
from interviews.models import Mode
from proofs import scripted_model
from tests.factories.accounts import make_user
from tests.factories.judges import (
    OWN_WORDS,
    consent,
    finish_run,
    load_starter,
    make_near,
    use_judges,
)
from tests.interviews.test_judge_gate import BARS, like_people

PAGE = "/operator/interviews/frozen-set"


@pytest.fixture
def operator(session):
    return make_user(session, "operator", name="Ana Reader")


@pytest.fixture
def starter(session):
    load_starter(session)
    return frozen.current(session)


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


@pytest.mark.parametrize("seed", range(4))
def test_correlation_is_that_of_scipy(seed):
    lot = Random(seed)
    ones = [lot.randrange(30) for _ in range(40)]
    others = [one + lot.choice((0, 0, 20)) * lot.random() // 0.5 for one in ones]

    found = correlation.spearman(ones, others)

    assert found.value == pytest.approx(spearmanr(ones, others).statistic)
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("answers", "points", "tendency"),
    [
        (30, lambda place: place, Tendency.MORE),
        (30, lambda place: -place, Tendency.LESS),
        (30, lambda place: place * 7 % 11, Tendency.NONE),
        (30, lambda _place: 0.5, Tendency.UNKNOWN),
        (19, lambda place: place, Tendency.FEW),
        (0, lambda place: place, Tendency.FEW),
    ],
)
def test_few_answers_say_nothing_and_equal_points_neither(answers, points, tendency):
    ones = list(range(answers))

    assert correlation.spearman(ones, [points(one) for one in ones]).tendency is tendency


def test_judges_that_like_length_are_seen_beside_people_who_do_not():
    lot = Random(1)
    found = [(place, min(1.0, place / 60), lot.choice((0.0, 0.5, 1.0))) for place in range(60)]

    said = correlation.of_points(found)

    assert {name: one["tendency"] for name, one in said.items()} == {
        "judges": "more",
        "people": "none",
        "beyond": "more",
    }


def test_agreement_among_readers_takes_all_of_them_in_both_orders():
    lot = Random(3)
    answers = [
        [lot.choice((0.0, 0.5, 1.0)) for _ in range(lot.choice((1, 2, 3)))] for _ in "x" * 40
    ]
    pairs = [(a, b) for some in answers for n, a in enumerate(some) for b in some[n + 1 :]]
    both = pairs + [(b, a) for a, b in pairs]
    ones, others = ([kappa.grade(one) for one in side] for side in zip(*both, strict=True))

    found = kappa.among(answers)

    assert found.pairs == len(pairs)
    assert found.kappa == pytest.approx(cohen_kappa_score(ones, others, weights="quadratic"))
    assert kappa.among([[1.0], [0.5]]) == kappa.Agreement(0, None, None, None)


def test_a_reading_is_added_once_and_counts_beside_the_authors(session, starter, operator):
    one = frozen_reading.next_for(session, operator.id, Field.LAW)
    checks = list(one.item.question.checks)

    for met in (checks[:1], checks):
        frozen_reading.read(session, one, met, by=operator, at=now())

    [again] = frozen.current(session, only=one.id)
    assert again.readers == (None, operator.id)
    assert again.people[1] == frozenset(checks[:1]), "sent twice, the first counts"
    following = frozen_reading.next_for(session, operator.id, Field.LAW)
    assert following.id != one.id
    other = make_user(session, "operator")
    assert frozen_reading.next_for(session, other.id, Field.LAW).id == following.id
    law = next(f for f in frozen_reading.by_field(session, other.id) if f.field is Field.LAW)
    assert (law.by_several, law.people.pairs, law.left) == (1, 1, law.answers)


def test_a_reading_is_taken_back_for_a_while_and_may_be_given_anew(session, starter, operator):
    one, at = starter[0], now()
    frozen_reading.read(session, one, [], by=operator, at=at)
    for _click in range(2):
        frozen_reading.undo(session, one.id, by=operator, at=at)
    assert frozen.current(session, only=one.id)[0].readers == (None,)

    frozen_reading.read(session, one, list(one.people[0]), by=operator, at=at)
    with pytest.raises(frozen_reading.TooLate):
        frozen_reading.undo(session, one.id, by=operator, at=at + frozen_reading.UNDO_FOR)
    assert len(session.exec(select(FrozenReading).where(FrozenReading.read_at == at)).all()) == 2


@pytest.mark.parametrize(
    "change",
    [
        "insert into frozen_reading (frozen_id, reader_id, met) values (:id, :by, '[]')",
        "insert into frozen_reading (frozen_id, met, read_at) values (:id, '[]', now())",
        "update frozen_reading set met = '[\"x\"]' where reader_id = :by",
        "update frozen_reading set undone_at = null where reader_id = :by",
        "update frozen_reading set undone_at = now() where reader_id is null",
    ],
)
def test_the_database_keeps_readings_as_they_were(session, starter, operator, change):
    frozen_reading.read(session, starter[0], [], by=operator, at=now())
    frozen_reading.undo(session, starter[0].id, by=operator, at=now())

    with pytest.raises(DBAPIError):
        session.execute(text(change), {"id": starter[1].id, "by": operator.id})


def freeze_one(session, operator):
    """Put an answer of an interview into the set, read by an operator and a second one."""
    near = make_near(session, mode=Mode.STRUCTURED)
    person = session.get(User, near.expert_id)
    for purpose in (Purpose.TRANSCRIPTS, Purpose.AI_INTERVIEW):
        consent(session, person, purpose)
    readers = [operator, make_user(session, "operator")]
    one = reading_queue.found(session, reading_queue.take_next(session, operator.id, now()))
    reading_queue.read(session, one, {}, by=operator, at=now())
    place = frozen.propose(session, one.response, by=operator, at=now())
    while place.frozen_at is None:
        row = reading_queue.take_next(session, readers[1].id, now())
        found = reading_queue.found(session, row)
        reading_queue.read(session, found, {}, by=readers[1], at=now())
    return near, place, person, readers


def test_nobody_reads_an_answer_of_their_own_or_one_they_decided_on(session, operator):
    near, place, person, readers = freeze_one(session, operator)
    third = make_user(session, "operator")

    [kept] = frozen.current(session)
    assert kept.readers == tuple(one.id for one in readers)
    assert frozen_reading.find(session, place.id, third.id).id == place.id
    with pytest.raises(frozen_reading.NotBlind):
        frozen_reading.find(session, place.id, person.id)
    near.decided_by = third.id
    assert frozen_reading.open_to([kept], third.id) == []
    near.decided_by = None


def test_the_pages_are_blind_first_and_name_the_readers_then(sign_in, session, operator):
    client = sign_in(operator)
    assert "Nothing is loaded yet" in client.get(PAGE).text
    where = client.post(f"{PAGE}/next", data={"field": "law"}).location
    blind = client.get(where).text
    assert "Which points does it make" in blind
    assert "The authors of the banks" not in blind
    key = blind.split('name="met_')[1].split('"')[0]

    assert client.post(where, data={f"met_{key}": "y"}).status_code == 302
    shown = client.get(where).text
    assert "The authors of the banks" in shown
    assert "Undo my reading" in shown
    other = sign_in(make_user(session, "operator"))
    assert "Ana Reader" not in other.get(where).text
    other.post(where, data={})
    assert "Ana Reader" in other.get(where).text
    page = client.get(PAGE).text
    assert "1 by two or more" in page
    path = where.split("?")[0]
    for _click in range(2):
        assert client.post(f"{path}/undo").status_code == 302
    assert "Which points does it make" in client.get(where).text
    assert client.get(f"{PAGE}/999999").status_code == 404
    assert client.post(f"{PAGE}/next", data={"field": "nonsense"}).status_code == 302


def test_a_single_reading_is_said_plainly_until_others_are_counted(
    app, session, having, sign_in, operator
):
    run = finish_run(session, having, app.extensions["doyen.settings"])
    session.commit()
    client = sign_in(operator)
    page = client.get("/operator/interviews/judges").text
    assert "rests on that one reading" in page
    assert page.count("one reading") >= 5
    assert "Do long answers get more points?" in page
    assert "too few answers to say" in page
    with_model = app.extensions["doyen.settings"].model_copy(
        update={"llm_base_url": "http://model.test", "llm_model": "tiny"}
    )
    session.expire_all()
    said = dict(system_card_judges.lines(session, with_model))
    assert "had one reading by a person" in said["Gates"]
    asked = len(session.exec(text("select id from model_call")).all())

    for one in frozen.current(session):
        frozen_reading.read(session, one, one.people[0], by=operator, at=now())
    session.commit()
    page = client.get("/operator/interviews/judges").text
    assert "do not count yet" in page
    for _click in range(2):
        assert client.post("/operator/interviews/judges/count-again").status_code == 302

    page = client.get("/operator/interviews/judges").text
    assert "rests on that one reading" not in page
    assert "do not count yet" not in page
    assert "at least 2 readings of each" in page
    last = session.exec(select(JudgeRun).order_by(JudgeRun.id.desc())).first()
    assert last.results["whole"]["people"]["kappa"] == 1.0
    assert last.counted_from == run.id, "the second click finds nothing new"
    assert gate.state(session, having.version, Field.LAW).is_open
    assert len(session.exec(text("select id from model_call")).all()) == asked, "nobody is asked"


def test_counting_again_does_not_open_what_was_closed_by_hand(app, session, having, operator):
    finish_run(session, having, app.extensions["doyen.settings"])
    words = "They read denials as points this week."
    gate.close(session, having.version, Field.LAW, words, by=operator, at=now())
    settings = app.extensions["doyen.settings"]

    assert judge_runs.count_again(session, having, settings, by=operator.id, at=now()) is None
    one = frozen.current(session)[0]
    frozen_reading.read(session, one, one.people[0], by=operator, at=now())
    later = now() + timedelta(seconds=1)
    run = judge_runs.count_again(session, having, settings, by=operator.id, at=later)

    assert run.finished_at is not None
    assert not gate.state(session, having.version, Field.LAW).is_open
    assert gate.state(session, having.version, Field.FINANCE).is_open


def test_where_judges_and_people_differ_is_shown_to_who_has_read(
    app, session, having, sign_in, operator
):
    _near, place, person, _readers = freeze_one(session, operator)

    def said(answer):
        return answer.people[0] if answer.is_ours else answer.item.question.checks

    run = finish_run(session, having, app.extensions["doyen.settings"], said)
    session.commit()
    reader = make_user(session, "operator")
    first = next(one for one in frozen.current(session) if one.is_ours)
    other = frozenset(first.item.question.checks) - first.people[0]
    frozen_reading.read(session, first, other, by=make_user(session, "operator"), at=now())

    [of_person, row] = judge_health.differing(session, run, reader.id)
    assert of_person.answer.id == place.id
    assert row.is_hidden
    assert len(judge_health.differing(session, run, person.id)) == 1, "never one's own"
    session.commit()
    client = sign_in(reader)
    page = client.get("/operator/interviews/judges").text
    assert "Read it blind" in page
    assert OWN_WORDS not in page
    page = sign_in(operator).get("/operator/interviews/judges").text
    assert f"{PAGE}/{place.id}" in page
    assert OWN_WORDS not in page, "words of people are shown where each look is on record"
    frozen_reading.read(session, first, [], by=reader, at=now())
    [_of_person, row] = judge_health.differing(session, run, reader.id)
    assert not row.is_hidden
    assert len(row.people) == 3


def test_results_count_readers_and_length(session, starter):
    found = measures.results(starter, {one.id: one.people[0] for one in starter}, BARS)["whole"]

    assert found["readings"] == {"least": 1, "most": 1, "by_one": len(starter)}
    assert found["length"]["judges"]["value"] == pytest.approx(found["length"]["people"]["value"])
    assert found["length"]["beyond"]["tendency"] == "unknown"


def test_the_set_costs_the_same_number_of_questions_however_many_answers(session, starter):

    asked = []
    connection = session.connection()

    def note(_conn, _cursor, statement, *_more):
        asked.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    frozen.current(session)
    event.remove(connection, "before_cursor_execute", note)
    assert len(asked) == 2
