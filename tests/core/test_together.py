"""Questions that would wait for one another travel together, and each gets its own answer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, select

from accounts.models import User
from core import asking, db
from core.together import ALONE, Together
from tests.factories.accounts import make_user

NAME = "update user_account set name = %(name)s where id = %(id)s returning name"


class Messages:
    """What was sent; the first message waits until as many others have gathered."""

    def __init__(self, together, gathered):
        self.together, self.gathered = together, gathered
        self.sent = []
        self.fails = set()

    def __call__(self, questions):
        if not self.sent:
            wait_until(lambda: len(self.together._gathered["a"]) == self.gathered)
        self.sent.append(list(questions))
        if self.fails & set(questions):
            raise ValueError("not like this")
        return [question.upper() for question in questions]


def wait_until(comes):
    waited = Event()
    for _turn in range(1000):
        if comes():
            return
        waited.wait(0.01)
    raise TimeoutError


def all_at_once(acts):
    """Run functions in threads, one begun after the other; return what each returned or raised."""
    with ThreadPoolExecutor(len(acts)) as pool:
        coming = [pool.submit(act) for act in acts]
        return [one.exception() or one.result() for one in coming]


def test_who_asks_alone_sends_at_once_and_nothing_is_left():
    together = Together()
    messages = Messages(together, 0)

    assert together.ask("a", "one", messages) == "ONE"
    assert together.ask("a", "two", messages) == "TWO"
    assert messages.sent == [["one"], ["two"]]
    assert together._gathered == {}


def test_what_gathers_while_a_message_is_on_its_way_is_the_next_message():
    together = Together()
    messages = Messages(together, 5)
    words = ["one", "two", "three", "four", "five", "six"]

    said = all_at_once([lambda word=word: together.ask("a", word, messages) for word in words])

    assert said == [word.upper() for word in words]
    assert [len(message) for message in messages.sent] == [1, 5]
    assert together._gathered == {}


def test_queues_do_not_wait_for_each_other():
    together = Together()
    held, other = Event(), Event()

    def hold(questions):
        held.set()
        assert other.wait(10)
        return questions

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(together.ask, "a", "one", hold)
        assert held.wait(10)
        assert together.ask("b", "two", list) == "two"
        other.set()
        assert coming.result() == "one"


def test_a_message_that_fails_is_raised_to_the_one_who_sent_it_and_the_others_go_alone():
    together = Together()
    messages = Messages(together, 3)
    messages.fails = {"three"}

    said = all_at_once(
        [
            lambda word=word: together.ask("a", word, messages)
            for word in ("one", "two", "three", "x")
        ]
    )

    assert said[0] == "ONE"
    assert sum(isinstance(one, ValueError) for one in said) == 1
    assert sum(one is ALONE for one in said) == 2
    assert together.ask("a", "later", messages) == "LATER"


def test_the_first_message_fails_and_who_has_gathered_meanwhile_is_told():
    together = Together()
    messages = Messages(together, 2)
    messages.fails = {"one"}

    said = all_at_once(
        [lambda word=word: together.ask("a", word, messages) for word in ("one", "two", "three")]
    )

    assert sum(isinstance(one, ValueError) for one in said) == 1
    assert sorted(one for one in said if isinstance(one, str)) in (["THREE", "TWO"], ["ONE"])
    assert together._gathered == {}


@pytest.fixture
def people(live):
    """Return the numbers of people whose names are to be changed."""
    with live.transaction() as session:
        return [make_user(session, name=f"Person {n}", email=f"p{n}@x.org").id for n in range(6)]


def names(live):
    with Session(live.engine) as other:
        return list(other.exec(select(User.name).order_by(User.id)))


def asked(live, people, acts):
    """Ask several things at once in requests; the first waits at a lock until all have gathered.

    Nobody is asked about twice, and the first is asked about the first person.
    """
    queue = (live.engine, "names")
    with psycopg.connect(live.url) as holder:
        holder.execute("select from user_account where id = %s for update", [people[0]])

        def act(question, values):
            with live.app.test_request_context():
                session = db.db_session()
                try:
                    return asking.ask_and_commit(session, question, values, queue="names")
                except DBAPIError as failed:
                    session.rollback()
                    return failed

        with ThreadPoolExecutor(len(acts)) as pool:
            coming = [pool.submit(act, *acts[0])]
            wait_until(lambda: queue in asking.TOGETHER._gathered)
            coming += [pool.submit(act, *one) for one in acts[1:]]
            wait_until(lambda: len(asking.TOGETHER._gathered[queue]) == len(acts) - 1)
            holder.rollback()
            return [one.result() for one in coming]


def test_requests_of_one_queue_are_committed_each_for_itself(live, people):
    words = ["'; rollback; --", "%(id)s %% %s", "Zoë", "\\'", "Five", "Six"]
    acts = [(NAME, {"name": word, "id": one}) for word, one in zip(words, people, strict=True)]

    said = asked(live, people, acts)

    assert [one.name for one in said] == words
    assert names(live) == words
    with Session(live.engine) as other:  # each had a transaction of its own
        marks = other.execute(text("select xmin::text from user_account")).scalars().all()
        assert other.execute(text("show synchronous_commit")).scalar_one() == "on"
    assert len(set(marks)) == len(people)


def test_of_those_that_travel_together_only_the_wrong_one_fails(live, people):
    acts = [(NAME, {"name": f"New {n}", "id": one}) for n, one in enumerate(people)]
    taken = "update user_account set email = %(name)s where id = %(id)s returning name"
    acts[3] = (taken, {"name": "p0@x.org", "id": people[3]})

    said = asked(live, people, acts)

    assert isinstance(said[3], IntegrityError)
    assert "p0@x.org" not in str(said[3].statement)
    assert said[3].params is None
    rest = said[:3] + said[4:]
    assert [one.name for one in rest] == ["New 0", "New 1", "New 2", "New 4", "New 5"]
    assert names(live) == ["New 0", "New 1", "New 2", "Person 3", "New 4", "New 5"]


def test_what_has_been_committed_when_another_fails_is_asked_again(live, people):
    """A question that travels must bear that: here it counts how often it was asked."""
    with live.transaction() as session:
        session.execute(text("create table tried (id int, note jsonb)"))
    note = "insert into tried values (%(id)s, %(note)s) returning id"
    acts = [(NAME, {"name": "New 0", "id": people[0]})]
    acts += [(note, {"id": n, "note": Jsonb({"%s": "'"})}) for n in (1, 2)]
    acts += [("select 1 / %(none)s as id", {"none": 0})]

    said = asked(live, people, acts)

    assert [one.id for one in said[1:3]] == [1, 2]
    assert isinstance(said[3], DBAPIError)
    with Session(live.engine) as other:
        tries = other.execute(text("select id, count(*) from tried group by 1 order by 1")).all()
    assert [one for one, _count in tries] == [1, 2]
    assert all(count in (1, 2) for _one, count in tries)


def test_a_connection_that_dies_takes_only_its_own_request_with_it(live, people):
    end_own = "select pg_terminate_backend(pg_backend_pid()) as name"
    acts = [(NAME, {"name": f"New {n}", "id": one}) for n, one in enumerate(people)]
    acts[2] = (end_own, {})

    said = asked(live, people, acts)

    failed = [one for one in said if isinstance(one, DBAPIError)]
    assert 1 <= len(failed) <= 2  # its own, and that of the one who sent it along
    assert all(one.connection_invalidated for one in failed)
    done = [one.name for one in said if not isinstance(one, DBAPIError)]
    assert len(done) >= 4
    assert set(done) <= set(names(live))


def test_many_hand_in_at_once_and_each_is_answered(live, people):
    start = Barrier(6)

    def act(turn, one):
        start.wait()
        with live.app.test_request_context():
            value = {"name": f"{turn}-{one}", "id": one}
            return asking.ask_and_commit(db.db_session(), NAME, value, queue="names").name

    for turn in range(10):
        with ThreadPoolExecutor(6) as pool:
            said = list(pool.map(act, [turn] * 6, people))
        assert said == [f"{turn}-{one}" for one in people] == names(live)
    assert asking.TOGETHER._gathered == {}
