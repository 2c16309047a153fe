"""Two tabs at once, on a database where commits are commits."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlmodel import select

from core.clock import now
from core.models import Letter
from experts.models import Skill
from interviews import editions, looks
from interviews.models import Interview, Response, State
from tests.factories.accounts import make_user
from tests.factories.interviews import answer_all, answer_one, form_data, make_interview, right

TABS = 6


def at_once(act):
    """Run an act in several threads that begin together; return what each came to."""
    gate = threading.Barrier(TABS)

    def run(number):
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(TABS) as pool:
        return list(pool.map(run, range(TABS)))


def expert_of(live):
    with live.transaction() as session:
        user = make_user(session, "expert")
        session.expunge_all()
    return user


def test_tabs_that_start_at_once_start_one_interview(live):
    user = expert_of(live)

    def start(_number):
        data = {"field": "law", "consent": "y"}
        return live.client(user).post("/interviews/start", data=data).location

    places = at_once(start)

    assert len(set(places)) == 1
    with live.transaction() as session:
        assert len(session.exec(select(Interview)).all()) == 1


def test_tabs_that_answer_at_once_store_one_answer(live):
    user = expert_of(live)
    with live.transaction() as session:
        interview = make_interview(session, session.merge(user))
        number, item = interview.id, first_item(session, interview)

    def answer(tab):
        data = form_data(1, item) if tab % 2 else {"position": "1", "unknown": "1"}
        return live.client(user).post(f"/interviews/{number}/answer", data=data).status_code

    codes = at_once(answer)

    assert codes == [302] * TABS
    with live.transaction() as session:
        assert len(session.exec(select(Response)).all()) == 1


def test_the_last_answer_sent_by_several_tabs_decides_once(live):
    user = expert_of(live)
    with live.transaction() as session:
        interview = make_interview(session, session.merge(user))
        number = interview.id
        answer_all_but_the_last(session, interview)
        bank = editions.of(session, interview)
        data = form_data(15, editions.asked(bank, interview, 15)[1])

    at_once(lambda _tab: live.client(user).post(f"/interviews/{number}/answer", data=data))

    with live.transaction() as session:
        assert session.get(Interview, number).state is State.PASSED
        assert len(session.exec(select(Response)).all()) == 15
        assert len(session.exec(select(Skill)).all()) == 1
        assert len(session.exec(select(Letter)).all()) == 1


def test_two_operators_at_once_decide_once(live):
    with live.transaction() as session:
        operators = [make_user(session, "operator") for _ in range(2)]
        expert = make_user(session, "expert")
        interview = make_interview(session, expert)
        answer_all(session, interview, lambda p, i: right(p, i) if p <= 8 else None)
        number = interview.id
        for operator in operators:
            looks.look(session, interview, "The test decides.", by=operator, at=now())
        session.flush()
        session.expunge_all()
    why = "These reasons are long enough to be read by somebody."
    forms = [{"verdict": "passed"}, {"verdict": "failed", "why": why, "change": why}]

    def decide(tab):
        client = live.client(operators[tab % 2])
        return client.post(
            f"/operator/interviews/{number}/decision", data=forms[tab % 2]
        ).status_code

    codes = at_once(decide)

    assert sorted(set(codes)) == [302, 409]
    with live.transaction() as session:
        decided = session.get(Interview, number)
        assert decided.state in (State.PASSED, State.FAILED)
        assert len(session.exec(select(Skill)).all()) == (decided.state is State.PASSED)
        told = select(Letter).where(Letter.user_id == decided.expert_id)
        assert len(session.exec(told).all()) == 2


def first_item(session, interview):
    return editions.asked(editions.of(session, interview), interview, 1)[1]


def answer_all_but_the_last(session, interview):
    bank = editions.of(session, interview)
    for place in range(1, 15):
        answer_one(
            session, interview, place, right(place, editions.asked(bank, interview, place)[1])
        )
